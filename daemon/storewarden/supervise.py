"""A worker is a step function in a thread of its own; a dead worker is seen, counted, restarted.

A step does a bounded piece of work and returns how many seconds may pass before the next one. It
never waits itself: what cannot wait calls ``wake()``. A step that raises ends its thread; the main
thread finds it dead in ``Supervisor.check`` and starts it again, a little later each time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum

from storewarden.clock import Clock
from storewarden.errors import CatalogueCorrupt, LeaseLost, StorewardenError

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.1  # seconds before a dead worker runs again; doubles with every death …
LONGEST_PAUSE = 30.0  # … up to this: a full disk is asked twice a minute, not ten times a second
WELL_AFTER = 60.0  # a worker that lived this long since its start begins again with FIRST_PAUSE
PATIENCE = 30.0  # a step longer than this, or this late, is taken for stuck (see /healthz)
GRID = 0.5  # waits as long as this end at a multiple of it
LONGEST_WAIT = 3600.0  # no wait is longer: threads cannot wait for infinity

Step = Callable[[], float]
Fatal: tuple[type[BaseException], ...] = (
    LeaseLost,
    CatalogueCorrupt,
    KeyboardInterrupt,
    SystemExit,
)


class State(StrEnum):
    """What a worker is doing, as its own thread last wrote it."""

    NEW = "new"
    RUNNING = "running"
    DEAD = "dead"  # its step raised; check() starts it again
    ENDED = "ended"  # it was stopped, or what it raised was fatal


def together(wait: float, now: float) -> float:
    """Return a wait of nearly this length that ends when those of others end.

    Twelve threads that wake at moments of their own find the caches of the processor cold: each
    such wake takes 0.3 ms, for steps of 0.05. Those that wake at the same moment share it.
    """
    if wait < GRID:
        return wait
    return max(round((now + wait) / GRID) * GRID - now, 0.0)


class Worker:
    """One named thread that calls ``step`` again and again until it is stopped.

    Args:
        name: names the thread, the log lines and the label of the metric.
        step: does some work, returns the seconds until it wants to be called again.
        clock: only ``monotonic`` is read.
        on_death: called in the dying thread with the worker and what its step raised.
        on_fatal: the same for what no restart can mend, such as a lost lease.
        finish: called once in the worker's thread after an orderly stop, to hand over the rest.
        patience: how long one step may take before the worker counts as stuck.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        *,
        clock: Clock,
        on_death: Callable[[Worker, BaseException], None] | None = None,
        on_fatal: Callable[[Worker, BaseException], None] | None = None,
        finish: Callable[[], None] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        self.patience = patience
        self.deaths = 0
        self.state = State.NEW
        self.fatal: BaseException | None = None
        self.restart_at = 0.0  # by the monotonic clock; only meaningful while dead
        self._step = step
        self._finish = finish
        self._clock = clock
        self._on_death = on_death
        self._on_fatal = on_fatal
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._pause = FIRST_PAUSE
        self._started = self.last_beat = self._due = clock.monotonic()
        self._kinds: set[tuple[str, str, int]] = set()  # deaths whose traceback was shown

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for; a long step looks at this now and then."""
        return self._stopping.is_set()

    @property
    def alive(self) -> bool:
        """Whether its thread runs at this moment."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start, or start again, the worker's thread."""
        self._started = self.last_beat = self._due = self._clock.monotonic()
        self.state = State.RUNNING
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """End the present wait, or skip the next one when a step is running."""
        self._wake.set()

    def beat(self) -> None:
        """Say from inside a long step that it gets on."""
        self.last_beat = self._due = self._clock.monotonic()

    def stop(self) -> None:
        """Ask the worker to end after its present step; returns at once."""
        self._stopping.set()
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the thread's end; False when it still runs after the time."""
        if self._thread is not None:
            self._thread.join(max(0.0, timeout))
        return not self.alive

    def late(self, now: float) -> float:
        """Seconds by which the worker is overdue: in a step, in a wait or dead. 0 when ended."""
        if self.state in {State.NEW, State.ENDED}:
            return 0.0
        return max(0.0, now - max(self.last_beat, self._due))

    def stuck(self, now: float) -> bool:
        """Whether the worker is late by more than its patience."""
        return self.late(now) > self.patience

    def turn(self) -> float | None:
        """Call ``step`` once; the seconds to wait, or None when the thread shall end."""
        self._wake.clear()  # before the step: who wakes us from now on has news for the next one
        if self._stopping.is_set():
            return None
        self.beat()
        try:
            wait = min(max(0.0, self._step()), LONGEST_WAIT)
        except BaseException as error:  # noqa: BLE001  # nothing may end a thread unseen
            self._die(error)
            return None
        self.last_beat = self._clock.monotonic()
        self._due = self.last_beat + wait
        return wait

    def _run(self) -> None:
        while (wait := self.turn()) is not None:
            if wait > 0:
                self._wake.wait(together(wait, self._clock.monotonic()))
        if self.state is State.RUNNING:
            self._end()

    def _end(self) -> None:
        """End in order: hand over what is left, whatever comes of it."""
        try:
            if self._finish is not None:
                self._finish()
        except BaseException as error:  # noqa: BLE001  # the others must still be stopped
            self._report(error, "a worker could not hand over its rest")
        self.state = State.ENDED

    def _die(self, error: BaseException) -> None:
        now = self._clock.monotonic()
        if isinstance(error, Fatal):
            self.fatal = error
            self.state = State.ENDED
            log.critical("a worker must end the daemon", extra=self._facts(error))
            if self._on_fatal is not None:
                self._on_fatal(self, error)
            return
        if now - self._started >= WELL_AFTER:
            self._pause = FIRST_PAUSE
        self.deaths += 1
        self.restart_at = now + self._pause
        self._due = self.restart_at
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._report(error, "a worker died and will be started again")
        self.state = State.DEAD  # last: from here on check() may start the next thread
        if self._on_death is not None:
            self._on_death(self, error)

    def _report(self, error: BaseException, message: str) -> None:
        """Log a death, with its traceback the first time this kind of death is seen."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else ("", 0)
        kind = (type(error).__qualname__, *place)
        told = kind in self._kinds or isinstance(error, StorewardenError)  # those say it all
        self._kinds.add(kind)
        log.error(message, exc_info=None if told else error, extra=self._facts(error))

    def _facts(self, error: BaseException) -> dict[str, object]:
        why = str(error) if isinstance(error, StorewardenError) else repr(error)
        return {"facts": {"worker": self.name, "deaths": self.deaths, "error": why}}


class Supervisor:
    """All workers, in the order of the flow: started and stopped in it, watched together.

    Owned by the main thread; only ``stuck`` is called from elsewhere (the HTTP threads).
    """

    def __init__(self, workers: Iterable[Worker] = (), *, clock: Clock) -> None:
        self._clock = clock
        self._workers: tuple[Worker, ...] = tuple(workers)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The workers in flow order."""
        return self._workers

    @property
    def fatal(self) -> BaseException | None:
        """What must end the process, if a worker met such a thing."""
        return next((w.fatal for w in self._workers if w.fatal is not None), None)

    def add(self, worker: Worker) -> None:
        """Take one more worker in at the end of the flow; it is not started."""
        self._workers = (*self._workers, worker)  # replaced, not changed: others may iterate

    def remove(self, worker: Worker, timeout: float) -> bool:
        """Stop one worker and forget it; False when it would not end in time."""
        worker.stop()
        ended = worker.join(timeout)
        self._workers = tuple(w for w in self._workers if w is not worker)
        return ended

    def start(self) -> None:
        """Start every worker that has not been started."""
        for worker in self._workers:
            if worker.state is State.NEW:
                worker.start()

    def check(self, now: float) -> float | None:
        """Start dead workers whose pause is over; seconds until the next is due, if any is."""
        pauses = []
        for worker in self._workers:
            if worker.state is not State.DEAD or worker.stopping:
                continue
            if worker.restart_at > now:
                pauses.append(worker.restart_at - now)
                continue
            worker.start()
            log.warning("a worker was started again", extra={"facts": {"worker": worker.name}})
        return min(pauses, default=None)

    def stuck(self, now: float) -> dict[str, float]:
        """Workers that are late beyond their patience, and by how many seconds."""
        return {w.name: w.late(now) for w in self._workers if w.stuck(now)}

    def stop(self, timeout: float) -> tuple[str, ...]:
        """Stop all in flow order within ``timeout`` seconds; the names of those that did not end.

        Each is joined before the next is asked, so that what the first still hands over is
        taken by the second. Who uses up the time is left behind, and the rest are still asked.
        """
        deadline = self._clock.monotonic() + timeout
        left = []
        for worker in self._workers:
            worker.stop()
            if worker.state is State.DEAD:
                worker.start()  # only to finish: what it held when it died is handed over as well
            if not worker.join(deadline - self._clock.monotonic()):
                left.append(worker.name)
        if left:
            log.error("workers did not end in time", extra={"facts": {"workers": ",".join(left)}})
        return tuple(left)
