"""An application's database is opened without changing it and without leaving anything beside it.

To be used in a process of its own only, see `child`. How it is read depends on how it was found:

- at rest: as a file that nobody changes; if somebody did, what was read counts for nothing;
- in use with a write-ahead log: as one more reader, which writes nothing, not even locks of its
  own making into the -shm; the writer goes on;
- in use with a rollback journal: as one more reader, each statement by itself, as its writer
  waits for readers;
- left by a killed program: from a copy of ours, on which the log is played back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote_from_bytes

import apsw

from storewarden.clock import SystemClock
from storewarden.databases import walls
from storewarden.databases.found import (
    SHM,
    TICK_NS,
    WAL,
    Found,
    How,
    Identity,
    blamed,
    find,
    identity_of,
    open_database,
    shown,
    unusable,
)
from storewarden.databases.private import changed, copied, require_unchanged
from storewarden.errors import (
    DatabaseBusy,
    DatabaseChanged,
    DatabaseDamaged,
    DatabaseUnusable,
    FileUnusable,
    StorewardenError,
)

SECONDS: Final = 60.0
PATIENCE: Final = 2.0
ATTEMPTS: Final = 5

_GLANCE: Final = 10_000  # instructions of SQLite between looks at the clock
_PAUSE: Final = 0.05
_GAP: Final = 0.0005
_READ_ONLY: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
_OURS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
_AS: Final = {
    How.AT_REST: "mode=ro&immutable=1",
    How.WAL: "mode=ro&readonly_shm=1",
    How.ROLLBACK: "mode=ro",
    How.COPY: "mode=rw",
}
_SETTINGS: Final = (
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
    (apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1),
)
_LIMITS: Final = (
    (apsw.SQLITE_LIMIT_SQL_LENGTH, 4 << 20),
    (apsw.SQLITE_LIMIT_EXPR_DEPTH, 200),
    (apsw.SQLITE_LIMIT_VDBE_OP, 2_000_000),
    (apsw.SQLITE_LIMIT_ATTACHED, 0),
    (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 10),
    (apsw.SQLITE_LIMIT_WORKER_THREADS, 0),
)

_IN_USE: Final = "a database is in use"
_LATER: Final = "it was left as it is, and is tried again later"

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Opened:
    """A database that can be read."""

    connection: apsw.Connection
    how: How
    identity: Identity  # of the database's own file, also where a copy is read
    descriptor: int  # of that file; never to be closed while the connection is open
    path: bytes  # of what the connection reads; with How.COPY a file of ours
    shm: int = -1  # with How.WAL SQLite's own descriptor of the -shm, not to be closed


def read_settled(
    parent: int,
    name: bytes,
    scratch: int | None,
    work: Callable[[Opened], _Told],
    *,
    seconds: float = SECONDS,
    attempts: int = ATTEMPTS,
) -> _Told:
    """Return what ``work`` read of a database, done again when it changed meanwhile.

    Raises:
        StorewardenError: as `reading`.
    """
    until = time.monotonic() + seconds
    cautious = False
    while True:
        attempts -= 1
        left = until - time.monotonic()
        try:
            with reading(parent, name, scratch, seconds=left, cautious=cautious) as opened:
                return work(opened)
        except DatabaseChanged:
            if not attempts or time.monotonic() + _PAUSE > until:
                raise
        cautious = True
        time.sleep(_PAUSE)


@contextmanager
def reading(
    parent: int,
    name: bytes,
    scratch: int | None,
    *,
    seconds: float = SECONDS,
    patience: float = PATIENCE,
    cautious: bool = False,
) -> Iterator[Opened]:
    """Open a database for reading, and close it at the end.

    What was read counts when the block was left without an error: then it is one state of the
    database (with How.ROLLBACK: each statement by itself).

    Args:
        parent: the directory it lies in.
        name: of its file.
        scratch: a directory of ours for copies; None: what needs one is DatabaseBusy.
        seconds: that all statements may take together.
        patience: seconds to wait for who holds it.
        cautious: take one with a rollback journal for one in use, whoever seems to use it.

    Raises:
        DatabaseBusy: somebody holds it.
        DatabaseChanged: it changed meanwhile; try again.
        DatabaseDamaged: SQLite found it damaged.
        DatabaseUnusable: it is no database, takes too long or too much memory.
        FileUnusable: it cannot be read now.
    """
    walls.limit_heap()
    with ExitStack() as stack:
        main = open_database(parent, name)
        stack.callback(os.close, main)  # last of all: it drops the locks
        found = _settled(parent, name, main, patience)
        if cautious and found.how is How.AT_REST and not found.wal_mode:
            found = found._replace(how=How.ROLLBACK)
        until = time.monotonic() + seconds
        path = b"/proc/self/fd/%d/%s" % (parent, name)
        if found.how is How.COPY:
            if scratch is None:
                raise _busy(name, "a killed program left it, and it may not be copied")
            path = stack.enter_context(copied(parent, name, found, main, scratch, until))
        with translated(name):
            connection = _begun(path, found.how, patience, until, stack)
            shm = -1
            if found.how is not How.COPY:
                shm = _require_the_same(parent, name, found)
            yield Opened(connection, found.how, found.identity, main, path, shm)
            if found.how is How.AT_REST:
                with blamed(name):
                    require_unchanged(parent, name, found)


@contextmanager
def translated(name: bytes) -> Iterator[None]:
    """Tell of SQLite's errors as errors of a database."""
    try:
        yield
    except apsw.Error as error:
        raise _translation(error, name) from error
    except UnicodeDecodeError as error:  # a name or a statement in its schema
        raise unusable(name, f"what it tells of itself is no text: {error}") from error


