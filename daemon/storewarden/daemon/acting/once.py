"""A wish is carried out without a daemon: the lease taken, what was begun recovered, and left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from storewarden import __version__
from storewarden.act.execute import Outcome
from storewarden.catalogue import policy_sets
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.roots import this_machine
from storewarden.clock import Clock, SystemClock
from storewarden.config.schema import Settings
from storewarden.daemon.acting.hands import Acting, GivenUp, Seen
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.acting.perform import perform
from storewarden.daemon.acting.recovering import Recovery
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.stores import open_stores
from storewarden.daemon.acting.wish import Result, Told, Wish
from storewarden.daemon.ground import Ground, RootMemory, prepared
from storewarden.policy import load
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import PolicySet
from storewarden.policy.sources import read_sources

_PROGRAM = "storewarden act"


def act_once(
    settings: Settings,
    wish: Wish,
    *,
    clock: Clock | None = None,
    told: Callable[[Told], None] = lambda _told: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Result:
    """Carry out a wish as the holder of the lease; what was to stop is told by its result.

    Raises:
        HeldByAnother: a daemon holds the lease; it is to be asked.
        StorewardenError: the catalogue, or a policy, cannot be used.
    """
    clock = clock or SystemClock()
    wish.check()
    with prepared(settings, clock, _PROGRAM) as ground:
        roots = OpenRoots(this_machine().name, RootMemory(ground).known)
        roots.want(settings.roots)
        stores = open_stores(settings, os.environ, clock=clock, sleep=sleeping(stopping))
        try:
            acting = Acting(ground, Counts(ground.engine, ground.roots), roots, stores)
            acting.stopping = stopping
            if wish.approves or any(one.policy for one in wish.wanted):
                acting.judge = Judge(ground.engine, ground.host_id, _in_force(settings, ground))
            return _performed(acting, ground, wish, told, stopping)
        finally:
            stores.close()
            roots.close()


def _performed(
    acting: Acting,
    ground: Ground,
    wish: Wish,
    told: Callable[[Told], None],
    stopping: Callable[[], bool],
) -> Result:
    latest = Result()

    def so_far(result: Result) -> None:
        nonlocal latest
        latest = result

    try:
        recovered: list[Outcome] = []
        with acting.under(Seen(ended=recovered.append)):
            Recovery(acting, ground.roots).step()
        return perform(acting, wish, told, stopping, so_far=so_far, recovered=recovered)
    except GivenUp:
        return latest


def _in_force(settings: Settings, ground: Ground) -> PolicySet:
    """Put the policies of the configuration in force, as a daemon does when it starts."""
    policies = load.read(
        read_sources(settings.policies), stores=settings.store_names, tables=settings.table_names
    )
    policy_sets.put_in_force(
        *(ground.engine, ground.host_id, policies.fingerprint, policies.sources),
        {policy.id: fingerprint(policy) for policy in policies.policies},
        ground.clock.wall_ns(),
        __version__,
    )
    return policies


def sleeping(stopping: Callable[[], bool]) -> Callable[[float], None]:
    """Return what waits, and ends the waiting when we are to stop."""

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if stopping():
                raise GivenUp
            time.sleep(min(left, 0.1))

    return sleep
