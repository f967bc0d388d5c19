"""One value: from the text that was written to what the program uses, or a problem at its place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storewarden.config import patterns
from storewarden.config.addresses import (
    AddressError,
    catalogue_address,
    endpoint_address,
    listen_address,
    receiver_address,
    server_address,
    store_address,
)
from storewarden.config.keys import Key, Kind
from storewarden.config.problems import Place, Problems, did_you_mean, joined, shown
from storewarden.config.schema import EVENTS, Listen
from storewarden.config.yamltext import Broken, Items, Node, Scalar
from storewarden.units import (
    UnitError,
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_share,
    write_size,
)

_AT_HOME = re.compile(r"~[^/]*")
_LONGEST_PATH = 4096
SHIPPED = "shipped:"
_SHIPPED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TERM = re.compile(r"[A-Za-z_]+\s*(!=|<=|>=|==|=|<|>).+", re.DOTALL)
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_POINTS = re.compile(r"[0-9]{1,3}")
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?")
_WORDS = {
    Kind.WORD: re.compile(r"[a-z0-9][a-z0-9-]{0,62}"),
    Kind.CURRENCY: re.compile(r"[A-Z]{3}"),
}


def _place_complaint(place: str) -> tuple[str, str] | None:
    from storewarden.config import places  # noqa: PLC0415  # few say where workflows lie

    return places.first_complaint(place)


def _event_complaint(event: str) -> tuple[str, str] | None:
    if event in EVENTS:
        return None
    hint = did_you_mean(event.lower(), list(EVENTS), f"known are {', '.join(EVENTS)}")
    return f"{shown(event)} is no kind of event", hint


def _term_complaint(term: str) -> tuple[str, str] | None:
    if _TERM.fullmatch(term):
        return None
    return f"{shown(term)} is no term", "write for example kind=video"


_COMPLAINTS: dict[Kind, Callable[[str], tuple[str, str] | None]] = {
    Kind.PATTERNS: lambda pattern: patterns.first_complaint(pattern, names_only=False),
    Kind.NAMES: lambda pattern: patterns.first_complaint(pattern, names_only=True),
    Kind.PLACES: _place_complaint,
    Kind.EVENTS: _event_complaint,
    Kind.TERMS: _term_complaint,
}

_ADDRESSES: dict[Kind, Callable[[str], str]] = {
    Kind.SERVER: server_address,
    Kind.URL: store_address,
    Kind.ENDPOINT: endpoint_address,
    Kind.RECEIVER: receiver_address,
}


_ITEMS = {
    Kind.PLACES: ("a pattern", "put it in quotes"),
    Kind.EVENTS: ("a kind of event", "write for example created"),
    Kind.TERMS: ("a term", 'write "kind=video"'),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values; what is wrong goes to ``problems`` and the answer is None."""

    problems: Problems
    environ: Mapping[str, str]

    def value(self, key: Key, node: Node, path: str) -> Any:
        """Return the value of ``key`` as its kind says."""
        if isinstance(node, Broken) or not self._something(key, node, path):
            return None
        if key.kind in _COMPLAINTS or key.kind in (Kind.SOURCES, Kind.COLUMNS):
            lists = {Kind.SOURCES: self._sources, Kind.COLUMNS: self._columns}
            return lists.get(key.kind, self._patterns)(key, node, path)
        if not isinstance(node, Scalar):
            what = "is a list" if isinstance(node, Items) else "is a mapping"
            self.problems.add(node.place, path, f"{what}, not one value", _example(key))
            return None
        if key.kind is Kind.TRUTH:
            return self._truth(node, path)
        if node.truth is not None:
            what = f"{node.text} is a truth value, not {_called(key)}"
            self.problems.add(node.place, path, what, f'{_example(key)}; "{node.text}" is a text')
            return None
        read: dict[Kind, Callable[[Key, Scalar, str], Any]] = {
            Kind.PATH: self._path,
            Kind.CATALOGUE: self._catalogue,
            Kind.SHARE: self._share,
            Kind.DURATION: self._duration,
            Kind.SIZE: self._size,
            Kind.CHOICE: self._choice,
            Kind.LISTEN: self._listen,
            Kind.SOCKET: self._socket,
            Kind.SERVER: self._address,
            Kind.URL: self._address,
            Kind.ENDPOINT: self._address,
            Kind.RECEIVER: self._address,
            Kind.WORD: self._word,
            Kind.CURRENCY: self._word,
            Kind.PRICE: self._price,
            Kind.POINTS: self._points,
            Kind.COLUMN: self._column,
        }
        return read[key.kind](key, node, path)

    def _something(self, key: Key, node: Node, path: str) -> bool:
        if isinstance(node, Scalar) and (node.nothing or not node.text.strip()):
            self.problems.add(node.place, path, "has no value", f"{_example(key)}, or leave it out")
            return False
        return True

    def _truth(self, node: Scalar, path: str) -> bool | None:
        if node.truth is None:
            hint = "write true or false"
            if not node.plain and node.text in {"true", "false"}:
                hint = f"write {node.text} without quotes"
            self.problems.add(node.place, path, f"{shown(node.text)} is not true or false", hint)
        return node.truth

    def _choice(self, key: Key, node: Scalar, path: str) -> str | None:
        if node.text in key.choices:
            return node.text
        choices = ", ".join(key.choices)
        near = did_you_mean(node.text.lower(), list(key.choices))
        hint = f"{near} Known are {choices}" if near else f"write one of {choices}"
        self.problems.add(node.place, path, f"{shown(node.text)} is not known here", hint)
        return None

    def _duration(self, key: Key, node: Scalar, path: str) -> float | None:
        if node.text == "never" and key.never:
            return 0.0
        if node.text == "never":
            hint = f"write {write_duration(key.most)} at most"
            self.problems.add(node.place, path, "never is not possible here", hint)
            return None
        return self._number(key, node, path, parse_duration, write_duration)

    def _share(self, key: Key, node: Scalar, path: str) -> float | None:
        if key.never and node.text == "never":
            return 0.0
        share = self._number(key, node, path, parse_share, write_share)
        if share == 0 and key.never:
            self.problems.add(node.place, path, "0% is no share", "write never")
            return None
        return share

    def _size(self, key: Key, node: Scalar, path: str) -> int | None:
        def write(size: float) -> str:
            return write_size(int(size))

        size = self._number(key, node, path, parse_size, write)
        return None if size is None else int(size)

    def _number(
        self,
        key: Key,
        node: Scalar,
        path: str,
        parse: Callable[[str], float],
        write: Callable[[float], str],
    ) -> float | None:
        """Return what ``parse`` makes of the text when it lies within the key's bounds."""
        try:
            number = parse(node.text)
        except UnitError as error:
            self.problems.add(node.place, path, error.reason, error.hint)
            return None
        if number < key.least:
            hint = f"write {write(key.least)} at least"
            self.problems.add(node.place, path, f"{node.text.strip()} is too little", hint)
            return None
        if number > key.most:
            hint = f"write {write(key.most)} at most"
            self.problems.add(node.place, path, f"{node.text.strip()} is too much", hint)
            return None
        return number

    def _catalogue(self, key: Key, node: Scalar, path: str) -> str | None:  # noqa: ARG002
        try:
            return catalogue_address(node.text)
        except AddressError as error:
            self.problems.add(node.place, path, error.what, error.hint)
            return None

    def _listen(self, key: Key, node: Scalar, path: str) -> Listen | None:  # noqa: ARG002
        try:
            return listen_address(node.text)
        except AddressError as error:
            self.problems.add(node.place, path, error.what, error.hint)
            return None

    def _socket(self, key: Key, node: Scalar, path: str) -> bytes | None:
        """Return the absolute path of a socket, b"" for none."""
        if node.text.startswith("unix:"):
            hint = f"write {node.text.removeprefix('unix:')}"
            self.problems.add(node.place, path, "is a path, without unix:", hint)
            return None
        return b"" if node.text == "none" else self._path(key, node, path)

    def _address(self, key: Key, node: Scalar, path: str) -> str | None:
        try:
            return _ADDRESSES[key.kind](node.text)
        except AddressError as error:
            self.problems.add(node.place, path, error.what, error.hint)
            return None

    def _word(self, key: Key, node: Scalar, path: str) -> str | None:
        if _WORDS[key.kind].fullmatch(node.text):
            return node.text
        what = f"{shown(node.text)} is not {_called(key)}"
        self.problems.add(node.place, path, what, _example(key))
        return None

    def _price(self, key: Key, node: Scalar, path: str) -> float | None:
        if _PRICE.fullmatch(node.text.strip()):
            return float(node.text)
        what = f"{shown(node.text)} is no price"
        self.problems.add(node.place, path, what, f"{_example(key)}; currency says of what")
        return None

    def _points(self, key: Key, node: Scalar, path: str) -> int | None:
        if not _POINTS.fullmatch(node.text.strip()):
            what = f"{shown(node.text)} is no whole number"
            self.problems.add(node.place, path, what, _example(key))
            return None
        number = self._number(key, node, path, int, lambda most: f"{most:.0f}")
        return None if number is None else int(number)

    def _column(self, key: Key, node: Scalar, path: str) -> str | None:
        return node.text if self.is_column(node.text, node.place, path, key) else None

    def _columns(self, key: Key, node: Node, path: str) -> tuple[str, ...] | None:
        """Return one column or several, as a tuple."""
        one = Key(key.name, Kind.COLUMN, key.default, key.about, key.example)
        if not isinstance(node, Items):
            column: str | None = self.value(one, node, path)
            return None if column is None else (column,)
        read: list[str] = []
        for number, item in enumerate(node.nodes):
            where = joined(path, str(number))
            column = self.value(one, item, where)
            if column is None:
                return None
            if column in read:
                self.problems.add(item.place, where, f"{column} is there twice", "leave one out")
            read.append(column)
        if not read:
            self.problems.add(node.place, path, "is empty", _example(key))
        return tuple(read) or None

    def is_column(self, name: str, place: Place, path: str, key: Key | None = None) -> bool:
        """Whether a text is the name of a table or of a column; else it is said."""
        if _COLUMN.fullmatch(name):
            return True
        hint = _example(key) if key else "a name is letters, digits and _"
        self.problems.add(place, path, f"{shown(name)} is no name of a table or column", hint)
        return False

    def _sources(self, key: Key, node: Node, path: str) -> tuple[str, ...] | None:
        """Return what policies are read from: absolute paths, and what is shipped by its name."""
        nodes = node.nodes if isinstance(node, Items) else [node]
        read: list[str] = []
        wrong = False
        for number, item in enumerate(nodes):
            where = joined(path, str(number)) if isinstance(node, Items) else path
            source = self._source(key, item, where)
            if source in read and isinstance(item, Scalar):
                what = f"{shown(item.text)} is there twice"
                self.problems.add(item.place, where, what, "leave one out")
            if source is None:
                wrong = True
            else:
                read.append(source)
        return None if wrong else tuple(read)

    def _source(self, key: Key, node: Node, path: str) -> str | None:
        if isinstance(node, Broken):
            return None
        if not isinstance(node, Scalar) or node.nothing or not node.text.strip():
            what = "is no file or directory"
            self.problems.add(node.place, path, what, "write for example ./policies")
            return None
        if node.truth is not None:
            what = f"{node.text} is a truth value, not a path"
            self.problems.add(
                node.place, path, what, f'write "{node.text}" if a file has that name'
            )
            return None
        if node.text.startswith(SHIPPED):
            return self._shipped(node, path)
        absolute = self._path(key, node, path)
        return None if absolute is None else os.fsdecode(absolute)

    def _shipped(self, node: Scalar, path: str) -> str | None:
        name = node.text.removeprefix(SHIPPED)
        if _SHIPPED_NAME.fullmatch(name):
            return node.text
        what = f"{shown(name)} is no name of shipped policies"
        self.problems.add(node.place, path, what, "write for example shipped:safe-default")
        return None

    def _path(self, key: Key, node: Scalar, path: str) -> bytes | None:  # noqa: ARG002
        """Return an absolute path; a relative one begins where its origin says."""
        text = node.text
        if "\0" in text:
            self.problems.add(node.place, path, "contains a zero byte", "no file name holds one")
            return None
        home = _AT_HOME.match(text)
        if home is not None:
            expanded = self._at_home(home[0], node.place, path)
            if expanded is None:
                return None
            text = expanded + text[home.end() :]
        absolute = os.path.normpath(os.path.join(os.fsencode(node.place.origin.base), encode(text)))
        if len(absolute) >= _LONGEST_PATH:
            self.problems.add(node.place, path, "is longer than 4095 bytes", "write a shorter path")
            return None
        # POSIX lets two leading slashes mean something else; Linux does not.
        return b"/" + absolute.lstrip(b"/")

    def _at_home(self, word: str, place: Place, path: str) -> str | None:
        if word != "~":
            what = f"{shown(word)}: only ~/ is expanded"
            self.problems.add(place, path, what, "write the path out, or ./~… for such a name")
            return None
        home = self.environ.get("HOME", "")
        if not home.startswith("/"):
            what = "~ cannot be expanded, $HOME is not set"
            self.problems.add(place, path, what, "write the path out")
            return None
        return home.rstrip("/")

    def _patterns(self, key: Key, node: Node, path: str) -> tuple[str, ...] | None:
        """Return the patterns of a list, when each is one."""
        if not isinstance(node, Items):
            hint = f"write {key.example}"
            if isinstance(node, Scalar):
                hint = f"write [{_in_quotes(node.text)}]"
            self.problems.add(node.place, path, "is not a list", hint)
            return None
        read = []
        for number, item in enumerate(node.nodes):
            where = joined(path, str(number))
            if isinstance(item, Broken):
                continue
            if not isinstance(item, Scalar):
                what, hint = _ITEMS.get(key.kind, ("a pattern", 'write "*.bak"'))
                self.problems.add(item.place, where, f"is not {what}", hint)
                continue
            complaint = "an empty pattern", "remove it"
            wrong = complaint if item.nothing else _COMPLAINTS[key.kind](item.text)
            if wrong:
                self.problems.add(item.place, where, *wrong)
            else:
                read.append(item.text)
        return tuple(dict.fromkeys(read))


def encode(text: str) -> bytes:
    """Return the bytes of a name; what the environment holds comes back byte for byte."""
    return text.encode("utf-8", "surrogateescape")


def _in_quotes(text: str) -> str:
    return '"' + shown(text)[1:-1] + '"'


def _called(key: Key) -> str:
    names = {
        Kind.PATH: "a path",
        Kind.CATALOGUE: "an address",
        Kind.SHARE: "a share",
        Kind.DURATION: "a duration",
        Kind.SIZE: "a size",
        Kind.LISTEN: "an address",
        Kind.SOCKET: "a path",
        Kind.SERVER: "an address",
        Kind.URL: "an address",
        Kind.ENDPOINT: "an address",
        Kind.RECEIVER: "an address",
        Kind.WORD: "the name of a region",
        Kind.CURRENCY: "a currency of three capital letters",
        Kind.PRICE: "a price",
        Kind.POINTS: "a whole number",
        Kind.COLUMN: "a name",
        Kind.COLUMNS: "a name",
    }
    return names.get(key.kind, "a word")


def _example(key: Key) -> str:
    return f"write for example {key.example}"
