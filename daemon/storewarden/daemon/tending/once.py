"""A wish for databases is carried out without a daemon: the lease is taken for that long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.roots import this_machine
from storewarden.clock import Clock, SystemClock
from storewarden.config.schema import Settings
from storewarden.daemon.acting.hands import Acting, GivenUp
from storewarden.daemon.acting.once import sleeping
from storewarden.daemon.acting.perform import perform
from storewarden.daemon.acting.recovering import Recovery
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.wish import Result, Wish
from storewarden.daemon.ground import Ground, RootMemory, prepared
from storewarden.daemon.tending.carry import carry_out
from storewarden.daemon.tending.deeds import Stopping, Tell, deed
from storewarden.daemon.tending.hands import Hands, TendingStores, empty_scratch
from storewarden.daemon.tending.standing import Standing
from storewarden.daemon.tending.wish import TendResult, TendWish
from storewarden.errors import PolicyError
from storewarden.policy import load
from storewarden.policy.rules import PolicySet
from storewarden.policy.sources import read_sources

log = logging.getLogger(__name__)

_PROGRAM = "storewarden db"


def tend_once(
    settings: Settings,
    wish: TendWish,
    *,
    clock: Clock | None = None,
    told: Tell = lambda _told: None,
    stopping: Stopping = lambda: False,
) -> TendResult:
    """Carry out a wish as the holder of the lease.

    Raises:
        HeldByAnother: a daemon holds the lease; it is to be asked.
        StorewardenError: the catalogue cannot be used, or nothing could be done for any.
    """
    deed(wish.what)
    with opened(settings, clock or SystemClock(), stopping) as hands:
        standing = Standing(hands)
        standing.recover()
        standing.know()
        try:
            return carry_out(hands, standing, wish, told, stopping)
        except GivenUp:
            return TendResult()


@contextmanager
def opened(
    settings: Settings, clock: Clock, stopping: Callable[[], bool] = lambda: False
) -> Iterator[Hands]:
    """Take the lease and lend what deeds work with."""
    with prepared(settings, clock, _PROGRAM) as ground:
        roots = OpenRoots(this_machine().name, RootMemory(ground).known)
        roots.want(settings.roots)
        stores = TendingStores(settings, clock, sleeping(stopping))
        try:
            acting = Acting(ground, Counts(ground.engine, ground.roots), roots, stores.configured)
            yield Hands(
                *(ground.engine, ground.host_id, clock, settings, stores, roots),
                scratch=empty_scratch(settings.state),
                lease=ground.lease,
                act=_acting(acting, ground, stopping),
                policies=_policies(settings),
            )
        finally:
            stores.close()
            roots.close()


def _acting(
    acting: Acting, ground: Ground, stopping: Callable[[], bool]
) -> Callable[[Wish], Result]:
    """Return what carries out acts here and now; what was begun before comes first."""

    def act(wish: Wish) -> Result:
        acting.stopping = stopping
        Recovery(acting, ground.roots).step()
        return perform(acting, wish, lambda _told: None, stopping)

    return act


def _policies(settings: Settings) -> PolicySet | None:
    """Return the policies of the configuration; wrong ones keep nobody from mending a database."""
    try:
        return load.read(
            read_sources(settings.policies),
            stores=settings.store_names,
            tables=settings.table_names,
        )
    except PolicyError as error:
        for problem in error.problems:
            log.error("the policies are wrong", extra={"facts": {"why": problem}})  # noqa: TRY400  # a mistake in a file has no traceback
        return None
