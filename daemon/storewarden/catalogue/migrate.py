"""Bring a catalogue from one version to another, each step in a transaction of its own.

The versions that made a catalogue stand in its table ``schema_version``. A catalogue that knows a
version which this program does not is never touched.
"""

from __future__ import annotations

import logging
import pkgutil
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from storewarden.catalogue import migrations
from storewarden.catalogue import version as versions
from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.version import has_history
from storewarden.clock import Clock
from storewarden.errors import UsageError

log = logging.getLogger(__name__)

Sleep = Callable[[float], None]

ADVISORY_LOCK = 0x53746F7265  # "Store": two programs must not migrate one PostgreSQL at once

_HISTORY = """
    CREATE TABLE IF NOT EXISTS schema_version (
        version {int} NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        applied_ns {int} NOT NULL
    ){strict}
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, its name, the way there and the way back."""

    version: int
    name: str
    up: Callable[[Engine], None]
    down: Callable[[Engine], None]


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One step and when it was applied here; None when it was not."""

    version: int
    name: str
    applied_ns: int | None


@cache
def known() -> tuple[Migration, ...]:
    """Return the steps that this program knows, in order."""
    found = []
    for module in pkgutil.iter_modules(migrations.__path__):
        if match := re.fullmatch(r"m(\d{4})_(\w+)", module.name):
            step = import_module(f"{migrations.__name__}.{module.name}")
            found.append(Migration(int(match[1]), match[2], step.up, step.down))
    return tuple(sorted(found, key=lambda step: step.version))


def newest() -> int:
    """Return the version that this program works with."""
    return known()[-1].version


def applied(engine: Engine) -> dict[int, MigrationState]:
    """Return the steps that made this catalogue, by version."""
    if not has_history(engine):
        return {}
    rows = engine.execute("SELECT version, name, applied_ns FROM schema_version ORDER BY version")
    return {row[0]: MigrationState(*row) for row in rows}


def version(engine: Engine) -> int:
    """Return the catalogue's version, 0 for one without any table."""
    return versions.version(engine)


def history_table(engine: Engine) -> str:
    """Return the statement that makes the table of versions unless it is there."""
    return speak(_HISTORY, engine.dialect)


def status(engine: Engine) -> list[MigrationState]:
    """Return every step that the catalogue or the program knows, in order."""
    there = applied(engine)
    ours = {step.version: MigrationState(step.version, step.name, None) for step in known()}
    return [there.get(number) or ours[number] for number in sorted({*there, *ours})]


def require_current(engine: Engine) -> None:
    """Raise unless the catalogue has just the version of this program."""
    versions.require_current(engine, newest())


def migrate(
    engine: Engine, clock: Clock, to: int | None = None, sleep: Sleep = time.sleep
) -> list[MigrationState]:
    """Apply what is missing, up to version ``to`` or the newest; return what was applied.

    Refused, when there is something to apply, while another process holds a lease.
    """
    target = _target(engine, newest() if to is None else to)
    if not has_history(engine):
        with engine.transaction():
            _lock(engine)
            engine.execute(history_table(engine))
    at = version(engine)
    if 0 < at < target:
        from storewarden.catalogue import lease  # noqa: PLC0415  # readers only ask for the version

        lease.refuse_if_held(engine, clock, sleep)
    done = [_go_up(engine, clock, step) for step in known() if step.version <= target]
    if target == newest():
        engine.mend_indexes()  # a bulk load may have been killed
    return [state for state in done if state]


def rollback(engine: Engine, to: int | None = None) -> list[MigrationState]:
    """Take back the newest step, or all beyond version ``to``; return what was taken back.

    What the tables that go held is lost. The caller makes sure that nobody holds a lease, see
    ``lease.refuse_if_held``.
    """
    there = applied(engine)
    at = max(there, default=0)
    target = _target(engine, max(at - 1, 0) if to is None else to)
    steps = [step for step in reversed(known()) if target < step.version <= at]
    for step in steps:
        with engine.transaction():
            _lock(engine)
            take_back(engine, step)
        log.warning(
            "a migration of the catalogue was taken back",
            extra={"facts": {"version": step.version, "name": step.name}},
        )
    return [there[step.version] for step in steps if step.version in there]


def _go_up(engine: Engine, clock: Clock, step: Migration) -> MigrationState | None:
    """Apply one step unless it is there already."""
    if step.version in applied(engine):
        return None
    with engine.transaction():
        _lock(engine)
        if step.version in applied(engine):  # another program did it while we waited
            return None
        state = apply(engine, step, clock.wall_ns())
    log.info(
        "a migration of the catalogue was applied",
        extra={"facts": {"version": step.version, "name": step.name}},
    )
    return state


def apply(engine: Engine, step: Migration, now_ns: int) -> MigrationState:
    """Apply one step inside the open transaction."""
    step.up(engine)
    row = (step.version, step.name, now_ns)
    engine.insert("schema_version", ("version", "name", "applied_ns"), [row])
    return MigrationState(*row)


def take_back(engine: Engine, step: Migration) -> None:
    """Take one step back inside the open transaction."""
    step.down(engine)
    engine.execute("DELETE FROM schema_version WHERE version = ?", (step.version,))


def _lock(engine: Engine) -> None:
    """Keep other programs from migrating until the transaction ends; SQLite's writer is alone."""
    engine.no_time_limit()
    if engine.dialect == "postgresql":
        engine.execute("SELECT pg_advisory_xact_lock(?)", (ADVISORY_LOCK,))


def _target(engine: Engine, wanted: int) -> int:
    versions.refuse_newer(engine, version(engine), newest())
    if not 0 <= wanted <= newest():
        raise UsageError(
            "no such version of the catalogue",
            where=str(wanted),
            why=f"this program knows 0 to {newest()}",
            remedy="storewarden catalogue status",
        )
    return wanted
