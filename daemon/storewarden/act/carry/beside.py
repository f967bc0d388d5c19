"""Files of many acts are stored, proven and freed beside each other, and noted together.

Most of the time that a small file takes is spent waiting: for a store, for the journal, and for the
disk that has to keep what is about to happen. So some go at once, by threads, and the journal is
written once for each step of all of them. Threads touch files and stores only, each act by itself
and in the order that keeps it safe; what stops one act stops that one, anything else stops them
all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, NamedTuple, TypeVar

from storewarden.act.carry.away import carry_away, forget_drawer, leave_proven, note_proven
from storewarden.act.carry.many import Hand
from storewarden.act.carry.storing import known_copies, store_all, verify_all
from storewarden.act.carry.work import ITS_OWN, Root, Tools, Work
from storewarden.act.proof import Proof
from storewarden.catalogue.acts import Act, Member
from storewarden.errors import CatalogueRefused, PermanentError

STORING: Final = frozenset({"copy", "archive", "move"})
"""Verbs that begin with copies in a store."""

AT_ONCE: Final = 8
"""So many files are on their way to a store, or back from it."""

_SEVERAL: Final = 2  # one by itself gains nothing
_MOST_ACTS: Final = 200
_MOST_BYTES: Final = 64 << 20  # between two notes of the journal, unless one file has more

_Came = TypeVar("_Came")


def rounds(acts: Sequence[Act]) -> Iterator[list[Act]]:
    """Yield acts as they are noted together; what is large is alone.

    Where files leave, the first round is short: a full disk waits for the first bytes.
    """
    most = _MOST_ACTS if acts and acts[0].verb == "copy" else AT_ONCE
    some: list[Act] = []
    size = 0
    for act in acts:
        if some and (len(some) == most or size + act.size > _MOST_BYTES):
            yield some
            some, size, most = [], 0, _MOST_ACTS
        some.append(act)
        size += act.size
    if some:
        yield some


def store_beside(tools: Tools, root: Root, some: Sequence[Act]) -> Hand:
    """Store the files of acts that were only planned, and prove them; end those that only copy.

    Raises:
        LeaseLost: another process acts now; this one must not touch anything any more.
        StorewardenError: the catalogue cannot be used now.
    """
    hand = Hand()
    guard = _Guard(tools)
    works = [Work(act, root, tools, guard.progress) for act in some]
    known = known_copies(tools, some)
    stored = guard.beside(works, lambda work: store_all(work, known), hand)
    if not _noted(tools, stored):
        return hand
    for work, _ in stored:  # whoever goes on with one is told where it stands
        hand.standing[work.act.id] = work.act
    proven = guard.beside([work for work, _ in stored], verify_all, hand)
    if some[0].verb == "copy":
        _end(hand, tools, [work for work, _ in proven], tools.acted.all_copied)
    else:
        hand.going_on.update((work.act.id, (work, _leaving(proofs))) for work, proofs in proven)
        hand.proven.update((work.act.id, (work, proofs)) for work, proofs in proven)
    return hand


def free_beside(hand: Hand, tools: Tools, some: Sequence[Act]) -> None:
    """Remove the files of acts that are proven, and end the acts; the others are let be.

    That they are proven is noted only now, of few: from then on nobody takes an act back. What the
    journal refuses is told by each for itself, from wherever it stands.

    Raises:
        LeaseLost, StorewardenError: see `store_beside`.
    """
    proven = [hand.proven[act.id] for act in some if act.id in hand.proven]
    if len(proven) < _SEVERAL:
        return
    tools.progress(0)  # whoever wants us to stop is heard between them
    works, guard = [work for work, _ in proven], _Guard(tools)
    proofs = {work.act.id: of_it for work, of_it in proven}
    if not _advanced(tools, works, note_proven):
        return
    left = guard.beside(works, lambda work: leave_proven(work, proofs[work.act.id]), hand)
    gone = [work for work, _ in left]
    acted = tools.acted
    end = acted.all_moved if some[0].verb == "move" else acted.all_archived
    _end(hand, tools, gone, end)
    guard.beside([work for work in gone if work.act.id in hand.ended], forget_drawer, hand)


def _leaving(proofs: Sequence[Proof]) -> Callable[[Work], Act]:
    """Return what removes files that are proven, and ends their act.

    That they are proven is noted of each by itself: from then on nobody takes its act back.
    """

    def carry(work: Work) -> Act:
        work.tools.progress(0)  # whoever wants us to stop is heard between files
        acted = work.tools.acted
        return carry_away(work, acted.moved if work.act.verb == "move" else acted.archived, proofs)

    return carry


def _noted(tools: Tools, stored: Sequence[_Did[tuple[Member, ...]]]) -> bool:
    """Note what was stored; False: one is not where it was thought to be, and nothing was noted."""
    members = {work.act.id: found for work, found in stored}
    return _advanced(
        tools,
        [work for work, _ in stored],
        lambda work: work.advance("copied", members=members[work.act.id]),
    )


def _advanced(tools: Tools, works: Sequence[Work], note: Callable[[Work], None]) -> bool:
    """Note a step of all of them, or of none: then one is not where it was thought to be."""
    before = [work.act for work in works]
    try:
        with tools.journal.engine.transaction(durable=True):
            for work in works:
                note(work)
    except CatalogueRefused:
        for work, act in zip(works, before, strict=True):
            work.act = act
        return False
    return True


def _end(
    hand: Hand, tools: Tools, works: Sequence[Work], end: Callable[[list[Act], int], list[Act]]
) -> None:
    if not works:
        return
    try:
        ended = end([work.act for work in works], tools.clock.wall_ns())
    except CatalogueRefused:
        return  # each tells for itself
    for work, act in zip(works, ended, strict=True):
        work.act = act
        hand.ended[act.id] = (act, work)


# -- threads --------------------------------------------------------------------------------------


class _Over(Exception):
    """Ends a thread in the middle of a file: another one met what stops them all."""


class _Did(NamedTuple, Generic[_Came]):
    work: Work
    came: _Came


class _Guard:
    """Lets threads work on acts of their own, and ends them all when one of them has to stop."""

    def __init__(self, tools: Tools) -> None:
        self._tell = tools.progress
        self._telling = threading.Lock()
        self._over = threading.Event()

    def progress(self, size: int) -> None:
        """Tell of bytes that passed, one thread at a time."""
        with self._telling:
            if self._over.is_set():
                raise _Over
            try:
                self._tell(size)
            except BaseException:
                self._over.set()  # before the next one is heard
                raise

    def beside(
        self, works: Sequence[Work], do: Callable[[Work], _Came], hand: Hand
    ) -> list[_Did[_Came]]:
        """Do something for each act; return what came of those that nothing stopped, in order.

        What stopped one of them is noted in ``hand``. When this returns, all threads have ended.
        """
        done: list[_Did[_Came]] = []
        with ThreadPoolExecutor(AT_ONCE, "storing") as threads:
            try:
                each = [threads.submit(self._one, work, do) for work in works]
                came = [one.exception() for one in each]
            except BaseException:
                self._over.set()
                raise
        for error in came:
            if error is not None and not isinstance(error, _Over):
                raise error
        for work, one in zip(works, each, strict=True):
            result = one.result()
            if isinstance(result, _Stopped):
                hand.stopped[work.act.id] = (work, result.error)
            else:
                done.append(_Did(work, result))
        return done

    def _one(self, work: Work, do: Callable[[Work], _Came]) -> _Came | _Stopped:
        if self._over.is_set():
            raise _Over
        try:
            return do(work)
        except ITS_OWN as error:
            return _Stopped(error)
        except BaseException as error:
            if type(error) is PermanentError:
                return _Stopped(error)
            self._over.set()
            raise


class _Stopped(NamedTuple):
    error: Exception
