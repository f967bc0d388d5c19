"""Whether a database is rewritten without its empty pages: decided from what is recorded of it.

Nothing here opens a database or asks the kernel anything, so that a hundred are decided at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from storewarden.policy.evaluate import evaluate
from storewarden.policy.explain import explain
from storewarden.policy.expression import Condition
from storewarden.policy.subject import Subject
from storewarden.units import format_duration, format_share, format_size

FREE_RATIO: Final = 0.25  # where no policy says when
LEAST_GAIN: Final = 1 << 20  # likewise: rewriting costs more than this is worth
IDLE_NS: Final = 10 * 60 * 10**9
ROOM: Final = 2  # times its size: SQLite's journal, and what its application writes meanwhile

Verdict = Literal["pays", "no", "later"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of a database; ``changed_ns`` is when it, or its log, was last written."""

    subject: Subject
    bytes: int
    page_size: int | None
    pages: int | None
    free_pages: int | None
    changed_ns: int
    connections: int | None = None

    @property
    def gain(self) -> int:
        """The bytes that go, at least: pages that are half empty are filled as well."""
        return (self.free_pages or 0) * (self.page_size or 0)

    @property
    def free_ratio(self) -> float | None:
        """The share of its pages that is free; None when that was never measured."""
        return None if self.free_pages is None or not self.pages else self.free_pages / self.pages


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that are free where a database lies, and where our copy of it is made."""

    beside: int
    scratch: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it pays, with the figures in the reason; ``later`` asks to be decided again."""

    verdict: Verdict
    why: str
    gain: int = 0
    needs: int = 0


def decide(
    known: Recorded,
    room: Room,
    now_ns: int,
    *,
    when: Condition | None = None,
    asked: bool = False,
    idle_ns: int = IDLE_NS,
) -> Decision:
    """Return whether a database is rewritten now.

    Where a person ``asked`` it need neither pay nor be idle; unused it has to be, and with room.
    """
    needs = ROOM * known.bytes
    reason = ""
    if not asked:
        verdict, reason = _worth(known, when, now_ns)
        if verdict != "pays":
            return Decision(verdict, reason, known.gain, needs)
    if late := _hindered(known, room, needs, now_ns, 0 if asked else idle_ns):
        return Decision("later", late, known.gain, needs)
    return Decision("pays", reason or _figures(known), known.gain, needs)


def _worth(known: Recorded, when: Condition | None, now_ns: int) -> tuple[Verdict, str]:
    if known.free_ratio is None:
        return "later", "how much of it is free was not measured yet"
    if when is not None:
        return _as_policies_say(known, when, now_ns)
    if known.free_ratio <= FREE_RATIO:
        return "no", f"{_figures(known)}, not more than {format_share(FREE_RATIO)}"
    if known.gain < LEAST_GAIN:
        return "no", f"{_figures(known)}, less than {format_size(LEAST_GAIN)}"
    return "pays", _figures(known)


def _as_policies_say(known: Recorded, when: Condition, now_ns: int) -> tuple[Verdict, str]:
    each = explain(when, known.subject, now_ns).terms()
    told = ", ".join(f"{one.text}: {one.value}" for one in each)
    truth = evaluate(when, known.subject, now_ns)
    if truth is None:
        return "later", f"not everything is known that is asked: {told}"
    if truth and known.gain:
        return "pays", f"{_figures(known)} ({told})"
    return "no", f"none of it is free ({told})" if truth else told


def _hindered(known: Recorded, room: Room, needs: int, now_ns: int, idle_ns: int) -> str:
    """Return what stands against doing it now."""
    if known.connections:
        return "it is in use"
    idle = now_ns - known.changed_ns
    if idle < idle_ns:
        ago = format_duration(max(0, idle) / 10**9)
        return f"it was written {ago} ago, not yet {format_duration(idle_ns / 10**9)}"
    if room.beside < needs:
        return f"{format_size(needs)} have to be free beside it, {format_size(room.beside)} are"
    if room.scratch < known.bytes:
        need, free = format_size(known.bytes), format_size(room.scratch)
        return f"{need} have to be free in the state directory, {free} are"
    return ""


def _figures(known: Recorded) -> str:
    if known.free_ratio is None:
        return f"it has {format_size(known.bytes)}"
    share = format_share(known.free_ratio)
    return f"{share} of {format_size(known.bytes)} is free, {format_size(known.gain)}"
