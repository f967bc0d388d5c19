"""What was done and what happened, the last first; and what of it can be taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storewarden.catalogue.acts import DONE, Act, Held, Identity, Member, Planned
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from tests.conftest import Golden
from tests.unit.cli.acting import NAMES, Yard
from tests.unit.cli.conftest import MINUTE, NOW, Run
from tests.unit.cli.test_by_hand import figures

IDENTITY = Identity(1, 2, 1_499_990, NOW, NOW)


def done(engine: Engine, at: int, planned: Planned, state: str = DONE, why: str = "") -> Act:
    """Note an act that ended some minutes ago."""
    journal = Journal(engine)
    (act,) = journal.plan([planned], NOW - (at + 1) * MINUTE)
    assert act is not None
    with engine.transaction():
        return journal.end(act, state, NOW - at * MINUTE, why=why)


@pytest.fixture
def acted(catalogue: Engine) -> Engine:
    """A catalogue of which a policy and a person wanted something done."""
    cat, odd = Member(b"cat.png", IDENTITY, 1), Member(b"two\nlines \xff.png", IDENTITY, 2)
    held = Held("save_outputs/cat.png~abcdefgh234567aa", "none", b"d" * 32, 1_499_990)
    marks = [f"abcdefgh234567a{letter}" for letter in "abcd"]

    def due(verb: str, member: Member, mark: str) -> Planned:
        return Planned(
            *(verb, 1, (member,), "daemon", "it was due"),
            policy="renders",
            store="cloud",
            mark=mark,
        )

    done(catalogue, 40, due("copy", cat, marks[0]))
    why = "open for writing: save_outputs: two\\nlines \\xff.png"
    done(catalogue, 30, due("archive", odd, marks[1]), "refused", why)
    reason = "storewarden trash kind=image  # abcdefgh"
    together = (Member(b"cat.png", IDENTITY, 1, held), Member(b"cat.txt", IDENTITY))
    done(catalogue, 20, Planned("trash", 1, together, "anna", reason, mark=marks[2]))
    done(
        *(catalogue, 10, Planned("restore", 1, (cat,), "anna", "x", undoes=3, mark=marks[3])),
        *("failed", "no room"),
    )
    return catalogue


def test_for_people(acted: Engine, run: Run, golden: Golden) -> None:
    golden("cli/history-people.txt", run("history", terminal=True).out)


def test_for_pipes(acted: Engine, run: Run, golden: Golden) -> None:
    golden("cli/history-programs.txt", run("history").out)


def test_for_programs(acted: Engine, run: Run) -> None:
    told = run("history", "--json").lines
    assert [(one["what"], one["outcome"]) for one in told] == [
        *(("restore", "failed"), ("trash", "done"), ("archive", "refused"), ("copy", "done")),
    ]
    assert told[0]["undoes"] == 3
    assert (told[1]["files"], told[1]["by"], told[1]["policy"]) == (2, "anna", None)
    assert told[2]["path_hex"] == b"two\nlines \xff.png".hex()
    assert told[2]["error"].startswith("open for writing")


def test_of_one_file_with_what_was_only_seen_of_it(acted: Engine, run: Run, golden: Golden) -> None:
    golden("cli/history-file.txt", run("history", "save_outputs/cat.png", terminal=True).out)
    told = run("history", "save_outputs/cat.png", "--json").lines
    assert [one["what"] for one in told] == ["renamed", "restore", "trash", "copy"]


@pytest.mark.parametrize(
    ("words", "acts"),
    [
        (("--limit", "2"), [4, 3]),
        (("--limit", "0"), [4, 3, 2, 1]),
        (("--troubles",), [4, 2]),
        (("--policy", "renders"), [2, 1]),
        (("--policy", "renders", "--troubles"), [2]),
        (("--policy", "nobody"), []),
        (("save_outputs/cat.png", "--troubles"), [4]),
        (("save_outputs/cat.png", "--policy", "renders"), [1]),
    ],
)
def test_only_what_is_asked_for(
    acted: Engine, run: Run, words: tuple[str, ...], acts: list[int]
) -> None:
    assert [one["act"] for one in run("history", "--json", *words).lines] == acts


def test_a_long_history_is_read_page_by_page(
    catalogue: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewarden.catalogue.past_acts.PAGE", 3)
    for at in range(10):
        planned = Planned("trash", 1, (Member(b"%d" % at, IDENTITY),), "anna", "so")
        done(catalogue, 5, planned)
    assert [one["act"] for one in run("history", "--json").lines] == list(range(10, 0, -1))


def test_where_nothing_was_done_it_is_said(catalogue: Engine, run: Run) -> None:
    ran = run("history", terminal=True)
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing was done\n")


# -- taking back ----------------------------------------------------------------------------------


@pytest.fixture
def yard(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A root with files, and two stores; no daemon runs."""
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.configure()
    yard.prepare()
    yard.fill()
    return yard


