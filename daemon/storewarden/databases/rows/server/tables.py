"""Tables as a PostgreSQL server has them, held against what the configuration declares of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from storewarden.databases.rows.declared import OURS, Columns, flat, near
from storewarden.databases.rows.server.talking import Refused, Server, first, text
from storewarden.databases.rows.tables import Declared
from storewarden.errors import PermanentError

_KINDS: Final = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "i": "an index",
    "c": "a type",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Rows of a table that name rows of another by a foreign key; tables by their numbers there."""

    source: int
    columns: tuple[str, ...]
    target: int
    names: tuple[str, ...]
    source_place: str
    firm: bool  # whether a row that names another keeps it from going at once


@dataclass(frozen=True, slots=True)
class Held:
    """A table: what is archived of it, and what tells its rows apart."""

    name: str
    number: int  # what the server calls it
    place: str  # as SQL takes it
    columns: tuple[str, ...] = ()  # those that can be written
    types: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    parent: int | None = None  # its place in the tree
    columns_up: tuple[str, ...] = ()
    indexed: bool = True
    firm: bool = True  # whether nothing can come to hang on a row that we hold

    @property
    def typed(self) -> Mapping[str, str]:
        """The types of its columns."""
        return dict(zip(self.columns, self.types, strict=True))


@dataclass(frozen=True, slots=True)
class Tree:
    """A declared table, the first, and all below it, parents before their children."""

    tables: tuple[Held, ...]
    links: tuple[Link, ...] = ()  # besides those from child to parent

    @property
    def root(self) -> Held:
        """The declared table itself."""
        return self.tables[0]

    def at(self, number: int) -> int | None:
        """Return the place in the tree of a table with a number."""
        found = (at for at, table in enumerate(self.tables) if table.number == number)
        return next(found, None)

    def below(self) -> Iterator[tuple[int, Held, Held]]:
        """Yield each child, with its place and its parent."""
        for at, table in enumerate(self.tables):
            if table.parent is not None:
                yield at, table, self.tables[table.parent]


def quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def check(server: Server, declared: Declared, columns: Columns, where: str) -> Tree:
    """Return the tables as they are.

    Raises:
        PermanentError: all that is wrong with what was declared, and where.
    """
    found = _Check(server)
    problems: list[str] = []
    tables: list[Held] = []
    for one, parent, up in flat(declared):
        problems += found.table(one, parent, up, tables)
    if tables[0].columns:
        for name in (*columns.clocks, *filter(None, [columns.file])):
            if _named(name, tables[0].columns) is None:
                problems.append(f"{tables[0].name} has no column {name}")
    if problems:
        raise PermanentError(
            "a declared table cannot be used",
            where=where,
            why="; ".join(problems),
            remedy="nothing was touched; correct it there",
        )
    return found.tree(tables)


def find(server: Server, name: str) -> Held | None:
    """Return a table by its name; None where there is none."""
    return _Check(server).found(name)[0]


