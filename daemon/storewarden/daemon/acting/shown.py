"""What acts come to, as figures and as log lines: kept in step, a scrape counts nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Final

from storewarden.act.execute import Outcome
from storewarden.catalogue import acts, held_back
from storewarden.catalogue.acts import FAILED, Act
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.wished import UnderWay
from storewarden.clock import Clock
from storewarden.measure.metrics import Metrics
from storewarden.measure.shown import shown

log = logging.getLogger(__name__)

PERSON: Final = "person"
OTHER: Final = "other"
_EVERY: Final = 2.0  # seconds between two readings of what is kept


class Shown:
    """Shows figures of acts. Used by the actor's thread alone."""

    def __init__(self, engine: Engine, host_id: int, metrics: Metrics, clock: Clock) -> None:
        self._engine, self._host_id, self._metrics = engine, host_id, metrics
        self._clock = clock
        self._counted: dict[tuple[str, str, str], int] = {}
        self._sizes: dict[str, int] = {}
        self._freed = 0
        self._known: set[str] = set()  # policies that were in force in this life
        self._stale, self._read_at = True, float("-inf")
        self._put_off: set[tuple[str, str, str]] = set()  # of which it was told
        metrics.show("jobs", {("running",): 0, ("waiting",): 0})

    def ended(self, outcome: Outcome) -> None:
        """Hear what came of an attempt; a failure is told once."""
        self._stale = True
        act = outcome.act
        key = act.root, act.verb, act.store or ""
        if act.ended:
            self._metrics.last_act_timestamp_seconds.set(self._clock.wall_ns() / 1e9)
        if act.state == FAILED:
            log.error("an act failed", extra={"facts": _facts(act)})
        elif not act.ended and key not in self._put_off:
            self._put_off.add(key)
            log.warning("an act is put off", extra={"facts": _facts(act)})
        elif act.state == acts.DONE:
            self._put_off.discard(key)

    def jobs(self, *, running: int, waiting: int) -> None:
        """Show what people asked for."""
        self._metrics.show("jobs", {("running",): running, ("waiting",): waiting})

    def news(self) -> None:
        """Hear that something is other than it was."""
        self._stale = True

    def step(self, policies: Collection[str], under_way: Iterable[UnderWay]) -> None:
        """Bring figures up to what is, where something happened."""
        now = self._clock.monotonic()
        if not self._stale or now - self._read_at < _EVERY:
            return
        self._read_at, self._stale = now, False
        self._known.update(policies)
        self._count()
        every = tuple(under_way)
        self._metrics.open_acts.set(sum(one.acts for one in every))
        self._metrics.put_off_acts.set(sum(one.put_off for one in every))
        held: dict[tuple[str, ...], float] = {}
        for one in held_back.read(self._engine, self._host_id):
            key = one.policy, one.guard.partition(":")[0]
            held[key] = held.get(key, 0) + one.files
        self._metrics.show("held_back_files", held)

    def _count(self) -> None:
        """Count what ended since it was last counted; what ended in earlier lives counts too."""
        counted: dict[tuple[str, str, str], int] = {}
        sizes: dict[str, int] = {}
        freed = 0
        for one in acts.figures(self._engine, self._host_id):
            policy = PERSON if one.policy is None else one.policy
            name = policy if one.policy is None or policy in self._known else OTHER
            key = name, one.verb, one.outcome
            counted[key] = counted.get(key, 0) + one.acts
            if one.outcome == acts.DONE:
                sizes[one.verb] = sizes.get(one.verb, 0) + one.size
            freed += one.freed
        metrics = self._metrics
        for key, number in counted.items():
            new = max(0, number - self._counted.get(key, 0))
            metrics.actions_total.labels(*key).inc(new)
        for verb, size in sizes.items():
            metrics.action_bytes_total.labels(verb).inc(max(0, size - self._sizes.get(verb, 0)))
        metrics.freed_bytes_total.inc(max(0, freed - self._freed))
        self._counted, self._sizes, self._freed = counted, sizes, freed


def _facts(act: Act) -> dict[str, object]:
    facts: dict[str, object] = {"act": act.id, "verb": act.verb, "root": act.root}
    facts |= {"path": shown(act.path), "why": act.error}
    if act.policy is not None:
        facts["policy"] = act.policy
    if act.store is not None:
        facts["store"] = act.store
    return facts
