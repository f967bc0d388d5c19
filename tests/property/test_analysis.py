"""What analysis calls impossible, shadowed or never known is so, whatever files there are."""

from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.analysis import RootFacts, analyse
from storewarden.policy.decide import winners
from storewarden.policy.evaluate import evaluate
from storewarden.policy.expression import All, Condition, Not
from storewarden.policy.possible import implied, possible
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Subject
from tests.policies import NOW, conditions, one_term, policy_sets, subjects

# many terms that shall all be true at once: most of such trees are impossible
crowded = st.lists(
    st.one_of(one_term(), one_term().map(Not), conditions(3)), min_size=2, max_size=6
).map(lambda parts: All(tuple(parts)))


@given(st.one_of(crowded, conditions(12)), subjects())
def test_what_is_impossible_is_true_of_no_file(condition: Condition, subject: Subject) -> None:
    if evaluate(condition, subject, NOW) is True:
        assert possible(condition)


@given(st.one_of(crowded, conditions(8)), subjects())
def test_what_is_never_known_is_true_of_no_such_file(
    condition: Condition, subject: Subject
) -> None:
    facts = RootFacts(
        subject.root, usage=subject.usage_since_ns is not None, inspect=subject.inspected
    )
    if evaluate(condition, subject, NOW) is True:
        assert possible(condition, unknown=facts.unknown)


@given(conditions(4), st.lists(conditions(4), max_size=3), subjects())
def test_what_is_implied_is_never_false_of_a_file(
    condition: Condition, by: list[Condition], subject: Subject
) -> None:
    if evaluate(condition, subject, NOW) is True and all(
        evaluate(one, subject, NOW) is False for one in by
    ):
        assert not implied(condition, *by)


@given(policy_sets(), st.lists(subjects(), min_size=1, max_size=6))
def test_a_policy_that_is_said_to_be_useless_wins_nothing(
    policy_set: PolicySet, files: list[Subject]
) -> None:
    found = [one for one in analyse(policy_set) if one.wrong]
    at = {policy.id: number for number, policy in enumerate(policy_set.policies, 1)}
    for subject in files:
        won = winners(subject, policy_set, NOW)
        for one in found:
            kinds = (one.kind,) if one.kind else won._fields
            assert at[one.policy] not in {getattr(won, kind) for kind in kinds}, str(one)


@given(policy_sets(), subjects())
def test_policies_that_are_not_said_to_overlap_never_match_the_same_file(
    policy_set: PolicySet, subject: Subject
) -> None:
    """Of two that match a file and say otherwise, one is told: as an overlap, or as useless."""
    told = {(one.kind, other, one.policy) for one in analyse(policy_set) for other in one.others}
    useless = {one.policy for one in analyse(policy_set) if one.wrong}
    matching = [p for p in policy_set.policies if evaluate(p.match, subject, NOW) is True]
    lives = [policy for policy in matching if policy.phases and policy.id not in useless]
    for at, second in enumerate(lives):
        for first in lives[:at]:
            if (first.phases, first.clock) != (second.phases, second.clock):
                assert ("phases", first.id, second.id) in told
