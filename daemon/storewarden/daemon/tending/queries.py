"""How long our own statements take is kept, and the slow ones are told of."""

from __future__ import annotations

import logging
from typing import Final

from storewarden.catalogue import query_times
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.query_times import CATALOGUE, QueryTimes, Slow
from storewarden.clock import Clock
from storewarden.measure.labels import label
from storewarden.measure.metrics import Metrics
from storewarden.measure.shown import shown

log = logging.getLogger(__name__)

_EVERY: Final = 10.0
_TOLD_AGAIN: Final = 3600.0
_SHOWN: Final = 500  # characters of a statement in a line of the log


class OwnQueries:
    """Keeps what our own statements took. ``step`` is the tender's thread's."""

    def __init__(self, engine: Engine, host_id: int, metrics: Metrics, clock: Clock) -> None:
        """Hear of every statement from now on."""
        self._engine, self._host_id, self._clock = engine, host_id, clock
        self._metrics = metrics
        self._times = QueryTimes(metrics.query_duration_seconds.observe)
        self._told: dict[str, float] = {}  # statements, and when they were last told of
        self._step_at = float("-inf")
        self._slow = metrics.slow_queries_total.labels(database=label(CATALOGUE))
        engine.timed = self._times

    def step(self) -> None:
        """Keep what was heard, and tell of what was slow: once an hour of each statement."""
        now = self._clock.monotonic()
        if now < self._step_at:
            return
        self._step_at = now + _EVERY
        heard = self._times.take()
        self._slow.inc(heard.slow)
        heard = heard._replace(slowest=tuple(self._planned(one, now) for one in heard.slowest))
        query_times.keep(self._engine, self._host_id, CATALOGUE, heard, self._clock.wall_ns())

    def _planned(self, one: Slow, now: float) -> Slow:
        """Return a slow statement with its plan, where it was not told of lately."""
        told = self._told.get(one.statement)
        if told is not None and now - told < _TOLD_AGAIN:
            return one
        if len(self._told) >= query_times.MOST:
            self._told.clear()
        self._told[one.statement] = now
        plan = self._engine.explain(one.statement)
        facts: dict[str, object] = {
            "seconds": f"{one.worst:.3f}",
            "times": one.times,
            "statement": shown(" ".join(one.statement.split()))[:_SHOWN],
            "plan": shown("; ".join(line.strip() for line in plan.splitlines())),
            "whole": ",".join(query_times.whole(plan)),
        }
        log.warning("a statement to the catalogue was slow", extra={"facts": facts})
        return one._replace(plan=plan)
