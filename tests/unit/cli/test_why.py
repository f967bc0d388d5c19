"""What becomes of a file and why, as people, pipes and programs see it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.api.reading.judged import Why, judged
from storewarden.catalogue import clocks
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.policy_sets import put_in_force
from storewarden.catalogue.roots import host_id, this_machine
from storewarden.catalogue.subjects import Happened
from storewarden.cli.output import Output
from storewarden.cli.why_told import document, tell
from storewarden.policy import load
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Subject
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

NOW = 1_795_246_201_000_000_000
DAY = 86_400 * 10**9

POLICIES = b"""
version: 1
classes:
  render: {kind: video, root: save_outputs}
  keeper: {any: [{pinned: true}, {rating: ">= 4"}]}
policies:
  - id: keep-flux
    match: {model: flux*}
    hold: true
  - id: renders
    match: {class: render, not: keeper}
    clock: created
    phases:
      - {after: 30d, do: archive, to: cloud, compress: zstd}
      - {after: 365d, do: trash}
      - {after_previous: 7d, do: purge}
  - id: films
    match: {ext: mp4, size: "> 1GiB"}
    phases: [{after: 1d, do: trash}]
  - id: pictures
    match: {kind: image}
    phases: [{after: 1d, do: trash}]
"""
FILM = Subject(
    *(1, "save_outputs", b"renders/two\nlines \xff.mp4", "video", 3 << 30),
    first_seen_ns=NOW - 18 * DAY,
    modified_ns=NOW - 19 * DAY,
    inspected=True,
    understood=True,
    usage_since_ns=NOW - 90 * DAY,
    last_opened_ns=NOW - 5 * DAY,
)
PLACE = b"/srv/save_outputs/" + FILM.path
CASES = {
    "waits": FILM,
    "due": replace(FILM, first_seen_ns=NOW - 40 * DAY, modified_ns=NOW - 40 * DAY),
    "unknown": replace(FILM, inspected=False, understood=False, usage_since_ns=None),
    "pinned": replace(
        FILM,
        pinned=True,
        rating=4.5,
        tags=("best\x1b[2J", "of"),
        owner="ann",
        state="archived",
        state_ns=NOW - DAY,
        placed="cloud",
        placed_ns=NOW - DAY,
        copies=(("cloud", NOW - DAY),),
    ),
    "nothing": replace(FILM, path=b"a.txt", kind="document", size=10),
    "gone": replace(FILM, state="missing"),
}


@pytest.fixture
def policies() -> PolicySet:
    return load.read([("policies.yaml", POLICIES)], stores=["cloud"])


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Output:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    return Output(json=False)


def told(case: str, policies: PolicySet, action: str | None = None) -> Why:
    why = judged(CASES[case], PLACE, policies, NOW, action)
    if case == "gone":
        return why._replace(gone_ns=NOW - DAY, happened=(Happened(NOW - DAY, "missing", {}),))
    if case == "due":
        return why._replace(observed=True, frozen="the clock jumped ahead by 3y")
    return why


@pytest.mark.parametrize("case", list(CASES))
def test_for_people(
    case: str,
    policies: PolicySet,
    terminal: Output,
    golden: Golden,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(terminal, told(case, policies, None if case == "gone" else "trash"))

    golden(f"cli/why-{case}.txt", capsys.readouterr().out)


def test_for_pipes(policies: PolicySet, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    tell(Output(json=False), told("waits", policies, "trash"))

    golden("cli/why-programs.txt", capsys.readouterr().out)


def test_for_programs(policies: PolicySet) -> None:
    found = json.loads(json.dumps(document(told("waits", policies, "purge"))))

    assert list(found)[:5] == ["root", "path", "path_hex", "state", "policies"]
    assert [(each["id"], each["result"]) for each in found["policies"]] == [
        ("keep-flux", "no"),
        ("renders", "wins"),
        ("films", "earlier"),
        ("pictures", "no"),
    ]
    assert found["policies"][0]["terms"] == [
        {"term": "model = flux*", "value": "none", "result": False}
    ]
    assert found["next"] == {
        "action": "archive",
        "due": "2026-12-03 07:30:01Z",
        "due_ns": NOW + 12 * DAY,
        "policy": "renders",
        "store": "cloud",
        "blocked": None,
        "observed": False,
        "held": [],
    }
    assert found["not"]["because"][0] == {
        "policy": "renders",
        "what": "archive comes before it",
        "terms": [],
    }


def test_what_is_gone_has_nothing_next(policies: PolicySet) -> None:
    found = document(told("gone", policies))

    assert (found["state"], found["next"]) == ("missing", None)
    assert found["reason"].startswith("a person or a program removed it, not Storewarden, seen 20")
    assert found["history"] == [{"at_ns": NOW - DAY, "event": "missing", "detail": {}}]


def test_an_action_that_no_policy_does(
    policies: PolicySet, terminal: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(terminal, told("waits", policies, "copy"))

    assert "not copy: no policy does that" in capsys.readouterr().out


def test_an_action_that_does_happen(
    policies: PolicySet, terminal: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(terminal, told("due", policies, "archive"))

    out = capsys.readouterr().out
    assert "not archive by" not in out


# -- the verb itself, over a catalogue ------------------------------------------------------------


@pytest.fixture
def written(here: Path) -> Path:
    """A configuration that names the policies."""
    (here / "policies.yaml").write_bytes(POLICIES)
    (here / "storewarden.yaml").write_text(
        "policies: [policies.yaml]\nstores: {cloud: {path: /mnt/cloud}}\n"
        "roots: {save_outputs: ./save_outputs, uploads: ./uploads}\n"
    )
    return here / "policies.yaml"


@pytest.mark.parametrize("path", ["save_outputs/cat.png", "./save_outputs/../save_outputs/cat.png"])
def test_a_file_by_its_path(rich: Engine, written: Path, run: Run, path: str) -> None:
    ran = run("why", path, "--json")

    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["path"], ran.json["winners"]["hold"]) == ("cat.png", "keep-flux")
    assert ran.json["next"]["action"] == "trash"
    assert ran.json["next"]["blocked"] == "held"
    assert ran.json["next"]["observed"] is True


def test_a_name_that_no_text_can_hold(rich: Engine, written: Path, run: Run) -> None:
    ran = run("why", "save_outputs/two\nlines \udcff.png")

    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith(r"save_outputs/two\nlines \xff.png")


def test_a_file_that_is_gone(rich: Engine, written: Path, run: Run) -> None:
    ran = run("why", "save_outputs/gone.png", "--not", "purge", terminal=True)

    assert ran.code == 0
    assert "gone        a person or a program removed it, not Storewarden, seen 2026-" in ran.out
    assert "not purge: there is no such file any more" in ran.out


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/etc/passwd", "/etc/passwd: it is below none of the roots; storewarden status"),
        ("save_outputs/never", "save_outputs/never: it was never recorded; storewarden scan"),
        ("save_outputs", "save_outputs: it is below none of the roots"),
        ("a\nb\x1b[2J", r"a\nb\x1b[2J: it is below none of the roots"),
    ],
)
def test_what_is_not_recorded(rich: Engine, written: Path, run: Run, path: str, says: str) -> None:
    ran = run("why", path)

    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_broken_policies_are_told_with_all_their_problems(
    rich: Engine, written: Path, run: Run
) -> None:
    written.write_text("version: 1\npolicies: [{id: a, mach: {knd: video}}, {id: b}]\n")
    ran = run("why", "save_outputs/cat.png")

    assert (ran.code, ran.out) == (2, "")
    assert "policies.yaml:2:" in ran.err
    assert ran.err.splitlines()[-1].startswith("storewarden: the policies have ")
    assert len(ran.err.splitlines()) > 2


def test_an_action_that_there_is_not(rich: Engine, written: Path, run: Run) -> None:
    ran = run("why", "save_outputs/cat.png", "--not", "explode")

    assert (ran.code, ran.out) == (2, "")
    assert "'copy', 'move', 'archive', 'trash', 'purge'" in ran.err


def test_other_policies_in_force_are_told_on_stderr(rich: Engine, written: Path, run: Run) -> None:
    host = host_id(rich, this_machine())
    assert host is not None
    put_in_force(rich, host, "other", [], {}, NOW)
    ran = run("why", "save_outputs/cat.png", "--json")

    assert (ran.code, ran.json["path"]) == (0, "cat.png")
    assert "in force are others" in ran.err


def test_a_jump_of_the_clock_is_told(rich: Engine, written: Path, run: Run) -> None:
    host = host_id(rich, this_machine())
    assert host is not None
    clocks.note(rich, host, clocks.Clocks(NOW, 1, "boot", 3 * 365 * DAY, NOW))

    told = run("why", "save_outputs/cat.png", "--json").json["clock_frozen"]
    assert told == "the clock jumped ahead by 3y"


def test_an_approved_policy_is_no_longer_observed(rich: Engine, written: Path, run: Run) -> None:
    host = host_id(rich, this_machine())
    assert host is not None
    policy_set = load.read([("policies.yaml", POLICIES)], stores=["cloud"])
    marks = {policy.id: fingerprint(policy) for policy in policy_set.policies}
    put_in_force(rich, host, policy_set.fingerprint, [], marks, NOW)
    with rich.transaction():
        rich.execute("UPDATE policies SET approved_ns = ?", (NOW,))
    ran = run("why", "save_outputs/cat.png", "--json")

    assert (ran.err, ran.json["next"]["observed"]) == ("", False)
