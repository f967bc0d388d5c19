"""How far a listener came: a place in the journal of each host, as a text that it gives back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NoReturn

from storewarden.errors import UsageError

FILES, LINES, DESCRIBED, END = "f", "l", "m", "z"
"""The parts of a round, in the order in which they are told; END: all of it was."""

_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 4_000  # characters: fifty hosts
_ONE = re.compile(r"(\d{1,19})\.(\d{1,19})\.(\d{1,19})\.([flmz])(\d{1,19})", re.ASCII)


class Position(NamedTuple):
    """What was told last of one host; ``at_ns`` tells its round from another of that number."""

    round: int
    at_ns: int
    part: str = END
    last: int = 0


BEGINNING: Final = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Cursor:
    """What was told last of each host. Of one without a position nothing was told yet."""

    positions: Mapping[int, Position] = field(default_factory=dict)

    def at(self, host_id: int, position: Position) -> Cursor:
        """Return the same, but for one host."""
        return Cursor({**self.positions, host_id: position})

    def __str__(self) -> str:
        return "~".join(
            f"{host}.{one.round}.{one.at_ns}.{one.part}{one.last}"
            for host, one in sorted(self.positions.items())
        )


def read(text: str) -> Cursor:
    """Return the cursor that a listener gives back; raises UsageError for what is none."""
    found: dict[int, Position] = {}
    for part in text.split("~") if text and len(text) <= _LONGEST else [text]:
        match = _ONE.fullmatch(part)
        if match is None:
            _refuse(text)
        host, round_, at_ns, last = (int(match[group]) for group in (1, 2, 3, 5))
        if max(host, round_, at_ns, last) > _LARGEST or host in found:
            _refuse(text)
        found[host] = Position(round_, at_ns, match[4], last)
    return Cursor(found)


def _refuse(text: str) -> NoReturn:
    shown = text[:80].encode("ascii", "backslashreplace").decode()
    raise UsageError(
        "the id of an event cannot be understood",
        where=shown,
        why="it is none that was given out",
        remedy="give back the id of an event as it came, or begin without one",
    )
