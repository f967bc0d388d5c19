"""From a row that was read to what it tells; what is wrong with it is told with its place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from blake3 import blake3

from storewarden.api import checked
from storewarden.api.adopting.fitting import Fitted, Plan, Source
from storewarden.api.adopting.kinds import KINDS, AdoptUser, fields, is_beside
from storewarden.api.adopting.matching import Placed, Places
from storewarden.api.adopting.values import Maker, Odd, empty
from storewarden.api.deeds import Deed
from storewarden.errors import DatabaseUnusable
from storewarden.measure.shown import shown

_KEY: Final = 200  # characters
_PATHS: Final = {"file": "path", "text": "path", "chat": "path", "usage": "path", "scene": "image"}
_OPTIONAL: Final = ("usage", "scene")  # which are told without their file, too
_KEYED: Final = ("usage", "chat")


class At(NamedTuple):
    """A row of the application's."""

    table: str
    key: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{shown(self.table)} {', '.join(shown(str(one)) for one in self.key)}"


@dataclass(frozen=True, slots=True)
class Bad:
    """A row, or a part of it, that is not taken, and why; ``column`` where one is to blame."""

    at: At
    kind: str
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a row tells; ``file`` is what its path came to, ``by`` the user who did it."""

    at: At
    kind: str
    deed: Deed | AdoptUser
    file: Placed | None = None
    by: str | None = None
    size: int | None = None  # of the file, as the application knows it


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A row that is not taken, because its file is below no root."""

    at: At
    kind: str
    file: Placed


Came = Told | Bad | Unplaced


@dataclass(frozen=True, slots=True)
class Turner:
    """Turns lines of the spool into deeds.

    ``source`` tells this database from others, wherever a copy of it is read: with the table and
    the key of a row it makes that usage and chats are told once.
    """

    plan: Plan
    maker: Maker
    places: Places
    source: str

    def turn(self, line: bytes) -> tuple[int, Iterator[Came]]:
        """Return the number of a table, and what one row of it came to.

        Raises:
            DatabaseUnusable: what was read of the database makes no sense.
        """
        number, key, row = self._understood(line)
        reading = self.plan.readings[number]
        at = At(reading.table, tuple(key))
        return number, (
            self._told(at, one, row)
            for one in reading.fitted
            if one.only_if is None or not empty(row[one.only_if])
        )

    def _understood(self, line: bytes) -> tuple[int, list[Any], list[Any]]:
        """Return a line that another process wrote, which a database may have taken over."""
        try:
            number, key, row = json.loads(line)
            if len(row) == len(self.plan.readings[number].columns) and isinstance(key, list):
                return number, key, row
        except (ValueError, TypeError, LookupError, RecursionError):
            pass
        raise DatabaseUnusable("work on a database failed", why="what was read makes no sense")

    def _told(self, at: At, one: Fitted, row: Sequence[Any]) -> Came:
        said: dict[str, Any] = {}
        known = fields(one.kind)
        for name, source in one.sources.items():
            try:
                value = self.maker.made(known[name], source, row)
            except Odd as odd:
                return Bad(at, one.kind, odd.column or _column(source), odd.why)
            if value is not None:
                said[name] = value
        return self._checked(at, one, said)

    def _checked(self, at: At, one: Fitted, said: dict[str, Any]) -> Came:
        beside = {name: said.pop(name) for name in list(said) if is_beside(one.kind, name)}
        placed = None
        path = _PATHS.get(one.kind)
        if path is not None and isinstance(said.get(path), str):
            placed = self.places.find(os.fsencode(said[path]))
            if placed.state != "outside":
                said[path] = os.fsdecode(placed.path)
            elif one.kind in _OPTIONAL:
                del said[path]
            else:
                return Unplaced(at, one.kind, placed)
        if one.kind in _KEYED:
            said["key"] = self._key(at)
        try:
            deed = checked.read(KINDS[one.kind], said)
        except checked.Wrong as wrong:
            return _blamed(at, one, wrong)
        deed = deed.deed() if one.kind == "phase" else deed
        return Told(at, one.kind, deed, placed, **beside)

    def _key(self, at: At) -> str:
        """Return what tells a row from all others, of whatever database."""
        row = json.dumps(at.key, default=str)
        key = f"adopt:{self.source}:{at.table}:{row[1:-1]}"
        if len(key) <= _KEY and key.isascii() and key.isprintable():
            return key
        return f"adopt:{blake3(key.encode(errors='backslashreplace')).hexdigest()}"


def _blamed(at: At, one: Fitted, wrong: checked.Wrong) -> Bad:
    problem = wrong.problems[0]
    name = problem.pointer.split("/")[1] if problem.pointer else ""
    source = one.sources.get(name)
    why = f"{problem.what}; {problem.hint}" if problem.hint else problem.what
    if source is None:
        return Bad(at, one.kind, "", f"{name}: {why}" if name else why)
    if problem.what == checked.MISSING:
        through = source.value.through
        why = f"names no row of {shown(through[0].table)}" if through else "holds nothing"
    return Bad(at, one.kind, _column(source), why)


def _column(source: Source) -> str:
    return ", ".join(source.names)


def source_of(path: bytes, named: str | None, host: str) -> str:
    """Return what tells a database from others: what a person calls it, else where it lies."""
    if named is not None:
        return named
    return blake3(host.encode(errors="replace") + b"\0" + path).hexdigest(length=8)
