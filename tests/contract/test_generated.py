"""What was made by what is told of files that are there, however many models are named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from storewarden.catalogue.generated import Generated, most_common
from storewarden.clock import ManualClock
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


def told(shelf: Shelf, most: int = MOST) -> list[Generated]:
    ((host,),) = shelf.engine.execute("SELECT id FROM hosts")
    return sorted(most_common(shelf.engine, host, most))


def test_files_are_told_by_tool_and_model(shelf: Shelf) -> None:
    put(shelf, b"a.png", "comfyui", "flux1-dev.safetensors", 10)
    put(shelf, b"b.png", "comfyui", "flux1-dev.safetensors", 20)
    put(shelf, b"c.png", "midjourney", None, 5)
    put(shelf, b"d.png", "comfyui", "sdxl.safetensors", 1)

    assert told(shelf) == [
        Generated("comfyui", "flux1-dev.safetensors", 2, 30),
        Generated("comfyui", "sdxl.safetensors", 1, 1),
        Generated("midjourney", "unknown", 1, 5),
    ]
    assert told(shelf, 1)[1] == Generated("comfyui", "other", 1, 1)


def test_a_sidecar_that_tells_how_a_picture_was_made_is_no_second_file(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1, size=7))
    shelf.inspect()
    shelf.say(2, provenance=Provenance("fooocus", model="sdxl"))
    shelf.names(entry(b"a.png.json", 2, size=100))
    shelf.inspect()

    assert told(shelf) == [Generated("fooocus", "sdxl", 1, 7)]


def test_what_left_is_not_told(shelf: Shelf) -> None:
    put(shelf, b"a.png", "comfyui", "sdxl")
    shelf.gone(b"a.png")

    assert told(shelf) == []


def test_metrics_are_bounded_and_no_label_is_a_stranger_s(shelf: Shelf) -> None:
    for number in range(MOST + 20):
        put(shelf, b"%d.png" % number, "comfyui", f"m{number:03}.safetensors")
    put(shelf, b"odd.png", "comfyui", '"} 1\nforged{a="')
    put(shelf, b"odd2.png", "comfyui", '"} 1\nforged{a="')
    metrics, clock = Metrics("0"), ManualClock()
    ((host,),) = shelf.engine.execute("SELECT id FROM hosts")
    figures = GeneratedFigures(shelf.engine, host, metrics, clock)
    figures.step()
    (family,) = (
        one
        for one in text_string_to_metric_families(metrics.expose()[1].decode())
        if one.name == "storewarden_generated_files"
    )

    assert sum(sample.value for sample in family.samples) == MOST + 22
    assert len(family.samples) == MOST
    assert {s.labels["model"] for s in family.samples if s.value > 1} == {"other"}

    put(shelf, b"new.png", "invokeai", "sdxl")
    figures.step()
    assert b"invokeai" not in metrics.expose()[1]
    clock.advance(10)
    figures.step()
    assert b'generated_files{model="other",tool="invokeai"} 1.0' in metrics.expose()[1]


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
    ],
)
def test_a_model_is_called_by_its_plain_name(name: str, label: str) -> None:
    assert model_label(name) == label
