"""Carry out acts by the journal: noted first, done then, noted again, and so on from any state.

What a verb does stands in ``carry``; here it is decided what becomes of an act that could not be
carried out: tried again after a growing pause, refused, or failed. When the catalogue cannot be
written, or the lease was taken over, that goes through to the caller at once, and nothing more is
touched: the act stands where the journal has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from storewarden.act.carry.work import (
    ITS_OWN,
    STEP_ERRORS,
    Carry,
    Halted,
    Root,
    Tally,
    Tools,
    Verb,
    Work,
)
from storewarden.act.leases import Quiet
from storewarden.act.refused import Reason, Refused, Stop, refused
from storewarden.catalogue.acts import FAILED, REFUSED, Act
from storewarden.errors import FileChanged, FileUnusable, PermanentError, PlaceTaken

_SECOND: Final = 1_000_000_000

# The file, or its place, is not as it was decided on: it is decided anew. Any other reason is one
# for which the act cannot be done.
_REFUSING: Final = frozenset(
    {
        *(Reason.CHANGED, Reason.GONE, Reason.OPEN_FOR_WRITING, Reason.IN_USE, Reason.LINKED),
        Reason.PARTED,
        *(Reason.BEHIND_A_LINK, Reason.OTHER_FILE_SYSTEM, Reason.NOT_REGULAR, Reason.TAKEN),
        *(Reason.OURS, Reason.UNPROVEN, Reason.TOO_EARLY, Reason.NOT_ALLOWED),
    }
)


class Patience(NamedTuple):
    """How often what may work later is tried, and how long is waited between."""

    first: float = 60.0  # seconds
    factor: float = 4.0
    longest: float = 6 * 3600.0
    attempts: int = 8

    def pause_ns(self, attempts: int) -> int:
        """Return how long to wait after so many attempts that failed before this one."""
        return int(min(self.first * self.factor ** min(attempts, 32), self.longest) * _SECOND)


class Outcome(NamedTuple):
    """An act after an attempt, ended or put off, and what the attempt did."""

    act: Act
    copied: int = 0  # bytes of contents
    verified: int = 0
    fetched: int = 0
    freed: int = 0  # bytes on the disk
    quiet: tuple[Quiet, ...] = ()  # how it was known that nobody was writing, file by file
    lacking: tuple[str, ...] = ()  # what came back not as it was, in words for people


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why an attempt came to nothing."""

    why: str
    state: str  # to end in, if it is given up
    again: bool  # whether trying later can help


class Executor:
    """Carries out acts, one at a time; may be used by any one thread beside the recorder."""

    def __init__(
        self, tools: Tools, verbs: Mapping[str, Verb], patience: Patience | None = None
    ) -> None:
        """Touch nothing.

        Args:
            tools: what all acts share.
            verbs: how each is carried out, by its name; ``carry.verbs`` has them.
            patience: with what may work later.
        """
        self.tools = tools
        self._verbs = verbs
        self._patience = patience or Patience()

    def carry_out(self, act: Act) -> Outcome:
        """Go on with an act from the state in which the journal has it, to its end or a pause.

        Raises:
            LeaseLost: another process acts now; this one must not touch anything any more.
            StorewardenError: the catalogue cannot be written now; the act can be carried out
                again when it can.
        """
        if act.ended:
            return Outcome(act)
        verb = self._verbs[act.verb]
        try:
            with self.tools.roots.opened(act.root) as root:
                return self.go_on(Work(act, root, self.tools), verb.carry)
        except FileUnusable as error:  # the root is not there: nothing can be seen
            return Outcome(self._put_off(act, str(error)))

    def give_up(self, act: Act, why: str) -> Outcome:
        """End an act that nobody wants any more, as what became of its files until now.

        Raises:
            LeaseLost, StorewardenError: see `carry_out`.
        """
        verb = self._verbs[act.verb]
        try:
            with self.tools.roots.opened(act.root) as root:
                work = Work(act, root, self.tools)
                trouble = _Trouble(why, REFUSED, again=False)
                return outcome(self._conclude(verb, work, trouble), work.tally)
        except FileUnusable as error:
            return Outcome(self._put_off(act, str(error)))

    def go_on(self, work: Work, carry: Carry) -> Outcome:
        """Go on with an act in the way of ``carry``; conclude it if that does not work.

        Raises:
            LeaseLost, StorewardenError: see `carry_out`.
        """
        try:
            ended = carry(work)
        except (*ITS_OWN, PermanentError) as error:
            return self.concluded(work, error)
        return outcome(ended, work.tally)

    def concluded(self, work: Work, error: Exception) -> Outcome:
        """Put an act off, or give it up, that was stopped by an error.

        Raises:
            LeaseLost: see `carry_out`.
            StorewardenError: see there, or the error is no matter of this act.
        """
        ended = self._conclude(self._verbs[work.act.verb], work, _trouble(error, work))
        return outcome(ended, work.tally)

    def _conclude(self, verb: Verb, work: Work, trouble: _Trouble) -> Act:
        if trouble.again and work.act.attempts + 1 < self._patience.attempts:
            return self._put_off(work.act, trouble.why)
        try:
            ended = verb.settle(work)
        # It is not known where its files lie: it is tried, however often, until that is seen.
        except (Halted, Stop, *STEP_ERRORS) as error:
            found = _trouble(error, work).why
            why = trouble.why if found == trouble.why else f"{trouble.why}; and then: {found}"
            return self._put_off(work.act, why)
        if ended is not None:
            return ended
        journal, now_ns = self.tools.journal, self.tools.clock.wall_ns()
        give_up = journal.refuse if trouble.state == REFUSED else journal.fail
        return give_up(work.act, trouble.why, now_ns)

    def _put_off(self, act: Act, why: str) -> Act:
        now_ns = self.tools.clock.wall_ns()
        next_ns = now_ns + self._patience.pause_ns(act.attempts)
        return self.tools.journal.put_off(act, why, next_ns, now_ns)


def outcome(act: Act, tally: Tally) -> Outcome:
    """Return what an attempt did."""
    return Outcome(
        act,
        copied=tally.copied,
        verified=tally.verified,
        fetched=tally.fetched,
        freed=tally.freed,
        quiet=tuple(tally.quiet),
        lacking=tuple(tally.lacking),
    )


def _trouble(error: Exception, work: Work) -> _Trouble:
    """Return what an error means for the act.

    What the catalogue says is no matter of one act: it goes through.
    """
    if isinstance(error, Halted):
        return _of_refused(error.refused, work.root)
    if isinstance(error, Stop):
        return _of_refused(refused(error, work.act.path), work.root)
    if isinstance(error, FileChanged | PlaceTaken):
        return _Trouble(str(error), REFUSED, again=False)
    if isinstance(error, STEP_ERRORS) or type(error) is PermanentError:
        return _Trouble(str(error), FAILED, again=getattr(error, "transient", False))
    raise error


def _of_refused(told: Refused, root: Root) -> _Trouble:
    path = told.path.decode("utf-8", "backslashreplace")
    parts: Sequence[str] = [told.reason.replace("_", " "), f"{root.name}: {path}", told.why]
    state = REFUSED if told.reason in _REFUSING else FAILED
    return _Trouble(": ".join(part for part in parts if part), state, told.again)
