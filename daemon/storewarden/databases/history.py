"""How large databases were day by day: what was folded, and the days that are not folded yet."""

from __future__ import annotations

from collections.abc import Iterable

from storewarden.catalogue import samples
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.samples import Day
from storewarden.databases.sample import DAY_NS, fold


def days_of(engine: Engine, ids: Iterable[int], since: int) -> dict[int, dict[int, Day]]:
    """Return the days of these databases from a day on, today as far as it is sampled."""
    wanted = list(ids)
    found = samples.days(engine, wanted, since)
    for database_id, some in samples.samples(engine, wanted).items():
        new = (one for one in some if one.at_ns >= since * DAY_NS)
        found[database_id] = fold(new, found.get(database_id))
    return found
