"""The catalogue's own backup and restore, and what is done about a damaged one."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from storewarden.catalogue import drivers, keep_file, lease, migrate
from storewarden.catalogue.connect import is_there, open_catalogue, sqlite_path
from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.sqlite import SqliteEngine
from storewarden.clock import Clock
from storewarden.errors import (
    CatalogueCorrupt,
    CatalogueTooNew,
    CatalogueUnavailable,
    StorewardenError,
    UsageError,
)

log = logging.getLogger(__name__)

DIRECTORY = "backups"
ROLE = "catalogue"
_STAMP = "%Y%m%dT%H%M%SZ"
_ENDS: dict[Dialect, str] = {"sqlite": ".db", "postgresql": ".copy.gz"}
_NAME = re.compile(r"catalogue-(\d{8}T\d{6}Z)(?:-\d+)?(\.db|\.copy\.gz)")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BackupInfo:
    """A backup; ``version`` is 0 when it cannot be read."""

    path: Path
    at_ns: int
    bytes: int
    dialect: Dialect
    version: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and where what was there went; None when nothing was."""

    backup: BackupInfo
    aside: str | None


@dataclass(frozen=True, slots=True)
class Healed:
    """A damaged catalogue that was set aside, and the backup that took its place, if any."""

    aside: Path | None
    restored: BackupInfo | None


def backup(
    engine: Engine, state: Path, clock: Clock, progress: Progress | None = None
) -> BackupInfo:
    """Make a backup below ``state`` while the catalogue is in use; it is checked at its end."""
    now_ns = clock.wall_ns()
    directory = state / DIRECTORY
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise keep_file.cannot("make the directory of backups", directory, error) from error
    target = _free_name(directory, now_ns, engine.dialect)
    if isinstance(engine, SqliteEngine):
        keep_file.copy(engine.path, target, progress)
    else:
        _dump(engine, target, now_ns, progress)
    return _info(target)


