"""A copy of ours of a database that a killed program left, with the log that is to be played back.

SQLite plays a log back when it opens a database, and that changes it: so only our copy is opened.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from storewarden.databases.found import (
    FLAGS,
    JOURNAL,
    SHM,
    WAL,
    Found,
    Identity,
    blamed,
    identity_of,
    shown,
)
from storewarden.errors import DatabaseChanged, DatabaseUnusable

_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_CLOEXEC
_PIECE: Final = 8 << 20
# A journal of a transaction over several databases ends with the name of a file: while that is
# there, the transaction was not committed. SQLite removes that file when it played back; whoever
# wrote the journal would choose what is removed.
_SUPER: Final = bytes.fromhex("d9d505f920a163d7")
_SUPER_TAIL: Final = struct.Struct(">II8s")  # length, checksum, magic
_LONGEST_NAME: Final = 4096


@contextmanager
def copied(
    parent: int, name: bytes, found: Found, main: int, scratch: int, until: float
) -> Iterator[bytes]:
    """Copy a database and its log; yield the copy's path, and remove it at the end.

    What are holes in them are holes in the copy.

    Args:
        parent: the directory it lies in.
        name: of the database.
        found: how it was found.
        main: its open file.
        scratch: a directory of ours.
        until: the monotonic time after which it is given up.

    Raises:
        DatabaseChanged: somebody wrote into it meanwhile.
        DatabaseUnusable: it takes too long.
        FileUnusable: it cannot be read, or there is no room for it.
    """
    copy = b"%d-%s" % (os.getpid(), os.urandom(8).hex().encode())
    try:
        with blamed(name):
            _copy(main, scratch, copy, found.identity.size, until)
            for ending, log in ((WAL, found.wal), (JOURNAL, found.journal)):
                if log is not None:
                    _log(parent, name + ending, log, scratch, copy + ending, until)
            _part_from_others(scratch, copy + JOURNAL)
            require_unchanged(parent, name, found)
        yield b"/proc/self/fd/%d/%s" % (scratch, copy)
    except _TooLong:
        raise DatabaseUnusable(
            "reading a database takes too long",
            where=shown(name),
            why="a killed program left it, and the copy that is read was not complete in time",
            remedy="let its application open it once: then it is read where it lies",
        ) from None
    finally:
        for ending in (b"", WAL, SHM, JOURNAL):
            with suppress(OSError):  # what stays is removed when the scratch directory is emptied
                os.unlink(copy + ending, dir_fd=scratch)


def require_unchanged(parent: int, name: bytes, found: Found) -> None:
    """Raise DatabaseChanged unless a database and its logs are what they were found."""
    now = (
        identity_of(parent, name),
        identity_of(parent, name + WAL),
        identity_of(parent, name + JOURNAL) if found.journal else None,
    )
    if now != (found.identity, found.wal, found.journal):
        raise changed(name)


def changed(name: bytes) -> DatabaseChanged:
    """Return the error of a database that was written into while it was looked at."""
    return DatabaseChanged(
        "a database changed while it was looked at",
        where=shown(name),
        why="somebody wrote into it meanwhile",
        remedy="it is looked at again",
    )


class _TooLong(Exception):
    """There was no time for all of it."""


def _log(parent: int, name: bytes, log: Identity, scratch: int, copy: bytes, until: float) -> None:
    descriptor = os.open(name, FLAGS, dir_fd=parent)
    try:
        if Identity.of(os.fstat(descriptor)) != log:
            raise changed(name)
        _copy(descriptor, scratch, copy, log.size, until)
    finally:
        os.close(descriptor)


def _copy(source: int, scratch: int, copy: bytes, size: int, until: float) -> None:
    target = os.open(copy, _NEW, 0o600, dir_fd=scratch)
    try:
        for start, end in _content(source, size):
            at = start
            while at < end:
                if time.monotonic() > until:
                    raise _TooLong
                piece = os.pread(source, min(_PIECE, end - at), at)
                if not piece:
                    return  # it became shorter: that shows in its identity
                at += os.pwrite(target, piece, at)
        os.ftruncate(target, size)
    finally:
        os.close(target)


def _content(source: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where a file has content between its holes, all of it where nobody can tell."""
    at = 0
    while at < size:
        try:
            start = os.lseek(source, at, os.SEEK_DATA)
            at = os.lseek(source, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # which is: only a hole follows
                yield at, size
            return
        yield start, min(at, size)


def _part_from_others(scratch: int, journal: bytes) -> None:
    """Let what a journal says be decided here, and nothing be removed because of what it says."""
    try:
        descriptor = os.open(journal, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=scratch)
    except FileNotFoundError:
        return
    try:
        size = os.fstat(descriptor).st_size
        if size < _SUPER_TAIL.size:
            return
        length, _, magic = _SUPER_TAIL.unpack(
            os.pread(descriptor, _SUPER_TAIL.size, size - _SUPER_TAIL.size)
        )
        if magic != _SUPER or length > _LONGEST_NAME:
            return
        other = os.pread(descriptor, length, max(0, size - _SUPER_TAIL.size - length))
        if b"\0" not in other and os.path.isabs(other) and os.path.lexists(other):
            # not committed: played back as if it were a journal of this database alone
            os.pwrite(descriptor, bytes(len(magic)), size - len(magic))
        else:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
