"""What policies do with rows of a declared table, and which limit it would meet; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from storewarden.config.schema import TableSettings
from storewarden.databases.rows.picked import Picked, Spared
from storewarden.databases.rows.pieces import FIRST_NS
from storewarden.policy.rules import Force, Guard, Phase, Policy, PolicySet
from storewarden.units import format_share, format_size, write_duration

BACKUPS: Final = "backups"
MOST: Final = 1_000_000  # rows of one archive
_SPANS: Final = 50  # an archive is purged with its newest row: it spans so small a part of a life
_DAY: Final = 86_400_000_000_000
_SECOND: Final = 1_000_000_000

Action = Literal["archive", "trash", "purge"]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a policy has done with rows that leave their table."""

    policy: Policy
    action: Action
    picked: Picked
    store: str
    reason: str
    span_ns: int | None  # that the clocks of the rows of one archive may span


@dataclass(frozen=True, slots=True)
class Purge:
    """An archive whose time is over."""

    policy: Policy
    archive: int
    rows: int
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of an archive of a policy."""

    id: int
    policy: str | None
    rows: int
    size: int
    last_ns: int | None
    ended_ns: int | None


def policies_of(policies: PolicySet, table: str) -> tuple[Policy, ...]:
    """Return the policies about the rows of a table, in the order in which they count."""
    return tuple(policy for policy in policies.policies if policy.rows == table)


def steps(
    policy: Policy, table: TableSettings, now_ns: int, spared: Sequence[Spared] = ()
) -> Iterator[Step]:
    """Yield what is to leave the table by a policy: the first phase that archives or trashes.

    Both put rows into an archive, out of which they come back until they are purged.
    """
    phase = _leaving(policy)
    if phase is None:
        return
    clock = policy.clock or table.clock
    flag = clock == table.deleted and clock != table.clock
    picked = Picked(
        clock=clock,
        unit=table.clock_unit,
        since=table.clock if flag else "",
        from_ns=FIRST_NS - 1,
        to_ns=now_ns - phase.after_ns,
        spared=tuple(spared),
    )
    action: Action = "trash" if phase.do is Force.TRASH else "archive"
    reason = f"{clock} is {_said(phase.after_ns)} ago or more"
    yield Step(policy, action, picked, phase.to or BACKUPS, reason, _span(policy))


def after_ns(policy: Policy) -> int:
    """Return how long rows stay by a policy; those that were brought back, once more."""
    phase = _leaving(policy)
    return phase.after_ns if phase is not None else 0


def purges(policy: Policy, archives: Iterable[Kept], now_ns: int) -> Iterator[Purge]:
    """Yield archives of a policy of which every row has had its time."""
    phase = next((one for one in policy.phases if one.do is Force.PURGE), None)
    if phase is None:
        return
    for one in archives:
        if one.policy != policy.id:
            continue
        since = one.ended_ns if phase.after_previous else one.last_ns
        if since is not None and since + phase.after_ns <= now_ns:
            what = "archived" if phase.after_previous else policy.clock or "the clock"
            reason = f"{what} is {_said(phase.after_ns)} ago or more for each of its rows"
            yield Purge(policy, one.id, one.rows, one.size, reason)


def windows(step: Step, first_ns: int | None, last_ns: int | None) -> Iterator[Picked]:
    """Yield what goes into one archive each: rows whose clocks are near enough to each other.

    Windows begin at multiples of their span, so that another run parts rows in the same way.
    """
    if step.span_ns is None or first_ns is None or last_ns is None:
        yield step.picked
        return
    at = first_ns // step.span_ns * step.span_ns
    while at <= last_ns:
        upto = min(at + step.span_ns - 1, step.picked.to_ns or last_ns)
        yield _between(step.picked, at - 1, upto)
        at += step.span_ns


def over(
    guard: Guard, rows: int, size: int, of_rows: int, of_bytes: int
) -> Iterator[tuple[str, str]]:
    """Yield each limit that a run over so many rows would meet, and how, in words."""
    if guard.max_objects is not None and rows > guard.max_objects:
        yield "max_objects", f"{rows:,} rows, at most {guard.max_objects:,} in one run"
    if guard.max_bytes is not None and size > guard.max_bytes:
        yield "max_bytes", f"{format_size(size)}, at most {format_size(guard.max_bytes)} in one run"
    shares = [part / whole for part, whole in ((rows, of_rows), (size, of_bytes)) if whole > 0]
    share = min(1.0, max(shares, default=0.0))
    if guard.max_share is not None and share > guard.max_share:
        most = format_share(guard.max_share)
        yield "max_share", f"{format_share(share)} of all rows, at most {most} in one run"


def unfit(policy: Policy) -> str:
    """Return what of a policy is nothing for rows, in words; "" when all of it is."""
    if any(phase.do is Force.COPY for phase in policy.phases):
        return "copy is nothing for rows: archive takes them out of their table and keeps them"
    if any(phase.do is Force.MOVE for phase in policy.phases):
        return "move is nothing for rows: archive takes them out of their table and keeps them"
    return ""


def _leaving(policy: Policy) -> Phase | None:
    return next((one for one in policy.phases if one.do in (Force.ARCHIVE, Force.TRASH)), None)


def _span(policy: Policy) -> int | None:
    """Return how much time an archive may span, so that no row is kept long beyond its own."""
    phase = next((one for one in policy.phases if one.do is Force.PURGE), None)
    if phase is None or phase.after_previous:
        return None
    return max(_DAY, phase.after_ns // _SPANS // _DAY * _DAY)


def _between(picked: Picked, after: int, upto: int) -> Picked:
    told: Mapping[str, Any] = picked.facts() | {"from_ns": after, "to_ns": upto}
    return Picked.of(told)


def _said(duration_ns: int) -> str:
    return write_duration(duration_ns / _SECOND)
