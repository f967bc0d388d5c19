"""Reads of a file by whoever inspects it: anywhere in it, and never too much of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Self

# Headers are small. Whoever needs more is led around in circles by the file, or reads its content.
MOST_BYTES: Final = 64 << 20
MOST_READS: Final = 50_000
# Small reads lie close together: one system call serves many.
_WINDOW: Final = 16 << 10


class Malformed(Exception):
    """The file is not what its beginning promised; the message says what is wrong with it."""


class Truncated(Malformed):
    """The file ends before what it promised."""

    def __init__(self, offset: int, length: int, size: int) -> None:
        super().__init__(f"ends at byte {size}, before the {length} bytes promised at {offset}")


class TooMuch(Malformed):
    """Reading on would cost more than a file may cost."""


class Reader:
    """One file as inspectors see it. Every read is bounded by the file and by a budget."""

    __slots__ = ("_bytes_left", "_read", "_reads_left", "_start", "_window", "size")

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        """Read with ``read(offset, length)``, which may return less only at the end."""
        self._read = read
        self.size = size
        self._bytes_left = MOST_BYTES
        self._reads_left = MOST_READS
        self._start, self._window = 0, b""

    @classmethod
    def of_bytes(cls, content: bytes) -> Self:
        """Return a reader of what is in memory."""
        return cls(lambda offset, length: content[offset : offset + length], len(content))

    @classmethod
    def of_descriptor(cls, descriptor: int, size: int) -> Self:
        """Return a reader of an open file; its position is neither used nor moved."""
        return cls(lambda offset, length: os.pread(descriptor, length, offset), size)

    def at(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes; raises Truncated when there are fewer."""
        found = self.some(offset, length)
        if len(found) < length:
            raise Truncated(offset, length, self.size)
        return found

    def some(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``: fewer only at the end of the file."""
        if offset < 0 or length < 0:
            raise Malformed(f"points to byte {offset}, {length} bytes long")
        self._reads_left -= 1
        if self._reads_left < 0:
            raise TooMuch(f"needs more than {MOST_READS:,} reads")
        begin = offset - self._start
        if begin >= 0 and begin + length <= len(self._window):
            return self._window[begin : begin + length]
        length = min(length, max(0, self.size - offset))
        if length == 0:
            return b""
        wanted = max(length, _WINDOW)
        self._bytes_left -= wanted
        if self._bytes_left < 0:
            raise TooMuch(f"needs more than {MOST_BYTES >> 20} MiB to be read")
        window = self._read(offset, wanted)
        if wanted == _WINDOW:
            self._start, self._window = offset, window
        return window[:length]

    def tail(self, length: int) -> bytes:
        """Return the last bytes of the file: all of it when it is shorter."""
        length = min(length, self.size)
        return self.some(self.size - length, length)
