"""``storewarden db backups``: which backups there are, and why each is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.backups import Backup
    from storewarden.databases.keep import Kept
    from storewarden.databases.restoring import Part

_HEADS = ("of", "kind", "stored", "in", "read back", "proven", "kept")
_HEADS_OF_STORE = ("of", "kind", "stored", "database", "rows")


@dataclass(frozen=True, slots=True)
class Line:
    """One backup as it is told."""

    database: str
    host: str
    taken_ns: int
    kind: str
    state: str
    bytes: int | None
    stored_bytes: int | None
    store: str
    key: str
    rows: int | None
    verified_ns: int | None
    proven_ns: int | None
    reasons: tuple[str, ...]
    trouble: str


@verb
@click.argument("names", nargs=-1, metavar="[DATABASE]...")
@click.option("--store", metavar="NAME", help="What lies in this store, whatever is recorded.")
def backups(session: Session, names: Sequence[str], store: str | None) -> int:
    """List backups: of when, how large, where, whether read back and proven, and why kept.

    \b
    storewarden db backups chat.db
    storewarden db backups --store cloud

    These are the times to which a database can be brought back: storewarden db restore --at. Exit
    code 1 when a backup is not good.
    """  # noqa: D301  # click's mark for lines that stay as they are
    _ = session.settings
    from storewarden.errors import DONE, FAILED

    lines, wrong = _in_store(session, names, store) if store else (_recorded(session, names), [])
    _tell(session.output, lines, recorded=store is None)
    for trouble in wrong:
        note(f"storewarden: {trouble}")
    return FAILED if wrong or any(one.trouble for one in lines) else DONE


# -- what is recorded -----------------------------------------------------------------------------


def _recorded(session: Session, names: Sequence[str]) -> list[Line]:
    from storewarden.catalogue.databases import find_databases, known_databases
    from storewarden.cli.db_known import policies_named
    from storewarden.cli.listing import our_host
    from storewarden.daemon.tending.meant import cared
    from storewarden.databases.backups import plan
    from storewarden.policy.rules import Keep
    from storewarden.policy.timing import machine_zone

    policies, now_ns = policies_named(session, None), time.time_ns()
    with session.reading() as engine:
        host = our_host(engine)
        if host is None:
            return []
        if names:
            found, unknown = find_databases(engine, host, names, gone=True)
            _require_known(unknown)
        else:
            found = known_databases(engine, host, gone=True)
        lines = []
        for one in cared(engine, host, policies, now_ns, found):
            keep = one.backup.keep if one.backup is not None else Keep()
            planned = plan(engine, one.database.id, keep, now_ns, machine_zone(os.environ))
            lines += [_of(one.database.name, each) for each in planned]
        return lines


def _require_known(unknown: Sequence[str | bytes]) -> None:
    if not unknown:
        return
    from storewarden.errors import StorewardenError

    raise StorewardenError(
        "no database is called so",
        where=", ".join(map(str, unknown)),
        remedy="storewarden db list; or ask a store: --store NAME",
    )


def _of(name: str, planned: Kept[Backup]) -> Line:
    one = planned.backup
    return Line(
        database=name,
        host="",
        taken_ns=one.at_ns,
        kind=one.kind,
        state=one.state,
        bytes=one.size,
        stored_bytes=one.stored_bytes,
        store=one.store,
        key=one.key,
        rows=sum(one.counted.values()),
        verified_ns=one.verified_ns,
        proven_ns=one.proven_ns,
        reasons=planned.reasons,
        trouble=one.trouble,
    )


# -- what lies in a store -------------------------------------------------------------------------


def _in_store(session: Session, names: Sequence[str], name: str) -> tuple[list[Line], list[str]]:
    from storewarden.clock import SystemClock
    from storewarden.daemon.tending.hands import TendingStores
    from storewarden.databases.restoring import Part, listed
    from storewarden.errors import UsageError

    stores = TendingStores(session.settings, SystemClock(), time.sleep)
    try:
        store = stores.get(name)
        if store is None:
            raise UsageError("there is no such store", where=name, remedy="storewarden store list")
        found = list(listed(store))
    finally:
        stores.close()
    parts = [one for one in found if isinstance(one, Part)]
    wanted = [one for one in parts if not names or _is(one, names)]
    wanted.sort(key=lambda one: (one.about.host, one.about.name, -one.about.taken_ns))
    return [_part(name, one) for one in wanted], [one for one in found if isinstance(one, str)]


def _is(part: Part, names: Sequence[str]) -> bool:
    return bool({part.about.name, os.fsdecode(part.about.place)} & set(names))


def _part(store: str, part: Part) -> Line:
    about = part.about
    return Line(
        database=about.name,
        host=about.host,
        taken_ns=about.taken_ns,
        kind=about.kind,
        state="stored",
        bytes=about.size,
        stored_bytes=part.stored.bytes,
        store=store,
        key=part.stored.key,
        rows=None if about.rows is None else sum(about.rows.values()),
        verified_ns=None,
        proven_ns=None,
        reasons=(),
        trouble="",
    )


# -- telling --------------------------------------------------------------------------------------


def _tell(output: Output, lines: Sequence[Line], *, recorded: bool) -> None:
    if output.json:
        output.document({"backups": [_document(one) for one in lines]})
    elif output.terminal:
        _for_people(output, lines, recorded=recorded)
    else:
        for one in lines:
            told = _document(one)
            reasons = ", ".join(one.reasons)
            values = ["" if value is None else value for value in told.values()]
            output.fields(*values[:-2], reasons, one.trouble)


def _document(one: Line) -> Mapping[str, Any]:
    return {
        "database": one.database,
        "host": one.host or None,
        "taken_ns": one.taken_ns,
        "kind": one.kind,
        "state": one.state,
        "bytes": one.bytes,
        "stored_bytes": one.stored_bytes,
        "store": one.store,
        "key": one.key,
        "rows": one.rows,
        "verified_ns": one.verified_ns,
        "proven_ns": one.proven_ns,
        "reasons": list(one.reasons),
        "trouble": one.trouble or None,
    }


def _for_people(output: Output, lines: Sequence[Line], *, recorded: bool) -> None:
    from storewarden.measure.shown import shown

    if not lines:
        output.text("no backup" + ("" if recorded else " of a database is there"))
        return
    for name in dict.fromkeys((one.host, one.database) for one in lines):
        mine = [one for one in lines if (one.host, one.database) == name]
        output.text(shown(": ".join(filter(None, name))), "head")
        if recorded:
            output.table(_HEADS, [_row(one) for one in mine])
        else:
            output.table(_HEADS_OF_STORE, [_row_of_store(one) for one in mine])


def _row(one: Line) -> list[Cell]:
    from storewarden.cli.when import ago, moment
    from storewarden.measure.shown import shown

    now_ns = time.time_ns()
    if one.state == "good":
        kept = Cell(
            ", ".join(one.reasons) or "goes with the next backup", "" if one.reasons else "dim"
        )
    else:
        kept = Cell(shown(f"{one.state}: {one.trouble}"), "bad")
    return [
        Cell(moment(one.taken_ns)),
        Cell(_kind(one)),
        Cell(_size(one.stored_bytes), right=True),
        Cell(one.store),
        Cell(ago(one.verified_ns, now_ns)),
        Cell(ago(one.proven_ns, now_ns)),
        kept,
    ]


def _row_of_store(one: Line) -> list[Cell]:
    from storewarden.cli.when import moment

    return [
        Cell(moment(one.taken_ns)),
        Cell(_kind(one)),
        Cell(_size(one.stored_bytes), right=True),
        Cell(_size(one.bytes), right=True),
        Cell("–" if one.rows is None else f"{one.rows:,}", right=True),
    ]


def _kind(one: Line) -> str:
    return "whole" if one.kind == "full" else "changes"


def _size(size: int | None) -> str:
    from storewarden.units import format_size

    return "–" if size is None else format_size(size)
