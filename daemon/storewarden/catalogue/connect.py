"""Open the catalogue that a configuration names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from storewarden.catalogue import drivers
from storewarden.errors import CatalogueUnavailable, ConfigError

if TYPE_CHECKING:  # it imports peewee, whose drivers are chosen first
    from storewarden.catalogue.engine import Engine

FILE = "catalogue.db"


def open_catalogue(url: str, state: Path, *, readonly: bool = False, role: str) -> Engine:
    """Open ``sqlite`` (a file in ``state``), ``sqlite:///PATH`` or ``postgresql://…``.

    Nothing is migrated: a writer calls ``migrate.migrate``, a reader ``migrate.require_current``.
    A reader never makes a file, never waits for a writer and never keeps one waiting. ``role``
    names the program to the administrators of a server.
    """
    drivers.choose(url)
    if drivers.is_server(url):
        return _server(url, readonly=readonly, role=role)
    path = sqlite_path(url, state)
    if not is_there(path) and readonly:
        raise CatalogueUnavailable(
            f"no catalogue yet at {path}",
            remedy="start the daemon with 'storewarden run' or run 'storewarden scan'",
        )
    return _file(path, readonly=readonly)


def sqlite_path(url: str, state: Path) -> Path:
    """Return the file that a configuration's ``sqlite`` or ``sqlite:///PATH`` means."""
    if url == "sqlite":
        return state / FILE
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Path(url.removeprefix("sqlite://"))
    scheme = url.split(":", 1)[0]
    raise ConfigError((f"catalogue: {scheme!r} is neither sqlite nor postgresql://…",))


def is_there(path: Path) -> bool:
    """Tell whether there is such a file.

    Raises:
        CatalogueUnavailable: this user may not even look.
    """
    try:
        return path.exists()
    except PermissionError:
        owner = _owner(path.parent)
        raise CatalogueUnavailable(
            f"the catalogue is not for user {os.geteuid()} to look at",
            where=os.fspath(path),
            why=f"its directory is open to {owner} alone",
            remedy=f"be that user: sudo -u {owner} storewarden …; or name a catalogue of your own: "
            "--config, STOREWARDEN_STATE",
        ) from None


def _owner(directory: Path) -> str:
    import pwd  # noqa: PLC0415  # one error needs it

    try:
        return pwd.getpwuid(directory.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "its owner"


def _file(path: Path, *, readonly: bool) -> Engine:
    from storewarden.catalogue.sqlite import SqliteEngine  # noqa: PLC0415  # after the drivers

    if not readonly:
        _make_directory(path.parent)
    return SqliteEngine(path, readonly=readonly)


def _server(url: str, *, readonly: bool, role: str) -> Engine:
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
