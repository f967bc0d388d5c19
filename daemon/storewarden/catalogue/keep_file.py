"""Copies of a SQLite catalogue: made while it is written, checked before they bear their name."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw

from storewarden.catalogue.sqlite import SIDECARS
from storewarden.errors import CatalogueCorrupt, CatalogueFull, CatalogueUnavailable

PAGES_AT_ONCE = 2048
PART = ".part"

Progress = Callable[[int, int], None]


def copy(source: Path, target: Path, progress: Progress | None = None) -> None:
    """Copy an open catalogue as it is at one moment; nobody who writes it has to wait.

    ``target`` appears whole and checked, or not at all. Raises CatalogueCorrupt when the source
    turns out to be damaged.
    """
    part = target.with_name(target.name + PART)
    _require_space(source, target.parent)
    try:
        _copy_pages(source, part, progress)
        reason = damage(part)
        if reason:
            raise CatalogueCorrupt(
                "the catalogue is damaged, and so would be its backup",
                where=str(source),
                why=reason,
                remedy="restore an older backup: storewarden catalogue backups",
            )
        publish(part, target)
    except OSError as error:
        raise cannot("write a copy of the catalogue", target, error) from error
    finally:
        part.unlink(missing_ok=True)


def _copy_pages(source: Path, part: Path, progress: Progress | None) -> None:
    part.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(_opened(source, apsw.SQLITE_OPEN_READONLY)) as there,
            contextlib.closing(
                _opened(part, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            ) as here,
        ):
            there.execute("BEGIN")
            there.execute(
                "SELECT 1 FROM sqlite_schema LIMIT 1"
            ).fetchall()  # from now on, one moment
            with here.backup("main", there, "main") as steps:
                while not steps.done:
                    steps.step(PAGES_AT_ONCE)
                    if progress:
                        progress(steps.page_count - steps.remaining, steps.page_count)
            there.execute("ROLLBACK")
            here.pragma("journal_mode", "delete")  # one file, without a log beside it
    except apsw.FullError as error:
        raise CatalogueFull("no space for a copy", where=str(part), why=str(error)) from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise CatalogueCorrupt(
            "the catalogue is damaged", where=str(source), why=str(error)
        ) from error
    except apsw.Error as error:
        raise CatalogueUnavailable(
            "the catalogue cannot be copied", where=str(source), why=str(error)
        ) from error


def damage(path: Path) -> str:
    """Return what is wrong with a catalogue's file, or nothing; reads all of it."""
    try:
        with contextlib.closing(_opened(path, apsw.SQLITE_OPEN_READONLY)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except (apsw.Error, OSError) as error:
        return str(error)
    return "" if found == [("ok",)] else str(found[0][0])


def version(path: Path) -> int:
    """Return the version of a catalogue's file; 0 when it has none or cannot be read."""
    try:
        with contextlib.closing(_opened(path, apsw.SQLITE_OPEN_READONLY)) as connection:
            rows = connection.execute("SELECT max(version) FROM schema_version").fetchall()
    except (apsw.Error, OSError):
        return 0
    return int(rows[0][0] or 0)


def replace(
    path: Path, backup: Path | None, aside: Path, prepare: Callable[[Path], None]
) -> Path | None:
    """Put a backup, or nothing, in the catalogue's place; return where that went, if it was there.

    ``prepare`` may change the copy before it takes the place. Killed at any instant, this leaves
    either the old catalogue or the new one there.
    """
    part = path.with_name(path.name + PART)
    if backup:
        _require_space(backup, path.parent)
    try:
        if backup:
            shutil.copyfile(backup, part)
            prepare(part)
            _sync(part)
        aside = _free(aside)
        kept = _keep_also_as(path, aside)
        if backup:
            os.rename(part, path)
        else:
            path.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise cannot("put a backup in the catalogue's place", path, error) from error
    finally:
        part.unlink(missing_ok=True)
    return aside if kept else None


def _keep_also_as(path: Path, aside: Path) -> bool:
    """Give the catalogue's file a second name, and what lies beside it that name alone."""
    # A log that stayed behind would be taken for the next file's
    for suffix in SIDECARS:
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    try:
        os.link(path, aside)
    except FileNotFoundError:
        return False
    except OSError:  # a file system without hard links
        os.rename(path, aside)
    return True


def _free(wanted: Path) -> Path:
    """Return a name that nothing bears yet."""
    path, number = wanted, 1
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")
    return path


def publish(part: Path, target: Path) -> None:
    """Give a finished file its name, so that it survives a power cut."""
    _sync(part)
    os.rename(part, target)
    _sync(target.parent)


def _opened(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(5000)
    for pragma, value in (("trusted_schema", 0), ("cell_size_check", 1), ("mmap_size", 0)):
        connection.pragma(pragma, value)
    return connection


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_space(source: Path, directory: Path) -> None:
    """Refuse before anything is written when the copy cannot fit."""
    try:
        needed = os.stat(source).st_size
        space = os.statvfs(directory)
    except OSError as error:
        raise cannot("copy the catalogue", source, error) from error
    if space.f_bavail * space.f_frsize < needed:
        raise CatalogueFull(
            "no space for a copy of the catalogue",
            where=str(directory),
            why=f"it takes {needed} bytes",
            remedy="free some space there",
        )


def cannot(what: str, path: Path, error: OSError) -> CatalogueUnavailable | CatalogueFull:
    """Return what to raise when a file could not be dealt with."""
    kind = CatalogueFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else CatalogueUnavailable
    return kind(f"cannot {what}", where=str(path), why=error.strerror or str(error))
