"""Recorded files and what is known of them, as people, pipes and programs see them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.carry import carry_all
from storewarden.api.deeds import TellFile, TellWorkflow
from storewarden.api.who import MACHINE
from storewarden.catalogue.engine import Engine
from storewarden.cli import main
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

FIELDS = ["root", "path", "kind", "size", "mtime_ns", "digest", "state"]


def test_a_list_for_people(catalogue: Engine, run: Run, golden: Golden) -> None:
    golden("cli/files-people.txt", run("files", "state=any", terminal=True).out)


def test_a_list_for_pipes(catalogue: Engine, run: Run, golden: Golden) -> None:
    golden("cli/files-programs.txt", run("files").out)


def test_a_list_for_programs(catalogue: Engine, run: Run) -> None:
    ran = run("files", "--json", "kind=image")

    assert ran.code == 0
    assert [list(one)[:7] for one in ran.lines] == [FIELDS, FIELDS]
    cat, odd = ran.lines
    assert (cat["path"], cat["size"], cat["digest"]) == ("cat.png", 1_499_990, "01" * 32)
    assert (odd["path"], odd["path_hex"]) == (
        r"two\nlines \xff.png",
        b"two\nlines \xff.png".hex(),
    )
    assert "path_hex" not in cat


def test_a_list_with_facts_for_people(rich: Engine, run: Run, golden: Golden) -> None:
    golden("cli/files-facts-people.txt", run("files", "state=any", terminal=True).out)


def test_a_list_with_facts_for_pipes(rich: Engine, run: Run, golden: Golden) -> None:
    golden("cli/files-facts-programs.txt", run("files").out)


def test_a_list_with_facts_for_programs(rich: Engine, run: Run, golden: Golden) -> None:
    golden("cli/files-facts-json.txt", run("files", "--json").out)


def test_a_line_is_no_longer_than_the_terminal(
    rich: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    (line,) = run("files", "name=cat.png", terminal=True).out.splitlines()

    assert line.endswith("1024×768  flux1-dev  a cat asleep…")
    assert len(line) <= 100


@pytest.mark.parametrize(
    ("terms", "paths"),
    [
        (["model=flux*", "width>=1024"], ["cat.png", "copy of cat.png"]),
        (["duration>1min"], ["renders/a b/film.mp4"]),
        (["outcome=refused"], [r"two\nlines \xff.png"]),
        (["workflow=story", "scene=3"], ["cat.png"]),
        ([f"seed={2**63 + 42}", "root=uploads"], ["copy of cat.png"]),
        (["inspected=no", "growing=no"], []),
        (["sidecar=yes"], ["renders/a b/film.en.srt"]),
        (["used<100y"], ["cat.png"]),
        (["prompt=cat dusk", "root=save_outputs"], ["cat.png"]),
        (["lora=grain", "root=save_outputs"], ["cat.png"]),
        (["language=en"], ["renders/a b/film.en.srt", "renders/a b/film.mp4"]),
        (["width!=1024"], ["renders/a b/film.mp4", "old.png"]),
    ],
)
def test_terms_about_facts(rich: Engine, run: Run, terms: list[str], paths: list[str]) -> None:
    assert [one["path"] for one in run("files", "--json", *terms).lines] == paths


@pytest.mark.parametrize(
    ("terms", "paths"),
    [
        (["kind=video"], ["renders/a b/film.mp4", "renders/a b/still rendering.mp4"]),
        (["kind=video", "size>1GiB"], ["renders/a b/film.mp4"]),
        (["root=uploads"], ["漢字.bin"]),
        (["state=missing"], ["gone.png"]),
        (["growing=yes"], ["renders/a b/still rendering.mp4"]),
        (["kind=audio"], []),
    ],
)
def test_terms(catalogue: Engine, run: Run, terms: list[str], paths: list[str]) -> None:
    assert [one["path"] for one in run("files", "--json", *terms).lines] == paths


def test_a_wrong_term_is_wrong_use(catalogue: Engine, run: Run) -> None:
    ran = run("files", "knd=video")

    assert (ran.code, ran.out) == (2, "")
    assert "kind" in ran.err


@pytest.mark.parametrize(("limit", "count"), [("2", 2), ("0", 5), ("99", 5)])
def test_a_limit(catalogue: Engine, run: Run, limit: str, count: int) -> None:
    assert len(run("files", "--limit", limit).out.splitlines()) == count


def test_a_terminal_is_told_that_there_are_more(catalogue: Engine, run: Run) -> None:
    ran = run("files", "--limit", "2", terminal=True)

    assert len(ran.out.splitlines()) == 2
    assert ran.err == "2 of 5 files, 3.0 GiB in all; --limit 0 shows every one\n"


def test_a_terminal_is_told_that_there_are_none(catalogue: Engine, run: Run) -> None:
    assert run("files", "kind=audio", terminal=True).err == "no such files\n"


def test_names_as_they_are_for_xargs(
    catalogue: Engine, here: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["files", "-0", "kind=image"]) == 0
    place = os.fsencode(here / "save_outputs")
    out = capsysbinary.readouterr().out
    assert out == place + b"/cat.png\0" + place + b"/two\nlines \xff.png\0"


def test_every_line_of_json_stands_alone(catalogue: Engine, run: Run) -> None:
    out = run("files", "--json", "state=any").out

    assert len([json.loads(line) for line in out.split("\n") if line]) == 6


def test_what_an_application_told_is_shown(
    rich: Engine, run: Run, golden: Golden, tmp_path: Path
) -> None:
    told: dict[str, Any] = {
        "workflow": "other",
        "file_type": "scene_image",
        "title": "A cat\nasleep",
        "metadata": {"take": 3, "words": "\x1b[2J"},
        "public": True,
        "rating": 4.5,
        "tags": ("cat", "dusk"),
    }
    with rich.transaction():
        ((host, root),) = rich.execute(
            "SELECT host_id, path FROM roots WHERE name = 'save_outputs'"
        )
        path = os.fsdecode(bytes(root) + b"/cat.png")
        now = 1_795_246_201_000_000_000
        deeds = (TellWorkflow(workflow="other"), TellFile(path=path, **told))
        carry_all(rich, host, deeds, MACHINE, now)

    (one,) = run("files", "--json", "workflow=other").lines
    assert {name: one[name] for name in told} == told | {"tags": ["cat", "dusk"]}
    others = run("files", "--json", "workflow=story").lines
    assert [one["path"] for one in others] == ["renders/a b/film.mp4"]
    for form, terminal in (("programs", False), ("people", True)):
        ran = run("show", "save_outputs/cat.png", terminal=terminal)
        golden(f"cli/show-told-{form}.txt", ran.out.replace(str(tmp_path), "/srv"))
