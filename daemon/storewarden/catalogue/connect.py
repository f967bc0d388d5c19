"""Open the catalogue that a configuration names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueUnavailable, ConfigError

FILE = "catalogue.db"


def open_catalogue(url: str, state: Path, *, readonly: bool = False, role: str) -> Engine:
    """Open ``sqlite`` (a file in ``state``), ``sqlite:///PATH`` or ``postgresql://…``.

    Nothing is migrated: a writer calls ``migrate.migrate``, a reader ``migrate.require_current``.
    A reader never makes a file, never waits for a writer and never keeps one waiting. ``role``
    names the program to the administrators of a server.
    """
    if url.startswith(("postgresql://", "postgres://")):
        return _postgres(url, readonly=readonly, role=role)
    path = sqlite_path(url, state)
    if readonly and not path.exists():
        raise CatalogueUnavailable(
            f"no catalogue yet at {path}",
            remedy="start the daemon with 'storewarden run' or run 'storewarden scan'",
        )
    return _sqlite(path, readonly=readonly)


def sqlite_path(url: str, state: Path) -> Path:
    """Return the file that a configuration's ``sqlite`` or ``sqlite:///PATH`` means."""
    if url == "sqlite":
        return state / FILE
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Path(url.removeprefix("sqlite://"))
    scheme = url.split(":", 1)[0]
    raise ConfigError((f"catalogue: {scheme!r} is neither sqlite nor postgresql://…",))


def _sqlite(path: Path, *, readonly: bool) -> Engine:
    # Peewee imports psycopg where it is installed: 16 MB that a SQLite catalogue has no use for
    absent = [name for name in ("psycopg", "psycopg2") if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # the way to say "cannot be imported"
    try:
        from storewarden.catalogue.sqlite import SqliteEngine  # noqa: PLC0415  # see above
    finally:
        for name in absent:
            del sys.modules[name]
    if not readonly:
        _make_directory(path.parent)
    return SqliteEngine(path, readonly=readonly)


def _postgres(url: str, *, readonly: bool, role: str) -> Engine:
    try:
        from storewarden.catalogue.postgres import PostgresEngine  # noqa: PLC0415  # optional
    except ImportError as error:
        raise CatalogueUnavailable(
            "PostgreSQL needs a driver that is not installed",
            why=str(error),
            remedy="pip install 'storewarden[postgres]'",
        ) from error
    return PostgresEngine(url, readonly=readonly, role=role)


def _make_directory(directory: Path) -> None:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError as error:
        raise CatalogueUnavailable(
            "the directory of the catalogue cannot be made",
            where=str(directory),
            why=error.strerror or str(error),
            remedy="set 'state' to a directory that this user may write",
        ) from error
