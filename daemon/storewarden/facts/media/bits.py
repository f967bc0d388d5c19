"""Fields that are not whole bytes, as in the parameter sets of video codecs."""

from __future__ import annotations

from typing import Final

from storewarden.facts.reader import Malformed

_MOST: Final = 1024  # bytes: parameter sets are tens of bytes
_LONGEST: Final = 32  # zeros before the number they announce


class Bits:
    """Bits from the first to the last; raises Malformed when there are no more."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        data = data[:_MOST]
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    @classmethod
    def escaped(cls, data: bytes) -> Bits:
        """Return the bits of a unit in which zeros are followed by a byte against start codes."""
        return cls(data[:_MOST].replace(b"\0\0\3", b"\0\0"))

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise Malformed("ends in the middle of a parameter set")
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit."""
        return self.take(1) == 1

    def unsigned(self) -> int:
        """Return a number as Golomb codes it: as many zeros before it as it has further bits."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _LONGEST:
                raise Malformed("holds a number without end in a parameter set")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """Return such a number of which the odd ones are positive, the even ones negative."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)
