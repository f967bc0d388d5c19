"""What a drawer tells of the files that were put into it: where each was, and what it was.

It is written, and durable, before the first file is moved; it is never changed. So a lost
catalogue, a killed daemon and a person with a shell all find in it where everything belongs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from storewarden.act.identity import Identity
from storewarden.act.members import Member

VERSION: Final = 1
LARGEST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Noted:
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


@dataclass(frozen=True, slots=True)
class Note:
    """All files of a drawer in their order, when they were put there, and what the act says."""

    mark: str
    since_ns: int
    files: tuple[Noted, ...]
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(file.member for file in self.files)


def encode(note: Note) -> bytes:
    """Return a note as it is written: JSON, which people can read too."""
    files = [
        {
            "path": base64.b64encode(file.path).decode(),
            "shown": file.path.decode("utf-8", "backslashreplace"),
            **file.identity._asdict(),
            "mode": file.mode,
            "uid": file.uid,
            "gid": file.gid,
            "accessed_ns": file.accessed_ns,
            "above": list(file.above),
        }
        for file in note.files
    ]
    whole = {
        "version": VERSION,
        "mark": note.mark,
        "since_ns": note.since_ns,
        "told": dict(note.told),
        "files": files,
    }
    return json.dumps(whole, indent=1).encode() + b"\n"


def decode(text: bytes) -> Note | None:
    """Return a note; None for what is none."""
    try:
        whole = json.loads(text)
        if whole["version"] != VERSION:
            return None
        return Note(
            mark=str(whole["mark"]),
            since_ns=int(whole["since_ns"]),
            files=tuple(_noted(file) for file in whole["files"]),
            told={str(key): str(value) for key, value in whole["told"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None


def _noted(file: Mapping[str, Any]) -> Noted:
    return Noted(
        path=base64.b64decode(file["path"], validate=True),
        identity=Identity(*(int(file[name]) for name in Identity._fields)),
        mode=int(file["mode"]),
        uid=int(file["uid"]),
        gid=int(file["gid"]),
        accessed_ns=int(file["accessed_ns"]),
        above=tuple(int(mode) for mode in file["above"]),
    )
