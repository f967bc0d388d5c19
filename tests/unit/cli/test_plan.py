"""What is due, as people, pipes and programs see it."""

import os
from pathlib import Path

import pytest

from storewarden.catalogue import clocks
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.policy_sets import put_in_force
from storewarden.catalogue.roots import host_id, this_machine
from storewarden.cli import around
from storewarden.cli.around import Disk
from storewarden.clock import SystemClock
from tests.conftest import Golden
from tests.unit.cli.conftest import NOW, Run

DAY = 86_400 * 10**9
GIB = 2**30
CONFIG = """
policies: [policies.yaml]
roots: {save_outputs: ./save_outputs, uploads: ./uploads}
currency: EUR
stores:
  local: {price: {gib_month: 0.1}}
  cloud: {path: /mnt/cloud, price: {gib_month: 0.02, gib_out: 0.09}}
"""
POLICIES = """
version: 1
policies:
  - id: keep-cats
    match: {name: "cat*"}
    hold: true
  - id: films
    match: {kind: video}
    clock: created
    phases:
      - {after: 1d, do: archive, to: cloud}
      - {after: 40d, do: trash}
      - {after_previous: 7d, do: purge}
    reason: films are large
  - id: pictures
    match: {kind: image}
    phases: [{after: 3d, do: trash}, {after_previous: 7d, do: purge}]
    trigger: {pressure: {high: 90%, low: 80%}}
    observe: false
  - id: flux
    match: {model: flux*}
    phases: [{after: 3d, do: trash}]
"""
DISK = (Disk(("save_outputs", "uploads"), 10 * GIB, 6 * GIB),)


@pytest.fixture
def written(here: Path) -> Path:
    """A configuration that names the policies."""
    (here / "policies.yaml").write_text(POLICIES)
    (here / "storewarden.yaml").write_text(CONFIG)
    return here / "policies.yaml"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """Two days after all files came, on a disk that is always as full."""
    at_ns = NOW + 2 * DAY
    monkeypatch.setattr(SystemClock, "wall_ns", lambda _clock: at_ns)
    monkeypatch.setattr(around, "disks", lambda _places, _only=None: DISK)
    return at_ns


def test_what_is_due_for_people(
    rich: Engine, written: Path, now: int, run: Run, golden: Golden
) -> None:
    ran = run("plan", terminal=True)

    assert (ran.code, ran.err) == (0, "")
    golden("cli/plan-now.txt", ran.out)


def test_what_will_be_due_for_people(
    rich: Engine, written: Path, now: int, run: Run, golden: Golden
) -> None:
    golden("cli/plan-at.txt", run("plan", "--at", "+90d", terminal=True).out)


def test_what_is_due_for_pipes(
    rich: Engine, written: Path, now: int, run: Run, golden: Golden
) -> None:
    golden("cli/plan-programs.txt", run("plan", "--at", "+10d").out)


def test_what_is_due_now_for_pipes(rich: Engine, written: Path, now: int, run: Run) -> None:
    """No disk has to be looked at, so the catalogue writes the lines."""
    trigger = "    trigger: {pressure: {high: 90%, low: 80%}}\n"
    policies = written.read_text().replace(trigger, "").replace("after: 3d", "after: 1h")
    written.write_text(policies)

    lines = run("plan").out.splitlines(keepends=True)
    (film,) = (line for line in lines if "film.mp4" in line)
    due_ns = NOW - 9 * 60 * 10**9 + DAY
    assert film == (
        f"save_outputs\trenders/a b/film.mp4\tarchive\tfilms\t{due_ns}\t{3 * GIB}\tcloud\t\n"
    )
    assert any("\ttwo\\nlines \\xff.png\ttrash\tpictures\t" in line for line in lines)
    assert {line.split("\t")[7] for line in lines} == {"\n", "growing\n", "held\n"}
    for at, option, value in ((0, "--root", "uploads"), (3, "--policy", "films")):
        some = run("plan", option, value).out.splitlines(keepends=True)
        assert sorted(some) == sorted(line for line in lines if line.split("\t")[at] == value)


def test_what_is_due_for_programs(rich: Engine, written: Path, now: int, run: Run) -> None:
    told = run("plan", "--json").json

    assert set(told) == {"plan", "at", "at_ns", "items", "totals"}
    film, growing = told["items"]
    assert film == {
        "root": "save_outputs",
        "path": "renders/a b/film.mp4",
        "action": "archive",
        "policy": "films",
        "due": "2026-11-22 07:21:01Z",
        "due_ns": NOW - 9 * 60 * 10**9 + DAY,
        "bytes": 3 * GIB,
        "store": "cloud",
        "blocked": None,
        "reasons": ["1d after it was first seen", "films are large"],
    }
    assert (growing["blocked"], growing["reasons"][-1]) == (
        "growing",
        "blocked: somebody is writing it",
    )
    assert told["totals"]["freed"] == 3 * GIB
    assert told["totals"]["stores"] == {"cloud": 3 * GIB}
    assert told["totals"]["money"] == pytest.approx(
        {
            "currency": "EUR",
            "less_here_a_month": 0.3,
            "more_in_stores_a_month": 0.06,
            "saved_a_month": 0.24,
            "reading_back": 0.27,
        }
    )
    assert told["totals"]["guards"] == [
        {"policy": "films", "meets": "now: 99.9% of all there is, at most 10% in one run"}
    ]


