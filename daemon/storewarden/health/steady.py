"""What is over comes back slowly where it comes and goes: so that a score does not flap; pure.

Points are lost at once. They come back after nothing was wrong with the object for a while: ten
seconds the first time, and twice as long each time it was over and came again within the hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storewarden.health.losses import Key, Loss, ordered

FIRST: Final = 10.0  # seconds
LONGEST: Final = 900.0
FORGOTTEN: Final = 3600.0  # after so long in peace it counts as the first time again


@dataclass(slots=True)
class _Met:
    loss: Loss
    last: float  # when it was last wrong, by the monotonic clock
    wrong: bool  # whether points are lost for it
    hold: float = FIRST


class Steady:
    """Remembers what was wrong. Owned by one thread."""

    def __init__(self) -> None:
        self._met: dict[Key, _Met] = {}

    @property
    def wrong(self) -> frozenset[Key]:
        """What points are lost for now."""
        return frozenset(key for key, one in self._met.items() if one.wrong)

    def step(self, found: Iterable[Loss], now: float) -> list[Loss]:
        """Return what points are lost for: what was found, and what was so until just now."""
        present = {loss.key: loss for loss in found}
        for key, loss in present.items():
            one = self._met.get(key)
            if one is None:
                self._met[key] = _Met(loss, now, wrong=True)
                continue
            if not one.wrong:
                one.hold = min(2 * one.hold, LONGEST)
            one.loss, one.last, one.wrong = loss, now, True
        for key in [key for key in self._met if key not in present]:
            one = self._met[key]
            one.wrong = one.wrong and now - one.last < one.hold
            if now - one.last >= FORGOTTEN:
                del self._met[key]
        held = [one.loss for key, one in self._met.items() if one.wrong and key not in present]
        return ordered([*present.values(), *held])
