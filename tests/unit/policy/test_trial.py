"""The tests inside policy files: what they make up, what they expect, what they tell."""

from dataclasses import replace
from textwrap import dedent

import pytest

from storewarden.policy.known import UNKNOWN, fact
from storewarden.policy.load import read
from storewarden.policy.made_up import make
from storewarden.policy.rules import PolicySet
from storewarden.policy.trial import NOON_NS, Outcome, run

DAY = 86_400 * 1_000_000_000
POLICIES = """
version: 1
classes:
  render: {kind: video, root: save_outputs, size: "> 1GiB"}
  keeper: {any: [{pinned: true}, {rating: ">= 4"}]}
policies:
  - id: keepers
    match: keeper
    hold: true
  - id: hot
    match: {kind: database, name: [runtime.db]}
    place: {required: [local]}
    category: performance_critical
  - id: hybrids
    match: {kind: database}
    category: by_use
    place:
      evaluate:
        window: 30d
        local_if: opens_per_day >= 5 or writes_per_day >= 1
        else: cloud
        min_stay: 7d
  - id: renders
    match: {class: render, not: {class: keeper}}
    clock: last_used
    phases:
      - {after: 30d, do: archive, to: cloud}
      - {after: 365d, do: trash}
      - {after_previous: 7d, do: purge}
    trigger: [{pressure: {high: 90%, low: 80%}}]
  - id: reproducible
    match: {regenerable: true}
    phases: [{after: 10d, do: trash}]
  - id: care
    match: {kind: database}
    care: {integrity: {every: 1d}}
"""


def policies(*tests: str) -> PolicySet:
    text = dedent(POLICIES)
    if tests:
        text += "tests:\n" + "".join(f"  - {test}\n" for test in tests)
    return read([("made-up.yaml", text.encode())], stores=("cloud",), tables=("app.rows",))


def outcome(test: str) -> Outcome:
    (only,) = run(policies(test))
    return only


@pytest.mark.parametrize(
    "test",
    [
        "{given: {class: render, last_used: 40d}, expect: {do: archive, policy: renders}}",
        "{given: {class: render, last_used: 30d}, expect: {do: archive}}",
        "{given: {class: render, last_used: 29d}, expect: {do: nothing, policy: renders}}",
        "{given: {class: render, last_used: 40d, age: 500d}, expect: {do: archive}}",
        "{given: {class: render, last_used: 40d, pinned: true}, expect: {do: nothing}}",
        "{given: {class: render, last_used: 40d, rating: 5}, expect: {policy: keepers}}",
        "{given: {class: render, last_used: 40d, rating: 3}, expect: {do: archive}}",
        "{given: {class: [render, keeper], last_used: 40d}, expect: {do: nothing}}",
        "{given: {class: render, state: archived, last_used: 400d}, expect: {do: trash}}",
        "{given: {class: render, state: trashed}, at: 8d, expect: {do: purge}}",
        "{given: {class: render, state: trashed}, at: 6d, expect: nothing}",
        "{given: {kind: database, name: runtime.db}, expect: {category: performance_critical}}",
        "{given: {kind: database, name: runtime.db, age: 90d}, expect: {do: nothing, policy: hot}}",
        "{given: {kind: database, name: b.db, opens_per_day: 0.2, age: 90d}, expect: {do: move}}",
        "{given: {kind: database, name: b.db, opens_per_day: 5, age: 90d}, expect: {do: nothing}}",
        "{given: {kind: database, name: b.db, writes_per_day: 1, age: 90d}, expect: {do: nothing}}",
        "{given: {kind: database, name: b.db, age: 6d}, expect: {do: nothing, policy: hybrids}}",
        "{given: {kind: database, name: b.db, age: 8d}, expect: {do: move, category: by_use}}",
        "{given: {kind: database}, expect: {policy: care}}",
        "{given: {regenerable: true}, at: 11d, expect: {do: trash, policy: reproducible}}",
        "{given: {regenerable: false, kind: image}, at: 11d, expect: nothing}",
        "{given: {kind: image}, at: 11d, expect: nothing}",
    ],
)
def test_what_is_expected_is_decided(test: str) -> None:
    result = outcome(test)
    assert result.passed, result


