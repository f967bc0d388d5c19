"""A file lands, and a minute later a person finds it by what it says of itself."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from tests.daemon import Daemon

ROOT = "save_outputs"
INFOTEXT = (
    "a lighthouse at dusk, oil on canvas\nNegative prompt: storm\n"
    "Steps: 28, Sampler: Euler, CFG scale: 3.5, Seed: 4242, Size: 64x48, "
    "Model hash: 875df240c1, Model: flux1-dev, Version: 1.10.1"
)
SPOKEN = "1\n00:00:00,000 --> 00:00:02,000\nThe keeper lit the lamp at dusk.\n"
WORKFLOW = "3f2c9a60-5d7e-4c1b-9a3e-0d6f4b8a7c21"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    place = tmp_path / ROOT
    place.mkdir()
    return place


@pytest.fixture
def daemon(tmp_path: Path, outputs: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path / "daemon", {ROOT: outputs}) as running:
        yield running


def painting(path: Path, parameters: str = INFOTEXT, size: tuple[int, int] = (64, 48)) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("parameters", parameters)
    Image.new("RGB", size).save(path, pnginfo=told)


def lines(daemon: Daemon, *arguments: str) -> list[dict[str, Any]]:
    done = daemon.verb(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def looked_into(daemon: Daemon, files: int) -> None:
    """Wait until so many files are recorded and none waits to be looked into."""

    def done() -> bool:
        told = daemon.status_of(ROOT)
        return bool(told["files"] == files and told["uninspected"] == 0)

    daemon.until(done, "all files are looked into")


def test_a_picture_is_found_by_its_prompt(daemon: Daemon, outputs: Path) -> None:
    place = outputs / WORKFLOW / "scene_7"
    place.mkdir(parents=True)
    painting(place / "picture.png")
    looked_into(daemon, 1)

    (hit,) = lines(daemon, "search", "lighthouse at dusk")
    assert (hit["path"], hit["model"], hit["seed"]) == (
        f"{WORKFLOW}/scene_7/picture.png",
        "flux1-dev",
        4242,
    )
    assert (hit["width"], hit["height"], hit["kind"], hit["mime"]) == (64, 48, "image", "image/png")
    assert (hit["workflow"], hit["scene"]) == (WORKFLOW, "7")
    (snippet,) = hit["snippets"]
    assert [snippet["text"][b:e] for b, e in snippet["marks"]]

    told = daemon.verb("show", str(place / "picture.png"), "--raw").stdout
    assert "prompt\ta lighthouse at dusk, oil on canvas\n" in told
    assert "negative\tstorm\n" in told
    assert "raw\tpng:parameters\ta lighthouse" in told
    assert lines(daemon, "files", "model=flux*", "width>=64", f"workflow={WORKFLOW}")
    assert lines(daemon, "files", "width>64") == []
    assert daemon.metric('inspection_pending_files{root="save_outputs"}') == 0
    assert daemon.metric('inspections_total{inspector="png",outcome="read"}') >= 1


def test_a_film_is_found_by_what_is_said_in_it(daemon: Daemon, outputs: Path) -> None:
    (outputs / "film.en.srt").write_text(SPOKEN)
    (outputs / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2")
    looked_into(daemon, 2)

    (hit,) = lines(daemon, "search", "keeper", "dusk", "kind=video")
    assert (hit["path"], hit["transcript"]["language"]) == ("film.mp4", "en")
    assert hit["sidecars"] == [{"path": "film.en.srt", "role": "subtitle"}]

    os.rename(outputs / "film.en.srt", outputs / "other.srt")
    daemon.until(
        lambda: not lines(daemon, "search", "keeper", "kind=video"), "the words went with the name"
    )


def test_a_picture_that_changes_is_looked_into_again(daemon: Daemon, outputs: Path) -> None:
    painting(outputs / "picture.png")
    looked_into(daemon, 1)
    painting(outputs / "picture.png", INFOTEXT.replace("lighthouse", "submarine"), (32, 32))

    daemon.until(lambda: lines(daemon, "search", "submarine"), "the new prompt is found")
    assert lines(daemon, "search", "lighthouse") == []
    assert [one["width"] for one in lines(daemon, "files")] == [32]


def test_what_is_broken_is_told_with_its_reason_and_hurts_nobody(
    daemon: Daemon, outputs: Path
) -> None:
    painting(outputs / "whole.png")
    whole = (outputs / "whole.png").read_bytes()
    (outputs / "broken.png").write_bytes(whole[:20])
    (outputs / "no picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(500))
    looked_into(daemon, 3)

    refused = lines(daemon, "files", "outcome!=read")
    assert [one["path"] for one in refused] == ["broken.png", "no picture.png"]
    assert all(one["reason"] for one in refused)
    assert "whole.png" in daemon.verb("search", "lighthouse").stdout


def test_the_same_picture_twice_is_told(daemon: Daemon, outputs: Path) -> None:
    painting(outputs / "one.png")
    (outputs / "two.png").write_bytes((outputs / "one.png").read_bytes())
    daemon.until(lambda: len(lines(daemon, "files", "digest!=none")) == 2, "digests are taken")

    (group,) = lines(daemon, "same")
    assert [one["path"] for one in group["files"]] == ["one.png", "two.png"]
    assert group["wasted"] == group["size"] == (outputs / "one.png").stat().st_size


def test_who_searches_where_nobody_looks_is_told_so(tmp_path: Path, outputs: Path) -> None:
    painting(outputs / "picture.png")
    with Daemon(tmp_path / "daemon", {ROOT: {"path": str(outputs), "inspect": False}}) as daemon:
        daemon.until(lambda: daemon.status_of(ROOT)["files"] == 1, "it is recorded")
        done = daemon.verb("search", "lighthouse")

    assert (done.returncode, done.stdout) == (0, "")
    assert "of 1 file; not looked into, as configured: save_outputs" in done.stderr
