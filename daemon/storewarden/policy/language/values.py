"""One value: from the text that was written to what a policy holds, or a problem at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from storewarden.config.problems import Place, Problems, did_you_mean, joined, nearest, shown
from storewarden.config.yamltext import Broken, Items, Mapping, Node, Scalar
from storewarden.policy.language.keys import ADVICE, MEANT, Form, Key
from storewarden.policy.rules import LOCAL
from storewarden.units import (
    UnitError,
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_share,
    write_size,
)

NAME = r"[a-z][a-z0-9_-]{0,62}"
NAME_RULE = "a name is a-z, then a-z 0-9 _ - (63 at most)"
SECOND = 1_000_000_000

_NAME = re.compile(NAME)
_LONGEST = 500  # characters of a text
_LONGEST_NAME = 80
TOLD = 200  # problems, as many as are told
_LISTED = 15  # names that a hint holds
_DIGITS = 18  # of a count


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values; what is wrong goes to ``problems`` and the answer is None."""

    problems: Problems
    stores: Collection[str] = ()
    tables: Collection[str] = ()

    # -- shapes ---------------------------------------------------------------------------------

    def mapping(self, node: Node, path: str, example: str) -> Mapping | None:
        """Return keys with values, when there are any."""
        if isinstance(node, Mapping) and node.entries:
            return node
        if isinstance(node, Broken):
            return None
        if isinstance(node, Mapping):
            what = "is empty"
        elif isinstance(node, Scalar):
            what = "has no value" if _nothing(node) else "is one value, not keys with values"
        else:
            what = "is a list, not keys with values"
        self.problems.add(node.place, path, what, f"write {example}")
        return None

    def items(self, node: Node, path: str, example: str, *, one: bool = False) -> list[Node]:
        """Return the values of a list; with ``one``, a single value is a list of itself."""
        if isinstance(node, Broken):
            return []
        if isinstance(node, Items) and node.nodes:
            return node.nodes
        if isinstance(node, Items):
            what = "is empty"
        elif isinstance(node, Scalar) and _nothing(node):
            what = "has no value"
        elif one:
            return [node]
        else:
            what = "is not a list"
        self.problems.add(node.place, path, what, f"write {example}")
        return []

    def known(self, mapping: Mapping, path: str, keys: tuple[Key, ...]) -> None:
        """Say which keys there are not, and which are meant."""
        names = [key.name for key in keys]
        for name, entry in mapping.entries.items():
            if name in names or isinstance(entry.node, Broken):
                continue
            word = name.strip().lower().replace("-", "_")
            meant = MEANT.get(word)
            hint = f"did you mean {meant}?" if meant in names else self.meant(word, names)
            hint = hint or nearest_advice(word) or f"known are {', '.join(names)}"
            self.problems.add(entry.place, joined(path, name), "is an unknown key", hint)

    def single(self, mapping: Mapping, key: Key, path: str) -> Any:
        """Return the value of ``key``, None when it is missing or wrong."""
        entry = mapping.entries.get(key.name)
        return None if entry is None else self.value(key, entry.node, joined(path, key.name))

    def meant(self, word: str, words: Collection[str]) -> str:
        """Return ``did you mean X?`` when one of the words is near.

        Comparing costs: past what is told at all, and past what a person could have meant, it ends.
        """
        if len(self.problems.found) > TOLD or len(word) > _LONGEST_NAME:
            return ""
        names = [name for name in words if name.isprintable()]
        return did_you_mean(word, names[:TOLD])

    def missing(self, mapping: Mapping, key: Key, path: str) -> bool:
        """Whether a key is missing that has to be there; it is said."""
        if key.name in mapping.entries:
            return False
        self.problems.add(mapping.place, joined(path, key.name), "is missing", f"write {key}")
        return True

    # -- single values --------------------------------------------------------------------------

    def value(self, key: Key, node: Node, path: str) -> Any:
        """Return the value of ``key`` as its form says; times are nanoseconds."""
        if isinstance(node, Broken):
            return None
        if key.form is Form.STORES:
            return self._stores(key, node, path)
        text = self.scalar(node, path, str(key))
        if text is None:
            return None
        if key.form is Form.TRUTH:
            return self.truth(text, path)
        if text.truth is not None:
            what = f"{text.text} is a truth value, not {_CALLED[key.form]}"
            self.problems.add(text.place, path, what, f"write for example {key}")
            return None
        return _READ[key.form](self, key, text, path)

    def scalar(self, node: Node, path: str, example: str) -> Scalar | None:
        """Return one value that is there."""
        if isinstance(node, Broken):
            return None
        if not isinstance(node, Scalar):
            what = "is a list" if isinstance(node, Items) else "is a mapping"
            hint = f"write for example {example}"
            self.problems.add(node.place, path, f"{what}, not one value", hint)
            return None
        if _nothing(node):
            self.problems.add(node.place, path, "has no value", f"write for example {example}")
            return None
        return node

    def truth(self, node: Scalar, path: str) -> bool | None:
        """Return a truth value: only the plain words true and false are."""
        if node.truth is None:
            hint = "write true or false"
            if not node.plain and node.text in {"true", "false"}:
                hint = f"write {node.text} without quotes"
            self.problems.add(node.place, path, f"{shown(node.text)} is not true or false", hint)
        return node.truth

    def name(self, text: str, place: Place, path: str) -> str | None:
        """Return a name as policies, classes and stores have it."""
        if _NAME.fullmatch(text):
            return text
        self.problems.add(place, path, f"{shown(text)} is no name", NAME_RULE)
        return None

    def is_table(self, node: Scalar, path: str) -> bool:
        """Whether there is a declared table of a name; else it is said."""
        if node.text in self.tables:
            return True
        near = self.meant(node.text, self.tables)
        hint = near or "declare it under tables in the configuration"
        self.problems.add(node.place, path, f"there is no table {shown(node.text)}", hint)
        return False

    def store(self, key: Key, node: Scalar, path: str) -> str | None:
        """Return the name of a store that there is."""
        if node.text == LOCAL:
            if key.local:
                return LOCAL
            what = "local is where the files are already"
            self.problems.add(node.place, path, what, "name another store")
            return None
        if node.text in self.stores:
            return node.text
        names = [*self.stores, *([LOCAL] if key.local else [])]
        hint = self.meant(node.text.lower(), names)
        if not hint and self.stores:
            hint = listed(names)
        elif not hint:
            hint = "declare it under stores in the configuration"
        self.problems.add(node.place, path, f"there is no store {shown(node.text)}", hint)
        return None

    def _stores(self, key: Key, node: Node, path: str) -> tuple[str, ...] | None:
        names: list[str] = []
        wrong = False
        for number, item in enumerate(self.items(node, path, str(key), one=True)):
            where = joined(path, str(number)) if isinstance(node, Items) else path
            text = self.scalar(item, where, "local")
            name = None if text is None else self.store(key, text, where)
            if name is None:
                wrong = True
            elif name in names:
                self.problems.add(item.place, where, f"{name} is there twice", "leave one out")
            else:
                names.append(name)
        return None if wrong or not names else tuple(names)

    def _text(self, key: Key, node: Scalar, path: str) -> str | None:
        text = node.text.strip()
        if len(text) <= _LONGEST and text.isprintable():
            return text
        what = f"is longer than {_LONGEST} characters"
        what = what if text.isprintable() else "is more than one plain line"
        self.problems.add(node.place, path, what, f"shorten it, as in {key}")
        return None

    def _id(self, _key: Key, node: Scalar, path: str) -> str | None:
        return self.name(node.text, node.place, path)

    def choice(self, key: Key, node: Scalar, path: str) -> str | None:
        """Return one of the words that a key may hold."""
        if node.text in key.choices:
            return node.text
        choices = ", ".join(key.choices)
        word = node.text.strip().lower()
        near = self.meant(_SYNONYMS.get(word, word), list(key.choices))
        hint = f"write one of {choices}" if len(key.choices) > 1 else f"write {choices}"
        hint = f"{near} Known are {choices}" if near else hint
        self.problems.add(node.place, path, f"{shown(node.text)} is not known here", hint)
        return None

    def _duration(self, key: Key, node: Scalar, path: str) -> int | None:
        if node.text.strip() == "never":
            what = "never is not possible here"
            self.problems.add(node.place, path, what, f"write for example {key}")
            return None
        seconds = self._measured(key, node, path, parse_duration, write_duration)
        return None if seconds is None else round(seconds * SECOND)

    def _size(self, key: Key, node: Scalar, path: str) -> int | None:
        size: int | None = self._measured(
            key, node, path, parse_size, lambda size: write_size(round(size))
        )
        return size

    def _share(self, key: Key, node: Scalar, path: str) -> float | None:
        share: float | None = self._measured(key, node, path, parse_share, write_share)
        if share == 0 and key.never:
            self.problems.add(node.place, path, "0% lets nothing be done", "write 1%, or never")
            return None
        return share

    def _count(self, key: Key, node: Scalar, path: str) -> int | None:
        text = node.text.strip()
        if not re.fullmatch(rf"[1-9][0-9]{{0,{_DIGITS - 1}}}|0", text):
            what = f"{shown(node.text)} is no whole number"
            hint = f"write {text.lstrip('0')}" if re.fullmatch("0[0-9]{1,9}", text) else ""
            hint = hint if hint != "write " else ""
            self.problems.add(node.place, path, what, hint or f"write for example {key}")
            return None
        if int(text) < key.least:
            hint = "write never for no limit" if key.never else f"write {key.least:.0f} at least"
            self.problems.add(node.place, path, f"{text} is too little", hint)
            return None
        return int(text)

    def _measured(
        self,
        key: Key,
        node: Scalar,
        path: str,
        parse: Callable[[str], Any],
        write: Callable[[float], str],
    ) -> Any:
        """Return what ``parse`` makes of the text when it lies within the key's bounds."""
        try:
            number = parse(node.text)
        except UnitError as error:
            self.problems.add(node.place, path, error.reason, error.hint)
            return None
        text = node.text.strip()
        if number < key.least:
            hint = f"write {write(key.least)} at least"
            self.problems.add(node.place, path, f"{text} is too little", hint)
            return None
        if number > key.most:
            hint = f"write {write(key.most)} at most"
            self.problems.add(node.place, path, f"{text} is too much", hint)
            return None
        return number


