"""Files and one file, as people, pipes and programs see them."""

import json
import os
from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.cli import main
from storewarden.cli.files import candidates
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


def test_one_file_for_people(catalogue: Engine, run: Run, golden: Golden, tmp_path: Path) -> None:
    ran = run("show", "save_outputs/cat.png", terminal=True)

    golden("cli/show-people.txt", ran.out.replace(str(tmp_path), "/srv"))


def test_one_file_for_pipes(catalogue: Engine, run: Run, golden: Golden, tmp_path: Path) -> None:
    ran = run("show", str(tmp_path / "save_outputs" / "gone.png"))

    golden("cli/show-programs.txt", ran.out.replace(str(tmp_path), "/srv"))


def test_one_file_for_programs(catalogue: Engine, run: Run) -> None:
    told = run("show", "save_outputs/cat.png", "--json").json

    assert list(told)[:7] == FIELDS
    assert (told["inode"], told["mode"], told["uid"]) == (1001, "-rw-r--r--", 1000)
    assert [(one["event"], one["detail"]) for one in told["history"]] == [
        ("renamed", {"from": "draft.png"})
    ]
    assert told["earlier"] == []


def test_a_file_by_the_name_of_its_root_from_elsewhere(
    catalogue: Engine, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")

    assert run("show", "uploads/漢字.bin", "--json").json["size"] == 1234


def test_what_was_never_recorded(catalogue: Engine, run: Run, tmp_path: Path) -> None:
    inside, outside = run("show", "uploads/no.png"), run("show", "/etc/passwd")

    assert (inside.code, outside.code) == (1, 1)
    assert inside.err == (
        f"storewarden: nothing is known: {tmp_path}/uploads/no.png: it was never recorded; "
        "storewarden scan\n"
    )
    assert "below none of the roots" in outside.err


def test_what_a_path_may_mean() -> None:
    found = list(candidates(b"up/a/../b", b"/home/me", {"up": b"/srv/up"}))

    assert found == [b"/home/me/up/b", b"/srv/up/a/../b"]


def test_every_line_of_json_stands_alone(catalogue: Engine, run: Run) -> None:
    out = run("files", "--json", "state=any").out

    assert len([json.loads(line) for line in out.split("\n") if line]) == 6
