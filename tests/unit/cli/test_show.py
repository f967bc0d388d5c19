"""One file, as people, pipes and programs see it."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.cli.located import candidates
from storewarden.facts.found import Text
from storewarden.facts.provenance.raw import pack
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

FIELDS = ["root", "path", "kind", "size", "mtime_ns", "digest", "state"]
TEXTS = [Text("png:parameters", "a cat,\ndusk\x1b[2J"), Text("png:prompt", "{}")]


@pytest.fixture
def painted(rich: Engine) -> Engine:
    """The picture has kept its texts."""
    with rich.transaction():
        rich.execute("UPDATE prompts SET raw = ? WHERE file_id = 1", (pack(TEXTS),))
    return rich


@pytest.mark.parametrize("form", ["people", "programs"])
@pytest.mark.parametrize("name", ["cat.png", "two\nlines \udcff.png", "renders/a b/film.mp4"])
def test_facts(
    rich: Engine, run: Run, golden: Golden, tmp_path: Path, name: str, form: str
) -> None:
    ran = run("show", f"save_outputs/{name}", terminal=form == "people")

    word = {"c": "picture", "t": "refused", "r": "film"}[name[0]]
    golden(f"cli/show-{word}-{form}.txt", ran.out.replace(str(tmp_path), "/srv"))


def test_facts_for_programs(rich: Engine, run: Run, golden: Golden) -> None:
    golden("cli/show-json.txt", run("show", "save_outputs/renders/a b/film.mp4", "--json").out)


def test_texts_as_they_were_found(painted: Engine, run: Run) -> None:
    told = run("show", "save_outputs/cat.png", "--raw", "--json").json
    pipe = run("show", "save_outputs/cat.png", "--raw").out.splitlines()

    assert told["raw"] == dict(TEXTS)
    assert "raw\tpng:parameters\ta cat,\\ndusk\\x1b[2J" in pipe
    assert "raw" not in run("show", "save_outputs/cat.png", "--json").json


def test_texts_as_they_were_found_on_a_terminal(painted: Engine, run: Run) -> None:
    out = run("show", "save_outputs/cat.png", "--raw", terminal=True).out

    assert "png:parameters a cat,\n               dusk\\x1b[2J\n" in out


def test_texts_that_are_damaged_are_told_as_such(rich: Engine, run: Run) -> None:
    with rich.transaction():
        rich.execute("UPDATE prompts SET raw = ? WHERE file_id = 1", (b"no zstd",))
    ran = run("show", "save_outputs/cat.png", "--raw")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("storewarden: no texts to show: the texts kept do not unpack")
    assert run("show", "save_outputs/cat.png").code == 0


def test_a_file_without_texts_has_none(rich: Engine, run: Run) -> None:
    ran = run("show", "uploads/漢字.bin", "--raw", "--json")

    assert (ran.code, "raw" in ran.json) == (0, False)


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
