"""Files of many acts are stored and proven beside each other, and noted together.

Most of the time that a small file takes is spent waiting for a store and for the journal. So some
are stored at once by threads, and the journal is written once for each step of all of them. Threads
touch files and stores only; what stops one act stops that one, anything else stops them all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, NamedTuple, TypeVar

from storewarden.act.carry.away import carry_away
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

_MOST_ACTS: Final = 200
_MOST_BYTES: Final = 64 << 20  # between two notes of the journal, unless one file has more

_Came = TypeVar("_Came")


def rounds(acts: Sequence[Act]) -> Iterator[list[Act]]:
    """Yield acts as they are noted together; what is large is alone."""
    some: list[Act] = []
    size = 0
    for act in acts:
        if some and (len(some) == _MOST_ACTS or size + act.size > _MOST_BYTES):
            yield some
            some, size = [], 0
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
        _end(hand, tools, [work for work, _ in proven])
    else:
        hand.going_on.update((work.act.id, (work, _leaving(proofs))) for work, proofs in proven)
    return hand


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
    before = [work.act for work, _ in stored]
    try:
        with tools.journal.engine.transaction(durable=True):
            for work, members in stored:
                work.advance("copied", members=members)
    except CatalogueRefused:
        for (work, _), act in zip(stored, before, strict=True):
            work.act = act
        return False
    return True


def _end(hand: Hand, tools: Tools, works: Sequence[Work]) -> None:
    try:
        ended = tools.acted.all_copied([work.act for work in works], tools.clock.wall_ns())
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
