"""When the file systems of roots will be full: by databases, and by all else that grows there."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from storewarden.catalogue.databases import Database
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.filling import filling
from storewarden.databases.growth import WINDOW, Full, Growth, full, growth
from storewarden.databases.history import days_of
from storewarden.databases.sample import DAY_NS, day_of

LEAST_DAYS: Final = 3.0  # that a root was recorded before its growth is told

Grown = Sequence[tuple[Database, Growth]]


class System(NamedTuple):
    """A file system with roots on it, and when it is full."""

    roots: tuple[str, ...]
    free: int
    full: Full


def growths(engine: Engine, databases: Sequence[Database], now_ns: int) -> Grown:
    """Return how each database grows."""
    today = day_of(now_ns)
    days = days_of(engine, [one.id for one in databases], today - WINDOW)
    return [(one, growth(days.get(one.id, {}), today)) for one in databases]


def systems(
    engine: Engine, host_id: int, tops: Mapping[str, bytes], grown: Grown, now_ns: int
) -> list[System]:
    """Return the file systems that roots are on, and when each is full by all that grows there.

    Roots that are not here now are left out.
    """
    roots: dict[int, list[str]] = defaultdict(list)
    free: dict[int, int] = {}
    for name, top in sorted(tops.items()):
        try:
            device, space = os.stat(top).st_dev, os.statvfs(top)
        except OSError:
            continue
        roots[device].append(name)
        free[device] = space.f_bavail * space.f_frsize
    rates: dict[int, list[tuple[str, float | None]]] = defaultdict(list)
    for one, found in grown:
        device_of = _device(one)
        if device_of is not None:
            rates[device_of].append((one.name, found.per_day))
    for name, rate in of_roots(engine, host_id, now_ns).items():
        for device, names in roots.items():
            if name in names:
                rates[device].append((f"other files of {name}", rate))
    return [
        System(tuple(names), free[device], full(free[device], rates[device], now_ns))
        for device, names in sorted(roots.items(), key=lambda each: each[1])
    ]


def of_roots(engine: Engine, host_id: int, now_ns: int) -> dict[str, float | None]:
    """Return by how many bytes a day the files of each root become more, but for databases.

    What the first scan of a root found had come before: it starts to count a day after that.
    """
    since_ns = now_ns - WINDOW * DAY_NS
    found: dict[str, float | None] = {}
    for name, one in filling(engine, host_id, since_ns).items():
        began_ns, told = since_ns, one
        if one.first_ns + DAY_NS > since_ns:
            began_ns = one.first_ns + DAY_NS
            told = filling(engine, host_id, began_ns).get(name, one)
        days = (now_ns - began_ns) / DAY_NS
        found[name] = None if days < LEAST_DAYS else (told.came - told.went) / days
    return found


def _device(one: Database) -> int | None:
    if one.engine != "sqlite":
        return None
    try:
        return os.stat(one.place.rpartition(b"/")[0] or b"/").st_dev
    except OSError:
        return None
