"""What statistics ask of calls and workflows: sums by day, and how long things took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told.sums import UNIT
from storewarden.catalogue.told.took import MICROSECOND

COLUMNS: Final = {
    "provider": "provider",
    "model": "model",
    "workflow": "workflow_name",
    "user": "user_name",
    "day": "day",
}
TIMED: Final = ("provider", "model", "user", "day")
"""By what it is known how many calls took how long, not only how long they took in all.

Of the calls of one user that is not known by provider and model.
"""

_COUNTS: Final = ("times", "failed", "calls", "tokens_in", "tokens_out", "priced", "timed")
_SUMS: Final = ", ".join(
    f"CAST(SUM({each}) AS BIGINT)" for each in (*_COUNTS, "cost_units", "cost_nano", "took_us")
)


class Asked(NamedTuple):
    """Which calls are asked for: of a host, from a day on, of a user."""

    host_id: int | None = None
    since_day: int = 0
    user: str | None = None

    def where(self) -> tuple[str, tuple[Any, ...]]:
        """Return the condition, and its values."""
        met = {"host_id = ?": self.host_id, "day >= ?": self.since_day, "user_name = ?": self.user}
        asked = {sql: value for sql, value in met.items() if value is not None}
        return " AND ".join(asked), tuple(asked.values())

    def times(self, by: str | None) -> tuple[str, tuple[Any, ...]]:
        """Return the same for how long calls took."""
        where, params = self._replace(user=None).where()
        if by == "user" and self.user is None:
            return f"{where} AND user_name <> ''", params
        return f"{where} AND user_name = ?", (*params, self.user or "")


@dataclass(slots=True)
class Calls:
    """What calls came to. ``cost`` is billionths by currency; none stands where none was told."""

    times: int = 0
    failed: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    priced: int = 0
    timed: int = 0
    took_us: int = 0
    longest_ns: int = 0
    cost: dict[str, int] = field(default_factory=dict)

    def take(self, currency: str, row: Sequence[int]) -> None:
        """Add what was summed of one currency."""
        *counts, units, nano, took_us, longest_ns = map(int, row)
        for name, count in zip(_COUNTS, counts, strict=True):
            setattr(self, name, getattr(self, name) + count)
        self.took_us += took_us
        self.longest_ns = max(self.longest_ns, longest_ns)
        if counts[_COUNTS.index("priced")]:
            self.cost[currency] = self.cost.get(currency, 0) + units * UNIT + nano

    def join(self, other: Calls) -> None:
        """Add what came to something else."""
        for name in (*_COUNTS, "took_us"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_ns = max(self.longest_ns, other.longest_ns)
        for currency, nano in other.cost.items():
            self.cost[currency] = self.cost.get(currency, 0) + nano

    @property
    def mean_ns(self) -> int | None:
        """How long a call took on average."""
        return self.took_us * MICROSECOND // self.timed if self.timed else None


def calls(engine: Engine, asked: Asked, by: str | None = None) -> dict[Any, Calls]:
    """Return what calls came to by one of ``COLUMNS``, or in all, under ""."""
    where, params = asked.where()
    column = COLUMNS[by] if by else "''"
    group = f"{COLUMNS[by]}, currency" if by else "currency"
    rows = engine.execute(
        f"SELECT {column}, currency, {_SUMS}, MAX(longest_ns) FROM api_usage_days"
        f" WHERE {where} GROUP BY {group}",
        params,
    )
    found: dict[Any, Calls] = defaultdict(Calls)
    for name, currency, *row in sorted(rows, key=lambda row: row[:2]):
        found[name].take(currency, row)
    return dict(found)


def steps(engine: Engine, asked: Asked, by: str | None = None) -> dict[Any, dict[int, int]]:
    """Return how many calls took how long: by one of ``TIMED``, or in all, under ""."""
    if asked.user is not None and by in {"provider", "model"}:
        return {}
    where, params = asked.times(by)
    column = COLUMNS[by] if by else "''"
    group = f"{COLUMNS[by]}, step" if by else "step"
    rows = engine.execute(
        f"SELECT {column}, step, SUM(times) FROM api_usage_times WHERE {where} GROUP BY {group}",
        params,
    )
    found: dict[Any, dict[int, int]] = defaultdict(dict)
    for name, step, times in rows:
        found[name][step] = int(times)
    return dict(found)


def first_told(engine: Engine, host_id: int, column: str) -> list[str]:
    """Return all providers or currencies, those first of which was told first."""
    rows = engine.execute(
        f"SELECT {column}, MIN(day) FROM api_usage_days WHERE host_id = ? GROUP BY {column}",
        (host_id,),
    )
    return [name for name, _ in sorted(rows, key=lambda row: (row[1], row[0]))]


class Flows(NamedTuple):
    """Workflows: how many of each status ("" is not told), and how long those took that ended."""

    statuses: dict[str, int]
    took_ns: list[int]


def workflows(
    engine: Engine, host_id: int | None, since_ns: int, user_id: int | None = None
) -> Flows:
    """Return workflows that were begun since a time, as far as a user sees them."""
    met = {
        "coalesce(created_ns, first_seen_ns) >= ?": since_ns,
        "host_id = ?": host_id,
        "(owner_id = ? OR public = 1)": user_id,
    }
    asked = {sql: value for sql, value in met.items() if value is not None}
    rows = engine.execute(
        "SELECT status, coalesce(started_ns, created_ns), ended_ns FROM workflows"
        f" WHERE {' AND '.join(asked)}",
        tuple(asked.values()),
    )
    statuses = Counter(status or "" for status, *_ in rows)
    took = [ended - began for _, began, ended in rows if began and ended and ended >= began]
    return Flows(dict(statuses), took)
