"""What policies would have done to files, and what of it would have been regretted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any as Anything

from storewarden.policy.backtest import Backtest, Replay, Window, as_of, backtest, replay
from storewarden.policy.expression import All, Condition, Term
from storewarden.policy.rules import Evaluate, Force, Phase, Placement, Policy, PolicySet
from storewarden.policy.subject import Day, Subject

DAY = 86_400 * 10**9
TODAY = 20_000  # days since 1970
NOW = TODAY * DAY
WINDOW = Window(NOW - 90 * DAY, NOW)
EVERYTHING = All(())


def file(**changed: Anything) -> Subject:
    """A file of half a year that is counted since then."""
    plain = Subject(
        id=1,
        root="uploads",
        path=b"film.mp4",
        kind="video",
        size=1000,
        first_seen_ns=NOW - 180 * DAY,
        modified_ns=NOW - 180 * DAY,
        usage_since_ns=NOW - 180 * DAY,
    )
    return replace(plain, **changed)


def used(*days_ago: int) -> dict[str, Anything]:
    """On which days it was opened, three times each."""
    days = tuple(Day(TODAY - ago, 3, 0) for ago in sorted(days_ago, reverse=True))
    return {"days": days, "last_opened_ns": (days[-1].day + 1) * DAY - 1}


def policies(
    *phases: Phase, match: Condition = EVERYTHING, clock: str = "last_used", **more: Anything
) -> PolicySet:
    return PolicySet((Policy("p", match, phases=phases, clock=clock, **more),))


TRASH = policies(Phase(Force.TRASH, 30 * DAY))
WHOLE = policies(
    Phase(Force.ARCHIVE, 30 * DAY, to="cold"),
    Phase(Force.TRASH, 60 * DAY),
    Phase(Force.PURGE, 7 * DAY, after_previous=True),
)


def replayed(subject: Subject, policy_set: PolicySet) -> Replay:
    found = replay(subject, policy_set, WINDOW)
    assert found is not None
    return found


def done(found: Replay) -> list[tuple[str, int]]:
    return [(step.action.word, (step.at_ns - WINDOW.from_ns) // DAY) for step in found.steps]


def test_a_file_that_nobody_used_would_have_gone_at_once() -> None:
    found = replayed(file(), TRASH)

    assert done(found) == [("trash", 0)]
    assert (found.regretted, found.freed) == (False, 0)  # in the trash it still takes its bytes


def test_use_puts_it_off_and_what_is_used_later_is_regretted() -> None:
    found = replayed(file(**used(100, 80, 20)), TRASH)

    # a month after the day that was eighty days ago; and then somebody wanted it
    assert done(found) == [("trash", 90 - 80 + 30)]
    assert (found.regretted, found.opens) == (True, 3)


def test_use_within_every_month_keeps_it() -> None:
    found = replayed(file(**used(100, 80, 60, 40, 20)), TRASH)

    assert (done(found), found.gone) == ([], None)


def test_use_on_the_very_day_is_regretted() -> None:
    subject = file(**used(100, 70, 30))
    last_used = next(day for day in subject.days if day.day == TODAY - 70)
    found = replayed(subject, policies(Phase(Force.TRASH, 40 * DAY)))

    assert found.gone is not None
    assert found.gone.at_ns == (last_used.day + 1) * DAY - 1 + 40 * DAY
    assert found.opens == 3


def test_a_whole_life_is_gone_through() -> None:
    found = replayed(file(), WHOLE)

    assert done(found) == [("archive", 0), ("trash", 0), ("purge", 7)]
    assert found.freed == 1000


def test_a_file_begins_when_it_was_first_seen() -> None:
    young = file(first_seen_ns=NOW - 50 * DAY, modified_ns=NOW - 50 * DAY)
    found = replayed(young, TRASH)

    assert done(found) == [("trash", 40 + 30)]
    assert replay(file(first_seen_ns=NOW + DAY), TRASH, WINDOW) is None


def test_what_was_taken_before_the_window_is_left_out() -> None:
    assert replay(file(state="trashed", state_ns=NOW - 100 * DAY), TRASH, WINDOW) is None
    assert done(replayed(file(state="trashed", state_ns=NOW - 5 * DAY), TRASH)) == [("trash", 0)]


def test_before_counting_began_nothing_is_known_of_use() -> None:
    found = replayed(file(usage_since_ns=NOW - 60 * DAY), TRASH)

    assert done(found) == [("trash", 30 + 30)]
    assert done(replayed(file(usage_since_ns=None), TRASH)) == []


def test_what_was_written_later_was_not_so_new_then() -> None:
    subject = file(modified_ns=NOW - 10 * DAY)

    assert as_of(subject, WINDOW.from_ns).modified_ns == subject.first_seen_ns
    assert as_of(subject, NOW).modified_ns == subject.modified_ns
    found = replayed(subject, policies(Phase(Force.TRASH, 200 * DAY), clock="modified"))
    assert done(found) == []


def test_a_move_by_use_and_the_way_back() -> None:
    often = Term("opens_per_day", ">=", (0.5,))
    place = Placement(evaluate=Evaluate(10 * DAY, often, "cloud"))
    policy_set = PolicySet((Policy("hybrid", EVERYTHING, place=place),))
    found = replayed(file(**used(*range(60, 89))), policy_set)

    actions = [(step.action.word, step.store) for step in found.steps]
    assert actions == [("move", "cloud"), ("move", "local"), ("move", "cloud")]
    assert (found.regretted, found.freed) == (True, 1000)


def test_all_of_them_are_summed_up() -> None:
    subjects = [
        file(id=1),
        file(id=2, **used(80, 20)),
        file(id=3, **used(100, 80, 60, 40, 20)),
        file(id=4, usage_since_ns=None),
    ]
    *_, found = backtest(subjects, TRASH, WINDOW)
    came = found.policies["p"]

    assert (found.files, found.counted, found.taken) == (4, 3, 2)
    assert (came.files, came.bytes) == ({"trash": 2}, {"trash": 2000})
    assert (came.regretted, came.regretted_bytes, came.opens) == (1, 1000, 6)
    assert [one.subject.id for one in came.examples] == [2]
    assert list(backtest([], TRASH, WINDOW)) == [
        Backtest(policies=found.policies | {"p": type(came)()})
    ]


def test_use_does_not_matter_where_no_policy_asks_for_it() -> None:
    every_day = file(**used(*range(90)))
    by_age = policies(Phase(Force.TRASH, 400 * DAY), clock="created")

    assert done(replayed(every_day, by_age)) == []
