"""The listeners of the configuration: each is sent events by a thread of its own.

None of them is waited for by anything: one that hangs holds its own thread and nothing else. What
they are made of is imported when there is one.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from storewarden.api.events.bell import Bell
from storewarden.catalogue.events import rounds
from storewarden.config.schema import ListenerSettings, Settings
from storewarden.daemon.ground import Ground
from storewarden.errors import StorewardenError, TransientError
from storewarden.measure.metrics import Metrics
from storewarden.supervise import Supervisor, Worker

if TYPE_CHECKING:  # see above
    from storewarden.api.events.credentials import Credentials
    from storewarden.api.events.delivery import Delivery
    from storewarden.api.events.sink import Sink

log = logging.getLogger(__name__)

_LEFT_ALONE: Final = 0.5  # seconds that a listener is given when the daemon ends
_SHOWN_EVERY: Final = 5.0
_FORGET_EVERY: Final = 600.0
_FORGOTTEN_AT_ONCE: Final = 2_000
_PATIENCE: Final = 900.0


class _Told(NamedTuple):
    settings: ListenerSettings
    delivery: Delivery
    worker: Worker


class Listening:
    """All listeners of one daemon, and how long the journal that they hear from is kept."""

    def __init__(self, ground: Ground, bell: Bell, metrics: Metrics) -> None:
        self._ground, self._bell, self._metrics = ground, bell, metrics
        self._supervisor = Supervisor(clock=ground.clock)
        self._told: dict[str, _Told] = {}
        self._keep = 0.0
        self._show_at = self._forget_at = float("-inf")
        self._forgetting = False
        self._reading = threading.BoundedSemaphore(1)  # of the catalogue's few connections

    # -- the main thread ------------------------------------------------------------------

    def follow(self, settings: Settings) -> None:
        """Tell those that the configuration names, and no others."""
        self._keep = settings.api.keep_events
        wanted = {one.name: one for one in settings.listeners}
        for name, told in list(self._told.items()):
            if wanted.get(name) != told.settings:
                self._end(told)
        for one in settings.listeners:
            if one.name not in self._told:
                self._begin(one)
        self._supervisor.start()

    def check(self) -> None:
        """Start again what ended by a mistake."""
        if self._told:
            self._supervisor.check(self._ground.clock.monotonic())

    def close(self) -> None:
        """Let all of them be; what was not delivered is with the next start."""
        for told in self._told.values():
            self._bell.untell(told.worker.wake)
            told.delivery.give_up()
        self._supervisor.stop(_LEFT_ALONE)

    def _begin(self, settings: ListenerSettings) -> None:
        try:
            delivery = self._delivery(settings)
        except StorewardenError as error:
            self._cannot(settings, error)
            return
        worker = Worker(
            f"listener-{settings.name}",
            delivery.step,
            clock=self._ground.clock,
            on_death=lambda worker, _error: self._metrics.worker_restarts_total.labels(
                worker=worker.name
            ).inc(),
            finish=delivery.finish,
            patience=_PATIENCE,
        )
        self._told[settings.name] = _Told(settings, delivery, worker)
        self._supervisor.add(worker)
        self._bell.tell(worker.wake)

    def _end(self, told: _Told) -> None:
        self._bell.untell(told.worker.wake)
        told.delivery.give_up()
        self._supervisor.remove(told.worker, _LEFT_ALONE)
        del self._told[told.settings.name]

    def _cannot(self, settings: ListenerSettings, error: StorewardenError) -> None:
        """Say of a listener that it is told nothing before its configuration is another one."""
        facts = {"listener": settings.name, "why": str(error)}
        log.error("a listener cannot be told", extra={"facts": facts})
        from storewarden.catalogue.events import listeners  # noqa: PLC0415  # see above

        ground = self._ground
        now_ns = ground.clock.wall_ns()
        key = (ground.engine, ground.host_id, settings.name)
        with suppress(TransientError):  # it is in the log
            listeners.begin(*key, _shown(settings), now_ns)
            listeners.failed(*key, str(error), now_ns, None)

    def _delivery(self, settings: ListenerSettings) -> Delivery:
        from storewarden.api.events.delivery import Delivery, Place  # noqa: PLC0415  # see above
        from storewarden.api.events.heard import wanted  # noqa: PLC0415

        ground = self._ground
        asked = wanted(settings.events, settings.files, host_id=ground.host_id)
        place = Place(
            *(ground.engine, ground.host_id, ground.clock, self._reading),
            random.random,
            _Counted(self._metrics),
        )
        return Delivery(settings.name, _shown(settings), asked, self._sink(settings), place)

    def _sink(self, settings: ListenerSettings) -> Sink:
        from storewarden.api.events.credentials import given  # noqa: PLC0415  # see above

        def known() -> Credentials:
            return given(settings.name, os.environ)

        if settings.url.startswith("redis"):
            from storewarden.api.events.redis_stream import RedisStream  # noqa: PLC0415

            return RedisStream(settings.url, settings.stream, settings.timeout, known)
        from storewarden.api.events.webhook import Webhook  # noqa: PLC0415

        clock = self._ground.clock
        return Webhook(settings.name, settings.url, settings.timeout, known, clock.wall_ns)

    # -- the clerk's thread ---------------------------------------------------------------

    def step(self) -> None:
        """Forget what the journal need not hold any more; show how listeners do."""
        now = self._ground.clock.monotonic()
        if now >= self._forget_at or self._forgetting:
            self._forget_at = now + _FORGET_EVERY
            self._forget()
        if self._told and now >= self._show_at:
            self._show_at = now + _SHOWN_EVERY
            self._show()

    def _forget(self) -> None:
        ground = self._ground
        before_ns = ground.clock.wall_ns() - int(self._keep * 1e9)
        forgotten = rounds.forget(ground.engine, ground.host_id, before_ns, _FORGOTTEN_AT_ONCE)
        self._forgetting = forgotten == _FORGOTTEN_AT_ONCE

    def _show(self) -> None:
        from storewarden.catalogue.events import dead, listeners  # noqa: PLC0415  # see above

        ground = self._ground
        now_ns = ground.clock.wall_ns()
        told = list(self._told.values())
        since = {
            one.settings.name: listeners.behind(ground.engine, ground.host_id, one.delivery.at)
            for one in told
        }
        lag: dict[tuple[str, ...], float] = {
            (name,): max(0.0, (now_ns - at_ns) / 1e9) if at_ns is not None else 0.0
            for name, at_ns in since.items()
        }
        letters = dead.counts(ground.engine, ground.host_id)
        waiting: dict[tuple[str, ...], float] = {
            (one.settings.name,): float(letters.get(one.settings.name, 0)) for one in told
        }
        self._metrics.show("listener_lag_seconds", lag)
        self._metrics.show("listener_dead_letters", waiting)


class _Counted:
    """Counts deliveries as metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def delivered(self, listener: str, events: int) -> None:
        self._metrics.listener_events_total.labels(listener=listener).inc(events)

    def failed(self, listener: str) -> None:
        self._metrics.listener_failures_total.labels(listener=listener).inc()

    def buried(self, listener: str) -> None:
        self._metrics.listener_failures_total.labels(listener=listener).inc()


def _shown(settings: ListenerSettings) -> str:
    """Return where a listener is, for people: without what may be secret in its URL."""
    plain, _, _ = settings.url.partition("?")
    return f"{plain} {settings.stream}" if plain.startswith("redis") else plain
