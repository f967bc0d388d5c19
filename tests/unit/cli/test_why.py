"""What becomes of a file and why, as people, pipes and programs see it."""

import json
import sys
from dataclasses import replace

import pytest

from storewarden.catalogue.subjects import Happened
from storewarden.cli.output import Output
from storewarden.cli.why import Why, judged
from storewarden.cli.why_told import document, tell
from storewarden.policy import load
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Subject
from tests.conftest import Golden

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
        return replace(why, gone_ns=NOW - DAY, happened=(Happened(NOW - DAY, "missing", {}),))
    if case == "due":
        return replace(why, observed=True, frozen="the clock jumped ahead by 3y")
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
