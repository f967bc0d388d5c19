"""What the daemon asks of the system for itself: descriptors, and memory that is given back."""

from __future__ import annotations

import ctypes
import resource
from contextlib import suppress

_M_ARENA_MAX = -8  # mallopt's parameter in glibc


def raise_file_limit() -> None:
    """Take as many descriptors as we may: deep trees are walked with one for each level."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


def share_one_heap() -> None:
    """Give all threads one heap: glibc would give each its own, full of holes after a burst."""
    with suppress(AttributeError):  # another C library has no such thing
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_memory_back() -> None:
    """Return to the system what the heap holds for nothing."""
    with suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
