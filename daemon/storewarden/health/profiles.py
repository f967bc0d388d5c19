"""How many points are lost for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from storewarden.config.schema import HealthSettings
from storewarden.health import reasons

DEFAULT, TASK45 = "default", "task45"

_POINTS: Final[Mapping[str, Mapping[str, int]]] = {
    DEFAULT: {
        reasons.INTEGRITY: 50,
        reasons.FOREIGN_KEYS: 10,
        reasons.ORPHANS: 5,
        reasons.SLOW_QUERIES: 10,
        reasons.BLIND: 30,
        reasons.DISK_FULL: 20,
        reasons.DRILL: 15,
        reasons.BACKUP: 10,
        reasons.JOBS: 10,
        reasons.BEHIND: 10,
    },
    # the formula of the Task 45 database work; its orphans are those of two child tables
    TASK45: {
        reasons.INTEGRITY: 50,
        reasons.FOREIGN_KEYS: 10,
        reasons.ORPHANS: 5,
        reasons.SLOW_QUERIES: 10,
    },
}
TIMES: Final[Mapping[str, int]] = MappingProxyType({reasons.ORPHANS: 2})
"""How many objects of a reason cost its points, each; of all other reasons only the first does."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A name, and points by reason; what is left out costs nothing."""

    name: str
    points: Mapping[str, int]

    def of(self, reason: str, number: int) -> int:
        """Return what the object of this number, from 0, costs for a reason."""
        return self.points.get(reason, 0) if number < TIMES.get(reason, 1) else 0

    def heeds(self, reason: str) -> bool:
        """Tell whether a reason costs anything."""
        return bool(self.points.get(reason, 0))


def profile_of(settings: HealthSettings) -> Profile:
    """Return the profile of a configuration; with points of one's own it is told by a mark."""
    points = {**_POINTS[settings.profile], **dict(settings.points)}
    own = "+own" if points != _POINTS[settings.profile] else ""
    return Profile(f"{settings.profile}{own}", points)
