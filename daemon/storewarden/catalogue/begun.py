"""The target of a copy: empty when it begins, marked as unfinished until it is proven.

The mark is a version that no program knows, so that every program, an older one as well, refuses
the catalogue. Only another copy may begin it anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from storewarden.catalogue import migrate
from storewarden.catalogue.declared import MODELS, VIEWS
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.version import UNFINISHED, has_history, refuse_newer, version
from storewarden.clock import Clock
from storewarden.errors import PermanentError, UsageError

VERSIONS = "schema_version"
VERSION_COLUMNS = ("version", "name", "applied_ns")
_TABLES: dict[str, str] = {
    "sqlite": "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    " AND tablename <> 'words'",
}


def begin(target: Engine, source: Engine, clock: Clock) -> str:
    """Make an empty catalogue of this program's version and mark it; return the mark.

    What a copy that was interrupted left there is removed first. Whoever begins it anew while
    another copy still goes on wins: that one ends at its next batch.

    Raises:
        UsageError: it is not empty, or the database is somebody else's, or cannot hold our texts.
    """
    _require_encoding(target)
    if version(target) == UNFINISHED:
        _clear(target)
    refuse_newer(target, version(target), migrate.newest())
    _require_empty(target)
    migrate.migrate(target, clock)
    mark = f"unfinished copy of {source.where} {uuid.uuid4().hex}"
    with target.transaction(durable=True):
        _require_empty(target)
        target.insert(VERSIONS, VERSION_COLUMNS, [(UNFINISHED, mark, clock.wall_ns())])
    return mark


def require(target: Engine, mark: str) -> None:
    """Raise unless the copy of this mark still is the one that goes on; inside a transaction."""
    rows: list[Row] = []
    if has_history(target):
        rows = target.execute(f"SELECT name FROM {VERSIONS} WHERE version = ?", (UNFINISHED,))
    if rows != [(mark,)]:
        raise PermanentError(
            "another copy into the same catalogue was begun meanwhile",
            where=target.where,
            remedy="let that one end",
        )


def finish(target: Engine, mark: str, versions: Sequence[Row]) -> None:
    """Put the versions of the source in the place of the mark; from now on it is a catalogue."""
    with target.transaction(durable=True):
        require(target, mark)
        target.execute(f"DELETE FROM {VERSIONS}")
        target.insert(VERSIONS, VERSION_COLUMNS, versions)
    target.checkpoint()


def _require_encoding(target: Engine) -> None:
    """Raise for a database that cannot hold every text."""
    if target.dialect == "sqlite":
        return
    ((encoding,),) = target.execute("SELECT current_setting('server_encoding')::bytea")
    if encoding != b"UTF8":
        raise UsageError(
            "the database to copy to cannot hold every text",
            where=target.where,
            why=f"its encoding is {encoding.decode()}, not UTF8",
            remedy="make another: createdb --encoding UTF8 --template template0 NAME",
        )


def _require_empty(target: Engine) -> None:
    ours = {str(model._meta.table_name) for model in MODELS}  # noqa: SLF001  # peewee's own way
    there = {str(name) for (name,) in target.execute(_TABLES[target.dialect])}
    if strange := there - ours:
        raise UsageError(
            "the database to copy to holds tables of somebody else",
            where=target.where,
            why=f"{', '.join(sorted(strange)[:5])} is none of ours",
            remedy="name a database, or a schema, that is empty",
        )
    for table in sorted(there - {VERSIONS}):
        if target.execute(f"SELECT 1 FROM {table} LIMIT 1"):
            raise UsageError(
                "the catalogue to copy to is not empty",
                where=target.where,
                why=f"its table {table} has rows",
                remedy="name one that is empty: what is there is never overwritten",
            )


def _clear(target: Engine) -> None:
    """Remove all that a copy which was interrupted made."""
    tables = [str(model._meta.table_name) for model in MODELS]  # noqa: SLF001  # as above
    cascade = " CASCADE" if target.dialect == "postgresql" else ""
    with target.transaction():
        target.no_time_limit()
        for view in VIEWS:
            target.execute(f"DROP VIEW IF EXISTS {view}")
        for table in ("words", *reversed(tables)):
            target.execute(f"DROP TABLE IF EXISTS {table}{cascade}")