@pytest.mark.parametrize(
    ("test", "wrong", "expected", "decided", "why"),
    [
        (
            "{given: {class: render, last_used: 18d}, expect: {do: archive, policy: renders}}",
            ("do",),
            "archive by renders",
            "nothing by renders",
            "renders: archive to cloud 30d after its last use, which was 2026-05-14; 12d from now",
        ),
        (
            "{given: {class: render, idle: 40d, regenerable: true}, expect: {category: by_use}}",
            ("category",),
            "anything (by_use)",
            "archive by renders",
            "renders: archive to cloud 30d after its last use, which was 2026-04-22; due for 10d",
        ),
        (
            "{given: {kind: database, name: runtime.db}, expect: {category: by_use, do: nothing}}",
            ("category",),
            "nothing (by_use)",
            "nothing by hot and care (performance_critical)",
            "hot: required here; cared for by care",
        ),
        (
            "{given: {class: render, pinned: true}, at: 90d, expect: archive}",
            ("do",),
            "archive",
            "nothing by keepers",
            "held by keepers",
        ),
    ],
)
def test_what_is_decided_otherwise_is_told_with_its_reason(
    test: str, wrong: tuple[str, ...], expected: str, decided: str, why: str
) -> None:
    result = outcome(test)
    assert (result.wrong, result.passed) == (wrong, False)
    assert result.expected == expected
    assert why in result.why
    if "pinned" not in test:
        assert result.decided == decided


def test_what_a_test_does_not_say_is_absent_and_not_unknown() -> None:
    policy_set = policies("{given: {kind: image}, at: 5d, expect: nothing}")
    subject = make(policy_set.tests[0], policy_set, NOON_NS).subject
    for name in ("mime", "width", "model", "prompt", "seed", "rating", "owner", "workflow"):
        assert fact(name, subject, NOON_NS) is None
    for name in ("idle", "opens_per_day", "regenerable"):
        assert fact(name, subject, NOON_NS) is not UNKNOWN
    assert fact("age", subject, NOON_NS) == 5 * DAY


def test_a_share_of_a_use_a_day_is_exactly_that_in_every_window() -> None:
    test = "{given: {kind: database, opens_per_day: 4.9, last_used: 2d}, at: 90d, expect: nothing}"
    policy_set = policies(test)
    subject = make(policy_set.tests[0], policy_set, NOON_NS).subject
    for window in (7, 30, 90):
        rate = fact("opens_per_day", subject, NOON_NS, window * DAY)
        assert rate == pytest.approx(4.9)
    assert fact("idle", subject, NOON_NS) == 2 * DAY


def test_what_was_decided_does_not_hang_on_the_day() -> None:
    tests = (
        "{given: {class: render, last_used: 40d}, expect: {do: archive, policy: renders}}",
        "{given: {kind: database, name: b.db, opens_per_day: 0.2, age: 90d}, expect: {do: move}}",
    )
    policy_set = policies(*tests)
    for now_ns in (NOON_NS + 7 * DAY // 13, NOON_NS - 5000 * DAY, NOON_NS + 20_000 * DAY):
        assert all(each.passed for each in run(policy_set, now_ns))


def test_rows_of_a_table_are_as_old_as_their_column_says() -> None:
    text = """
    version: 1
    policies:
      - id: old-rows
        match: {rows: app.rows}
        clock: updated_at
        phases: [{after: 365d, do: archive, compress: zstd}, {after: 7y, do: purge}]
    """
    policy_set = read([("rows.yaml", dedent(text).encode())], tables=("app.rows",))
    anything = policies("{given: {kind: image}, at: 0d, expect: nothing}").tests[0]
    for age, do in ((366, "archive"), (364, "nothing")):
        facts = (("rows", "app.rows"), ("updated_at", age * DAY))
        asked = replace(policy_set, tests=(replace(anything, facts=facts, do=do),))
        (result,) = run(asked)
        assert result.passed, result
