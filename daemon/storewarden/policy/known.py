"""The fact that a term is about: of one file, at one moment; absent, unknown, or a value."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum

from storewarden.policy.subject import Subject
from storewarden.policy.terms import RATES, TERMS

DAY = 86_400 * 1_000_000_000
WINDOW = 30 * DAY


class Unknown(Enum):
    """What nobody has looked at."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Fact = str | bytes | int | float | bool | tuple[str, ...] | None | Unknown
"""``None`` is a fact as well: it was looked for, and there is none."""


def fact(name: str, subject: Subject, now_ns: int, window_ns: int = WINDOW) -> Fact:
    """Return what is known of a file by the name of a term."""
    if name in RATES:
        return rate(name, subject, now_ns, window_ns)
    if TERMS[name].kind == "age":
        clock = began(name, subject)
        return UNKNOWN if clock is None else now_ns - clock
    return _FACTS[name](subject)


def began(name: str, subject: Subject) -> int | None:
    """Return the time that an age counts from; None where it is unknown."""
    if name == "age":
        return subject.first_seen_ns
    return subject.modified_ns if name == "modified" else subject.last_used_ns


def window_began(subject: Subject, now_ns: int, window_ns: int) -> int | None:
    """Return when the window of a rate begins; None where nobody counts.

    It is the window of the catalogue's own rates: never before counting began, nor before the file
    was there.
    """
    if subject.usage_since_ns is None:
        return None
    return max(now_ns - window_ns, subject.usage_since_ns, subject.first_seen_ns)


def uses(name: str, subject: Subject, began_ns: int) -> int:
    """Return how often a file was opened, or written, since the day of a time."""
    first = began_ns // DAY
    opens = name == "opens_per_day"
    return sum(d.opens if opens else d.writes for d in subject.days if d.day >= first)


def rate(name: str, subject: Subject, now_ns: int, window_ns: int) -> float | Unknown:
    """Return how often a day that is; a window is never shorter than a day."""
    began_ns = window_began(subject, now_ns, window_ns)
    if began_ns is None:
        return UNKNOWN
    # in the order in which the databases reckon, so that the last bit is the same
    return uses(name, subject, began_ns) * float(DAY) / max(DAY, now_ns - began_ns)


def _media(read: Callable[[Subject], Fact]) -> Callable[[Subject], Fact]:
    return lambda subject: read(subject) if subject.inspected else UNKNOWN


def _made(read: Callable[[Subject], Fact]) -> Callable[[Subject], Fact]:
    def of(subject: Subject) -> Fact:
        return read(subject) if subject.inspected and subject.understood else UNKNOWN

    return of


def _regenerable(subject: Subject) -> Fact:
    needed = (subject.tool, subject.model, subject.prompt, subject.seed)
    return all(each is not None for each in needed)


def _or_unknown(value: float | None) -> Fact:
    return UNKNOWN if value is None else value


_FACTS: dict[str, Callable[[Subject], Fact]] = {
    "kind": lambda subject: subject.kind,
    "root": lambda subject: subject.root,
    "path": lambda subject: subject.path,
    "name": lambda subject: subject.name,
    "ext": lambda subject: subject.name,
    "size": lambda subject: subject.size,
    "mime": _media(lambda subject: subject.mime),
    "width": _media(lambda subject: subject.width),
    "height": _media(lambda subject: subject.height),
    "duration": _media(lambda subject: subject.duration_ns),
    "workflow": lambda subject: (
        subject.workflow if subject.inspected or subject.workflow_told else UNKNOWN
    ),
    "scene": lambda subject: subject.scene if subject.inspected or subject.scene_told else UNKNOWN,
    "tool": _media(lambda subject: subject.tool),
    "model": _made(lambda subject: subject.model),
    "prompt": _made(lambda subject: subject.prompt),
    "seed": _made(lambda subject: subject.seed),
    "regenerable": _made(_regenerable),
    "cost": lambda subject: _or_unknown(subject.cost),
    "rating": lambda subject: subject.rating,
    "file_type": lambda subject: subject.file_type,
    "tag": lambda subject: subject.tags,
    "owner": lambda subject: subject.owner,
    "pinned": lambda subject: subject.pinned,
    "copies": lambda subject: len(subject.copies),
    "free_ratio": lambda subject: _or_unknown(subject.free_ratio),
}


def ending(name: bytes) -> bytes:
    """Return what follows the last dot of a name that does not begin with it."""
    stem, _, end = name.rpartition(b".")
    return end if stem else b""


def as_text(path: bytes) -> str:
    """Return a path as it is shown."""
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode()
