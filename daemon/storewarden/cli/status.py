"""``storewarden status``: one screen about everything that is watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import Cell, Output, Style, number
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.roots import BlindRow
    from storewarden.catalogue.sweep import Sweeping
    from storewarden.cli.overview import Overview, Root

HEADS = ("ROOT", "STATE", "MODE", "FILES", "SIZE", "WAITING", "LAST SCAN", "PATH")
STYLES: dict[str, Style] = {
    "watching": "good",
    "polling": "good",
    "starting": "odd",
    "stopped": "odd",
    "blind": "bad",
    "frozen": "bad",
}


@verb
def status(session: Session) -> int:
    """Show what is watched, what waits, what is being done, and what cannot be seen.

    WAITING names are to be recorded; what is recorded and not yet looked into is told below. Of
    what is held back it tells the command that lets it go on.
    Exit code 1 when a root is blind or frozen.
    """
    settings = session.settings
    from dataclasses import replace

    from storewarden.catalogue.roots import host_id, this_machine
    from storewarden.cli import cared, decided, owners, scored, underway
    from storewarden.cli.overview import read
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    clock = SystemClock()
    with session.reading() as engine:
        overview = read(engine, this_machine(), settings.roots, clock)
        host = host_id(engine, this_machine())
        told = decided.read(session, engine, host, clock.wall_ns())
        acts = underway.read(engine, host)
        databases = cared.read(engine, host, clock.wall_ns())
        score = scored.read(session, engine, clock, growth=False)
        overview = replace(overview, decided=told, underway=acts, cared=databases, scored=score)
        overview = replace(overview, owners=owners.read(engine, clock.wall_ns()))
    show(session.output, overview, settings.catalogue_shown, clock.wall_ns())
    return FAILED if overview.bad else DONE


def show(output: Output, overview: Overview, catalogue: str, now_ns: int) -> None:
    """Write the overview in the form that was asked for."""
    if output.json:
        output.document(as_json(overview, catalogue, now_ns))
    elif output.terminal:
        _for_people(output, overview, catalogue, now_ns)
    else:
        _for_programs(output, overview)


def as_json(overview: Overview, catalogue: str, now_ns: int) -> dict[str, Any]:
    """Return the overview as DESIGN.md's object."""
    from storewarden.cli import cared, decided, owners, underway

    score = overview.scored
    return {
        "ready": overview.ready,
        "health": None if score is None else {"score": score.score, "status": score.status},
        "daemon": _daemon(overview),
        "catalogue": catalogue,
        "sweep": _sweep(overview),
        "policies": decided.as_json(overview.decided),
        "acts": underway.as_json(overview.underway),
        "databases": cared.as_json(overview.cared),
        "users": owners.as_json(overview.owners),
        "roots": [_root(root, now_ns) for root in overview.roots],
    }


def _sweep(overview: Overview) -> dict[str, Any] | None:
    sweep = overview.sweep
    return None if sweep is None else {"inspectors": list(sweep.inspectors), "share": sweep.share}


def _daemon(overview: Overview) -> dict[str, Any] | None:
    who = overview.daemon
    if who is None:
        return None
    return {"pid": who.pid, "host": who.host, "since_ns": who.since_ns}


def _root(root: Root, now_ns: int) -> dict[str, Any]:
    from storewarden.measure.shown import shown

    return {
        "name": root.name,
        "path": shown(root.path),
        "mode": root.mode,
        "state": root.state,
        "files": root.files,
        "bytes": root.bytes,
        "missing": root.missing,
        "missing_held": root.missing_held,
        "pending": root.pending,
        "oldest_pending_seconds": _waited(root, now_ns),
        "overflows": root.overflows,
        "watches": root.watches,
        "last_scan_ns": root.last_scan_ns,
        "last_scan_seconds": root.last_scan_seconds,
        "uninspected": root.uninspected,
        "refused": root.refused,
        "blind": [
            {
                "reason": place.reason,
                "path": shown(place.path),
                "since_ns": place.since_ns,
                "detail": shown(place.detail),
                "remedy": shown(place.remedy),
            }
            for place in root.blind
        ],
    }


def _waited(root: Root, now_ns: int) -> float:
    if root.oldest_pending_ns is None:
        return 0.0
    return round(max(0, now_ns - root.oldest_pending_ns) / 1e9, 1)


