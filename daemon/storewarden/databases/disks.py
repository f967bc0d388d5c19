"""How full the file systems are that roots and the catalogue lie on, for the score of health."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from storewarden.databases.filled import System
from storewarden.databases.sample import DAY_NS
from storewarden.health.probes import Disk


def disks(
    tops: Mapping[str, bytes], state: Path, filled: Sequence[System], now_ns: int
) -> tuple[Disk, ...]:
    """Return the file systems as they are now; ``filled`` says how fast each of them fills.

    What cannot be written is as full as it shall be, and left out, as what is not here now.
    """
    found: dict[int, tuple[list[str], os.statvfs_result]] = {}
    for name, top in (*sorted(tops.items()), ("", os.fsencode(state))):
        try:
            device, space = os.stat(top).st_dev, os.statvfs(top)
        except OSError:
            continue
        if not space.f_flag & os.ST_RDONLY:
            found.setdefault(device, ([], space))[0].append(name)
    rates = {root: one.full.per_day for one in filled if one.full.at_ns for root in one.roots}
    return tuple(_disk(names, space, rates, now_ns) for names, space in found.values())


def _disk(
    names: Sequence[str],
    space: os.statvfs_result,
    rates: Mapping[str, float | None],
    now_ns: int,
) -> Disk:
    roots = tuple(name for name in names if name)
    free = space.f_bavail * space.f_frsize
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    rate = next((rate for root in roots if (rate := rates.get(root))), None)
    full_ns = None if rate is None else now_ns + round(free / rate * DAY_NS)
    return Disk(roots, used, free, full_ns, "" in names)
