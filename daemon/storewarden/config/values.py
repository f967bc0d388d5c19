"""One value: from the text that was written to what the program uses, or a problem at its place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storewarden.config import patterns, places
from storewarden.config.addresses import AddressError, catalogue_address, listen_address
from storewarden.config.keys import Key, Kind
from storewarden.config.problems import Place, Problems, did_you_mean, joined, shown
from storewarden.config.yamltext import Broken, Items, Node, Scalar
from storewarden.units import UnitError, parse_duration, parse_share, write_duration, write_share

_AT_HOME = re.compile(r"~[^/]*")
_LONGEST_PATH = 4096
_COMPLAINTS: dict[Kind, Callable[[str], tuple[str, str] | None]] = {
    Kind.PATTERNS: lambda pattern: patterns.first_complaint(pattern, names_only=False),
    Kind.NAMES: lambda pattern: patterns.first_complaint(pattern, names_only=True),
    Kind.PLACES: places.first_complaint,
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
        if key.kind in _COMPLAINTS:
            return self._patterns(key, node, path)
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
            Kind.CHOICE: self._choice,
            Kind.LISTEN: self._listen,
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

    def _listen(self, key: Key, node: Scalar, path: str) -> tuple[str, int | None] | None:  # noqa: ARG002
        try:
            return listen_address(node.text)
        except AddressError as error:
            self.problems.add(node.place, path, error.what, error.hint)
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
                hint = "put it in quotes" if key.kind is Kind.PLACES else 'write "*.bak"'
                self.problems.add(item.place, where, "is not a pattern", hint)
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
        Kind.LISTEN: "an address",
    }
    return names.get(key.kind, "a word")


def _example(key: Key) -> str:
    return f"write for example {key.example}"
