"""What stores hold, whether they answer, and when their objects were last read: as metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from storewarden.act.scrub import DAY
from storewarden.catalogue import copies, scrubbed
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock
from storewarden.daemon.acting.stores import Stores
from storewarden.measure.metrics import Metrics

_SECOND: Final = 1_000_000_000
_EVERY: Final = 15.0  # seconds
_AGES: Final = 600.0  # between counts of ages, which go through the copies that are late


class StoreFigures:
    """Keeps the figures of all stores up to date; asks nothing of any store."""

    def __init__(
        self,
        engine: Engine,
        host_id: int,
        stores: Stores,
        metrics: Metrics,
        clock: Clock,
        is_up: Callable[[str], bool | None],
    ) -> None:
        """Touch nothing; ``is_up`` tells whether a store answers, None while nobody knows."""
        self._is_up = is_up
        self._engine, self._host_id = engine, host_id
        self._stores, self._metrics, self._clock = stores, metrics, clock
        self._shown_at = self._counted_at = float("-inf")

    def look_anew(self) -> None:
        """Show with the next look what changed just now."""
        self._shown_at = float("-inf")

    def count_anew(self) -> None:
        """Count ages with the next look: something was found."""
        self._shown_at = self._counted_at = float("-inf")

    def show(self) -> None:
        """Bring the figures up to date, if that was not done just now."""
        now = self._clock.monotonic()
        if now - self._shown_at < _EVERY:
            return
        self._shown_at = now
        states = {name: self._is_up(name) for name in self._stores}
        up: dict[tuple[str, ...], float] = {
            (name,): float(state) for name, state in states.items() if state is not None
        }
        self._metrics.show("store_up", up)
        stored = {one.store: one for one in copies.stored(self._engine, self._host_id)}
        self._by_store("store_objects", lambda name: stored[name].files if name in stored else 0)
        self._by_store(
            "store_bytes", lambda name: stored[name].stored_bytes if name in stored else 0
        )
        for name in self._stores:
            self._metrics.scrubbed_bytes_total.labels(store=name)
            self._metrics.scrub_damaged_total.labels(store=name)
        if now - self._counted_at >= _AGES:
            self._counted_at = now
            self._show_ages()

    def _show_ages(self) -> None:
        ages = {
            name: scrubbed.ages(self._engine, self._host_id, name, self._late_ns(name))
            for name in self._stores
        }
        oldest = {(name,): one.oldest_ns for name, one in ages.items()}
        self._metrics.show(
            "store_last_verified_timestamp_seconds",
            {key: at / _SECOND for key, at in oldest.items() if at is not None},
        )
        self._by_store("store_unverified_copies", lambda name: ages[name].late)
        self._by_store("store_damaged_copies", lambda name: ages[name].damaged)
        self._metrics.looked_for("stores", self._clock.wall_ns())

    def _by_store(self, metric: str, value: Callable[[str], int]) -> None:
        self._metrics.show(metric, {(name,): float(value(name)) for name in self._stores})

    def _late_ns(self, name: str) -> int:
        return late_ns(self._stores.settings_of(name).scrub, self._clock.wall_ns())


def late_ns(share: float, now_ns: int) -> int:
    """Return before when a copy was last read that should have been read since.

    It takes as many days as the share goes into the whole, and half as many more are not late: a
    machine may be off, and an object is read as a whole.
    """
    days = 1.5 / share if share else 150.0
    return now_ns - int(days * DAY) * _SECOND
