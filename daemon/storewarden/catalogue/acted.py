"""What became of files by our own acts: written in one transaction with the end of the act.

What is archived, moved away or trashed keeps its row, with its facts and its words, and frees its
name: a file that comes to lie there is another one. The row stays in its directory: when that is
renamed, it comes back to where the directory is then. It comes back to its name; when that is
taken, whoever restores it says where to.

The recorder may have seen part of an act before it ended. A file that left its name for another
one is ``missing`` for a moment, and one that came back has a row of its own: both are put right
here. Where a row turned out to describe another content than the act had in hand, what the act
did gets a new row.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from storewarden.catalogue import acts, bundles, copies, undecided, usage
from storewarden.catalogue.acts import Act, Member
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.counts import Change, Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from storewarden.catalogue.put_away import Away, add_row, directory_of
from storewarden.catalogue.rules import HERE, bounded, folded
from storewarden.errors import CatalogueRefused
from storewarden.model import Entry

ARCHIVED, TRASHED, PURGED, PRESENT, MISSING = (
    *("archived", "trashed", "purged", "present", "missing"),
)
_LOCAL = (*HERE, MISSING)  # states in which a row's identity is that of a local file
_IN_ITS_ROOT = "local"  # what policies call where a file was to begin with
_HISTORY = ("file_id", "at_ns", "event", "detail")
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


class _File(NamedTuple):
    id: int
    directory_id: int
    root_id: int
    name: bytes
    kind: str
    state: str
    size: int
    inode: int
    modified_ns: int

    def is_of(self, member: Member) -> bool:
        """Tell whether the row describes what the act had in hand."""
        seen = member.identity
        return self.state not in _LOCAL or (self.inode, self.size, self.modified_ns) == (
            *(folded(seen.inode), seen.size, bounded(seen.modified_ns)),
        )


_FILES = (
    "SELECT f.id, f.directory_id, d.root_id, f.name, f.kind, f.state, f.size, f.inode,"
    " f.modified_ns FROM files f JOIN directories d ON d.id = f.directory_id"
)


class Acted:
    """Ends acts. May be used by any one thread beside the recorder."""

    def __init__(self, journal: Journal, counts: Counts) -> None:
        self._journal = journal
        self._engine: Engine = journal.engine
        self._counts = counts
        self._changes: list[Change] = []

    # -- what is put away ---------------------------------------------------------------------

    def archived(self, act: Act, now_ns: int) -> Act:
        """End an act whose files are in a store now, and in their root no longer.

        Each member tells what holds it. What was moved away before has no place from now on: that
        is what tells it from what is archived.
        """
        (ended,) = self.all_archived([act], now_ns)
        return ended

    def all_archived(self, acts_: Sequence[Act], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none."""
        with self._ending(acts_):
            done, rows = self._all_put_away(acts_, ARCHIVED, now_ns)
            ids = [row.id for each in rows for row in each.values()]
            self._engine.fetch_in("DELETE FROM placed WHERE file_id IN ({in})", ids)
            for act, each in zip(done, rows, strict=True):
                self._note_copies(act, each, now_ns)
                self._tell(act, each.values(), ARCHIVED, now_ns, store=act.store)
            freed = [_local_bytes(act, each) for act, each in zip(done, rows, strict=True)]
            return self._journal.end_all(done, acts.DONE, now_ns, freed)

    def moved(self, act: Act, now_ns: int) -> Act:
        """End an act whose files are for use in a store now: archived, and placed there."""
        (ended,) = self.all_moved([act], now_ns)
        return ended

    def all_moved(self, acts_: Sequence[Act], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none."""
        stores = [_store_of(act) for act in acts_]
        with self._ending(acts_):
            done, rows = self._all_put_away(acts_, ARCHIVED, now_ns)
            for act, each, store in zip(done, rows, stores, strict=True):
                self._note_copies(act, each, now_ns)
                self._note_places([row.id for row in each.values()], store, now_ns)
                self._tell(act, each.values(), "moved", now_ns, store=store)
            freed = [_local_bytes(act, each) for act, each in zip(done, rows, strict=True)]
            return self._journal.end_all(done, acts.DONE, now_ns, freed)

    def trashed(self, act: Act, now_ns: int) -> Act:
        """End an act whose files lie in the trash, or wait there in name: they were archived."""
        (ended,) = self.all_trashed([act], now_ns)
        return ended

    def all_trashed(self, acts_: Sequence[Act], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none."""
        with self._ending(acts_):
            done, rows = self._all_put_away(acts_, TRASHED, now_ns)
            self._tell_all(done, [each.values() for each in rows], TRASHED, now_ns)
            return self._journal.end_all(done, acts.DONE, now_ns, [0] * len(done))

    def purged(
        self, act: Act, now_ns: int, *, removed: Collection[str] = (), freed: int = 0
    ) -> Act:
        """End an act whose files are there no more.

        ``removed`` are the stores whose copies went too; ``freed`` are the local bytes that did.
        """
        (ended,) = self.all_purged([(act, freed)], now_ns, removed=removed)
        return ended

    def all_purged(
        self, freed: Sequence[tuple[Act, int]], now_ns: int, *, removed: Collection[str] = ()
    ) -> list[Act]:
        """End such acts together, in one transaction: all or none. With each, what it freed."""
        acts_ = [act for act, _ in freed]
        with self._ending(acts_):
            done, rows = self._all_put_away(acts_, PURGED, now_ns)
            ids = [row.id for each in rows for row in each.values()]
            if removed:
                gone = [
                    one
                    for each in copies.of_files(self._engine, ids).values()
                    for one in each
                    if one.store in removed
                ]
                copies.drop(self._engine, gone)
            self._engine.fetch_in("DELETE FROM placed WHERE file_id IN ({in})", ids)
            bundles.part(self._engine, ids)
            undecided.drop(self._engine, ids)
            self._tell_all(
                done,
                [each.values() for each in rows],
                PURGED,
                now_ns,
                copies_removed=sorted(removed),
            )
            return self._journal.end_all(done, acts.DONE, now_ns, [bytes_ for _, bytes_ in freed])

    # -- what comes back ----------------------------------------------------------------------

    def restored(self, act: Act, back: Sequence[Back], now_ns: int) -> Act:
        """End an act by which files lie in their root again, or were put elsewhere by a person.

        A member that is not in ``back`` was put elsewhere: it stays what it is. One whose name
        another file has taken since stays so as well.
        """
        (ended,) = self.all_restored([(act, back)], now_ns)
        return ended

    def all_restored(self, back: Sequence[tuple[Act, Sequence[Back]]], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none. With each, what came back."""
        acts_ = [act for act, _ in back]
        with self._ending(acts_):
            rows = self._come_back([one for _, each in back for one in each], now_ns)
            came = {row.id: row for row in rows}
            ids = {id_ for act in acts_ for id_ in _member_ids(act)}
            elsewhere = self._files(ids - came.keys())
            for rows_, event in ((came, "restored"), (elsewhere, "restored-elsewhere")):
                found = [_of(rows_, act) for act in acts_]
                self._tell_all(acts_, found, event, now_ns)
            undone = [act.undoes for act in acts_ if act.undoes is not None and _of(came, act)]
            acts.take_back(self._engine, undone, now_ns)
            return self._journal.end_all(acts_, acts.DONE, now_ns, [0] * len(acts_))

    # -- copies -------------------------------------------------------------------------------

    def copied(self, act: Act, now_ns: int) -> Act:
        """End an act whose files are in a store now, and where they were as well."""
        (ended,) = self.all_copied([act], now_ns)
        return ended

    def all_copied(self, acts_: Sequence[Act], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none."""
        with self._ending(acts_):
            files = self._files(id_ for act in acts_ for id_ in _member_ids(act))
            for act in acts_:
                rows = {
                    at: files[member.file_id]
                    for at, member in enumerate(act.members)
                    if member.file_id in files and files[member.file_id].is_of(member)
                }
                self._note_copies(act, rows, now_ns)
                self._tell(act, rows.values(), "copied", now_ns, store=act.store)
            return self._journal.end_all(acts_, acts.DONE, now_ns, [0] * len(acts_))

    def copy_verified(self, file_id: int, store: str, now_ns: int) -> None:
        """Note that a copy was read to its end and is what it should be."""
        with self._engine.joined():
            self._engine.execute(
                "UPDATE copies SET scrubbed_ns = ? WHERE file_id = ? AND store = ?",
                (now_ns, file_id, store),
            )

    def copy_lost(self, file_id: int, store: str, why: str, now_ns: int) -> list[Copy]:
        """Note that a copy is not there, or not what it should be; return those that remain."""
        with self._engine.transaction(durable=True):
            there = copies.of_files(self._engine, [file_id]).get(file_id, [])
            lost = [one for one in there if one.store == store]
            copies.drop(self._engine, lost)
            undecided.mark(self._engine, [file_id])
            self._write_history(
                (file_id, now_ns, "copy-lost", {"store": store, "key": one.key, "why": why})
                for one in lost
            )
        return [one for one in there if one.store != store]

    # -- pieces, inside the transaction ---------------------------------------------------------

    @contextmanager
    def _ending(self, acts_: Sequence[Act]) -> Iterator[None]:
        self._changes = []
        with self._counts.beside(self._changes):
            self._journal.require(acts_)
            yield

    def _files(self, ids: Iterable[int]) -> dict[int, _File]:
        rows = self._engine.fetch_in(f"{_FILES} WHERE f.id IN ({{in}})", list(ids))
        return {row[0]: _File._make(row) for row in rows}

    def _all_put_away(
        self, acts_: Sequence[Act], state: str, now_ns: int
    ) -> tuple[list[Act], list[dict[int, _File]]]:
        """Bring the rows of acts' files into a state; return them as they were, by member.

        And the acts, whose members tell the rows that were made.
        """
        there = self._files(id_ for act in acts_ for id_ in _member_ids(act))
        done: list[Act] = []
        found: list[dict[int, _File]] = []
        for act in acts_:
            rows: dict[int, _File] = {}
            members: list[Member] | None = None
            for at, member in enumerate(act.members):
                row = there.get(member.file_id) if member.file_id is not None else None
                if row is not None and row.is_of(member):
                    rows[at] = row
                elif state != PURGED:
                    rows[at] = self._row_apart(act, member, row, state, now_ns)
                    members = list(act.members) if members is None else members
                    members[at] = replace(member, file_id=rows[at].id)
            done.append(act if members is None else replace(act, members=tuple(members)))
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
        self, acts_: Sequence[Act], found: Sequence[dict[int, _File]], now_ns: int
    ) -> None:
        digests = []
        for act, rows in zip(acts_, found, strict=True):
            for at, row in rows.items():
                held = act.members[at].held
                if held is not None:
                    digests.append((held.digest, now_ns, row.id))
        self._engine.update("files", ("id",), ("digest", "digested_ns"), digests)

    def _change_state(self, rows: Sequence[_File], state: str, now_ns: int) -> None:
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
        self._changes += [(*key, files, size) for key, (files, size) in sums.items()]
        self._void({row.directory_id for row in rows})

    def _row_apart(
        self, act: Act, member: Member, other: _File | None, state: str, now_ns: int
    ) -> _File:
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
        self._changes.append((act.root_id, away.kind, state, 1, member.identity.size))
        self._engine.execute(
            "DELETE FROM act_files WHERE act_id = ? AND file_id = ?", (act.id, member.file_id)
        )
        self._engine.execute(
            "INSERT INTO act_files (act_id, file_id) VALUES (?, ?)", (act.id, file_id)
        )
        return self._files([file_id])[file_id]

    def _note_copies(self, act: Act, rows: dict[int, _File], now_ns: int) -> None:
        store = _store_of(act)
        noted = []
        for at, row in rows.items():
            held = act.members[at].held
            if held is None:
                raise CatalogueRefused(
                    "an act does not tell what holds a file", where=f"act {act.id}"
                )
            size = act.members[at].identity.size
            noted.append(
                Copy(
                    *(row.id, store, size, held.digest, now_ns, held.key, held.codec),
                    *(held.stored_bytes, held.version, now_ns),
                )
            )
        replaced = copies.put(self._engine, noted)
        undecided.mark(self._engine, [row.id for row in rows.values()])
        self._write_history(
            (one.file_id, now_ns, "copy-replaced", {"store": one.store, "key": one.key})
            for one in replaced
        )

    def _come_back(self, back: Sequence[Back], now_ns: int) -> list[_File]:
        """Make rows present again, as their files lie now; return those whose names were free."""
        there = self._files(one.file_id for one in back)
        came: list[_File] = []
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
            if not self._free_name(directory_id, name, row, one.entry):
                continue
            self._place(row, directory_id, name, one, now_ns)
            came.append(row)
        ids = [row.id for row in came]
        self._note_places(ids, _IN_ITS_ROOT, now_ns)  # it stays a while where it was put
        undecided.mark(self._engine, ids)
        return came

    def _note_places(self, ids: Iterable[int], store: str, now_ns: int) -> None:
        """Note where files are for use, and since when."""
        self._engine.executemany(
            "INSERT INTO placed (file_id, store, since_ns) VALUES (?, ?, ?)"
            " ON CONFLICT (file_id) DO UPDATE SET store = excluded.store,"
            " since_ns = excluded.since_ns",
            [(id_, store, now_ns) for id_ in ids],
        )

    def _place(self, row: _File, directory_id: int, name: bytes, back: Back, now_ns: int) -> None:
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
        self._changes.append((row.root_id, row.kind, row.state, -1, -row.size))
        self._changes.append((row.root_id, row.kind, PRESENT, 1, seen["size"]))
        self._void({directory_id, row.directory_id})

    def _free_name(self, directory_id: int, name: bytes, row: _File, entry: Entry) -> bool:
        """Tell whether a row can have a name; the recorder's row of the very file gives way."""
        states = " OR ".join(f"f.state = '{state}'" for state in HERE)
        rows = self._engine.execute(
            f"{_FILES} WHERE f.directory_id = ? AND f.name = ? AND f.id <> ? AND ({states})",
            (directory_id, name, row.id),
        )
        if not rows:
            return True
        other = _File._make(rows[0])
        if (other.inode, other.size, other.modified_ns) != (entry[1], entry[6], entry[8]):
            return False
        bundles.part(self._engine, [other.id])
        usage.carry(self._engine, other.id, row.id)
        copies.carry(self._engine, other.id, row.id)
        self._engine.execute("DELETE FROM files WHERE id = ?", (other.id,))
        undecided.recede(self._engine)
        self._changes.append((other.root_id, other.kind, other.state, -1, -other.size))
        return True

    def _void(self, directory_ids: Collection[int]) -> None:
        """Have listings compared again: rows are not what they were."""
        self._engine.fetch_in(
            "UPDATE directories SET digest = NULL WHERE id IN ({in})", directory_ids
        )

    def _tell(
        self, act: Act, rows: Iterable[_File], event: str, now_ns: int, **more: object
    ) -> None:
        """Add to the histories of files what was done, by whom, and why."""
        self._tell_all([act], [rows], event, now_ns, **more)

    def _tell_all(
        self,
        acts_: Sequence[Act],
        found: Sequence[Iterable[_File]],
        event: str,
        now_ns: int,
        **more: object,
    ) -> None:
        said: tuple[object, str] = (None, "")
        lines = []
        for act, rows in zip(acts_, found, strict=True):
            why = (act.policy, act.asked_by, act.reason)
            if said[0] != why:  # many acts say the same
                told = {"policy": act.policy, "by": act.asked_by, "reason": act.reason, **more}
                said = (why, json.dumps(told)[1:])
            detail = f'{{"act": {act.id}, {said[1]}'
            lines += [(row.id, now_ns, event, detail) for row in rows]
        self._engine.insert("history", _HISTORY, lines)

    def _write_history(self, lines: Iterable[tuple[int, int, str, dict[str, object]]]) -> None:
        self._engine.insert(
            "history", _HISTORY, [(*line, json.dumps(detail)) for *line, detail in lines]
        )


def _of(rows: Mapping[int, _File], act: Act) -> list[_File]:
    """Return the rows of an act's files that are among these."""
    return [rows[id_] for id_ in acts.ids_of(act.members) if id_ in rows]


def _member_ids(act: Act) -> list[int]:
    return [one.file_id for one in act.members if one.file_id is not None]


def _store_of(act: Act) -> str:
    if act.store is None:
        raise CatalogueRefused("an act does not tell its store", where=f"act {act.id}")
    return act.store


def _local_bytes(act: Act, rows: dict[int, _File]) -> int:
    """Return the bytes that lay in the root until the act."""
    return sum(act.members[at].identity.size for at, row in rows.items() if row.state in _LOCAL)
