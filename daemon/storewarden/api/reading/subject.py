"""Which file a question is about: by its number, or by its path as deeds take it."""

from __future__ import annotations

from storewarden.api import located
from storewarden.api.owning import not_there
from storewarden.api.reading.reader import Reader
from storewarden.catalogue.rules import LARGEST
from storewarden.catalogue.told import visible
from storewarden.catalogue.told.visible import Seen
from storewarden.errors import NotThere
from storewarden.measure.shown import shown

Of = int | str


def found(reader: Reader, of: Of) -> Seen:
    """Return the file that is meant, seen on disk or only told of.

    Raises:
        NotThere: there is none, or it is not for this one to see.
        Wrong: no path below a root.
    """
    every = all_found(reader, of)
    if not every:
        raise missing(of)
    return every[0]


def seen_file(reader: Reader, of: Of) -> int:
    """Return the number of the file that is meant.

    Raises:
        NotThere: none was ever seen, or it is not for this one to see.
    """
    number = found(reader, of).file_id
    if number is None:
        raise missing(of)
    return number


def all_found(reader: Reader, of: Of) -> list[Seen]:
    """Return all files that are meant, the one that is there first: a path may have had several."""
    engine, host_id, user_id = reader.engine, reader.host_id, reader.user_id
    if isinstance(of, int):
        if not 0 < of <= LARGEST:
            return []
        return visible.by_id(engine, host_id, of, user_id)
    if host_id is None:
        return []
    return visible.at(engine, located.place(of, located.roots_of(engine, host_id)), user_id)


def missing(of: Of) -> NotThere:
    """Return the error for a file that is not there, or not for who asks."""
    return not_there("file", str(of) if isinstance(of, int) else shown(of))