def backups(state: Path) -> list[BackupInfo]:
    """Return the backups below ``state``, newest first."""
    directory = state / DIRECTORY
    try:
        found = [path for path in directory.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise keep_file.cannot("list the backups", directory, error) from error
    return sorted(map(_info, found), key=lambda info: (info.at_ns, info.path.name), reverse=True)


def choose(state: Path, name: str | None) -> BackupInfo:
    """Return a backup by its name or path, or the newest one."""
    there = backups(state)
    for info in there:
        if name is None or name in {info.path.name, str(info.path)}:
            return info
    if name is not None and Path(name).is_file() and _NAME.fullmatch(Path(name).name):
        return _info(Path(name))
    raise UsageError(
        "there is no such backup" if name else "there is no backup yet",
        where=name or str(state / DIRECTORY),
        remedy="storewarden catalogue backups" if there else "storewarden catalogue backup",
    )


def prune(state: Path, keep: int) -> list[Path]:
    """Delete all but the newest ``keep`` backups; at least one stays. Return what went."""
    went = [info.path for info in backups(state)[max(keep, 1) :]]
    for path in went:
        path.unlink(missing_ok=True)
    return went


def restore(
    url: str,
    state: Path,
    chosen: BackupInfo,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
) -> Restored:
    """Put a backup in the catalogue's place, and what is there aside.

    Refused while somebody holds the lease, for a backup that is damaged or of a newer program, and
    for one of the other kind of database.
    """
    dialect: Dialect = "postgresql" if drivers.is_server(url) else "sqlite"
    if chosen.dialect != dialect:
        raise UsageError(
            "the backup is of another kind of database",
            where=str(chosen.path),
            why=f"the catalogue is {dialect}, the backup {chosen.dialect}",
        )
    _require_sound(chosen)
    if dialect == "postgresql":
        return _restore_server(url, state, chosen, clock, sleep)
    path = sqlite_path(url, state)
    epochs = _refuse_if_held(path, clock, sleep)
    aside = keep_file.replace(path, chosen.path, _aside(path, clock, "aside"), _raising(epochs))
    return Restored(chosen, str(aside) if aside else None)


# -- damage --------------------------------------------------------------------------------------


def condemn(path: Path) -> None:
    """Remember that a SQLite catalogue turned out to be damaged, for whoever starts next."""
    _verdict(path).touch()


def open_for_writing(
    url: str, state: Path, clock: Clock, role: str
) -> tuple[Engine, Healed | None]:
    """Open the catalogue and bring it to this program's version, healing it when it is damaged."""
    if drivers.is_server(url):
        return _opened(url, state, clock, role), None
    path = sqlite_path(url, state)
    if not is_there(_verdict(path)):
        try:
            return _opened(url, state, clock, role), None
        except CatalogueCorrupt as error:
            log.critical("the catalogue is damaged", extra={"facts": {"reason": str(error)}})
    healed = heal(path, state, clock)
    return _opened(url, state, clock, role), healed


def heal(path: Path, state: Path, clock: Clock) -> Healed:
    """Set a damaged SQLite catalogue aside and put the newest sound backup in its place.

    Without one the catalogue begins empty; either way the next scan makes it right. What cannot be
    found again by a scan, history above all, is only in the file that was set aside.
    """
    epochs = _epochs_of(path)
    to = _aside(path, clock, "damaged")
    restored, aside = _replace_by_newest_sound(path, state, to, _raising(epochs))
    _verdict(path).unlink(missing_ok=True)
    log.critical(
        "the damaged catalogue was set aside; a scan makes the new one right",
        extra={
            "facts": {
                "aside": str(aside),
                "restored": str(restored.path) if restored else "nothing, there is no sound backup",
            }
        },
    )
    return Healed(aside, restored)


def _replace_by_newest_sound(
    path: Path, state: Path, aside: Path, prepare: Callable[[Path], None]
) -> tuple[BackupInfo | None, Path | None]:
    """Put the newest backup that is whole and ours in place, or leave the place empty."""
    for info in backups(state):
        if info.dialect != "sqlite":
            continue
        try:
            _require_sound(info)
            return info, keep_file.replace(path, info.path, aside, prepare)
        except StorewardenError as error:
            log.warning("a backup cannot be used", extra={"facts": {"reason": str(error)}})
    return None, keep_file.replace(path, None, aside, prepare)


def _aside(path: Path, clock: Clock, why: str) -> Path:
    return path.with_name(f"{path.name}.{why}-{_stamp(clock.wall_ns())}")


def _opened(url: str, state: Path, clock: Clock, role: str) -> Engine:
    engine = open_catalogue(url, state, role=role)
    try:
        if 0 < migrate.version(engine) < migrate.newest():
            log.info(
                "the catalogue is backed up before it is migrated",
                extra={"facts": {"backup": str(backup(engine, state, clock).path)}},
            )
        migrate.migrate(engine, clock)
    except BaseException:
        engine.close()
        raise
    return engine


def _verdict(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


# -- the lease -----------------------------------------------------------------------------------


def _refuse_if_held(path: Path, clock: Clock, sleep: Callable[[float], None]) -> Mapping[str, int]:
    """Raise HeldByAnother when the catalogue in place is in use; else return its epochs."""
    if not path.exists():
        return {}
    try:
        engine = SqliteEngine(path, create=False)
        try:
            if migrate.version(engine) == 0:
                return {}
            lease.refuse_if_held(engine, clock, sleep)
            return lease.epochs(engine)
        finally:
            engine.close()
    except (CatalogueCorrupt, CatalogueUnavailable):
        return {}  # a backup is wanted because of that


def _epochs_of(path: Path) -> Mapping[str, int]:
    """Return what can still be read of the epochs of a damaged catalogue."""
    try:
        engine = SqliteEngine(path, create=False)
        try:
            return lease.epochs(engine)
        finally:
            engine.close()
    except StorewardenError:
        return {}


def _raising(epochs: Mapping[str, int]) -> Callable[[Path], None]:
    """Return what frees all leases in a copy, their epochs beyond any that were given out.

    Whoever was paused while he held one stays out.
    """

    def prepare(copy: Path) -> None:
        engine = SqliteEngine(copy, create=False)
        try:
            with engine.transaction():
                lease.raise_epochs(engine, epochs)
        finally:
            engine.close()

    return prepare


# -- PostgreSQL ----------------------------------------------------------------------------------


def _dump(engine: Engine, target: Path, now_ns: int, progress: Progress | None) -> None:
    from storewarden.catalogue import keep_server  # noqa: PLC0415  # it imports psycopg

    keep_server.dump(keep_server.server(engine), target, now_ns, progress)


def _restore_server(
    url: str,
    state: Path,
    chosen: BackupInfo,
    clock: Clock,
    sleep: Callable[[float], None],
) -> Restored:
    from storewarden.catalogue import keep_server  # noqa: PLC0415  # it imports psycopg

    engine = keep_server.server(open_catalogue(url, state, role=ROLE))
    try:
        schema = keep_server.free_schema(
            engine, f"catalogue_aside_{_stamp(clock.wall_ns()).lower()}"
        )
        there = migrate.version(engine) > 0
        if there:
            lease.refuse_if_held(engine, clock, sleep)
        with engine.transaction():
            engine.no_time_limit()
            epochs = lease.epochs(engine) if there else {}
            if there:
                keep_server.set_aside(engine, schema)
            keep_server.load(engine, chosen.path, clock.wall_ns())
            lease.raise_epochs(engine, epochs)
        engine.learn()
    finally:
        engine.close()
    return Restored(chosen, f"schema {schema}" if there else None)


# -- files ---------------------------------------------------------------------------------------


def _require_sound(info: BackupInfo) -> None:
    """Raise unless a backup is whole and of a version that this program knows."""
    if info.dialect == "sqlite":
        if reason := keep_file.damage(info.path):
            raise CatalogueCorrupt("the backup is damaged", where=str(info.path), why=reason)
    else:
        from storewarden.catalogue import keep_server  # noqa: PLC0415  # it imports psycopg

        keep_server.check(info.path)
    version = _version(info.path, info.dialect)
    if not 0 < version <= migrate.newest():
        raise CatalogueTooNew(
            "the backup is of another program",
            where=str(info.path),
            why=f"it has version {version}, this program knows 1 to {migrate.newest()}",
        )


def _info(path: Path) -> BackupInfo:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise UsageError("this is no backup of a catalogue", where=str(path))
    at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    dialect: Dialect = "sqlite" if match[2] == _ENDS["sqlite"] else "postgresql"
    return BackupInfo(
        path=path,
        at_ns=int(at.timestamp()) * 1_000_000_000,
        bytes=path.stat().st_size,
        dialect=dialect,
        version=_version(path, dialect),
    )


def _version(path: Path, dialect: Dialect) -> int:
    if dialect == "sqlite":
        return keep_file.version(path)
    try:
        from storewarden.catalogue import keep_server  # noqa: PLC0415  # it imports psycopg

        return keep_server.header_of(path).version
    except (StorewardenError, ImportError):
        return 0


def _free_name(directory: Path, now_ns: int, dialect: Dialect) -> Path:
    base, end = f"catalogue-{_stamp(now_ns)}", _ENDS[dialect]
    target, number = directory / f"{base}{end}", 1
    while target.exists():
        number += 1
        target = directory / f"{base}-{number}{end}"
    return target


def _stamp(now_ns: int) -> str:
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).strftime(_STAMP)
