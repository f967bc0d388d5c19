"""Room is made by what is safest to go, no further than asked; what cannot be freed is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from tests.conftest import Golden
from tests.unit.cli.acting import Yard
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_by_hand import figures, steady

POLICIES = """
version: 1
policies:
  - id: films
    match: {kind: video}
    clock: created
    phases: [{after: 30d, do: archive, to: cold}]
"""


@pytest.fixture
def yard(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A root in which one file is safe to go for each reason there is."""
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.policies(POLICIES)
    yard.prepare()
    yard.fill()
    # cat.png has a copy; dog.png can be made again; notes.txt is in the trash; film.mp4 goes anyway
    assert yard.run("archive", "--to", "cold", "save_outputs/cat.png").code == 0
    assert yard.run("restore", "save_outputs/cat.png").code == 0
    assert yard.run("trash", "save_outputs/renders/notes.txt").code == 0
    engine = open_catalogue("sqlite", here / "state", role="test")
    with engine.transaction():
        # so that it is the same on every file system
        engine.execute("UPDATE files SET blocks = (size + 4095) / 4096 * 8")
        ((dog,),) = engine.execute("SELECT id FROM files WHERE name = ?", (b"dog.png",))
        engine.execute("UPDATE files SET inspected_ns = recorded_ns WHERE id = ?", (dog,))
        engine.insert(
            "facts",
            ("file_id", "inspector", "version", "outcome", "reason", "mime"),
            [(dog, "image", 1, "read", "", "image/png")],
        )
        engine.insert(
            "prompts",
            ("file_id", "understood", "tool", "model", "prompt", "seed"),
            [(dog, 1, "comfyui", "flux", "a dog", "42")],
        )
    engine.close()
    return yard


def gone(yard: Yard) -> list[str]:
    return [name for name, state in sorted(yard.states().items()) if state != "present"]


def test_the_safest_goes_first_and_no_more_than_is_asked_for(yard: Yard) -> None:
    trashed = ["renders/notes.txt"]
    assert gone(yard) == trashed

    for size, went in (
        ("1KB", {"cat.png": "archived"}),
        ("1KB", {"dog.png": "purged"}),
        ("1KB", {"renders/notes.txt": "purged"}),
        ("1KB", {"renders/film.mp4": "archived"}),
    ):
        before = yard.states()
        ran = yard.run("free", size, "--yes")
        assert (ran.code, figures(ran)["failed"]) == (0, "0"), ran
        assert int(figures(ran)["freed"]) >= 1_000
        changed = {name: state for name, state in yard.states().items() if before[name] != state}
        assert changed == went

    nothing = yard.run("free", "1KB", "--yes")
    assert (nothing.code, nothing.out) == (1, "")
    assert "nothing may go" in nothing.err


def test_what_is_copied_comes_back_after_an_emergency(yard: Yard) -> None:
    before = yard.seen("cat.png")
    assert yard.run("free", "1KB", "--yes").code == 0
    assert yard.seen("cat.png") is None
    assert yard.run("undo").code == 0
    assert yard.seen("cat.png") == before


def test_more_than_there_is_is_told_and_is_1(yard: Yard) -> None:
    ran = yard.run("free", "1GiB", "--yes", "--json")
    told = ran.json
    assert ran.code == 1
    assert (told["wanted"], told["done"]) == (2**30, 5)  # to the trash, then out of it
    assert 0 < told["missing"] < 2**30
    assert told["kept"] == {"nothing says that it may go": 2}


def test_a_dry_run_tells_why_each_file_may_go(yard: Yard, golden: Golden) -> None:
    states = yard.states()
    told = [yard.run("free", "1GiB", "--dry-run", *form).out for form in ((), ("--json",))]
    shown = yard.run("free", "1GiB", "--dry-run", terminal=True).out
    assert yard.states() == states
    days = _of_one_day("".join((*told, shown)))
    golden("cli/free-dry-run.txt", steady(days, yard.here))


def _of_one_day(text: str) -> str:
    return re.sub(r"(verified|since|from) \d{4}-\d\d-\d\d", r"\g<1> 2026-11-21", text)


def test_what_is_pinned_stays(yard: Yard) -> None:
    assert yard.run("pin", "save_outputs/cat.png").code == 0
    assert yard.run("free", "1KB", "--yes").code == 0
    assert yard.states()["cat.png"] == "present"
    assert yard.states()["dog.png"] == "purged"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("5",), "no size can be read: 5: "),
        (("big",), "no size can be read: big: 'big' is not a size"),
        (("1KB", "--root", "upload"), "there is no such root: upload; there are save_outputs"),
        (("1KB",), "if it shall be done: storewarden free 1KB --yes"),
    ],
)
def test_what_cannot_be_asked_for_is_told(yard: Yard, words: tuple[str, ...], told: str) -> None:
    ran = yard.run("free", *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert told in ran.err
