"""What a process may do beyond its user's rights, given up for ever but for what it is for.

A service that is allowed more than others (leases on files of other users, or reading them) hands
that on to whatever it starts; root has all of it. A process that looks at strangers' files needs
to read them, and to leave no trace of it, no more.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Collection
from typing import Final

CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER = 0, 1, 2, 3  # numbers of the kernel's
READING: Final = frozenset({DAC_READ_SEARCH, FOWNER})
"""To open files of other users, and without moving the time of their last use."""
COPYING: Final = frozenset({CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER})
"""For who writes into a directory that may be another user's."""

_PR_CAP_AMBIENT, _CLEAR_ALL = 47, 4
_VERSION: Final = 0x20080522  # of the form in which they are told: two words of 32 bits each
_libc = ctypes.CDLL(None, use_errno=True)


def keep_only(kept: Collection[int]) -> bool:
    """Give up all but these, of those that are there; tell whether that could be done."""
    header = struct.pack("=Ii", _VERSION, 0)
    told = ctypes.create_string_buffer(24)
    if _libc.capget(header, told) != 0:
        return False
    words = struct.unpack("=6I", told.raw)  # effective, permitted, inheritable; then the high half
    low = sum(1 << number for number in kept)
    effective, permitted = words[0] & low, words[1] & low
    _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    left = struct.pack("=6I", effective, permitted, 0, 0, 0, 0)
    return bool(_libc.capset(header, left) == 0)
