"""Stores and what lies in them, as people, pipes and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storewarden.cli.output import Cell, Output, named, note, number
from storewarden.cli.when import moment
from storewarden.errors import StorewardenError
from storewarden.measure.shown import shown
from storewarden.units import format_duration, format_size

if TYPE_CHECKING:
    from storewarden.catalogue.copies import Stored
    from storewarden.catalogue.engine import Engine
    from storewarden.config.schema import Settings
    from storewarden.daemon.acting.rereading import Damage
    from storewarden.daemon.acting.scrubnow import Scrubbed
    from storewarden.daemon.acting.stores import Prepared
    from storewarden.store.contract import Space


_WORTH_A_RATE: Final = 10.0  # seconds


class Look(NamedTuple):
    """What a store answered."""

    up: bool
    why: str
    space: Space | None


class Row(NamedTuple):
    """A store: whether it is there, and what this host has in it."""

    name: str
    where: str
    up: bool
    why: str
    objects: int
    bytes: int  # of contents
    stored_bytes: int
    oldest_ns: int | None
    unverified: int
    damaged: int
    space: Space | None


def holding(
    engine: Engine | None,
    host: int,
    name: str,
    settings: Settings,
    stored: Stored | None,
    look: Look | None,
    now_ns: int,
) -> Row:
    """Return all that is to be told of a store."""
    from storewarden.catalogue.scrubbed import Ages, ages
    from storewarden.daemon.acting.storefigures import late_ns

    one = next((one for one in settings.stores if one.name == name), None)
    look = look or Look(False, "it is not configured any more", None)
    since_ns = late_ns(one.scrub if one else 0.0, now_ns)
    age = ages(engine, host, name, since_ns) if engine else Ages(None, 0, 0)
    return Row(
        name=name,
        where=one.shown if one else "",
        up=look.up,
        why=look.why,
        objects=stored.files if stored else 0,
        bytes=stored.size if stored else 0,
        stored_bytes=stored.stored_bytes if stored else 0,
        oldest_ns=age.oldest_ns,
        unverified=age.late,
        damaged=age.damaged,
        space=look.space,
    )


def tell_prepared(output: Output, name: str, done: Prepared) -> None:
    """Tell which directory is a store from now on."""
    if output.json:
        told = {"store": name, "path": shown(done.path), "identity": done.identity}
        output.document(told | {"new": done.new})
    elif output.terminal:
        is_now = "is a store now" if done.new else "is this store"
        output.text(f"{shown(done.path)} {is_now}: {name}", "good")
        output.text(f"Try it with: storewarden store check {name}")
    else:
        output.fields(name, done.path, done.identity, "new" if done.new else "known")


def tell_list(output: Output, rows: Sequence[Row]) -> None:
    """Tell of all stores."""
    if output.json:
        output.document({"stores": [_document(row) for row in rows]})
    elif not output.terminal:
        for row in rows:
            output.fields(
                *(row.name, "up" if row.up else "down", row.objects, row.bytes, row.stored_bytes),
                *("" if row.oldest_ns is None else row.oldest_ns, row.unverified, row.damaged),
                *(row.where, row.why),
            )
    elif not rows:
        output.text("No store is configured: see docs/guide/first-archive-to-s3.md")
    else:
        _list_for_people(output, rows)


def _list_for_people(output: Output, rows: Sequence[Row]) -> None:
    output.table(
        ("STORE", "STATE", "OBJECTS", "CONTENT", "STORED", "FREE", "READ SINCE", "WHERE"),
        [
            (
                Cell(row.name, "head"),
                _state(row),
                number(row.objects),
                Cell(format_size(row.bytes), right=True),
                Cell(format_size(row.stored_bytes), right=True),
                Cell(format_size(row.space.free) if row.space else "–", right=True),
                Cell(_read(row)),
                Cell(row.where),
            )
            for row in rows
        ],
    )
    for row in rows:
        if row.why:
            output.text(f"{row.name}: {shown(row.why)}", "bad")
        if row.unverified > row.damaged:
            late = row.unverified - row.damaged
            output.text(
                f"{row.name}: {late:,} of its objects were not read for long;"
                f" storewarden store scrub {row.name}",
                "odd",
            )


def _state(row: Row) -> Cell:
    if not row.up:
        return Cell("down", "bad")
    return Cell(f"{row.damaged:,} damaged", "bad") if row.damaged else Cell("up", "good")


def _read(row: Row) -> str:
    if row.oldest_ns is None:
        return "–"
    return moment(row.oldest_ns) if row.oldest_ns else "never"


def _document(row: Row) -> dict[str, Any]:
    return {
        "store": row.name,
        "where": row.where,
        "up": row.up,
        "why": row.why,
        "objects": row.objects,
        "bytes": row.bytes,
        "stored_bytes": row.stored_bytes,
        "oldest_verified_ns": row.oldest_ns,
        "unverified": row.unverified,
        "damaged": row.damaged,
        "free_bytes": row.space.free if row.space else None,
        "total_bytes": row.space.total if row.space else None,
    }


def tell_check(output: Output, name: str, steps: Sequence[tuple[str, object]]) -> None:
    """Tell what came of each step; an error is the last one's."""
    told = [(step, result, *_result(result)) for step, result in steps]
    if output.json:
        output.document(
            {
                "store": name,
                "ok": not any(isinstance(result, StorewardenError) for _, result, *_ in told),
                "steps": [
                    {"step": step, "ok": not why, "why": why, "remedy": remedy}
                    for step, _, why, remedy in told
                ],
            }
        )
        return
    for step, result, why, remedy in told:
        said = "fail" if why else "ok"
        if not output.terminal:
            output.fields(said, step, why, remedy)
            continue
        level = output.styled(Cell(f"{said:<4}", "bad" if why else "good"))
        output.text(f"{level}  {step}{_room(result)}")
        if why:
            output.text(f"      {why}")
        if remedy:
            output.text(f"      → {remedy}")


