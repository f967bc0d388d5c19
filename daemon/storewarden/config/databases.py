"""Databases that are looked after though no root holds them, or under a name of their own."""

from __future__ import annotations

import re

from storewarden.config.keys import (
    DATABASE_KEYS,
    DATABASE_PATH,
    DATABASE_URL,
    DATABASES,
    NAME,
    NAME_RULE,
)
from storewarden.config.problems import joined, shown
from storewarden.config.schema import DatabaseSettings
from storewarden.config.sheet import Sheet
from storewarden.config.yamltext import Entry, Mapping, Scalar

_NAME = re.compile(NAME)
_EXAMPLE = "databases: {app: {path: data/app.db}}"


def read_databases(sheet: Sheet, tree: Mapping) -> tuple[DatabaseSettings, ...]:
    """Return the databases that could be read."""
    entry = tree.entries.get(DATABASES)
    if entry is None:
        return ()
    databases = sheet.mapping(entry.node, DATABASES, _EXAMPLE)
    if databases is None:
        return ()
    read = [_database(sheet, name, one) for name, one in databases.entries.items()]
    return tuple(one for one in read if one is not None)


def _database(sheet: Sheet, name: str, entry: Entry) -> DatabaseSettings | None:
    where = joined(DATABASES, name)
    sheet.places[where] = entry.place
    if not _NAME.fullmatch(name):
        sheet.problems.add(entry.place, where, f"{shown(name)} is no name", NAME_RULE)
    node = entry.node
    if isinstance(node, Scalar) and not node.nothing:
        key = DATABASE_URL if "://" in node.text else DATABASE_PATH
        node = Mapping(node.place, {key.name: Entry(node.place, node)})
    mapping = sheet.mapping(node, where, f"{name}: {{path: data/{name}.db}}")
    if mapping is None or not mapping.entries:
        return None
    sheet.refuse_unknown(mapping, where, tuple(key.name for key in DATABASE_KEYS))
    path, url = (sheet.single(mapping, key, where) for key in (DATABASE_PATH, DATABASE_URL))
    _one_place(sheet, entry, mapping, where)
    if (path is None) == (url is None):
        return None
    return DatabaseSettings(name, path, url)


def _one_place(sheet: Sheet, entry: Entry, mapping: Mapping, where: str) -> None:
    """Say when a database is nowhere, or in two places."""
    path, url = (mapping.entries.get(key.name) for key in (DATABASE_PATH, DATABASE_URL))
    if path and url:
        hint = "keep one, or name two databases"
        sheet.problems.add(
            url.place, joined(where, DATABASE_URL.name), "path and url together", hint
        )
    if not path and not url:
        what = "says neither path nor url"
        hint = f"write path: {DATABASE_PATH.example} or url: {DATABASE_URL.example}"
        sheet.problems.add(entry.place, where, what, hint)
