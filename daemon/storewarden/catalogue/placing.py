"""Bring single files up to what was seen: written anew, moved, taken over, or made."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence

from storewarden.catalogue import acts, copies
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.origins import Name, Origin, Origins, Strangers
from storewarden.catalogue.reconcile import MISSING, PRESENT, Difference, Look, Row, difference
from storewarden.catalogue.written import Writes


class Placing:
    """Decides what becomes of each row and notes it in ``Writes``; reads, but writes nothing."""

    def __init__(
        self,
        engine: Engine,
        counts: Counts,
        *,
        kind_of: Callable[[bytes], str],
        still_there: Callable[[str, bytes, bytes, int], bool],
    ) -> None:
        """See ``Recorder``."""
        self._engine = engine
        self._counts = counts
        self._kind_of = kind_of
        self._origins = Origins(engine, counts, still_there)

    def reconcile(
        self,
        path: bytes,
        directory: Directory,
        rows: Mapping[bytes, Row],
        looks: Sequence[Look],
        writes: Writes,
        *,
        origins: bool,
    ) -> None:
        """Compare names of a directory with its rows; those new in it wait for ``place_all``.

        ``origins`` false: nothing can have come from elsewhere, so nothing waits.
        """
        strangers: Sequence[Look] = looks
        if rows:
            strangers = []
            for look in looks:
                entry = look[0]
                row = rows.get(entry[0])
                if row is None:
                    strangers.append(look)
                    continue
                how = difference(row, entry, growing=entry[0] in writes.growing)
                if how is Difference.SAME:
                    writes.result.unchanged += 1
                elif how.new_content and row.inode != entry[1]:
                    strangers.append(look)
                else:
                    self._rewrite(directory, row, look, how, writes)
        if not strangers:
            return
        if origins:
            writes.strangers.append(Strangers(path, directory, rows, strangers))
        else:
            self._place(Strangers(path, directory, rows, strangers), {}, frozenset(), writes)

    def place_all(self, writes: Writes) -> None:
        """Record the names whose inodes are new in their directories."""
        if writes.strangers:
            came = self._origins.of(writes.strangers, writes.root, writes.taken)
            kept = self._kept_apart(writes.strangers)
            for strangers in writes.strangers:
                self._place(strangers, came, kept, writes)

    def _kept_apart(self, strangers: Sequence[Strangers]) -> Collection[int]:
        """Return rows that stay what they are, though another file took their name.

        An act of ours is taking away what some describe, and of others that are missing there are
        copies: they can be had again.
        """
        rows = {
            row.id: row
            for one in strangers
            for entry, _ in one.looks
            if (row := one.rows.get(entry[0])) is not None
        }
        missing = [row.id for row in rows.values() if row.state == MISSING]
        there = [row.id for row in rows.values() if row.state != MISSING]
        return {*acts.removing(self._engine, there), *copies.of_files(self._engine, missing)}

    def _place(
        self,
        strangers: Strangers,
        came: Mapping[Name, Origin],
        kept: Collection[int],
        writes: Writes,
    ) -> None:
        """Record names as renamed from elsewhere, replaced, or new.

        A name that was left by one file and taken by another is a new file then, and not the old
        one with new content.
        """
        directory, rows = strangers.directory, strangers.rows
        kind_of, change, root = self._kind_of, self._counts.change, writes.root
        for look in strangers.looks:
            entry = look[0]
            here = rows.get(entry[0])
            if here is not None and here.id in kept and here.id not in writes.taken:
                self._leave(here, writes)
                here = None
            origin = came and came.get((directory.id, entry[0]))
            if origin:
                self._move(directory, here, origin, look, writes)
                continue
            if here is not None and here.id not in writes.taken:
                self._rewrite(directory, here, look, difference(here, entry, growing=False), writes)
                continue
            kind = kind_of(entry[0])
            writes.insert(directory, look, kind)
            change(root, kind, PRESENT, 1, entry[6])
            writes.result.added += 1

    def _leave(self, row: Row, writes: Writes) -> None:
        """Let a row keep what it describes, and free its name."""
        if row.state != MISSING:
            writes.leave(row.id)
            self._counts.change(writes.root, row.kind, row.state, -1, -row.size)
            self._counts.change(writes.root, row.kind, MISSING, 1, row.size)

    def _move(
        self, directory: Directory, here: Row | None, origin: Origin, look: Look, writes: Writes
    ) -> None:
        """Give the file of ``origin`` its new place; ADR 6 says why there are two cases."""
        row, old_root, old_path, trashed_by = origin
        writes.undigested.update((row.directory_id, directory.id))
        was = os.fsdecode(old_path + b"/" + row.name if old_path else row.name)
        if here is not None and here.state == PRESENT and here.id in writes.taken:
            writes.leave(here.id)
        elif here is not None and here.state == PRESENT:
            # An atomic save: the new content was written beside and renamed over the old.
            self._rewrite(directory, here, look, Difference.CHANGED, writes)
            writes.absorb(row.id, here.id)
            writes.tell(here.id, "saved-over", written_as=was)
            self._counts.change(old_root, row.kind, row.state, -1, -row.size)
            return
        kind = self._kind_of(look[0][0])
        if kind == self._kind_of(row.name):
            kind = row.kind  # its content may have told more than either name does
        if trashed_by is None:
            writes.part(row.id)
            writes.tell(row.id, "renamed", was=was, root=old_root)
        else:
            writes.bring_back(trashed_by)
            writes.tell(row.id, "returned", was=was, root=old_root, act=trashed_by)
        self._counts.change(old_root, row.kind, row.state, -1, -row.size)
        self._counts.change(writes.root, kind, PRESENT, 1, look[0][6])
        generation = row.generation
        writes.update(row.id, directory, look, kind, generation, keep_digest=True, keep_facts=False)
        writes.result.renamed += 1

    def _rewrite(
        self, directory: Directory, row: Row, look: Look, how: Difference, writes: Writes
    ) -> None:
        """Bring a row up to what was seen in its place.

        It stays of the kind that its content had: what the new content is, inspection tells.
        """
        writes.taken.add(row.id)
        kind = row.kind
        self._counts.change(writes.root, row.kind, row.state, -1, -row.size)
        self._counts.change(writes.root, kind, PRESENT, 1, look[0][6])
        generation = row.generation + how.new_content
        touched = how is Difference.TOUCHED
        kept = touched or how is Difference.RETURNED
        writes.update(
            row.id, directory, look, kind, generation, keep_digest=kept, keep_facts=touched
        )
        if row.links > 1 and row.inode != look[0][1]:
            writes.result.linked.append(row.inode)  # one of its names has gone
        if how.new_content:
            writes.outdate(row.id)
            past = {"generation": row.generation, "size": row.size, "modified_ns": row.modified_ns}
            writes.tell(row.id, how.value, **past)
            writes.result.changed += 1
        elif how is Difference.RETURNED:
            writes.tell(row.id, how.value)
            writes.result.returned += 1
        else:
            writes.result.touched += 1
