"""Rows whose file is not there any more."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from storewarden.databases.rows.pieces import listed, quoted
from storewarden.databases.rows.tables import Tree

if TYPE_CHECKING:
    import apsw

MOST: Final = 20_000  # that are told at a time


@dataclass(slots=True)
class Gone:
    """Rows without their file: keys and paths, absolute."""

    found: list[list[Any]] = field(default_factory=list)
    rows: int = 0  # that name a file
    unknown: int = 0  # whose directory is not there either: a disk may be away

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def gone(connection: apsw.Connection, tree: Tree, column: str, base: bytes) -> Gone:
    """Look for the file of each row; those told by a number or a text of its key are found."""
    told = Gone()
    there: dict[bytes, bool] = {}
    path = quoted(column)
    plain = " AND ".join(
        f"(typeof({key}) = 'integer' OR (typeof({key}) = 'text' AND {key} NOT GLOB '*[^ -~]*'))"
        for key in map(quoted, tree.root.key)
    )
    rows = connection.execute(
        f"SELECT CAST({path} AS BLOB), {listed(tree.root.key)} FROM main.{quoted(tree.root.name)}"
        f" WHERE typeof({path}) = 'text' AND length({path}) > 0 AND {plain}"
    )
    for written, *key in rows:
        told.rows += 1
        name = os.path.normpath(os.path.join(base, bytes(written)))
        if b"\0" in name or os.path.lexists(name):
            continue
        directory = os.path.dirname(name)
        if directory not in there:
            there[directory] = os.path.isdir(directory)
        if not there[directory]:
            told.unknown += 1
        elif len(told.found) < MOST:
            told.found.append([name, list(key)])
    return told
