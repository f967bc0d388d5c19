"""How many watches we may use: a share of what the kernel grants this user, over all roots."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SETTINGS: Final = (
    ("fs.inotify.max_user_watches", "/proc/sys/fs/inotify/max_user_watches"),
    ("user.max_inotify_watches", "/proc/sys/user/max_inotify_watches"),  # of a container
)
SHARE: Final = 0.75  # the rest is for the user's editors and desktop
_READ_AGAIN: Final = 1000  # takes between two readings of the limit
_STEP: Final = 65536
_UNKNOWN: Final = 2**31


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the kernel and the setting that raises it."""

    watches: int
    setting: str = SETTINGS[0][0]


def read_limit(settings: tuple[tuple[str, str], ...] = SETTINGS) -> Limit:
    """Return the lower of the kernel's limits for this user; a large one if none can be read."""
    limits = []
    for name, path in settings:
        try:
            with open(path, encoding="ascii") as file:
                limits.append(Limit(int(file.read()), name))
        except (OSError, ValueError):
            continue
    return min(limits, key=lambda limit: limit.watches, default=Limit(_UNKNOWN))


class WatchBudget:
    """The watches of all roots, counted; any thread may call."""

    def __init__(self, share: float = SHARE, limit: Callable[[], Limit] = read_limit) -> None:
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
        return int(self._limit.watches * self._share)

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

    def remedy(self) -> str:
        """Return the command that makes room: twice what there is, in round numbers."""
        wanted = max(self._used / self._share, self._limit.watches, 1) * 2
        return f"sudo sysctl -w {self._limit.setting}={-(-int(wanted) // _STEP) * _STEP}"
