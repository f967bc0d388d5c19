"""The id of a plan that can be applied: equal when the same would be done to the same files.

It is of three parts: the policies, how many files, and a sum over all items that does not depend
on their order. So it can be said what differs when it is not equal, though nothing was stored.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final, NamedTuple

_SUMS: Final = 2**64
_SHAPE: Final = re.compile(r"([0-9a-f]{4})-([0-9]{1,12})-([0-9a-f]{16})")


class PlanId(NamedTuple):
    """What stands for a plan."""

    policies: str
    files: int
    items: str

    def __str__(self) -> str:
        return f"{self.policies}-{self.files}-{self.items}"

    @classmethod
    def of(cls, text: str) -> PlanId | None:
        """Return the id that a text says; None when it is none."""
        match = _SHAPE.fullmatch(text.strip())
        return None if match is None else cls(match[1], int(match[2]), match[3])

    def unlike(self, other: PlanId) -> str:
        """Say what differs in another plan, in words; empty when nothing does."""
        told = []
        if self.policies != other.policies:
            told.append("the policies say something else now")
        if self.files != other.files:
            told.append(f"it was of {_files(self.files)}, now it is of {_files(other.files)}")
        elif self.items != other.items:
            told.append("other files are meant, or they changed, or go elsewhere")
        return ", and ".join(told)


class Items:
    """Adds up what is done to which files, in whatever order they come."""

    __slots__ = ("_sum", "files")

    def __init__(self) -> None:
        self.files = 0
        self._sum = 0

    def add(  # what makes an item; a tuple of them would cost as much as the sum
        self, file_id: int, size: int, modified_ns: int, action: int, policy: str, store: str | None
    ) -> None:
        """Count in one item that is done: neither blocked nor waiting."""
        text = f"{file_id} {size} {modified_ns} {action} {policy} {store or ''}"
        digest = blake2b(text.encode(), digest_size=8).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % _SUMS
        self.files += 1

    def id(self, policies: str) -> PlanId:
        """Return the id of all that was added; ``policies`` is what stands for these."""
        short = blake2b(policies.encode(), digest_size=2).hexdigest()
        return PlanId(short, self.files, f"{self._sum:016x}")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
