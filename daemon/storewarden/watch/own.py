"""Our own reads of users' files, announced before they happen, so that nobody counts them as use.

The kernel does not say who opened a file. So whoever of us opens one says so before, and says when
it is over; the event that comes of it is then taken for ours. Where an event never comes, what was
announced expires.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

# An event waits in the kernel's queue until the counter reads it, hardly ever as long as this.
LATE: Final = 30.0
SOON: Final = 2.0
"""So long after work on whole files their events are still taken for ours, whoever caused them."""

# What ``open`` says when it opens nothing: then no event comes.
NOT_OPENED: Final = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EXDEV),
        *(errno.ENXIO, errno.ENAMETOOLONG, errno.ESTALE, errno.EMFILE, errno.ENFILE),
    }
)
_LONGEST: Final = 86_400.0  # no read takes longer
_MOST: Final = 20_000  # reads announced and not seen; more than are ever under way


class _Expected:
    """One file that we read: events still to come, reads under way, until when they may come.

    ``working``: it is opened so often that nobody can say how often; all events are ours.
    """

    __slots__ = ("events", "reading", "until", "worked_until", "working")

    def __init__(self) -> None:
        self.working = 0
        self.worked_until = float("-inf")
        self.events = 0
        self.reading = 0
        self.until = 0.0


class OwnReads:
    """What we read ourselves in the roots whose use is counted; any thread may call."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: set[str] = set()
        self._expected: dict[tuple[str, bytes], _Expected] = {}

    def begin(self, root: str) -> None:
        """Take note, from now on, of what is read in a root."""
        with self._lock:
            self._counted.add(root)

    def end(self, root: str) -> None:
        """Forget a root: its use is counted no longer."""
        with self._lock:
            self._counted.discard(root)
            for key in [key for key in self._expected if key[0] == root]:
                del self._expected[key]

    # -- for those who read -------------------------------------------------------------------

    def expect(self, root: str, directory: bytes, name: bytes) -> None:
        """Announce that we are about to open a file; `over` must follow, whatever comes of it."""
        if root not in self._counted:
            return
        key = (root, _path(directory, name))
        with self._lock:
            if len(self._expected) >= _MOST:
                self._tidy()
            expected = self._expected.setdefault(key, _Expected())
            expected.events += 1
            expected.reading += 1
            expected.until = self._clock() + _LONGEST

    def over(self, root: str, directory: bytes, name: bytes, *, opened: bool = True) -> None:
        """Say that a read came to its end; ``opened`` false: the file could not even be opened."""
        if root not in self._counted:
            return
        with self._lock:
            key = (root, _path(directory, name))
            expected = self._expected.get(key)
            if expected is None:
                return
            expected.reading = max(0, expected.reading - 1)
            if not opened:
                expected.events = max(0, expected.events - 1)
            if not expected.reading and not expected.working:
                expected.until = self._clock() + LATE
            if not expected.events and not expected.reading and not expected.working:
                del self._expected[key]

    @contextmanager
    def working(self, files: Iterable[tuple[str, bytes]]) -> Iterator[None]:
        """Take all reads of files for ours while this lasts: roots, and paths below them.

        SQLite opens a file as often as it pleases. What another program reads meanwhile is not
        counted.
        """
        keys = [one for one in files if one[0] in self._counted]
        with self._lock:
            for key in keys:
                expected = self._expected.setdefault(key, _Expected())
                expected.working += 1
                expected.until = self._clock() + _LONGEST
        try:
            yield
        finally:
            now = self._clock()
            with self._lock:
                for key in keys:
                    expected = self._expected.setdefault(key, _Expected())
                    expected.working = max(0, expected.working - 1)
                    expected.worked_until = now + SOON
                    expected.until = now + LATE

    # -- for the counter ----------------------------------------------------------------------

    def any(self) -> bool:
        """Tell whether an event may be one of ours."""
        return bool(self._expected)

    def takes(self, root: str, directory: bytes, name: bytes) -> bool:
        """Tell whether this end of a read was ours; the next one may be another's."""
        key = (root, _path(directory, name))
        with self._lock:
            expected = self._expected.get(key)
            if expected is None:
                return False
            now = self._clock()
            if expected.working or now <= expected.worked_until:
                expected.events = max(0, expected.events - 1)
                return True
            if now > expected.until or not (expected.events or expected.reading):
                del self._expected[key]
                return False
            if not expected.events:
                return False
            expected.events -= 1
            if not expected.events and not expected.reading:
                del self._expected[key]
            return True

    def moved(self, root: str, old: bytes, new: bytes) -> None:
        """Follow a file or a directory; what is told of it under its old path is still meant."""
        with self._lock:
            for key, expected in list(self._expected.items()):
                path = key[1]
                if key[0] == root and (path == old or path.startswith(old + b"/")):
                    self._expected[root, new + path[len(old) :]] = expected

    def _tidy(self) -> None:
        """Forget what expired, and the oldest when that is not enough."""
        now = self._clock()
        for key, expected in list(self._expected.items()):
            busy = expected.events or expected.reading or expected.working
            if now > expected.until or not busy:
                del self._expected[key]
        for key in list(self._expected)[: max(0, len(self._expected) - _MOST // 2)]:
            del self._expected[key]


def _path(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
