"""The rows of files that acts put away or bring back, inside the transactions that end acts.

What is put away keeps its row, with its facts and its words, and frees its name. The recorder may
have seen part of an act before it ended: a file that left its name for another one is ``missing``
for a moment, and one that came back has a row of its own. Both are put right here. Where a row
turned out to describe another content than the act had in hand, what the act did gets a new row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from storewarden.catalogue import acts, bundles, copies, told_links, undecided, usage
from storewarden.catalogue.acts import Act, Member
from storewarden.catalogue.counts import Change
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.put_away import Away, add_row, directory_of
from storewarden.catalogue.rules import HERE, bounded, folded
from storewarden.model import Entry

ARCHIVED, TRASHED, PURGED, PRESENT, MISSING = (
    *("archived", "trashed", "purged", "present", "missing"),
)
_LOCAL = (*HERE, MISSING)  # states in which a row's identity is that of a local file
_BLOCK = 512  # bytes, as stat counts them
IN_ITS_ROOT = "local"  # what policies call where a file was to begin with
_ENTRY = (
    *("inode", "mode", "links", "uid", "gid", "size", "blocks", "modified_ns", "changed_ns"),
    "accessed_ns",
)


@dataclass(frozen=True, slots=True)
class Back:
    """A file that lies in its root again: where, in which directory, and as ``lstat`` tells it."""

    file_id: int
    path: bytes  # relative to the root
    place: tuple[int, int]  # device and inode of its directory
    entry: Entry
    accessed_ns: int


class FileRow(NamedTuple):
    """A file as the catalogue has it when an act ends."""

    id: int
    directory_id: int
    root_id: int
    name: bytes
    kind: str
    state: str
    size: int
    inode: int
    modified_ns: int
    blocks: int

    def is_of(self, member: Member) -> bool:
        """Tell whether the row describes what the act had in hand."""
        seen = member.identity
        return self.state not in _LOCAL or (self.inode, self.size, self.modified_ns) == (
            *(folded(seen.inode), seen.size, bounded(seen.modified_ns)),
        )


_FILES = (
    "SELECT f.id, f.directory_id, d.root_id, f.name, f.kind, f.state, f.size, f.inode,"
    " f.modified_ns, f.blocks FROM files f JOIN directories d ON d.id = f.directory_id"
)


class ActedRows:
    """Changes rows of files. ``changes`` grows with what that comes to for the totals."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.changes: list[Change] = []

    def files(self, ids: Iterable[int]) -> dict[int, FileRow]:
        rows = self._engine.fetch_in(f"{_FILES} WHERE f.id IN ({{in}})", list(ids))
        return {row[0]: FileRow._make(row) for row in rows}

    def put_away(
        self, acts_: Sequence[Act], state: str, now_ns: int
    ) -> tuple[list[Act], list[dict[int, FileRow]]]:
        """Bring the rows of acts' files into a state; return them as they were, by member.

        And the acts, whose members tell the rows that were made.
        """
        there = self.files(id_ for act in acts_ for id_ in acts.ids_of(act.members))
        done: list[Act] = []
        found: list[dict[int, FileRow]] = []
        for act in acts_:
            rows: dict[int, FileRow] = {}
            members: list[Member] | None = None
            for at, member in enumerate(act.members):
                row = there.get(member.file_id) if member.file_id is not None else None
                if row is not None and row.is_of(member):
                    rows[at] = row
                elif state != PURGED:
                    rows[at] = self._row_apart(act, member, row, state, now_ns)
                    members = list(act.members) if members is None else members
                    members[at] = member._replace(file_id=rows[at].id)
            done.append(act if members is None else act._replace(members=tuple(members)))
            found.append(rows)
        every = [row for rows in found for row in rows.values()]
        # what was moved away before is archived already, and is so anew: what follows counts from
        # now
        changed = [row for row in every if state == ARCHIVED or row.state != state]
        self._change_state(changed, state, now_ns)
        self._note_digests(done, found, now_ns)
        undecided.mark(self._engine, [row.id for row in every])
        return done, found

    def _note_digests(
        self, acts_: Sequence[Act], found: Sequence[dict[int, FileRow]], now_ns: int
    ) -> None:
        digests = []
        for act, rows in zip(acts_, found, strict=True):
            for at, row in rows.items():
                held = act.members[at].held
                if held is not None:
                    digests.append((held.digest, now_ns, row.id))
        self._engine.update("files", ("id",), ("digest", "digested_ns"), digests)

    def _change_state(self, rows: Sequence[FileRow], state: str, now_ns: int) -> None:
        self._engine.fetch_in(
            "UPDATE files SET state = ?, gone_ns = ?, growing = 0, recorded_ns = ?"
            " WHERE id IN ({in})",
            [row.id for row in rows],
            (state, now_ns, now_ns),
        )
        sums: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for row in rows:
            for key, sign in (
                ((row.root_id, row.kind, row.state), -1),
                ((row.root_id, row.kind, state), 1),
            ):
                sum_ = sums[key]
                sum_[0], sum_[1] = sum_[0] + sign, sum_[1] + sign * row.size
        self.changes += [(*key, files, size) for key, (files, size) in sums.items()]
        self._void({row.directory_id for row in rows})

    def _row_apart(
        self, act: Act, member: Member, other: FileRow | None, state: str, now_ns: int
    ) -> FileRow:
        """Make a row for what an act put away, whose own row describes another file, or went."""
        away = Away(
            path=member.path,
            identity=member.identity,
            kind=other.kind if other is not None else "other",
            state=state,
            since_ns=now_ns,
            digest=member.held.digest if member.held is not None else None,
        )
        file_id = add_row(self._engine, act.root_id, away, now_ns)
        self.changes.append((act.root_id, away.kind, state, 1, member.identity.size))
        self._engine.execute(
            "DELETE FROM act_files WHERE act_id = ? AND file_id = ?", (act.id, member.file_id)
        )
        self._engine.execute(
            "INSERT INTO act_files (act_id, file_id) VALUES (?, ?)", (act.id, file_id)
        )
        return self.files([file_id])[file_id]

    def come_back(self, back: Sequence[Back], now_ns: int) -> list[FileRow]:
        """Make rows present again, as their files lie now; return those whose names were free."""
        there = self.files(one.file_id for one in back)
        came: list[FileRow] = []
        places: dict[tuple[int, bytes, tuple[int, int]], int] = {}
        for one in back:
            row = there.get(one.file_id)
            if row is None:
                continue
            directory, _, name = one.path.rpartition(b"/")
            place = row.root_id, directory, one.place
            if place not in places:
                places[place] = directory_of(self._engine, *place)
            directory_id = places[place]
            if not self._free_name(directory_id, name, row, one.entry, now_ns):
                continue
            self._place(row, directory_id, name, one, now_ns)
            told_links.seen(self._engine, [(directory_id, name)], now_ns)
            came.append(row)
        ids = [row.id for row in came]
        self.note_places(ids, IN_ITS_ROOT, now_ns)  # it stays a while where it was put
        undecided.mark(self._engine, ids)
        return came

    def note_places(self, ids: Iterable[int], store: str, now_ns: int) -> None:
        """Note where files are for use, and since when."""
        self._engine.executemany(
            "INSERT INTO placed (file_id, store, since_ns) VALUES (?, ?, ?)"
            " ON CONFLICT (file_id) DO UPDATE SET store = excluded.store,"
            " since_ns = excluded.since_ns",
            [(id_, store, now_ns) for id_ in ids],
        )

    def _place(self, row: FileRow, directory_id: int, name: bytes, back: Back, now_ns: int) -> None:
        """Write a row as its file lies now, so that a scan finds nothing changed."""
        seen = dict(zip(_ENTRY, (*back.entry[1:], back.accessed_ns), strict=True))
        columns = {
            **seen,
            "directory_id": directory_id,
            "name": name,
            "state": PRESENT,
            "growing": 0,
            "gone_ns": None,
            "recorded_ns": now_ns,
            "inspected_ns": None,  # inspectors may have learnt more since
        }
        self._engine.update("files", ("id",), tuple(columns), [(*columns.values(), row.id)])
        self.changes.append((row.root_id, row.kind, row.state, -1, -row.size))
        self.changes.append((row.root_id, row.kind, PRESENT, 1, seen["size"]))
        self._void({directory_id, row.directory_id})

    def _free_name(
        self, directory_id: int, name: bytes, row: FileRow, entry: Entry, now_ns: int
    ) -> bool:
        """Tell whether a row can have a name; the recorder's row of the very file gives way."""
        states = " OR ".join(f"f.state = '{state}'" for state in HERE)
        rows = self._engine.execute(
            f"{_FILES} WHERE f.directory_id = ? AND f.name = ? AND f.id <> ? AND ({states})",
            (directory_id, name, row.id),
        )
        if not rows:
            return True
        other = FileRow._make(rows[0])
        if (other.inode, other.size, other.modified_ns) != (entry[1], entry[6], entry[8]):
            return False
        bundles.part(self._engine, [other.id])
        usage.carry(self._engine, other.id, row.id)
        copies.carry(self._engine, other.id, row.id)
        told_links.carry(self._engine, other.id, row.id, now_ns)
        self._engine.execute("DELETE FROM files WHERE id = ?", (other.id,))
        undecided.recede(self._engine, [other.id])
        self.changes.append((other.root_id, other.kind, other.state, -1, -other.size))
        return True

    def _void(self, directory_ids: Collection[int]) -> None:
        """Have listings compared again: rows are not what they were."""
        self._engine.fetch_in(
            "UPDATE directories SET digest = NULL WHERE id IN ({in})", directory_ids
        )


def local_bytes(rows: dict[int, FileRow]) -> int:
    """Return the bytes on the disk that lay in the root until the act."""
    return sum(_BLOCK * row.blocks for row in rows.values() if row.state in _LOCAL)
