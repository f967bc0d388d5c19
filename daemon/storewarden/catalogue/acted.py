"""What became of files by our own acts: written in one transaction with the end of the act.

What is archived, moved away or trashed keeps its row, with its facts and its words, and frees its
name: a file that comes to lie there is another one. The row stays in its directory: when that is
renamed, it comes back to where the directory is then. It comes back to its name; when that is
taken, whoever restores it says where to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from storewarden.catalogue import acts, bundles, copies, undecided
from storewarden.catalogue.acted_rows import (
    ARCHIVED,
    PURGED,
    TRASHED,
    ActedRows,
    Back,
    FileRow,
    local_bytes,
)
from storewarden.catalogue.acts import Act
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from storewarden.errors import CatalogueRefused

_HISTORY = ("file_id", "at_ns", "event", "detail")


class Acted:
    """Ends acts. May be used by any one thread beside the recorder."""

    def __init__(self, journal: Journal, counts: Counts) -> None:
        self._journal = journal
        self._engine: Engine = journal.engine
        self._counts = counts
        self._rows = ActedRows(self._engine)

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
            done, rows = self._rows.put_away(acts_, ARCHIVED, now_ns)
            ids = [row.id for each in rows for row in each.values()]
            self._engine.fetch_in("DELETE FROM placed WHERE file_id IN ({in})", ids)
            for act, each in zip(done, rows, strict=True):
                self._note_copies(act, each, now_ns)
                self._tell(act, each.values(), ARCHIVED, now_ns, store=act.store)
            freed = [local_bytes(each) for each in rows]
            return self._journal.end_all(done, acts.DONE, now_ns, freed)

    def moved(self, act: Act, now_ns: int) -> Act:
        """End an act whose files are for use in a store now: archived, and placed there."""
        (ended,) = self.all_moved([act], now_ns)
        return ended

    def all_moved(self, acts_: Sequence[Act], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none."""
        stores = [_store_of(act) for act in acts_]
        with self._ending(acts_):
            done, rows = self._rows.put_away(acts_, ARCHIVED, now_ns)
            for act, each, store in zip(done, rows, stores, strict=True):
                self._note_copies(act, each, now_ns)
                self._rows.note_places([row.id for row in each.values()], store, now_ns)
                self._tell(act, each.values(), "moved", now_ns, store=store)
            freed = [local_bytes(each) for each in rows]
            return self._journal.end_all(done, acts.DONE, now_ns, freed)

    def trashed(self, act: Act, now_ns: int) -> Act:
        """End an act whose files lie in the trash, or wait there in name: they were archived."""
        (ended,) = self.all_trashed([act], now_ns)
        return ended

    def all_trashed(self, acts_: Sequence[Act], now_ns: int) -> list[Act]:
        """End such acts together, in one transaction: all or none."""
        with self._ending(acts_):
            done, rows = self._rows.put_away(acts_, TRASHED, now_ns)
            self._tell_all(done, [each.values() for each in rows], TRASHED, now_ns)
            return self._journal.end_all(done, acts.DONE, now_ns, [0] * len(done))

    def purged(
        self, act: Act, now_ns: int, *, removed: Collection[str] = (), freed: int = 0
    ) -> Act:
        """End an act whose files are there no more.

        ``removed`` are the stores whose copies went too, ``freed`` bytes on the disk that did.
        """
        (ended,) = self.all_purged([(act, freed)], now_ns, removed=removed)
        return ended

    def all_purged(
        self, freed: Sequence[tuple[Act, int]], now_ns: int, *, removed: Collection[str] = ()
    ) -> list[Act]:
        """End such acts together, in one transaction: all or none. With each, what it freed."""
        acts_ = [act for act, _ in freed]
        with self._ending(acts_):
            done, rows = self._rows.put_away(acts_, PURGED, now_ns)
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
            rows = self._rows.come_back([one for _, each in back for one in each], now_ns)
            came = {row.id: row for row in rows}
            ids = {id_ for act in acts_ for id_ in acts.ids_of(act.members)}
            elsewhere = self._rows.files(ids - came.keys())
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
            files = self._rows.files(id_ for act in acts_ for id_ in acts.ids_of(act.members))
            for act in acts_:
                rows = {
                    at: files[member.file_id]
                    for at, member in enumerate(act.members)
                    if member.file_id in files and files[member.file_id].is_of(member)
                }
                self._note_copies(act, rows, now_ns)
                self._tell(act, rows.values(), "copied", now_ns, store=act.store)
            return self._journal.end_all(acts_, acts.DONE, now_ns, [0] * len(acts_))

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
        self._rows.changes = []
        with self._counts.beside(self._rows.changes):
            self._journal.require(acts_)
            yield

    def _note_copies(self, act: Act, rows: dict[int, FileRow], now_ns: int) -> None:
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

    def _tell(
        self, act: Act, rows: Iterable[FileRow], event: str, now_ns: int, **more: object
    ) -> None:
        """Add to the histories of files what was done, by whom, and why."""
        self._tell_all([act], [rows], event, now_ns, **more)

    def _tell_all(
        self,
        acts_: Sequence[Act],
        found: Sequence[Iterable[FileRow]],
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


def _of(rows: Mapping[int, FileRow], act: Act) -> list[FileRow]:
    """Return the rows of an act's files that are among these."""
    return [rows[id_] for id_ in acts.ids_of(act.members) if id_ in rows]


def _store_of(act: Act) -> str:
    if act.store is None:
        raise CatalogueRefused("an act does not tell its store", where=f"act {act.id}")
    return act.store
