"""What is due of rows is done: they leave, or their archives go, until too much fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import Any, Final

from storewarden.catalogue import held_back, row_archives
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.row_archives import Archive
from storewarden.config.schema import TableSettings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.row_plan import UNFIT, Due, due
from storewarden.daemon.tending.row_work import RowWork, why_of
from storewarden.daemon.tending.wish import Item, Outcome
from storewarden.databases.rows import plan
from storewarden.databases.rows.errors import Errors
from storewarden.databases.rows.keeping import Subject, Wanted
from storewarden.errors import StoreFull, StorewardenError, WorkStopped
from storewarden.policy.run import Limit

APPLY: Final = "rows_apply"
APPLIED: Final = "applied"
"""The figure of rows that left at the last run."""

_ROOM: Final = 1.5  # of the bytes of what is archived, for our own copy
_FREE: Final = 64 << 20


def applied(work: RowWork, table: TableSettings) -> list[Item]:
    """Do what is due for a table, and return what came of each."""
    items = []
    let = {str(one) for one in work.wish.options.get("approves", ())}
    policies = work.hands.policies
    mine = plan.policies_of(policies, table.name) if policies else ()
    subject = work.subject(table, mine)
    held: dict[str, list[HeldBack]] = {policy.id: [] for policy in mine}
    for one in due(work, table):
        if not one.rows:
            continue
        if plan.unfit(one.policy) or (one.against and one.policy.id not in let):
            why = "; ".join(words for _, words in one.against)
            remedy = f"look at it, then: {_command(table)}"
            items.append(Item(table.name, APPLY, "refused", why, remedy, one.facts()))
            held[one.policy.id] += _held(table, one)
            continue
        errors = Errors(one.policy.guard)
        items.append(_carried_out(work, table, subject, one, errors))
        held[one.policy.id] += _failing(table, one, errors)
    _note_held(work, held)
    left = sum(int(one.facts.get("left", 0)) for one in items)
    work.note([(table.name, APPLIED, left)])
    return items


def archived(work: RowWork, subject: Subject, wanted: Wanted) -> Iterator[Archive]:
    """Archive until nothing is left that goes; what changed meanwhile is for another time."""
    while (archive := work.keeper.archive(subject, wanted)) is not None:
        yield archive
        removed = archive.told.get("removed", {})
        if archive.rows < wanted.most or not removed.get("rows"):
            return


def require_room(work: RowWork, size: int) -> None:
    """See that there is room for our own copy of so many bytes.

    Raises:
        StoreFull: there is too little.
    """
    free = shutil.disk_usage(work.hands.scratch).free
    if size * _ROOM + _FREE > free:
        raise StoreFull(
            "there is no room for a copy of the rows",
            where=str(work.hands.scratch),
            why=f"they are about {size:,} bytes, and {free:,} are free",
        )


def _carried_out(
    work: RowWork, table: TableSettings, subject: Subject, one: Due, errors: Errors
) -> Item:
    came: list[Archive] = []
    try:
        for archive in _acts(work, subject, one, errors):
            came.append(archive)
            if work.stopping():
                raise GivenUp
    except WorkStopped as error:
        raise GivenUp from error
    except StorewardenError as error:
        errors.last = error
    facts = one.facts() | sums(came)
    wrong = errors.last
    if wrong is None:
        return Item(table.name, APPLY, "done", facts=facts)
    outcome: Outcome = "put_off" if wrong.transient else "failed"
    return Item(table.name, APPLY, outcome, why_of(wrong), wrong.remedy, facts)


def _acts(work: RowWork, subject: Subject, one: Due, errors: Errors) -> Iterator[Archive]:
    """Yield archives that went, or that rows went into; what fails leaves the others their turn.

    Raises:
        StorewardenError: nothing more is tried: it can only be later, or too much failed.
    """
    for purge in one.purges:
        archive = row_archives.one(work.hands.engine, work.hands.host_id, purge.archive)
        if archive is not None:
            with errors:
                yield work.keeper.purge(archive)
    if one.step is None:
        return
    require_room(work, one.size)
    reason = one.policy.reason or one.reason
    for picked in plan.windows(one.step, one.counted["first_ns"], one.counted["last_ns"]):
        wanted = Wanted(
            *(picked, one.step.store, one.policy.id, work.wish.asked_by, reason, plan.MOST)
        )
        with errors:
            yield from archived(work, subject, wanted)


# -- what is kept back --------------------------------------------------------------------------


def _command(table: TableSettings) -> str:
    return f"storewarden rows apply {table.name} --yes"


def _held(table: TableSettings, one: Due) -> Iterator[HeldBack]:
    for limit, words in one.against:
        if limit != UNFIT:
            why = f"{one.policy.id}: {words}"
            yield HeldBack(one.policy.id, limit, why, one.rows, one.size, 0, _command(table))


def _failing(table: TableSettings, one: Due, errors: Errors) -> Iterator[HeldBack]:
    if errors.failed:
        name, why = Limit.ERRORS.value, f"{one.policy.id}: {errors.told()}"
        yield HeldBack(one.policy.id, name, why, one.rows, one.size, 0, _command(table))


def _note_held(work: RowWork, held: dict[str, list[HeldBack]]) -> None:
    """Remember what is kept from each policy, in place of what was before."""
    hands = work.hands
    with hands.engine.transaction():
        for policy, kept in held.items():
            whole: dict[str, HeldBack] = {}
            for one in kept:
                was = whole.get(one.guard)
                more = (was.files, was.size) if was is not None else (0, 0)
                whole[one.guard] = one._replace(files=one.files + more[0], size=one.size + more[1])
            held_back.replace(hands.engine, hands.host_id, policy, whole.values(), hands.now_ns)


def sums(archives: Sequence[Archive]) -> dict[str, Any]:
    """Return what came of archives, together."""
    removed = [one.told.get("removed", {}) for one in archives]
    return {
        "archived": [one.id for one in archives],
        "left": sum(int(one.get("rows", 0)) for one in removed),
        "stayed": sum(int(one.get("left", 0)) for one in removed),
        "held": sum(int(one.told.get("held", 0)) for one in archives),
        "stored_bytes": sum(one.stored_bytes for one in archives if one.state == "done"),
        "longest": max((float(one.get("longest", 0.0)) for one in removed), default=0.0),
    }
