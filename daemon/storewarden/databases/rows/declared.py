"""Holds what the configuration declares of tables against the database that has them.

Pure reading: nothing is touched, and everything that is wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storewarden.config.schema import TableSettings
from storewarden.databases.rows.tables import Declared, Reference, Table, Tree
from storewarden.errors import PermanentError

if TYPE_CHECKING:
    import apsw

OURS: Final = "storewarden_"
"""How names of ours begin in an archive; no table and no column of a declared one may."""

_ROWIDS: Final = ("rowid", "_rowid_", "oid")
_HIDDEN, _VIRTUAL, _STORED = 1, 2, 3  # of PRAGMA table_xinfo
_MOST_TABLES: Final = 40
_AFFINITIES: Final = (
    (("INT",), "numeric"),  # as integers and others compare
    (("CHAR", "CLOB", "TEXT"), "text"),
    (("BLOB",), "blob"),
    (("REAL", "FLOA", "DOUB"), "numeric"),
)


def family(settings: TableSettings, others: Iterable[TableSettings]) -> Declared:
    """Return a table with all below it: a child that is declared itself brings its children.

    Raises:
        PermanentError: a table is below itself.
    """
    same = {one.table.lower(): one for one in others if one.database == settings.database}
    return _family(settings, same, (settings.table,), settings)


def _family(
    one: TableSettings,
    others: dict[str, TableSettings],
    above: tuple[str, ...],
    first: TableSettings,
) -> Declared:
    children = []
    for name, columns in one.children:
        way = (*above, name)
        if name.lower() in (each.lower() for each in above):
            raise PermanentError(
                "a declared table cannot be used",
                where=f"{first.declared_at or 'the configuration'}: tables.{first.name}",
                why=f"{name} is below itself: {' > '.join(way)}",
                remedy="take it out of the children of one of them",
            )
        known = others.get(name.lower())
        child = _family(known, others, way, first) if known else Declared(name, ())
        children.append((columns, child))
    return Declared(one.table, one.key, tuple(children))


class Columns(NamedTuple):
    """Columns that a policy or the configuration names besides keys."""

    clocks: tuple[str, ...] = ()
    file: str | None = None


def check(connection: apsw.Connection, declared: Declared, named: Columns, where: str) -> Tree:
    """Return the tables as they are.

    Raises:
        PermanentError: all that is wrong with what was declared, and where.
    """
    found = _Check(connection, {})
    problems: list[str] = []
    tables: list[Table] = []
    for one, parent, columns in flat(declared):
        problems += found.table(one, parent, columns, tables)
    if not problems:
        problems += found.columns(tables[0].name, named)
    if problems:
        raise PermanentError(
            "a declared table cannot be used",
            where=where,
            why="; ".join(problems),
            remedy="nothing was touched; correct it there",
        )
    return found.tree(tables)


def flat(declared: Declared) -> Iterator[tuple[Declared, int | None, tuple[str, ...]]]:
    """Yield tables with the number of their parent, parents first."""
    waiting: list[tuple[Declared, int | None, tuple[str, ...]]] = [(declared, None, ())]
    for number in range(_MOST_TABLES):
        if number >= len(waiting):
            return
        one = waiting[number]
        yield one
        waiting += [(child, number, columns) for columns, child in one[0].children]


class _Check:
    """Asks a database about its tables; ``met`` are those that were found, by their names."""

    def __init__(self, connection: apsw.Connection, met: dict[str, str]) -> None:
        self._connection = connection
        self._met = met
        self._kinds = {
            str(name).lower(): (str(name), str(kind), bool(without))
            for _, name, kind, _, without, _ in self._rows("PRAGMA main.table_list")
        }

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(sql, values))

    def table(
        self, one: Declared, parent: int | None, up: tuple[str, ...], tables: list[Table]
    ) -> Iterator[str]:
        """Add a table to ``tables``; yield what is wrong with it."""
        name, kind, without = self._kinds.get(one.table.lower(), (one.table, "", False))
        wrong = self._unfit(name, kind)
        columns = self._columns(name)
        wrong = wrong or next(
            (f"{name} has a column {each}, a name of ours" for each in columns if _ours(each)), ""
        )
        if wrong:
            yield wrong
            tables.append(Table(name, (), (), has_rowid=False, key=()))
            return
        missing = [each for each in (*one.key, *up) if each.lower() not in map(str.lower, columns)]
        yield from (f"{name} has no column {each}{near(each, columns)}" for each in missing)
        unique = tuple(self._apart(name))
        primary = self._primary(name)
        if one.key and not missing and not _tells_apart(one.key, unique):
            keys = " or ".join(", ".join(each) for each in unique) or "it has no such key"
            yield f"{', '.join(one.key)} does not tell rows of {name} apart: {keys}"
        rowid = None if without else self._rowid(columns)
        if rowid is None and not without:
            yield f"{name} has columns named {', '.join(_ROWIDS)}, so that its rows cannot be met"
        above = tables[parent] if parent is not None else None
        if above is not None and above.columns and len(up) != len(above.key or ()):
            yield f"{name}: {', '.join(up)} names no key of {above.name}; declare {above.name}"
        tables.append(
            Table(
                *(name, tuple(self._stored(name))),
                identity=(rowid,) if rowid else primary,
                has_rowid=rowid is not None,
                key=tuple(_as_there(one.key, columns)) or primary,
                loose=self._loose(name),
                apart=unique,
                parent=parent,
                columns_up=tuple(_as_there(up, columns)),
                alike=(alike := above is None or self._alike(name, up, above.name, above.key)),
                indexed=above is None or (alike and self._indexed(name, up, primary)),
            )
        )

    def columns(self, table: str, named: Columns) -> Iterator[str]:
        """Yield what is wrong with columns that are named besides."""
        columns = self._columns(table)
        for name in (*named.clocks, *filter(None, [named.file])):
            if name.lower() not in map(str.lower, columns):
                yield f"{table} has no column {name}{near(name, columns)}"

    def tree(self, tables: Sequence[Table]) -> Tree:
        """Return the tables with what refers to them, and whether they have triggers."""
        names = {table.name.lower() for table in tables}
        events = [
            str(sql).upper()
            for about, sql in self._rows(
                "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'"
            )
            if str(about).lower() in names
        ]
        return Tree(
            tuple(tables),
            tuple(self._references(tables)),
            deleting=any("DELETE" in sql for sql in events),
            inserting=any("INSERT" in sql for sql in events),
        )

    def _unfit(self, name: str, kind: str) -> str:
        if not kind:
            hint = near(name, [each for each, _, _ in self._kinds.values()])
            return f"there is no table {name}{hint}"
        if kind != "table":
            return f"{name} is no table but a {kind if kind != 'virtual' else 'virtual table'}"
        if _ours(name) or name.lower().startswith("sqlite_"):
            return f"{name} is a name that no declared table can have"
        if name.lower() in self._met:
            return f"{name} is there twice, as a child of two tables"
        self._met[name.lower()] = name
        return ""

    def _columns(self, table: str) -> list[str]:
        return [str(row[1]) for row in self._rows("SELECT * FROM pragma_table_xinfo(?)", table)]

    def _stored(self, table: str) -> Iterator[str]:
        """Yield columns that hold what was written: not those that are computed."""
        for row in self._rows("SELECT * FROM pragma_table_xinfo(?)", table):
            if row[6] not in (_HIDDEN, _VIRTUAL, _STORED):
                yield str(row[1])

    def _primary(self, table: str) -> tuple[str, ...]:
        rows = self._rows("SELECT pk, name FROM pragma_table_info(?) WHERE pk ORDER BY pk", table)
        return tuple(str(name) for _, name in rows)

    def _rowid(self, columns: Sequence[str]) -> str | None:
        taken = {each.lower() for each in columns}
        return next((each for each in _ROWIDS if each not in taken), None)

    def _apart(self, table: str) -> Iterator[tuple[str, ...]]:
        """Yield the columns that no two rows have alike."""
        primary = self._primary(table)
        if primary:
            yield primary
        for _, index, unique, origin, partial in self._rows(
            "SELECT * FROM pragma_index_list(?)", table
        ):
            if not unique or partial or origin == "pk":
                continue
            columns = self._index(index)
            if None not in columns:
                yield tuple(str(each) for each in columns)

    def _index(self, index: str) -> list[str | None]:
        return [name for _, _, name in self._rows("SELECT * FROM pragma_index_info(?)", index)]

    def _indexed(self, table: str, columns: Sequence[str], primary: tuple[str, ...]) -> bool:
        wanted = {each.lower() for each in columns}
        there = [list(primary)] + [
            [each or "" for each in self._index(index)]
            for _, index, _, _, partial in self._rows("SELECT * FROM pragma_index_list(?)", table)
            if not partial
        ]
        return any({each.lower() for each in one[: len(wanted)]} == wanted for one in there)

    def _references(self, tables: Sequence[Table]) -> Iterator[Reference]:
        """Yield which rows refer to rows of these tables, but those of a child to its parent."""
        names = {table.name.lower(): table for table in tables}
        for source, kind, _ in self._kinds.values():
            if kind != "table":
                continue
            for target, pairs in self._foreign(source):
                table = names.get(target.lower())
                if table is None:
                    continue
                columns = tuple(str(each) for each, _ in pairs)
                there = tuple(str(to) for _, to in pairs if to is not None) or self._primary(target)
                child = names.get(source.lower())
                if child is not None and _is_up(child, columns, table, tables):
                    continue
                if len(there) == len(columns):
                    alike = self._alike(source, columns, table.name, there)
                    yield Reference(source, columns, table.name, there, alike)

    def _alike(self, child: str, columns: Sequence[str], parent: str, key: Sequence[str]) -> bool:
        """Whether columns compare alike on both sides: by affinity and by collation."""
        here, there = self._affinities(child), self._affinities(parent)
        pairs = zip(columns, key, strict=False)
        return all(
            here.get(a.lower()) == there.get(b.lower())
            and self._collation(child, a) == self._collation(parent, b)
            for a, b in pairs
        )

    def _collation(self, table: str, column: str) -> str:
        if column.lower() not in self._affinities(table):
            return ""  # that is told elsewhere
        return str(self._connection.column_metadata("main", table, column)[1]).upper()

    def _loose(self, table: str) -> tuple[str, ...]:
        rows = self._rows("SELECT name, upper(type) FROM pragma_table_xinfo(?)", table)
        return tuple(
            str(name) for name, type_ in rows if _affinity(type_) == "blob" or type_ == "ANY"
        )

    def _affinities(self, table: str) -> dict[str, str]:
        rows = self._rows("SELECT name, upper(type) FROM pragma_table_xinfo(?)", table)
        return {str(name).lower(): _affinity(str(type_)) for name, type_ in rows}

    def _foreign(self, source: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
        found: dict[int, tuple[str, list[tuple[str, str | None]]]] = {}
        for row in self._rows("SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq", source):
            found.setdefault(row[0], (str(row[2]), []))[1].append((row[3], row[4]))
        return list(found.values())


def _is_up(child: Table, columns: Sequence[str], parent: Table, tables: Sequence[Table]) -> bool:
    """Whether a reference is just that of a child to the row that it hangs on."""
    if child.parent is None or tables[child.parent] is not parent:
        return False
    return _folded(columns) == _folded(child.columns_up)


def _affinity(type_: str) -> str:
    """Return how a column of a type holds values, by SQLite's rules."""
    for words, affinity in _AFFINITIES:
        if any(word in type_ for word in words):
            return affinity
    return "numeric" if type_ else "blob"


def _ours(name: str) -> bool:
    return name.lower().startswith(OURS)


def _folded(names: Iterable[str]) -> list[str]:
    return [each.lower() for each in names]


def _as_there(names: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    """Yield names as the database writes them."""
    written = {each.lower(): each for each in columns}
    yield from (written.get(each.lower(), each) for each in names)


def _tells_apart(key: Sequence[str], apart: Iterable[Sequence[str]]) -> bool:
    wanted = set(_folded(key))
    return any(set(_folded(one)) <= wanted for one in apart)


def near(name: str, names: Sequence[str]) -> str:
    """Return which name may be meant, in words; "" when none is like it."""
    from storewarden.config.problems import nearest  # noqa: PLC0415  # mistakes are rare

    alike = nearest(name.lower(), [each.lower() for each in names])
    return f" (is {alike} meant?)" if alike else ""
