"""Whatever the policies, whatever the file: what is never decided, and that time is foreseen."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from storewarden.policy import phases
from storewarden.policy.decide import decide
from storewarden.policy.decision import Blocked, Decision
from storewarden.policy.evaluate import evaluate
from storewarden.policy.expression import All, Term, terms
from storewarden.policy.life import done, life
from storewarden.policy.placement import removal
from storewarden.policy.rules import LOCAL, Force, Placement, Policy, PolicySet
from storewarden.policy.subject import Subject
from storewarden.policy.terms import RATES
from tests import policies
from tests.policies import DAY, NOW

YEAR = 365 * DAY
EVERYTHING = All(())
moments = st.builds(
    lambda days, off: NOW + days * DAY + off,
    st.integers(0, 400),
    st.sampled_from((-1, 0, 1, 10**9)),
)


def acts(decision: Decision, now_ns: int) -> bool:
    """Whether something would be done at that time."""
    return (
        decision.action is not None
        and decision.due_ns is not None
        and decision.due_ns <= now_ns
        and not decision.blocked
    )


def frees(decision: Decision, now_ns: int) -> bool:
    return acts(decision, now_ns) and decision.action is not Force.COPY


def what(decision: Decision) -> Decision:
    """The decision without its words and without when to look again."""
    return decision._replace(reason="", again_ns=None)


@given(policies.subjects(), policies.policy_sets(), moments)
def test_every_decision_has_a_reason_in_one_line(
    subject: Subject, policy_set: PolicySet, now_ns: int
) -> None:
    decision = decide(subject, policy_set, now_ns)
    assert decision.reason
    assert decision.reason.isprintable()
    assert (decision.action is None) == (decision.policy is None)
    if decision.policy is not None:
        assert decision.reason.startswith(f"{decision.policy}: ")
    assert decision.again_ns is None or decision.again_ns > now_ns


@given(policies.subjects(), policies.policy_sets(), moments)
def test_nothing_is_freed_by_a_policy_that_is_not_known_to_come_first(
    subject: Subject, policy_set: PolicySet, now_ns: int
) -> None:
    decision = decide(subject, policy_set, now_ns)
    if not acts(decision, now_ns):
        return
    acting = policy_set.policy(decision.policy or "")
    assert acting is not None
    assert evaluate(acting.match, subject, now_ns) is True
    moved = decision.action is Force.MOVE
    for policy in policy_set.policies:
        if policy is acting:
            break
        if policy.phases if not moved else policy.place and policy.place.required:
            assert evaluate(policy.match, subject, now_ns) is False


@given(policies.subjects(), policies.policy_sets(), moments)
def test_nothing_is_known_of_a_file_that_nobody_looked_at_and_nothing_is_freed_for_it(
    subject: Subject, policy_set: PolicySet, now_ns: int
) -> None:
    unseen = replace(subject, inspected=False, understood=False, usage_since_ns=None, cost=None)
    decision = decide(unseen, policy_set, now_ns)
    if frees(decision, now_ns):
        acting = policy_set.policy(decision.policy or "")
        assert acting is not None
        uncounted = acting.clock == "last_used" and decision.action is not Force.MOVE
        # what was archived or trashed counts from that, and then it was known
        assert not uncounted or unseen.stage != "present"


@given(policies.subjects(), policies.policy_sets(), moments)
def test_what_is_pinned_growing_or_goes_with_another_is_never_freed(
    subject: Subject, policy_set: PolicySet, now_ns: int
) -> None:
    for kept in (
        replace(subject, pinned=True),
        replace(subject, growing=True),
        replace(subject, sidecar_of=b"owner.mp4"),
    ):
        assert not frees(decide(kept, policy_set, now_ns), now_ns)


@given(policies.subjects(), policies.policy_sets(), moments, policies.conditions(3))
def test_a_hold_never_makes_an_action_appear_and_one_over_all_stops_all(
    subject: Subject, policy_set: PolicySet, now_ns: int, condition: object
) -> None:
    before = decide(subject, policy_set, now_ns)
    for place in (0, len(policy_set.policies)):
        hold = Policy("a-hold", condition, hold=True)  # type: ignore[arg-type]  # any condition
        held = decide(subject, _with(policy_set, hold, place), now_ns)
        if acts(held, now_ns):
            assert what(held._replace(hold=before.hold)) == what(before)
        over_all = decide(
            subject, _with(policy_set, replace(hold, match=EVERYTHING), place), now_ns
        )
        assert not frees(over_all, now_ns)
        assert over_all.due_ns == before.due_ns


@given(policies.subjects(), policies.policy_sets(), moments)
def test_what_is_required_here_is_only_ever_brought_back(
    subject: Subject, policy_set: PolicySet, now_ns: int
) -> None:
    here = Policy("here", EVERYTHING, place=Placement(required=(LOCAL,)))
    decision = decide(subject, _with(policy_set, here, 0), now_ns)
    if frees(decision, now_ns):
        assert (decision.action, decision.store) == (Force.MOVE, LOCAL)


@given(policies.subjects(), policies.policy_sets())
def test_nothing_is_done_before_its_time(subject: Subject, policy_set: PolicySet) -> None:
    for step in life(subject, policy_set, NOW, NOW + 3 * YEAR):
        policy = policy_set.policy(step.policy)
        assert policy is not None
        if step.action is Force.MOVE:
            assert step.at_ns >= subject.first_seen_ns
            continue
        since = {
            "created": subject.first_seen_ns,
            "modified": subject.modified_ns,
            "last_used": subject.last_used_ns,
        }[policy.clock]
        waits = [
            phase.after_ns if phase.after_previous or since is None else since + phase.after_ns
            for phase in policy.phases
            if phase.do is step.action
        ]
        assert step.at_ns >= min(waits)


@given(policies.subjects(), policies.policy_sets(), st.lists(st.integers(0, YEAR), max_size=8))
def test_between_two_times_that_matter_nothing_is_decided_otherwise(
    subject: Subject, policy_set: PolicySet, offsets: list[int]
) -> None:
    assume(not _rates(policy_set))  # rates fall all the time, and are looked at every midnight
    decision = decide(subject, policy_set, NOW)
    times = [decision.again_ns, decision.due_ns]
    until = min((time for time in times if time is not None and time > NOW), default=NOW + YEAR)
    for offset in (*offsets, until - NOW - 1):
        if NOW + offset < until:
            assert what(decide(subject, policy_set, NOW + offset)) == what(decision)


@given(policies.subjects(), policies.policy_sets(), st.lists(st.integers(0, YEAR), max_size=12))
def test_between_two_steps_of_its_life_nothing_waits_to_be_done(
    subject: Subject, policy_set: PolicySet, offsets: list[int]
) -> None:
    steps = life(subject, policy_set, NOW, NOW + YEAR)
    midnights = _rates(policy_set)
    at_ns, current = NOW, subject
    for step in steps:
        _nothing_waits(current, policy_set, at_ns, step.at_ns, offsets, midnights=midnights)
        decision = decide(current, policy_set, step.at_ns)
        assert acts(decision, step.at_ns)
        assert (decision.action, decision.store) == (step.action, step.store)
        after = done(current, step.action, step.store, step.at_ns)
        if after is None:
            assert step is steps[-1]
            return
        at_ns, current = step.at_ns, after
    _nothing_waits(current, policy_set, at_ns, NOW + YEAR, offsets, midnights=midnights)


@given(policies.subjects(), policies.placements())
def test_where_a_file_was_brought_it_belongs(subject: Subject, place: Placement) -> None:
    copies = any(term.name == "copies" for term in _asked(place))
    assume(not copies)  # bringing it there makes one
    away = removal(place, subject, NOW)
    if away is not None:
        there = done(subject, Force.MOVE, away.store, NOW)
        assert there is not None
        assert (there.lies, there.stage) == (away.store, "present")
        assert removal(place, there, NOW) is None


@given(policies.subjects(), policies.one_policy(), policies.stores())
def test_the_life_of_what_was_moved_away_is_that_of_what_is_here(
    subject: Subject, policy: Policy, store: str
) -> None:
    here = replace(subject, state="present", state_ns=None, placed=LOCAL, placed_ns=None)
    away = replace(here, state="archived", state_ns=NOW, placed=store, placed_ns=NOW)
    step = phases.following(policy, here)
    if step is None or (step.phase.do, step.phase.to) != (Force.ARCHIVE, store):
        assert phases.following(policy, away) == step
        return
    after = phases.following(policy, away)  # it is where it was to be archived
    assert after is None or after.phase.do > Force.ARCHIVE
    if after is not None and after.phase.after_previous and step.due_ns is not None:
        assert after.due_ns == max(step.due_ns, NOW) + after.phase.after_ns


def _asked(place: Placement) -> list[Term]:
    return list(terms(place.evaluate.local_if)) if place.evaluate else []


def _nothing_waits(
    subject: Subject,
    policy_set: PolicySet,
    from_ns: int,
    to_ns: int,
    offsets: list[int],
    *,
    midnights: bool,
) -> None:
    for offset in offsets:
        probe = NOW + offset
        if midnights:
            probe = probe // DAY * DAY
        if from_ns <= probe < to_ns:
            assert not acts(decide(subject, policy_set, probe), probe)


def _rates(policy_set: PolicySet) -> bool:
    """Whether any policy looks at how often files are used."""
    for policy in policy_set.policies:
        how = policy.place.evaluate if policy.place else None
        conditions = [policy.match, *([how.local_if] if how else [])]
        if any(term.name in RATES for each in conditions for term in terms(each)):
            return True
    return False


def _with(policy_set: PolicySet, policy: Policy, at: int) -> PolicySet:
    before, after = policy_set.policies[:at], policy_set.policies[at:]
    return replace(policy_set, policies=(*before, policy, *after))


def test_blocked_words_are_in_the_order_in_which_they_count() -> None:
    assert [block.name for block in sorted(Blocked)] == [
        *("NO", "HELD", "PINNED", "REQUIRED", "UNKNOWN", "SIDECAR", "GROWING"),
    ]
