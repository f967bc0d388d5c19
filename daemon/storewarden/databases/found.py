"""How a database was found: at rest, in use, or left by a program that was killed.

Told from its first bytes, from what lies beside it and from the locks that others hold, without
opening it as a database. No descriptor of it may be closed in a process that has it open with
SQLite: that would drop SQLite's locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final, NamedTuple

from storewarden.errors import DatabaseUnusable, FileUnusable, StorewardenError

MAGIC: Final = b"SQLite format 3\0"
WAL, SHM, JOURNAL = b"-wal", b"-shm", b"-journal"

TICK_NS: Final = 20_000_000
"""The coarsest clock of files: two writes within it may look like one."""

FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# Where SQLite's programs lock: sqlite.org/fileformat2.html and os_unix.c.
_PENDING, _RESERVED, _SHARED, _SHARED_BYTES = 0x40000000, 0x40000001, 0x40000002, 510
_SHM_LIVING: Final = 128  # whoever uses a -shm holds this byte of it
_FLOCK: Final = struct.Struct("hhqqi4x")
_HEADER: Final = 100
_WRITE_VERSION: Final = 18
_IS_WAL: Final = 2
_NOT_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_NO_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR})


class How(StrEnum):
    """In which way a database can be read without disturbing anybody."""

    AT_REST = "at_rest"
    WAL = "wal"  # in use, with a write-ahead log
    ROLLBACK = "rollback"  # in use, with a rollback journal
    COPY = "copy"  # left by a killed program: read from a copy of ours
    HELD = "held"  # somebody has it for himself


class Identity(NamedTuple):
    """What a file was; equal before and after: nobody wrote into it meanwhile."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Identity:
        """Return the identity of a file that was looked at."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def is_settled(self, now_ns: int) -> bool:
        """Tell whether a write from now on would show: clocks of files tick coarsely."""
        return not 0 <= now_ns - max(self.modified_ns, self.changed_ns) < TICK_NS

    @property
    def file(self) -> tuple[int, int]:
        """What tells the file from all others as long as it is there."""
        return self.device, self.inode


class Found(NamedTuple):
    """A database and what lies beside it, at one time."""

    how: How
    identity: Identity
    wal: Identity | None
    journal: Identity | None
    shm: tuple[int, int] | None
    wal_mode: bool


def shown(name: bytes) -> str:
    """Return a name for people."""
    return name.decode("utf-8", "backslashreplace")


def open_database(parent: int, name: bytes) -> int:
    """Open the file of a database, never through a link; the caller closes it.

    Raises:
        DatabaseUnusable: there is none, or no regular file.
        FileUnusable: it cannot be opened now.
    """
    with blamed(name):
        descriptor = os.open(name, FLAGS, dir_fd=parent)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise unusable(name, "it is no regular file")


def find(parent: int, name: bytes, descriptor: int) -> Found:
    """Return how a database is found whose file is open.

    Raises:
        DatabaseUnusable: it is none of SQLite's, or what lies beside it is no regular file.
        FileUnusable: it cannot be read now.
    """
    with blamed(name):
        header = os.pread(descriptor, _HEADER, 0)
        if header and not header.startswith(MAGIC):
            raise unusable(name, "it is no SQLite database, or encrypted")
        journal, hot = _journal(parent, name)
        shm, living = _shm(parent, name)
        wal = identity_of(parent, name + WAL)
        wal_mode = header[_WRITE_VERSION : _WRITE_VERSION + 1] == bytes([_IS_WAL])
        identity = Identity.of(os.fstat(descriptor))
        how = _how(descriptor, wal, living=living, hot=hot, wal_mode=wal_mode)
    return Found(how, identity, wal, journal if hot else None, shm, wal_mode)


def identity_of(parent: int, name: bytes) -> Identity | None:
    """Return the identity of a file beside a database, None where there is none.

    Raises:
        DatabaseUnusable: a link, or no regular file, bears that name.
        OSError: it cannot be looked at.
    """
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise unusable(name, "it is no regular file")
    return Identity.of(found)


def _how(descriptor: int, wal: Identity | None, *, living: bool, hot: bool, wal_mode: bool) -> How:
    held = _locked(descriptor, _PENDING, _SHARED_BYTES + 2)
    if wal is not None and living:
        return How.WAL
    if wal is not None and wal.size:
        return How.HELD if held else How.COPY
    if hot:
        # a living writer reserves it; a journal that nobody holds is that of a dead one
        return How.ROLLBACK if _locked(descriptor, _RESERVED, 1) else How.COPY
    # In WAL mode nobody writes into it while there is no log; SQLite would make one for us.
    return How.ROLLBACK if held and not wal_mode else How.AT_REST


def _journal(parent: int, name: bytes) -> tuple[Identity | None, bool]:
    """Return the rollback journal, and whether it is one that has to be played back."""
    journal = identity_of(parent, name + JOURNAL)
    if journal is None or not journal.size:
        return journal, False
    with _beside(parent, name + JOURNAL) as descriptor:
        return journal, descriptor >= 0 and os.pread(descriptor, 1, 0) not in {b"", b"\0"}


def _shm(parent: int, name: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Return the file by which users of a log agree, and whether somebody uses it."""
    with _beside(parent, name + SHM) as descriptor:
        if descriptor < 0:
            return None, False
        return Identity.of(os.fstat(descriptor)).file, _locked(descriptor, _SHM_LIVING, 1)


@contextmanager
def _beside(parent: int, name: bytes) -> Iterator[int]:
    """Open a file beside a database that nobody of this process uses; -1 when there is none."""
    try:
        descriptor = os.open(name, FLAGS, dir_fd=parent)
    except FileNotFoundError:
        yield -1
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, start: int, length: int) -> bool:
    """Tell whether another process holds a lock on some bytes of a file."""
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    kind: int = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK


@contextmanager
def blamed(name: bytes) -> Iterator[None]:
    """Tell of errors of the system as errors of a database."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in _NOT_THERE:
            raise unusable(name, "it is not there") from error
        if error.errno in _NO_FILE:
            raise unusable(name, "it is no regular file") from error
        raise unreadable(name, why) from error


def unusable(name: bytes, why: str) -> DatabaseUnusable:
    """Return the error of a file that is no database for us."""
    return DatabaseUnusable(
        "a file cannot be used as a database",
        where=shown(name),
        why=why,
        remedy="it was left as it is",
    )


def unreadable(name: bytes, why: str) -> StorewardenError:
    """Return the error of a database that cannot be read now."""
    return FileUnusable(
        "a database cannot be read",
        where=shown(name),
        why=why,
        remedy="it was left as it is; let the user that Storewarden runs as read it, or make room",
    )
