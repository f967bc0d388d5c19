"""Compare what the catalogue holds of a name with what the disk shows; pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from storewarden.model import Entry

Look = tuple[Entry, int]  # what was seen, and its access time

PRESENT = "present"
MISSING = "missing"
TRASHED = "trashed"

# What is archived, trashed or purged is known by its name no longer: a file there is another one.
AWAY = ("archived", "trashed", "purged")
OF_NAME = "(state = 'present' OR state = 'missing' OR state = 'held')"

# The columns of a Row, for a query of files alone and for one that joins them as ``f``.
ROW = (
    "id, directory_id, name, inode, mode, links, uid, gid, size, blocks, modified_ns, changed_ns,"
    " kind, state, growing, generation, recorded_ns"
)
FILE_ROW = ", ".join("f." + column.strip() for column in ROW.split(","))


class Row(NamedTuple):
    """A file as the catalogue holds it; ``row[2:12]`` has the order of an ``Entry``."""

    id: int
    directory_id: int
    name: bytes
    inode: int
    mode: int
    links: int
    uid: int
    gid: int
    size: int
    blocks: int
    modified_ns: int
    changed_ns: int
    kind: str
    state: str
    growing: int
    generation: int
    recorded_ns: int


class Difference(Enum):
    """What has to be written for a name that has a row."""

    SAME = "same"
    TOUCHED = "touched"  # same content, other attributes
    REHASH = "rehash"  # the content may be another without its times telling
    CHANGED = "changed"  # other content: a new generation
    RETURNED = "returned"  # was missing and is back as it was
    REPLACED = "replaced"  # was missing, and something else lies in its place

    @property
    def new_content(self) -> bool:
        """Tell whether the file is another one now: a new generation."""
        return self in (Difference.CHANGED, Difference.REPLACED)


def difference(row: Row, entry: Entry, *, growing: bool) -> Difference:
    """Tell what became of the file that ``row`` describes, now that ``entry`` is seen there."""
    if row.state == MISSING:
        return Difference.RETURNED if same_content(row, entry) else Difference.REPLACED
    if row[2:12] == entry:
        return Difference.SAME if row.growing == growing else Difference.TOUCHED
    if not same_content(row, entry):
        return Difference.CHANGED
    return Difference.TOUCHED if _ctime_explained(row, entry) else Difference.REHASH


def same_content(row: Row, entry: Entry) -> bool:
    """Tell whether inode, size and modification time are those of the row.

    Nanosecond times missed 0 of 20,000 same-size rewrites; an inode number alone is handed out
    again at once after a deletion.
    """
    return (row.inode, row.size, row.modified_ns) == (entry[1], entry[6], entry[8])


def _ctime_explained(row: Row, entry: Entry) -> bool:
    """Tell whether a chmod, a chown or a link accounts for a new ctime beside the same mtime.

    Else it may hide a rewrite whose times were set back: ``cp -p``, a store through mmap.
    """
    if row.changed_ns == entry[9]:
        return True
    return (row.mode, row.links, row.uid, row.gid) != (entry[2], entry[3], entry[4], entry[5])


def newest(rows: Sequence[tuple[Any, ...]]) -> dict[bytes, Row]:
    """Pick one row for each name: the one that is there, else the one that went last."""
    best = {row[2]: row for row in map(Row._make, rows)}
    if len(best) == len(rows):
        return best
    best.clear()
    for row in map(Row._make, rows):
        other = best.get(row.name)
        if other is None or _rank(row) > _rank(other):
            best[row.name] = row
    return best


def _rank(row: Row) -> tuple[bool, int]:
    return (row.state != MISSING, row.recorded_ns)
