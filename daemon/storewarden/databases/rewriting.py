"""Work that writes into an application's database: in a child, while nobody has it open.

An application that comes meanwhile is heard of by the kernel: the work is given up at once, and its
transaction with it. Between asking whether somebody has it open and listening lie microseconds; who
comes in these waits for a lock as long as its own patience says, and loses nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, NamedTuple
from urllib.parse import quote_from_bytes

import apsw

from storewarden.act.kernel import Kernel
from storewarden.act.leases import quiet
from storewarden.act.refused import Stop
from storewarden.databases import walls
from storewarden.databases.check import check
from storewarden.databases.found import How, Identity, blamed, find, open_database, shown
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import Opened, read_settled, translated
from storewarden.databases.private import changed
from storewarden.databases.rewrite import analyze as analyzed
from storewarden.databases.rewrite import give_back, rewrite, take
from storewarden.errors import DatabaseBusy, StorewardenError
from storewarden.watch.inotify import OPEN, Inotify

COPY: Final = "rewritten"
IN_USE_SECONDS: Final = 0.2  # a table of a database in use is locked for no longer
AT_REST_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 3600.0

_OPENED: Final = 2  # descriptors of it that are ours: this module's, and SQLite's
_SETTINGS: Final = (
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
)


class _Writing(NamedTuple):
    """A database that may be written, and what hears of others that open it."""

    connection: apsw.Connection
    alone: bool  # nobody else had it open
    others: Inotify

    def came(self) -> bool:
        """Tell whether somebody opened it since."""
        return bool(self.others.queued())


def vacuum(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Rewrite the database ``name`` of the first directory without its empty pages.

    The second directory is ours. There the copy stays under the name that is told as ``copy`` when
    the database is not whole afterwards. With ``ours`` a journal that lies beside it is that of an
    earlier work of ours which was killed, and is played back first.

    Raises:
        StorewardenError: it is as it was.
    """
    parent, scratch = descriptors
    name: bytes = arguments["name"]
    copy = f"{COPY}-{os.getpid()}"
    path = f"/proc/self/fd/{scratch}/{copy}"
    os.environ["SQLITE_TMPDIR"] = f"/proc/self/fd/{scratch}"

    def progress(what: str, done: int, total: int) -> None:
        tell({"what": what, "done": done, "total": total})

    told: dict[str, Any] = {}
    failed: StorewardenError | None = None
    try:
        with _writing(parent, name, ours=bool(arguments.get("ours"))) as writing:
            if not writing.alone:
                raise _busy(name, "somebody has it open")
            take(writing.connection)
            try:
                done = rewrite(writing.connection, path, came=writing.came, tell=progress)
                told = done.document()
            finally:
                give_back(writing.connection)
    except StorewardenError as error:
        failed = error
    whole = _whole(parent, name, scratch) if os.path.exists(path) else True
    if whole:
        with suppress(FileNotFoundError):
            os.unlink(path)
    if failed is not None and whole:
        raise failed
    return told | {"whole": whole, "copy": None if whole else copy}


def analyze(arguments: Document, descriptors: Sequence[int], _tell: Tell) -> Document:
    """Renew the planner's figures of the database ``name`` of the directory.

    Raises:
        StorewardenError: it is as it was, but for tables that were done before.
    """
    name: bytes = arguments["name"]
    with _writing(descriptors[0], name) as writing:
        seconds = AT_REST_SECONDS if writing.alone else IN_USE_SECONDS
        done = analyzed(writing.connection, lock_seconds=seconds)
    return {"tables": list(done.tables), "left": done.left, "in_use": not writing.alone}


@contextmanager
def _writing(parent: int, name: bytes, *, ours: bool = False) -> Iterator[_Writing]:
    """Open a database for writing; SQLite plays back no log that others left."""
    walls.limit_heap()
    with translated(name), ExitStack() as stack:  # closing plays a log into the file
        main = open_database(parent, name)
        stack.callback(os.close, main)  # last of all: it drops the locks
        found = find(parent, name, main)
        if found.how is How.HELD or (found.how is How.COPY and not ours):
            left = "a killed program left it: let its application open it first"
            raise _busy(name, left if found.how is How.COPY else "somebody has it for himself")
        with blamed(name):
            others = Inotify()
            stack.callback(others.close)
            others.add(main, OPEN)
        alone = found.how in {How.AT_REST, How.COPY} and _closed(main, name)
        connection = _connected(parent, name)
        stack.callback(connection.close, True)  # noqa: FBT003  # SQLite's own word: force
        _require_the_same(name, found.identity)
        others.read()  # our own
        yield _Writing(connection, alone, others)


def _closed(main: int, name: bytes) -> bool:
    """Ask the kernel whether nobody else has it open; let go of its word again."""
    kernel = Kernel()
    try:
        how = quiet(main, name, kernel, unused=True)
    except Stop:
        return False
    if how.by_lease:
        kernel.lease(main, fcntl.F_UNLCK)
    return True


def _connected(parent: int, name: bytes) -> apsw.Connection:
    path = quote_from_bytes(b"/proc/self/fd/%d/%s" % (parent, name))
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"file:{path}?mode=rw", flags=flags)
    for setting, value in _SETTINGS:
        connection.config(setting, value)
    for pragma in ("cell_size_check = 1", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _require_the_same(name: bytes, identity: Identity) -> None:
    """Raise DatabaseChanged unless SQLite opened the file that was looked at."""
    same = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            same += Identity.of(os.fstat(int(number))).file == identity.file
    if same < _OPENED:
        raise changed(name)


def _whole(parent: int, name: bytes, scratch: int) -> bool:
    """Tell whether a database passes its check; one that is used already is read as it is now."""

    def work(opened: Opened) -> bool:
        return check(opened.connection, foreign_keys=False).integrity in {"ok", "partly"}

    try:
        return read_settled(parent, name, scratch, work, seconds=CHECK_SECONDS)
    except StorewardenError as error:
        return error.transient  # its application has it, and opened it without trouble


def _busy(name: bytes, why: str) -> DatabaseBusy:
    return DatabaseBusy(
        "a database is in use",
        where=shown(name),
        why=why,
        remedy="it is left to them, and tried again later",
    )
