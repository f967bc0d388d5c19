"""How long a request to an object store may take, and how much of it is held in memory."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and how often.

    A slow line is no failure: `read` counts from the last byte that moved, `request` only ends
    what drips. A small object goes out whole within `read`: 4 MiB in 30 s is a slow line.
    """

    connect: float = 5.0
    read: float = 30.0
    request: float = 300.0
    attempts: int = 3  # of one request, the first among them
    pause: float = 0.2  # before the second attempt; doubled before each further one


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes.

    No store takes more than 10,000 parts, and some want all but the last to be of one size: so the
    first half of the numbers are small parts, 78 GiB, and only what is larger has large ones, up to
    390 GiB in all.
    """

    whole: int = 4 * MIB  # up to here an object goes out in one request
    part: int = 16 * MIB
    large_part: int = 64 * MIB
    small_parts: int = 5000
    parts: int = 10_000
    flight: int = 48 * MIB  # of parts on their way, beside the one that is read
    range: int = 8 * MIB  # that is asked for at once

    def of_part(self, number: int) -> int:
        """Return how large a part is, counted from 1."""
        return self.part if number <= self.small_parts else self.large_part
