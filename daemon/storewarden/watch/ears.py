"""How an emitter sleeps: until the kernel has events, somebody wakes it, or its time has come."""

from __future__ import annotations

import os
import select
import threading
from typing import Final

from storewarden.watch.inotify import READ_BYTES, Inotify

WINDOW_MS: Final = 15  # waited after the first event, so that a file's events become one hint
FILLING: Final = READ_BYTES // 4  # so many bytes waiting: read at once


class Ears:
    """Waits in one thread; `wake` may be called by any, also after the end."""

    def __init__(self, window_ms: int = WINDOW_MS) -> None:
        self._window_ms = window_ms
        self._lock = threading.Lock()  # guards _waking, which is closed while others may wake us
        self._waking = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._woken = select.poll()
        self._woken.register(self._waking, select.POLLIN)
        self._either = select.poll()
        self._either.register(self._waking, select.POLLIN)
        self._inotify: Inotify | None = None

    def listen(self, inotify: Inotify) -> None:
        """Wait for the events of this instance too, from now on."""
        self._inotify = inotify
        self._either.register(inotify.descriptor, select.POLLIN)

    def wake(self) -> None:
        """End the present or the next wait."""
        with self._lock:
            if self._waking >= 0:
                os.eventfd_write(self._waking, 1)

    def wait(self, seconds: float | None) -> None:
        """Sleep until there is something to do; an event waits a moment for those that follow."""
        ready = dict(self._either.poll(None if seconds is None else max(0.0, seconds) * 1000))
        inotify = self._inotify
        if inotify is not None and inotify.descriptor in ready and inotify.queued() < FILLING:
            ready |= dict(self._woken.poll(self._window_ms))
        if self._waking in ready:
            os.eventfd_read(self._waking)

    def pause(self) -> None:
        """Sleep for a moment, or until somebody wakes us."""
        if self._woken.poll(WINDOW_MS):
            os.eventfd_read(self._waking)

    def close(self) -> None:
        """Wait no more."""
        with self._lock:
            if self._waking >= 0:
                os.close(self._waking)
                self._waking = -1
