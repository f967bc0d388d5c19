"""Where a database belongs by the policies that place databases, and what moving all would come to.

The lists stand in policies: a changed list is a changed line there. Nothing here moves anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from storewarden.policy.evaluate import evaluate
from storewarden.policy.expression import Class, Condition, Term, terms
from storewarden.policy.load import read
from storewarden.policy.rules import LOCAL, Policy, PolicySet
from storewarden.policy.sources import SHIPPED, read_sources
from storewarden.policy.subject import Subject

STRATEGY: Final = f"{SHIPPED}trae"
STORES: Final = ("cloud",)  # what strategies call the other place
UNNAMED: Final = "unnamed"
_KIND: Final = "database"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Where a database belongs: ``local``, a store, ``evaluate``, or ``unknown``."""

    recommendation: str
    reason: str
    category: str

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
    """Return where a database belongs; one whose place depends on use is judged if ``measured``."""
    policy = _winner(policies, subject, now_ns)
    if policy is None or policy.place is None:
        return Recommendation("unknown", "no policy names it", UNNAMED)
    place, category = policy.place, policy.category or policy.id
    if place.evaluate is None:
        wanted = (place.required or place.preferred)[0]
        return Recommendation(wanted, policy.reason or policy.id, category)
    if not measured:
        return Recommendation("evaluate", policy.reason or policy.id, category)
    used = evaluate(place.evaluate.local_if, subject, now_ns, place.evaluate.window_ns)
    figures = _figures(subject, place.evaluate.window_ns, now_ns)
    if used is None:
        return Recommendation("evaluate", f"its use is not counted; {figures}", category)
    return Recommendation(LOCAL if used else place.evaluate.otherwise, figures, category)


def _winner(policies: PolicySet, subject: Subject, now_ns: int) -> Policy | None:
    placing = [policy for policy in policies.policies if policy.place is not None]
    placing.sort(key=lambda policy: not (policy.place and policy.place.required))
    return next((one for one in placing if evaluate(one.match, subject, now_ns)), None)


def _figures(subject: Subject, window_ns: int, now_ns: int) -> str:
    """Say what was measured, in the words of the strategy."""
    day = 86_400 * 10**9
    since = subject.usage_since_ns
    if since is None:
        return "usage: true in the configuration of its root counts it"
    began = max(now_ns - window_ns, since, subject.first_seen_ns)
    days = [one for one in subject.days if one.day >= began // day]
    span = max(1.0, (now_ns - began) / day)
    opens, writes = sum(one.opens for one in days), sum(one.writes for one in days)
    return f"{opens / span:.3g} opens and {writes / span:.3g} writes a day in {span:.0f} days"


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


class DatabaseStorageManager:
    """The TRAE storage strategy as its programs ask for it, answered from a policy file."""

    def __init__(
        self,
        policies: str | Path | PolicySet = STRATEGY,
        databases: Sequence[Subject] = (),
        *,
        now_ns: int = 0,
    ) -> None:
        """Read ``policies``; ``databases`` are those that are there, with their use."""
        self._set = policies if isinstance(policies, PolicySet) else read_strategy(policies)
        self._databases = tuple(databases)
        self._now_ns = now_ns

    def is_performance_critical(self, name: str) -> bool:
        """Tell whether a database has to stay on this machine."""
        return self._recommend(name).recommendation == LOCAL

    def can_move_to_cloud(self, name: str) -> bool:
        """Tell whether a database may leave this machine."""
        return self._recommend(name).recommendation not in (LOCAL, "evaluate", "unknown")

    def requires_evaluation(self, name: str) -> bool:
        """Tell whether a database is judged by how it is used."""
        return self._recommend(name).recommendation == "evaluate"

    def get_storage_recommendation(self, name: str) -> dict[str, str]:
        """Return recommendation, reason and category of a database by its name."""
        return self._recommend(name).document()

    def generate_migration_plan(self) -> dict[str, Any]:
        """Return the three steps with counts, and with bytes where databases were given."""
        steps = migration(self._set, self._databases, self._now_ns)
        return {"phases": [_document(step) for step in steps], "total": sum(map(_count, steps))}

    def _recommend(self, name: str) -> Recommendation:
        return recommend(self._set, by_name(name), self._now_ns)


def _count(step: Step) -> int:
    return len(step.databases)


def _document(step: Step) -> Mapping[str, Any]:
    return {
        "phase": step.phase,
        "name": step.name,
        "count": len(step.databases),
        "bytes": step.size,
        "databases": [name for name, _ in step.databases],
    }