class _Check:
    """Asks a server about its tables."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def found(self, name: str) -> tuple[Held | None, str]:
        """Return a table, or what is wrong with it."""
        number = first(
            self._server.rows("SELECT to_regclass(quote_ident($1))::oid", [name.encode()])
        )
        if number is None:
            alike = self._server.rows(
                "SELECT oid FROM pg_class WHERE lower(relname) = lower($1)"
                " AND relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(oid)",
                [name.encode()],
            )
            number = alike[0][0] if len(alike) == 1 else None
        if number is None:
            names = self._server.rows(
                "SELECT relname FROM pg_class"
                " WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
                " AND relnamespace <> 'pg_catalog'::regnamespace"
            )
            return None, f"there is no table {name}{near(name, [text(each) for (each,) in names])}"
        ((schema, called, kind, heirs),) = self._server.rows(
            "SELECT n.nspname, c.relname, c.relkind::text, (SELECT count(*) FROM pg_inherits i"
            " WHERE i.inhparent = c.oid AND c.relkind = 'r') FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid",
            [number],
        )
        if text(kind) not in ("r", "p"):
            return None, f"{name} is no table but {_KINDS.get(text(kind), 'something else')}"
        if heirs != b"0":
            return None, f"{name} has tables that inherit from it, whose rows no key tells apart"
        place = f"{quoted(text(schema))}.{quoted(text(called))}"
        columns = self._server.rows(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' ORDER BY attnum",
            [number],
        )
        unique = tuple(self._apart(int(number)))
        whole = [names for names, filled in unique if filled]
        return (
            Held(
                *(text(called), int(number), place),
                columns=tuple(text(each) for each, _ in columns),
                types=tuple(text(each) for _, each in columns),
                identity=whole[0] if whole else (),
                apart=tuple(names for names, _ in unique),
            ),
            "",
        )

    def table(
        self, one: Declared, parent: int | None, up: tuple[str, ...], tables: list[Held]
    ) -> Iterator[str]:
        """Add a table to ``tables``; yield what is wrong with it."""
        found, wrong = self.found(one.table)
        if found is not None and any(found.number == each.number for each in tables):
            wrong = f"{found.name} is there twice, as a child of two tables"
        ours = [each for each in (found.columns if found else ()) if each.lower().startswith(OURS)]
        if ours:
            wrong = f"{one.table} has a column {ours[0]}, a name of ours"
        if wrong or found is None:
            yield wrong
            tables.append(Held(one.table, 0, ""))
            return
        missing = [each for each in (*one.key, *up) if _named(each, found.columns) is None]
        yield from (
            f"{found.name} has no column {each}{near(each, found.columns)}" for each in missing
        )
        key = tuple(_named(each, found.columns) or each for each in one.key) or found.identity
        if not found.identity:
            yield f"{found.name} has no key: nothing tells its rows apart"
        elif not missing and not any(set(each) <= set(key) for each in found.apart):
            keys = " or ".join(", ".join(each) for each in found.apart)
            yield f"{', '.join(key)} does not tell rows of {found.name} apart: {keys}"
        above = tables[parent] if parent is not None else None
        columns_up = tuple(_named(each, found.columns) or each for each in up)
        if above is not None and above.columns and not missing:
            yield from self._hangs(found, columns_up, above)
        tables.append(
            Held(
                *(found.name, found.number, found.place, found.columns, found.types),
                *(key, found.identity, found.apart, parent, columns_up),
                indexed=above is None or self._indexed(found.number, columns_up),
            )
        )

    def _hangs(self, child: Held, up: Sequence[str], above: Held) -> Iterator[str]:
        """Yield why rows of a child cannot name those above."""
        if len(up) != len(above.key):
            named = ", ".join(up)
            yield f"{child.name}: {named} names no key of {above.name}; declare {above.name}"
            return
        pairs = zip(up, above.key, strict=True)
        on = " AND ".join(f"p.{quoted(b)} = m.{quoted(a)}" for a, b in pairs)
        try:
            self._server.rows(f"SELECT 1 FROM {child.place} m JOIN {above.place} p ON {on} LIMIT 0")
        except Refused as error:
            yield f"{child.name}: {', '.join(up)} cannot be compared with {above.name}: {error.why}"

    def _apart(self, number: int) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Yield columns that no two rows have alike, and whether none of them is ever empty."""
        rows = self._server.rows(
            "SELECT i.indexrelid, a.attname, a.attnotnull FROM pg_index i"
            " JOIN unnest(i.indkey) WITH ORDINALITY k (attnum, at) ON k.at <= i.indnkeyatts"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
            " WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL"
            " AND i.indexprs IS NULL ORDER BY NOT i.indisprimary, i.indexrelid, k.at",
            [str(number).encode()],
        )
        found: dict[bytes, list[tuple[str, bool]]] = {}
        for index, name, filled in rows:
            found.setdefault(index or b"", []).append((text(name), filled == b"t"))
        for columns in found.values():
            yield tuple(name for name, _ in columns), all(filled for _, filled in columns)

    def _indexed(self, number: int, columns: Sequence[str]) -> bool:
        rows = self._server.rows(
            "SELECT array_agg(a.attname::text ORDER BY k.at)::text FROM pg_index i"
            " JOIN unnest(i.indkey) WITH ORDINALITY k (attnum, at)"
            f" ON k.at <= least(i.indnkeyatts, {len(columns)})"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
            " WHERE i.indrelid = $1::oid AND i.indpred IS NULL AND i.indisvalid"
            " GROUP BY i.indexrelid",
            [str(number).encode()],
        )
        wanted = set(columns)
        return any(
            set(text(each).strip("{}").replace('"', "").split(",")) == wanted for (each,) in rows
        )

    def tree(self, tables: Sequence[Held]) -> Tree:
        """Return the tables with what refers to them."""
        links = list(self._links(tables))
        finished, others = [], []
        for table in tables:
            above = tables[table.parent] if table.parent is not None else None
            mine = [link for link in links if _is_up(link, table, above)]
            firm = above is None or any(link.firm for link in mine)
            finished.append(
                Held(
                    *(table.name, table.number, table.place, table.columns, table.types),
                    *(table.key, table.identity, table.apart, table.parent, table.columns_up),
                    *(table.indexed, firm),
                )
            )
            others += mine
        return Tree(tuple(finished), tuple(link for link in links if link not in others))

    def _links(self, tables: Sequence[Held]) -> Iterator[Link]:
        numbers = ", ".join(str(table.number) for table in tables)
        rows = self._server.rows(
            "SELECT o.oid, o.conrelid, o.confrelid, n.nspname, c.relname,"
            " a.attname, b.attname, o.convalidated AND NOT o.condeferrable FROM pg_constraint o"
            " JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN unnest(o.conkey, o.confkey) WITH ORDINALITY k (here, there, at) ON true"
            " JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.here"
            " JOIN pg_attribute b ON b.attrelid = o.confrelid AND b.attnum = k.there"
            f" WHERE o.contype = 'f' AND o.conparentid = 0 AND o.confrelid IN ({numbers})"
            " ORDER BY o.oid, k.at"
        )
        found: dict[bytes, list[tuple[bytes | None, ...]]] = {}
        for row in rows:
            found.setdefault(row[0] or b"", []).append(row)
        for pairs in found.values():
            _, source, target, schema, name, _, _, firm = pairs[0]
            yield Link(
                *(int(source or 0), tuple(text(row[5]) for row in pairs)),
                *(int(target or 0), tuple(text(row[6]) for row in pairs)),
                source_place=f"{quoted(text(schema))}.{quoted(text(name))}",
                firm=firm == b"t",
            )


def _is_up(link: Link, child: Held, above: Held | None) -> bool:
    """Whether a reference is just that of a child to the row that it hangs on."""
    if above is None or (link.source, link.target) != (child.number, above.number):
        return False
    there = set(zip(link.columns, link.names, strict=True))
    return there == set(zip(child.columns_up, above.key, strict=False))


def _named(name: str, known: Iterable[str]) -> str | None:
    there = list(known)
    if name in there:
        return name
    folded = [each for each in there if each.lower() == name.lower()]
    return folded[0] if len(folded) == 1 else None
