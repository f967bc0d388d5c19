"""How many watches we may use: a share of what the kernel grants this user, over all roots."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

LIMIT_FILE: Final = "/proc/sys/fs/inotify/max_user_watches"
SHARE: Final = 0.75  # the rest is for the user's editors and desktop
_READ_AGAIN: Final = 1000  # takes between two readings of the limit


def read_limit(path: str = LIMIT_FILE) -> int:
    """Return fs.inotify.max_user_watches; a large number where it cannot be read."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 2**31


class WatchBudget:
    """The watches of all roots, counted; any thread may call."""

    def __init__(self, share: float = SHARE, limit: Callable[[], int] = read_limit) -> None:
        self._share = share
        self._read = limit
        self._lock = threading.Lock()
        self._used = 0
        self._takes = 0
        self._limit = limit()

    @property
    def used(self) -> int:
        """How many watches stand."""
        return self._used

    @property
    def allowed(self) -> int:
        """How many watches may stand, as last read."""
        return int(self._limit * self._share)

    def take(self) -> bool:
        """Count one watch more; false when there is no room for it."""
        with self._lock:
            self._takes += 1
            if self._used >= self.allowed or self._takes % _READ_AGAIN == 0:
                self._limit = self._read()
            if self._used >= self.allowed:
                return False
            self._used += 1
            return True

    def give(self, count: int = 1) -> None:
        """Count watches less."""
        with self._lock:
            self._used -= count

    def remedy(self, missing: int = 1) -> str:
        """Return the command that makes room for this many watches more, with some to grow."""
        wanted = max(self._used + missing, self._limit) * 2 / self._share
        step = 65536
        return f"sudo sysctl -w fs.inotify.max_user_watches={-(-int(wanted) // step) * step}"