def commands(yard: Yard) -> dict[str, str]:
    """Return the word of each command that was given, by the command."""
    told = yard.run("history", "--json").lines
    return dict(tuple(one["why"].split("  # ")) for one in told)


def test_each_undo_takes_back_one_command_more(yard: Yard) -> None:
    before = yard.all()
    assert yard.run("trash", "kind=image").code == 0
    assert yard.run("archive", "--to", "cold", "save_outputs/renders").code == 0
    assert yard.states() == {name: "trashed" for name in NAMES if name.endswith("png")} | {
        name: "archived" for name in NAMES if name.startswith("renders")
    }

    assert figures(yard.run("undo"))["done"] == "3"
    assert {yard.states()[name] for name in NAMES if name.startswith("renders")} == {"present"}
    assert figures(yard.run("undo"))["done"] == "3"
    assert yard.all() == before

    nothing = yard.run("undo")
    assert (nothing.code, nothing.out) == (1, "")
    assert "there is nothing to take back" in nothing.err


def test_the_same_command_at_another_time_is_another_one(yard: Yard) -> None:
    assert yard.run("trash", "kind=image").code == 0
    yard.put("new.png", b"one more")
    yard.scan()
    assert yard.run("trash", "kind=image").code == 0

    assert figures(yard.run("undo"))["done"] == "1"
    assert (yard.states()["new.png"], yard.states()["cat.png"]) == ("present", "trashed")


def test_a_command_is_taken_back_by_its_word_and_an_act_by_its_number(yard: Yard) -> None:
    assert yard.run("trash", "save_outputs/cat.png", "save_outputs/dog.png").code == 0
    assert yard.run("trash", "kind=video").code == 0
    words = commands(yard)

    assert yard.run("undo", words["storewarden trash kind=video"]).code == 0
    assert yard.states()["renders/film.mp4"] == "present"
    (cat,) = [
        one["act"]
        for one in yard.run("history", "save_outputs/cat.png", "--json").lines
        if one["what"] == "trash"
    ]
    assert yard.run("undo", str(cat)).code == 0
    assert (yard.states()["cat.png"], yard.states()["dog.png"]) == ("present", "trashed")
    again = yard.run("undo", str(cat))
    assert again.code == 1
    assert "it was taken back already" in again.err


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("purge", "what is purged does not come back"),
        ("restore", "it is put away again by the command that did it"),
    ],
)
def test_what_cannot_be_taken_back_says_so(yard: Yard, verb: str, told: str) -> None:
    assert yard.run("trash", "save_outputs/cat.png").code == 0
    more = ("--yes",) if verb == "purge" else ()
    assert yard.run(verb, "save_outputs/cat.png", *more).code == 0
    number = yard.run("history", "--json").lines[0]["act"]

    ran = yard.run("undo", str(number))
    assert ran.code == 1
    assert told in ran.err
    assert json.loads(yard.run("history", "--json").out.splitlines()[0])["act"] == number


# -- pins -----------------------------------------------------------------------------------------


def test_pins_are_put_and_taken_by_terms_and_paths(catalogue: Engine, run: Run) -> None:
    def pinned() -> set[int]:
        rows = catalogue.execute("SELECT file_id FROM marks WHERE pinned = 1")
        return {file_id for (file_id,) in rows}

    assert run("pin", "kind=image", "--dry-run").code == 0
    assert pinned() == set()
    assert run("pin", "kind=image").out == "files\t2\nchanged\t2\n"
    assert pinned() == {1, 2}
    assert run("pin", "kind=image", "save_outputs/cat.png", "--json").json == {
        "action": "pin",
        "dry_run": False,
        "files": 1,
        "bytes": 1_499_990,
        "changed": 0,
    }
    assert run("unpin", "state=any", terminal=True).out == "2 files unpinned; 3 were so already\n"
    assert pinned() == set()
    told = run("history", "save_outputs/cat.png", "--json").lines
    assert [one["what"] for one in told] == ["unpinned", "pinned", "renamed"]
    assert all(one["by"] for one in told[:2])
