"""Trying again: with pauses that grow and differ, and never longer than somebody waits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from storewarden.client.errors import StorewardenError, Unreachable

FIRST, LONGEST = 0.02, 2.0  # seconds
_LEAST = 0.001  # a little is always left, so that what is over ends as a time-out

_T = TypeVar("_T")


class Deadline:
    """When something is to be over."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._at = clock, clock() + seconds
        self.seconds = seconds

    @property
    def left(self) -> float:
        """The seconds that are left, never none."""
        return max(_LEAST, self._at - self._clock())

    @property
    def over(self) -> bool:
        """Whether it is over."""
        return self._clock() >= self._at


@dataclass(frozen=True, slots=True)
class Patience:
    """How something that is away for a while is tried again."""

    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def keep_on(
        self,
        attempt: Callable[[Deadline], _T],
        deadline: Deadline,
        away: tuple[type[StorewardenError], ...] = (Unreachable,),
    ) -> _T:
        """Return what an attempt returns, as soon as one comes to its end.

        Raises:
            StorewardenError: the last one of those in ``away``, when time was over; any other one
                at once.
        """
        longest, tries = FIRST, 0
        while True:
            tries += 1
            try:
                return attempt(deadline)
            except away as error:
                pause = self._pause(getattr(error, "after", 0.0), longest)
                if pause >= deadline.left:
                    raise given_up(error, tries, deadline.seconds) from error
            self.sleep(pause)
            longest = min(LONGEST, 2 * longest)

    def _pause(self, asked: float, longest: float) -> float:
        # half of it is chance: fifty clients that lost one daemon do not come back as one
        return max(asked, longest * (0.5 + self.chance() / 2))


def given_up(error: StorewardenError, tries: int, seconds: float) -> StorewardenError:
    """Return an error with how long it was tried."""
    times = "once" if tries == 1 else f"{tries} times in {seconds:g} s"
    why = f"{error.why} (tried {times})" if error.why else f"tried {times}"
    return type(error)(error.what, where=error.where, why=why, remedy=error.remedy)
