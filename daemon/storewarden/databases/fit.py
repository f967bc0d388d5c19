"""Whether a database is fit to go elsewhere, or sound where it is; runs in a child.

Its rows are counted and its files digested in one go with the check: what is stored later has to
bear these digests, so that it is what was found sound, with so many rows.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw
from blake3 import blake3

from storewarden.act.identity import Identity
from storewarden.act.kernel import KERNEL
from storewarden.act.leases import quiet
from storewarden.act.refused import Stop
from storewarden.below import open_below
from storewarden.databases.check import check, quoted
from storewarden.databases.found import FLAGS
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import Opened, read_settled
from storewarden.errors import DatabaseBusy, DatabaseChanged

SHOWN: Final = 5
"""So many things that are wrong are told; a check by itself tells all."""

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PIECE: Final = 1 << 20
_TABLES: Final = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
)


def look_over(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Check a database, count its rows, and digest its files.

    The descriptors are those of its root and of a scratch directory. ``files`` are its path and
    those of its logs with the identities that are recorded, itself first; ``idle``: refuse when
    somebody has it open, and digest.

    Raises:
        DatabaseBusy: somebody has it open.
        DatabaseChanged: it is not what is recorded, or changed meanwhile.
        StorewardenError: it cannot be read; see `opening.reading`.
    """
    root, scratch = descriptors
    files = [(bytes(path), Identity(*told)) for path, told in arguments["files"]]
    idle, seconds = bool(arguments["idle"]), float(arguments["seconds"])
    if idle:
        for path, identity in files:
            _require_unused(root, path, identity)
    directory, _, name = files[0][0].rpartition(b"/")
    parent = open_below(root, directory, _DIRECTORY)
    try:
        told = read_settled(parent, name, scratch, _looked, seconds=seconds)
    finally:
        os.close(parent)
    tell({"checked": told["integrity"]})
    digests = [(path, _digest(root, path, identity)) for path, identity in files] if idle else []
    return told | {"digests": digests}


def _looked(opened: Opened) -> dict[str, Any]:
    checked = check(opened.connection)
    return {
        "how": opened.how.value,
        "integrity": checked.integrity,
        "problems": [one.text for one in checked.problems[:SHOWN]],
        "rows": dict(_rows(opened.connection)),
    }


def _rows(connection: apsw.Connection) -> Iterator[tuple[str, int]]:
    """Yield how many rows each table has; one that SQLite cannot count here is left out."""
    for (table,) in connection.execute(_TABLES).fetchall():
        try:
            ((count,),) = connection.execute(f"SELECT count(*) FROM {quoted(str(table))}")  # noqa: S608  # quoted
        except (apsw.SQLError, apsw.CorruptError):
            continue
        yield str(table), int(count or 0)


def _require_unused(root: int, path: bytes, identity: Identity) -> None:
    """Raise unless a file is the one that is recorded, and nobody has it open."""
    descriptor = _opened(root, path)
    try:
        _require_same(descriptor, path, identity)
        quiet(descriptor, path, KERNEL, unused=True)
    except Stop as stop:
        raise DatabaseBusy("a database is in use", where=_shown(path), why=stop.why) from stop
    finally:
        os.close(descriptor)


def _digest(root: int, path: bytes, identity: Identity) -> bytes:
    """Return the digest of a file that is what is recorded, before and after it was read."""
    hasher = blake3()
    descriptor = _opened(root, path)
    try:
        _require_same(descriptor, path, identity)
        while piece := os.read(descriptor, _PIECE):
            hasher.update(piece)
        _require_same(descriptor, path, identity)
    finally:
        os.close(descriptor)
    return hasher.digest()


def _opened(root: int, path: bytes) -> int:
    try:
        return open_below(root, path, FLAGS)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            raise DatabaseBusy("a database is in use", where=_shown(path)) from error
        raise _changed(path, error.strerror or str(error)) from error


def _require_same(descriptor: int, path: bytes, identity: Identity) -> None:
    if Identity.of(os.fstat(descriptor)) != identity:
        raise _changed(path, "it is not what is recorded")


def _changed(path: bytes, why: str) -> DatabaseChanged:
    return DatabaseChanged(
        "a database changed",
        where=_shown(path),
        why=why,
        remedy="it is looked at again when that is recorded",
    )


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
