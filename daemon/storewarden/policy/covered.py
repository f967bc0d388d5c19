"""What policies come to on a machine: from files that were counted by what they match; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

from storewarden.policy.analysis import KINDS, has, ranked
from storewarden.policy.expression import Condition, Term, Truth, terms
from storewarden.policy.rules import Policy, PolicySet
from storewarden.wildcard import is_pattern

LIFE = ("hold", "place", "phases")
"""Who has one of these says what becomes of a file; care alone leaves that open."""


class Counted(Protocol):
    """Files that match the same policies."""

    @property
    def root(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def file_id(self) -> int | None: ...
    @property
    def truths(self) -> tuple[Truth, ...]: ...
    @property
    def files(self) -> int: ...
    @property
    def bytes(self) -> int: ...


@dataclass(slots=True)
class Sum:
    """A number of files, and their bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, group: Counted) -> None:
        """Count in some more."""
        self.files += group.files
        self.bytes += group.bytes


@dataclass(slots=True)
class Covered:
    """What one policy comes to."""

    matches: Sum = field(default_factory=Sum)
    unknown: Sum = field(default_factory=Sum)  # it is not known whether it matches
    wins: dict[str, Sum] = field(default_factory=dict)  # by kind of statement

    @property
    def won(self) -> int:
        """Of how many files at most it decides anything."""
        return max((one.files for one in self.wins.values()), default=0)


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two policies of one kind that say otherwise about the same files."""

    kind: str
    first: str  # the one that wins
    second: str


@dataclass(slots=True)
class Coverage:
    """What all policies come to, and what they leave out."""

    files: Sum = field(default_factory=Sum)
    policies: dict[str, Covered] = field(default_factory=dict)
    meetings: dict[Meeting, Sum] = field(default_factory=dict)
    uncovered: dict[tuple[str, str], Sum] = field(default_factory=dict)  # by root and kind
    undecided: dict[tuple[str, str], Sum] = field(default_factory=dict)  # not known whether
    databases: list[tuple[int, bool]] = field(default_factory=list)  # uncovered; whether cared for
    all_databases: int = 0


def cover(policy_set: PolicySet, groups: Iterable[Counted]) -> Coverage:
    """Return what the policies come to on these files."""
    files = [policy for policy in policy_set.policies if policy.rows is None]
    at = {policy.id: number for number, policy in enumerate(files)}
    order = {kind: [at[policy.id] for policy in ranked(files, kind)] for kind in KINDS}
    found = Coverage(policies={policy.id: Covered() for policy in files})
    for policy in files:
        found.policies[policy.id].wins = {kind: Sum() for kind in KINDS if has(policy, kind)}
    for group in groups:
        found.files.add(group)
        for policy, truth in zip(files, group.truths, strict=True):
            one = found.policies[policy.id]
            if truth is not False:
                (one.matches if truth else one.unknown).add(group)
        for kind in KINDS:
            if kind != "care" or group.kind == "database":
                _win(found, kind, [files[number] for number in order[kind]], at, group)
        _leave(found, files, group)
    return found


def _win(
    found: Coverage,
    kind: str,
    policies: Sequence[Policy],
    at: Mapping[str, int],
    group: Counted,
) -> None:
    """Count for the first that matches, and for each pair that both do."""
    matching = [policy for policy in policies if group.truths[at[policy.id]] is not False]
    if matching and group.truths[at[matching[0].id]]:
        found.policies[matching[0].id].wins[kind].add(group)
    sure = [policy for policy in matching if group.truths[at[policy.id]]]
    for first, second in combinations(sure, 2):
        if _otherwise(kind, first, second):
            pair = Meeting(kind, first.id, second.id)
            found.meetings.setdefault(pair, Sum()).add(group)


def _otherwise(kind: str, first: Policy, second: Policy) -> bool:
    if kind == "hold":
        return False
    same = getattr(first, kind) == getattr(second, kind)
    return not same or (kind == "phases" and first.clock != second.clock)


def _leave(found: Coverage, files: Sequence[Policy], group: Counted) -> None:
    """Note what no policy says anything about, or none of which it is known."""
    truths = [
        truth
        for policy, truth in zip(files, group.truths, strict=True)
        if any(has(policy, kind) for kind in LIFE)
    ]
    database = group.file_id is not None
    found.all_databases += database
    if any(truths):
        return
    where = (group.root, group.kind)
    left = found.undecided if None in truths else found.uncovered
    left.setdefault(where, Sum()).add(group)
    if database and group.file_id is not None and None not in truths:
        cared = any(
            truth and policy.care is not None
            for policy, truth in zip(files, group.truths, strict=True)
        )
        found.databases.append((group.file_id, cared))


# -- names --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a policy lists."""

    policy: str
    name: str

    @property
    def pattern(self) -> bool:
        """Whether it stands for several."""
        return is_pattern(self.encoded)

    @property
    def encoded(self) -> bytes:
        """The name as files bear it."""
        return self.name.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Missing:
    """A listed name that no file bears, or only files that the policy does not match."""

    policy: str
    name: str
    kinds: tuple[str, ...] = ()  # of the files that bear it all the same


def names(policy_set: PolicySet) -> list[Named]:
    """Return every name that policies list, in their order."""
    return [
        Named(policy.id, name)
        for policy in policy_set.policies
        if policy.rows is None
        for name in dict.fromkeys(_names(policy.match))
    ]


def _names(condition: Condition) -> Iterator[str]:
    for term in terms(condition):
        if _lists_names(term):
            yield from map(str, term.values)


def _lists_names(term: Term) -> bool:
    return term.name == "name" and term.compare == "="


def missing(
    policy_set: PolicySet,
    listed: Iterable[Named],
    borne: Iterable[tuple[bytes, str, tuple[Truth, ...]]],
    patterns: Mapping[str, bool],
) -> list[Missing]:
    """Return the listed names that are in vain.

    ``borne`` are the names that files bear, each with their kind and what they match;
    ``patterns`` says of each pattern whether any file's name matches it.
    """
    at = {
        policy.id: number
        for number, policy in enumerate(one for one in policy_set.policies if one.rows is None)
    }
    matched: set[tuple[str, bytes]] = set()
    kinds: dict[bytes, Counter[str]] = defaultdict(Counter)
    for name, kind, truths in borne:
        kinds[name][kind] += 1
        matched |= {(id_, name) for id_, number in at.items() if truths[number] is not False}
    found = []
    for one in listed:
        if one.pattern:
            if not patterns.get(one.name, True):
                found.append(Missing(one.policy, one.name))
        elif (one.policy, one.encoded) not in matched:
            found.append(Missing(one.policy, one.name, tuple(sorted(kinds[one.encoded]))))
    return found
