"""What becomes of a file until a time, if nobody touches it."""

from dataclasses import replace

from storewarden.policy.expression import All, Term
from storewarden.policy.life import Step, done, life
from storewarden.policy.rules import (
    LOCAL,
    Force,
    Phase,
    Placement,
    Policy,
    PolicySet,
    Pressure,
    Timer,
    Triggers,
)
from storewarden.policy.subject import Subject

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
BORN = 20_000 * DAY + 7 * HOUR
FILE = Subject(1, "save_outputs", b"a.mp4", "video", 1000, BORN, BORN, usage_since_ns=BORN)
LIFE = (
    Phase(Force.COPY, DAY, to="cold"),
    Phase(Force.ARCHIVE, 30 * DAY, to="cloud"),
    Phase(Force.TRASH, 60 * DAY),
    Phase(Force.PURGE, 7 * DAY, after_previous=True),
)
RENDERS = Policy("renders", All(()), phases=LIFE)


def steps(
    policy_set: PolicySet, subject: Subject = FILE, *, pressed: bool = False
) -> list[tuple[str, int]]:
    """What is done within a year, and how long after its birth."""
    whole = life(subject, policy_set, BORN, BORN + 365 * DAY, pressed=pressed)
    return [(step.action.word, step.at_ns - BORN) for step in whole]


def test_a_life_goes_through_all_its_phases_to_the_end() -> None:
    assert steps(PolicySet((RENDERS,))) == [
        ("copy", DAY),
        ("archive", 30 * DAY),
        ("trash", 60 * DAY),
        ("purge", 67 * DAY),
    ]


def test_the_last_moment_counts_and_what_comes_later_does_not() -> None:
    policies = PolicySet((RENDERS,))
    assert len(life(FILE, policies, BORN, BORN + 60 * DAY)) == 3
    assert len(life(FILE, policies, BORN, BORN + 60 * DAY - 1)) == 2


def test_what_is_long_due_is_done_at_once_one_after_the_other() -> None:
    now_ns = BORN + 400 * DAY
    whole = life(FILE, PolicySet((RENDERS,)), now_ns, now_ns + 7 * DAY)
    assert [(step.action, step.at_ns - now_ns) for step in whole] == [
        (Force.COPY, 0),
        (Force.ARCHIVE, 0),
        (Force.TRASH, 0),
        (Force.PURGE, 7 * DAY),  # which counts from when it was put into the trash
    ]


def test_what_is_kept_back_does_not_happen_until_time_frees_it() -> None:
    young = Policy("young", Term("age", "<", (90 * DAY,)), hold=True)
    assert steps(PolicySet((young, RENDERS))) == [
        ("copy", DAY),
        ("archive", 90 * DAY),
        ("trash", 90 * DAY),
        ("purge", 97 * DAY),
    ]
    assert steps(PolicySet((RENDERS,)), replace(FILE, pinned=True)) == [("copy", DAY)]


def test_what_was_done_lets_other_policies_match() -> None:
    copied = Policy("copied", Term("copies", ">=", (1,)), place=Placement(preferred=("cold",)))
    assert steps(PolicySet((copied, RENDERS)))[:3] == [
        ("copy", DAY),
        ("move", DAY),
        ("archive", 30 * DAY),
    ]


def test_timers_say_when_due_work_is_done() -> None:
    nightly = replace(RENDERS, triggers=Triggers(event=False, timers=(Timer(cron="0 3 * * *"),)))
    assert steps(PolicySet((nightly,)))[:2] == [
        ("copy", DAY + 20 * HOUR),
        ("archive", 30 * DAY + 20 * HOUR),
    ]
    often = replace(RENDERS, triggers=Triggers(event=False, timers=(Timer(every_ns=DAY),)))
    assert steps(PolicySet((often,)))[0] == ("copy", DAY + 17 * HOUR)


def test_what_waits_for_want_of_space_is_done_only_where_that_is_so() -> None:
    wants = Triggers(event=False, pressure=Pressure(0.9, 0.8))
    policies = PolicySet((replace(RENDERS, triggers=wants),))
    assert steps(policies) == []
    assert len(steps(policies, pressed=True)) == 4


def test_everything_that_is_done_changes_the_file() -> None:
    now_ns = BORN + DAY
    copied = done(FILE, Force.COPY, "cold", now_ns)
    assert copied is not None
    assert copied.copies == (("cold", now_ns),)
    moved = done(copied, Force.MOVE, "cloud", now_ns)
    assert moved is not None
    assert (moved.placed, moved.placed_ns, len(moved.copies)) == ("cloud", now_ns, 2)
    assert (moved.state, moved.state_ns, moved.stage) == ("archived", now_ns, "present")
    back = done(moved, Force.MOVE, LOCAL, now_ns + 1)
    assert back is not None
    assert (back.state, back.state_ns) == ("present", None)
    assert (back.placed, back.placed_ns, len(back.copies)) == (LOCAL, now_ns + 1, 2)
    archived = done(moved, Force.ARCHIVE, "cold", now_ns)
    assert archived is not None
    assert (archived.state, archived.stage, archived.away) == ("archived", "archived", False)
    for force, state in ((Force.ARCHIVE, "archived"), (Force.TRASH, "trashed")):
        after = done(FILE, force, None, now_ns)
        assert after is not None
        assert (after.state, after.state_ns) == (state, now_ns)
    assert done(FILE, Force.PURGE, None, now_ns) is None


CLOUD = Policy("cloud", All(()), place=Placement(preferred=("cloud",)))


def test_what_was_moved_away_lives_on_and_is_archived_where_it_is() -> None:
    assert steps(PolicySet((CLOUD, RENDERS))) == [
        ("move", 0),
        ("copy", DAY),
        ("trash", 60 * DAY),  # it lies where it was to be archived
        ("purge", 67 * DAY),
    ]


def test_what_was_moved_away_is_archived_elsewhere_and_then_has_no_place() -> None:
    cold = (Phase(Force.ARCHIVE, 30 * DAY, to="cold"),)
    policies = PolicySet((CLOUD, replace(RENDERS, phases=cold)))
    assert steps(policies) == [("move", 0), ("archive", 30 * DAY)]


def test_what_was_moved_away_comes_back_when_it_belongs_here() -> None:
    young = Policy("young", Term("age", "<", (10 * DAY,)), place=Placement(preferred=("cloud",)))
    here = Policy("here", All(()), place=Placement(required=(LOCAL,)))
    away = replace(FILE, state="archived", state_ns=BORN, placed="cloud", placed_ns=BORN)
    assert steps(PolicySet((young,)), away) == []
    assert steps(PolicySet((young, here)), away) == [("move", 0)]
    assert steps(PolicySet((here,)), replace(away, placed=LOCAL)) == []  # its life has it


def test_a_copy_to_no_store_ends_where_it_began() -> None:
    nowhere = replace(RENDERS, phases=(Phase(Force.COPY, DAY),))
    assert life(FILE, PolicySet((nowhere,)), BORN, BORN + 2 * DAY) == (
        Step(BORN + DAY, Force.COPY, "renders", None),
    )
