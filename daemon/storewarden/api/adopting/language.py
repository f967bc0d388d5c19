"""From the text of a map to a map: every problem is told at once, with file, line and column."""

from __future__ import annotations

import re
import zoneinfo
from collections import abc
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storewarden.api.adopting.kinds import KINDS, Map, TableMap, Telling, Through, Value, fields
from storewarden.api.fields import Field
from storewarden.config.problems import Origin, Problems, did_you_mean, joined, shown
from storewarden.config.yamltext import Broken, Entry, Items, Mapping, Node, Scalar
from storewarden.config.yamltext import read as read_tree
from storewarden.errors import MapError

_TOP: Final = ("version", "about", "times", "missing", "known_by", "tables")
_DETAILS: Final = (
    *("column", "through", "words", "otherwise", "is", "form", "unit", "cut", "columns", "json"),
)
_THROUGH: Final = ("table", "key", "take")
UNITS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}
_EXAMPLE: Final = "tables: {videos: {tell: file, path: file_path}}"
_FORM: Final = re.compile(r"[^{}]*\{\}[^{}]*")
_LONGEST: Final = 200


def read(name: str, data: bytes) -> Map:
    """Return the map that a file says; ``name`` is the file's, as people know it.

    Raises:
        MapError: everything that is wrong with it.
    """
    reader = _Reader(Problems())
    tree = read_tree(data, Origin(name, Path("/")), reader.problems)
    read_one = None if tree is None else reader.whole(name, tree)
    if reader.problems.found or read_one is None:
        raise MapError(reader.problems.lines())
    return read_one