def connection_of_ours(path: bytes, seconds: float = SECONDS) -> apsw.Connection:
    """Open a database of ours, in a scratch directory, as carefully as a stranger's."""
    walls.limit_heap()
    return _connected(path, _AS[How.COPY], PATIENCE, time.monotonic() + seconds)


def _settled(parent: int, name: bytes, main: int, patience: float) -> Found:
    """Find out how a database is; wait for who has it for himself, and for the clock of files."""
    until = time.monotonic() + patience
    while True:
        found = find(parent, name, main)
        files = [one for one in (found.identity, found.wal, found.journal) if one]
        now_ns = SystemClock().wall_ns()
        if found.how in {How.WAL, How.ROLLBACK}:
            return found
        if found.how is not How.HELD and all(one.is_settled(now_ns) for one in files):
            return found
        if time.monotonic() > until:
            raise _busy(name, "an application has it for itself")
        time.sleep(TICK_NS / 1e9)


def _connected(path: bytes, way: str, patience: float, until: float) -> apsw.Connection:
    flags = _OURS if way == _AS[How.COPY] else _READ_ONLY
    connection = apsw.Connection(f"file:{quote_from_bytes(path)}?{way}", flags=flags)
    for setting, value in _SETTINGS:
        connection.config(setting, value)
    for limit, value in _LIMITS:
        connection.limit(limit, value)
    connection.set_busy_handler(_waiting(patience))
    connection.set_progress_handler(lambda: time.monotonic() > until, _GLANCE)
    for pragma in ("cell_size_check = 1", "mmap_size = 0", "temp_store = 2"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _waiting(patience: float) -> Callable[[int], bool]:
    """Return what waits for a lock: a writer at full speed leaves gaps too short for naps."""
    since = time.monotonic()

    def wait(times: int) -> bool:
        nonlocal since
        now = time.monotonic()
        if not times:
            since = now
        if now - since > patience:
            return False
        time.sleep(_GAP)
        return True

    return wait


def _begun(
    path: bytes, how: How, patience: float, until: float, stack: ExitStack
) -> apsw.Connection:
    """Open a database and begin to read."""
    connection = _connected(path, _AS[how], patience, until)
    try:
        _begin(connection, how)
    except apsw.ReadOnlyError:
        connection.close()
        if how is not How.WAL:
            raise
        # Nobody marked yet up to where the log is read: a mark of ours is needed in the -shm.
        connection = _connected(path, "mode=ro", patience, until)
        stack.callback(connection.close, True)  # noqa: FBT003  # SQLite's own word: force
        _begin(connection, how)
    except BaseException:
        connection.close(True)  # noqa: FBT003
        raise
    else:
        stack.callback(connection.close, True)  # noqa: FBT003
    return connection


def _begin(connection: apsw.Connection, how: How) -> None:
    """Make the connection read something: only then the file is opened and locks are taken."""
    if how is How.COPY:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # no -shm is made
    elif how is not How.ROLLBACK:
        connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if how is How.COPY:
        connection.execute("PRAGMA query_only = 1")


def _require_the_same(parent: int, name: bytes, found: Found) -> int:
    """Raise DatabaseChanged unless SQLite has the files open that lie below our directory.

    It goes by names, and a name may have become a link, or a directory another one, meanwhile.
    Return its descriptor of the -shm, -1 where it has none.
    """
    held: dict[tuple[int, int], list[int]] = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # the descriptor of the listing itself
            held.setdefault(Identity.of(os.fstat(number)).file, []).append(number)
    # once by ourselves, once by SQLite
    same = len(held.get(found.identity.file, ())) > 1
    if found.how is not How.WAL:
        if not same:
            raise changed(name)
        return -1
    with blamed(name):
        log, shm = (identity_of(parent, name + ending) for ending in (WAL, SHM))
    if not same or log is None or shm is None or log.file not in held or shm.file not in held:
        raise changed(name)
    return held[shm.file][0]


def _translation(error: apsw.Error, name: bytes) -> StorewardenError:
    where, why = shown(name), str(error)
    for kinds, translate in _TRANSLATIONS:
        if isinstance(error, kinds):
            return translate(where, why)
    return unusable(name, why)


_TRANSLATIONS: Final[
    tuple[tuple[tuple[type, ...], Callable[[str, str], StorewardenError]], ...]
] = (
    (
        (apsw.BusyError, apsw.LockedError),
        lambda where, why: DatabaseBusy(_IN_USE, where=where, why=why, remedy=_LATER),
    ),
    (
        # who used its log is gone, or comes only now
        (apsw.ReadOnlyError, apsw.SchemaChangeError),
        lambda where, why: DatabaseChanged(
            "a database changed while it was looked at", where=where, why=why, remedy=_LATER
        ),
    ),
    (
        (apsw.CorruptError,),
        lambda where, why: DatabaseDamaged(
            "a database is damaged",
            where=where,
            why=why,
            remedy="it was left as it is; take a copy, and restore the last good backup",
        ),
    ),
    (
        (apsw.IOError, apsw.FullError),
        lambda where, why: FileUnusable("a database cannot be read", where=where, why=why),
    ),
    (
        (apsw.InterruptError,),
        lambda where, why: DatabaseUnusable(
            "reading a database takes too long", where=where, why=why
        ),
    ),
    (
        (apsw.NoMemError,),
        lambda where, why: DatabaseUnusable(
            "reading a database takes too much memory", where=where, why=why
        ),
    ),
)


def _busy(name: bytes, why: str) -> DatabaseBusy:
    return DatabaseBusy(_IN_USE, where=shown(name), why=why, remedy=_LATER)
