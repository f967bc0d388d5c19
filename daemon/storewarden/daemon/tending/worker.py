"""The thread that looks after databases: what people wish first, then what is due; one at a time.

It is in nobody's way: while a burst is recorded nothing new is begun. Asked to stop, it ends the
child that works and what it did not finish is done again after the next start.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from storewarden.catalogue import requests
from storewarden.catalogue.requests import Facts
from storewarden.config.schema import Settings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.tending.deeds import deed
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import TendResult, TendWish, Told
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueUnavailable,
    LeaseLost,
    StorewardenError,
)

log = logging.getLogger(__name__)

TICK: Final = 1.0
_AGAIN: Final = 5.0  # after the catalogue could not be used
_TELL: Final = 0.5  # seconds between two tellings how far it is

_FATAL: Final = (LeaseLost, CatalogueCorrupt)
_AWAY: Final = (CatalogueBusy, CatalogueFull, CatalogueUnavailable)


class Answer(Protocol):
    """Ends requests."""

    def __call__(self, job: int, outcome: Facts, *, failed: bool = False) -> None:
        """Say what came of one."""
        ...


def _to_nobody(job: int, outcome: Facts, *, failed: bool = False) -> None:
    """Answer before anybody asks."""


class Tender:
    """Looks after databases. ``step`` and ``finish`` are its thread's, any may call the rest."""

    def __init__(self, hands: Hands, *, busy: Callable[[], bool]) -> None:
        """Work with ``hands``; begin nothing that nobody waits for while ``busy``."""
        self._hands, self._busy = hands, busy
        self._wishes: deque[tuple[int, TendWish]] = deque()
        self._stopping = threading.Event()
        self._failing = False
        self._told_at = float("-inf")
        self.answer: Answer = _to_nobody
        self.wake: Callable[[], None] = lambda: None
        self.beat: Callable[[], None] = lambda: None

    # -- for other threads ------------------------------------------------------------------------

    def ask(self, job: int, wish: TendWish) -> None:
        """Take a wish; it is answered when it is carried out."""
        self._wishes.append((job, wish))
        self.wake()

    def judge_by(self, judge: Judge) -> None:
        """Care by other policies from now on."""
        self._hands.policies = judge.policies
        self.wake()

    def follow(self, settings: Settings) -> None:
        """Take other settings over."""
        self._hands.settings = settings
        self._hands.roots.want(settings.roots)
        self._hands.stores.follow(settings)
        self.wake()

    def give_up(self) -> None:
        """End what is done now."""
        self._stopping.set()

    def stopping(self) -> bool:
        """Tell whether we are to stop; who asks gets on."""
        self.beat()
        return self._stopping.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, for a store or for another thread; not beyond our end."""
        self.beat()
        if self._stopping.wait(seconds):
            raise GivenUp

    # -- the worker's steps -----------------------------------------------------------------------

    def step(self) -> float:
        """Do what is to be done; return the seconds until there may be more."""
        try:
            self._perform_wishes()
        except GivenUp:
            return TICK
        except _AWAY as error:
            if not self._failing:
                facts = {"why": error}
                log.warning("databases wait while the catalogue is away", extra={"facts": facts})
            self._failing = True
            return _AGAIN
        self._failing = False
        return TICK

    def finish(self) -> None:
        """Give back what is open."""
        self._hands.stores.close()
        self._hands.roots.close()

    def _perform_wishes(self) -> None:
        while self._wishes:
            job, wish = self._wishes[0]
            self._perform(job, wish)
            self._wishes.popleft()

    def _perform(self, job: int, wish: TendWish) -> None:
        def tell(told: Told) -> None:
            self._tell(job, told)

        try:
            result = self._carried_out(wish, tell)
        except StorewardenError as error:
            if isinstance(error, (*_FATAL, *_AWAY)):
                raise
            self.answer(job, {"error": str(error)}, failed=True)
        except GivenUp:
            raise
        except Exception as error:  # a deed that dies takes no other with it
            log.exception("a deed died", extra={"facts": {"what": wish.what}})
            self.answer(job, {"error": f"it died: {error!r}"}, failed=True)
        else:
            self.answer(job, result.facts())

    def _carried_out(self, wish: TendWish, tell: Callable[[Told], None]) -> TendResult:
        result = deed(wish.what)(self._hands, wish, tell, self.stopping)
        outcomes = [one.outcome for one in result.items]
        facts: dict[str, object] = {"what": wish.what, "by": wish.asked_by}
        facts |= {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
        facts["seconds"] = f"{result.seconds:.2f}"
        log.info("databases were looked after", extra={"facts": facts})
        return result

    def _tell(self, job: int, told: Told) -> None:
        self.beat()
        now = self._hands.clock.monotonic()
        if now - self._told_at < _TELL:
            return
        self._told_at = now
        try:
            requests.progress(self._hands.engine, job, told.facts())
        except StorewardenError as error:
            if not error.transient:
                raise
