"""One listener that is sent what happens: at least once, in order, and however long it is away.

How far it came is written down after each delivery; what could not be delivered is sent again,
later each time. Nothing is passed over because a listener is away: the journal waits. Only an event
that it refuses again and again is laid aside, as a dead letter, so that the others may pass.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from storewarden.api.events.heard import Wanted, hear
from storewarden.api.events.sink import Message, Sink
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import cursor as cursors
from storewarden.catalogue.events import dead, feed, listeners
from storewarden.catalogue.events.cursor import Cursor
from storewarden.catalogue.events.listeners import Standing
from storewarden.clock import Clock
from storewarden.errors import ListenerAway, ListenerRefused, StorewardenError

log = logging.getLogger(__name__)

BATCH: Final = 100
AT_ONCE: Final = 500
TRIES: Final = 6  # of a batch that is refused, before its events are sent one by one
FIRST: Final = 1.0  # seconds; doubled with each try …
LONGEST: Final = 300.0  # … up to this
IDLE: Final = 5.0  # the bell wakes earlier; what another process wrote rings none
_FULL: Final = 60.0
_SAVE_EVERY: Final = 30.0


class Counted(Protocol):
    """Hears what came of deliveries."""

    def delivered(self, listener: str, events: int) -> None: ...

    def failed(self, listener: str) -> None: ...

    def buried(self, listener: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """What all listeners of a daemon share."""

    engine: Engine
    host_id: int
    clock: Clock
    reading: threading.BoundedSemaphore
    random: Callable[[], float]  # from 0 to 1
    counted: Counted


@dataclass(slots=True)
class Delivery:
    """Sends one listener what it asked for; a worker's step. Owned by that worker's thread."""

    name: str
    shown: str  # where it is, without secrets
    asked: Wanted
    sink: Sink
    place: Place
    _standing: Standing | None = None
    _at: Cursor = field(default_factory=Cursor)  # everything before was delivered
    _end: Cursor = field(default_factory=Cursor)  # where one is after what is queued
    _queue: deque[Message] = field(default_factory=deque)
    _tries: int = 0  # that failed, in a row
    _here: int = 0  # of them, in this daemon
    _refusals: int = 0  # of the events that are next
    _singly: int = 0  # so many of the queue go one by one
    _not_before: float = 0.0
    _looked: int = -1
    _saved: float = 0.0
    _ended: bool = False

    @property
    def at(self) -> Cursor:
        """How far it came; any thread may ask."""
        return self._at

    def step(self) -> float:
        """Deliver something, or find out that there is nothing; return when to come again."""
        now = self.place.clock.monotonic()
        if self._ended:
            return LONGEST
        try:
            if now < self._not_before and not self._hurried():
                return min(self._not_before - now, IDLE)
            return self._step()
        except ListenerAway as error:
            return self._later(error, error.later)
        except StorewardenError as error:
            if not error.transient:
                raise
            return FIRST  # the catalogue: what was sent may be sent again

    def give_up(self) -> None:
        """Deliver nothing more, and let what is being sent fail; any thread may say so."""
        self._ended = True
        self.sink.close()

    def finish(self) -> None:
        """Write down how far it came, and let go of the connection."""
        self.sink.close()
        if self._standing is not None and not self._queue:
            self._save(0)

    def _step(self) -> float:
        if self._standing is None:
            self._begin()
        if self._send_dead_letters():
            return 0.0
        if not self._queue and not self._read():
            return IDLE
        if self._queue:
            self._send()
        return 0.0

    def _hurried(self) -> bool:
        """Tell whether somebody wants it tried at once."""
        place = self.place
        if not listeners.hurried(place.engine, place.host_id, self.name):
            return False
        self._not_before = 0.0
        return True

    def _begin(self) -> None:
        place = self.place
        now_ns = place.clock.wall_ns()
        self._standing = listeners.begin(place.engine, place.host_id, self.name, self.shown, now_ns)
        self._at = self._end = self._standing.at
        self._tries = self._standing.attempts

    def _read(self) -> bool:
        """Queue what comes next; true when the journal got on."""
        place = self.place
        with place.reading:
            last = feed.last_round(place.engine)
            if last == self._looked:
                return False
            told = hear(place.engine, self.asked, self._at, AT_ONCE, place.clock.wall_ns())
        self._queue.extend(Message(*one) for one in told.events)
        self._end = told.cursor
        if not told.more:
            self._looked = last
        if not self._queue:
            self._at = told.cursor
            if place.clock.monotonic() - self._saved >= _SAVE_EVERY:
                self._save(0)
        return True

    def _send(self) -> None:
        count = 1 if self._singly else BATCH
        batch = [self._queue[at] for at in range(min(count, len(self._queue)))]
        try:
            self.sink.send(batch)
        except ListenerRefused as error:
            self._refused(batch, error)
        else:
            self._passed(batch)

    def _passed(self, batch: Sequence[Message]) -> None:
        """Go on after a batch that arrived."""
        self._at = self._after(batch)
        self._drop(batch)
        self._save(len(batch))
        self.place.counted.delivered(self.name, len(batch))

    def _after(self, batch: Sequence[Message]) -> Cursor:
        """Return where one is once the first events of the queue are done with."""
        last = len(batch) == len(self._queue)
        return self._end if last else cursors.read(batch[-1].id)

    def _drop(self, batch: Sequence[Message]) -> None:
        for _ in batch:
            self._queue.popleft()
        self._singly = max(0, self._singly - len(batch))
        self._refusals = 0

    def _refused(self, batch: Sequence[Message], error: ListenerRefused) -> None:
        """Try again, then one by one; what is refused then is laid aside."""
        self._refusals += 1
        if self._singly:
            self._bury(batch[0], error)
        elif self._refusals < TRIES:
            raise ListenerAway(error.what, where=error.where, why=error.why) from None
        else:
            self._singly = len(batch)

    def _bury(self, message: Message, error: ListenerRefused) -> None:
        place = self.place
        now_ns = place.clock.wall_ns()
        if dead.counts(place.engine, place.host_id).get(self.name, 0) >= dead.MOST:
            raise ListenerAway(
                f"{dead.MOST} dead letters wait",
                where=self.shown,
                why=error.why,
                later=_FULL,
            )
        after = self._after([message])
        with place.engine.transaction(durable=True):  # both or none: it is nowhere else
            dead.bury(place.engine, place.host_id, self.name, message.text, error.why, now_ns)
            listeners.heard(place.engine, place.host_id, self.name, after, 0, now_ns)
        self._at, self._tries, self._here = after, 0, 0
        self._drop([message])
        place.counted.buried(self.name)
        facts = {"listener": self.name, "event": message.id, "why": error.why}
        log.error(
            "a listener refuses an event: it is kept as a dead letter", extra={"facts": facts}
        )

    def _send_dead_letters(self) -> bool:
        """Send what somebody wants sent once more, one by one; true when there was something."""
        place = self.place
        waiting = dead.to_send(place.engine, place.host_id, self.name, 1)
        for letter in waiting:
            event = json.loads(letter.event)
            message = Message(event["id"], event["event"], letter.event)
            try:
                self.sink.send([message])
            except ListenerRefused as error:
                dead.refused_again(place.engine, [letter.id], error.why, place.clock.wall_ns())
            else:
                dead.taken(place.engine, [letter.id])
                place.counted.delivered(self.name, 1)
        return bool(waiting)

    def _save(self, delivered: int) -> None:
        place = self.place
        listeners.heard(
            place.engine, place.host_id, self.name, self._at, delivered, place.clock.wall_ns()
        )
        self._saved = place.clock.monotonic()
        if delivered:
            self._tries = self._here = 0

    def _later(self, error: ListenerAway, later: float) -> float:
        """Wait longer each time, and not in step with other daemons."""
        if self._ended:
            return LONGEST
        place = self.place
        self._tries += 1
        self._here += 1
        pause = min(LONGEST, FIRST * 2.0 ** min(self._tries - 1, 16))
        pause = max(later, pause * (0.5 + place.random() / 2))
        self._not_before = place.clock.monotonic() + pause
        place.counted.failed(self.name)
        if self._here in {1, 10} or self._here % 100 == 0:
            facts = {"listener": self.name, "why": error.why, "tries": self._tries}
            log.warning("a listener cannot be told; it is tried again", extra={"facts": facts})
        now_ns = place.clock.wall_ns()
        try:
            listeners.failed(
                *(place.engine, place.host_id, self.name, str(error)),
                now_ns,
                now_ns + int(pause * 1e9),
            )
        except StorewardenError as trouble:
            if not trouble.transient:
                raise
        return pause
