"""A wish is carried out: by the daemon's thread, or by a verb that found no daemon.

Each file is decided again when its act is planned. What stops us leaves acts in the journal, that
go on with the next start; a wish that is given once more under the same number goes on as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Final

from storewarden.act.execute import Outcome as Carried
from storewarden.catalogue import acts as journal
from storewarden.catalogue import held_back, policy_runs, policy_sets, wished
from storewarden.catalogue.acts import Act
from storewarden.catalogue.bundled import bundles
from storewarden.daemon.acting import planning, standing
from storewarden.daemon.acting.hands import Acting, GivenUp
from storewarden.daemon.acting.planning import AT_ONCE, Asker
from storewarden.daemon.acting.tally import Tally, result_of
from storewarden.daemon.acting.wish import Result, Told, Trouble, Wanted, Wish
from storewarden.errors import PermanentError
from storewarden.policy.run import Due, Held, Limit, Outcome, Run

_UNKNOWN: Final = "it is not known any more"
# What fails for every file (a store that is down) shall be seen before much of it is planned.
_FIRST: Final = 4


def perform(
    acting: Acting,
    wish: Wish,
    told: Callable[[Told], None],
    stopping: Callable[[], bool],
    *,
    job: int | None = None,
    so_far: Callable[[Result], None] = lambda _result: None,
    recovered: Sequence[Carried] = (),
) -> Result:
    """Carry out a wish; what guards hold back of it is told, and not begun.

    Args:
        acting: carries acts out.
        wish: what is wanted.
        told: hears how far it is, often.
        stopping: true from when we are to stop; asked before each file, and within large ones.
        job: the number of the request; given again, the wish goes on where it stopped.
        so_far: hears what it came to when it could not be carried out to its end.
        recovered: what became just now of acts that were begun before; some may be wanted here.

    Raises:
        GivenUp: we were to stop before all was done; what is done is done.
        UsageError: that is no wish.
        PermanentError: other policies are in force than were seen.
        StorewardenError: the catalogue cannot be written now, or the lease is lost.
    """
    wish.check()
    acting.stopping = stopping
    began = acting.clock.monotonic()
    tally = Tally(told, len(wish.wanted))
    try:
        performance = _Performance(acting, wish, tally, job)
        performance.take_over(recovered)
        performance.carried_out()
    except BaseException:
        so_far(tally.result(acting.clock.monotonic() - began))
        raise
    return tally.result(acting.clock.monotonic() - began)


def approve(acting: Acting, policies: Sequence[str]) -> None:
    """Let policies go on that waited for a person: their first plan, or a limit that they met."""
    engine, host_id, now_ns = acting.engine, acting.host_id, acting.now_ns
    held = held_back.read(engine, host_id)
    with engine.transaction(durable=True):
        for policy in policies:
            held_back.approve(engine, host_id, policy, now_ns)
            kept = [one for one in held if one.policy == policy and not asks(one.guard)]
            held_back.replace(engine, host_id, policy, kept, now_ns)
        policy_runs.forget_limits(engine, host_id, policies, now_ns)


def outcome_of(acting: Acting, act: Act) -> Outcome:
    """Return what a guard makes of what came of an act.

    A store that is down is so for all that goes there; a file that is in use is nobody's failure.
    """
    how = result_of(act)
    if how == "done":
        return Outcome.DONE
    waits_for_store = how == "put_off" and acting.store_is_down(act.store)
    return Outcome.FAILED if how == "failed" or waits_for_store else Outcome.REFUSED


def growing(run: Iterable[Due]) -> Iterator[list[Due]]:
    """Yield a few, then more and more at once: what all fail with is seen after the first."""
    rest, size = iter(run), _FIRST
    while some := list(islice(rest, size)):
        yield some
        size = min(2 * size, AT_ONCE)


def asks(guard: str) -> bool:
    """Tell whether what is held back waits for a person, and not for its cause to end."""
    return any(limit.value == guard for limit in Limit if limit.asks)


class _Performance:
    """One wish, on its way."""

    def __init__(self, acting: Acting, wish: Wish, tally: Tally, job: int | None) -> None:
        self._acting, self._wish, self._tally = acting, wish, tally
        self._asker = Asker(wish.asked_by, wish.reason, job)
        self._through: set[int] = set()  # files that acts of this wish were planned for

    def carried_out(self) -> None:
        self._require_what_was_seen()
        if self._wish.approves:
            approve(self._acting, self._wish.approves)
        self._go_on()
        # one policy after the other: each has limits of its own
        wanted = sorted(self._wish.wanted, key=lambda one: one.policy or "")
        for policy, some in groupby(wanted, key=lambda one: one.policy):
            self._carry_out(policy, list(some))

    def take_over(self, recovered: Sequence[Carried]) -> None:
        """Count what is wanted and was begun before: whoever was stopped says it once more."""
        wanted = {one.file_id: one for one in self._wish.wanted}
        for outcome in recovered:
            act = outcome.act
            one = wanted.get(act.file_id or 0)
            if act.state != journal.DONE or one is None or one.undoes != act.undoes:
                continue
            if one.verb == act.verb and one.store in {None, act.store} and one.to is None:
                self._through.update(id_ for id_ in journal.ids_of(act.members))
                self._tally.carried_on(outcome)

    def _require_what_was_seen(self) -> None:
        """Raise PermanentError where other policies came into force since a person saw his."""
        if not self._wish.policies:
            return
        now = policy_sets.in_force(self._acting.engine, self._acting.host_id)
        if now is None or now.fingerprint != self._wish.policies:
            raise PermanentError(
                "nothing was done",
                why="other policies came into force since these were shown",
                remedy="look at what they do: storewarden plan",
            )

    def _go_on(self) -> None:
        """Go on with what was planned under this number before we were stopped."""
        if self._asker.job is None:
            return
        before = wished.of_job(self._acting.engine, self._asker.job)
        for act in before:
            self._through.update(one.file_id for one in act.members if one.file_id is not None)
            if act.ended:
                self._tally.again(act)
        going = [act for act in before if not act.ended]
        self._tally.expect(going)
        for _ in self._acting.carry_out(going, self._tally.seen):
            pass

    def _gave_up(self, one: Wanted) -> bool:
        """End an act that goes on and is taken back; False where there is none, or it got done."""
        act = None if one.undoes is None else journal.read(self._acting.engine, one.undoes)
        if act is None or act.ended or act.host_id != self._acting.host_id:
            return False
        outcome = self._acting.executor.give_up(act, f"given up by {self._asker.name}")
        self._acting.tell(outcome)
        if not outcome.act.ended:
            self._tally.ended(outcome)
        elif outcome.act.state == journal.DONE:  # of which nobody knew: it is undone as any other
            return False
        else:
            self._tally.count("done", len(act.members))
        return True

    def _carry_out(self, policy: str | None, wanted: Sequence[Wanted]) -> None:
        wanted = [one for one in wanted if not self._gave_up(one)]
        judge = self._acting.judge
        known = judge.policy(policy) if judge is not None else None
        by_file = {one.file_id: one for one in wanted}
        run = Run(standing.by_person(self._acting, known), self._due(list(by_file.values())))
        for some in growing(run):
            batch = planning.plan(self._acting, [by_file[due.file_id] for due in some], self._asker)
            self._tally.trouble(*batch.troubles)
            self._tally.count("refused", batch.files)
            self._tally.expect(batch.acts)
            for outcome in self._acting.carry_out(batch.acts, self._tally.seen):
                run.note(outcome_of(self._acting, outcome.act))
        for held in run.held():
            self._tally.count("held", held.files)
            self._tally.trouble(_held(held, wanted[0]))

    def _due(self, wanted: Sequence[Wanted]) -> Iterator[Due]:
        """Yield what is still to be done; what goes with another file that is meant is not."""
        for some in (wanted[at : at + AT_ONCE] for at in range(0, len(wanted), AT_ONCE)):
            if self._acting.stopping():
                raise GivenUp
            ids = [one.file_id for one in some if one.file_id not in self._through]
            found = bundles(self._acting.engine, self._acting.host_id, ids)
            along = {one.id for each in found.values() for one in each.files[1:]}
            for one in some:
                if one.file_id in self._through or one.file_id in along - self._through:
                    continue
                bundle = found.get(one.file_id)
                if bundle is None:
                    self._tally.count("refused", 1)
                    self._tally.trouble(Trouble("", b"", one.verb, "refused", _UNKNOWN))
                    continue
                self._through.update(each.id for each in bundle.files)
                yield planning.due(one, bundle)


def _held(held: Held, one: Wanted) -> Trouble:
    files = "1 file" if held.files == 1 else f"{held.files:,} files"
    why = f"{files}: {held.why}; {held.command}"
    return Trouble(held.root or "", b"", one.verb, "held", why)
