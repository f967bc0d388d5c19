"""What calls of services cost and took, as counters: read from the sums, so they go on for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import summed
from storewarden.catalogue.told.summed import Asked, Calls
from storewarden.catalogue.told.sums import UNIT
from storewarden.catalogue.told.took import MICROSECOND
from storewarden.clock import Clock
from storewarden.measure.labels import OTHER, label
from storewarden.measure.metrics import Metrics

PROVIDERS: Final = 10
CURRENCIES: Final = 3
_EVERY: Final = 5.0  # seconds
_REST: Final = 200  # times as long as it took: half a percent of a core, however much there is
_SCALES: Final = {"api_cost_total": UNIT, "api_call_seconds_total": UNIT // MICROSECOND}

Labels = tuple[str, ...]


class Spending:
    """Shows what was told of calls. The tender's thread's."""

    def __init__(self, engine: Engine, host_id: int, metrics: Metrics, clock: Clock) -> None:
        self._engine, self._host_id, self._clock = engine, host_id, clock
        self._metrics = metrics
        self._last: int | None = None
        self._next_at = float("-inf")
        self._labels: dict[str, str] = {}
        self._currencies: dict[str, bool] = {}  # and whether they are shown
        self._shown: dict[tuple[str, Labels], float] = {}

    def step(self) -> None:
        """Bring the counters up to what was told, if anything was."""
        began = self._clock.monotonic()
        if began < self._next_at:
            return
        self._next_at = began + _EVERY
        ((last,),) = self._engine.execute("SELECT coalesce(max(id), 0) FROM api_usage")
        if last == self._last:
            return
        self._show()
        self._last = last
        took = self._clock.monotonic() - began
        self._next_at = began + max(_EVERY, _REST * took)

    def _show(self) -> None:
        every = summed.calls(self._engine, Asked(self._host_id), "provider")
        self._name(every)
        values: dict[tuple[str, Labels], int] = defaultdict(int)
        for provider, calls in every.items():
            self._add(values, self._labels[provider], calls)
        for (name, labels), value in values.items():
            self._raise(name, labels, value / _SCALES.get(name, 1))

    def _name(self, every: Mapping[str, Calls]) -> None:
        """Give labels to what has none: what was told of first has its own."""
        if every.keys() - self._labels.keys():
            for name in summed.first_told(self._engine, self._host_id, "provider"):
                own = len(self._labels) < PROVIDERS
                self._labels.setdefault(name, label(name) if own else OTHER)
        if {each for calls in every.values() for each in calls.cost} - self._currencies.keys():
            for name in summed.first_told(self._engine, self._host_id, "currency"):
                self._currencies.setdefault(name, len(self._currencies) < CURRENCIES)

    def _add(self, values: dict[tuple[str, Labels], int], provider: str, calls: Calls) -> None:
        values["api_calls_total", (provider,)] += calls.calls
        values["api_errors_total", (provider,)] += calls.failed
        values["api_tokens_total", (provider, "in")] += calls.tokens_in
        values["api_tokens_total", (provider, "out")] += calls.tokens_out
        values["api_call_seconds_total", (provider,)] += calls.took_us
        values["api_timed_calls_total", (provider,)] += calls.timed
        for currency, nano in calls.cost.items():
            if self._currencies[currency]:
                values["api_cost_total", (provider, currency)] += nano

    def _raise(self, name: str, labels: Labels, value: float) -> None:
        """Let a counter rise to a value; nothing of it ever falls."""
        before = self._shown.get((name, labels), 0.0)
        self._metrics.rise(name, labels, max(0.0, value - before))
        self._shown[name, labels] = max(before, value)
