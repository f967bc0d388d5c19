"""Where a database belongs by the policies that place databases, and what moving all would come to.

The lists stand in policies: a changed list is a changed line there. Nothing here moves anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from storewarden.policy import decide, placement, reasons
from storewarden.policy.expression import Class, Condition, Term, terms
from storewarden.policy.load import read
from storewarden.policy.rules import LOCAL, Placement, PolicySet
from storewarden.policy.sources import SHIPPED, read_sources
from storewarden.policy.subject import Subject

STRATEGY: Final = f"{SHIPPED}trae"
STORES: Final = ("cloud",)  # what strategies call the other place
UNNAMED: Final = "unnamed"
_KIND: Final = "database"
_NOT_COUNTED: Final = (
    "its use is not counted; usage: true in the configuration of its root counts it"
)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Where a database belongs: ``local``, a store, ``evaluate``, or ``unknown``."""

    recommendation: str
    reason: str
    category: str
    policy: str = ""
    due_ns: int | None = None  # from when it may go there; None: it is there, or nothing is known

    def document(self) -> dict[str, str]:
        """Return it as the strategy's programs know it."""
        return {
            "recommendation": self.recommendation,
            "reason": self.reason,
            "category": self.category,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One of the three steps of a migration: what it is about, and how much that is."""

    phase: int
    name: str
    about: str
    databases: tuple[tuple[str, int | None], ...]  # with the bytes, where one is there

    @property
    def size(self) -> int:
        """The bytes of those that are there."""
        return sum(size or 0 for _, size in self.databases)


PHASES: Final = (
    ("secure_local", "stay here, and are protected from being moved"),
    ("move_to_cloud", "are moved one by one: copied, verified, then freed here"),
    ("evaluate", "are judged by how they are used, again and again"),
)


def recommend(
    policies: PolicySet, subject: Subject, now_ns: int, *, measured: bool = False
) -> Recommendation:
    """Return where a database belongs; one whose place depends on use is judged if ``measured``.

    It is judged as the daemon judges it: by the same window, limits, hysteresis and least stay.
    """
    won = decide.winners(subject, policies, now_ns).place
    policy = policies.policies[abs(won) - 1] if won else None
    if policy is None or policy.place is None:
        return Recommendation("unknown", "no policy names it", UNNAMED)
    if won < 0:
        return Recommendation("unknown", f"it is not known whether {policy.id} matches", UNNAMED)
    place, category = policy.place, policy.category or policy.id
    reason = policy.reason or policy.id
    if place.evaluate is None:
        wanted = (place.required or place.preferred)[0]
        return _placed(Recommendation(wanted, reason, category, policy.id), place, subject, now_ns)
    if not measured:
        return Recommendation("evaluate", reason, category, policy.id)
    here = placement.judged(place.evaluate, subject, now_ns)
    if here is None:
        return Recommendation("evaluate", _NOT_COUNTED, category, policy.id)
    wanted = LOCAL if here else place.evaluate.otherwise
    said = reasons.figures(place.evaluate, subject, now_ns)
    return _placed(Recommendation(wanted, said, category, policy.id), place, subject, now_ns)


def _placed(
    told: Recommendation, place: Placement, subject: Subject, now_ns: int
) -> Recommendation:
    """Add from when a database may go where it belongs, and why not before."""
    away = placement.removal(place, subject, now_ns)
    if away is None:
        return told
    told = replace(told, recommendation=away.store, due_ns=away.due_ns)
    if place.evaluate is None or away.due_ns <= now_ns:
        return told
    stay = reasons.duration(place.evaluate.min_stay_ns)
    until = reasons.day(away.due_ns)
    return replace(told, reason=f"{told.reason}; it stays {stay} where it is, until {until}")


def by_name(name: str) -> Subject:
    """Return what a database is of which nothing but its name is known."""
    return Subject(0, "", os.fsencode(name), _KIND, 0, 0, 0, inspected=True, understood=True)


def named(policies: PolicySet) -> tuple[str, ...]:
    """Return the names of databases that placing policies list, each once, in their order."""
    found: dict[str, None] = {}
    for policy in policies.policies:
        if policy.place is not None:
            found |= dict.fromkeys(_names(policy.match))
    return tuple(found)


def _names(condition: Condition) -> Iterable[str]:
    part = condition.part if isinstance(condition, Class) else condition
    for term in terms(part):
        if _lists_names(term):
            yield from (str(value) for value in term.values if not set("*?[") & set(str(value)))


def _lists_names(term: Term) -> bool:
    return term.name == "name" and term.compare == "="


def migration(policies: PolicySet, databases: Sequence[Subject], now_ns: int) -> tuple[Step, ...]:
    """Return the three steps over databases that are there; without any, over those named."""
    there = {subject.name.decode(errors="backslashreplace"): subject for subject in databases}
    subjects = databases or tuple(by_name(name) for name in named(policies))
    groups: dict[int, list[tuple[str, int | None]]] = {1: [], 2: [], 3: []}
    for subject in subjects:
        wanted = recommend(policies, subject, now_ns).recommendation
        phase = {LOCAL: 1, "evaluate": 3, "unknown": 0}.get(wanted, 2)
        name = subject.name.decode(errors="backslashreplace")
        if phase:
            groups[phase].append((name, subject.size if name in there else None))
    return tuple(
        Step(number, name, about, tuple(sorted(groups[number])))
        for number, (name, about) in enumerate(PHASES, 1)
    )


def read_strategy(policies: str | Path, stores: Collection[str] = STORES) -> PolicySet:
    """Return the policies of a file, a directory or ``shipped:NAME``; raises PolicyError."""
    entry = str(policies)
    if not entry.startswith(SHIPPED):
        entry = os.path.abspath(entry)
    return read(read_sources((entry,)), stores=stores)
