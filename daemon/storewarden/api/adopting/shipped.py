"""Maps: those that come with the program, by name, and those in files of one's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from storewarden.api.adopting.fitting import Shape, fits, some
from storewarden.api.adopting.kinds import Map
from storewarden.api.adopting.language import read
from storewarden.config.problems import did_you_mean, printable
from storewarden.config.yamltext import LARGEST
from storewarden.errors import UsageError

_MAPS: Final = Path(__file__).resolve().parent / "maps"
_SAY: Final = "name a map: --map FILE, or one of those that are shipped: "


def shipped() -> dict[str, Path]:
    """Return the maps that come with the program, by name."""
    return {file.stem: file for file in sorted(_MAPS.glob("*.yaml"))}


def by_name(word: str) -> Map:
    """Return the map of a name, or that in a file.

    Raises:
        UsageError: there is none.
        MapError: everything that is wrong with it.
    """
    known = shipped()
    if word in known:
        return read(word, known[word].read_bytes())
    try:
        # not blocking: a pipe in the place of the file must not hold us
        descriptor = os.open(word, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        near = did_you_mean(word, list(known), f"{_SAY}{', '.join(known)}")
        raise UsageError("no such map", where=printable(word), why=why, remedy=near) from error
    return read(word, data)


def fitting(tables: Sequence[Shape]) -> Map:
    """Return the shipped map whose application's tables a database has.

    Raises:
        UsageError: it is no one's that is known, or several's.
    """
    known = shipped()
    maps = [read(name, file.read_bytes()) for name, file in known.items()]
    found = [one for one in maps if fits(one, tables)]
    if len(found) == 1:
        return found[0]
    names = [one.name for one in found or maps]
    why = some("its tables are", [table.name for table in tables]) or "it has no tables"
    what = "this could be the database of several applications"
    raise UsageError(
        what if found else "no shipped map is for such a database",
        why=why,
        remedy=f"{_SAY}{', '.join(names)}",
    )
