"""Which files are meant: mappings of terms, names of classes, ``all``, ``any`` and ``not``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from storewarden.config.problems import joined, shown
from storewarden.config.yamltext import Broken, Entry, Items, Mapping, Node, Scalar
from storewarden.policy import terms
from storewarden.policy.expression import All, Any, Compare, Condition, Not, Term
from storewarden.policy.language.keys import MATCH
from storewarden.policy.language.values import Reader
from storewarden.policy.terms import TermError, TermType

ROWS = "rows"
COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
KINDS = (
    "image",
    "video",
    "audio",
    "text",
    "subtitle",
    "document",
    "archive",
    "model",
    "database",
    "workflow",
    "other",
)
"""What a file can be; the stage that looks into files has the table, and a test compares them."""

_JOINS = ("class", "all", "any", "not")
KNOWN = (*(name for name, term in terms.TERMS.items() if term.match), *_JOINS)
EXAMPLE = MATCH.example
EVERYTHING = 'match: {path: "*"}'

_COMPARE = re.compile(r"\s*(!=|<=|>=|==|=<|=>|<>|=|<|>)\s*(.*)", re.DOTALL)
_TURNED = {"=<": "<=", "=>": ">=", "<>": "!="}
_SYNONYMS = {
    "under": "root",
    "directory": "path",
    "folder": "path",
    "extension": "ext",
    "suffix": "ext",
    "glob": "path",
    "mtime": "modified",
    "atime": "idle",
    "accessed": "idle",
    "created": "age",
    "tags": "tag",
    "labels": "tag",
    "and": "all",
    "or": "any",
    "none": "not",
    "bytes": "size",
    "type": "kind",
    "unused": "idle",
    "stars": "rating",
    "classes": "class",
}

FindClass = Callable[[Scalar, str], Condition | None]


@dataclass(frozen=True, slots=True)
class MatchReader:
    """Reads conditions; ``find`` gives the class of a name, or says that there is none."""

    reader: Reader
    find: FindClass

    def read(self, node: Node, path: str) -> Condition | None:
        """Return the condition, None when something in it is wrong."""
        if isinstance(node, Scalar) and not node.nothing and node.text.strip():
            return self._class(node, path)
        if isinstance(node, Items):
            what = "is a list"
            hint = "write any: or all: before it, or one mapping of terms"
            self.reader.problems.add(node.place, path, what, hint)
            return None
        if isinstance(node, Mapping) and not node.entries:
            self.reader.problems.add(node.place, path, "is empty", f"every file is {EVERYTHING}")
            return None
        mapping = self.reader.mapping(node, path, EXAMPLE)
        return None if mapping is None else self._mapping(mapping, path)

    def _mapping(self, mapping: Mapping, path: str) -> Condition | None:
        parts = [
            self._entry(name, entry, joined(path, name)) for name, entry in mapping.entries.items()
        ]
        read = [part for part in parts if part is not None]
        if len(read) < len(parts):
            return None
        return read[0] if len(read) == 1 else All(tuple(read))

    def _entry(self, name: str, entry: Entry, path: str) -> Condition | None:
        node = entry.node
        if name == "class":
            return self._any_class(node, path)
        if name == "not":
            part = self.read(node, path)
            return None if part is None else Not(part)
        if name in {"all", "any"}:
            return self._list(name, node, path)
        return None if isinstance(node, Broken) else self._term(name, entry, path)

    def _term(self, name: str, entry: Entry, path: str) -> Condition | None:
        if name == ROWS:
            hint = "write match: {rows: …} and nothing else"
            self.reader.problems.add(entry.place, path, "rows are not files", hint)
            return None
        term = terms.TERMS.get(name)
        if term is None:
            self._unknown(name, entry, path)
            return None
        if not term.match:
            what = "is no term of a match"
            hint = f'it is for the care of databases, as in vacuum: {{when: "{name} > 0.25"}}'
            self.reader.problems.add(entry.place, path, what, hint)
            return None
        return read_term(self.reader, term, entry.node, path)

    def _unknown(self, name: str, entry: Entry, path: str) -> None:
        word = name.strip().lower().replace("-", "_")
        meant = _SYNONYMS.get(word)
        hint = f"did you mean {meant}?" if meant else self.reader.meant(word, list(KNOWN))
        hint = hint or f"known are {', '.join(KNOWN)}"
        self.reader.problems.add(entry.place, path, "is an unknown term", hint)

    def _any_class(self, node: Node, path: str) -> Condition | None:
        found = []
        nodes = self.reader.items(node, path, "class: render", one=True)
        for number, item in enumerate(nodes):
            where = joined(path, str(number)) if isinstance(node, Items) else path
            text = self.reader.scalar(item, where, "class: render")
            found.append(None if text is None else self._class(text, where))
        read = [part for part in found if part is not None]
        if not read or len(read) < len(found):
            return None
        return read[0] if len(read) == 1 else Any(tuple(read))

    def _class(self, node: Scalar, path: str) -> Condition | None:
        return self.find(node, path)

    def _list(self, name: str, node: Node, path: str) -> Condition | None:
        nodes = self.reader.items(node, path, f"{name}: [{{kind: image}}, {{kind: video}}]")
        parts = [self.read(item, joined(path, str(number))) for number, item in enumerate(nodes)]
        read = tuple(part for part in parts if part is not None)
        if not parts or len(read) < len(parts):
            return None
        return All(read) if name == "all" else Any(read)


def read_term(reader: Reader, term: TermType, node: Node, path: str) -> Term | None:
    """Return one term: a value, a list of which any may be met, or a comparison as text."""
    if isinstance(node, Items):
        return _any_of(reader, term, node, path)
    text = reader.scalar(node, path, _example(term))
    if text is None:
        return None
    compare, value = compared(text)
    return _made(reader, term, compare, [(text, value)], path)


def compared(node: Scalar) -> tuple[Compare, str]:
    """Return how a text compares, and with what: ``>= 4`` is >= and 4, a plain 4 is = and 4."""
    match = _COMPARE.fullmatch(node.text)
    if match is None:
        return "=", node.text
    sign = {"==": "=", **_TURNED}.get(match[1], match[1])
    compare: Compare = sign  # type: ignore[assignment]  # the pattern knows no others
    return compare, match[2].rstrip()


def _any_of(reader: Reader, term: TermType, node: Items, path: str) -> Term | None:
    found: list[tuple[Scalar, str]] = []
    nodes = reader.items(node, path, _example(term))
    for number, item in enumerate(nodes):
        where = joined(path, str(number))
        text = reader.scalar(item, where, _example(term))
        if text is None:
            continue
        compare, value = compared(text)
        if compare != "=" and term.kind != "text":
            what = f"{shown(text.text)}: a comparison stands alone, not in a list"
            reader.problems.add(text.place, where, what, "join mappings by any: or all:")
        elif compare != "=":
            what = f"{shown(text.text)}: a list is any of its values"
            hint = f"write not: {{{term.name}: {shown(value)}}}"
            reader.problems.add(text.place, where, what, hint)
        else:
            found.append((text, value))
    if not found or len(found) < len(nodes):
        return None
    return _made(reader, term, "=", found, path)


def _made(
    reader: Reader,
    term: TermType,
    compare: Compare,
    found: list[tuple[Scalar, str]],
    path: str,
) -> Term | None:
    values = []
    for number, (node, value) in enumerate(found):
        where = joined(path, str(number)) if len(found) > 1 else path
        if not value.strip():
            hint = f"write for example {_example(term)}"
            reader.problems.add(node.place, where, "is compared with nothing", hint)
            continue
        if (node.truth is not None) != (term.kind == "flag"):
            reader.problems.add(node.place, where, *_not_of_kind(term, node))
            continue
        try:
            one = terms.read(term.name, value)
        except TermError as error:
            reader.problems.add(node.place, where, error.reason, _hint(term, error))
            continue
        if compare not in term.compares:
            reader.problems.add(node.place, where, *_not_so_compared(term, compare, value))
            continue
        if term.name == "kind" and one not in KINDS and not set(value) & {*"*?["}:
            hint = reader.meant(value.lower(), list(KINDS)) or f"known are {', '.join(KINDS)}"
            reader.problems.add(node.place, where, f"there is no kind {shown(value)}", hint)
            continue
        values.append(one)
    if not values or len(values) < len(found):
        return None
    written = ", ".join(node.text for node, _ in found)
    return Term(term.name, compare, tuple(values), written, found[0][0].place)


def _not_of_kind(term: TermType, node: Scalar) -> tuple[str, str]:
    """Say that a truth value is none, or that something else is."""
    if term.kind != "flag":
        return f"{node.text} is a truth value", f"write for example {_example(term)}"
    hint = f"write {term.name}: true or {term.name}: false"
    if node.text in {"true", "false"}:
        hint = f"write {node.text} without quotes"
    return f"{shown(node.text)} is not true or false", hint


def _hint(term: TermType, error: TermError) -> str:
    """Return the hint in the words of a mapping."""
    as_text = error.hint.startswith("write for example")
    return f"write for example {_example(term)}" if as_text else error.hint


def _not_so_compared(term: TermType, compare: Compare, value: str) -> tuple[str, str]:
    """Say that a term does not compare so."""
    if term.kind == "age":
        hint = f'write {term.name}: "> {value}" for longer ago, "< {value}" for less'
        return f"{shown(value)} is compared with {compare} only", hint
    return f"{term.name} does not go with {compare}", f"write {' or '.join(term.compares)}"


def _example(term: TermType) -> str:
    return f"{term.name}: {EXAMPLES.get(term.name) or _OF_KIND[term.kind]}"


EXAMPLES = {
    "kind": "video",
    "root": "save_outputs",
    "path": "renders/",
    "name": '"*_final.mp4"',
    "ext": "[png, webp]",
    "mime": '"image/*"',
    "width": '">= 1024"',
    "copies": '">= 2"',
    "cost": '"> 0.5"',
    "model": '"flux*"',
}
_OF_KIND = {
    "text": "a text",
    "size": '"> 1GiB"',
    "age": '"> 30d"',
    "duration": '">= 10s"',
    "number": '">= 4"',
    "whole": '">= 1024"',
    "seed": "42",
    "flag": "true",
}
