"""The score of health kept up to date: in metrics, and with what was lost in the catalogue.

Looked at every five seconds, or the more seldom the longer that takes. What policies are to do is
looked at once a minute: all that is due is gone through for that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from storewarden.catalogue import health_history
from storewarden.catalogue.health_history import Was
from storewarden.config.schema import Settings
from storewarden.daemon.ground import Ground
from storewarden.databases.disks import disks
from storewarden.databases.filled import System
from storewarden.errors import StorewardenError
from storewarden.health import reasons
from storewarden.health.gather import Outside, acts_of, gather
from storewarden.health.losses import losses
from storewarden.health.probes import Acts, Late, Probes
from storewarden.health.profiles import profile_of
from storewarden.health.score import Score, as_facts, total
from storewarden.health.steady import Steady
from storewarden.measure.metrics import Metrics
from storewarden.policy.rules import PolicySet

log = logging.getLogger(__name__)

_EVERY: Final = 5.0
_REST: Final = 1000  # times as long as it took: a thousandth of a core
_LONGEST: Final = 10.0  # a machine that was busy for a moment must not hide what goes wrong next
_ACTS_EVERY: Final = 60.0
_ACTS_REST: Final = 1000
_GOES_ON: Final = 60.0  # how often it is noted that nothing changed
_DAY_NS: Final = 86_400 * 10**9


class Healthy:
    """Judges how healthy all of it is. ``step`` is a worker's; any thread may call the rest."""

    def __init__(
        self,
        ground: Ground,
        settings: Settings,
        metrics: Metrics,
        zone: tzinfo,
        *,
        failing: Callable[[], bool],
        systems: Callable[[], Sequence[System]],
        tops: Callable[[], Mapping[str, bytes]],
    ) -> None:
        """Touch nothing but the figures, which are unknown until the first step.

        Args:
            ground: the catalogue.
            settings: roots, points, and where the state is kept.
            metrics: for the figures.
            zone: in which calendars are meant.
            failing: tells whether the catalogue cannot be written just now.
            systems: tells how fast file systems fill, as it was last found.
            tops: the roots that are watched now, and where they are.
        """
        self._engine, self._host_id, self._clock = ground.engine, ground.host_id, ground.clock
        self._settings, self._metrics, self._zone = settings, metrics, zone
        self._failing, self._systems, self._tops = failing, systems, tops
        self._policies: PolicySet | None = None
        self._steady = Steady()
        self._probes = Probes()
        self._acts: tuple[Acts, ...] = ()
        self._acts_at = float("-inf")
        self._failed_at: float | None = None
        self._score: Score | None = None
        self._noted: tuple[Was, Score] | None = None
        self._note_at = float("-inf")

    def follow(self, settings: Settings) -> None:
        """Judge by another configuration from now on."""
        self._settings = settings

    def judge_by(self, policies: PolicySet) -> None:
        """Know what policies are to do from now on."""
        self._policies = policies
        self._acts_at = float("-inf")

    # -- the worker's step ------------------------------------------------------------------------

    def step(self) -> float:
        """Judge anew; return the seconds until that is worth it again."""
        began = self._clock.monotonic()
        self._look(began)
        found = losses(self._probes, self._clock.wall_ns(), self._steady.wrong)
        lost = self._steady.step(found, began)
        judged = total(lost, profile_of(self._settings.health))
        self._show(judged)
        try:
            self._note(judged)
        except StorewardenError as error:
            if not error.transient:
                raise
        self._score = judged
        took = self._clock.monotonic() - began
        return min(max(_EVERY, _REST * took), _LONGEST)

    def _look(self, now: float) -> None:
        """Gather what is; while the catalogue cannot be read what was stays, and that it is so."""
        why = ""
        try:
            outside = self._outside()
            self._look_at_acts(outside, now)
            now_ns = self._clock.wall_ns()
            self._probes = gather(self._engine, self._host_id, outside, now_ns, self._acts)
        except StorewardenError as error:
            if not error.transient:
                raise
            why = str(error)
        if why or self._failing():
            self._failed_at = now if self._failed_at is None else self._failed_at
            late = Late("", now - self._failed_at, why)
            others = tuple(one for one in self._probes.late if one.root)
            self._probes = replace(self._probes, late=(*others, late))
        else:
            self._failed_at = None
            self._metrics.looked_for("health", self._clock.wall_ns())

    def _outside(self) -> Outside:
        settings, now_ns = self._settings, self._clock.wall_ns()
        found = disks(self._tops(), settings.state, self._systems(), now_ns)
        return Outside(settings.roots, self._policies, found, zone=self._zone)

    def _look_at_acts(self, outside: Outside, now: float) -> None:
        if now < self._acts_at:
            return
        self._acts = tuple(acts_of(self._engine, self._host_id, outside, self._clock.wall_ns()))
        took = self._clock.monotonic() - now
        self._acts_at = now + max(_ACTS_EVERY, _ACTS_REST * took)

    # -- what is told -----------------------------------------------------------------------------

    def _show(self, judged: Score) -> None:
        self._metrics.health_score.set(judged.score)
        points = judged.points()
        self._metrics.show(
            "health_deduction_points",
            {(reason,): float(points.get(reason, 0)) for reason in reasons.REASONS},
        )
        before = self._score
        if before is None or before.score == judged.score:
            return
        facts: dict[str, object] = {"score": judged.score, "before": before.score}
        facts["status"] = judged.status
        known = {one.key for one in before.deductions}
        new = [one for one in judged.deductions if one.key not in known]
        if judged.score > before.score:
            log.info("health is better", extra={"facts": facts})
            return
        if new:
            facts |= {"reason": new[0].reason, "object": new[0].object}
            facts |= {"why": new[0].detail, "remedy": new[0].remedy}
        log.warning("health is worse", extra={"facts": facts})

    def _note(self, judged: Score) -> None:
        """Write a row when it changed and once a day; else that it is still so, once a minute."""
        now, now_ns = self._clock.monotonic(), self._clock.wall_ns()
        told = json.dumps(as_facts(judged.deductions))
        engine, host_id = self._engine, self._host_id
        if self._noted is not None:
            was, before = self._noted
            same_day = was.at_ns // _DAY_NS == now_ns // _DAY_NS
            if same_day and judged.same(before):
                if now >= self._note_at:
                    was = was._replace(until_ns=now_ns, deductions=told)
                    health_history.go_on(engine, host_id, was)
                    self._noted, self._note_at = (was, judged), now + _GOES_ON
                return
            health_history.go_on(engine, host_id, was._replace(until_ns=now_ns))
        was = Was(now_ns, now_ns, judged.score, judged.status, judged.profile, told)
        health_history.begin(engine, host_id, was)
        health_history.forget(engine, host_id, now_ns)
        self._noted, self._note_at = (was, judged), now + _GOES_ON
