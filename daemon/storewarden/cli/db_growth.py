"""How fast databases and file systems grow, as people, pipes and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import Cell, Output
from storewarden.units import format_size

if TYPE_CHECKING:
    from storewarden.catalogue.databases import Database
    from storewarden.databases.filled import Grown, System
    from storewarden.databases.growth import Growth

MONTH, QUARTER = 30, 90


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