def test_the_days_to_come_for_programs(rich: Engine, written: Path, now: int, run: Run) -> None:
    told = run("plan", "--at", "+90d", "--policy", "films", "--json").json

    assert [each["action"] for each in told["items"]] == ["archive", "trash", "purge", "archive"]
    assert {each["policy"] for each in told["items"]} == {"films"}
    (disk,) = told["totals"]["disks"]
    assert disk["used"][0] == 3 * GIB
    assert len(disk["used"]) == 91
    assert [each["day"] for each in told["totals"]["days"]] == [
        "2026-11-23",
        "2026-12-30",
        "2027-01-06",
    ]


def test_the_same_plan_has_the_same_id(rich: Engine, written: Path, now: int, run: Run) -> None:
    def id_of(*arguments: str) -> str:
        found: str = run("plan", "--json", *arguments).json["plan"]
        return found

    first = id_of("--at", "2027-01-01")
    assert id_of("--at", "2027-01-01") == first
    assert id_of("--at", "2027-01-02") != first
    written.write_text(POLICIES.replace("40d", "41d"))
    assert id_of("--at", "2027-01-01") != first


def test_only_one_root(rich: Engine, written: Path, now: int, run: Run) -> None:
    told = run("plan", "--at", "+90d", "--root", "uploads", "--json").json

    assert {each["root"] for each in told["items"]} == {"uploads"}


def test_pressure_lets_pictures_go_when_the_disk_is_full(
    rich: Engine, written: Path, now: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.write_text(POLICIES.replace("after: 3d", "after: 1d"))
    waiting = run("plan", "--policy", "pictures", "--json").json
    full = (Disk(("save_outputs", "uploads"), 10 * GIB, 10 * GIB),)
    monkeypatch.setattr(around, "disks", lambda _places, _only=None: full)
    going = run("plan", "--policy", "pictures", "--json").json

    paths = ["cat.png", r"two\nlines \xff.png", "copy of cat.png", "old.png"]
    assert [each["path"] for each in waiting["items"]] == paths
    assert [each["blocked"] for each in waiting["items"]] == ["held", "space", "space", "space"]
    assert [each["blocked"] for each in going["items"]] == ["held", None, None, None]


def test_nothing_is_due(rich: Engine, written: Path, now: int, run: Run) -> None:
    written.write_text("version: 1\npolicies: [{id: none, match: {kind: model}, hold: true}]\n")

    assert run("plan").out == ""
    assert run("plan", "--json").json["items"] == []
    assert "nothing is due" in run("plan", terminal=True).out


def test_a_frozen_clock_and_other_policies_are_told(
    rich: Engine, written: Path, now: int, run: Run
) -> None:
    host = host_id(rich, this_machine())
    assert host is not None
    clocks.note(rich, host, clocks.Clocks(NOW, 1, "boot", 3 * 365 * DAY, NOW))
    put_in_force(rich, host, "other", [], {}, NOW, "1")
    ran = run("plan", terminal=True)

    assert "clock      the clock jumped ahead by 3y: nothing is freed" in ran.out
    assert "in force are others" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "2020-01-01"], "a plan is of the time to come: 2020-01-01: that was before now"),
        (["--at", "90d"], "did you mean +90d?"),
        (["--policy", "film"], "there is no such policy: film; did you mean films?"),
        (["--root", "x\x1b"], r"there is no such root: x\x1b; there are "),
    ],
)
def test_what_cannot_be_asked(
    rich: Engine, written: Path, run: Run, arguments: list[str], says: str
) -> None:
    ran = run("plan", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_broken_policies_are_told(rich: Engine, written: Path, run: Run) -> None:
    written.write_text("version: 1\npolicies: [{id: b}]\n")
    ran = run("plan")

    assert ran.code == 2
    assert "policies.yaml:2:" in ran.err


def test_disks_are_those_of_roots_that_are_here(tmp_path: Path) -> None:
    here = os.fsencode(tmp_path)
    (disk,) = around.disks({"a": here, "b": here, "gone": b"/nowhere"})

    assert disk.roots == ("a", "b")
    assert 0 < disk.used <= disk.total
    assert around.disks({"a": here, "b": here}, "b")[0].roots == ("b",)


def test_a_plan_of_now_is_the_same_as_long_as_the_same_would_be_done(
    rich: Engine, written: Path, now: int, run: Run
) -> None:
    def id_of(*arguments: str) -> str:
        found: str = run("plan", "--json", *arguments).json["plan"]
        return found

    first = id_of()
    assert id_of() == first
    assert int(first.split("-")[1]) == run("plan", "--json").json["totals"]["files"]
    with rich.transaction():
        rich.execute("UPDATE files SET modified_ns = modified_ns - 1")
    assert id_of() != first
