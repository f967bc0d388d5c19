"""Which rows of a declared table are meant, as jobs hand it on and as SQL asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from storewarden.databases.rows.pieces import clock, deleted, joined, listed, quoted
from storewarden.databases.rows.tables import Table, Tree

What = Literal["aged", "orphans", "fileless"]


@dataclass(frozen=True, slots=True)
class Spared:
    """Rows that somebody had brought back: they stay for as long as new ones would.

    Without keys all whose clock, by which they were archived, shows a time from ``from_ns`` to
    ``to_ns``.
    """

    from_ns: int
    to_ns: int
    keys: tuple[tuple[Any, ...], ...] = ()
    clock: str = ""  # that of the choice, where nothing is said
    unit: str | None = None
    since: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows of the first table of a tree: by their age, without a parent, or without their file."""

    what: What = "aged"
    clock: str = ""  # the column that counts
    unit: str | None = None
    since: str = ""  # where ``clock`` only says that a row is deleted: the column that says when
    from_ns: int | None = None  # later than this
    to_ns: int | None = None  # not later than this
    spared: tuple[Spared, ...] = ()
    parent: str = ""  # of orphans: the table that has none of theirs
    parent_key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  # of orphans: which name the parent
    keys: tuple[tuple[Any, ...], ...] = ()  # of those without their file: which they are

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = {name: getattr(self, name) for name in self.__slots__}
        spared = [
            [one.from_ns, one.to_ns, [list(key) for key in one.keys], *_clock(one)]
            for one in self.spared
        ]
        return told | {"spared": spared, "keys": [list(key) for key in self.keys]}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Picked:
        """Return what was told."""
        spared = tuple(Spared(a, b, _keys(keys), *of) for a, b, keys, *of in facts["spared"])
        names = ("parent_key", "columns")
        rest: dict[str, Any] = {name: tuple(facts[name]) for name in names}
        return cls(**{**facts, **rest, "spared": spared, "keys": _keys(facts["keys"])})

    def time(self, of: str) -> str:
        """Return the SQL of the time that the clock of a row shows, in nanoseconds."""
        return _time(of, self.clock, self.unit, self.since)

    def where(self, tree: Tree, of: str) -> tuple[str, list[Any]]:
        """Return the condition for a row of the declared table, and its values."""
        keyed = " AND ".join(f"{of}.{quoted(name)} IS NOT NULL" for name in tree.root.key) or "1"
        if self.what == "orphans":
            return self._orphans(of), []
        if self.what == "fileless":
            wanted, values = _among(tree.root, of, self.keys)
            return f"{keyed} AND {wanted}", values
        return self._aged(tree, of, keyed)

    def _aged(self, tree: Tree, of: str, keyed: str) -> tuple[str, list[Any]]:
        told, values = [keyed], list[Any]()
        time = self.time(of)
        for sign, bound in ((">", self.from_ns), ("<=", self.to_ns)):
            if bound is not None:
                told.append(f"{time} {sign} ?")
                values.append(bound)
        for one in self.spared:
            shown = _time(of, *_clock(one)) if one.clock else time
            ranged = f"{shown} BETWEEN ? AND ?"
            values += [one.from_ns, one.to_ns]
            if one.keys:
                among, keys = _among(tree.root, of, one.keys)
                ranged, values = f"{ranged} AND {among}", values + keys
            told.append(f"({ranged}) IS NOT TRUE")
        return " AND ".join(told), values

    def _orphans(self, of: str) -> str:
        named = " AND ".join(f"{of}.{quoted(name)} IS NOT NULL" for name in self.columns)
        there = joined(of, self.columns, "p", self.parent_key, alike=False)
        return f"{named} AND NOT EXISTS (SELECT 1 FROM main.{quoted(self.parent)} p WHERE {there})"


def _clock(one: Spared) -> tuple[str, str | None, str]:
    return one.clock, one.unit, one.since


def _time(of: str, column: str, unit: str | None, since: str) -> str:
    name = f"{of}.{quoted(column)}"
    if not since:
        return clock(name, unit)
    return deleted(name, unit, clock(f"{of}.{quoted(since)}", unit))


def _keys(told: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(key) for key in told)


def _among(table: Table, of: str, keys: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return the condition that a row has one of these keys."""
    if not keys:
        return "0", []
    row = f"({', '.join('?' * len(table.key))})"
    values = [value for key in keys for value in key]
    return f"({listed(table.key, of)}) IN (VALUES {', '.join([row] * len(keys))})", values
