"""Sums of what calls of services took and cost: added to when a call is told, never counted.

They stay when the rows they came from are let go of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import took

DAY_NS: Final = 86_400 * 1_000_000_000
UNIT: Final = 1_000_000_000
"""Billionths in a unit of money."""

_KEY: Final = "host_id, day, provider, model, operation, currency, workflow_name, user_name"
_ADDED: Final = ("times", "failed", "calls", "tokens_in", "tokens_out", "priced", "timed")
_COLUMNS: Final = f"{_KEY}, {', '.join(_ADDED)}, took_us, longest_ns, cost_units, cost_nano"
_OLD: Final = "api_usage_days"
_ADD_DAY: Final = (
    f"INSERT INTO api_usage_days ({_COLUMNS}) VALUES ({', '.join('?' * 19)})"
    f" ON CONFLICT ({_KEY}) DO UPDATE SET"
    + "".join(f" {each} = {_OLD}.{each} + excluded.{each}," for each in (*_ADDED, "took_us"))
    + f" longest_ns = CASE WHEN excluded.longest_ns > {_OLD}.longest_ns"
    f" THEN excluded.longest_ns ELSE {_OLD}.longest_ns END,"
    f" cost_units = {_OLD}.cost_units + excluded.cost_units"
    f" + ({_OLD}.cost_nano + excluded.cost_nano) / {UNIT},"
    f" cost_nano = ({_OLD}.cost_nano + excluded.cost_nano) % {UNIT}"
)
_ADD_TIME: Final = (
    "INSERT INTO api_usage_times (host_id, day, provider, model, user_name, step, times)"
    " VALUES (?, ?, ?, ?, ?, ?, 1)"
    " ON CONFLICT (host_id, user_name, day, provider, model, step)"
    " DO UPDATE SET times = api_usage_times.times + 1"
)


class Called(NamedTuple):
    """What one deed told of calls; workflow and user are names."""

    at_ns: int
    provider: str
    currency: str
    calls: int
    failed: bool
    model: str | None = None
    operation: str | None = None
    workflow: str | None = None
    user: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_nano: int | None = None
    duration_ns: int | None = None


def add(engine: Engine, host_id: int, called: Sequence[Called]) -> None:
    """Add to the sums, in the transaction that tells of the calls for the first time."""
    engine.executemany(_ADD_DAY, [_day(host_id, one) for one in called])
    engine.executemany(
        _ADD_TIME,
        [
            (host_id, day(one.at_ns), *of, took.step(one.duration_ns))
            for one in called
            if one.duration_ns is not None
            for of in ((one.provider, one.model or "", ""), ("", "", one.user or ""))[
                : 2 if one.user else 1
            ]
        ],
    )


def day(at_ns: int) -> int:
    """Return the day of a time, counted from 1970 in UTC."""
    return max(0, at_ns) // DAY_NS


def _day(host_id: int, one: Called) -> tuple[object, ...]:
    units, nano = divmod(one.cost_nano or 0, UNIT)
    duration_ns = one.duration_ns or 0
    return (
        *(host_id, day(one.at_ns), one.provider, one.model or "", one.operation or ""),
        *(one.currency, one.workflow or "", one.user or ""),
        *(1, int(one.failed), one.calls, one.tokens_in or 0, one.tokens_out or 0),
        *(int(one.cost_nano is not None), int(one.duration_ns is not None)),
        *(duration_ns // took.MICROSECOND, duration_ns, units, nano),
    )
