"""What goes first when a file system is too full, and how much of it; pure.

Pressure never makes anything due: it only chooses among what is due already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from storewarden.policy.known import WINDOW, fact
from storewarden.policy.rules import Order, Pressure
from storewarden.policy.subject import Subject

Key = float | int | None


@dataclass(frozen=True, slots=True)
class Space:
    """How full a file system is, in bytes."""

    total: int
    used: int

    def above(self, share: float) -> bool:
        """Whether more than a share of it is used."""
        return self.used > share * self.total


@dataclass(frozen=True, slots=True)
class Load:
    """A file that could go, since when it is due, and what that would free here."""

    subject: Subject
    due_ns: int
    bytes: int


def relief(space: Space, pressure: Pressure, loads: Iterable[Load], now_ns: int) -> list[Load]:
    """Return what goes, in its order, until the file system is no longer above ``low``.

    Nothing goes while it is not above ``high``, and never what is not due.
    """
    if not space.above(pressure.high):
        return []
    chosen: list[Load] = []
    used = space.used
    due = [load for load in loads if load.due_ns <= now_ns and load.bytes > 0]
    for load in ordered(due, pressure.order, now_ns):
        if not Space(space.total, used).above(pressure.low):
            break
        chosen.append(load)
        used -= load.bytes
    return chosen


def ordered(loads: Iterable[Load], order: Sequence[Order], now_ns: int) -> list[Load]:
    """Return what goes first, first: what is not known goes last, of equals what was due first."""
    result = sorted(loads, key=lambda load: (load.due_ns, load.subject.id))
    for by in reversed(order):
        keyed = [(_value(by.term, load.subject, now_ns), load) for load in result]
        known = [(value, load) for value, load in keyed if value is not None]
        known.sort(key=lambda pair: pair[0], reverse=by.descending)
        unknown = [load for value, load in keyed if value is None]
        result = [*(load for _, load in known), *unknown]
    return result


def _value(term: str, subject: Subject, now_ns: int) -> Key:
    """Return what files are ordered by; of times the point and not how long ago it was."""
    if term in _TIMES:
        return _TIMES[term](subject)
    known = fact(term, subject, now_ns, WINDOW)
    return known if isinstance(known, int | float) else None


_TIMES: dict[str, Callable[[Subject], Key]] = {
    "modified": lambda subject: subject.modified_ns,
    "last_used": lambda subject: subject.last_used_ns,
}
"""``last_used asc`` is what was used longest ago; ``age desc`` is what is oldest."""
