"""What the path of a file tells about what it belongs to: a small language of patterns.

``{workflow}/images/scene_{scene}.{ext}`` is a path from the root. ``{name}`` is a run of one byte
or more inside one name, ``*`` a run of any length, ``**`` any number of directories; all other
signs stand for themselves. A run ends at the first place where what follows it fits, and nothing
is tried twice: the work grows with the length of the path, whatever the path and the pattern.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from storewarden.config.problems import did_you_mean, shown
from storewarden.model import Place, Scalar

_LONGEST, _DEEPEST = 500, 32  # signs and directories of one pattern; bounds the work on a path
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}|\*|[{}]|[^{}*]+", re.DOTALL)
_WORKFLOW, _SCENE, _EXTENSION = "workflow", "scene", "ext"

_HEX = rb"[0-9A-Fa-f]"
# Each begins and ends where its own signs do, so that it has one length at any one place.
_TYPES = {
    "uuid": rb"(?<!%b)(%b{8}-%b{4}-%b{4}-%b{4}-%b{12})(?!%b)".replace(b"%b", _HEX),
    "date": rb"(?<![0-9])([0-9]{4}([-_]?)(?:0[1-9]|1[0-2])\%d(?:0[1-9]|[12][0-9]|3[01]))(?![0-9])",
    "int": rb"(?<![0-9])([0-9]{1,18})(?![0-9])",
}


class _Mistake(ValueError):
    """A pattern that cannot be read; ``args`` are what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What is matched at one go: at most one run of any length, and all that follows it."""

    match: Callable[[bytes, int], re.Match[bytes] | None]
    names: tuple[tuple[int, str, str], ...]  # group, name, type


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of a path: plain, or chunks of which the last reaches its end."""

    plain: bytes | None
    chunks: tuple[_Chunk, ...] = ()

    def tells(self, part: bytes, found: dict[str, Scalar]) -> bool:
        """Whether ``part`` fits; what it tells goes into ``found``."""
        if self.plain is not None:
            return part == self.plain
        position = 0
        for chunk in self.chunks:
            match = chunk.match(part, position)
            if match is None:
                return False
            position = match.end()
            for group, name, kind in chunk.names:
                found[name] = _value(match[group], kind)
        return True


