"""``storewarden store …``: what files can go to, whether it can be used, and what lies in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from storewarden.cli.progress import Progress
from storewarden.cli.session import Session, common, verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewarden.catalogue.engine import Engine
    from storewarden.cli.store_told import Look
    from storewarden.daemon.acting.scrubnow import Scrubbed
    from storewarden.daemon.acting.stores import Stores
    from storewarden.store.contract import Store

OLDER = "7d"
PATIENCE = 20.0  # seconds for a store to answer, when all are asked together
_Number = TypeVar("_Number", bound=float)


@click.group(subcommand_metavar="VERB ...")
def store() -> None:
    """Stores: prepare a directory, check one, list all, read again what they hold."""


common(store)


def _of(parse: Callable[[str], _Number]) -> Callable[..., _Number | None]:
    def convert(_context: object, _parameter: object, text: str | None) -> _Number | None:
        from storewarden.units import UnitError

        if text is None:
            return None
        try:
            return parse(text)
        except UnitError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def _share(text: str) -> float:
    from storewarden.units import UnitError, parse_share

    share = parse_share(text)
    if not share:
        raise UnitError("0% is no share", "write for example 10%")
    return share


def _duration(text: str) -> float:
    from storewarden.units import parse_duration

    return parse_duration(text)


@verb
@click.argument("name")
@click.option(
    "--instead", is_flag=True, help="Of the directory that was prepared under this name before."
)
def prepare(session: Session, name: str, instead: bool) -> int:
    """Say that the configured directory of a store is that store.

    It gets a marker. Without one, or with another store's, nothing is ever read from it or
    written to it: its disk may not be mounted. Doing it twice changes nothing.
    """
    settings = session.settings
    from storewarden.cli.store_told import tell_prepared
    from storewarden.daemon.acting.stores import prepare as prepared
    from storewarden.errors import DONE

    tell_prepared(session.output, name, prepared(settings, name, instead=instead))
    return DONE


@verb
def listed(session: Session) -> int:
    """List all stores: whether they answer, what lies in them, how old its proof is.

    Exit code 1 when one does not answer, or holds a damaged copy.
    """
    settings = session.settings
    from storewarden.catalogue import copies
    from storewarden.cli.store_told import holding, tell_list
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    stores = _stores(session)
    looks = _looked_at(stores)
    now_ns = SystemClock().wall_ns()
    with _reading(session) as (engine, host):
        told = {one.store: one for one in copies.stored(engine, host)} if engine else {}
        rows = [
            holding(engine, host, name, settings, told.get(name), looks.get(name), now_ns)
            for name in [*stores, *sorted(told.keys() - stores.keys())]
        ]
    tell_list(session.output, rows)
    return DONE if all(row.up and not row.damaged for row in rows) else FAILED


@verb
@click.argument("name")
def check(session: Session, name: str) -> int:
    """Try whether a store can be used: write, read and remove a small object.

    Exit code 1 when it cannot; then it is said why, and what to do.
    """
    from storewarden.cli.store_told import tell_check
    from storewarden.errors import DONE, FAILED, StorewardenError

    one = _store(session, name)
    from storewarden.daemon.acting.stores import ask

    steps: dict[str, Callable[[], object]] = {
        "answers": lambda: ask(one),
        "lists": lambda: next(iter(one.list()), None),
        "writes, reads back, removes": one.check,
        "room": one.space,
    }
    done: list[tuple[str, object]] = []
    error: StorewardenError | None = None
    for step, call in steps.items():
        try:
            done.append((step, call()))
        except StorewardenError as told:
            error = told
            done.append((step, told))
            break
    tell_check(session.output, name, done)
    return FAILED if error is not None else DONE


@verb
@click.argument("name")
@click.option("--share", callback=_of(_share), help="How much of it; else what is read in a day.")
@click.option("--all", "whole", is_flag=True, help="All of it.")
def scrub(session: Session, name: str, share: float | None, whole: bool) -> int:
    """Read stored objects again now, and compare them with what they should be.

    Those first that were not read for longest. Exit code 1 when one is damaged or missing.
    """
    if whole and share is not None:
        raise click.UsageError("--share and --all together")
    one = _store(session, name)
    share = 1.0 if whole else share or _stores(session).settings_of(name).scrub
    if not share:
        raise click.UsageError(f"{name} is configured with scrub: never; say --share or --all")
    from storewarden.catalogue.migrate import require_current
    from storewarden.cli.listing import our_host
    from storewarden.cli.store_told import tell_scrub
    from storewarden.clock import SystemClock
    from storewarden.daemon.acting.scrubnow import Scrubbed, scrub_now
    from storewarden.errors import DONE, FAILED

    clock = SystemClock()
    began = clock.monotonic()
    engine = session.catalogue(readonly=False)
    try:
        require_current(engine)
        host = our_host(engine)
        with Progress(f"reading {name}") as bar:
            done = (
                scrub_now(engine, host, one, share, clock, _drawn(bar))
                if host is not None
                else Scrubbed()
            )
    finally:
        engine.close()
    tell_scrub(session.output, name, done, clock.monotonic() - began)
    return FAILED if done.damaged else DONE


@verb
@click.argument("name")
@click.option(
    "--older",
    default=OLDER,
    callback=_of(_duration),
    help=f"Of what was begun longer ago than this ({OLDER}).",
)
def sweep(session: Session, name: str, older: float) -> int:
    """Remove from a store what was begun and never finished: half objects, stale uploads.

    A daemon does so by itself every day.
    """
    one = _store(session, name)
    from storewarden.cli.store_told import tell_sweep
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    tell_sweep(session.output, name, one.sweep(SystemClock().wall_ns() - int(older * 1e9)))
    return DONE


for _name, _verb in {
    "prepare": prepare,
    "list": listed,
    "check": check,
    "scrub": scrub,
    "sweep": sweep,
}.items():
    _verb.name = _name
    store.add_command(_verb)


def _stores(session: Session) -> Stores:
    """Open the configured stores; who waits before a terminal is not made to wait for long."""
    settings = session.settings
    from storewarden.daemon.acting.stores import open_stores
    from storewarden.store.retry import Patience

    return open_stores(settings, os.environ, patience=Patience(attempts=1))


def _store(session: Session, name: str) -> Store:
    stores = _stores(session)
    if name not in stores:
        from storewarden.errors import UsageError

        known = ", ".join(stores)
        remedy = f"known are {known}" if known else "the configuration names none"
        raise UsageError("there is no such store", where=name, remedy=remedy)
    return stores[name]


def _looked_at(stores: Stores) -> dict[str, Look]:
    """Ask all stores together whether they are there; none is waited for long."""
    import threading
    import time

    from storewarden.cli.store_told import Look
    from storewarden.daemon.acting.stores import ask
    from storewarden.errors import StorewardenError

    found: dict[str, Look] = {}

    def look(name: str, one: Store) -> None:
        try:
            ask(one)
            found[name] = Look(True, "", one.space())
        except StorewardenError as error:
            found[name] = Look(False, str(error), None)

    threads = [
        threading.Thread(target=look, args=(name, one), daemon=True) for name, one in stores.items()
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return {
        name: found.get(name) or Look(False, f"no answer within {PATIENCE:.0f} s", None)
        for name in stores
    }


@contextmanager
def _reading(session: Session) -> Iterator[tuple[Engine | None, int]]:
    """Open the catalogue, if there is one that knows this machine."""
    settings = session.settings
    from storewarden.catalogue.connect import is_there, sqlite_path
    from storewarden.catalogue.drivers import is_server
    from storewarden.cli.listing import our_host

    server = is_server(settings.catalogue)
    if not server and not is_there(sqlite_path(settings.catalogue, settings.state)):
        yield None, 0
        return
    with session.reading() as engine:
        host = our_host(engine)
        yield (None, 0) if host is None else (engine, host)


def _drawn(bar: Progress) -> Callable[[Scrubbed], None]:
    import time

    from storewarden.units import format_size

    began: Any = time.monotonic()

    def draw(scrubbed: Scrubbed) -> None:
        seconds = max(0.1, time.monotonic() - began)
        detail = f"{scrubbed.objects:,} objects  {format_size(scrubbed.bytes / seconds)}/s"
        bar.update(scrubbed.bytes, scrubbed.of_bytes or None, detail)

    return draw
