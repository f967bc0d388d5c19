"""Try the migrations before they matter: up, down and up again, on a copy that nobody needs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from storewarden.catalogue import keep_file, migrate, schema
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.sqlite import SqliteEngine
from storewarden.clock import Clock
from storewarden.errors import StorewardenError


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was tried, and every problem that showed; none means that migrating will do."""

    on: str
    steps: tuple[str, ...]
    problems: tuple[str, ...]


def rehearse(engine: Engine, state: Path, clock: Clock) -> Rehearsal:
    """Apply what is missing, take back what can be, and apply it again, on a copy.

    SQLite: on a copy of the catalogue with its rows, below ``state``. PostgreSQL: on empty tables
    in a schema of their own, in a transaction that is undone; what rows do is not tried there.
    """
    if engine.dialect == "postgresql":
        with schema.scratch(engine) as empty:
            empty.execute(migrate.history_table(empty))
            return _try(empty, clock, "empty tables", 0)
    try:
        directory = tempfile.TemporaryDirectory(prefix=".rehearsal-", dir=state)
    except OSError as error:
        raise keep_file.cannot("make a copy to rehearse on", state, error) from error
    with directory as place:
        path = Path(place) / "copy.db"
        keep_file.copy(Path(engine.where), path)
        copy = SqliteEngine(path, create=False)
        try:
            with copy.transaction():
                copy.execute(migrate.history_table(copy))
                return _try(copy, clock, "a copy with all rows", migrate.version(copy))
        finally:
            copy.close()


def _try(engine: Engine, clock: Clock, on: str, start: int) -> Rehearsal:
    """Go up, down to where it started (to nothing when that is the newest), and up again."""
    bottom = start if start < migrate.newest() else 0
    steps: list[str] = []
    problems: list[str] = []
    try:
        _go_up(engine, clock, steps, problems)
        for step in reversed(migrate.known()):
            if step.version > bottom:
                migrate.take_back(engine, step)
                steps.append(f"{step.version:04} {step.name} down")
        _go_up(engine, clock, steps, problems)
    except StorewardenError as error:
        problems.append(f"after {steps[-1] if steps else 'nothing'}: {error}")
    return Rehearsal(on, tuple(steps), tuple(problems))


def _go_up(engine: Engine, clock: Clock, steps: list[str], problems: list[str]) -> None:
    there = migrate.applied(engine)
    for step in migrate.known():
        if step.version not in there:
            migrate.apply(engine, step, clock.wall_ns())
            steps.append(f"{step.version:04} {step.name} up")
    problems += [f"version {migrate.newest()}: {each}" for each in _drift(engine)]


def _drift(engine: Engine) -> list[str]:
    """Return in what the tables differ from what the models ask for."""
    return schema.differences(schema.read(engine), _declared(engine))


def _declared(engine: Engine) -> schema.Schema:
    if engine.dialect == "sqlite":
        return schema.declared(engine)
    # A schema beside the one that is tried, inside the same transaction
    engine.execute(f"CREATE SCHEMA {schema.SCRATCH}_declared")
    engine.execute(f"SET LOCAL search_path = {schema.SCRATCH}_declared")
    schema.build(engine)
    found = schema.read(engine)
    engine.execute(f"SET LOCAL search_path = {schema.SCRATCH}")
    engine.execute(f"DROP SCHEMA {schema.SCRATCH}_declared CASCADE")
    return found
