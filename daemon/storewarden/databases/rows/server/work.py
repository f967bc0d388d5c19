"""The jobs about rows of a server's tables, each in a process of its own; see `databases.jobs`.

The address comes with what is asked, over a pipe: no list of processes shows it. One descriptor is
handed over, that of a directory of ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apsw

from storewarden.databases.jobs import Document, Tell
from storewarden.databases.rows import copied
from storewarden.databases.rows.declared import Columns
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.removed import Time
from storewarden.databases.rows.restored import Wanted
from storewarden.databases.rows.server import copying, counting, removing, restoring
from storewarden.databases.rows.server.tables import Tree, check
from storewarden.databases.rows.server.talking import Server, connected
from storewarden.databases.rows.tables import Declared
from storewarden.databases.rows.work import digest_of


def look(asked: Document, _given: Sequence[int], _tell: Tell) -> Document:
    """Check what is declared, and count which rows are due; nothing is changed."""
    with connected(str(asked["url"]), seconds=float(asked["seconds"])) as server:
        picks = [Picked.of(one) for one in asked["picks"]]
        found = counting.count(server, _tree(server, asked), picks)
        return {"counts": [one.facts() for one in found]}


def files(asked: Document, _given: Sequence[int], _tell: Tell) -> Document:
    """Return rows whose file is not there, by their keys; nothing is changed."""
    with connected(str(asked["url"]), seconds=float(asked["seconds"])) as server:
        tree = _tree(server, asked)
        return counting.gone(server, tree, str(asked["path_column"]), asked["base"])


def archive(asked: Document, given: Sequence[int], tell: Tell) -> Document:
    """Copy rows that are due into an archive in our directory, and check it from end to end."""
    path = _path(given, asked)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with connected(str(asked["url"])) as server, _opened(path) as kept:
        told = copying.copy(
            *(server, kept, _tree(server, asked), Picked.of(asked["picked"]), int(asked["most"])),
            asked["told"],
            lambda rows: tell({"rows": rows}),
        )
        copied.verify(kept, told.rows)
    size, digest = digest_of(path)
    return told.facts() | {"bytes": size, "digest": digest}


def remove(asked: Document, given: Sequence[int], tell: Tell) -> Document:
    """Delete the rows of an archive that lies in our directory, as they were archived."""
    with connected(str(asked["url"])) as server, _opened(_path(given, asked)) as kept:
        told = removing.remove(
            *(server, kept, _tree(server, asked), Picked.of(asked["picked"])),
            Time(time.monotonic, time.sleep),
            lambda rows: tell({"rows": rows}),
        )
    return told.facts()


def restore(asked: Document, given: Sequence[int], _tell: Tell) -> Document:
    """Bring rows back out of an archive that lies in our directory."""
    with connected(str(asked["url"])) as server, _opened(_path(given, asked)) as kept:
        timed = bool(Picked.of(asked["picked"]).clock)
        wanted = Wanted.of(asked["wanted"])
        return restoring.restore(server, kept, _tree(server, asked), wanted, timed=timed).facts()


def _tree(server: Server, asked: Document) -> Tree:
    named = Columns(tuple(asked["clocks"]), asked["path_column"])
    return check(server, Declared.of(asked["declared"]), named, str(asked["where"]))


def _path(given: Sequence[int], asked: Document) -> str:
    return f"/proc/self/fd/{given[-1]}/{asked['archive']}"


@contextmanager
def _opened(path: str) -> Iterator[apsw.Connection]:
    """Have an archive attached to a connection that has nothing else."""
    connection = apsw.Connection(":memory:")
    try:
        with copied.attached(connection, path):
            yield connection
    finally:
        connection.close(True)  # noqa: FBT003  # SQLite's own word: force
