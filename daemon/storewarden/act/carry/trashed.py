"""Which drawer of the trash holds the files of an act, if one does."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.act.carry.work import Halted, Work, drawer_of, file_ids
from storewarden.act.drawers import Lying, Room
from storewarden.act.entries import Entry, forget, is_empty, look, marks_of
from storewarden.act.refused import Reason, Refused
from storewarden.catalogue import acts
from storewarden.catalogue.acts import Act


class Put(NamedTuple):
    """The act by which files came into the trash, and what lies there of it now."""

    act: Act
    entry: Entry

    def file_id(self, file: Lying) -> int | None:
        """Return the row of a file that was put there."""
        path = file.noted.path if file.noted else None
        return next((one.file_id for one in self.act.members if one.path == path), None)


def put_into_trash(work: Work) -> Put | None:
    """Return what holds the files of the act; None when none lies in the trash but in name.

    Raises:
        Halted: it cannot be looked at, or the trash has it no more.
    """
    engine, file_id = work.tools.journal.engine, work.act.file_id
    found = None if file_id is None else acts.trashing(engine, file_id)
    if found is None:
        return None
    root_fd, kernel = work.root.descriptor, work.tools.kernel
    entry = look(root_fd, Room.TRASH, found.mark, kernel, shared=drawer_of(found))
    if isinstance(entry, Refused):
        raise Halted(entry)
    if entry is None:
        raise Halted(Refused(Reason.GONE, work.act.path, "the trash has no such entry"))
    put = Put(found, entry)
    # A drawer is emptied whole or not at all: half a bundle is of no use to anybody.
    others = {put.file_id(file) for file in entry.here} - {None, *file_ids(work.act.members)}
    if others:
        why = f"{len(others)} files that are not meant were trashed together with it"
        raise Halted(Refused(Reason.CHANGED, work.act.path, why))
    return put


def forget_emptied(work: Work, drawer: str) -> None:
    """Remove a drawer if it is empty, unless an act goes on to which it may tell something."""
    root_fd, kernel = work.root.descriptor, work.tools.kernel
    if not is_empty(root_fd, Room.TRASH, drawer, kernel):
        return
    marks = marks_of(root_fd, Room.TRASH, drawer, kernel)
    if isinstance(marks, Refused):
        return
    engine = work.tools.journal.engine
    # Acts go on in their order: as long as one does, the last one tells it, and quickly.
    if not (acts.going_on(engine, marks[-1:]) or acts.going_on(engine, marks)):
        forget(root_fd, Room.TRASH, drawer, kernel)
