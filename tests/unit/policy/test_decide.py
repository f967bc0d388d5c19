"""What should happen to a file next: who wins, what is due when, what keeps it back, and why."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any as Anything

import pytest

from storewarden.policy.decide import decide, winners
from storewarden.policy.decision import Blocked
from storewarden.policy.expression import All, Any, Condition, Term
from storewarden.policy.rules import (
    LOCAL,
    Care,
    Evaluate,
    Force,
    Phase,
    Placement,
    Policy,
    PolicySet,
    Timer,
)
from storewarden.policy.subject import Day, Subject

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOW = int(datetime(2026, 10, 19, tzinfo=UTC).timestamp()) * SECOND
ALL = All(())
NONE = Any(())
UNKNOWN = Term("cost", ">", (1,))  # nobody told
VIDEO = Term("kind", "=", ("video",))

FILE = Subject(
    id=1,
    root="save_outputs",
    path=b"renders/a.mp4",
    kind="video",
    size=1000,
    first_seen_ns=NOW - 20 * DAY,
    modified_ns=NOW - 19 * DAY,
    usage_since_ns=NOW - 100 * DAY,
    last_opened_ns=NOW - 18 * DAY,
)
LIFE = (
    Phase(Force.ARCHIVE, 30 * DAY, to="cloud"),
    Phase(Force.TRASH, 365 * DAY),
    Phase(Force.PURGE, 7 * DAY, after_previous=True),
)
RENDERS = Policy("renders", VIDEO, clock="last_used", phases=LIFE)


def lying(subject: Subject, store: str, since_ns: int = NOW - 60 * DAY) -> Subject:
    """The file as it is after it was moved to a store, or was never moved."""
    if store == LOCAL:
        return subject
    return replace(subject, state="archived", state_ns=since_ns, placed=store, placed_ns=since_ns)


def of(*policies: Policy) -> PolicySet:
    return PolicySet(policies)


def hold(match: Condition, name: str = "keepers") -> Policy:
    return Policy(name, match, hold=True)


def place(name: str, match: Condition = ALL, **how: Anything) -> Policy:
    return Policy(name, match, place=Placement(**how))


# -- who wins -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matches", "winner"),
    [
        ((ALL, ALL), 1),
        ((NONE, ALL), 2),
        ((UNKNOWN, ALL), -1),
        ((NONE, UNKNOWN), -2),
        ((NONE, NONE), 0),
        ((), 0),
    ],
)
def test_the_first_whose_match_is_not_false_wins_of_every_kind(
    matches: tuple[Condition, ...], winner: int
) -> None:
    holds = of(*(hold(match, f"p{at}") for at, match in enumerate(matches)))
    assert winners(FILE, holds, NOW).hold == winner
    lives = of(*(Policy(f"p{at}", match, phases=LIFE) for at, match in enumerate(matches)))
    assert winners(FILE, lives, NOW).phases == winner
    places = of(*(place(f"p{at}", match, preferred=("cloud",)) for at, match in enumerate(matches)))
    assert winners(FILE, places, NOW).place == winner
    cares = of(
        *(
            Policy(f"p{at}", match, care=Care(integrity=Timer(every_ns=DAY)))
            for at, match in enumerate(matches)
        )
    )
    assert winners(replace(FILE, kind="database"), cares, NOW).care == winner
    assert winners(FILE, cares, NOW).care == 0  # only databases are cared for


def test_what_requires_a_place_comes_before_what_prefers_one() -> None:
    policies = of(place("first", preferred=("cloud",)), place("second", required=(LOCAL,)))
    assert winners(FILE, policies, NOW).place == 2
    assert decide(FILE, policies, NOW).action is None


def test_policies_about_rows_are_about_no_file() -> None:
    policies = of(replace(RENDERS, rows="app.conversations", match=ALL), RENDERS)
    assert winners(FILE, policies, NOW).phases == 2


# -- its life -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "due_ns"),
    [
        ("created", FILE.first_seen_ns + 30 * DAY),
        ("modified", FILE.modified_ns + 30 * DAY),
        ("last_used", NOW + 12 * DAY),
    ],
)
def test_the_first_phase_counts_from_the_clock(clock: str, due_ns: int) -> None:
    decision = decide(FILE, of(replace(RENDERS, clock=clock)), NOW)
    assert (decision.action, decision.store, decision.due_ns) == (Force.ARCHIVE, "cloud", due_ns)
    assert decision.policy == decision.phases == "renders"


@pytest.mark.parametrize(
    ("state", "since_ns", "action", "due_ns"),
    [
        ("archived", NOW - 5 * DAY, Force.TRASH, NOW - 18 * DAY + 365 * DAY),
        # archived late: what comes next cannot have been due before
        ("archived", NOW + 400 * DAY, Force.TRASH, NOW + 400 * DAY),
        ("trashed", NOW - 2 * DAY, Force.PURGE, NOW + 5 * DAY),
        ("purged", NOW, None, None),
        ("missing", NOW, None, None),
    ],
)
def test_each_phase_follows_the_one_that_was_done(
    state: str, since_ns: int, action: Force | None, due_ns: int | None
) -> None:
    decision = decide(replace(FILE, state=state, state_ns=since_ns), of(RENDERS), NOW)
    assert (decision.action, decision.due_ns) == (action, due_ns)


def test_what_another_hand_put_into_the_trash_is_not_archived_from_there() -> None:
    policy = replace(RENDERS, phases=(LIFE[0], Phase(Force.PURGE, 90 * DAY)))
    decision = decide(replace(FILE, state="trashed", state_ns=NOW), of(policy), NOW)
    assert decision.action is Force.PURGE


def test_a_copy_is_done_once_its_store_has_it() -> None:
    steps = (
        Phase(Force.COPY, DAY, to="cold"),
        Phase(Force.TRASH, 10 * DAY, after_previous=True),
    )
    policies = of(replace(RENDERS, phases=steps))
    assert decide(FILE, policies, NOW).action is Force.COPY
    elsewhere = replace(FILE, copies=(("cloud", NOW - DAY),))
    assert decide(elsewhere, policies, NOW).action is Force.COPY
    copied = replace(FILE, copies=(("cold", NOW - 3 * DAY),))
    decision = decide(copied, policies, NOW)
    assert (decision.action, decision.due_ns) == (Force.TRASH, NOW + 7 * DAY)


def test_a_copy_made_before_it_was_due_frees_nothing_that_is_in_use() -> None:
    steps = (
        Phase(Force.COPY, 30 * DAY, to="cold"),
        Phase(Force.TRASH, 10 * DAY, after_previous=True),
    )
    policies = of(replace(RENDERS, phases=steps))
    copied = replace(FILE, copies=(("cold", NOW - 300 * DAY),), last_opened_ns=NOW - DAY)
    decision = decide(copied, policies, NOW)
    assert (decision.action, decision.due_ns) == (Force.TRASH, NOW + 39 * DAY)
    assert decision.reason.startswith("renders: trash 10d after its copy was due and made")
    uncounted = decide(replace(copied, usage_since_ns=None), policies, NOW)
    assert (uncounted.due_ns, uncounted.blocked) == (None, Blocked.UNKNOWN)


def test_what_somebody_brought_back_begins_its_life_anew() -> None:
    """Else what was restored to be used would be taken away again at once."""
    back = replace(FILE, first_seen_ns=NOW - 400 * DAY, placed=LOCAL, placed_ns=NOW - 2 * DAY)
    policy = Policy("renders", VIDEO, clock="created", phases=LIFE)

    decision = decide(back, of(policy), NOW)

    assert (decision.action, decision.due_ns) == (Force.ARCHIVE, NOW + 28 * DAY)
    assert "30d after it was brought back, which was" in decision.reason


def test_where_nobody_counts_last_use_is_not_known_and_nothing_is_due() -> None:
    decision = decide(replace(FILE, usage_since_ns=None), of(RENDERS), NOW)
    assert (decision.action, decision.due_ns) == (Force.ARCHIVE, None)
    assert decision.blocked is Blocked.UNKNOWN
    assert decision.reason == (
        "renders: archive to cloud 30d after its last use, which is not known; "
        "nothing is done while that is not known"
    )


# -- its place ----------------------------------------------------------------------------------


BUSY = Any((Term("opens_per_day", ">=", (5,)), Term("writes_per_day", ">=", (1,))))
BY_USE = Evaluate(30 * DAY, BUSY, "cloud", 7 * DAY, 0.2)
HYBRID = replace(FILE, first_seen_ns=NOW - 60 * DAY)


def used(opens: int) -> tuple[Day, ...]:
    """So many opens in thirty days."""
    return (Day(NOW // DAY - 3, opens, 0),)


def test_what_follows_an_archive_where_the_file_is_already_counts_from_when_it_was_due() -> None:
    archive = Phase(Force.ARCHIVE, 30 * DAY, to="cloud")
    trash = Phase(Force.TRASH, 5 * DAY, after_previous=True)
    policies = of(replace(RENDERS, clock="created", phases=(archive, trash)))
    born = NOW - 20 * DAY
    early = lying(replace(FILE, first_seen_ns=born), "cloud", NOW - 10 * DAY)
    late = lying(replace(FILE, first_seen_ns=born - 90 * DAY), "cloud", NOW - 10 * DAY)
    first = decide(early, policies, NOW)
    assert (first.action, first.due_ns) == (Force.TRASH, born + 35 * DAY)
    assert "5d after the step before was due and done" in first.reason
    assert decide(late, policies, NOW).due_ns == NOW - 5 * DAY
    elsewhere = decide(replace(early, placed="cold"), policies, NOW)
    assert (elsewhere.action, elsewhere.due_ns) == (Force.ARCHIVE, born + 30 * DAY)


def test_what_was_archived_by_its_life_has_no_place() -> None:
    policies = of(place("here", required=(LOCAL,)), place("cold-ones", preferred=("cold",)))
    archived = replace(FILE, state="archived", state_ns=NOW - DAY)
    assert decide(archived, policies, NOW).action is None


@pytest.mark.parametrize(
    ("placed", "how", "action", "store"),
    [
        (LOCAL, {"preferred": ("cloud", "cold")}, Force.MOVE, "cloud"),
        ("cloud", {"preferred": ("cloud", "cold")}, None, None),
        ("cold", {"preferred": (LOCAL,)}, Force.MOVE, LOCAL),
        (LOCAL, {"required": (LOCAL, "cloud")}, None, None),
        ("cold", {"required": (LOCAL, "cloud")}, Force.MOVE, LOCAL),
    ],
)
def test_a_file_goes_where_it_belongs(
    placed: str, how: dict[str, Anything], action: Force | None, store: str | None
) -> None:
    decision = decide(lying(FILE, placed), of(place("p", **how)), NOW)
    assert (decision.action, decision.store) == (action, store)


@pytest.mark.parametrize(
    ("placed", "opens", "store"),
    [
        (LOCAL, 0, "cloud"),
        (LOCAL, 119, "cloud"),  # below 4, which is 5 less a fifth
        (LOCAL, 120, None),  # between the limits everything stays where it is
        ("cloud", 120, None),
        ("cloud", 179, None),
        ("cloud", 180, LOCAL),  # 6, which is 5 and a fifth
        (LOCAL, 180, None),
    ],
)
def test_what_is_near_a_limit_does_not_go_to_and_fro(
    placed: str, opens: int, store: str | None
) -> None:
    subject = lying(replace(HYBRID, days=used(opens)), placed)
    decision = decide(subject, of(place("hybrids", evaluate=BY_USE)), NOW)
    assert decision.store == store


def test_a_file_stays_a_while_where_it_was_put() -> None:
    policies = of(place("hybrids", evaluate=BY_USE))
    moved = lying(replace(HYBRID, days=used(1000)), "cloud", NOW - 2 * DAY)
    decision = decide(moved, policies, NOW)
    assert (decision.action, decision.store, decision.due_ns) == (Force.MOVE, LOCAL, NOW + 5 * DAY)
    new = decide(replace(HYBRID, first_seen_ns=NOW - DAY), policies, NOW)
    assert new.due_ns == NOW + 6 * DAY


def test_where_use_is_not_known_a_file_stays() -> None:
    subject = replace(HYBRID, usage_since_ns=None)
    decision = decide(subject, of(place("hybrids", evaluate=BY_USE)), NOW)
    assert decision.action is None
    assert decision.reason == (
        "hybrids: stays here: opens a day are not counted and writes a day are not counted"
    )


def test_the_gentlest_that_is_due_comes_first_and_before_that_the_earliest() -> None:
    policies = of(place("cold-ones", preferred=("cold",)), RENDERS)
    assert decide(FILE, policies, NOW).action is Force.MOVE
    assert decide(FILE, policies, NOW + 400 * DAY).action is Force.MOVE
    stays = lying(replace(FILE, first_seen_ns=NOW - 60 * DAY), "cold", NOW)
    later = of(place("hybrids", evaluate=replace(BY_USE, local_if=ALL, min_stay_ns=20 * DAY)))
    both = of(*later.policies, RENDERS)
    first = decide(stays, both, NOW)
    assert (first.action, first.due_ns) == (Force.ARCHIVE, NOW + 12 * DAY)
    assert first.again_ns == NOW + 20 * DAY  # when the gentler of the two is due as well
    assert decide(stays, both, NOW + 20 * DAY - 1).action is Force.ARCHIVE
    assert decide(stays, both, NOW + 20 * DAY).action is Force.MOVE


# -- what keeps it back -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "policies", "blocked", "why"),
    [
        (FILE, of(RENDERS), Blocked.NO, ""),
        (FILE, of(hold(ALL), RENDERS), Blocked.HELD, "; held by keepers"),
        (FILE, of(RENDERS, hold(UNKNOWN)), Blocked.HELD, "; held by keepers, if that matches"),
        (replace(FILE, pinned=True), of(RENDERS), Blocked.PINNED, "; it is pinned"),
        (
            FILE,
            of(RENDERS, place("here", required=(LOCAL,))),
            Blocked.REQUIRED,
            "; here requires it here",
        ),
        (
            FILE,
            of(replace(RENDERS, match=UNKNOWN)),
            Blocked.UNKNOWN,
            "; it is not known whether renders matches",
        ),
        (
            FILE,
            of(RENDERS, place("here", UNKNOWN, required=(LOCAL,))),
            Blocked.UNKNOWN,
            "; it is not known whether here matches",
        ),
        (
            replace(FILE, sidecar_of=b"renders/\xffb.mp4"),
            of(RENDERS),
            Blocked.SIDECAR,
            "; it goes where renders/\\xffb.mp4 goes",
        ),
        (replace(FILE, growing=True), of(RENDERS), Blocked.GROWING, "; somebody is writing it"),
        (
            replace(FILE, pinned=True, growing=True),
            of(hold(ALL), RENDERS),
            Blocked.HELD,
            "; held by keepers",
        ),
    ],
)
def test_what_keeps_an_action_back_is_said_and_its_time_stays(
    subject: Subject, policies: PolicySet, blocked: Blocked, why: str
) -> None:
    decision = decide(subject, policies, NOW)
    assert decision.blocked is blocked
    assert decision.due_ns == NOW + 12 * DAY
    assert decision.reason == (
        "renders: archive to cloud 30d after its last use, which was 2026-10-01; 12d from now" + why
    )


def test_copying_is_kept_back_by_no_hold() -> None:
    steps = (Phase(Force.COPY, DAY, to="cold"),)
    policies = of(hold(ALL), replace(RENDERS, phases=steps))
    assert decide(replace(FILE, pinned=True), policies, NOW).blocked is Blocked.NO


def test_what_comes_back_to_where_it_is_required_is_not_kept_away_by_that() -> None:
    policies = of(place("here", required=(LOCAL,)))
    decision = decide(lying(FILE, "cloud"), policies, NOW)
    assert (decision.action, decision.blocked) == (Force.MOVE, Blocked.NO)


# -- why, and when again ------------------------------------------------------------------------


def test_reasons_tell_the_figures_that_were_measured() -> None:
    policies = of(place("hybrids", evaluate=replace(BY_USE, hysteresis=0.0)))
    decision = decide(replace(HYBRID, days=used(6)), policies, NOW)
    assert decision.reason == (
        "hybrids: belongs in cloud: 0.2 opens a day in 30d, below 5"
        " and 0 writes a day in 30d, below 1; due for 53d"
    )


@pytest.mark.parametrize(
    ("subject", "policies", "reason"),
    [
        (FILE, of(), "no policy is about it"),
        (FILE, of(hold(ALL)), "held by keepers"),
        (FILE, of(place("here", required=(LOCAL,))), "here: required here"),
        (lying(FILE, "cold"), of(place("p", preferred=("cold",))), "p: stays in cold"),
        (
            lying(FILE, "cloud"),
            of(replace(RENDERS, phases=(Phase(Force.ARCHIVE, DAY, to="cloud"),))),
            "renders: nothing follows once it is in cloud",
        ),
        (
            replace(FILE, state="missing"),
            of(RENDERS),
            "renders: nothing follows once it is missing",
        ),
        (
            replace(FILE, copies=(("cold", NOW),)),
            of(replace(RENDERS, phases=(Phase(Force.COPY, DAY, to="cold"),))),
            "renders: nothing follows",
        ),
        (
            replace(FILE, kind="database"),
            of(Policy("care", ALL, care=Care(integrity=Timer(every_ns=DAY)))),
            "cared for by care",
        ),
    ],
)
def test_that_nothing_happens_has_a_reason_as_well(
    subject: Subject, policies: PolicySet, reason: str
) -> None:
    decision = decide(subject, policies, NOW)
    assert (decision.action, decision.reason) == (None, reason)


@pytest.mark.parametrize(
    ("policies", "again_ns"),
    [
        (of(RENDERS), None),
        (of(hold(Term("age", "<", (25 * DAY,))), RENDERS), FILE.first_seen_ns + 25 * DAY),
        (of(RENDERS, hold(Term("idle", ">", (20 * DAY,)))), NOW + 2 * DAY + 1),
        (of(hold(Term("age", "<", (10 * DAY,)))), None),  # that is over
        (of(place("hybrids", evaluate=BY_USE)), NOW + DAY),  # rates are looked at every midnight
    ],
)
def test_it_is_known_when_to_look_again(policies: PolicySet, again_ns: int | None) -> None:
    subject = replace(FILE, days=used(1000))
    assert decide(subject, policies, NOW).again_ns == again_ns
