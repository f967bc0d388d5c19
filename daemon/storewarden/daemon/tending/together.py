"""What looks after databases in a daemon, put together."""

from __future__ import annotations

from collections.abc import Callable

from storewarden.catalogue import requests
from storewarden.catalogue.roots import this_machine
from storewarden.config.schema import Settings
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.wish import REQUEST, Result, Wish
from storewarden.daemon.ground import Ground, RootMemory
from storewarden.daemon.tending.counting import FileSums
from storewarden.daemon.tending.figures import CareFigures
from storewarden.daemon.tending.gathering import make_directory
from storewarden.daemon.tending.generated import GeneratedFigures
from storewarden.daemon.tending.hands import Hands, TendingStores, empty_scratch
from storewarden.daemon.tending.queries import OwnQueries
from storewarden.daemon.tending.spending import Spending
from storewarden.daemon.tending.worker import Tender
from storewarden.errors import PermanentError
from storewarden.measure.metrics import Metrics
from storewarden.policy.timing import machine_zone
from storewarden.watch.own import OwnReads


def put_together(
    ground: Ground,
    settings: Settings,
    metrics: Metrics,
    *,
    own: OwnReads,
    busy: Callable[[], bool],
) -> Tender:
    """Return what looks after the databases of this host.

    Args:
        ground: the catalogue, and the lease on it.
        settings: roots, stores, databases.
        metrics: for figures.
        own: hears what we read, so that it is nobody's use.
        busy: tells that so much is recorded that all else had better wait.
    """

    def sleep(seconds: float) -> None:
        tender.sleep(seconds)

    roots = OpenRoots(this_machine().name, RootMemory(ground).known)
    roots.want(settings.roots)
    hands = Hands(
        *(ground.engine, ground.host_id, ground.clock, settings),
        *(TendingStores(settings, ground.clock, sleep), roots),
        scratch=empty_scratch(settings.state),
        lease=ground.lease,
        act=lambda wish: _by_actor(ground, wish, sleep),
        own=own,
    )
    figures = CareFigures(ground.engine, ground.host_id, metrics, ground.clock)
    tender = Tender(hands, figures, machine_zone(), busy=busy)
    make_directory(settings)
    queries = OwnQueries(ground.engine, ground.host_id, metrics, ground.clock)
    generated = GeneratedFigures(ground.engine, ground.host_id, metrics, ground.clock)
    spending = Spending(ground.engine, ground.host_id, metrics, ground.clock)
    sums = FileSums(ground.engine, ground.clock)

    def beside() -> None:
        queries.step()
        if not busy():
            generated.step()
            spending.step()
            sums.step()

    tender.beside = beside
    return tender


def _by_actor(ground: Ground, wish: Wish, sleep: Callable[[float], None]) -> Result:
    """Have acts carried out by the thread that does nothing else, as a verb would."""
    root = next(iter(ground.roots.values()), None)
    number = requests.ask(
        *(ground.engine, REQUEST, root, wish.facts()),
        asked_by=wish.asked_by,
        now_ns=ground.clock.wall_ns(),
    )
    for request in requests.wait(ground.engine, number, ground.clock, sleep):
        if request.state == "failed":
            raise PermanentError("acts were refused", why=str(request.outcome.get("error", "")))
        if request.ended:
            return Result.of(request.outcome)
    raise PermanentError("the request is gone from the catalogue", why="somebody removed it")
