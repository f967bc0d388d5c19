"""The tables of a database as a value, so that two can be compared: as migrated and as declared."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storewarden.catalogue.declared import INDEXES, MODELS, VIEWS, WORDS
from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.orm import Model, SchemaManager
from storewarden.catalogue.sqlite import SqliteEngine

SCRATCH = "storewarden_scratch"


@dataclass(frozen=True, slots=True)
class Column:
    """One column, its type in the database's own words."""

    type: str
    null: bool
    default: str | None
    key: int  # its place in the primary key, 0 for none


@dataclass(frozen=True, slots=True)
class Reference:
    """One foreign key."""

    column: str
    table: str
    target: str
    on_delete: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table without its indexes."""

    columns: Mapping[str, Column]
    checks: Mapping[str, str] = field(default_factory=dict)
    references: frozenset[Reference] = frozenset()
    unique: frozenset[tuple[str, ...]] = frozenset()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables, and all indexes that are not a constraint's own, by name.

    ``others`` are views, and the virtual tables and the triggers of SQLite. What a virtual table
    keeps its rows in is its own affair and no table here.
    """

    tables: Mapping[str, Table]
    indexes: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)


def read(engine: Engine) -> Schema:
    """Return the schema of an open catalogue."""
    return _read_sqlite(engine) if engine.dialect == "sqlite" else _read_postgres(engine)


def declared(engine: Engine) -> Schema:
    """Return the schema that the models ask for, as this kind of database understands them."""
    with scratch(engine) as empty:
        build(empty)
        return read(empty)


def build(engine: Engine) -> None:
    """Make what the models ask for, inside the open transaction."""
    for model in MODELS:
        engine.execute(creation(engine, model))
    for statement in (*INDEXES.values(), *WORDS[engine.dialect]):
        engine.execute(statement)
    for view in VIEWS.values():
        engine.execute(speak(view, engine.dialect))


def creation(engine: Engine, model: type[Model]) -> str:
    """Return the CREATE TABLE that peewee makes of a model."""
    manager: Any = SchemaManager(model, database=engine.peewee)
    sql, params = manager._create_table(safe=False).query()  # noqa: SLF001  # there is no other
    if params:
        raise ValueError(f"{model.__name__} declares values that DDL cannot take: {params}")
    return f"{sql} STRICT" if engine.dialect == "sqlite" else str(sql)


class _Undo(Exception):
    """Ends a transaction that was never meant to last."""


@contextmanager
def scratch(engine: Engine) -> Iterator[Engine]:
    """Lend an empty database of the same kind, inside a transaction, and leave no trace of it."""
    if engine.dialect == "postgresql":
        with _undone(engine):
            engine.execute(f"CREATE SCHEMA {SCRATCH}")
            engine.execute(f"SET LOCAL search_path = {SCRATCH}")
            yield engine
        return
    with tempfile.TemporaryDirectory(prefix="storewarden-") as directory:
        empty = SqliteEngine(Path(directory) / "scratch.db")
        try:
            with _undone(empty):
                yield empty
        finally:
            empty.close()


@contextmanager
def _undone(engine: Engine) -> Iterator[None]:
    try:
        with engine.transaction():
            engine.no_time_limit()
            yield
            raise _Undo
    except _Undo:
        return


def differences(have: Schema, want: Schema) -> list[str]:
    """Return a sentence for everything in which two schemas differ."""
    found = _between("table", have.tables, want.tables)
    for name in have.tables.keys() & want.tables.keys():
        ours, theirs = have.tables[name], want.tables[name]
        found += _between(f"{name}: column", ours.columns, theirs.columns)
        found += _between(f"{name}: check", ours.checks, theirs.checks)
        for what in ("references", "unique", "strict"):
            if getattr(ours, what) != getattr(theirs, what):
                found.append(
                    f"{name}: {what} is {getattr(ours, what)}, not {getattr(theirs, what)}"
                )
        if list(ours.columns) != list(theirs.columns) and not found:
            found.append(f"{name}: columns stand in another order")
    found += _between("index", have.indexes, want.indexes)
    return sorted(found + _between("table, view or trigger", have.others, want.others))


def _between(what: str, have: Mapping[str, object], want: Mapping[str, object]) -> list[str]:
    found = [f"{what} {name} is missing" for name in want if name not in have]
    found += [f"{what} {name} is not declared" for name in have if name not in want]
    return found + [
        f"{what} {name} is {have[name]}, not {want[name]}"
        for name in have
        if name in want and not isinstance(have[name], Table) and have[name] != want[name]
    ]


# -- SQLite ---------------------------------------------------------------------------------------


