"""Two sets of policies, and what the second would do otherwise; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from storewarden.policy.analysis import KINDS
from storewarden.policy.decision import Blocked
from storewarden.policy.expression import Any, Condition
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import Force, Policy, PolicySet

When = Literal["", "sooner", "later"]
MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What is decided of a file, as a row of a verdict tells it."""

    winners: tuple[int, ...]  # of KINDS; negative where it is not known
    policy_id: int | None
    action: int | None
    due_ns: int | None
    store: str | None
    blocked: int

    @classmethod
    def of(cls, row: tuple[object, ...] | None) -> Judged:
        """Read the columns of a verdict, in their order; no row is no decision."""
        if row is None:
            return cls((0, 0, 0, 0), None, None, None, None, 0)
        hold, place, phases, care, policy_id, action, due_ns, store, blocked, *_ = row
        winners = tuple(_whole(one) or 0 for one in (hold, place, phases, care))
        told = None if store is None else str(store)
        numbers = (_whole(policy_id), _whole(action), _whole(due_ns))
        return cls(winners, *numbers, told, _whole(blocked) or 0)

    def due(self, now_ns: int) -> bool:
        """Tell whether something that frees bytes would be done now."""
        return (
            self.action is not None
            and Force(self.action).destructive
            and not self.blocked
            and self.due_ns is not None
            and self.due_ns <= now_ns
        )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class Change:
    """Another treatment: what was decided before, what afterwards, and whether that is sooner."""

    before: str
    after: str
    when: When = ""


@dataclass(slots=True)
class Changed:
    """How many files are treated so."""

    files: int = 0
    bytes: int = 0
    examples: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Differences:
    """Everything that would be otherwise."""

    compared: int = 0
    changes: dict[Change, Changed] = field(default_factory=dict)
    due_before: Changed = field(default_factory=Changed)  # of the files that are treated otherwise
    due_after: Changed = field(default_factory=Changed)

    @property
    def files(self) -> int:
        """How many files are treated otherwise."""
        return sum(one.files for one in self.changes.values())

    @property
    def bytes(self) -> int:
        """And their bytes."""
        return sum(one.bytes for one in self.changes.values())


def changed_policies(old: PolicySet, new: PolicySet) -> list[Policy]:
    """Return the policies by which the two differ, of both: new, gone, altered, or moved."""
    before = {policy.id: policy for policy in old.policies if policy.rows is None}
    after = {policy.id: policy for policy in new.policies if policy.rows is None}
    common = [id_ for id_ in before if id_ in after]
    moved = common != [id_ for id_ in after if id_ in before]
    altered = {
        id_ for id_ in common if moved or fingerprint(before[id_]) != fingerprint(after[id_])
    }
    return [
        policy
        for mine, other in ((before, after), (after, before))
        for id_, policy in mine.items()
        if id_ not in other or id_ in altered
    ]


def concerned(policies: Iterable[Policy]) -> Condition:
    """Return the condition that is false of every file that the difference leaves as it is."""
    return Any(tuple(policy.match for policy in policies))


def numbers(old: PolicySet, new: PolicySet) -> dict[str, int]:
    """Return a number for each policy, the same for those of the same name."""
    names = dict.fromkeys(policy.id for policy in (*old.policies, *new.policies))
    return {name: number for number, name in enumerate(names, 1)}


def differences(
    rows: Iterable[tuple[int, int, Judged, Judged]], names: Mapping[int, str], now_ns: int
) -> Iterator[tuple[int, Change | None, Differences]]:
    """Yield of each file how it changes, and what all of them came to so far."""
    found = Differences()
    for id_, size, before, after in rows:
        found.compared += 1
        change = compare(before, after, names, now_ns)
        if change is not None:
            _add(found.changes.setdefault(change, Changed()), id_, size)
            if before.due(now_ns):
                _add(found.due_before, id_, size)
            if after.due(now_ns):
                _add(found.due_after, id_, size)
        yield id_, change, found


def _add(changed: Changed, id_: int, size: int) -> None:
    changed.files += 1
    changed.bytes += size
    if len(changed.examples) < MOST_EXAMPLES:
        changed.examples.append(id_)


def compare(before: Judged, after: Judged, names: Mapping[int, str], now_ns: int) -> Change | None:
    """Return what is otherwise; None where nothing is."""
    if before == after:
        return None
    first, second = said(before, names), said(after, names)
    when = _when(before, after, now_ns)
    if first == second and not when:
        kinds = [
            at
            for at, (one, other) in enumerate(zip(before.winners, after.winners, strict=True))
            if one != other
        ]
        if not kinds:
            return None
        first += f"; {', '.join(_winner(before, at, names) for at in kinds)}"
        second += f"; {', '.join(_winner(after, at, names) for at in kinds)}"
    return Change(first, second, when)


def said(judged: Judged, names: Mapping[int, str]) -> str:
    """Say what happens next: `archive to cold by renders`, `nothing`."""
    if judged.action is None:
        return "nothing"
    to = f" to {judged.store}" if judged.store else ""
    by = f" by {names.get(judged.policy_id or 0, '?')}"
    kept = f" ({Blocked(judged.blocked).name.lower()})" if judged.blocked else ""
    return f"{Force(judged.action).word}{to}{by}{kept}"


def _winner(judged: Judged, at: int, names: Mapping[int, str]) -> str:
    number = judged.winners[at]
    sure = "" if number >= 0 else "perhaps "
    return f"{KINDS[at]} by {sure}{names[abs(number)]}" if number else f"no {KINDS[at]}"


def _when(before: Judged, after: Judged, now_ns: int) -> When:
    """Tell whether the same is done at another time; what is overdue is due now."""
    if before.action is None or before.action != after.action:
        return ""
    times = [None if one.due_ns is None else max(one.due_ns, now_ns) for one in (before, after)]
    if times[0] is None or times[1] is None or times[0] == times[1]:
        return ""
    return "sooner" if times[1] < times[0] else "later"
