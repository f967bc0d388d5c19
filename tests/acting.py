"""Acts over a `Book`: what the room of acts does to disks and stores is only said here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from storewarden.catalogue.acted import Acted
from storewarden.catalogue.acted_rows import Back
from storewarden.catalogue.acts import Act, Held, Identity, Member, Planned
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from storewarden.model import Entry
from tests.recording import NOW, Book, File, all_files

DIGEST = b"d" * 32
_numbers = itertools.count(1)


class Deeds(Book):
    """A recorder with a journal beside it."""

    def reopen(self) -> None:
        super().reopen()
        self.journal = Journal(self.engine, 7)
        self.acted = Acted(self.journal, self.counts)

    def row(self, file_id: int) -> File:
        (found,) = [one for one in all_files(self.engine) if one.id == file_id]
        return found

    def plan(self, verb: str, *files: File, **more: Any) -> Act:
        """Plan an act on files as they are recorded."""
        (act,) = self.journal.plan([planned(self.engine, verb, files, **more)], self.now_ns)
        assert act is not None
        return act

    def hold(self, act: Act) -> Act:
        """Note that all its files are in the store."""
        members = tuple(
            Member(one.path, one.identity, one.file_id, one.held or held(one))
            for one in act.members
        )
        return self.journal.advance(act, "copied", self.now_ns, members=members)

    def archive(self, *files: File, **more: Any) -> Act:
        """Archive files, from the first note to the last."""
        act = self.hold(self.plan("archive", *files, store="cloud", **more))
        act = self.journal.advance(act, "verified", self.now_ns)
        act = self.journal.advance(act, "switched", self.now_ns)
        return self.acted.archived(act, self.now_ns)

    def copy(self, *files: File, store: str = "cloud", **more: Any) -> Act:
        act = self.hold(self.plan("copy", *files, store=store, **more))
        return self.acted.copied(act, self.now_ns)

    def trash(self, *files: File, **more: Any) -> Act:
        act = self.plan("trash", *files, **more)
        place = b".storewarden/trash/" + act.mark.encode()
        members = tuple(one._replace(lies=b"%d" % at) for at, one in enumerate(act.members))
        act = self.journal.advance(act, "switched", self.now_ns, members=members, place=place)
        return self.acted.trashed(act, self.now_ns)

    def purge(self, *files: File, removed: Sequence[str] = (), freed: int = 0) -> Act:
        act = self.journal.advance(self.plan("purge", *files), "switched", self.now_ns)
        return self.acted.purged(act, self.now_ns, removed=removed, freed=freed)

    def restore(
        self, file: File, seen: Entry, path: bytes | None = None, undoes: int | None = None
    ) -> Act:
        act = self.plan("restore", file, undoes=undoes)
        act = self.journal.advance(act, "switched", self.now_ns)
        back = Back(file.id, path or file.whole, (7, 2), seen, NOW)
        return self.acted.restored(act, [back], self.now_ns)


def identity(file: File) -> Identity:
    return Identity(7, file.inode, file.size, file.modified_ns, file.changed_ns)


def planned(engine: Engine, verb: str, files: Sequence[File], **more: Any) -> Planned:
    ((root_id,),) = engine.execute("SELECT id FROM roots WHERE name = ?", (files[0].root,))
    members = tuple(Member(one.whole, identity(one), one.id) for one in files)
    return Planned(verb, root_id, members, **{"asked_by": "anna", "reason": "because", **more})


def held(member: Member) -> Held:
    key = f"r/{member.path.hex()}~{next(_numbers)}"
    return Held(key, "zstd", DIGEST, max(member.identity.size - 1, 0), "v1")


def check_stores(engine: Engine) -> None:
    """The figures of stores equal what is counted."""
    counted = engine.execute(
        "SELECT r.host_id, c.store, count(*), sum(c.bytes), sum(c.stored_bytes) FROM copies c"
        " JOIN files f ON f.id = c.file_id JOIN directories d ON d.id = f.directory_id"
        " JOIN roots r ON r.id = d.root_id GROUP BY r.host_id, c.store ORDER BY 1, 2"
    )
    kept = engine.execute(
        "SELECT host_id, store, files, bytes, stored_bytes FROM store_totals"
        " WHERE files <> 0 OR bytes <> 0 OR stored_bytes <> 0 ORDER BY 1, 2"
    )
    assert [tuple(map(int_or_text, row)) for row in counted] == kept


def int_or_text(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)