def _result(result: object) -> tuple[str, str]:
    if not isinstance(result, StorewardenError):
        return "", ""
    parts = (result.what, result.where, result.why)
    return shown(": ".join(part for part in parts if part)), shown(result.remedy)


def _room(result: object) -> str:
    free, total = getattr(result, "free", None), getattr(result, "total", None)
    if free is None or total is None:
        return ""
    return f": {format_size(free)} free of {format_size(total)}"


def tell_scrub(output: Output, name: str, done: Scrubbed, seconds: float) -> None:
    """Tell what was read again, and what was damaged."""
    if output.json:
        output.document(
            {
                "store": name,
                "objects": done.objects,
                "bytes": done.bytes,
                "seconds": round(seconds, 3),
                "damaged": [_damage(one) for one in done.damaged],
            }
        )
        return
    for one in done.damaged:
        place = f"{one.lost.root}/{shown(one.lost.path)}"
        if not output.terminal:
            output.fields("damaged", place, one.copy.key or "", one.why)
            continue
        output.text(f"{place}: {one.what}", "bad")
        output.text(f"  {one.copy.key}: {one.why}")
        if one.others:
            output.text(f"  also in {one.others}")
        if one.remedy:
            output.text(f"  → {one.remedy}")
    if not output.terminal:
        output.fields("read", done.objects, done.bytes)
        return
    objects = "1 object" if done.objects == 1 else f"{done.objects:,} objects"
    rate = f", {format_size(done.bytes / seconds)}/s" if seconds >= _WORTH_A_RATE else ""
    output.text(f"{objects} read, {format_size(done.bytes)} in {format_duration(seconds)}{rate}")
    if not done.damaged:
        output.text("All of them are what they should be", "good")
    else:
        note(f"storewarden: {len(done.damaged):,} are damaged")


def _damage(one: Damage) -> dict[str, Any]:
    return {
        "root": one.lost.root,
        **named("path", one.lost.path),
        "key": one.copy.key,
        "why": one.why,
        "local": one.lost.local,
        "others": [{"store": other.store, "key": other.key} for other in one.lost.others],
        "last": one.lost.is_last,
        "remedy": one.remedy,
    }


def tell_sweep(output: Output, name: str, swept: int) -> None:
    """Tell of how much was removed that nobody finished."""
    if output.json:
        output.document({"store": name, "removed": swept})
    elif output.terminal:
        things = "1 thing" if swept == 1 else f"{swept:,} things"
        output.text(
            f"{things} that nobody finished removed" if swept else "Nothing was left unfinished",
            "good",
        )
    else:
        output.fields("removed", swept)