@dataclass(frozen=True, slots=True)
class _Reader:
    problems: Problems

    # -- the whole ------------------------------------------------------------------------------

    def whole(self, name: str, tree: Node) -> Map | None:
        """Return a map, as far as it can be read."""
        top = self.mapping(tree, "", f"version: 1, and {_EXAMPLE}")
        if top is None:
            return None
        self.known(top, "", _TOP)
        version = self.word(top, "version", "")
        if version is None and "version" not in top.entries:
            self.problems.add(top.place, "version", "is missing", "write version: 1")
        elif version not in {"1", None}:
            entry = top.entries["version"]
            what = "this program knows version 1 only"
            self.problems.add(entry.node.place, "version", what, "write version: 1")
        return Map(
            name=name,
            tables=self.tables(top),
            about=self.word(top, "about", "") or "",
            zone=self.zone(top),
            lenient=self.choice(top, "missing", "", ("refuse", "ignore")) == "ignore",
            marks=self.names(top, "known_by", ""),
        )

    def zone(self, top: Mapping) -> str:
        """Return the time zone of times that tell none."""
        text = self.word(top, "times", "")
        if text is None:
            return "UTC"
        try:
            zoneinfo.ZoneInfo(text)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            place = top.entries["times"].node.place
            hint = "write UTC, or a zone as Europe/Berlin"
            self.problems.add(place, "times", f"there is no time zone {shown(text)}", hint)
        return text

    def tables(self, top: Mapping) -> tuple[TableMap, ...]:
        """Return what becomes of each table."""
        entry = top.entries.get("tables")
        if entry is None:
            self.problems.add(top.place, "tables", "is missing", f"write {_EXAMPLE}")
            return ()
        tables = self.mapping(entry.node, "tables", _EXAMPLE)
        if tables is None:
            return ()
        seen: dict[str, str] = {}
        found = []
        for name, one in tables.entries.items():
            path = joined("tables", name)
            if name.lower() in seen:
                what = f"is {seen[name.lower()]} once more"
                self.problems.add(one.place, path, what, "SQLite knows no capitals: join them")
            seen[name.lower()] = name
            nodes = one.node.nodes if isinstance(one.node, Items) else [one.node]
            many = isinstance(one.node, Items)
            if many and not nodes:
                self.problems.add(one.place, path, "is empty", "say what to tell, or leave it out")
            tellings = [
                self.telling(node, joined(path, str(number)) if many else path)
                for number, node in enumerate(nodes)
            ]
            told = tuple(each for each in tellings if each is not None)
            found.append(TableMap(name, str(one.place), told))
        return tuple(found)

    def telling(self, node: Node, path: str) -> Telling | None:
        """Return what rows of a table become."""
        one = self.mapping(node, path, "tell: file, path: file_path")
        if one is None:
            return None
        if "tell" not in one.entries:
            hint = f"write tell: and one of {', '.join(KINDS)}"
            self.problems.add(one.place, joined(path, "tell"), "is missing", hint)
            return None
        kind = self.choice(one, "tell", path, tuple(KINDS))
        if kind is None:
            return None
        known = fields(kind)
        self.known(one, path, ("tell", "if", *known))
        values = {}
        for name, entry in one.entries.items():
            if name in known:
                value = self.value(known[name], entry, joined(path, name))
                if value is not None:
                    values[name] = value
        for name, field in known.items():
            if field.required and name not in one.entries:
                hint = f"write {name}: and a column; {field.shape.words}"
                self.problems.add(one.place, joined(path, name), "is missing", hint)
        return Telling(kind, str(one.place), values, self.names(one, "if", path))

    # -- where a field comes from ---------------------------------------------------------------

    def value(self, field: Field, entry: Entry, path: str) -> Value | None:
        """Return where one field comes from."""
        place = str(entry.node.place)
        if isinstance(entry.node, Mapping):
            return self.details(field, entry.node, path)
        columns = self.listed(entry.node, path)
        if not columns:
            return None
        if _is_more(field):
            return Value(place, gathered=columns)
        return Value(place, columns)

    def details(self, field: Field, node: Mapping, path: str) -> Value | None:
        """Return what stands between braces."""
        self.known(node, path, _DETAILS)
        sources = [one for one in ("column", "is", "columns", "json") if one in node.entries]
        meant = set(sources)
        if not meant or (len(meant) > 1 and meant != {"columns", "json"}):
            what = f"has {' and '.join(sources)}" if sources else "names no column"
            self.problems.add(node.place, path, what, "write one of column:, is:, columns:, json:")
            return None
        if meant & {"columns", "json"} and not (_is_more(field) or field.nested):
            what = "is one value, and gathers no columns"
            self.problems.add(node.place, path, what, "write column:")
        return Value(
            str(node.place),
            columns=self.names(node, "column", path),
            through=self.through(node, path),
            words=self.words(node, field, path),
            otherwise=self.word(node, "otherwise", path),
            constant=self.word(node, "is", path),
            form=self.form(node, path),
            unit=self.choice(node, "unit", path, tuple(UNITS)) or "s",
            cut=self.truth(node, "cut", path),
            gathered=self.names(node, "columns", path),
            json=self.names(node, "json", path),
        )

    def through(self, node: Mapping, path: str) -> tuple[Through, ...]:
        """Return in which other tables, one after the other, a value is looked up."""
        entry = node.entries.get("through")
        if entry is None:
            return ()
        path = joined(path, "through")
        many = isinstance(entry.node, Items)
        steps = [
            self.step(one, joined(path, str(number)) if many else path)
            for number, one in enumerate(
                entry.node.nodes if isinstance(entry.node, Items) else [entry.node]
            )
        ]
        return tuple(step for step in steps if step is not None)

    def step(self, node: Node, path: str) -> Through | None:
        """Return in which other table a value is looked up."""
        one = self.mapping(node, path, "{table: videos, key: id, take: file_path}")
        if one is None:
            return None
        self.known(one, path, _THROUGH)
        for name in _THROUGH:
            if name not in one.entries:
                hint = "write {table: videos, key: id, take: file_path}"
                self.problems.add(one.place, joined(path, name), "is missing", hint)
        table, key = self.word(one, "table", path), self.word(one, "key", path)
        take = self.names(one, "take", path)
        return None if table is None or key is None or not take else Through(table, key, take)

    def words(self, node: Mapping, field: Field, path: str) -> tuple[tuple[str, str], ...]:
        """Return which words of the application mean which of ours."""
        entry = node.entries.get("words")
        if entry is None:
            return ()
        path = joined(path, "words")
        one = self.mapping(entry.node, path, "{completed: done}")
        found = []
        for name, each in one.entries.items() if one is not None else ():
            word = self.scalar(each.node, joined(path, name))
            choices = field.shape.one_of
            if word is not None and choices and word not in choices:
                hint = did_you_mean(word, list(choices), f"write one of {', '.join(choices)}")
                what = f"{shown(word)} is not known here"
                self.problems.add(each.node.place, joined(path, name), what, hint)
            elif word is not None:
                found.append((name.strip().lower(), word))
        return tuple(found)

    def form(self, node: Mapping, path: str) -> str:
        """Return the text into which a value is put."""
        text = self.word(node, "form", path)
        if text is None:
            return "{}"
        if not _FORM.fullmatch(text):
            place = node.entries["form"].node.place
            what = f"{shown(text)} has no place for the value, or several"
            self.problems.add(place, joined(path, "form"), what, 'write "workflow_{}"')
            return "{}"
        return text

    # -- shapes ---------------------------------------------------------------------------------

    def mapping(self, node: Node, path: str, example: str) -> Mapping | None:
        """Return keys with values, when there are any."""
        if isinstance(node, Mapping) and node.entries:
            return node
        if not isinstance(node, Broken):
            what = "is empty" if isinstance(node, Mapping) else "is not keys with values"
            self.problems.add(node.place, path, what, f"write {example}")
        return None

    def known(self, node: Mapping, path: str, names: tuple[str, ...]) -> None:
        """Say which keys there are not."""
        for name, entry in node.entries.items():
            if name not in names and not isinstance(entry.node, Broken):
                hint = did_you_mean(name, list(names), f"known are {', '.join(names)}")
                self.problems.add(entry.place, joined(path, name), "is an unknown key", hint)

    def scalar(self, node: Node, path: str) -> str | None:
        """Return one text that is there."""
        if isinstance(node, Scalar) and not node.nothing and 0 < len(node.text) <= _LONGEST:
            return node.text
        if not isinstance(node, Broken):
            what = "has no value" if isinstance(node, Scalar) else "is not one value"
            if isinstance(node, Scalar) and len(node.text) > _LONGEST:
                what = f"is longer than {_LONGEST} characters"
            self.problems.add(node.place, path, what, "write one word, or put quotes around it")
        return None

    def word(self, node: Mapping, key: str, path: str) -> str | None:
        """Return the text of a key, None where there is none."""
        entry = node.entries.get(key)
        return None if entry is None else self.scalar(entry.node, joined(path, key))

    def listed(self, node: Node, path: str) -> tuple[str, ...]:
        """Return one name or several."""
        nodes = node.nodes if isinstance(node, Items) else [node]
        if not nodes:
            self.problems.add(node.place, path, "is empty", "name a column")
        names = [self.scalar(each, path) for each in nodes]
        return tuple(name for name in names if name is not None)

    def names(self, node: Mapping, key: str, path: str) -> tuple[str, ...]:
        """Return the names of a key, none where it is not there."""
        entry = node.entries.get(key)
        return () if entry is None else self.listed(entry.node, joined(path, key))

    def choice(self, node: Mapping, key: str, path: str, known: tuple[str, ...]) -> str | None:
        """Return one of some words."""
        word = self.word(node, key, path)
        if word is None or word in known:
            return word
        hint = did_you_mean(word, list(known), f"write one of {', '.join(known)}")
        place = node.entries[key].node.place
        self.problems.add(place, joined(path, key), f"{shown(word)} is not known here", hint)
        return None

    def truth(self, node: Mapping, key: str, path: str) -> bool:
        """Return a truth value, false where there is none."""
        entry = node.entries.get(key)
        if entry is None or isinstance(entry.node, Broken):
            return False
        truth = entry.node.truth if isinstance(entry.node, Scalar) else None
        if truth is None:
            what = "is not true or false"
            self.problems.add(entry.node.place, joined(path, key), what, "write true")
        return bool(truth)


def _is_more(field: Field) -> bool:
    """Whether a field holds anything, by names."""
    return not field.nested and field.kind is abc.Mapping
