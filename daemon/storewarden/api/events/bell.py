"""Who listens sleeps until something was recorded: nothing is asked while nothing happens."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Bell:
    """Rung after each commit that has something to tell; any number of threads wait for it."""

    def __init__(self) -> None:
        self._rung = 0
        self._ended = False
        self._heard = threading.Condition()
        self._also: tuple[Callable[[], None], ...] = ()

    @property
    def rung(self) -> int:
        """How often it was rung; to be read before one looks whether there is anything."""
        return self._rung

    @property
    def ended(self) -> bool:
        """Whether nothing more will come: the daemon stops."""
        return self._ended

    def ring(self) -> None:
        """Wake up all that wait."""
        with self._heard:
            self._rung += 1
            self._heard.notify_all()
        for wake in self._also:
            wake()

    def wait(self, since: int, seconds: float) -> bool:
        """Wait until it is rung once more than ``since``, or is at its end; False: time is up."""
        with self._heard:
            return self._heard.wait_for(lambda: self._rung != since or self._ended, seconds)

    def end(self) -> None:
        """Let all that wait go."""
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def tell(self, wake: Callable[[], None]) -> None:
        """Call this, too, whenever it is rung; it must not wait."""
        self._also = (*self._also, wake)

    def untell(self, wake: Callable[[], None]) -> None:
        """Call this no longer."""
        self._also = tuple(one for one in self._also if one != wake)
