"""What many threads tell at once is written in one transaction, and answered when it is durable.

There is no thread of its own: the first who comes writes for all who wait by then, and those who
come meanwhile are written together by the next of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from storewarden.api.carry import Also, Group, carry_groups
from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.api.who import Who
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock
from storewarden.errors import CatalogueUnavailable, StorewardenError

MOST: Final = 500
"""Deeds of one transaction: others who write wait no longer than for so many."""


@dataclass(slots=True)
class _Waiting:
    """A request that is not answered yet; set off once it is, or once it shall write."""

    group: Group
    go: threading.Event = field(default_factory=threading.Event)
    outcome: list[Done] | BaseException | None = None


class Teller:
    """Carries out what is told, by any number of threads."""

    def __init__(self, engine: Engine, host_id: int, clock: Clock, most: int = MOST) -> None:
        """Write to this catalogue; nothing happens before something is told."""
        self._engine = engine
        self._host = host_id
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._writing = False
        self._closed = False

    def tell(self, deeds: Sequence[Deed], who: Who, also: Also | None = None) -> list[Done]:
        """Keep deeds, all of them or none; once this returns, not even a power cut takes them back.

        ``also`` writes something more in the same transaction. It may be called more than once, and
        what it wrote before is then undone.

        Raises:
            StorewardenError: nothing of it was kept; or, where the catalogue went away at the end,
                nobody knows. Telling it once more does no harm.
        """
        ours = _Waiting(Group(deeds, who, also))
        with self._lock:
            if self._closed:
                raise CatalogueUnavailable(
                    "nothing is taken in any more", where=self._engine.where, why="it is stopping"
                )
            self._waiting.append(ours)
            wait, self._writing = self._writing, True
        if wait:
            ours.go.wait()
        if ours.outcome is None:  # it is our turn to write
            self._write_waiting()
        if isinstance(ours.outcome, BaseException):
            raise ours.outcome
        return ours.outcome or []

    def close(self) -> None:
        """Take nothing in any more; what was taken in is written and answered."""
        with self._lock:
            self._closed = True

    def _write_waiting(self) -> None:
        """Write for those who wait, the first of them among them, and have the next one go on."""
        batch = self._batch()
        try:
            for waiting, outcome in zip(batch, self._write(batch), strict=True):
                waiting.outcome = outcome
        except StorewardenError as error:
            for waiting in batch:
                waiting.outcome = error
        finally:
            self._hand_over(batch)

    def _write(self, batch: Sequence[_Waiting]) -> Sequence[list[Done] | StorewardenError]:
        groups = [waiting.group for waiting in batch]
        with self._engine.transaction(durable=True):
            return carry_groups(self._engine, self._host, groups, self._clock.wall_ns())

    def _batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        deeds = 0
        with self._lock:
            while self._waiting and (
                not batch or deeds + len(self._waiting[0].group.deeds) <= self._most
            ):
                batch.append(self._waiting.popleft())
                deeds += len(batch[-1].group.deeds)
        return batch

    def _hand_over(self, batch: Sequence[_Waiting]) -> None:
        """Let those go whose deeds were written, and one who waits write next."""
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._writing = following is not None
        for waiting in batch:
            if waiting.outcome is None:  # a mistake of ours ended the writing: none is left hanging
                waiting.outcome = RuntimeError("what was told could not be written")
            waiting.go.set()
        if following is not None:
            following.go.set()
