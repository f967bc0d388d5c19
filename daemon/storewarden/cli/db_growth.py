"""How fast databases and file systems grow, as people, pipes and programs see it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from storewarden.cli.listing import our_host
from storewarden.cli.output import Cell, Output
from storewarden.databases.growth import WINDOW, Full, Growth, full, growth
from storewarden.databases.history import days_of
from storewarden.databases.sample import DAY_NS, day_of
from storewarden.units import format_size

if TYPE_CHECKING:
    from storewarden.catalogue.databases import Database
    from storewarden.catalogue.engine import Engine
    from storewarden.config.schema import Settings

MONTH, QUARTER = 30, 90
LEAST_DAYS = 3.0  # that a root was recorded before its growth is told


class System(NamedTuple):
    """A file system with roots on it, and when it is full."""

    roots: tuple[str, ...]
    free: int
    full: Full


Grown = Sequence[tuple["Database", Growth]]


def growths(engine: Engine, databases: Sequence[Database], now_ns: int) -> Grown:
    """Return how each database grows."""
    today = day_of(now_ns)
    days = days_of(engine, [one.id for one in databases], today - WINDOW)
    return [(one, growth(days.get(one.id, {}), today)) for one in databases]


def systems(engine: Engine, settings: Settings, grown: Grown, now_ns: int) -> list[System]:
    """Return the file systems that roots are on, and when each is full by all that grows there."""
    roots: dict[int, list[str]] = defaultdict(list)
    free: dict[int, int] = {}
    for root in settings.roots:
        try:
            device, space = os.stat(root.path).st_dev, os.statvfs(root.path)
        except OSError:
            continue
        roots[device].append(root.name)
        free[device] = space.f_bavail * space.f_frsize
    rates: dict[int, list[tuple[str, float | None]]] = defaultdict(list)
    for one, found in grown:
        device_of = _device(one)
        if device_of is not None:
            rates[device_of].append((one.name, found.per_day))
    for name, rate in _of_roots(engine, now_ns).items():
        for device, names in roots.items():
            if name in names:
                rates[device].append((f"other files of {name}", rate))
    return [
        System(tuple(names), free[device], full(free[device], rates[device], now_ns))
        for device, names in sorted(roots.items(), key=lambda each: each[1])
    ]


def _of_roots(engine: Engine, now_ns: int) -> dict[str, float | None]:
    """Return by how many bytes a day the files of each root become more, but for databases.

    What the first scan of a root found had come before: it starts to count a day after that.
    """
    from storewarden.catalogue.filling import filling

    host = our_host(engine)
    if host is None:
        return {}
    since_ns = now_ns - WINDOW * DAY_NS
    firsts = filling(engine, host, since_ns)
    found: dict[str, float | None] = {}
    for name, one in firsts.items():
        began_ns, told = since_ns, one
        if one.first_ns + DAY_NS > since_ns:
            began_ns = one.first_ns + DAY_NS
            told = filling(engine, host, began_ns).get(name, one)
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


def tell(output: Output, grown: Grown, filled: Sequence[System]) -> None:
    """Write both."""
    if output.json:
        output.document(
            {
                "databases": [_document(one, found) for one, found in grown],
                "file_systems": [_system(one) for one in filled],
            }
        )
    elif output.terminal:
        _for_people(output, grown, filled)
    else:
        for one, found in grown:
            output.fields(
                *("database", one.name, _none(one.bytes), _whole(found.per_day)),
                *(_none(found.after(MONTH)), _none(found.after(QUARTER)), found.why),
            )
        for each in filled:
            output.fields(
                *("file system", " ".join(each.roots), each.free, _whole(each.full.per_day)),
                *(_none(each.full.at_ns), each.full.why),
            )


def _document(one: Database, found: Growth) -> dict[str, Any]:
    return {
        "name": one.name,
        "bytes": one.bytes,
        "bytes_per_day": found.per_day,
        "days": found.days,
        "in_30_days": found.after(MONTH),
        "in_90_days": found.after(QUARTER),
        "steps": [{"day": step.day, "bytes": step.bytes} for step in found.steps],
        "why": found.why,
    }


def _system(one: System) -> dict[str, Any]:
    return {
        "roots": [*one.roots],
        "free_bytes": one.free,
        "bytes_per_day": one.full.per_day,
        "full_ns": one.full.at_ns,
        "days": one.full.days,
        "why": one.full.why,
    }


def _for_people(output: Output, grown: Grown, filled: Sequence[System]) -> None:
    from storewarden.cli.when import moment

    rows = [
        [
            Cell(one.name),
            Cell(_size(one.bytes), right=True),
            Cell(_rate(found.per_day), right=True),
            Cell(_size(found.after(MONTH)), right=True),
            Cell(_size(found.after(QUARTER)), right=True),
            Cell(found.why, "dim"),
        ]
        for one, found in grown
    ]
    if rows:
        output.table(("database", "bytes", "a day", "in 30 days", "in 90 days", "by"), rows)
    else:
        output.text("no database is known up to now: storewarden db list --look")
    for each in filled:
        output.text()
        when = "not in sight" if each.full.at_ns is None else moment(each.full.at_ns)[:10]
        days = each.full.days
        soon = each.full.at_ns is not None and days is not None and days < QUARTER
        left = f", in {days:.0f} days" if each.full.at_ns is not None and days is not None else ""
        names = ", ".join(each.roots)
        told = Cell(f"{when}{left}", "bad" if soon else "")
        output.text(f"file system of {names}: full {output.styled(told)}")
        output.text(f"  {each.full.why}")


def _rate(rate: float | None) -> str:
    if rate is None:
        return "–"
    return f"{'-' if rate < 0 else '+'}{format_size(abs(round(rate)))}"


def _size(size: int | None) -> str:
    return "–" if size is None else format_size(size)


def _whole(rate: float | None) -> object:
    return "" if rate is None else round(rate)


def _none(value: int | None) -> object:
    return "" if value is None else value
