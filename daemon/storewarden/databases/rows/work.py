"""The jobs about rows, each in a process of its own; see `databases.jobs`.

Descriptors: the directory of the application's database, then a directory of ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

import apsw
from blake3 import blake3

from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import read_settled
from storewarden.databases.rows import copied, removed, restored
from storewarden.databases.rows.counted import count
from storewarden.databases.rows.declared import Columns, check
from storewarden.databases.rows.fileless import gone
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.tables import Declared, Tree
from storewarden.databases.rows.writing import writing

_PIECE: Final = 1 << 20


def look(asked: Document, given: Sequence[int], _tell: Tell) -> Document:
    """Check what is declared, and count which rows are due; nothing is changed."""
    parent, scratch = given
    picks = [Picked.of(one) for one in asked["picks"]]
    return read_settled(
        parent,
        asked["file"],
        scratch,
        lambda opened: {
            "counts": [
                one.facts()
                for one in count(opened.connection, _tree(opened.connection, asked), picks)
            ]
        },
        seconds=float(asked["seconds"]),
    )


def files(asked: Document, given: Sequence[int], _tell: Tell) -> Document:
    """Return rows whose file is not there, by their keys; nothing is changed."""
    parent, scratch = given
    return read_settled(
        parent,
        asked["file"],
        scratch,
        lambda opened: gone(
            *(opened.connection, _tree(opened.connection, asked)),
            *(str(asked["path_column"]), asked["base"]),
        ).facts(),
        seconds=float(asked["seconds"]),
    )


def archive(asked: Document, given: Sequence[int], tell: Tell) -> Document:
    """Copy rows that are due into an archive in our directory, and check it from end to end."""
    parent, scratch = given
    path = _archive(scratch, asked)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with writing(parent, asked["file"], scratch) as connection:
        tree = _tree(connection, asked)
        with copied.attached(connection, path):
            told = copied.copy(
                *(connection, tree, Picked.of(asked["picked"]), int(asked["most"])),
                asked["told"],
                lambda rows: tell({"rows": rows}),
            )
            copied.verify(connection, told.rows)
    size, digest = digest_of(path)
    return told.facts() | {"bytes": size, "digest": digest}


def remove(asked: Document, given: Sequence[int], tell: Tell) -> Document:
    """Delete the rows of an archive that lies in our directory, as they were archived."""
    parent, scratch = given
    with writing(parent, asked["file"], scratch) as connection:
        tree = _tree(connection, asked)
        with copied.attached(connection, _archive(scratch, asked)):
            told = removed.remove(
                *(connection, tree, Picked.of(asked["picked"]), _time()),
                lambda rows: tell({"rows": rows}),
            )
    return told.facts()


def restore(asked: Document, given: Sequence[int], _tell: Tell) -> Document:
    """Bring rows back out of an archive that lies in our directory."""
    parent, scratch = given
    with writing(parent, asked["file"], scratch) as connection:
        tree = _tree(connection, asked)
        with copied.attached(connection, _archive(scratch, asked)):
            wanted = restored.Wanted.of(asked["wanted"])
            told = restored.restore(connection, tree, Picked.of(asked["picked"]), wanted, _time())
    return told.facts()


def _tree(connection: apsw.Connection, asked: Document) -> Tree:
    named = Columns(tuple(asked["clocks"]), asked["path_column"])
    return check(connection, Declared.of(asked["declared"]), named, str(asked["where"]))


def _archive(scratch: int, asked: Document) -> str:
    return f"/proc/self/fd/{scratch}/{asked['archive']}"


def _time() -> removed.Time:
    return removed.Time(time.monotonic, time.sleep)


def digest_of(path: str) -> tuple[int, bytes]:
    """Return how large a file of ours is, and its digest."""
    digest = blake3()
    size = 0
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return size, digest.digest()
