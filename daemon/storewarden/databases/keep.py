"""Which backups are kept, and why: the words of restic's `forget`, in the meaning they have there.

Only good backups count. They are gone through from the newest to the oldest; a rule by the hour
(day, week, month, year) keeps the first it meets of each, and as long as it may keep more, the
oldest of all. Hours and days are those of a clock on the wall in the zone that is given: the hour
that comes twice in autumn is one, and so are the days around it. A rule by age counts back from
the newest backup that is not of the future.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Generic, NamedTuple, Protocol, TypeVar

from storewarden.policy.rules import Keep
from storewarden.units import format_duration

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEWEST = "newest good one"
NO_RULE = "no rule removes any"
NEEDED = "a kept one is built on it"
NONE_NEWER = "no good one is newer"


class Backup(Protocol):
    """What of a backup decides whether it is kept."""

    @property
    def id(self) -> int: ...

    @property
    def base_id(self) -> int | None:
        """The backup that it is built on; None for a whole one."""

    @property
    def at_ns(self) -> int:
        """When the database was as it has it."""

    @property
    def good(self) -> bool:
        """Whether it was read back and found to be what was to be kept."""


B = TypeVar("B", bound=Backup)


class Kept(NamedTuple, Generic[B]):
    """One backup, whether it is kept, and why; without a reason nothing keeps it."""

    backup: B
    keep: bool
    reasons: tuple[str, ...]


def kept(backups: Iterable[B], rules: Keep, now_ns: int, zone: tzinfo) -> list[Kept[B]]:
    """Return all backups of one database, the newest first, each with what keeps it.

    Where no rule is said, all are kept; else one that is not good goes as soon as a newer one is.
    """
    ordered = sorted(backups, key=lambda one: (one.at_ns, one.id), reverse=True)
    good = [one for one in ordered if one.good]
    reasons: dict[int, list[str]] = {one.id: [] for one in ordered}
    for rule in _rules(rules, now_ns, zone):
        for one, reason in rule(good):
            reasons[one.id].append(reason)
    if rules == Keep():
        for one in ordered:
            reasons[one.id].append(NO_RULE)
    if good:
        reasons[good[0].id].append(NEWEST)
    for one in ordered:
        if not one.good and (not good or _order(one) > _order(good[0])):
            reasons[one.id].append(NONE_NEWER)
    _bases(ordered, reasons)
    return [Kept(one, bool(reasons[one.id]), tuple(reasons[one.id])) for one in ordered]


def _order(backup: Backup) -> tuple[int, int]:
    return backup.at_ns, backup.id


def _bases(ordered: Sequence[Backup], reasons: dict[int, list[str]]) -> None:
    """Keep what a kept one is built on, down to the whole one."""
    known = {one.id: one for one in ordered}
    for one in ordered:
        below, met = one.base_id if reasons[one.id] else None, {one.id}
        while below is not None and below in known and below not in met:
            met.add(below)
            if NEEDED not in reasons[below]:
                reasons[below].append(NEEDED)
            below = known[below].base_id


# -- rules --------------------------------------------------------------------------------------

_Found = Iterable[tuple[Backup, str]]
_Rule = Callable[[Sequence[Backup]], _Found]


def _rules(keep: Keep, now_ns: int, zone: tzinfo) -> list[_Rule]:
    """Return what each said rule keeps of the good ones, the newest first."""
    found: list[_Rule] = []
    if keep.within_ns is not None:
        found.append(_within(keep.within_ns, now_ns))
    if keep.last is not None:
        found.append(_counted(keep.last, "last", lambda one: one.id))
    slots = (
        (keep.hourly, "hourly", _hour),
        (keep.daily, "daily", _day),
        (keep.weekly, "weekly", _week),
        (keep.monthly, "monthly", _month),
        (keep.yearly, "yearly", _year),
    )
    for count, word, slot in slots:
        if count is not None:
            found.append(_counted(count, word, _on_the_wall(slot, zone)))
    return found


def _within(length_ns: int, now_ns: int) -> _Rule:
    def rule(good: Sequence[Backup]) -> _Found:
        latest = next((one.at_ns for one in good if one.at_ns < now_ns), None)
        reason = f"within {format_duration(length_ns / _SECOND)}"
        return [(one, reason) for one in good if latest is None or one.at_ns > latest - length_ns]

    return rule


def _counted(count: int, word: str, slot: Callable[[Backup], object]) -> _Rule:
    def rule(good: Sequence[Backup]) -> _Found:
        left, before = count, object()
        for one in good:
            mine = slot(one)
            oldest = one is good[-1]
            if left and (mine != before or oldest):
                yield one, f"oldest {word}" if mine == before else word
                before, left = mine, left - 1

    return rule


def _on_the_wall(slot: Callable[[datetime], object], zone: tzinfo) -> Callable[[Backup], object]:
    def of(backup: Backup) -> object:
        return slot((_EPOCH + timedelta(microseconds=backup.at_ns // 1000)).astimezone(zone))

    return of


def _hour(when: datetime) -> object:
    return when.year, when.month, when.day, when.hour


def _day(when: datetime) -> object:
    return when.year, when.month, when.day


def _week(when: datetime) -> object:
    return when.isocalendar()[:2]


def _month(when: datetime) -> object:
    return when.year, when.month


def _year(when: datetime) -> object:
    return when.year
