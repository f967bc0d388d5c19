"""Terms about what is recorded of a file: its name, place, size, times and state."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from storewarden.catalogue.orm import SQL, Expression, Field, Node, NodeList, Value, fn
from storewarden.catalogue.rules import DIGEST_BYTES, FILE_STATES
from storewarden.catalogue.tables import Directory, File, Root
from storewarden.catalogue.term import (
    SWAPPED,
    Context,
    Meaning,
    Term,
    compared,
    flag,
    known_words,
    matching,
    negated,
    one_character_each,
    only,
    read,
    refuse,
    since,
)
from storewarden.units import parse_size
from storewarden.wildcard import is_pattern, literal_start


def _words(field: Field[Any], known: tuple[str, ...] = ()) -> Meaning:
    """One of several words; ``known`` lists them where they are fixed."""

    def meaning(term: Term, _context: Context) -> Node | None:
        only(term, "=", "!=")
        if known and term.value == "any":
            return None
        words = known_words(term, known, "any") if known else term.value.split(",")
        return field.in_(words) if term.compare == "=" else field.not_in(words)

    return meaning


def _number(field: Field[Any], how: Callable[[str], int]) -> Meaning:
    def meaning(term: Term, _context: Context) -> Expression:
        return compared(field, term.compare, read(term, how))

    return meaning


def _age(field: Field[Any]) -> Meaning:
    def meaning(term: Term, context: Context) -> Expression:
        limit = since(term, context)
        return compared(field, SWAPPED[term.compare], limit)

    return meaning


def _flag(field: Field[Any]) -> Meaning:
    def meaning(term: Term, _context: Context) -> Expression:
        return compared(field, "=", int(flag(term)))

    return meaning


def _name(term: Term, context: Context) -> Node:
    only(term, "=", "!=")
    return negated(term, matching(File.name, os.fsencode(term.value), context))


def _path(term: Term, context: Context) -> Node:
    """The whole path below the root; ``path=a/b/`` is everything below a/b."""
    only(term, "=", "!=")
    pattern = os.fsencode(term.value)
    if pattern.endswith(b"/"):
        pattern += b"*"
    if not is_pattern(pattern):
        directory, _, name = pattern.rpartition(b"/")
        return negated(term, (Directory.path == directory) & (File.name == name))
    met: Node = matching(_whole_path(context), pattern, context)
    above = literal_start(pattern).rpartition(b"/")[0]
    if above:  # an index finds the directories
        met = (
            (Directory.path == above)
            | ((Directory.path >= above + b"/") & (Directory.path < above + b"0"))
        ) & met
    return negated(term, met)


def _extension(term: Term, context: Context) -> Node:
    """What follows the last dot of a name that does not begin with it; case does not count."""
    only(term, "=", "!=")
    met: Node | None = None
    for word in term.value.split(","):
        end = b"." + os.fsencode(word.removeprefix("."))
        tail = fn.SUBSTR(File.name, fn.LENGTH(File.name) - len(end) + 1)
        one = (fn.LENGTH(File.name) > len(end)) & (
            _ascii_lower(one_character_each(tail, context), context)
            == one_character_each(Value(end.lower()), context)
        )
        met = one if met is None else met | one
    return negated(term, met)


def _ascii_lower(text: Any, context: Context) -> Node:
    """Return a text with its ASCII letters small; others are bytes here, and stay what they are."""
    if context.dialect != "sqlite":
        text = NodeList((text, SQL('COLLATE "C"')))
    lowered: Node = fn.LOWER(text)
    return lowered


def _digest(term: Term, _context: Context) -> Node:
    """Sixty-four hexadecimal digits, or the first of them and a star; ``none`` is none yet."""
    only(term, "=", "!=")
    if term.value == "none":
        return File.digest.is_null(term.compare == "=")
    digits = term.value.removesuffix("*").lower()
    whole = 2 * DIGEST_BYTES
    if not re.fullmatch(r"[0-9a-f]{1,64}", digits) or (
        digits == term.value and len(digits) < whole
    ):
        refuse(str(term), f"is no digest of {whole} digits", "write digest=ab12* or digest=none")
    low, high = (bytes.fromhex(digits.ljust(whole, fill)) for fill in "0f")
    met = File.digest.between(low, high)
    return met if term.compare == "=" else (~met | File.digest.is_null())


def _whole_path(context: Context) -> Node:
    """Return the path of a file below its root."""
    slash, end = ("x'2f'", "BLOB") if context.dialect == "sqlite" else ("'\\x2f'::bytea", "BYTEA")
    return NodeList(
        (
            SQL("CAST(CASE WHEN length("),
            *(Directory.path, SQL(") = 0 THEN"), File.name, SQL("ELSE"), Directory.path),
            *(SQL(f"|| {slash} ||"), File.name, SQL(f"END AS {end})")),
        )
    )


FILE_TERMS: dict[str, Meaning] = {
    "kind": _words(File.kind),
    "root": _words(Root.name),
    "state": _words(File.state, FILE_STATES),
    "name": _name,
    "path": _path,
    "ext": _extension,
    "size": _number(File.size, parse_size),
    "modified": _age(File.modified_ns),
    "changed": _age(File.changed_ns),
    "accessed": _age(File.accessed_ns),
    "seen": _age(File.first_seen_ns),
    "recorded": _age(File.recorded_ns),
    "gone": _age(File.gone_ns),
    "growing": _flag(File.growing),
    "generation": _number(File.generation, int),
    "links": _number(File.links, int),
    "inode": _number(File.inode, int),
    "uid": _number(File.uid, int),
    "gid": _number(File.gid, int),
    "digest": _digest,
}
