"""Runs of policies: begun when their triggers say so, guarded, carried out, and remembered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from storewarden.catalogue import held_back, policy_runs, policy_sets, ready
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.policy_runs import LastRun
from storewarden.catalogue.policy_sets import StoredPolicy
from storewarden.daemon.acting import planning, standing
from storewarden.daemon.acting.hands import Acting, GivenUp
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.acting.perform import asks, growing, outcome_of
from storewarden.daemon.acting.planning import Asker
from storewarden.daemon.acting.pressing import Relieving, together
from storewarden.daemon.acting.recovering import Recovery
from storewarden.daemon.acting.tally import Tally
from storewarden.daemon.acting.wish import Wanted
from storewarden.pipeline import ready as due_work
from storewarden.policy.pressure import Space
from storewarden.policy.rules import Policy
from storewarden.policy.run import Due, Limit, Outcome, Run
from storewarden.policy.triggered import LOOK_NS, Asked, Cause, Known, Last, asked

log = logging.getLogger(__name__)

BY: Final = "storewarden"
"""Who asks for what policies decide."""

_LOOK: Final = LOOK_NS / 1e9
_SOON: Final = 1.0  # seconds between two looks at the schedule, at the least
# Times as long as looking took: a hundred thousand files that are due and held back take a tenth
# of a second to go through.
_REST: Final = 100
_FROZEN: Final = Limit.FROZEN.value + ":"
# How long nothing is tried again of which nothing could be taken up: it waits to be decided, or
# is in another act.
_EMPTY: Final = (1.0, 60.0)


@dataclass(slots=True)
class _Empty:
    """A policy of which there was nothing to take up."""

    until: float = 0.0
    pause: float = _EMPTY[0]


@dataclass(slots=True)
class _Begun:
    """A run on its way."""

    policy: Policy
    stored: StoredPolicy
    cause: Cause
    row: LastRun
    run: Run
    tally: Tally
    dues: list[Due] = field(default_factory=list)  # of this round, where there are rounds
    taken_up: int = 0


class Runs:
    """Looks whether policies are to run, and lets them. Used by the actor's thread alone."""

    def __init__(
        self,
        acting: Acting,
        recovery: Recovery,
        resting: Mapping[str, int],
        zone: tzinfo,
        *,
        decided: Callable[[], int],
        between: Callable[[bool], None],
    ) -> None:
        """``decided`` grows with what is decided; ``between`` is called between acts.

        It hears whether the run must not wait: it makes room.
        """
        self._acting, self._recovery, self._resting, self._zone = acting, recovery, resting, zone
        self._decided, self._between = decided, between
        self.news: Callable[[], None] = lambda: None  # what is held back is other than it was
        self._judge: Judge | None = None
        self._stored: dict[str, StoredPolicy] = {}
        self._last: dict[str, LastRun] = {}
        self._due: dict[int, int] = {}
        self._next_due_ns: int | None = None
        self._seen = -1
        self._stale = True
        self._rests_until = 0.0
        self._looked_at = float("-inf")
        self._kept = False  # by what asks nobody
        self._spaces: dict[str, Space] = {}
        self._measured_at = float("-inf")
        self._empty: dict[str, _Empty] = {}

    def forget(self) -> None:
        """Read anew what is stored: somebody else changed it."""
        self._stale = True
        self._empty.clear()

    def try_again(self) -> None:
        """Let policies run at once that could do nothing: what kept them from it is over."""
        policy_runs.forget_pauses(self._acting.engine, self._acting.host_id)
        self.forget()

    def step(self, *, urgent_only: bool = False) -> float:
        """Run what is to run; return in how many seconds to look again.

        Raises:
            GivenUp: we are to stop.
            StorewardenError: the catalogue cannot be used now, or the lease is lost.
        """
        judge = self._acting.judge
        if judge is None:
            return _LOOK
        if judge is not self._judge:
            self._take_over(judge)
        self._look()
        again = _LOOK
        for policy in judge.policies.policies:
            if self._acting.judge is not judge:
                return 0.0
            wait = self._consider(policy, urgent_only=urgent_only)
            again = min(again, wait)
        return again

    # -- what is known ----------------------------------------------------------------------------

    def _take_over(self, judge: Judge) -> None:
        """Begin to let other policies run; nothing is held back of those that are gone."""
        engine, host_id = self._acting.engine, self._acting.host_id
        self._stored = policy_sets.policies(engine, host_id)
        names = {policy.id for policy in judge.policies.policies}
        for name in {one.policy for one in held_back.read(engine, host_id)} - names:
            held_back.replace(engine, host_id, name, [], self._acting.now_ns)
        self._judge = judge
        self.forget()
        self.news()

    def _look(self) -> None:
        """Find out what is due, where that may have changed."""
        acting, decided = self._acting, self._decided()
        now, now_ns = acting.clock.monotonic(), acting.now_ns
        fell_due = self._next_due_ns is not None and self._next_due_ns <= now_ns
        over = self._kept and now >= self._looked_at + _LOOK  # what held it back may be
        if not (self._stale or fell_due or over or decided != self._seen) or (
            now < self._rests_until and not self._stale
        ):
            return
        if decided != self._seen:
            self._empty.clear()
        self._due = ready.due_now(acting.engine, acting.host_id, now_ns)
        self._next_due_ns = ready.next_due(acting.engine, now_ns)
        self._last = policy_runs.read(acting.engine, acting.host_id)
        self._let_go()
        self._seen, self._stale, self._looked_at = decided, False, now
        took = acting.clock.monotonic() - now
        self._rests_until = now + max(_SOON, _REST * took)

    def _let_go(self) -> None:
        """Hold nothing back that no person is asked about, where nothing is due any more."""
        engine, host_id = self._acting.engine, self._acting.host_id
        due = {name for name, stored in self._stored.items() if stored.id in self._due}
        held = held_back.read(engine, host_id)
        kept = {one.policy for one in held if not asks(one.guard)} - self._about_rows()
        for name in kept - due:
            asking = [one for one in held if one.policy == name and asks(one.guard)]
            held_back.replace(engine, host_id, name, asking, self._acting.now_ns)
            self.news()
        self._kept = bool(kept & due)
        if self._kept and self._is_over({one.guard for one in held if one.policy in due}):
            policy_runs.forget_pauses(engine, host_id)
            self._last = policy_runs.read(engine, host_id)

    def _about_rows(self) -> set[str]:
        """Return the policies that others carry out, who say themselves what is held back."""
        policies = self._judge.policies.policies if self._judge is not None else ()
        return {policy.id for policy in policies if policy.rows is not None}

    def _is_over(self, guards: Collection[str]) -> bool:
        """Tell whether what held work back by its own is over: the clock, or a frozen root."""
        frozen = {guard.partition(":")[2] for guard in guards if guard.startswith(_FROZEN)}
        if frozen - standing.frozen(self._acting).keys():
            return True
        clock = Limit.CLOCK.value in guards
        return clock and not standing.jumped(self._acting.engine, self._acting.host_id)

    def _space(self) -> Mapping[str, Space]:
        now = self._acting.clock.monotonic()
        if now - self._measured_at >= _SOON:
            self._spaces, self._measured_at = self._acting.roots.spaces(), now
        return self._spaces

    # -- whether to run ---------------------------------------------------------------------------

    def _consider(self, policy: Policy, *, urgent_only: bool) -> float:
        stored = self._stored.get(policy.id)
        due_ns = self._due.get(stored.id) if stored is not None else None
        if stored is None or due_ns is None:
            return _LOOK
        now = self._acting.clock.monotonic()
        empty = self._empty.get(policy.id)
        if empty is not None and now < empty.until:
            return empty.until - now
        now_ns = self._acting.now_ns
        last = self._last.get(policy.id)
        known = Known(due_ns, stored.first_seen_ns, _as_policies_see(last))
        spaces = self._space() if policy.triggers.pressure is not None else {}
        found = asked(policy.triggers, known, now_ns, spaces, self._zone)
        if found.cause is None:
            return _seconds(found.again_ns, now_ns)
        if urgent_only and found.cause is not Cause.PRESSURE:
            return _SOON
        self._run(policy, stored, found, last)
        return 0.0

    # -- a run ------------------------------------------------------------------------------------

    def _run(
        self, policy: Policy, stored: StoredPolicy, found: Asked, last: LastRun | None
    ) -> None:
        cause = found.cause or Cause.EVENT
        began = self._acting.clock.monotonic()
        row = _begun_row(policy, found, last, self._acting.now_ns)
        ground = standing.of_policy(self._acting, policy, row, self._recovery.left())
        dues: list[Due] = []
        work: Iterable[Due] = dues if cause is Cause.PRESSURE else self._due_of(stored)
        begun = _Begun(policy, stored, cause, row, Run(ground, work), Tally(), dues)
        if cause is Cause.PRESSURE:
            still = self._make_room(begun, found.pressed, last)
            begun.row = begun.row._replace(pressed=tuple(sorted(still)))
        else:
            self._let_through(begun)
        self._end(begun, last, self._acting.clock.monotonic() - began)

    def _due_of(self, stored: StoredPolicy) -> Iterator[Due]:
        acting = self._acting
        for due in due_work.due(acting.engine, acting.host_id, stored.id, acting.now_ns):
            if acting.stopping():
                raise GivenUp
            yield due

    def _make_room(self, begun: _Begun, pressed: Iterable[str], last: LastRun | None) -> set[str]:
        """Let go what makes room; return the roots in which there is still too little."""
        pressure = begun.policy.triggers.pressure
        still: set[str] = set()
        if pressure is None:
            return still
        for roots in together(self._acting, set(pressed)):
            going_on = last is not None and not set(roots).isdisjoint(last.pressed)
            relief = Relieving(
                *(self._acting, begun.stored.id, pressure, roots, self._resting),
                going_on=going_on,
            )
            for chosen in relief.rounds():
                begun.dues[:] = chosen
                if not self._let_through(begun):
                    break
            if relief.wanted:
                still.update(roots)
        self._measured_at = float("-inf")
        return still

    def _let_through(self, begun: _Begun) -> int:
        """Carry out what guards let through; return how many files that were."""
        let = 0
        for some in growing(begun.run):
            self._between(begun.cause is Cause.PRESSURE)
            if self._acting.judge is not self._judge:
                return let
            wanted = [_wanted(due, begun.policy) for due in some]
            begun.row = _spent(begun.row, some)
            asker = Asker(BY, _reason(begun))
            row = begun.row

            def remember(row: LastRun = row) -> None:
                policy_runs.write(self._acting.engine, self._acting.host_id, row)

            batch = planning.plan(self._acting, wanted, asker, remember)
            begun.tally.count("refused", batch.files)
            for outcome in self._acting.carry_out(batch.acts, begun.tally.seen):
                how = outcome_of(self._acting, outcome.act)
                begun.run.note(how)
                begun.row = _noted(begun.row, how)
            let += len(some)
        begun.taken_up += let
        return let

    def _end(self, begun: _Begun, last: LastRun | None, seconds: float) -> None:
        """Remember a run and tell of it, if it took something up."""
        acting, name = self._acting, begun.policy.id
        held = begun.run.held()
        self._stale = True
        if begun.taken_up or held:
            self._empty.pop(name, None)
        else:
            empty = self._empty.setdefault(name, _Empty())
            empty.until = acting.clock.monotonic() + empty.pause
            empty.pause = min(2 * empty.pause, _EMPTY[1])
            if begun.cause is not Cause.TIMER:
                return
        before = last.fruitless if last is not None else 0
        fruitless = 0 if begun.tally.done else before + 1
        row = begun.row._replace(fruitless=fruitless, looked_ns=acting.now_ns)
        if any(one.limit is Limit.ERRORS for one in held):
            row = row._replace(tried=0, failed=0)  # the next try is judged by itself
        known = {one.guard for one in self._held(name)}
        kept = [
            HeldBack(name, one.guard, one.why, one.files, one.bytes, 0, one.command) for one in held
        ]
        with acting.engine.transaction():
            policy_runs.write(acting.engine, acting.host_id, row)
            held_back.replace(acting.engine, acting.host_id, name, kept, acting.now_ns)
        self.news()
        if begun.taken_up or held:
            _tell(begun, kept, known, seconds)

    def _held(self, policy: str) -> list[HeldBack]:
        held = held_back.read(self._acting.engine, self._acting.host_id)
        return [one for one in held if one.policy == policy]


