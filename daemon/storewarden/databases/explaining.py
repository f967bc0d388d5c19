"""How a database goes about statements: their plans, found in a child; nothing is ever run."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

import apsw

from storewarden.below import open_below
from storewarden.databases.found import unreadable
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import Opened, read_settled

SECONDS: Final = 5.0
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PLANNED: Final = re.compile(r"(?:SELECT|WITH|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_NAMED: Final = re.compile(r"[:@$]\w+")


def explain(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Return the plan of each of ``statements``, "" where it has none, for the database ``path``.

    The descriptors are those of a directory, below which it lies, and of a scratch directory.
    """
    del tell
    directory, scratch = descriptors
    above, _, name = bytes(arguments["path"]).rpartition(b"/")
    statements = [str(one) for one in arguments["statements"]]
    try:
        parent = open_below(directory, above, _DIRECTORY)
    except OSError as error:
        raise unreadable(name, error.strerror or str(error)) from error

    def plans(opened: Opened) -> list[str]:
        return [_plan(opened.connection, one) for one in statements]

    try:
        return {"plans": read_settled(parent, name, scratch, plans, seconds=SECONDS)}
    finally:
        os.close(parent)


def _plan(connection: apsw.Connection, statement: str) -> str:
    """Return the plan of one statement, of which values and the ends of lists are left out."""
    whole = statement.replace(", …", "").replace("%s", "?")
    if not _PLANNED.match(whole):
        return ""
    names = {name[1:]: None for name in _NAMED.findall(whole)}
    values = names or (None,) * whole.count("?")
    try:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {whole}", values).fetchall()
    except (apsw.Error, ValueError):  # of a table that is gone, cut off, or not SQLite's language
        return ""
    return "\n".join(str(detail) for *_, detail in steps)
