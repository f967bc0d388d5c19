"""Coverage and comparisons by SQL come to what judging each file by itself comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storewarden.catalogue.engine import Engine
from storewarden.cli.policy.diff import Judging
from storewarden.cli.policy.measured import coverage
from storewarden.pipeline.judging import every_subject
from storewarden.policy.analysis import KINDS
from storewarden.policy.covered import Coverage, cover
from storewarden.policy.decide import decide
from storewarden.policy.differences import Change, Judged, compare, numbers
from storewarden.policy.evaluate import evaluate
from storewarden.policy.expression import Truth
from storewarden.policy.rules import Policy, PolicySet
from storewarden.policy.subject import Subject
from tests.policies import NOW, clean, many_subjects, one_policy, policy_sets, store

SETTINGS = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def used(one: Subject) -> Subject:
    """Return a file with days of use only where it has a last one, as all have that are counted."""
    return one if one.last_opened_ns is not None else replace(one, days=())


FILES = many_subjects(most=8).map(lambda files: [used(one) for one in files])


@dataclass(frozen=True)
class Alone:
    """A file by itself, as if it had been counted."""

    subject: Subject
    truths: tuple[Truth, ...]
    files: int = 1

    @property
    def root(self) -> str:
        return self.subject.root

    @property
    def kind(self) -> str:
        return self.subject.kind

    @property
    def file_id(self) -> int | None:
        return self.subject.id if self.kind == "database" else None

    @property
    def bytes(self) -> int:
        return self.subject.size


def one_by_one(engine: Engine, policy_set: PolicySet) -> Coverage:
    def groups() -> Iterator[Alone]:
        for subject in every_subject(engine):
            truths = (evaluate(one.match, subject, NOW) for one in policy_set.policies)
            yield Alone(subject, tuple(truths))

    return cover(policy_set, groups())


def host(engine: Engine) -> int:
    return int(engine.execute("SELECT id FROM hosts")[0][0])


@given(files=FILES, policy_set=policy_sets())
@SETTINGS
def test_coverage_is_what_each_file_by_itself_comes_to(
    engine: Engine, files: list[Subject], policy_set: PolicySet
) -> None:
    clean(engine)
    store(engine, files)

    found = coverage(engine, host(engine), policy_set, NOW)
    wanted = one_by_one(engine, policy_set)
    found.databases.sort()
    wanted.databases.sort()
    assert found == wanted


@st.composite
def two_sets(draw: st.DrawFn) -> tuple[PolicySet, PolicySet]:
    """Two sets of policies that have much in common."""
    old = draw(policy_sets(5))
    policies: list[Policy] = []
    for policy in old.policies:
        fate = draw(st.sampled_from(("same", "same", "gone", "altered", "before")))
        other = replace(draw(one_policy()), id=policy.id)
        if fate == "same":
            policies.append(policy)
        elif fate == "altered":
            policies.append(other)
        elif fate == "before":
            policies.insert(0, policy)
    if draw(st.booleans()):
        policies.append(draw(one_policy("new")))
    return old, PolicySet(tuple(policies))


def judged(subject: Subject, policy_set: PolicySet, ids: Mapping[str, int]) -> Judged:
    """Return what is decided of a file by the function that decides for real."""
    decision = decide(subject, policy_set, NOW)

    def number(name: str | None) -> int:
        if name is None:
            return 0
        return -ids[name[1:]] if name.startswith("?") else ids[name]

    return Judged(
        tuple(number(getattr(decision, kind)) for kind in KINDS),
        ids[decision.policy] if decision.policy else None,
        None if decision.action is None else int(decision.action),
        decision.due_ns,
        decision.store,
        int(decision.blocked),
    )


@given(files=FILES, sets=two_sets())
@SETTINGS
def test_a_difference_is_what_each_file_by_itself_comes_to(
    engine: Engine, files: list[Subject], sets: tuple[PolicySet, PolicySet]
) -> None:
    clean(engine)
    store(engine, files)
    old, new = sets
    ids = numbers(old, new)
    names = {id_: name for name, id_ in ids.items()}

    judging = Judging(engine, host(engine), old, new, NOW)
    found = {id_: change for id_, change, _ in judging.files() if change is not None}

    wanted: dict[int, Change] = {}
    for subject in every_subject(engine):
        before, after = judged(subject, old, ids), judged(subject, new, ids)
        change = compare(before, after, names, NOW)
        if change is not None:
            wanted[subject.id] = change
    assert found == wanted
