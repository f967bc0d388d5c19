"""What was made by what is told of files that are there, however many models are named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from storewarden.clock import ManualClock
from storewarden.daemon.tending import generated
from storewarden.daemon.tending.generated import MOST, GeneratedFigures, model_label
from storewarden.measure.metrics import Metrics
from storewarden.model import Provenance
from tests.catalogues import Place as Catalogue
from tests.inspecting import Shelf
from tests.recording import check_totals, entry


@pytest.fixture
def shelf(place: Catalogue) -> Iterator[Shelf]:
    shelf = Shelf(place.made())
    yield shelf
    check_totals(shelf.engine, shelf.counts)


def put(shelf: Shelf, name: bytes, tool: str, model: str | None, size: int = 10) -> None:
    inode = 1 + shelf.engine.execute("SELECT coalesce(max(inode), 0) FROM files")[0][0]
    shelf.say(inode, provenance=Provenance(tool, model=model))
    shelf.names(entry(name, inode, size=size))
    shelf.inspect()


class Told:
    """The figures of a shelf, as they are scraped."""

    def __init__(self, shelf: Shelf, size: int = 20_000) -> None:
        ((host,),) = shelf.engine.execute("SELECT id FROM hosts")
        self.metrics, self.clock = Metrics("0"), ManualClock()
        self.figures = GeneratedFigures(shelf.engine, host, self.metrics, self.clock, size)

    def steps(self, number: int = 100) -> None:
        for _ in range(number):
            self.figures.step()

    def of(self, name: str = "generated_files") -> dict[tuple[str, str], float]:
        return {
            (sample.labels["tool"], sample.labels["model"]): sample.value
            for family in text_string_to_metric_families(self.metrics.expose()[1].decode())
            if family.name == f"storewarden_{name}"
            for sample in family.samples
        }


def files(shelf: Shelf) -> dict[tuple[str, str], float]:
    told = Told(shelf)
    told.steps()
    return told.of()


def test_files_are_told_by_tool_and_model(shelf: Shelf) -> None:
    put(shelf, b"a.png", "comfyui", "flux1-dev.safetensors", 10)
    put(shelf, b"b.png", "comfyui", "flux1-dev.safetensors", 20)
    put(shelf, b"c.png", "midjourney", None, 5)
    put(shelf, b"d.png", "comfyui", "sdxl.safetensors", 1)

    told = Told(shelf)
    told.steps()
    assert told.of() == {
        ("comfyui", "flux1-dev.safetensors"): 2,
        ("comfyui", "sdxl.safetensors"): 1,
        ("midjourney", "unknown"): 1,
    }
    assert told.of("generated_bytes")["comfyui", "flux1-dev.safetensors"] == 30


def test_a_sidecar_that_tells_how_a_picture_was_made_is_no_second_file(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1, size=7))
    shelf.inspect()
    shelf.say(2, provenance=Provenance("fooocus", model="sdxl"))
    shelf.names(entry(b"a.png.json", 2, size=100))
    shelf.inspect()

    assert files(shelf) == {("fooocus", "sdxl"): 1}


def test_what_left_is_not_told(shelf: Shelf) -> None:
    put(shelf, b"a.png", "comfyui", "sdxl")
    shelf.gone(b"a.png")

    assert files(shelf) == {}


def test_files_are_gone_through_in_slices_and_shown_at_the_end_then_there_is_a_rest(
    shelf: Shelf,
) -> None:
    for number in range(5):
        put(shelf, b"%d.png" % number, "comfyui", "sdxl")
    told = Told(shelf, size=2)
    told.steps(3)
    assert told.of() == {}
    told.steps(1)
    assert told.of() == {("comfyui", "sdxl"): 5}

    put(shelf, b"new.png", "comfyui", "sdxl")
    told.steps()
    assert told.of() == {("comfyui", "sdxl"): 5}
    told.clock.advance(10)
    told.steps()
    assert told.of() == {("comfyui", "sdxl"): 6}


def test_metrics_are_bounded_and_no_label_is_a_stranger_s(shelf: Shelf) -> None:
    for number in range(MOST + 20):
        put(shelf, b"%d.png" % number, "comfyui", f"m{number:03}.safetensors")
    put(shelf, b"odd.png", "comfyui", '"} 1\nforged{a="')
    put(shelf, b"rare.png", "invokeai", "sdxl")
    found = files(shelf)

    assert sum(found.values()) == MOST + 22
    assert len(found) == MOST + 2
    assert found["comfyui", "other"] == 21
    assert found["invokeai", "other"] == 1


def test_no_more_models_are_told_apart_than_fit(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generated, "REMEMBERED", 3)
    for number in range(6):
        put(shelf, b"%d.png" % number, "comfyui", f"m{number}")
    found = files(shelf)

    assert len(found) == 4
    assert found["comfyui", "other"] == 3


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("sd_xl_base_1.0.safetensors", "sd_xl_base_1.0.safetensors"),
        ("SDXL/juggernaut.safetensors", "juggernaut.safetensors"),
        ("C:\\models\\a.ckpt", "a.ckpt"),
        ("Flux dev", "Flux dev"),
        ("gpt\x1b[31m", "other"),
        ("a" * 65, "other"),
        ("", "other"),
        (None, "unknown"),
    ],
)
def test_a_model_is_called_by_its_plain_name(name: str | None, label: str) -> None:
    assert model_label(name) == label
