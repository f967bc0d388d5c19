"""What policies would have done in the past, from the command line."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from tests.conftest import Golden
from tests.unit.cli.conftest import NOW, Run
from tests.unit.cli.policy.conftest import DAY, write

IDLE = """\
version: 1
policies:
  - id: idle
    match: {any: [{kind: video}, {kind: image}]}
    clock: last_used
    phases: [{after: 20d, do: archive, to: cold}]
  - id: when-space-is-wanted
    match: {kind: text}
    phases: [{after: 1d, do: trash}]
    trigger: [{pressure: {high: 90%, low: 80%}}]
"""


@pytest.fixture
def used(aged: Engine, policies: Path) -> Engine:
    """A film that was opened on some days, a picture that was not."""
    write(policies.with_name("idle.yaml"), IDLE)
    days = [(3, NOW // DAY - ago, 2, 0) for ago in (55, 50, 10)]
    with aged.transaction():
        aged.insert("usage_days", ("file_id", "day", "opens", "writes"), days)
        aged.insert("usage", ("file_id", "last_ns", "opens", "writes"), [(3, NOW - 10 * DAY, 6, 0)])
    return aged


def test_for_people(used: Engine, run: Run, golden: Golden) -> None:
    ran = run("policy", "backtest", "idle.yaml", terminal=True)

    golden("cli/policy-backtest-people.txt", ran.out)
    assert (ran.code, ran.err) == (0, "")


def test_for_pipes(used: Engine, run: Run, golden: Golden) -> None:
    golden("cli/policy-backtest-programs.txt", run("policy", "backtest", "idle.yaml").out)


def test_for_programs(used: Engine, run: Run) -> None:
    told = run("policy", "backtest", "idle.yaml", "--window", "50d", "--json").json
    idle = told["policies"][0]

    assert told["until_ns"] - told["from_ns"] == 50 * DAY
    assert told["waiting_for_pressure"] == ["when-space-is-wanted"]
    assert idle["actions"]["archive"]["files"] == 4
    assert idle["regretted"]["files"] == 1
    assert idle["regretted"]["examples"][0]["path"] == "renders/a b/film.mp4"
    assert idle["freed_bytes"] == told["freed_bytes"] == (3 << 30) + 1_499_990 + 10 + 100
    assert [root["share"] for root in told["roots"]] == [1.0, 0.0]


@pytest.mark.parametrize("window", ["90", "0d", "long"])
def test_a_window_that_is_none(used: Engine, run: Run, window: str) -> None:
    ran = run("policy", "backtest", "idle.yaml", "--window", window)

    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_policies_that_take_nothing(used: Engine, policies: Path, run: Run) -> None:
    write(policies, "version: 1\npolicies: [{id: a, match: {kind: image}, hold: true}]\n")
    ran = run("policy", "backtest", terminal=True)

    assert "Nothing would have been taken away" in ran.out