Block = tuple[_Name, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, ready to be asked; ``blocks`` are what stands between the ``**``."""

    blocks: tuple[Block, ...]

    def tells(self, parts: Sequence[bytes]) -> dict[str, Scalar] | None:
        """Return what the names of a path tell by this pattern, None when it does not fit."""
        found: dict[str, Scalar] = {}
        first, *rest = self.blocks
        last = rest.pop() if rest else None
        end = len(parts) - (len(last) if last is not None else 0)
        if len(first) > end or (last is None and len(first) != end):
            return None
        if not _fits(first, parts, 0, found):
            return None
        position = len(first)
        for block in rest:
            position = _leftmost(block, parts, position, end, found)
            if position < 0:
                return None
        if last is None:
            return found
        # `a/**` is what lies below a, not a itself
        if not last and position == len(parts):
            return None
        return found if _fits(last, parts, end, found) else None


def place_of(patterns: tuple[str, ...], path: bytes) -> Place:
    """Return what the patterns tell of a file at ``path`` below its root.

    Every pattern is asked; what two of them tell differently is as the first says. Patterns that
    are none, as `first_complaint` tells, say nothing.
    """
    told: dict[str, Scalar] = {}
    parts = path.split(b"/")
    for pattern in _compiled(patterns):
        for name, value in (pattern.tells(parts) or {}).items():
            told.setdefault(name, value)
    workflow, scene = told.pop(_WORKFLOW, None), told.pop(_SCENE, None)
    return Place(_text(workflow), _text(scene), told)


def first_complaint(pattern: str) -> tuple[str, str] | None:
    """Return what is wrong with a pattern and what to do, or None."""
    try:
        compiled(pattern)
    except _Mistake as mistake:
        what, hint = mistake.args
        return what, hint
    return None


def compiled(pattern: str) -> Pattern:
    """Return the pattern, ready to be asked."""
    _refuse_whole(pattern)
    seen: set[str] = set()
    blocks: list[list[_Name]] = [[]]
    for part in pattern.split("/"):
        if part == "**":
            blocks.append([])
        else:
            blocks[-1].append(_Parser(part, seen).name())
    if not seen:
        hint = "name a part of it, as in {workflow}/images/scene_{scene}.{ext}"
        raise _Mistake(f"{shown(pattern)} tells nothing", hint)
    if _EXTENSION in seen and not pattern.endswith(".{ext}"):
        raise _Mistake(f"{shown(pattern)}: {{ext}} is not at the end", "end it with .{ext}")
    return Pattern(tuple(map(tuple, blocks)))


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(compiled(pattern) for pattern in patterns if first_complaint(pattern) is None)


def _refuse_whole(pattern: str) -> None:
    parts = pattern.split("/")
    if "\0" in pattern:
        raise _Mistake("contains a zero byte", "no file name holds one")
    if len(pattern) > _LONGEST or len(parts) > _DEEPEST:
        what = f"{shown(pattern)} is longer than {_LONGEST} signs or {_DEEPEST} names"
        raise _Mistake(what, "write ** for directories that do not matter")
    if {"", ".", ".."} & set(parts):
        hint = "write the path from the root, as in {workflow}/images/*"
        raise _Mistake(f"{shown(pattern)} can match nothing", hint)
    if any(before == after == "**" for before, after in itertools.pairwise(parts)):
        raise _Mistake(f"{shown(pattern)}: ** stands twice", "write it once")


@dataclass(slots=True)
class _Parser:
    """Reads one name of a pattern, piece by piece."""

    part: str
    seen: set[str]
    chunks: list[_Chunk] = field(default_factory=list)
    expression: bytes = b""
    names: list[tuple[int, str, str]] = field(default_factory=list)
    groups: int = 0
    after_run: bool = False
    after_number: bool = False

    def name(self) -> _Name:
        pieces: list[str] = _PIECE.findall(self.part)
        if "**" in self.part:
            hint = "write * inside a name, and ** alone between slashes"
            raise _Mistake(f"{shown(self.part)}: ** is only a part of a name", hint)
        if not any(piece == "*" or _is_field(piece) for piece in pieces):
            return _Name(_bytes("".join(map(self._plain, pieces))))
        for piece in pieces:
            self._piece(piece)
        self._close(last=True)
        return _Name(None, tuple(self.chunks))

    def _piece(self, piece: str) -> None:
        if piece == "*":
            self._run(rb".*?")
        elif _is_field(piece):
            self._field(piece)
        else:
            text = self._plain(piece)
            if self.after_number and text[0] in "0123456789":
                what = f"{shown(self.part)}: an int takes all digits, {text[0]} cannot follow it"
                raise _Mistake(what, "put another sign between")
            self.expression += re.escape(_bytes(text))
            self.after_run = self.after_number = False

    def _plain(self, piece: str) -> str:
        if piece in {"{", "}"}:
            what = f"{shown(self.part)}: a {piece} stands alone"
            raise _Mistake(what, f"write {{name}}, or {piece}{piece} for the sign itself")
        return piece[0] if piece in {"{{", "}}"} else piece

    def _field(self, piece: str) -> None:
        name, colon, kind = piece[1:-1].partition(":")
        if not _NAME.fullmatch(name):
            what = f"{shown(piece)}: {shown(name)} is no name"
            raise _Mistake(what, "a name is a-z, then a-z 0-9 _ (32 at most)")
        if name in self.seen:
            raise _Mistake(f"{{{name}}} stands twice", "give each its own name")
        self.seen.add(name)
        if colon and kind not in _TYPES:
            known = ", ".join(_TYPES)
            near = did_you_mean(kind.lower(), list(_TYPES))
            hint = f"{near} Known are {known}" if near else f"known are {known}"
            raise _Mistake(f"{shown(piece)}: {shown(kind)} is not known here", hint)
        if name == _EXTENSION:
            self._extension(piece)
        elif kind:
            self._typed(name, kind)
        else:
            self._run(rb".+?", name)

    def _extension(self, piece: str) -> None:
        if piece != "{ext}":
            raise _Mistake(f"{shown(piece)}: ext is a text", "write .{ext} at the end")
        if not self.expression.endswith(rb"\."):
            raise _Mistake("{ext} does not follow a dot", "write .{ext} at the end")
        self.expression += rb"[^.]+"
        self.after_run = self.after_number = False

    def _typed(self, name: str, kind: str) -> None:
        if self.after_number:
            raise _Mistake(f"{shown(self.part)}: nothing parts two values", "put a sign between")
        inner = 2 if kind == "date" else 1  # a date's sign between its parts is a group as well
        self.expression += _TYPES[kind].replace(b"%d", str(self.groups + 2).encode())
        self.names.append((self.groups + 1, name, kind))
        self.groups += inner
        self.after_run, self.after_number = False, True

    def _run(self, expression: bytes, name: str = "") -> None:
        if self.after_run:
            what = f"{shown(self.part)}: nothing tells where one run ends and the next begins"
            raise _Mistake(what, "put a sign between, or leave one out")
        self._close(last=False)
        self.expression = b"(" + expression + b")" if name else expression
        if name:
            self.names, self.groups = [(1, name, "")], 1
        self.after_run, self.after_number = True, False

    def _close(self, *, last: bool) -> None:
        """End the chunk that was read; a run begins the next."""
        if last or self.expression:
            expression = self.expression + (rb"\Z" if last else b"")
            match = re.compile(expression, re.DOTALL).match
            self.chunks.append(_Chunk(match, tuple(self.names)))
        self.expression, self.names, self.groups = b"", [], 0


def _is_field(piece: str) -> bool:
    return len(piece) > 1 and piece[0] == "{" and piece[-1] == "}"


def _fits(block: Block, parts: Sequence[bytes], at: int, found: dict[str, Scalar]) -> bool:
    return all(name.tells(parts[at + number], found) for number, name in enumerate(block))


def _leftmost(
    block: Block, parts: Sequence[bytes], at: int, end: int, found: dict[str, Scalar]
) -> int:
    """Return where the names after the first place that ``block`` fits begin, -1 for nowhere."""
    for start in range(at, end - len(block) + 1):
        told: dict[str, Scalar] = {}
        if _fits(block, parts, start, told):
            found.update(told)
            return start + len(block)
    return -1


def _value(raw: bytes, kind: str) -> Scalar:
    if kind == "int":
        return int(raw)
    if kind == "uuid":
        return raw.decode().lower()
    if kind == "date":
        digits = raw.decode().replace("-", "").replace("_", "")
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return raw.decode(errors="backslashreplace")


def _text(value: Scalar | None) -> str | None:
    return None if value is None else str(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
