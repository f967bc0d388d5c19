"""Which files a user may see: their own, and what is public. Written once, for every question."""

from __future__ import annotations

from storewarden.catalogue.orm import SQL, Node, fn
from storewarden.catalogue.tables import File
from storewarden.catalogue.told_tables import ToldFile
from storewarden.catalogue.ways import Way, numbers

VISIBLE = "(t.owner_id = ? OR t.public = 1)"
"""The same of a row ``t`` of ``told_files``; the mark is the user."""


def seen_by(user_id: int) -> Node:
    """Return the condition that a file is shown to a user."""
    theirs = (ToldFile.owner == user_id) | (ToldFile.public == 1)
    there: Node = fn.EXISTS(ToldFile.select(SQL("1")).where(ToldFile.file == File.id, theirs))
    return there


def way_of(user_id: int) -> Way:
    """Return the way to all files that are shown to a user."""
    return Way(
        (
            numbers(ToldFile.file, ToldFile.owner == user_id),
            numbers(ToldFile.file, ToldFile.public == 1),
        )
    )
