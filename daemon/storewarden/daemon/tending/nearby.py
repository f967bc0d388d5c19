"""The directory in which a database lies, opened for a process that works there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from storewarden.below import open_below
from storewarden.catalogue.databases import Database
from storewarden.daemon.tending.glimpse import opened, where_is
from storewarden.daemon.tending.hands import Hands
from storewarden.errors import DatabaseUnusable, FileUnusable
from storewarden.measure.shown import shown

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def beside(hands: Hands, one: Database) -> Iterator[tuple[int, bytes]]:
    """Lend the directory of a database, and its name there; no link below its root is followed.

    Raises:
        DatabaseUnusable: it is not there, or on a server.
        FileUnusable: its root is not the one that is known, or cannot be read now.
    """
    if one.engine != "sqlite":
        raise DatabaseUnusable(
            "this is not done for databases of a server",
            where=one.name,
            why="it looks after itself",
            remedy="its own tools: psql, vacuumdb, amcheck",
        )
    where = where_is(one.place, {root.name: root.path for root in hands.settings.roots})
    above, _, name = where.path.rpartition(b"/")
    try:
        with opened(hands, where.root, where.directory) as top:
            parent = open_below(top, above, _DIRECTORY) if above else os.dup(top)
        try:
            os.stat(name, dir_fd=parent, follow_symlinks=False)
            yield parent, name
        finally:
            os.close(parent)
    except FileNotFoundError as error:
        raise DatabaseUnusable(
            "a database cannot be used",
            where=shown(one.place),
            why="it is not there",
            remedy=f"storewarden db restore {one.name}",
        ) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise FileUnusable("a database cannot be used", where=shown(one.place), why=why) from error
