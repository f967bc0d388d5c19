"""Facts on their way into the catalogue: a transaction of their own, after what is recorded.

Recording never waits for them and never fails with them. What the catalogue refuses is found by
halves, told, and left behind; what it cannot take now is kept and tried again.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from storewarden.catalogue.inspections import Inspected, Inspections, Stored
from storewarden.catalogue.sweep import Sweep
from storewarden.errors import CatalogueRefused, LeaseLost, StorewardenError
from storewarden.model import Facts, Outcome, Place
from storewarden.pipeline.inbox import SweepAsked

log = logging.getLogger(__name__)

# What one transaction takes: a file that lands meanwhile waits no longer than some milliseconds,
# or for one long transcript to be cut into words.
_MOST: Final = 128
_MOST_WEIGHT: Final = 256 << 10
# Rows that a sweep looks through in one transaction.
_SWEPT: Final = 2_000


@dataclass(slots=True)
class Kept:
    """What one transaction of facts came to."""

    taken: int = 0  # bytes of what was handed over: stored, or no longer wanted, or refused
    stored: Stored | None = None
    marked: int | None = None  # files that a sweep found to be worth another look


@dataclass(slots=True)
class Findings:
    """Facts that wait to be stored, in the recorder's thread."""

    inspections: Inspections
    sweep: Sweep
    batch: Callable[[], AbstractContextManager[None]]
    _waiting: deque[Inspected] = field(default_factory=deque)
    _asked: SweepAsked | None = None
    _limit: int = _MOST

    def add(self, inspected: tuple[Inspected, ...]) -> None:
        """Take facts in."""
        self._waiting += inspected

    def ask(self, asked: SweepAsked) -> None:
        """Take in that nothing waits any more, and what would be known today."""
        self._asked = asked

    def waiting(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self._waiting) or self._asked is not None

    def keep(self, now_ns: int) -> Kept:
        """Store some facts, or sweep a part; raises what makes it worth trying again."""
        if not self._waiting:
            return self._sweep()
        some = self._some()
        try:
            with self.batch():
                stored = self.inspections.store(some, now_ns)
        except LeaseLost:
            raise
        except CatalogueRefused as error:
            return self._refused(some, error)
        self._limit = min(self._limit * 2, _MOST)
        return Kept(self._done(len(some)), stored)

    def _some(self) -> list[Inspected]:
        """Return what comes next: at least one, and not more than is done in a moment."""
        some: list[Inspected] = []
        weight = 0
        for one in islice(self._waiting, self._limit):
            weight += one.weight
            if some and weight > _MOST_WEIGHT:
                break
            some.append(one)
        return some

    def _sweep(self) -> Kept:
        asked = self._asked
        assert asked is not None  # noqa: S101  # as waiting() says
        with self.batch():
            self.sweep.note(asked.places)
            marked = self.sweep.step(asked.versions, _SWEPT)
            done = marked or not self.sweep.pending(asked.versions)
        if done:  # what was marked is inspected first
            self._asked = None
        return Kept(marked=marked)

    def _refused(self, some: list[Inspected], error: StorewardenError) -> Kept:
        if len(some) > 1:
            self._limit = len(some) // 2
            return Kept()
        one = some[0]
        log.error(
            "the facts of a file cannot be stored",
            extra={"facts": {"file": one.id, "why": error}},
        )
        bare = _bare(one)
        if one != bare:  # that it was refused is a fact as well: it is not inspected for ever
            self._waiting[0] = bare
            return Kept(one.weight - bare.weight)
        return Kept(self._done(1))

    def _done(self, count: int) -> int:
        """Forget so many; return what they weighed."""
        return sum(self._waiting.popleft().weight for _ in range(count))


def _bare(one: Inspected) -> Inspected:
    facts = one.facts
    return one._replace(
        facts=Facts(
            *(facts.kind, facts.mime, facts.inspector, facts.version),
            Outcome.REFUSED,
            "the catalogue refused what was found in it",
        ),
        place=Place(),
    )
