"""Rows of files that are not where they were: made of what an act, or an object, tells of them.

``rebuild`` makes a catalogue anew from what objects in stores tell of themselves. Nothing of it is
believed further than it goes: what lies in a root is told by scans, and a copy that was not read
here is the first to be read by the next scrub.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from storewarden.catalogue import copies, undecided
from storewarden.catalogue.acts import Held, Identity
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.counts import Change, Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import bounded, check, folded
from storewarden.catalogue.words import Words

ARCHIVED = "archived"
_KNOWN = frozenset({"present", ARCHIVED, "trashed"})
_NEVER_READ = 0
_COLUMNS = (
    *("directory_id", "name", "inode", "mode", "links", "uid", "gid", "size", "blocks"),
    *("accessed_ns", "modified_ns", "changed_ns", "kind", "state", "first_seen_ns", "recorded_ns"),
    *("gone_ns", "digest", "digested_ns"),
)


@dataclass(frozen=True, slots=True)
class Away:
    """A file that is not in its root, and what it was there."""

    path: bytes  # relative to the root
    identity: Identity
    kind: str
    state: str
    since_ns: int
    digest: bytes | None
    mode: int = 0o100600
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What an object tells of the file that it holds."""

    root: str
    path: bytes
    size: int
    mode: int
    uid: int
    gid: int
    modified_ns: int
    changed_ns: int
    kind: str
    store: str
    held: Held
    stored_ns: int


@dataclass(slots=True)
class Rebuilt:
    """What came of objects: rows that were made, copies of files that are there, and the rest."""

    added: int = 0
    linked: int = 0
    known: int = 0
    of_no_root: int = 0


def add_row(engine: Engine, root_id: int, away: Away, now_ns: int) -> int:
    """Make a row of a file that is put away, inside the open transaction; return its number.

    The caller counts it.
    """
    directory, _, name = away.path.rpartition(b"/")
    seen = away.identity
    row = dict(
        zip(
            _COLUMNS,
            (
                *(directory_of(engine, root_id, directory), name, folded(seen.inode)),
                *(away.mode, 0, away.uid, away.gid, seen.size, 0),
                *(bounded(seen.modified_ns), bounded(seen.modified_ns), bounded(seen.changed_ns)),
                *(away.kind, away.state, now_ns, now_ns, away.since_ns, away.digest),
                None if away.digest is None else now_ns,
            ),
            strict=True,
        )
    )
    check("files", row)
    made = engine.execute(
        f"INSERT INTO files ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) RETURNING id",
        list(row.values()),
    )
    return int(made[0][0])


def directory_of(engine: Engine, root_id: int, path: bytes, place: tuple[int, int] = (0, 0)) -> int:
    """Return the row of a directory, making it when there is none; it need not be there.

    ``place`` is its device and inode, as far as it is.
    """
    check("directories", {"path": path})
    engine.execute(
        "INSERT INTO directories (root_id, path, device, inode) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (root_id, path) DO NOTHING",
        (root_id, path, folded(place[0]), folded(place[1])),
    )
    rows = engine.execute(
        "SELECT id FROM directories WHERE root_id = ? AND path = ?", (root_id, path)
    )
    return int(rows[0][0])


def rebuild(
    engine: Engine, counts: Counts, roots: Mapping[str, int], told: Iterable[Told], now_ns: int
) -> Rebuilt:
    """Take in what objects tell, in one transaction; a second time changes nothing.

    An object whose file lies in its root, by its path and its digest (or its time, as long as it
    has none), is a copy of that; of any other, the file is archived. If that one is missing, its
    row goes on: a catalogue of before it was archived may have been put back. ``roots`` are those
    of this host, by name.
    """
    rebuilt = Rebuilt()
    changes: list[Change] = []
    made: list[int] = []
    with counts.beside(changes):
        for one in told:
            root_id = roots.get(one.root)
            if root_id is None:
                rebuilt.of_no_root += 1
            elif copies.at(engine, one.store, one.held.key) is not None:
                rebuilt.known += 1
            elif (file_id := _there(engine, root_id, one, _KNOWN)) is not None:
                _link(engine, file_id, one)
                rebuilt.linked += 1
            elif (file_id := _there(engine, root_id, one, ("missing",))) is not None:
                changes += _found(engine, root_id, file_id, one, now_ns)
                _link(engine, file_id, one)
                rebuilt.added += 1
            else:
                made.append(add_row(engine, root_id, _away(one), now_ns))
                _link(engine, made[-1], one)
                changes.append((root_id, one.kind, ARCHIVED, 1, one.size))
                rebuilt.added += 1
        Words(engine).index(made)
    return rebuilt


def _away(told: Told) -> Away:
    # No file has this inode: nothing that is met in a root is taken for it
    identity = Identity(0, 0, told.size, told.modified_ns, told.changed_ns)
    return Away(
        *(told.path, identity, told.kind, ARCHIVED, told.stored_ns, told.held.digest),
        *(told.mode, told.uid, told.gid),
    )


def _there(engine: Engine, root_id: int, told: Told, states: Collection[str]) -> int | None:
    """Return the row of the file that an object holds and that has no other copy in its store."""
    directory, _, name = told.path.rpartition(b"/")
    rows = engine.execute(
        "SELECT f.id, f.digest, f.modified_ns, f.state FROM files f"
        " JOIN directories d ON d.id = f.directory_id"
        " WHERE d.root_id = ? AND d.path = ? AND f.name = ? AND f.size = ?"
        " AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.file_id = f.id AND c.store = ?)"
        " ORDER BY f.state = 'present' DESC, f.id",
        (root_id, directory, name, told.size, told.store),
    )
    for file_id, digest, modified_ns, state in rows:
        same = modified_ns == told.modified_ns if digest is None else digest == told.held.digest
        if same and state in states:
            return int(file_id)
    return None


def _found(
    engine: Engine, root_id: int, file_id: int, told: Told, now_ns: int
) -> tuple[Change, Change]:
    """Have a file that was missing be archived; return what that changes in the sums."""
    ((kind,),) = engine.execute("SELECT kind FROM files WHERE id = ?", (file_id,))
    values = (ARCHIVED, told.stored_ns, told.held.digest, now_ns, file_id)
    engine.update("files", ("id",), ("state", "gone_ns", "digest", "digested_ns"), [values])
    detail = json.dumps({"store": told.store, "why": "an object tells that it holds it"})
    engine.insert(
        "history", ("file_id", "at_ns", "event", "detail"), [(file_id, now_ns, "found", detail)]
    )
    return (root_id, kind, "missing", -1, -told.size), (root_id, kind, ARCHIVED, 1, told.size)


def _link(engine: Engine, file_id: int, told: Told) -> None:
    held = told.held
    copies.put(
        engine,
        [
            Copy(
                *(file_id, told.store, told.size, held.digest, told.stored_ns, held.key),
                *(held.codec, held.stored_bytes, held.version, _NEVER_READ),
            )
        ],
    )
    undecided.mark(engine, [file_id])
