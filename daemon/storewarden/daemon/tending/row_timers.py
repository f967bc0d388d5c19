"""When rows of declared tables are gone through: as the policies about them say."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from storewarden.catalogue import policy_runs, policy_sets
from storewarden.catalogue.policy_runs import LastRun
from storewarden.daemon.acting.standing import jumped
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.standing import BY
from storewarden.daemon.tending.wish import TendWish
from storewarden.databases import schedule
from storewarden.databases.schedule import Duty, Stand
from storewarden.policy.rules import Policy, Timer

APPLY: Final = "rows_apply"
COUNT: Final = "rows_orphans"
_COUNTED: Final = "~counted"  # no policy is called so
_CAUSE: Final = "timer"


class RowTimers:
    """Knows when rows are due to be gone through. Used by one thread."""

    def __init__(self, hands: Hands, zone: tzinfo) -> None:
        """Calendars are meant in ``zone``."""
        self._hands, self._zone = hands, zone

    def due(self) -> TendWish | None:
        """Return what is to be done now, and note that it was begun.

        What fails is tried again at the next time: rows that are due stay so.
        """
        hands = self._hands
        if not hands.settings.tables or jumped(hands.engine, hands.host_id):
            return None  # how old a row is nobody can tell while the clock is in doubt
        runs = policy_runs.read(hands.engine, hands.host_id)
        in_force = policy_sets.policies(hands.engine, hands.host_id)
        for policy in hands.policies.policies if hands.policies is not None else ():
            table = policy.rows
            if table is None or table not in hands.settings.table_names:
                continue
            since_ns = in_force[policy.id].first_seen_ns if policy.id in in_force else 0
            if any(self._is_due(timer, runs, policy.id, since_ns) for timer in _timers(policy)):
                self._note(policy.id)
                return TendWish(APPLY, (table,), {}, BY, policy.id)
        if self._is_due(schedule.DAILY, runs, _COUNTED, 0):
            self._note(_COUNTED)
            return TendWish(COUNT, (), {}, BY)
        return None

    def _is_due(self, timer: Timer, runs: dict[str, LastRun], name: str, since_ns: int) -> bool:
        now_ns = self._hands.now_ns
        duty = Duty(APPLY, timer, name)
        last_ns = runs[name].looked_ns if name in runs else None
        stand = schedule.righted(Stand(last_ns), duty, now_ns)
        found = schedule.due(duty, stand, min(since_ns, now_ns), self._zone)
        return found is not None and found.due_ns <= now_ns

    def _note(self, name: str) -> None:
        now_ns = self._hands.now_ns
        run = LastRun(name, _CAUSE, now_ns, now_ns)
        policy_runs.write(self._hands.engine, self._hands.host_id, run)


def _timers(policy: Policy) -> tuple[Timer, ...]:
    """Return when a policy about rows runs: each day where it names no time."""
    return policy.triggers.timers or (schedule.DAILY,)
