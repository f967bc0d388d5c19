"""What is known of a declared table and of the tables below it, as jobs hand it on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storewarden.databases.rows.pieces import joined


@dataclass(frozen=True, slots=True)
class Declared:
    """A table as the configuration declares it, with its children and theirs."""

    table: str
    key: tuple[str, ...]  # of a child that is declared by its parent alone, nothing
    children: tuple[tuple[tuple[str, ...], Declared], ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        children = [[list(columns), child.facts()] for columns, child in self.children]
        return {"table": self.table, "key": list(self.key), "children": children}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Declared:
        """Return what was told."""
        children = ((tuple(columns), cls.of(child)) for columns, child in facts["children"])
        return cls(str(facts["table"]), tuple(facts["key"]), tuple(children))


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows of a table that name rows of another, wherever that is said."""

    source: str
    columns: tuple[str, ...]
    target: str
    names: tuple[str, ...]
    alike: bool = True  # whether both columns hold values in the same way

    def sql(self, source: str, target: str) -> str:
        """Return that one row refers to another."""
        return joined(source, self.columns, target, self.names, alike=self.alike)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as its database has it: what is copied of it, and what tells its rows apart."""

    name: str
    columns: tuple[str, ...]  # those that can be written
    identity: tuple[str, ...]  # by which a row is met again: its rowid, else its key
    has_rowid: bool
    key: tuple[str, ...]
    loose: tuple[str, ...] = ()  # columns that can hold 1 and 1.0
    apart: tuple[tuple[str, ...], ...] = ()  # columns that no two of its rows have alike
    parent: int | None = None  # its number among the tables of the tree
    columns_up: tuple[str, ...] = ()  # which name its parent's key
    alike: bool = True  # whether these columns hold values as their parent's key does
    indexed: bool = True  # whether its rows of a parent are found without reading all of it


@dataclass(frozen=True, slots=True)
class Tree:
    """A declared table, the first, and all below it, parents before their children."""

    tables: tuple[Table, ...]
    references: tuple[Reference, ...] = ()  # besides those from child to parent
    deleting: bool = False  # whether the application has triggers for rows that go
    inserting: bool = False

    @property
    def root(self) -> Table:
        """The declared table itself."""
        return self.tables[0]

    def number(self, name: str) -> int | None:
        """Return the place of a table in the tree."""
        folded = name.lower()
        found = (at for at, table in enumerate(self.tables) if table.name.lower() == folded)
        return next(found, None)

    def below(self) -> Iterator[tuple[int, Table, Table]]:
        """Yield each child, with its number and its parent."""
        for at, table in enumerate(self.tables):
            if table.parent is not None:
                yield at, table, self.tables[table.parent]
