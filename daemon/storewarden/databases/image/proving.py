"""An image that lies in a scratch directory is checked; in the child."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

import apsw

from storewarden.databases.found import FLAGS, blamed, identity_of
from storewarden.databases.image.taking import schema_digest
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import reading
from storewarden.errors import DatabaseDamaged

MOST_PROBLEMS: Final = 20
_LONGEST: Final = 300
_PIECE: Final = 1 << 20
_SHARE: Final = 0.25  # of the memory: more would only drive out what was read before
_NAMES: Final = (
    "SELECT name FROM pragma_table_list"
    " WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " ORDER BY name"
)


def prove(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Check one image and count its rows; see `prove.prove`, which asks for it."""
    (scratch,) = descriptors
    name: bytes = arguments["name"]
    began = time.monotonic()
    problems: list[str] = []
    counted: dict[str, int] = {}
    schema = b""
    broken = 0
    _read_ahead(scratch, name)
    try:
        with reading(scratch, name, scratch, seconds=float(arguments["seconds"])) as opened:
            connection = opened.connection
            problems = _integrity(connection)
            tell({"step": "foreign keys"})
            broken = 0 if problems else _broken(connection)
            tell({"step": "rows"})
            counted = {} if problems else _counted(connection)
            schema = schema_digest(connection)
    except DatabaseDamaged as error:
        problems.append(error.why)
    size = identity_of(scratch, name)
    return {
        "problems": problems[:MOST_PROBLEMS],
        "counted": counted,
        "broken_keys": broken,
        "schema_digest": schema,
        "size": size.size if size else 0,
        "seconds": time.monotonic() - began,
    }


def _read_ahead(scratch: int, name: bytes) -> None:
    """Read an image from its beginning to its end, as SQLite is going to read it page by page.

    It was written past the page cache, and a disk gives one page as slowly as a hundred.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with blamed(name):
        image = os.open(name, FLAGS, dir_fd=scratch)
        try:
            if os.fstat(image).st_size > _SHARE * memory:
                return
            buffer, at = memoryview(bytearray(_PIECE)), 0
            while read := os.preadv(image, [buffer], at):
                at += read
        finally:
            os.close(image)


def quoted(name: str) -> str:
    """Return a name as it stands in a statement, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _integrity(connection: apsw.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})").fetchall()
    said = [str(row[0])[:_LONGEST] for row in rows]
    return [] if said == ["ok"] else said


def _broken(connection: apsw.Connection) -> int:
    """Count rows whose parents are missing: that is so in the database, and no fault of its image.

    A key whose parent table is not there, or not unique, cannot be checked and is none.
    """
    broken = 0
    for (name,) in connection.execute(_NAMES).fetchall():
        try:
            rows = connection.execute(f"PRAGMA foreign_key_check({quoted(str(name))})")
            broken += sum(1 for _ in rows)
        except apsw.SQLError:
            continue
    return broken


def _counted(connection: apsw.Connection) -> dict[str, int]:
    counted = {}
    for (name,) in connection.execute(_NAMES).fetchall():
        try:
            rows = connection.execute(f"SELECT count(*) FROM {quoted(str(name))}")  # noqa: S608
            counted[str(name)] = int(rows.get)
        except apsw.SQLError:
            continue  # needs a module of the application's own
    return counted
