"""What is foretold of many files at once is what a simulation of each with a moved clock does."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from storewarden.policy.decide import decide, winners
from storewarden.policy.expression import All
from storewarden.policy.forecast import Courses, Decided, Forecast, effects
from storewarden.policy.life import Step, life
from storewarden.policy.phases import clock_ns
from storewarden.policy.rules import (
    LOCAL,
    Force,
    Phase,
    Policy,
    PolicySet,
    Pressure,
    Timer,
    Triggers,
)
from storewarden.policy.subject import Subject
from tests.policies import DAY, NOW, policy_sets, subjects

TRIGGERS = st.sampled_from(
    (
        Triggers(),
        Triggers(event=False, timers=(Timer(every_ns=7 * DAY),)),
        Triggers(event=False, timers=(Timer(cron="30 2 * * 1"),)),
        Triggers(event=False, pressure=Pressure(0.9, 0.8)),
    )
)


def decided(subject: Subject, policies: PolicySet) -> Decided:
    won, found = winners(subject, policies, NOW), decide(subject, policies, NOW)
    life_of = policies.policies[abs(won.phases) - 1] if won.phases else None
    return Decided(
        *(subject.state, won.hold, won.place, won.phases),
        None if found.action is None else int(found.action),
        *(found.due_ns, found.store, int(found.blocked), found.again_ns),
        clock_ns(life_of.clock, subject) if life_of else None,
        subject.away,
    )


@settings(max_examples=600, deadline=None)
@given(policy_sets(), subjects(), st.sampled_from((0, 1, 30, 90, 800)), TRIGGERS)
def test_a_course_is_the_life_that_a_simulation_lives(
    policies: PolicySet, subject: Subject, days: int, triggers: Triggers
) -> None:
    told = tuple(replace(policy, triggers=triggers) for policy in policies.policies)
    policies = replace(policies, policies=told)
    until_ns = NOW + days * DAY
    course = Courses(policies, NOW, until_ns).course(decided(subject, policies))

    assert course is None or course == life(subject, policies, NOW, until_ns)


ARCHIVE = Phase(Force.ARCHIVE, 30 * DAY, to="cold")
WHOLE = (ARCHIVE, Phase(Force.TRASH, 90 * DAY), Phase(Force.PURGE, 7 * DAY, after_previous=True))


@settings(max_examples=200, deadline=None)
@given(
    subjects(),
    st.sampled_from((WHOLE, WHOLE[1:], WHOLE[:1], (replace(ARCHIVE, after_ns=0),))),
    st.sampled_from(("created", "modified", "last_used")),
    TRIGGERS,
)
def test_what_time_does_not_choose_is_told_without_a_simulation(
    subject: Subject, phases: tuple[Phase, ...], clock: str, triggers: Triggers
) -> None:
    policies = PolicySet((Policy("all", All(()), clock=clock, phases=phases, triggers=triggers),))
    until_ns = NOW + 400 * DAY
    course = Courses(policies, NOW, until_ns).course(decided(subject, policies))

    # what was moved away may be where it would be archived: that takes a simulation
    simulated = course is None and subject.away
    assert simulated or course == life(subject, policies, NOW, until_ns)


def test_a_made_up_year_day_by_day() -> None:
    """Every file is simulated by itself, a day at a time; the sums of each day are the same."""
    files = [
        Subject(at, "r", b"%d.mp4" % at, "video", 1000 + at, NOW - at * DAY // 3, NOW)
        for at in range(1, 200)
    ]
    policies = PolicySet((Policy("all", All(()), phases=WHOLE),))
    until_ns = NOW + 365 * DAY
    courses, forecast = Courses(policies, NOW, until_ns), Forecast(NOW)
    for file in files:
        for effect in effects(courses.course(decided(file, policies)) or (), file.size):
            forecast.add(file.root, effect)

    here: dict[int, int] = defaultdict(int)
    cold: dict[int, int] = defaultdict(int)
    for file in files:
        for step in life(file, policies, NOW, until_ns):
            day = (step.at_ns - NOW) // DAY
            if step.action is Force.ARCHIVE:
                here[day] -= file.size
                cold[day] += file.size
            elif step.action is Force.PURGE:
                cold[day] -= file.size
    assert forecast.changes(366) == [sum(here[d] for d in range(n + 1)) for n in range(366)]
    assert forecast.stored("cold", 366) == [sum(cold[d] for d in range(n + 1)) for n in range(366)]
    assert forecast.changes(366, ["other"]) == [0] * 366


def step(action: Force, store: str | None = None, at: int = 0) -> Step:
    return Step(NOW + at, action, "p", store)


def test_what_each_act_does_to_bytes() -> None:
    def told(*steps: Step, **more: object) -> list[tuple[int, tuple[tuple[str, int], ...]]]:
        return [(e.here, e.stores) for e in effects(steps, 10, **more)]  # type: ignore[arg-type]

    copy, archive = step(Force.COPY, "cold"), step(Force.ARCHIVE, "cold")
    trash, purge = step(Force.TRASH), step(Force.PURGE)
    assert told(copy, archive) == [(0, (("cold", 10),)), (-10, ())]
    assert told(trash, purge) == [(0, ()), (-10, ())]  # what is in the trash takes its place
    assert told(archive, trash, purge) == [(-10, (("cold", 10),)), (0, ()), (0, (("cold", -10),))]
    assert told(step(Force.MOVE, "cold"), step(Force.MOVE, LOCAL)) == [
        (-10, (("cold", 10),)),
        (10, ()),
    ]
    assert told(archive, copies=["cold", LOCAL]) == [(-10, ())]
    assert told(purge, state="archived", copies=["cold"]) == [(0, (("cold", -10),))]
    assert told(purge, state="trashed", placed="cold", copies=["cold"]) == [(0, (("cold", -10),))]
    away = {"state": "archived", "placed": "cloud", "copies": ["cloud"]}
    assert told(archive, **away) == [(0, (("cold", 10),))]
    assert told(step(Force.MOVE, LOCAL), archive, **away) == [(10, ()), (-10, (("cold", 10),))]


def test_sums_are_by_day_policy_action_and_store() -> None:
    forecast = Forecast(NOW)
    later = 3 * DAY
    steps = (
        step(Force.ARCHIVE, "cold"),
        step(Force.TRASH, at=later),
        step(Force.PURGE, at=later + 1),
    )
    for _ in range(2):
        for effect in effects(steps, 10):
            forecast.add("r", effect)

    archived = forecast.sums[0, "p", Force.ARCHIVE, "cold"]
    purged = forecast.sums[3, "p", Force.PURGE, None]
    assert (archived.files, archived.bytes, archived.here, archived.purged) == (2, 20, -20, 0)
    assert (purged.files, purged.bytes, purged.here, purged.purged) == (2, 20, 0, 20)
