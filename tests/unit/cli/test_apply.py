"""A plan is applied as it was told, or not at all; what a person applies goes on by itself then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storewarden.catalogue import lease, policy_sets, roots
from storewarden.catalogue.connect import open_catalogue
from storewarden.clock import SystemClock
from tests.conftest import Golden
from tests.unit.cli.acting import NAMES, Yard
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_by_hand import figures, steady

POLICIES = """
version: 1
policies:
  - id: pictures
    match: {kind: image}
    clock: modified
    phases: [{after: 30d, do: archive, to: cold}]
  - id: films
    match: {kind: video}
    clock: modified
    phases: [{after: 30d, do: trash}, {after_previous: 7d, do: purge}]
"""
PICTURES = ("cat.png", "dog.png", NAMES[-1])


@pytest.fixture
def yard(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A root with files that are due, and the policies that say so; no daemon runs."""
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.policies(POLICIES)
    yard.prepare()
    yard.fill()
    return yard


def plan_id(yard: Yard, *more: str) -> str:
    told: str = yard.run("plan", "--json", *more).json["plan"]
    return told


def approved(yard: Yard) -> set[str]:
    """Return the policies that a person lets act."""
    engine = open_catalogue("sqlite", yard.here / "state", role="test", readonly=True)
    try:
        host = roots.host_id(engine, roots.this_machine())
        found = policy_sets.policies(engine, host or 0)
        return {name for name, one in found.items() if one.approved_ns is not None}
    finally:
        engine.close()


def test_exactly_the_plan_is_done(yard: Yard) -> None:
    ran = yard.run("apply", plan_id(yard), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["done"], ran.json["skipped"], ran.json["failed"]) == (4, 0, 0)
    assert {
        (one["path"], one["action"], one["policy"], one["outcome"]) for one in ran.json["items"]
    } == {
        ("cat.png", "archive", "pictures", "done"),
        ("dog.png", "archive", "pictures", "done"),
        (r"two\nlines \xff.png", "archive", "pictures", "done"),
        ("renders/film.mp4", "trash", "films", "done"),
    }
    states = yard.states()
    assert {states[name] for name in PICTURES} == {"archived"}
    assert states["renders/film.mp4"] == "trashed"
    assert states["renders/notes.txt"] == "present"
    assert approved(yard) == {"pictures", "films"}


@pytest.mark.parametrize("change", ["content", "new", "gone", "policies"])
def test_nothing_is_done_when_the_plan_is_another_by_now(
    yard: Yard, change: str, golden: Golden
) -> None:
    seen = plan_id(yard)
    if change == "content":
        yard.put("cat.png", b"another cat", 1_600_000_000_000_000_000)
    elif change == "new":
        yard.put("new.png", b"one more")
    elif change == "gone":
        (yard.root / "cat.png").unlink()
    else:
        yard.policies(POLICIES.replace("30d, do: archive", "31d, do: archive"))
    yard.scan()
    before = yard.all()

    ran = yard.run("apply", seen)

    assert (ran.code, ran.out) == (1, "")
    told = ran.err.replace(seen, "SEEN").replace(plan_id(yard), "NOW")
    golden(f"cli/apply-{change}.txt", told)
    assert yard.all() == before
    assert yard.run("apply", plan_id(yard)).code == 0


def test_without_a_plan_somebody_has_to_say_yes(yard: Yard) -> None:
    ran = yard.run("apply", "--policy", "pictures")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("if it shall be done: storewarden apply --policy pictures --yes\n")
    assert yard.states()["cat.png"] == "present"

    assert yard.run("apply", "--policy", "pictures", "--yes").code == 0
    states = yard.states()
    assert ({states[name] for name in PICTURES}, states["renders/film.mp4"]) == (
        *({"archived"}, "present"),
    )
    assert approved(yard) == {"pictures"}


def test_a_policy_of_which_nothing_is_due_goes_on_by_itself_from_now_on(yard: Yard) -> None:
    assert yard.run("apply", "--policy", "films", "--yes").code == 0
    assert figures(yard.run("apply", "--policy", "films", "--yes"))["done"] == "0"
    assert approved(yard) == {"films"}
    assert yard.run("apply", "--yes").code == 0
    ran = yard.run("apply", "--yes")
    assert (ran.code, figures(ran)["done"]) == (0, "0")


def test_a_dry_run_tells_the_sums(yard: Yard, golden: Golden) -> None:
    before = yard.all()
    told = [yard.run("apply", "--dry-run", *form).out for form in ((), ("--json",))]
    assert yard.all() == before
    assert approved(yard) == set()
    golden("cli/apply-dry-run.txt", "".join(told).replace(plan_id(yard), "PLAN"))


def test_a_person_sees_the_plan_before_it_is_done(yard: Yard) -> None:
    ran = yard.run("apply", "--yes", terminal=True)
    lines = ran.out.splitlines()
    assert lines[0].startswith("plan ")
    assert steady(lines[-1], yard.here).startswith("4 files done, ")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("12",), 2, "this is no plan: 12; storewarden plan tells one"),
        (("--policy", "picture"), 2, "there is no such policy: picture; did you mean pictures?"),
        (("--root", "uploads"), 2, "there is no such root: uploads; there are save_outputs"),
    ],
)
def test_what_there_is_not_is_told(
    yard: Yard, words: tuple[str, ...], code: int, told: str
) -> None:
    ran = yard.run("apply", *words)
    assert (ran.code, ran.err) == (code, f"storewarden: {told}\n")


def test_a_daemon_that_judges_by_other_policies_is_not_asked(yard: Yard) -> None:
    seen = plan_id(yard)
    assert yard.run("apply", "--policy", "films", "--yes").code == 0
    yard.policies(POLICIES.replace("30d", "40d"))
    engine = open_catalogue("sqlite", yard.here / "state", role="test")
    host = roots.host_id(engine, roots.this_machine())
    held = lease.take(engine, host or 0, "storewarden run", SystemClock(), lambda _s: None)
    try:
        ran = yard.run("apply", seen)
    finally:
        held.release()
        engine.close()
    assert ran.code == 1
    assert "the policies as they are written now are not those in force" in ran.err
    assert os.path.exists(yard.root / "cat.png")


def test_on_a_terminal_it_is_told_that_nothing_was_done_or_is_due(yard: Yard) -> None:
    ran = yard.run("apply", "--dry-run", terminal=True)
    assert (ran.code, ran.err) == (0, "nothing was done: --dry-run\n")
    assert yard.states()["cat.png"] == "present"
    assert yard.run("apply", "--yes").code == 0
    ran = yard.run("apply", terminal=True)
    assert ran.out.splitlines()[-1] == "nothing is due that can be done"
    assert yard.run("apply", "--json").json["items"] == []
