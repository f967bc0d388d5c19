"""A made-up year of files: what `life` foretells is what a clock that moves day by day decides.

The simulation knows nothing of times that matter: it asks of every file at every midnight what is
to be done, and does it. Files begin at midnights and limits are whole days, so that both must say
the same to the nanosecond.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storewarden.policy.decide import decide
from storewarden.policy.expression import All, Any, Class, Not, Term
from storewarden.policy.life import Step, life
from storewarden.policy.rules import (
    LOCAL,
    Evaluate,
    Force,
    Order,
    Phase,
    Placement,
    Policy,
    PolicySet,
    Pressure,
    Timer,
    Triggers,
)
from storewarden.policy.subject import Day, Subject

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
YEAR = 365
SUNDAYS = "0 0 * * 0"

KEEPER = Class("keeper", Any((Term("rating", ">=", (4,)), Term("tag", "=", ("keep",)))))
BUSY = Any((Term("opens_per_day", ">=", (2,)), Term("writes_per_day", ">=", (0.5,))))

POLICIES = PolicySet(
    (
        Policy("keepers", KEEPER, hold=True),
        Policy(
            "young-stay",
            All((Term("kind", "=", ("audio",)), Term("age", "<", (90 * DAY,)))),
            hold=True,
        ),
        Policy(
            "masters",
            Term("name", "=", ("master-*",)),
            place=Placement(required=(LOCAL,)),
        ),
        Policy(
            "hybrids",
            Term("kind", "=", ("database",)),
            place=Placement(evaluate=Evaluate(30 * DAY, BUSY, "cloud", 7 * DAY, 0.2)),
        ),
        Policy(
            "big-ones",
            All((Term("size", ">", (2**30,)), Term("idle", ">=", (45 * DAY,)))),
            place=Placement(preferred=("cold",)),
        ),
        Policy(
            "previews",
            Term("path", "=", ("tmp/",)),
            clock="modified",
            phases=(Phase(Force.TRASH, 3 * DAY), Phase(Force.PURGE, 7 * DAY, after_previous=True)),
            triggers=Triggers(event=False, timers=(Timer(cron=SUNDAYS), Timer(every_ns=5 * DAY))),
        ),
        Policy(
            "what-can-be-made-again",
            Term("regenerable", "=", (True,)),
            clock="last_used",
            phases=(Phase(Force.TRASH, 60 * DAY),),
            triggers=Triggers(event=False, pressure=Pressure(0.9, 0.8, (Order("last_used"),))),
        ),
        Policy(
            "renders",
            All((Term("kind", "=", ("video", "image")), Not(Term("tag", "=", ("raw",))))),
            clock="last_used",
            phases=(
                Phase(Force.COPY, 2 * DAY, to="cold"),
                Phase(Force.ARCHIVE, 30 * DAY, to="cloud"),
                Phase(Force.TRASH, 180 * DAY),
                Phase(Force.PURGE, 30 * DAY, after_previous=True),
            ),
        ),
        Policy(
            "copied-goes",
            All((Term("copies", ">=", (1,)), Term("age", ">=", (120 * DAY,)))),
            phases=(Phase(Force.TRASH, 100 * DAY), Phase(Force.PURGE, 200 * DAY)),
        ),
        Policy("others", All(()), phases=(Phase(Force.COPY, 14 * DAY, to="cold"),)),
    )
)


def made_up(chance: random.Random, id_: int) -> Subject:
    """One of the files of that year; some come in its course, some were there before."""
    some = chance.choice
    seen = START + chance.randrange(-200, 1) * DAY
    counted = chance.random() < 0.8
    opened = START - chance.randrange(0, 90) * DAY
    days = tuple(
        Day(START // DAY - back, chance.randrange(60), chance.randrange(20))
        for back in sorted(chance.sample(range(45), chance.randrange(4)))
    )
    inspected = chance.random() < 0.9
    made = inspected and chance.random() < 0.5
    state = some(("present",) * 8 + ("archived", "trashed"))
    placed = some((LOCAL,) * 4 + ("cloud",))
    if placed != LOCAL and state == "present":
        state = "archived"
    return Subject(
        id=id_,
        root="save_outputs",
        path=some((b"", b"", b"tmp/", b"renders/")) + some((b"a", b"master-1", b"b")) + b".bin",
        kind=some(("video", "image", "audio", "database", "document")),
        size=some((0, 1000, 2**30, 2**31)),
        first_seen_ns=seen,
        modified_ns=seen - some((0, 0, 5 * DAY)),
        state=state,
        state_ns=None if state == "present" else START - chance.randrange(1, 20) * DAY,
        growing=chance.random() < 0.02,
        inspected=inspected,
        understood=inspected,
        tool="flux" if made else None,
        model="flux1" if made else None,
        prompt="a lighthouse" if made else None,
        seed="42" if made and chance.random() < 0.5 else None,
        pinned=chance.random() < 0.05,
        rating=some((None, None, 3.0, 4.5)),
        tags=some(((), (), ("raw",), ("keep", "raw"))),
        usage_since_ns=START - 100 * DAY if counted else None,
        last_opened_ns=opened if counted and days else None,
        days=days if counted else (),
        copies=(("cold", seen),) if chance.random() < 0.1 else (),
        placed=placed,
        placed_ns=None if placed == LOCAL else START - chance.randrange(10) * DAY,
        sidecar_of=b"owner.mp4" if chance.random() < 0.03 else None,
    )


def moved_clock(subject: Subject, days: int) -> list[Step]:
    """What is done to a file when somebody looks at every midnight, and does what is due."""
    steps: list[Step] = []
    for day in range(days + 1):
        now_ns = START + day * DAY
        while True:
            decision = decide(subject, POLICIES, now_ns)
            if decision.due_ns is None or decision.due_ns > now_ns or decision.blocked:
                break
            assert decision.policy is not None
            assert decision.action is not None
            if not _comes(decision.policy, now_ns):
                break
            steps.append(Step(now_ns, decision.action, decision.policy, decision.store))
            if decision.action is Force.PURGE:
                return steps
            subject = _after(subject, decision.action, decision.store, now_ns)
    return steps


def _comes(policy: str, now_ns: int) -> bool:
    """Whether a policy of ours does its work at that midnight."""
    if policy == "what-can-be-made-again":
        return False  # the disk is not full
    if policy == "previews":
        sunday = datetime.fromtimestamp(now_ns // SECOND, UTC).isoweekday() == 7
        return sunday or now_ns // DAY % 5 == 0
    return True


def _after(subject: Subject, action: Force, store: str | None, now_ns: int) -> Subject:
    if store not in (None, LOCAL):
        kept = tuple(copy for copy in subject.copies if copy[0] != store)
        subject = replace(subject, copies=(*kept, (str(store), now_ns)))
    if action is Force.MOVE:
        there = replace(subject, placed=str(store), placed_ns=now_ns)
        if store == LOCAL:
            return replace(there, state="present", state_ns=None)
        return replace(there, state="archived", state_ns=now_ns)
    if action is Force.ARCHIVE:
        there = replace(subject, placed=LOCAL, placed_ns=None)
        return replace(there, state="archived", state_ns=now_ns)
    if action is Force.TRASH:
        return replace(subject, state="trashed", state_ns=now_ns)
    return subject


def agree(seed: int, files: int) -> None:
    chance = random.Random(seed)
    seen: set[tuple[Force, str]] = set()
    for id_ in range(1, files + 1):
        subject = made_up(chance, id_)
        foretold = list(life(subject, POLICIES, START, START + YEAR * DAY))
        assert foretold == moved_clock(subject, YEAR), subject
        seen |= {(step.action, step.policy) for step in foretold}
    # everything that can happen happened
    assert {(force.word, policy) for force, policy in seen} == {
        *(("move", "masters"), ("move", "hybrids"), ("move", "big-ones")),
        *(("trash", "previews"), ("purge", "previews")),
        *(("copy", "renders"), ("archive", "renders"), ("trash", "renders"), ("purge", "renders")),
        *(("trash", "copied-goes"), ("purge", "copied-goes"), ("copy", "others")),
    }


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
)
def test_the_forecast_of_a_year_is_what_a_moved_clock_decides_day_by_day(seed: int) -> None:
    agree(seed, files=500)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 104))
def test_the_forecast_of_a_year_of_many_thousand_files(seed: int) -> None:
    agree(seed, files=2500)
