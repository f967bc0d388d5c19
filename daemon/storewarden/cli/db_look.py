"""``storewarden db list`` and ``db growth``: which databases there are, and how they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, named, note, number
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.databases import Database
    from storewarden.catalogue.engine import Engine

_NOTHING = "no database is known up to now: storewarden db list --look"


@verb
@click.argument("names", nargs=-1, metavar="[DATABASE]...")
@click.option("--look", is_flag=True, help="Look at them first; one in use goes on.")
@click.option("--again", is_flag=True, help="Look also at those that nobody wrote into.")
@click.option("--gone", is_flag=True, help="Show also those that are not there any more.")
def listed(session: Session, *, names: Sequence[str], look: bool, again: bool, gone: bool) -> int:
    """Show the databases that are known: those in the roots, and those of the configuration.

    \b
    storewarden db list
    storewarden db list app.db --look --json

    Each by its name or its path. Exit code 1 when one cannot be looked at.
    """  # noqa: D301  # click's mark for lines that stay as they are
    if look or again:
        _look(session, names, again=again)
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    _ = session.settings
    with session.reading() as engine:
        found = wanted(engine, names, gone=gone)
        stores = _stores(engine, found)
    _tell_list(session.output, found, stores, SystemClock().wall_ns())
    return FAILED if any(one.trouble for one in found) else DONE


@verb
@click.argument("names", nargs=-1, metavar="[DATABASE]...")
def growth(session: Session, names: Sequence[str]) -> int:
    """Show how fast databases grow, how large they will be, and when file systems are full.

    By the last 30 days; what happened once and outweighs all else is left out, and told.
    """
    settings = session.settings
    from storewarden.cli.db_growth import tell
    from storewarden.cli.listing import our_host
    from storewarden.clock import SystemClock
    from storewarden.databases.filled import growths, systems
    from storewarden.errors import DONE

    now_ns = SystemClock().wall_ns()
    with session.reading() as engine:
        found = wanted(engine, names, gone=False)
        grown = growths(engine, found, now_ns)
        host, tops = our_host(engine), {root.name: root.path for root in settings.roots}
        filled = [] if names or host is None else systems(engine, host, tops, grown, now_ns)
    tell(session.output, grown, filled)
    return DONE


def wanted(engine: Engine, names: Sequence[str], *, gone: bool) -> list[Database]:
    """Return the databases that are named, all where none is.

    Raises:
        UsageError: no database is called so.
    """
    from storewarden.catalogue.databases import find_databases, known_databases
    from storewarden.cli.listing import our_host
    from storewarden.errors import UsageError
    from storewarden.measure.shown import shown

    host = our_host(engine)
    if host is None:
        return []
    if not names:
        return known_databases(engine, host, gone=gone)
    found, unknown = find_databases(engine, host, names, gone=True)
    if unknown:
        told = ", ".join(shown(one) for one in unknown)
        raise UsageError("no database is called so", where=told, remedy="storewarden db list")
    return found


def _stores(engine: Engine, found: Sequence[Database]) -> Mapping[int, str]:
    """Return the store of each database that is not here because it was moved there."""
    from storewarden.catalogue.movable import moved

    away = {one.file_id: one.id for one in found if not one.there and one.file_id is not None}
    return {away[file_id]: store for file_id, store in moved(engine, away).items()}


def _look(session: Session, names: Sequence[str], *, again: bool) -> None:
    from storewarden.cli.asking import who
    from storewarden.cli.tending import tend
    from storewarden.daemon.tending.wish import TendWish
    from storewarden.measure.shown import shown

    wish = TendWish("look", tuple(names), {"again": again}, who())
    for one in tend(session, wish, "Looking at databases").items:
        if one.outcome != "done":
            note(f"{shown(one.database)}: {one.why}{f'; {one.remedy}' if one.remedy else ''}")


def _tell_list(
    output: Output, found: Sequence[Database], stores: Mapping[int, str], now_ns: int
) -> None:
    if output.json:
        output.document(
            {
                "databases": [_document(one) | {"store": stores.get(one.id)} for one in found],
                "totals": {
                    "databases": len(found),
                    "bytes": sum(one.bytes or 0 for one in found),
                    "free_bytes": sum(one.free_bytes or 0 for one in found),
                    "wal_bytes": sum(one.wal_bytes or 0 for one in found),
                    "troubled": sum(bool(one.trouble) for one in found),
                },
            }
        )
    elif output.terminal:
        _for_people(output, found, stores, now_ns)
    else:
        for one in found:
            output.fields(
                *(one.name, one.place, one.engine, _or_empty(one.bytes)),
                *(_or_empty(one.free_bytes), _or_empty(one.wal_bytes), _or_empty(one.tables)),
                *(_or_empty(one.rows), one.told.get("rows_are", ""), one.journal or ""),
                *(one.foreign_keys or "", _or_empty(one.connections), _or_empty(one.looked_ns)),
                *("there" if one.there else stores.get(one.id, "gone"), one.trouble),
            )


def _document(one: Database) -> dict[str, Any]:
    known = {
        "name": one.name,
        **named("place", one.place),
        "engine": one.engine,
        "named": one.named,
        "there": one.there,
        "trouble": one.trouble,
        "bytes": one.bytes,
        "free_bytes": one.free_bytes,
        "wal_bytes": one.wal_bytes,
        "page_size": one.page_size,
        "pages": one.pages,
        "free_pages": one.free_pages,
        "journal": one.journal,
        "tables": one.tables,
        "rows": one.rows,
        "foreign_keys": one.foreign_keys,
        "schema": None if one.schema_digest is None else one.schema_digest.hex(),
        "connections": one.connections,
        "first_seen_ns": one.first_seen_ns,
        "looked_ns": one.looked_ns,
    }
    return known | {name: value for name, value in one.told.items() if name not in known}


def _for_people(
    output: Output, found: Sequence[Database], stores: Mapping[int, str], now_ns: int
) -> None:
    from storewarden.cli.when import ago
    from storewarden.units import format_size

    if not found:
        output.text(_NOTHING)
        return
    rows = [
        [
            Cell(one.name, "" if one.there else "dim"),
            Cell(_size(one.bytes), right=True),
            Cell(_size(one.free_bytes), right=True),
            Cell(_size(one.wal_bytes), right=True),
            number(one.tables) if one.tables is not None else Cell("–", right=True),
            Cell(_rows(one), right=True),
            Cell(_users(one)),
            Cell(ago(one.looked_ns, now_ns), "dim"),
            Cell(_remark(one, stores.get(one.id)), "bad" if one.trouble else "odd"),
        ]
        for one in found
    ]
    heads = ("database", "bytes", "free", "log", "tables", "rows", "open in", "seen", "")
    output.table(heads, rows)
    output.text()
    size = format_size(sum((one.bytes or 0) + (one.wal_bytes or 0) for one in found))
    output.text(f"{len(found):,} database{'s' * (len(found) != 1)}, {size}")


def _size(size: int | None) -> str:
    from storewarden.units import format_size

    return "–" if size is None else format_size(size)


def _rows(one: Database) -> str:
    """Return how many rows it has, and that this is an estimate where it is one."""
    if one.rows is None:
        return "–"
    return f"{one.rows:,}" if one.told.get("rows_are") == "exact" else f"~{one.rows:,}"


def _users(one: Database) -> str:
    if one.engine == "postgresql":
        count = one.connections
        return "–" if count is None else f"{count} connection{'s' * (count != 1)}"
    if one.connections is None and one.looked_ns is not None:
        return "hidden"
    if not one.connections:
        return "–"
    from storewarden.measure.shown import shown

    names = sorted({shown(name) for _, name in one.told.get("users", ())})
    more = f" and {one.connections - 1} more" if one.connections > 1 else ""
    return f"{names[0] if names else 'a program'}{more}"


def _remark(one: Database, store: str | None) -> str:
    if store is not None:
        return f"in the store {store}"
    if one.trouble:
        return one.trouble
    if not one.there:
        return "gone"
    return "foreign keys are not enforced" if one.foreign_keys == "off" else ""


def _or_empty(value: object) -> object:
    return "" if value is None else value
