"""What applications count of their own statements is taken, kept, and told of where it was slow."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from storewarden.catalogue import query_times
from storewarden.catalogue.databases import Database, known_databases
from storewarden.catalogue.query_times import Heard, Slow
from storewarden.config.schema import Settings
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases import tallies
from storewarden.databases.child import run_job
from storewarden.databases.statements import source_of
from storewarden.databases.tallies import Counted
from storewarden.databases.watching import DIRECTORY, VARIABLE
from storewarden.errors import StorewardenError, WorkStopped
from storewarden.measure.shown import shown

log = logging.getLogger(__name__)

_HERE: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SHOWN: Final = 500  # characters of a statement in a line of the log
_SECONDS: Final = 20.0


def directory(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where applications hand over what they counted."""
    named = environ.get(VARIABLE)
    return Path(named) if named else settings.state / DIRECTORY


def make_directory(settings: Settings) -> None:
    """Make the directory, so that applications of our user find it; theirs is never made."""
    if VARIABLE not in os.environ:
        with contextlib.suppress(OSError):  # without it nothing is counted, and all else goes on
            directory(settings).mkdir(mode=0o700, parents=True, exist_ok=True)


def waits(where: Path) -> bool:
    """Tell whether something was handed over."""
    with contextlib.suppress(OSError), os.scandir(where) as entries:
        return any(tallies.ENDING in entry.name for entry in entries)
    return False


def gather(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Keep what was handed over, and find plans for what was slow and has none yet."""
    began = hands.clock.monotonic()
    counted: dict[str, Counted] = {}
    for number, (path, report) in enumerate(tallies.take(directory(hands.settings))):
        told(Told(wish.what, "", number))
        for place, one in report.items():
            counted[place] = counted.get(place, Counted()).plus(one)
            _keep(hands, place, one)
        tallies.done(path)
    known = {_text(one.place): one for one in known_databases(hands.engine, hands.host_id)}
    items = []
    for place, one in counted.items():
        if stopping():
            break
        items.append(_told(hands, wish, place, one, known.get(place), stopping))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


def _keep(hands: Hands, place: str, one: Counted) -> None:
    slowest = tuple(Slow(statement, *slow) for statement, slow in one.slowest.items())
    heard = Heard(one.statements, one.slow, one.seconds, slowest)
    query_times.keep(hands.engine, hands.host_id, _source(place), heard, hands.now_ns)


def _told(
    hands: Hands,
    wish: TendWish,
    place: str,
    one: Counted,
    database: Database | None,
    stopping: Stopping,
) -> Item:
    """Note whether foreign keys are heeded, tell of slow statements, and say what it came to."""
    name = database.name if database is not None else shown(place)
    if database is not None and one.foreign_keys is not None:
        query_times.note_keys(hands.engine, database.id, heeded=one.foreign_keys)
    known = {
        each.statement: each.plan
        for each in query_times.slow(
            hands.engine, hands.host_id, [_source(place)], query_times.MOST
        )
    }
    new = [statement for statement in one.slowest if not known.get(statement)]
    plans = _plans(hands, database, new, stopping) if new else {}
    for statement, plan in plans.items():
        query_times.note_plan(hands.engine, hands.host_id, _source(place), statement, plan)
    for statement in new:
        plan = plans.get(statement, "")
        facts: dict[str, object] = {
            "database": name,
            "seconds": f"{one.slowest[statement].worst:.3f}",
            "statement": shown(statement)[:_SHOWN],
            "plan": shown("; ".join(line.strip() for line in plan.splitlines())),
            "whole": ",".join(query_times.whole(plan)),
        }
        log.warning("a statement of an application was slow", extra={"facts": facts})
    figures = {"statements": one.statements, "slow": one.slow, "seconds": one.seconds}
    return Item(name, wish.what, "done", facts=figures)


def _plans(
    hands: Hands, database: Database | None, statements: list[str], stopping: Stopping
) -> dict[str, str]:
    """Return plans of statements, found in a child; what cannot be found is left out."""
    if database is None or database.engine != "sqlite" or not database.place.startswith(b"/"):
        return {}
    arguments = {"path": database.place.lstrip(b"/"), "statements": statements}
    top, scratch = os.open("/", _HERE), os.open(hands.scratch, _HERE)
    try:
        told = run_job(
            *("explain", arguments),
            descriptors=[top],
            scratch=scratch,
            stopping=stopping,
            seconds=_SECONDS,
        )
    except WorkStopped:
        raise
    except StorewardenError as error:
        log.debug("no plans were found", extra={"facts": {"why": error}})
        return {}
    finally:
        os.close(top)
        os.close(scratch)
    pairs = zip(statements, told.get("plans", ()), strict=False)
    return {statement: str(plan)[: query_times.LONGEST] for statement, plan in pairs if plan}


def _source(place: str) -> str:
    return source_of(place.encode(errors="surrogateescape"))


def _text(place: bytes) -> str:
    return place.decode("utf-8", "surrogateescape")
