"""Which version a catalogue has, for who only reads it: no step from one to another is loaded."""

from __future__ import annotations

from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueTooNew, PermanentError

NEWEST: Final = 7
"""The version that this program works with: that of its last migration."""

UNFINISHED: Final = 1_000_000
"""What stands in the place of a version while another catalogue is copied into this one."""


def version(engine: Engine) -> int:
    """Return the catalogue's version, 0 for one without any table."""
    if not has_history(engine):
        return 0
    found = engine.execute("SELECT coalesce(max(version), 0) FROM schema_version")
    return int(found[0][0])


def require_current(engine: Engine, newest: int = NEWEST) -> None:
    """Raise unless the catalogue has just the version of this program."""
    at = version(engine)
    refuse_newer(engine, at, newest)
    if at < newest:
        raise PermanentError(
            "the catalogue is older than this program",
            where=engine.where,
            why=f"it has version {at}, the program works with {newest}",
            remedy="storewarden catalogue migrate",
        )


def refuse_newer(engine: Engine, at: int, newest: int) -> None:
    """Raise when a newer program wrote the catalogue, or a copy into it was not finished."""
    if at == UNFINISHED:
        raise PermanentError(
            "the catalogue is an unfinished copy of another",
            where=engine.where,
            why="the copy goes on, was interrupted, or could not be proven",
            remedy="begin it anew from the catalogue that was copied: "
            "storewarden catalogue copy --to this one",
        )
    if at > newest:
        raise CatalogueTooNew(
            "the catalogue was written by a newer program",
            where=engine.where,
            why=f"it has version {at}, this program knows versions up to {newest}",
            remedy="install that program again, or restore an older backup of the catalogue",
        )


def has_history(engine: Engine) -> bool:
    """Tell whether there is a table of versions."""
    if engine.dialect == "sqlite":
        sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"
        return bool(engine.execute(sql))
    return engine.execute("SELECT to_regclass('schema_version')") != [(None,)]
