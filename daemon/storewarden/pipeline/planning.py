"""What is due of all files, or will be by a time: counted and yielded file by file.

Memory holds sums and a few thousand files, however many there are.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import NamedTuple

from storewarden.catalogue import planned
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.planned import PlannedRow
from storewarden.pipeline.decisions import decisions
from storewarden.pipeline.judging import subjects
from storewarden.pipeline.plan_id import Items
from storewarden.policy.decision import Blocked
from storewarden.policy.forecast import Courses, Decided, Forecast, effects
from storewarden.policy.life import Step, life
from storewarden.policy.rules import LOCAL, Force, Policy, PolicySet

BATCH = 2000
_FORCES = {int(force): force for force in Force}
_BLOCKS = {int(block): block for block in Blocked}


class Item(NamedTuple):
    """One thing that is due, or will be: it is done unless it is blocked or waits."""

    root: str
    path: bytes
    size: int
    action: Force
    policy: str
    due_ns: int | None
    store: str | None
    blocked: Blocked
    waits: bool  # for want of space: the disk is less full than its trigger says
    here: int  # bytes more on the disk of the root, or fewer
    stores: tuple[tuple[str, int], ...]
    rests: int  # bytes that wait in the trash of the root
    file_id: int  # for who carries it out
    modified_ns: int


@dataclass(slots=True)
class Sum:
    """Files and bytes of one policy, action and store, and what of them is not done."""

    files: int = 0
    bytes: int = 0
    here: int = 0
    rests: int = 0
    blocked: Counter[Blocked] = field(default_factory=Counter)
    blocked_bytes: int = 0
    waits: int = 0
    waits_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """Which files are asked for, and by when; ``full`` says how full the disk of a root is."""

    now_ns: int
    until_ns: int
    host_id: int | None = None
    root: str | None = None
    policy: str | None = None
    zone: tzinfo = UTC
    full: Callable[[str], float | None] = lambda _root: None
    marked: bool = True  # the id of the plan is wanted


class Plan:
    """Items to go through once; when they are through, what they came to."""

    def __init__(self, engine: Engine, policy_set: PolicySet, question: Question) -> None:
        self._engine = engine
        self._policies = policy_set
        self._asked = question
        self._ahead = question.until_ns > question.now_ns
        self._courses = Courses(policy_set, question.now_ns, question.until_ns, question.zone)
        self._numbered: dict[int, Policy] = {}
        self._items = Items()
        self._full: dict[str, float | None] = {}
        self.sums: dict[tuple[str, Force, str | None], Sum] = {}
        self.stores: Counter[str] = Counter()
        self.roots: Counter[str] = Counter()  # bytes more on the disk of each root, or fewer
        self.unknown: Counter[str] = Counter()  # files, by the policy that may match
        self.forecast = Forecast(question.now_ns)

    @property
    def id(self) -> str:
        """What stands for the policies and all that is done; by a time to come, for that too."""
        at = f" {self._asked.until_ns}" if self._ahead else ""
        return str(self._items.id(f"{self._policies.fingerprint}{at}"))

    def items(self) -> Iterator[Item]:
        """Yield all items, and count them."""
        asked = self._asked
        numbers, decided = decisions(
            *(self._engine, self._policies, asked.now_ns, asked.host_id), ahead=self._ahead
        )
        self._numbered = {numbers[policy.id]: policy for policy in self._policies.policies}
        rows = planned.planned(
            *(self._engine, decided, asked.until_ns),
            again=self._ahead,
            host_id=asked.host_id,
            root=asked.root,
        )
        copied = planned.any_copies(self._engine)
        for batch in _batches(rows):
            copies = planned.copies(self._engine, [row.id for row in batch]) if copied else {}
            for item in self._of(batch, copies):
                if asked.policy is None or item.policy == asked.policy:
                    self._count(item)
                    yield item

    def _of(self, rows: Sequence[PlannedRow], copies: dict[int, list[str]]) -> Iterator[Item]:
        if not self._ahead:
            for row in rows:
                yield self._due(row, copies.get(row.id, ()))
            return
        courses = {row.id: self._course(row) for row in rows}
        lives = [id_ for id_, course in courses.items() if course is None]
        for subject in subjects(self._engine, lives):
            asked = self._asked
            courses[subject.id] = life(
                subject, self._policies, asked.now_ns, asked.until_ns, asked.zone
            )
        for row in rows:
            steps = courses[row.id] or ()
            yield from self._told(row, steps, copies.get(row.id, ()))

    def _course(self, row: PlannedRow) -> tuple[Step, ...] | None:
        """Return all that is done to a file by then; None where that takes a simulation."""
        decided = Decided(
            *(row.state, row.hold, row.place, row.phases, row.action, row.due_ns, row.store),
            *(row.blocked, row.again_ns, self._clock_ns(row)),
            row.state == "archived" and (row.placed or LOCAL) != LOCAL,
        )
        return self._courses.course(decided)

    def _told(
        self, row: PlannedRow, steps: Sequence[Step], copies: Collection[str]
    ) -> Iterator[Item]:
        """Yield what is done to a file; else what is due of it and not done."""
        path, placed = row.path, row.placed or LOCAL
        if steps:
            due_ns = row.due_ns if row.action == steps[0].action else None
            for effect in effects(steps, row.size, state=row.state, placed=placed, copies=copies):
                at_ns = effect.at_ns if due_ns is None else due_ns
                due_ns = None
                if self._wanted(effect.policy):
                    self.forecast.add(row.root, effect)
                yield Item(
                    *(row.root, path, row.size, effect.action, effect.policy, at_ns),
                    *(effect.store, Blocked.NO, False, effect.here, effect.stores),
                    *(effect.rests, row.id, row.modified_ns),
                )
        elif row.action is not None and (row.due_ns or 0) <= self._asked.until_ns:
            item = self._due(row, copies, kept=True)
            if item.blocked or item.waits or not self._decided_otherwise(row):
                yield item

    def _decided_otherwise(self, row: PlannedRow) -> bool:
        """Whether what is due later is decided again by then, as with ``age: "< 1d"``."""
        due_ns, again_ns = row.due_ns or 0, row.again_ns
        return due_ns > self._asked.now_ns and again_ns is not None and again_ns <= due_ns

    def _due(self, row: PlannedRow, copies: Collection[str], *, kept: bool = False) -> Item:
        """Return what is due of a file next; ``kept``: it is not done, for whatever reason."""
        action, blocked = _FORCES[row.action or 0], _BLOCKS[row.blocked]
        policy = self._policy(row)
        waits = not blocked and policy.triggers.pressure is not None and self._waits(row)
        here, rests = 0, 0
        stores: tuple[tuple[str, int], ...] = ()
        if not (kept or blocked or waits) and row.due_ns is not None:
            if action is Force.TRASH and row.state == "present" and row.placed is None:
                rests = row.size  # what most plans are made of
            else:
                step = Step(row.due_ns, action, policy.id, row.store)
                more = {"state": row.state, "placed": row.placed or LOCAL}
                (effect,) = effects((step,), row.size, copies=copies, **more)
                here, stores, rests = effect.here, effect.stores, effect.rests
        return Item(
            *(row.root, row.path, row.size, action, policy.id, row.due_ns, row.store, blocked),
            *(waits, here, stores, rests, row.id, row.modified_ns),
        )

    def _count(self, item: Item) -> None:
        key = item.policy, item.action, item.store
        found = self.sums.get(key)
        if found is None:
            found = self.sums[key] = Sum()
        if item.blocked:
            found.blocked[item.blocked] += 1
            found.blocked_bytes += item.size
            if item.blocked is Blocked.UNKNOWN:
                self.unknown[item.policy] += 1
        elif item.waits:
            found.waits += 1
            found.waits_bytes += item.size
        else:
            found.files += 1
            found.bytes += item.size
            found.here += item.here
            found.rests += item.rests
            self.roots[item.root] += item.here
            for store, change in item.stores:
                self.stores[store] += change
            if self._asked.marked:
                self._items.add(
                    *(item.file_id, item.size, item.modified_ns, item.action, item.policy),
                    item.store,
                )

    def _wanted(self, policy: str) -> bool:
        return self._asked.policy is None or policy == self._asked.policy

    def _policy(self, row: PlannedRow) -> Policy:
        """Return the policy whose action it is."""
        number = row.place if row.action == Force.MOVE else row.phases
        return self._numbered[abs(number)]

    def _waits(self, row: PlannedRow) -> bool:
        """Tell whether what is due waits until the disk is fuller."""
        triggers = self._policy(row).triggers
        if triggers.event or triggers.timers or triggers.pressure is None:
            return False
        if row.root not in self._full:
            self._full[row.root] = self._asked.full(row.root)
        full = self._full[row.root]
        return full is None or full <= triggers.pressure.high

    def _clock_ns(self, row: PlannedRow) -> int | None:
        if not row.phases:
            return None
        clock = self._numbered[abs(row.phases)].clock
        if clock == "last_used":
            if row.usage_since_ns is None:
                return None
            known = (row.usage_since_ns, row.first_seen_ns, row.modified_ns)
            return max(*known, row.last_ns or 0)
        return row.first_seen_ns if clock == "created" else row.modified_ns


def _batches(rows: Iterable[PlannedRow]) -> Iterator[list[PlannedRow]]:
    rest = iter(rows)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch
