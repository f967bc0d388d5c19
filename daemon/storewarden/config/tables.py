"""Tables of applications' databases, declared so that policies can speak of their rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from storewarden.config.keys import CHILDREN, MORE_TABLE_KEYS, TABLE_KEYS, TABLES, Key, Kind
from storewarden.config.problems import joined, shown
from storewarden.config.schema import DatabaseSettings, TableSettings
from storewarden.config.sheet import Sheet
from storewarden.config.yamltext import Entry, Mapping, Scalar

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62})?")
_RULE = "a name is like app.conversations: a-z, then a-z 0-9 _ -, and one dot at most"
_EXAMPLE = "{database: data/app.db, table: conversations, key: id, clock: updated_at}"
_ABOUT_CHILD = "The column that names the row it belongs to."
_CHILD = Key("", Kind.COLUMNS, "", _ABOUT_CHILD, "conversation_id")


def read_tables(
    sheet: Sheet, tree: Mapping, databases: Sequence[DatabaseSettings]
) -> tuple[TableSettings, ...]:
    """Return the tables that could be read; some may be in databases that have a name."""
    entry = tree.entries.get(TABLES)
    if entry is None:
        return ()
    tables = sheet.mapping(entry.node, TABLES, f"tables: {{app.conversations: {_EXAMPLE}}}")
    if tables is None:
        return ()
    names = {one.name: one for one in databases}
    read = [_table(sheet, name, table, names) for name, table in tables.entries.items()]
    return tuple(table for table in read if table is not None)


def _table(
    sheet: Sheet, name: str, entry: Entry, databases: dict[str, DatabaseSettings]
) -> TableSettings | None:
    where = f"{TABLES}.{name}" if _NAME.fullmatch(name) else joined(TABLES, name)
    sheet.places[where] = entry.place
    if not _NAME.fullmatch(name):
        sheet.problems.add(entry.place, where, f"{shown(name)} is no name", _RULE)
    mapping = sheet.mapping(entry.node, where, _EXAMPLE)
    if mapping is None or not mapping.entries:
        return None
    keys = (*TABLE_KEYS, *MORE_TABLE_KEYS)
    sheet.refuse_unknown(mapping, where, (*(key.name for key in keys), CHILDREN))
    database = _database(sheet, mapping, where, databases)
    values: dict[str, Any] = {"database": None if database is None else database.place}
    for key in TABLE_KEYS:
        if key.name not in values:
            values[key.name] = sheet.single(mapping, key, where)
        if key.name not in mapping.entries:
            hint = f"write {key.name}: {key.example}"
            sheet.problems.add(entry.place, joined(where, key.name), "is missing", hint)
    more = {
        key.name: sheet.single(mapping, key, where)
        for key in MORE_TABLE_KEYS
        if key.name in mapping.entries
    }
    children = _children(sheet, mapping, where, values["key"])
    if database is not None and database.url and "file" in more and "files" not in mapping.entries:
        what = "names files, and nothing says where their paths begin"
        sheet.problems.add(mapping.entries["file"].place, joined(where, "file"), what, "add files:")
    if None in values.values() or None in more.values():
        return None
    url = None if database is None else database.url
    return TableSettings(
        name=name, children=children, url=url, declared_at=str(entry.place), **values, **more
    )


def _database(
    sheet: Sheet, table: Mapping, where: str, databases: dict[str, DatabaseSettings]
) -> DatabaseSettings | None:
    """Return where a table is: by a name, an address, or a path."""
    key = TABLE_KEYS[0]
    entry = table.entries.get(key.name)
    text = entry.node.text if entry is not None and isinstance(entry.node, Scalar) else ""
    if text in databases:
        return databases[text]
    if "://" in text:
        url = sheet.single(table, replace(key, kind=Kind.SERVER), where)
        return None if url is None else DatabaseSettings("", url=url)
    path = sheet.single(table, key, where)
    return None if path is None else DatabaseSettings("", path)


def _children(
    sheet: Sheet, table: Mapping, where: str, key: tuple[str, ...] | None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tables whose rows go with a row of this one, each with its columns."""
    entry = table.entries.get(CHILDREN)
    if entry is None:
        return ()
    where = joined(where, CHILDREN)
    mapping = sheet.mapping(entry.node, where, "children: {messages: conversation_id}")
    if mapping is None:
        return ()
    read = []
    for name, child in mapping.entries.items():
        path = joined(where, name)
        columns = sheet.reader.value(_CHILD, child.node, path)
        if not sheet.reader.is_column(name, child.place, path) or columns is None:
            continue
        if key is not None and len(columns) != len(key):
            what = f"{len(columns)} columns name a row that {len(key)} tell apart"
            sheet.problems.add(child.place, path, what, f"one each for {', '.join(key)}")
        read.append((name, columns))
    return tuple(read)
