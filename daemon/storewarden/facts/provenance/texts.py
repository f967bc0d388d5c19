"""The texts of one file, by where they lay and by what they are called there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from storewarden.facts.bounded import parse_json
from storewarden.facts.found import Text
from storewarden.facts.provenance.values import Object
from storewarden.facts.reader import Malformed
from storewarden.model import Scalar

# Where anything may be written, and tools write all they have to say.
_FREE: Final = frozenset(
    (
        "parameters",
        "usercomment",
        "comment",
        "icmt",
        "comm",
        "description",
        "imagedescription",
        "xpcomment",
        "json",
        "invokeai_metadata",
        "sd-metadata",
        "generation_data",
        "generation",
        "metadata",
    )
)
_MOST_PARSED: Final = 16
_NESTED: Final = 2  # a JSON text in a JSON text: so much is unpacked, no deeper


class Texts:
    """Texts as inspectors found them. JSON is parsed once, however many tools ask for it."""

    __slots__ = ("_objects", "_parsed", "by_name", "by_where", "free", "more")

    def __init__(self, texts: list[Text], more: Mapping[str, Scalar]) -> None:
        self.by_where: dict[str, str] = {}
        self.by_name: dict[str, str] = {}
        self.free: list[Text] = []
        self.more = more
        self._parsed: dict[int, Any] = {}
        self._objects: list[tuple[str, Object]] | None = None
        for one in texts:
            where, text = one
            self.by_where.setdefault(where, text)
            name = where.rpartition(":")[2].lower()
            self.by_name.setdefault(name, text)
            if name in _FREE and len(self.free) < _MOST_PARSED:
                self.free.append(one)

    def named(self, name: str) -> str | None:
        """Return the first text that is called so in whatever it lay in; names are lower case."""
        return self.by_name.get(name)

    def parsed(self, text: str) -> Any:
        """Return what a JSON text says; None when it is none that can be read."""
        key = id(text)  # the texts outlive us
        if key not in self._parsed:
            self._parsed[key] = _parsed(text)
        return self._parsed[key]

    def object_of(self, name: str) -> Object:
        """Return the JSON object that the text of this name holds, or an empty one."""
        text = self.by_name.get(name)
        found = self.parsed(text) if text else None
        return found if isinstance(found, dict) else {}

    def objects(self) -> list[tuple[str, Object]]:
        """Return each JSON object of where anything may be written, with where it lay."""
        if self._objects is None:
            self._objects = []
            for where, text in self.free:
                found = self.parsed(text)
                if isinstance(found, list) and found:
                    found = found[0]  # of a batch, the first picture stands for all
                if isinstance(found, dict):
                    self._objects.append((where, found))
        return self._objects


def unfolded(value: Any) -> Any:
    """Return JSON that was packed as a text into JSON; anything else as it is."""
    for _ in range(_NESTED):
        if not isinstance(value, str):
            break
        inner = _parsed(value)
        if inner is None:
            break
        value = inner
    return value


def _parsed(text: str) -> Any:
    text = text.strip(" \t\r\n\0")
    if text[:1] not in ("{", "[") or text[-1:] not in ("}", "]"):
        return None
    try:
        return parse_json(text)
    except Malformed:
        return None
