"""What policies will do to bytes, day by day, if nobody touches any file; pure.

``life`` says what becomes of one file. Most files need no simulation: while nobody comes between a
file and its one policy, all its steps follow from when the first is due. ``course`` says them as
``life`` would, and of the others that it cannot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import NamedTuple

from storewarden.policy.expression import terms
from storewarden.policy.life import Step
from storewarden.policy.phases import remaining
from storewarden.policy.rules import LOCAL, Force, Phase, Policy, PolicySet
from storewarden.policy.timing import carried_out

DAY = 86_400 * 1_000_000_000
_AFTER = {Force.ARCHIVE: "archived", Force.TRASH: "trashed"}
_remaining = lru_cache(maxsize=4096)(remaining)


class Decided(NamedTuple):
    """What is decided of a file now, as the catalogue says it.

    ``hold place phases`` are positions of policies from 1, negative where it is not known whether
    they match, 0 for none; ``clock_ns`` is what the clock of its life shows, where that is known.
    """

    state: str
    hold: int
    place: int
    phases: int
    action: int | None
    due_ns: int | None
    store: str | None
    blocked: int
    again_ns: int | None
    clock_ns: int | None
    away: bool  # it was moved to another store


class Effect(NamedTuple):
    """What one step does to bytes: here, and in stores; what is purged is gone everywhere."""

    at_ns: int
    action: Force
    policy: str
    store: str | None
    size: int
    here: int
    stores: tuple[tuple[str, int], ...]
    rests: int = 0  # bytes that wait in the trash of the root


# -- what becomes of a file ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Courses:
    """Says what is done to files until a time, of those whose first step tells all others."""

    policy_set: PolicySet
    now_ns: int
    until_ns: int
    zone: tzinfo = UTC
    _copies: bool = field(init=False)

    def __post_init__(self) -> None:
        # a copy that appears may make another policy match
        asked = any(
            term.name == "copies"
            for policy in self.policy_set.policies
            for term in terms(policy.match)
        )
        object.__setattr__(self, "_copies", asked)

    def course(self, file: Decided) -> tuple[Step, ...] | None:
        """Return the steps of a file; None where only its whole life tells them."""
        if self._copies or (file.again_ns is not None and file.again_ns <= self.until_ns):
            return None
        if file.action is None:
            return ()
        if file.action == Force.MOVE:
            return self._moved(file)
        policy = self.policy_set.policies[abs(file.phases) - 1]
        if file.place or file.away or any(phase.do is Force.COPY for phase in policy.phases):
            return None
        if file.blocked or file.due_ns is None:
            return ()
        return self._lived(file, policy, file.due_ns)

    def _moved(self, file: Decided) -> tuple[Step, ...] | None:
        """Return the way of a file that only has a place, and stays where it was moved to."""
        policy = self.policy_set.policies[abs(file.place) - 1]
        if file.phases or (policy.place is not None and policy.place.evaluate is not None):
            return None
        if file.blocked or file.due_ns is None:
            return ()
        at_ns = self._done(policy, file.due_ns, self.now_ns)
        if at_ns is None:
            return ()
        return (Step(at_ns, Force.MOVE, policy.id, file.store),)

    def _lived(self, file: Decided, policy: Policy, due_ns: int) -> tuple[Step, ...] | None:
        steps: list[Step] = []
        clock_ns, state, at_ns = file.clock_ns, file.state, self.now_ns
        rest = _remaining(policy.phases, state)
        while rest:
            phase = rest[0]
            done_ns = self._done(policy, due_ns, at_ns)
            if done_ns is None:
                break
            at_ns = done_ns
            steps.append(Step(at_ns, phase.do, policy.id, _store(phase)))
            state = _AFTER.get(phase.do, "")
            rest = _remaining(policy.phases, state) if state else ()
            if rest and not rest[0].after_previous and clock_ns is None:
                return None
            if rest:
                due_ns = _due(rest[0], clock_ns or 0, at_ns)
        return tuple(steps)

    def _done(self, policy: Policy, due_ns: int, at_ns: int) -> int | None:
        """Return when something is done that is due; None when that is not before the end."""
        done = carried_out(policy.triggers, max(due_ns, at_ns), self.zone)
        return done if done is not None and done <= self.until_ns else None


def _due(phase: Phase, clock_ns: int, before_ns: int) -> int:
    """Return when a phase is due after another one was done."""
    if phase.after_previous:
        return before_ns + phase.after_ns
    return max(clock_ns + phase.after_ns, before_ns)


def _store(phase: Phase) -> str | None:
    return phase.to if phase.do in {Force.COPY, Force.ARCHIVE} else None


# -- what that does to bytes --------------------------------------------------------------------


def effects(
    steps: Iterable[Step],
    size: int,
    *,
    state: str = "present",
    placed: str = LOCAL,
    copies: Iterable[str] = (),
) -> Iterator[Effect]:
    """Yield what each step of a file does to bytes; trash lies where the file lay until purged."""
    held = {store for store in copies if store != LOCAL}
    here = state == "present" or (state == "trashed" and placed == LOCAL)
    for step in steps:
        change, stores = 0, []
        store = step.store
        if store is not None and store != LOCAL and store not in held:
            held.add(store)
            stores.append((store, size))
        if step.action is Force.PURGE:
            stores = [(each, -size) for each in sorted(held)]
            held.clear()
        frees = step.action in {Force.MOVE, Force.ARCHIVE} and store is not None and store != LOCAL
        if (frees or step.action is Force.PURGE) and here:
            here, change = False, -size
        elif step.action is Force.MOVE and store == LOCAL and not here:
            here, change = True, size
        rests = size if step.action is Force.TRASH and here else 0
        yield Effect(
            *(step.at_ns, step.action, step.policy, store, size, change, tuple(stores), rests)
        )


@dataclass(slots=True)
class Sum:
    """Files and bytes of one day, policy, action and store."""

    files: int = 0
    bytes: int = 0
    here: int = 0  # bytes more on the disk of the root, or fewer
    purged: int = 0


@dataclass(slots=True)
class Forecast:
    """What is done on each day from now on: day 0 ends in 24 hours and has all that is overdue."""

    now_ns: int
    sums: dict[tuple[int, str, Force, str | None], Sum] = field(default_factory=dict)
    stores: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    here: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, root: str, effect: Effect) -> None:
        """Count one step of a file of a root."""
        day = (effect.at_ns - self.now_ns) // DAY
        key = day, effect.policy, effect.action, effect.store
        found = self.sums.get(key)
        if found is None:
            found = self.sums[key] = Sum()
        found.files += 1
        found.bytes += effect.size
        if effect.here:
            found.here += effect.here
            self.here[day, root] += effect.here
        if effect.action is Force.PURGE:
            found.purged += effect.size
        for store, change in effect.stores:
            self.stores[day, store] += change

    def changes(self, days: int, roots: Iterable[str] | None = None) -> list[int]:
        """Return for each day by how many bytes the disks of some roots, or all, are fuller."""
        wanted = None if roots is None else set(roots)
        by_day: dict[int, int] = defaultdict(int)
        for (day, root), change in self.here.items():
            if wanted is None or root in wanted:
                by_day[day] += change
        return _running(by_day, days)

    def stored(self, store: str, days: int) -> list[int]:
        """Return for each day how many bytes more a store holds."""
        return _running({day: n for (day, name), n in self.stores.items() if name == store}, days)


def _running(by_day: dict[int, int], days: int) -> list[int]:
    total, found = 0, []
    for day in range(days):
        total += by_day.get(day, 0)
        found.append(total)
    return found
