"""What acts in a daemon, put together: roots, stores, the actor, and who reads stores again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from storewarden.catalogue.acts import Act
from storewarden.catalogue.roots import this_machine
from storewarden.config.schema import Settings
from storewarden.daemon.acting.actor import Actor
from storewarden.daemon.acting.hands import Acting
from storewarden.daemon.acting.pressing import Resting
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.scrubbing import Scrubbing
from storewarden.daemon.acting.shown import Shown
from storewarden.daemon.acting.stores import open_stores
from storewarden.daemon.ground import Ground, RootMemory
from storewarden.measure.metrics import Metrics
from storewarden.model import Hint, Touched
from storewarden.pipeline.inbox import Arrived
from storewarden.pipeline.parts import Stages


class Parts(NamedTuple):
    """What has a thread of its own."""

    actor: Actor
    scrubbing: Scrubbing


def put_together(
    ground: Ground,
    stages: Stages,
    settings: Settings,
    metrics: Metrics,
    *,
    busy: Callable[[], bool],
    decided: Callable[[], int],
    acted: Callable[[str], None],
) -> Parts:
    """Return what acts on the roots of ``settings``, beside the stages that record them.

    Args:
        ground: the catalogue, and the lease on it.
        stages: hear of names that acts took away or brought back, and of what acts read.
        settings: roots and stores.
        metrics: for figures.
        busy: tells that so much is recorded that all else had better wait.
        decided: grows with what is decided.
        acted: hears of roots in which an act ended.
    """
    clock = ground.clock
    roots = OpenRoots(this_machine().name, RootMemory(ground).known)
    roots.want(settings.roots)

    def sleep(seconds: float) -> None:
        actor.sleep(seconds)

    def hint(act: Act) -> None:
        stages.inbox.put(Arrived((touched(act),), clock.monotonic(), lambda: None))
        acted(act.root)

    stores = open_stores(settings, os.environ, clock=clock, sleep=sleep)
    acting = Acting(ground, stages.counts, roots, stores, own=stages.own, hint=hint)
    shown = Shown(ground.engine, ground.host_id, metrics, clock)
    actor = Actor(
        *(acting, ground.roots, Resting(stages.counts), shown), busy=busy, decided=decided
    )
    scrubbing = Scrubbing(
        *(ground.engine, ground.host_id, stores, metrics, clock),
        roots=roots,
        busy=lambda: busy() or actor.at_work(),
    )
    return Parts(actor, scrubbing)


def touched(act: Act) -> Touched:
    """Return the names that the recorder had better look at, once an act was tried."""
    names: dict[bytes, dict[bytes, Hint]] = {}
    for member in act.members:
        directory, _, name = member.path.rpartition(b"/")
        names.setdefault(directory, {})[name] = Hint.CLOSED
    return Touched(act.root, names)
