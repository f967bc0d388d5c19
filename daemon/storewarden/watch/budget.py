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
SPARE: Final = 0.9  # of the share; what only counts leaves the rest to what records
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
        self._spare = 0  # of those that give way when recording needs them
        self._yielding: list[Callable[[], bool]] = []
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
        """Count one watch more; false when there is no room for it, even when others give way."""
        return self._take() or (self.make_way() and self._take())

    def _take(self) -> bool:
        with self._lock:
            self._takes += 1
            if self._used + self._spare >= self.allowed or self._takes % _READ_AGAIN == 0:
                self._limit = self._read()
            if self._used + self._spare >= self.allowed:
                return False
            self._used += 1
            return True

    def take_spare(self) -> bool:
        """Count one watch more that is given up when recording needs it; false: none is left."""
        with self._lock:
            if self._used + self._spare >= self.allowed * SPARE:
                return False
            self._spare += 1
            return True

    def give_spare(self, count: int = 1) -> None:
        """Count such watches less."""
        with self._lock:
            self._spare -= count

    def yields(self, give_up: Callable[[], bool], *, no_more: bool = False) -> None:
        """Take note of who gives its spare watches up when called, and says whether it had any."""
        with self._lock:
            if no_more and give_up in self._yielding:
                self._yielding.remove(give_up)
            elif not no_more:
                self._yielding.append(give_up)

    def make_way(self) -> bool:
        """Have all spare watches given up; false when there are none."""
        with self._lock:
            asked = list(self._yielding)
        gave_up = [give_up() for give_up in asked]  # each of them, not the first that has some
        return any(gave_up)

    def give(self, count: int = 1) -> None:
        """Count watches less."""
        with self._lock:
            self._used -= count

    def remedy(self) -> str:
        """Return the command that makes room: twice what there is, in round numbers."""
        wanted = max(self._used / self._share, self._limit.watches, 1) * 2
        return f"sudo sysctl -w {self._limit.setting}={-(-int(wanted) // _STEP) * _STEP}"