def _as_policies_see(last: LastRun | None) -> Last | None:
    if last is None:
        return None
    pressed = frozenset(last.pressed)
    return Last(Cause(last.cause), last.began_ns, last.looked_ns, pressed, last.fruitless)


def _begun_row(policy: Policy, found: Asked, last: LastRun | None, now_ns: int) -> LastRun:
    """Return the row of a run; one that goes on with the last counts on from there."""
    cause = (found.cause or Cause.EVENT).value
    began_ns = found.began_ns if found.began_ns is not None else now_ns
    if last is not None and (last.cause, last.began_ns) == (cause, began_ns):
        return last._replace(looked_ns=now_ns, pressed=tuple(sorted(found.pressed)))
    return LastRun(policy.id, cause, began_ns, now_ns, tuple(sorted(found.pressed)))


def _wanted(due: Due, policy: Policy) -> Wanted:
    return Wanted(due.file_id, due.action.word, due.store, policy.id)


def _spent(row: LastRun, some: Iterable[Due]) -> LastRun:
    freeing = [due for due in some if due.action.destructive]
    return row._replace(
        files=row.files + sum(due.files for due in freeing),
        size=row.size + sum(due.bytes for due in freeing),
    )


def _noted(row: LastRun, how: Outcome) -> LastRun:
    if how is Outcome.REFUSED:
        return row
    return row._replace(tried=row.tried + 1, failed=row.failed + (how is Outcome.FAILED))


def _reason(begun: _Begun) -> str:
    full = "the disk is too full" if begun.cause is Cause.PRESSURE else ""
    return "; ".join(part for part in (begun.policy.reason, full) if part)


def _seconds(again_ns: int | None, now_ns: int) -> float:
    if again_ns is None:
        return _LOOK
    return min(_LOOK, max(0.05, (again_ns - now_ns) / 1e9))


def _tell(begun: _Begun, kept: Iterable[HeldBack], known: Collection[str], seconds: float) -> None:
    """Log a run, and what it is kept from that was not told before."""
    came = begun.tally.result(seconds)
    facts: dict[str, object] = {"policy": begun.policy.id, "cause": begun.cause.value}
    facts |= {"done": came.done, "refused": came.refused, "failed": came.failed}
    facts |= {"put_off": came.put_off, "held": sum(one.files for one in kept)}
    facts |= {"freed": came.freed, "seconds": f"{seconds:.2f}"}
    log.info("a policy ran", extra={"facts": facts})
    for one in (one for one in kept if one.guard not in known):
        told = {"policy": one.policy, "files": one.files, "why": one.why, "release": one.command}
        log.warning("work is held back", extra={"facts": told})
