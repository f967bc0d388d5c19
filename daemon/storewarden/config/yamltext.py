"""YAML read strictly: a tree whose every node knows its place, and every problem at once.

Only what a person needs to say something plainly is taken: mappings, lists and scalars. A scalar
stays the text that was written (``no``, ``13:30``, ``0755`` are text); whoever wants a truth
value asks for the plain words ``true`` and ``false``. Anchors, aliases and tags are refused, and
size, depth and number of values are bounded, so that no file costs more than it looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from storewarden.config.problems import Origin, Place, Problems, joined, shown
from storewarden.config.yamlwords import explained, unclosed

LARGEST = 1 << 20  # bytes; a hundred times the longest sensible file
DEEPEST = 16
MOST = 50_000  # values
MERGE = "<<"  # YAML 1.1's key that copies another mapping; refused

_NOTHING = {"", "~", "null", "Null", "NULL"}
# What is neither printable nor a line feed: control characters (a lone carriage return and the
# line separators would make two programs count lines differently), and what turns text around.
_REFUSED = (
    "[^\\t\\n\\r\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
    "|[\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ufeff]|\\r(?!\\Z)"
)
_TAB = r" *\t"
_ENOUGH = 50  # complaints about characters: a binary file is not worth more lines


class Scalar(NamedTuple):
    """A text as it was written; ``plain`` when it had no quotes."""

    place: Place
    text: str
    plain: bool = True

    @property
    def nothing(self) -> bool:
        """Whether YAML says that there is no value."""
        return self.plain and self.text in _NOTHING

    @property
    def truth(self) -> bool | None:
        """The truth value, when it is one: only plain ``true`` and ``false`` are."""
        return {"true": True, "false": False}.get(self.text) if self.plain else None


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    nodes: list[Node] = field(default_factory=list)


class Entry(NamedTuple):
    """A value with the place of its key."""

    place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict)


class Broken(NamedTuple):
    """Something already complained about: whoever meets it says nothing more."""

    place: Place


Node = Scalar | Items | Mapping | Broken


def read(data: bytes, origin: Origin, problems: Problems) -> Node | None:
    """Return the tree of ``data``; None when problems left nothing to go on with."""
    if len(data) > LARGEST:
        problems.add(Place(origin), "", "is larger than 1 MiB", "shorten it")
        return None
    text = _decoded(data, origin, problems)
    if text is None or _characters_refused(text, origin, problems):
        return None
    tree = _Tree(origin, problems)
    try:
        tree.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        place, found = _met(error, text, origin)
        problems.add(place, tree.path(), *explained(error.problem, error.context, found))
        return None
    except _Stopped:
        return None
    if tree.root is None:
        problems.add(Place(origin, 1, 1), "", "is empty", "write at least one key")
    return tree.root


def _met(error: yaml.MarkedYAMLError, text: str, origin: Origin) -> tuple[Place, str]:
    """Return where to look for the mistake, and the character that stands there."""
    mark = error.problem_mark or error.context_mark
    if error.context_mark and unclosed(error.problem):
        mark = error.context_mark
    if mark is None:
        return Place(origin), ""
    line = text.split("\n")[mark.line : mark.line + 1]
    found = line[0][mark.column : mark.column + 1] if line else ""
    return Place(origin, mark.line + 1, mark.column + 1), found


def _decoded(data: bytes, origin: Origin, problems: Problems) -> str | None:
    """Return UTF-8 text without its mark, or say where it is not UTF-8."""
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        what = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        problems.add(Place(origin, line, column), "", what, "save the file as UTF-8")
        return None


def _characters_refused(text: str, origin: Origin, problems: Problems) -> bool:
    """Say where control characters stand, and tabs where indentation should; one a line."""
    if text.replace("\n", "").isprintable():
        return False  # as nearly all: nothing above is printable
    refused, tabs = re.compile(_REFUSED), re.compile(_TAB)  # a millisecond and a half
    told = 0
    for number, line in enumerate(text.split("\n"), 1):
        if odd := refused.search(line):
            what = f"control character U+{ord(odd[0]):04X}"
            hint = "remove it, or write it as an escape inside double quotes"
            problems.add(Place(origin, number, odd.start() + 1), "", what, hint)
        elif tab := tabs.match(line):
            place = Place(origin, number, tab.end())
            problems.add(place, "", "a tab in the indentation", "indent with spaces")
        else:
            continue
        told += 1
        if told == _ENOUGH:
            break
    return told > 0


class _Stopped(Exception):  # no error: the problem is already told
    """Reading on would say nothing useful."""


@dataclass(slots=True)
class _Open:
    """A mapping or a list that is not closed yet."""

    node: Mapping | Items
    path: str
    key: str | None = None
    key_place: Place | None = None


class _Tree:
    """Builds the tree from the parser's events, without recursion."""

    def __init__(self, origin: Origin, problems: Problems) -> None:
        self.root: Node | None = None
        self._origin, self._problems = origin, problems
        self._open: list[_Open] = []
        self._documents = self._nodes = 0

    def build(self, events: Iterator[yaml.Event]) -> None:
        """Take all events; raises _Stopped when a problem makes the rest meaningless."""
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._document(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._start(event, Mapping(self._place(event)))
            elif isinstance(event, yaml.SequenceStartEvent):
                self._start(event, Items(self._place(event)))
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()

    def path(self) -> str:
        """Return the path of the value being read."""
        if not self._open:
            return ""
        level = self._open[-1]
        if isinstance(level.node, Items):
            return joined(level.path, str(len(level.node.nodes)))
        return level.path if level.key is None else joined(level.path, level.key)

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self._origin, mark.line + 1, mark.column + 1) if mark else Place(self._origin)

    def _stop(self, event: yaml.Event, what: str, hint: str) -> _Stopped:
        self._problems.add(self._place(event), self.path(), what, hint)
        return _Stopped()

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(event, "a second document begins", "write one document to a file")
        if event.tags:
            raise self._stop(event, "tags are not used here", "remove the %TAG line")

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._wants_key():
            raise self._stop(event, f"an alias (*{event.anchor}) as a key", "write the key out")
        place = self._place(event)
        if not self._merging():
            hint = f'write the value out, or quote it if a pattern is meant: "*{event.anchor}"'
            self._problems.add(place, self.path(), f"an alias (*{event.anchor})", hint)
        self._add(Broken(place), event)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._refuse_extras(event)
        place = self._place(event)
        if self._wants_key():
            self._key(event.value, place)
        else:
            self._add(Scalar(place, event.value, plain=not event.style), event)

    def _start(self, event: yaml.NodeEvent, node: Mapping | Items) -> None:
        if self._wants_key():
            raise self._stop(
                event, "a key must be one word", "put quotes around it if text is meant"
            )
        self._refuse_extras(event)
        if len(self._open) >= DEEPEST:
            raise self._stop(
                event, f"nested deeper than {DEEPEST} levels", "nothing here needs that"
            )
        opened = _Open(node, self.path())
        self._add(node, event)
        self._open.append(opened)

    def _refuse_extras(self, event: yaml.NodeEvent) -> None:
        """Complain about an anchor or a tag; the value itself is read on."""
        if event.anchor is not None:
            what = f"an anchor (&{event.anchor})"
            hint = "anchors and aliases are not used here: write the values out"
            self._problems.add(self._place(event), self.path(), what, hint)
        tag = getattr(event, "tag", None)
        if tag is not None:
            what = f"a tag ({shown(tag.replace('tag:yaml.org,2002:', '!!'))})"
            self._problems.add(self._place(event), self.path(), what, "remove it")

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].node, Mapping) and not self._keyed()

    def _keyed(self) -> bool:
        return self._open[-1].key is not None

    def _merging(self) -> bool:
        return bool(self._open) and self._open[-1].key == MERGE

    def _key(self, key: str, place: Place) -> None:
        """Remember the key of the value that comes next; a second one of its name is told."""
        level = self._open[-1]
        path = self.path()
        level.key, level.key_place = key, place
        mapping = level.node
        if not isinstance(mapping, Mapping):
            raise TypeError("only mappings have keys")
        first = mapping.entries.get(key)
        if first is not None:
            what = f"is given twice, first in line {first.place.line}"
            self._problems.add(place, joined(path, key), what, "keep one of them")
        if key == MERGE:
            what = "merging (<<) is not used here"
            self._problems.add(place, path, what, "write the keys out")

    def _add(self, node: Node, event: yaml.Event) -> None:
        """Put a value where it belongs."""
        self._nodes += 1
        if self._nodes > MOST:
            raise self._stop(event, f"more than {MOST} values", "shorten it")
        if not self._open:
            self.root = node
            return
        level = self._open[-1]
        if isinstance(level.node, Items):
            level.node.nodes.append(node)
        elif level.key is not None and level.key_place is not None:
            kept = Broken(level.key_place) if level.key == MERGE else node
            level.node.entries.setdefault(level.key, Entry(level.key_place, kept))
            level.key = level.key_place = None
