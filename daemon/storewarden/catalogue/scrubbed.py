"""What reading stored objects again tells of copies.

``scrubbed_ns`` of a copy is when its object was last read to its end and was what it should be. A
copy that is damaged is forgotten, so that its file is copied anew, as long as there is its file or
another copy. If it is all there is, it stays: what is left of it may be all that anybody will have.
Then ``scrubbed_ns`` is the time of that reading below zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storewarden.catalogue import copies, undecided
from storewarden.catalogue.copies import OF_HOST, Copy
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.rules import HERE

_LOCAL = (*HERE, "trashed")  # states in which the bytes of a file lie in its root
_NEVER = 0
_COUNTED = f"SELECT count(*) {OF_HOST} AND c.key IS NOT NULL AND c.scrubbed_ns"


class Ages(NamedTuple):
    """How long ago the copies in a store were read."""

    oldest_ns: int | None  # of those that were not read for longest; None: nothing to read
    late: int  # copies that were not read since a time, or were damaged then
    damaged: int


class Lost(NamedTuple):
    """What a damaged copy means for its file."""

    file_id: int
    root: str
    path: bytes
    local: bool  # its bytes lie in its root
    others: tuple[Copy, ...]  # its copies in other stores

    @property
    def is_last(self) -> bool:
        """Whether nothing else is known to hold the file."""
        return not self.local and not self.others


def ages(engine: Engine, host_id: int, store: str, since_ns: int) -> Ages:
    """Return how long ago a host's copies in a store were read, and how many not since a time."""
    damaged = damaged_copies(engine, host_id, store)
    late = _sum(
        engine.execute(f"{_COUNTED} >= 0 AND c.scrubbed_ns < ?", (store, host_id, since_ns))
    )
    oldest = engine.execute(
        f"SELECT c.scrubbed_ns {OF_HOST} AND c.key IS NOT NULL AND c.scrubbed_ns >= 0"
        " ORDER BY c.scrubbed_ns LIMIT 1",
        (store, host_id),
    )
    return Ages(int(oldest[0][0]) if oldest else None, late + damaged, damaged)


def damaged_copies(engine: Engine, host_id: int, store: str) -> int:
    """Return how many last copies of a host's files were damaged when they were last read."""
    return _sum(engine.execute(f"{_COUNTED} < 0", (store, host_id)))


def read_since(engine: Engine, host_id: int, store: str, since_ns: int) -> int:
    """Return the bytes of objects that were read again since a time, and not by their acts.

    And one more for each object: of a thousand that are empty, too, only a share is read in a day.
    """
    rows = engine.execute(
        f"SELECT coalesce(sum(c.stored_bytes + 1), 0) {OF_HOST}"
        " AND c.scrubbed_ns >= ? AND c.scrubbed_ns > c.verified_ns",
        (store, host_id, since_ns),
    )
    return _sum(rows)


def sound(engine: Engine, read: Sequence[tuple[Copy, str]], now_ns: int) -> None:
    """Note copies that are what they should be, each with the version its object has now.

    A disk that was copied to a new one gives its objects new versions, and the same bytes.
    """
    with engine.transaction():
        engine.executemany(
            "UPDATE copies SET scrubbed_ns = ?, version = ?"
            " WHERE file_id = ? AND store = ? AND key = ?",
            [(now_ns, version, one.file_id, one.store, one.key) for one, version in read],
        )
        mended = [(one, "") for one, _ in read if one.scrubbed_ns < 0]
        _tell(engine, "copy-sound", mended, now_ns)


def damaged(engine: Engine, copy: Copy, why: str, now_ns: int) -> Lost | None:
    """Note that a copy is not there, or not what it should be; return what that means.

    None when that is nobody's business any more: the file was copied anew, or purged, meanwhile, or
    an act has it in hand, which may just be removing the object.
    """
    with engine.transaction(durable=True):
        busy = "SELECT 1 FROM act_files WHERE file_id = ? AND open = 1"
        if engine.execute(busy, (copy.file_id,)):
            return None
        there = copies.of_files(engine, [copy.file_id]).get(copy.file_id, [])
        mine = next((one for one in there if (one.store, one.key) == (copy.store, copy.key)), None)
        if mine is None:
            return None
        lost = _lost(engine, copy, [one for one in there if one is not mine])
        if not lost.is_last:
            copies.drop(engine, [mine])
            undecided.mark(engine, [copy.file_id])
            _read_soon(engine, lost.others)
            _tell(engine, "copy-lost", [(mine, why)], now_ns)
            return lost
        if mine.scrubbed_ns >= 0:
            _tell(engine, "copy-damaged", [(mine, why)], now_ns)
        engine.execute(
            "UPDATE copies SET scrubbed_ns = ? WHERE file_id = ? AND store = ?",
            (-now_ns, copy.file_id, copy.store),
        )
    return lost


def _lost(engine: Engine, copy: Copy, others: Sequence[Copy]) -> Lost:
    ((root, directory, name, state),) = engine.execute(
        "SELECT r.name, d.path, f.name, f.state FROM files f"
        " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
        " WHERE f.id = ?",
        (copy.file_id,),
    )
    path = b"/".join(filter(None, (bytes(directory), bytes(name))))
    return Lost(copy.file_id, root, path, state in _LOCAL, tuple(others))


def _sum(rows: Sequence[Row]) -> int:
    return sum(int(row[0]) for row in rows)


def _read_soon(engine: Engine, others: Iterable[Copy]) -> None:
    """Have copies read first that are needed now."""
    engine.executemany(
        "UPDATE copies SET scrubbed_ns = ? WHERE file_id = ? AND store = ? AND scrubbed_ns > 0",
        [(_NEVER, one.file_id, one.store) for one in others],
    )


def _tell(engine: Engine, event: str, what: Iterable[tuple[Copy, str]], now_ns: int) -> None:
    """Add to the histories of files what was found of their copies."""
    rows = []
    for one, why in what:
        detail = {"store": one.store, "key": one.key} | ({"why": why} if why else {})
        rows.append((one.file_id, now_ns, event, json.dumps(detail)))
    engine.insert("history", ("file_id", "at_ns", "event", "detail"), rows)