def listed(names: Collection[str]) -> str:
    """Return what there is, as much as helps."""
    some = sorted(filter(_NAME.fullmatch, names))[:_LISTED]
    return f"known are {', '.join(some)}{', …' if len(names) > len(some) else ''}"


def nearest_advice(word: str) -> str:
    """Return what to do instead of a key that there is not."""
    return ADVICE.get(nearest(word, list(ADVICE)), "")


def _nothing(node: Scalar) -> bool:
    return node.nothing or not node.text.strip()


_READ: dict[Form, Callable[[Reader, Key, Scalar, str], Any]] = {
    Form.TEXT: Reader._text,  # noqa: SLF001  # the table belongs to the class
    Form.ID: Reader._id,  # noqa: SLF001
    Form.CHOICE: Reader.choice,
    Form.DURATION: Reader._duration,  # noqa: SLF001
    Form.SIZE: Reader._size,  # noqa: SLF001
    Form.SHARE: Reader._share,  # noqa: SLF001
    Form.COUNT: Reader._count,  # noqa: SLF001
    Form.STORE: Reader.store,
}
_CALLED = {
    Form.TEXT: "a text",
    Form.ID: "a name",
    Form.CHOICE: "a word",
    Form.DURATION: "a duration",
    Form.SIZE: "a size",
    Form.SHARE: "a share",
    Form.COUNT: "a number",
    Form.STORE: "a store",
}
_SYNONYMS = {
    "delete": "trash",
    "remove": "trash",
    "expire": "purge",
    "erase": "purge",
    "move": "archive",
    "compress": "archive",
    "backup": "copy",
    "accessed": "last_used",
    "access": "last_used",
    "atime": "last_used",
    "used": "last_used",
    "mtime": "modified",
    "ctime": "created",
    "none": "nothing",
}
