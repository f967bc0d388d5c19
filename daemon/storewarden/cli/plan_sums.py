"""What a plan comes to: sums, shares, money, limits, and how full disks will be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from storewarden.cli.around import Around, Disk
from storewarden.cli.when import moment
from storewarden.pipeline.planning import Plan
from storewarden.policy.forecast import DAY
from storewarden.policy.guards import over
from storewarden.policy.rules import LOCAL, Force

GIB = 2**30


class Money(NamedTuple):
    """What a plan changes of what is paid in a month, and what reading it all back would cost."""

    here: float | None  # less for what is freed here; not told without a price
    there: float  # more for what appears in stores
    back: float

    @property
    def saved(self) -> float | None:
        """What is saved in a month."""
        return None if self.here is None else self.here - self.there


class Counted(Protocol):
    """Files and bytes."""

    files: int
    bytes: int


class Course(NamedTuple):
    """How full a disk will be at the end of each day, and how full it would be otherwise."""

    disk: Disk
    values: list[int]
    otherwise: list[int]


def freed(made: Plan) -> int:
    """Return the bytes that are freed here; fewer than none when files come back."""
    return -sum(made.roots.values())


def money(made: Plan, around: Around) -> Money | None:
    """Return what the plan costs and saves, when any price is told."""
    prices = {store.name: store for store in around.settings.stores}
    if not any(each.gib_month is not None or each.gib_out is not None for each in prices.values()):
        return None
    there = back = 0.0
    for name, size in made.stores.items():
        price = prices.get(name)
        there += size / GIB * ((price.gib_month if price else None) or 0.0)
        back += max(0, size) / GIB * ((price.gib_out if price else None) or 0.0)
    local = prices[LOCAL].gib_month if LOCAL in prices else None
    here = None if local is None else freed(made) / GIB * local
    return Money(here, there, back)


def guards(made: Plan, around: Around) -> Iterator[tuple[str, str]]:
    """Yield each policy that would meet a limit on a day, the first one, and which."""
    files = sum(count for count, _ in around.held.values())
    size = sum(size for _, size in around.held.values())
    told: set[tuple[str, str]] = set()
    for (day, policy), (count, moved) in sorted(_runs(made, around).items()):
        guard = next(each.guard for each in around.policies.policies if each.id == policy)
        when = f"on {moment(around.now_ns + day * DAY)[:10]}" if around.ahead else "now"
        for limit, what in over(guard, count, moved, files, size):
            if (policy, limit) not in told:
                told.add((policy, limit))
                yield policy, f"{when}: {what}"


def _runs(made: Plan, around: Around) -> dict[tuple[int, str], tuple[int, int]]:
    """Return files and bytes that each policy frees on each day; what is due now is one run."""
    found: dict[tuple[int, str], tuple[int, int]] = {}

    def add(day: int, policy: str, action: Force, each: Counted) -> None:
        if action.destructive:
            count, moved = found.get((day, policy), (0, 0))
            found[day, policy] = count + each.files, moved + each.bytes

    if around.ahead:
        for (day, policy, action, _), each in made.forecast.sums.items():
            add(day, policy, action, each)
    else:
        for (policy, action, _), total in made.sums.items():
            add(0, policy, action, total)
    return found


def courses(made: Plan, around: Around) -> Iterator[Course]:
    """Yield how full each disk will be, day by day, with growth as far as it is known."""
    days = (around.until_ns - around.now_ns) // DAY + 1
    for disk in around.disks:
        known = around.growth or {}
        a_day = sum(known[name].bytes_per_day for name in disk.roots if name in known)
        changes = made.forecast.changes(days, disk.roots)
        # day 0 holds what is overdue: it is done at once
        otherwise = [max(0, round(disk.used + a_day * day)) for day in range(days)]
        values = [
            max(0, before + change) for before, change in zip(otherwise, changes, strict=True)
        ]
        yield Course(disk, values, otherwise)


def full_on(course: Course) -> int | None:
    """Return the first day on which a disk has no room left."""
    return next((day for day, used in enumerate(course.values) if used >= course.disk.total), None)


def totals(made: Plan, around: Around) -> dict[str, Any]:
    """Return all sums as an object of JSON."""
    told: dict[str, Any] = {
        "policies": [
            {
                "policy": policy,
                "action": action.word,
                "store": store,
                "files": each.files,
                "bytes": each.bytes,
                "freed": -each.here,
                "blocked": {block.name.lower(): count for block, count in each.blocked.items()},
                "blocked_bytes": each.blocked_bytes,
                "waits_for_space": each.waits,
                "observed": policy in around.observed,
            }
            for (policy, action, store), each in in_order(made)
        ],
        "files": sum(each.files for each in made.sums.values()),
        "bytes": sum(each.bytes for each in made.sums.values()),
        "freed": freed(made),
        "share": dict(shares(made, around)),
        "stores": dict(made.stores),
        "unknown": dict(made.unknown),
        "guards": [{"policy": policy, "meets": what} for policy, what in guards(made, around)],
        "clock_frozen": around.frozen or None,
        "money": _money(made, around),
    }
    if around.ahead:
        told["disks"] = [
            {
                "roots": list(course.disk.roots),
                "bytes": course.disk.total,
                "used": course.values,
                "used_without": course.otherwise,
            }
            for course in courses(made, around)
        ]
        told["days"] = [
            {
                "day": moment(around.now_ns + day * DAY)[:10],
                "policy": policy,
                "action": action.word,
                "store": store,
                "files": each.files,
                "bytes": each.bytes,
                "freed": -each.here,
            }
            for (day, policy, action, store), each in sorted(
                made.forecast.sums.items(), key=lambda pair: (*pair[0][:3], pair[0][3] or "")
            )
        ]
    return told


def in_order(made: Plan) -> list[tuple[tuple[str, Force, str | None], Any]]:
    """Return the sums by policy, the gentlest action first."""
    return sorted(made.sums.items(), key=lambda pair: (*pair[0][:2], pair[0][2] or ""))


def shares(made: Plan, around: Around) -> Mapping[str, float]:
    """Return which share of the bytes of each root is freed."""
    return {
        root: -here / around.held[root][1]
        for root, here in sorted(made.roots.items())
        if root in around.held and around.held[root][1] and here
    }


def _money(made: Plan, around: Around) -> dict[str, Any] | None:
    found = money(made, around)
    if found is None:
        return None
    return {
        "currency": around.settings.currency,
        "less_here_a_month": found.here,
        "more_in_stores_a_month": found.there,
        "saved_a_month": found.saved,
        "reading_back": found.back,
    }
