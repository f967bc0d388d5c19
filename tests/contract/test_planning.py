"""A plan has of every file what is decided of it, and what its life will be, on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.planned import Growth, growth, held
from storewarden.pipeline import planning
from storewarden.pipeline.planning import Item, Plan, Question
from storewarden.policy import load
from storewarden.policy.decide import decide
from storewarden.policy.forecast import effects
from storewarden.policy.life import life
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Subject
from tests.catalogues import COLUMNS, file_row
from tests.policies import DAY, NOW, clean, many_subjects, policy_sets, store

SETTINGS = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def plan(engine: Engine, policies: PolicySet, until_ns: int = NOW) -> tuple[Plan, list[Item]]:
    made = Plan(engine, policies, Question(NOW, until_ns))
    return made, list(made.items())


def of(items: list[Item], one: Subject) -> list[Item]:
    return [item for item in items if (item.root, item.path) == (one.root, one.path)]


@given(files=many_subjects(), policies=policy_sets())
@SETTINGS
def test_what_is_due_now_is_what_is_decided(
    engine: Engine, files: list[Subject], policies: PolicySet
) -> None:
    clean(engine)
    store(engine, files)

    _, items = plan(engine, policies)
    for one in files:
        decision = decide(one, policies, NOW)
        due = decision.action is not None and (decision.due_ns or 0) <= NOW
        told = [(i.action, i.policy, i.due_ns, i.store, i.blocked) for i in of(items, one)]
        assert told == (
            [
                (
                    *(decision.action, decision.policy, decision.due_ns, decision.store),
                    decision.blocked,
                )
            ]
            if due
            else []
        )


@given(
    files=many_subjects(),
    policies=policy_sets(),
    days=st.sampled_from((1, 30, 400)),
)
@SETTINGS
def test_what_will_be_done_is_what_a_simulation_does(
    engine: Engine, files: list[Subject], policies: PolicySet, days: int
) -> None:
    clean(engine)
    files = [replace(one, sidecar_of=None) for one in files]  # else their owners were files, too
    store(engine, files)
    until_ns = NOW + days * DAY

    made, items = plan(engine, policies, until_ns)
    here: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    for one in files:
        steps = life(one, policies, NOW, until_ns)
        done = [i for i in of(items, one) if not i.blocked]
        assert [(i.action, i.policy, i.store) for i in done] == [
            (step.action, step.policy, step.store) for step in steps
        ]
        copies = [name for name, _ in one.copies]
        for effect in effects(steps, one.size, state=one.state, placed=one.placed, copies=copies):
            here[one.root] += effect.here
            for name, change in effect.stores:
                stores[name] += change
    assert {k: v for k, v in here.items() if v} == {k: v for k, v in made.roots.items() if v}
    assert {k: v for k, v in stores.items() if v} == {k: v for k, v in made.stores.items() if v}
    assert made.forecast.changes(days + 1)[-1] == sum(here.values())


TRASH = b"""
version: 1
policies: [{id: all, match: {size: ">= 0B"}, phases: [{after: 1d, do: trash}]}]
"""


YOUNG = b"""
version: 1
policies: [{id: young, match: {age: "< 1d"}, phases: [{after: 1d, do: trash}]}]
"""


def test_what_no_policy_matches_any_more_when_its_time_comes_is_not_told(engine: Engine) -> None:
    policies = load.read([("p", YOUNG)])
    with engine.transaction():
        row = file_row(b"young", first_seen_ns=NOW - DAY // 2, inode=1)
        engine.insert("files", COLUMNS, [row])

    made, items = plan(engine, policies, NOW + 3 * DAY)

    assert (items, made.roots) == ([], {})


def test_batches_are_one_plan(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = load.read([("p", TRASH)])
    with engine.transaction():
        rows = [file_row(b"%d" % n, first_seen_ns=NOW - 2 * DAY, inode=n) for n in range(50)]
        engine.insert("files", COLUMNS, rows)
    whole, items = plan(engine, policies)
    monkeypatch.setattr(planning, "BATCH", 7)
    parted, again = plan(engine, policies)

    assert len(items) == 50
    assert (sorted(items), whole.id) == (sorted(again), parted.id)
    assert plan(engine, replace(policies, fingerprint="other"))[0].id != whole.id


def test_growth_is_what_came_since_the_first_day(engine: Engine) -> None:
    def came(name: bytes, days: float, **more: object) -> tuple[object, ...]:
        at_ns = NOW - int(days * DAY)
        return file_row(name, first_seen_ns=at_ns, inode=int(days * 10), **more)

    assert growth(engine, None, NOW) == {}
    with engine.transaction():
        found = [came(b"found", 11, size=10**9), came(b"of the first day", 10.5, size=10**9)]
        new = [came(b"a", 9, size=600), came(b"b", 1, size=500)]
        gone = came(b"c", 5, size=100, state="missing", gone_ns=NOW - DAY)
        engine.insert("files", COLUMNS, [*found, *new, gone])

    assert growth(engine, 1, NOW) == {"uploads": Growth(110.0, 10.0)}
    assert growth(engine, 2, NOW) == {}
    assert growth(engine, None, NOW - 10 * DAY) == {}  # not yet a day


def test_what_there_is_is_not_counted(engine: Engine) -> None:
    columns = ("root_id", "kind", "state", "files", "bytes")
    rows = [(1, "image", "present", 2, 10), (1, "video", "present", 1, 5)]
    with engine.transaction():
        engine.insert("totals", columns, [*rows, (1, "video", "missing", 9, 9)])

    assert held(engine, 1) == {"uploads": (3, 15)}
    assert held(engine, 2) == {}
