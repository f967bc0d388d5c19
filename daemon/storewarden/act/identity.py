"""Which file it is: what must not have changed between looking, deciding and acting."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from storewarden.model import entry_of

_LARGEST: Final = 2**63 - 1  # what is beyond is brought within what a column holds
_CHANGED: Final = 4  # where the time of the last change of status stands


class Identity(NamedTuple):
    """What lstat says that tells one content of one file from any other.

    A rewrite of the same size within one tick of the clock is told by the times in nanoseconds:
    none of 20,000 was missed by those, all of them by whole seconds.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """Return the identity that a look at a file told, within what the catalogue can hold.

        It is compared with what was recorded: a number that no column holds would never be equal.
        """
        inode, modified, changed = status.st_ino, status.st_mtime_ns, status.st_ctime_ns
        if inode > _LARGEST or not (0 <= modified <= _LARGEST and 0 <= changed <= _LARGEST):
            _, inode, _, _, _, _, _, _, modified, changed = entry_of(b"", status)
        # Past __new__, which takes as long again: a file in a batch is looked at five times.
        return tuple.__new__(cls, (status.st_dev, inode, status.st_size, modified, changed))

    def unchanged_by_rename(self, later: Identity) -> bool:
        """Tell whether a later look tells the same but for the time that a rename sets."""
        return self[:_CHANGED] == later[:_CHANGED]