def _for_programs(output: Output, overview: Overview) -> None:
    daemon = overview.daemon
    output.fields(
        "daemon", "ready" if overview.ready else "not-ready", daemon.pid if daemon else ""
    )
    if overview.scored is not None:
        output.fields("health", overview.scored.score, overview.scored.status)
    if overview.decided is not None:
        from storewarden.cli import decided

        output.fields(*decided.fields(overview.decided))
    from storewarden.cli import cared, owners, underway

    parts = (underway.fields(overview.underway), cared.fields(overview.cared))
    for line in (*parts[0], *parts[1], *owners.fields(overview.owners)):
        output.fields(*line)
    for root in overview.roots:
        output.fields(
            *("root", root.name, root.state, root.mode, root.files, root.bytes),
            *(root.pending, root.overflows, root.path, root.uninspected, root.refused),
        )
        for place in root.blind:
            output.fields("blind", root.name, place.reason, place.path, place.detail, place.remedy)


def _for_people(output: Output, overview: Overview, catalogue: str, now_ns: int) -> None:
    output.text(*_headline(overview))
    output.text(f"catalogue  {catalogue}", "dim")
    output.text()
    output.table(HEADS, [_cells(root, now_ns) for root in overview.roots])
    for root in overview.roots:
        remarks = list(_remarks(root, now_ns))
        if remarks:
            output.text()
        for line, style in remarks:
            output.text(line, style)
    for lines in _parts(overview, now_ns):
        output.text()
        for line, style in lines:
            output.text(line, style)


def _parts(overview: Overview, now_ns: int) -> Iterator[Iterable[tuple[str, Style]]]:
    """Yield what there is to tell besides the roots, each part with its lines."""
    from storewarden.cli import cared, decided, owners, scored, underway

    if overview.scored is not None:
        yield scored.brief(overview.scored)
    if overview.sweep is not None:
        yield [(_swept(overview.sweep), "dim")]
    if overview.decided is not None:
        yield decided.lines(overview.decided, now_ns)
    if overview.underway.anything:
        yield underway.lines(overview.underway, now_ns)
    if overview.cared.known:
        yield cared.lines(overview.cared, now_ns)
    if overview.owners.users:
        yield owners.lines(overview.owners)


def _swept(sweep: Sweeping) -> str:
    from storewarden.units import format_share

    readers = (
        "1 reader knows" if len(sweep.inspectors) == 1 else f"{len(sweep.inspectors)} readers know"
    )
    return (
        f"{readers} more than before: the files they would understand are looked into again, "
        f"{format_share(sweep.share)} of all are gone through"
    )


def _headline(overview: Overview) -> tuple[str, Style]:
    if overview.daemon is None:
        return "No daemon runs here: nothing is watched. Start it: storewarden run", "odd"
    if overview.bad:
        return f"Not everything can be seen ({overview.daemon})", "bad"
    if not overview.ready:
        return f"Starting ({overview.daemon})", "odd"
    return f"Ready ({overview.daemon})", "good"


def _cells(root: Root, now_ns: int) -> tuple[Cell, ...]:
    from storewarden.cli.when import ago
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    state = "blind" if root.blind and root.state != "frozen" else root.state
    return (
        Cell(root.name, "head"),
        Cell(state, STYLES.get(state, "dim")),
        Cell(root.mode),
        number(root.files),
        Cell(format_size(root.bytes), right=True),
        number(root.pending),
        Cell(ago(root.last_scan_ns, now_ns)),
        Cell(shown(root.path)),
    )


def _remarks(root: Root, now_ns: int) -> Iterator[tuple[str, Style]]:
    """Yield what the table has no column for: blindness, lost events, files that are held."""
    from storewarden.units import format_duration

    waited = _waited(root, now_ns)
    if waited > 60:  # noqa: PLR2004  # a minute: longer than anything settles
        yield f"{root.name}: a file has waited for {format_duration(waited)}", "odd"
    if root.missing_held:
        yield f"{root.name}: {root.missing_held:,} files were not found by the last scan", "odd"
        yield "  that many at once are not believed until you say so:", ""
        yield f"  → storewarden scan --accept-missing {root.name}", "head"
    if root.uninspected:
        files = "1 file is" if root.uninspected == 1 else f"{root.uninspected:,} files are"
        yield f"{root.name}: {files} still to be looked into", "dim"
    if root.refused:
        yield f"{root.name}: {_refused(root.refused)}", "dim"
        yield f"  → storewarden files root={root.name} outcome=refused", "head"
    for place in root.blind:
        yield f"{root.name}: {_place(place)}", "bad"
        yield f"  for {format_duration(max(0, now_ns - place.since_ns) // 10**9)}", "dim"
        if place.remedy:
            from storewarden.measure.shown import shown

            yield f"  → {shown(place.remedy)}", "head"


def _refused(files: int) -> str:
    if files == 1:
        return "1 file is broken, or not what it claims to be"
    return f"{files:,} files are broken, or not what they claim to be"


def _place(place: BlindRow) -> str:
    from storewarden.measure.shown import shown

    where = f" at {shown(place.path)}" if place.path else ""
    why = f": {shown(place.detail)}" if place.detail else ""
    return f"{place.reason}{where}{why}"
