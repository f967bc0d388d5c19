"""Opens an application's database to take rows out of it, or to bring some back; in the child."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from urllib.parse import quote_from_bytes

import apsw

from storewarden.databases import walls
from storewarden.databases.found import Identity, open_database
from storewarden.databases.opening import translated
from storewarden.errors import DatabaseChanged

_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
_LOG: Final = 4_000  # pages of the log until they are put into the database: fewer syncs
_BUSY: Final = 100  # milliseconds that SQLite waits by itself
_SETTINGS: Final = (
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
)


@contextmanager
def writing(parent: int, name: bytes, scratch: int | None) -> Iterator[apsw.Connection]:
    """Open a database as one more user of it; its triggers fire, its foreign keys are our matter.

    Raises:
        DatabaseBusy: somebody has it for himself.
        DatabaseChanged: another file came to its place.
        DatabaseDamaged: SQLite found it damaged.
        DatabaseUnusable: it is no database.
    """
    walls.limit_heap()
    if scratch is not None:
        os.environ["SQLITE_TMPDIR"] = f"/proc/self/fd/{scratch}"
    with ExitStack() as stack:
        main = open_database(parent, name)
        stack.callback(os.close, main)  # last of all: it drops the locks
        with translated(name):
            path = b"/proc/self/fd/%d/%s" % (parent, name)
            connection = apsw.Connection(f"file:{quote_from_bytes(path)}?mode=rw", flags=_FLAGS)
            stack.callback(connection.close, True)  # noqa: FBT003  # SQLite's own word: force
            for setting, value in _SETTINGS:
                connection.config(setting, value)
            connection.set_busy_timeout(_BUSY)
            for pragma in ("cell_size_check = 1", "mmap_size = 0", "foreign_keys = 0"):
                connection.execute(f"PRAGMA {pragma}")
            _require_the_same(main, name)
            connection.execute("PRAGMA cache_size = -32768; PRAGMA temp_store = 2")
            if connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]:
                # what left may be back after a power cut
                connection.execute(f"PRAGMA synchronous = 1; PRAGMA wal_autocheckpoint = {_LOG}")
            yield connection


def _require_the_same(main: int, name: bytes) -> None:
    """Raise unless SQLite opened the very file that was found there."""
    wanted = Identity.of(os.fstat(main)).file
    held = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            held += Identity.of(os.fstat(int(number))).file == wanted
        except OSError:
            continue  # the descriptor of the listing itself
    if held < 2:  # noqa: PLR2004  # once by us, once by SQLite
        raise DatabaseChanged(
            "another database came to its place", where=os.fsdecode(name), remedy="try again"
        )
