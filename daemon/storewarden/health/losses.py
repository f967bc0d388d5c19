"""From what is, to what is wrong: each thing with the reason it counts for and what mends it; pure.

What hangs on a limit goes at one value and comes back at a better one, so that a figure that stays
around its limit does not take points and give them back all the time.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from storewarden.health import reasons
from storewarden.health.probes import Acts, Backed, Care, Disk, Late, Probes
from storewarden.measure.shown import shown
from storewarden.units import format_duration, format_size

DAY_NS: Final = 86_400 * 10**9
SLOW_STATEMENTS: Final = 10  # in a day; more cost points
FULL_SHARE, FULL_SHARE_BACK = 0.95, 0.94
FULL_DAYS, FULL_DAYS_BACK = 7.0, 8.0
LATE_SECONDS, LATE_SECONDS_BACK = 60.0, 30.0
FAILURES: Final = 3  # in a row; one that is mended by trying again costs nothing
OVERDUE_NS: Final = DAY_NS
_SMALLEST: Final = 1 << 20  # bytes that are worth freeing


class Loss(NamedTuple):
    """One thing that is wrong: why it counts, which thing it is, what is wrong, what mends it."""

    reason: str
    object: str
    detail: str
    remedy: str

    @property
    def key(self) -> Key:
        """What it is known by from one look to the next."""
        return (self.reason, self.object)


Key = tuple[str, str]
"""A reason, and an object."""


def losses(probes: Probes, now_ns: int, before: Collection[Key] = ()) -> list[Loss]:
    """Return all that is wrong, in the order of the reasons, of each the worst first.

    ``before`` is what was wrong just before: that is over only when it is clearly better.
    """
    found = [
        *_integrity(probes),
        *_keys(probes),
        *_orphans(probes),
        *_slow(probes),
        *_blind(probes),
        *(loss for one in probes.disks for loss in _disk(one, now_ns, before)),
        *(loss for one in probes.backed for loss in _backups(one, now_ns)),
        *(loss for one in probes.care for loss in _care(one, now_ns)),
        *(loss for one in probes.acts for loss in _acts(one, now_ns)),
        *(loss for one in probes.late for loss in _late(one, before)),
    ]
    unique: dict[Key, Loss] = {}
    for loss in found:
        unique.setdefault(loss.key, loss)
    return ordered(unique.values())


def ordered(lost: Iterable[Loss]) -> list[Loss]:
    """Return losses in the order of their reasons, of each in the order in which they come."""
    order = {reason: number for number, reason in enumerate(reasons.REASONS)}
    return sorted(lost, key=lambda loss: order[loss.reason])


def _integrity(probes: Probes) -> Iterator[Loss]:
    for one in probes.damaged:
        verb = "check" if one.rows_whole else "restore"
        helps = "; its rows are whole, REINDEX mends it" if one.rows_whole else ""
        remedy = f"storewarden db {verb} {_word(one.database)}"
        yield Loss(reasons.INTEGRITY, one.database, f"damaged: {shown(one.why)}{helps}", remedy)
    for store, copies in probes.last_copies:
        several = f"the last copies of {copies:,} files are"
        what = "the last copy of 1 file is" if copies == 1 else several
        remedy = f"storewarden store scrub {_word(store)} --all"
        yield Loss(reasons.INTEGRITY, f"store {store}", f"{what} damaged", remedy)


def _keys(probes: Probes) -> Iterator[Loss]:
    for name in probes.unheeded:
        detail = "its application opens it without PRAGMA foreign_keys = ON"
        remedy = f"storewarden db check {_word(name)}"
        yield Loss(reasons.FOREIGN_KEYS, name, detail, remedy)


def _orphans(probes: Probes) -> Iterator[Loss]:
    for one in sorted(probes.orphans, key=lambda each: -each.rows):
        if one.rows > 0:
            rows = "1 row has" if one.rows == 1 else f"{one.rows:,} rows have"
            remedy = f"storewarden rows orphans {_word(one.table)} --clean"
            yield Loss(reasons.ORPHANS, f"{one.table}.{one.child}", f"{rows} no parent", remedy)


def _slow(probes: Probes) -> Iterator[Loss]:
    met = sorted((one for one in probes.slow if one.statements > 0), key=lambda x: -x.statements)
    if sum(one.statements for one in met) <= SLOW_STATEMENTS:
        return
    for one in met:
        count = max(1, round(one.statements))
        detail = f"{_count(count, 'statement')} took more than 0.1 s within a day"
        yield Loss(
            reasons.SLOW_QUERIES, one.database, detail, f"storewarden db slow {_word(one.place)}"
        )


def _blind(probes: Probes) -> Iterator[Loss]:
    places = Counter(one.root for one in probes.unseen)
    for one in probes.unseen:
        more = places[one.root] - 1
        also = f", and {_count(more, 'place')} more" if more else ""
        where = f" at {shown(one.path)}" if one.path else ""
        why = f": {shown(one.detail)}" if one.detail else ""
        remedy = shown(one.remedy) or "storewarden doctor"
        yield Loss(reasons.BLIND, one.root, f"{one.reason}{where}{why}{also}", remedy)


def _disk(one: Disk, now_ns: int, before: Collection[Key]) -> Iterator[Loss]:
    name = ", ".join(one.roots) if one.roots else "state"
    size = one.used + one.free
    if size <= 0:
        return
    was = (reasons.DISK_FULL, name) in before
    share = one.used / size
    days = None if one.full_ns is None else (one.full_ns - now_ns) / DAY_NS
    limit, soon = (FULL_SHARE_BACK, FULL_DAYS_BACK) if was else (FULL_SHARE, FULL_DAYS)
    if share > limit:
        need = one.used - int(FULL_SHARE_BACK * size)
        detail = f"{int(share * 100)}% full, {format_size(one.free)} are left"
    elif days is not None and days <= soon:
        need = int(one.free * (FULL_DAYS_BACK / max(days, 1.0) - 1))
        when = "within a day" if days <= 1 else f"in {days:.0f} days"
        detail = f"full {when} at its present growth, {format_size(one.free)} are left"
    else:
        return
    yield Loss(reasons.DISK_FULL, name, detail, _room(one, max(_SMALLEST, need)))


def _room(one: Disk, need: int) -> str:
    if not one.roots:
        return "storewarden catalogue status"
    return f"storewarden free {-(-need // _SMALLEST)}MiB --root {_word(one.roots[0])}"


def _backups(one: Backed, now_ns: int) -> Iterator[Loss]:
    name = _word(one.database)
    if one.proven_ns is None:
        what = "no backup was ever restored on trial"
        remedy = f"storewarden db drill {name}"
        if one.taken_ns is None:
            what, remedy = "there is no backup that could be restored on trial", _backup(name)
        yield Loss(reasons.DRILL, one.database, what, remedy)
    if one.taken_ns is None:
        if now_ns > one.due_ns + OVERDUE_NS:
            yield Loss(reasons.BACKUP, one.database, "there is no good backup", _backup(name))
    elif one.every_ns is not None and now_ns - one.taken_ns > 2 * one.every_ns:
        due = format_duration(one.every_ns // 10**9)
        detail = f"the newest is older than twice its schedule, which is every {due}"
        yield Loss(reasons.BACKUP, one.database, detail, _backup(name))


def _backup(name: str) -> str:
    return f"storewarden db backup {name}"


def _care(one: Care, now_ns: int) -> Iterator[Loss]:
    remedy = f"storewarden db {_verb(one.what)} {_word(one.database)}"
    name = f"{one.what} of {one.database}"
    if one.failures >= FAILURES:
        why = f": {shown(one.why)}" if one.why else ""
        yield Loss(reasons.JOBS, name, f"failed again and again{why}", remedy)
    elif not one.waits and now_ns > one.due_ns + OVERDUE_NS:
        yield Loss(reasons.JOBS, name, "overdue for more than a day", remedy)


def _verb(what: str) -> str:
    return "list --look" if what == "look" else what


def _acts(one: Acts, now_ns: int) -> Iterator[Loss]:
    name = f"policy {one.policy}" if one.policy else "what people asked for"
    files = _count(one.files, "file")
    why = f": {shown(one.why)}" if one.why else ""
    if one.failing:
        remedy = one.remedy or "storewarden history --troubles"
        yield Loss(reasons.JOBS, name, f"failed again and again, {files}{why}", remedy)
    elif now_ns > one.since_ns + OVERDUE_NS:
        remedy = one.remedy or f"storewarden apply --policy {_word(one.policy)}"
        yield Loss(reasons.JOBS, name, f"{files} overdue for more than a day{why}", remedy)


def _late(one: Late, before: Collection[Key]) -> Iterator[Loss]:
    name = one.root or "catalogue"
    was = (reasons.BEHIND, name) in before
    if one.seconds <= (LATE_SECONDS_BACK if was else LATE_SECONDS):
        return
    why = f": {shown(one.why)}" if one.why else ""
    detail = (
        "what was seen more than a minute ago is not recorded" if one.root else "cannot be written"
    )
    remedy = "storewarden status" if one.root else "storewarden catalogue status"
    yield Loss(reasons.BEHIND, name, f"{detail}{why}", remedy)


def _count(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _word(name: str) -> str:
    """Return a name as a shell takes it."""
    return shlex.quote(shown(name))
