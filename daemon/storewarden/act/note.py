"""The note in a drawer: where each of its files was, what it was, since when, and why.

It is written once, before the first file is moved, and never changed after that. It alone is
enough to put everything back: a catalogue that was lost is not needed. Many acts may have put
their files into one drawer; their files are numbered on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final, NamedTuple

from storewarden.act.identity import Identity
from storewarden.act.members import Member

VERSION: Final = 1
LARGEST: Final = 16 << 20
# In a drawer with many files, their numbers are long: ext4 compares the names in a block of a
# directory one by one, and fewer long ones share a block. A rename takes 23 us instead of 29.
_FIRST_OF_MANY: Final = 10**15


class Noted(NamedTuple):
    """One file, as it was before it was moved."""

    path: bytes
    identity: Identity
    mode: int
    uid: int
    gid: int
    accessed_ns: int
    above: tuple[int, ...]  # the modes of the directories of its path, the outermost first

    @property
    def member(self) -> Member:
        return Member(self.path, self.identity)


class Slip(NamedTuple):
    """What one act put into a drawer: its files in their order, when, and what the act says."""

    mark: str
    since_ns: int
    files: tuple[Noted, ...]
    told: Mapping[str, str] = {}

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(file.member for file in self.files)


@dataclass(frozen=True, slots=True)
class Note:
    """All files of a drawer in their order, by the acts that put them there."""

    mark: str  # of the drawer: that of its first act
    slips: tuple[Slip, ...]
    files: tuple[Noted, ...] = field(init=False, compare=False, repr=False)
    _starts: Mapping[str, tuple[int, Slip]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        first = _FIRST_OF_MANY if len(self.slips) > 1 else 0
        files: list[Noted] = []
        starts: dict[str, tuple[int, Slip]] = {}
        for slip in self.slips:
            starts[slip.mark] = (first + len(files), slip)
            files += slip.files
        object.__setattr__(self, "files", tuple(files))
        object.__setattr__(self, "_starts", starts)

    @property
    def numbers(self) -> range:
        """The numbers of all files."""
        first = _FIRST_OF_MANY if len(self.slips) > 1 else 0
        return range(first, first + len(self.files))

    def file(self, number: int) -> Noted | None:
        """Return what was noted of the file of a number."""
        at = number - _FIRST_OF_MANY if len(self.slips) > 1 else number
        return self.files[at] if 0 <= at < len(self.files) else None

    def of(self, mark: str) -> tuple[int, Slip] | None:
        """Return what an act put there, and the number of its first file; None for nothing."""
        return self._starts.get(mark)


def encode(note: Note) -> bytes:
    """Return a note as it is written: JSON, a line for each act, which people can read too."""
    lines = []
    said: tuple[Mapping[str, str], str] = ({}, "{}")
    numbers = iter(note.numbers)
    many = len(note.slips) > 1
    for slip in note.slips:
        if said[0] is not slip.told:  # many acts say the same
            said = (slip.told, json.dumps(dict(slip.told)))
        files = ", ".join(
            # a person who looks for a file among many need not count
            _written(file, f'"lies": "{number}", ' if many else "")
            for file, number in zip(slip.files, numbers, strict=False)
        )
        lines.append(
            f'{{"mark": {quoted(slip.mark)}, "since_ns": {slip.since_ns},'
            f' "told": {said[1]}, "files": [{files}]}}'
        )
    acts = ",\n".join(lines)
    head = f'{{"version": {VERSION}, "mark": {json.dumps(note.mark)}, "acts": ['
    return f"{head}\n{acts}\n]}}\n".encode()


def _written(file: Noted, lies: str) -> str:
    """Return a file as JSON: numbers need no encoder, which is slow on what is small."""
    device, inode, size, modified_ns, changed_ns = file.identity
    return (
        f'{{{lies}"path": {quoted(file.path.decode("utf-8", "surrogateescape"))},'
        f' "device": {device}, "inode": {inode}, "size": {size},'
        f' "modified_ns": {modified_ns}, "changed_ns": {changed_ns}, "mode": {file.mode},'
        f' "uid": {file.uid}, "gid": {file.gid}, "accessed_ns": {file.accessed_ns},'
        f' "above": {list(file.above)}}}'
    )


def decode(text: bytes) -> Note | None:
    """Return a note; None for what is none."""
    try:
        whole = json.loads(text)
        if whole["version"] != VERSION:
            return None
        return Note(str(whole["mark"]), tuple(_slip(told) for told in whole["acts"]))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None


def _slip(told: Mapping[str, Any]) -> Slip:
    return Slip(
        mark=str(told["mark"]),
        since_ns=int(told["since_ns"]),
        files=tuple(_noted(file) for file in told["files"]),
        told={str(key): str(value) for key, value in told["told"].items()},
    )


def _noted(file: Mapping[str, Any]) -> Noted:
    return Noted(
        path=file["path"].encode("utf-8", "surrogateescape"),
        identity=Identity(
            int(file["device"]),
            int(file["inode"]),
            int(file["size"]),
            int(file["modified_ns"]),
            int(file["changed_ns"]),
        ),
        mode=int(file["mode"]),
        uid=int(file["uid"]),
        gid=int(file["gid"]),
        accessed_ns=int(file["accessed_ns"]),
        above=tuple(map(int, file["above"])),
    )