def _read_sqlite(engine: Engine) -> Schema:
    made = engine.execute(
        "SELECT type, name, sql FROM sqlite_schema"
        " WHERE name NOT LIKE 'sqlite_%' AND sql IS NOT NULL ORDER BY name"
    )
    plain, virtual = _sqlite_names(engine, "table"), _sqlite_names(engine, "virtual")
    return Schema(
        tables={
            name: _sqlite_table(engine, name, sql)
            for kind, name, sql in made
            if kind == "table" and name in plain
        },
        indexes={name: _plain(sql) for kind, name, sql in made if kind == "index"},
        others={
            name: _plain(sql)
            for kind, name, sql in made
            if kind in {"trigger", "view"} or name in virtual
        },
    )


def _sqlite_names(engine: Engine, type_: str) -> set[str]:
    rows = engine.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = ?", (type_,)
    )
    return {name for (name,) in rows}


def _sqlite_table(engine: Engine, name: str, sql: str) -> Table:
    columns = {
        column: Column(type_, not required, default, key)
        for column, type_, required, default, key in engine.execute(
            'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY cid',
            (name,),
        )
    }
    references = frozenset(
        Reference(*row)
        for row in engine.execute(
            'SELECT "from", "table", "to", on_delete FROM pragma_foreign_key_list(?)', (name,)
        )
    )
    unique = frozenset(
        tuple(
            column
            for (column,) in engine.execute(
                "SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)
            )
        )
        for (index,) in engine.execute(
            "SELECT name FROM pragma_index_list(?) WHERE origin = 'u'", (name,)
        )
    )
    strict = sql.rstrip().upper().endswith("STRICT")
    return Table(columns, dict(_checks(sql)), references, unique, strict)


def _checks(sql: str) -> Iterator[tuple[str, str]]:
    """Yield the named CHECKs of a CREATE TABLE."""
    for match in re.finditer(r"CONSTRAINT\s+(\w+)\s+CHECK\s*\(", sql):
        depth, at = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[at], 0)
            at += 1
        yield match[1], _plain(sql[match.end() : at - 1])


def _plain(sql: str) -> str:
    """Return SQL without what means nothing: quotes of names, and how it is spaced."""
    spaced = re.sub(r'"(\w+)"', r"\1", " ".join(sql.split()))
    return re.sub(r"\s*([(),])\s*", r"\1", spaced)


# -- PostgreSQL -----------------------------------------------------------------------------------


def _read_postgres(engine: Engine) -> Schema:
    names = [
        name
        for (name,) in engine.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        )
    ]
    indexes = engine.execute(
        "SELECT i.indexname, i.indexdef, i.schemaname FROM pg_indexes i"
        " WHERE i.schemaname = current_schema() AND NOT EXISTS (SELECT 1 FROM pg_constraint c"
        " WHERE c.contype <> 'f' AND c.conindid ="
        " (quote_ident(i.schemaname) || '.' || quote_ident(i.indexname))::regclass)"
        " ORDER BY 1"
    )
    return Schema(
        tables={name: _postgres_table(engine, name) for name in names},
        indexes={name: sql.replace(f"{schema}.", "") for name, sql, schema in indexes},
        others={
            name: sql.replace(f"{schema}.", "")
            for name, sql, schema in engine.execute(
                "SELECT viewname, definition, schemaname FROM pg_views"
                " WHERE schemaname = current_schema()"
            )
        },
    )


def _postgres_table(engine: Engine, name: str) -> Table:
    keys = _key_columns(engine, name)
    columns = {
        column: Column(type_, null == "YES", _without_schema(default), keys.get(column, 0))
        for column, type_, null, default in engine.execute(
            "SELECT column_name, data_type, is_nullable, column_default"
            " FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
            (name,),
        )
    }
    constraints = engine.execute(
        "SELECT contype::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ?::regclass",
        (name,),
    )
    return Table(
        columns,
        {name: sql for kind, name, sql in constraints if kind == "c"},
        frozenset(_reference(sql) for kind, _, sql in constraints if kind == "f"),
        frozenset(_listed(sql) for kind, _, sql in constraints if kind == "u"),
    )


def _key_columns(engine: Engine, table: str) -> dict[str, int]:
    rows = engine.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ?::regclass AND contype = 'p'",
        (table,),
    )
    columns = _listed(rows[0][0]) if rows else ()
    return {column: place for place, column in enumerate(columns, 1)}


def _reference(sql: str) -> Reference:
    match = re.fullmatch(
        r"FOREIGN KEY \((\w+)\) REFERENCES (?:\w+\.)?(\w+)\((\w+)\)(?: ON DELETE ([A-Z ]+))?", sql
    )
    if match is None:
        raise ValueError(f"a foreign key that cannot be read: {sql}")
    return Reference(match[1], match[2], match[3], match[4] or "NO ACTION")


def _listed(sql: str) -> tuple[str, ...]:
    """Return the columns in the parentheses of a constraint."""
    return tuple(part.strip() for part in sql[sql.index("(") + 1 : sql.index(")")].split(","))


def _without_schema(default: str | None) -> str | None:
    return re.sub(r"nextval\('(?:\w+\.)?(\w+)'", r"nextval('\1'", default) if default else default
