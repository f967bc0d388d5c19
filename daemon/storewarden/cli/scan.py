"""``storewarden scan``: one reconciling pass, by the daemon if one runs, else by ourselves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Output, note
from storewarden.cli.progress import Progress
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.process import Process
    from storewarden.catalogue.requests import Request
    from storewarden.clock import Clock
    from storewarden.config.schema import Settings

VERB = "scan"
COUNTS = ("files", "bytes", "added", "changed", "gone", "errors")


@dataclass
class Tally:
    """What the passes over one or several roots came to."""

    files: int = 0
    bytes: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    errors: int = 0
    held: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def add(self, one: Mapping[str, Any]) -> None:
        """Count in what one pass came to."""
        for name in (*COUNTS, "held"):
            setattr(self, name, getattr(self, name) + int(one.get(name, 0)))
        self.seconds += float(one.get("seconds", 0.0))


@verb
@click.argument("roots", nargs=-1, metavar="[ROOT]...")
@click.option(
    "--accept-missing",
    is_flag=True,
    help="Believe it when more files are missing than missing_share allows.",
)
def scan(session: Session, roots: Sequence[str], accept_missing: bool) -> int:
    """Look at every file of the roots, and make the catalogue right.

    A running daemon does it; without one it is done here. Exit code 1 when a directory could
    not be read, or when so many files are missing that a person has to say it is true.
    """
    from storewarden.errors import DONE, FAILED

    settings = session.settings
    wanted = tuple(dict.fromkeys(roots)) or tuple(root.name for root in settings.roots)
    _check_names(wanted, settings)
    known = _look(session, wanted)
    with Progress("scanning") as bar:
        if known is not None and known.holder is not None and set(wanted) <= set(known.rows):
            tally = _by_daemon(session, wanted, known, known.holder, bar, accept_missing)
        else:
            expected = known.expected if known is not None else None
            tally = _here(settings, wanted, Count(bar, expected), accept_missing)
    _answer(session.output, tally, roots)
    return FAILED if tally.errors or tally.held or tally.problems else DONE


@dataclass(frozen=True)
class Known:
    """What the catalogue tells before a scan."""

    host: int
    holder: Process | None  # the daemon, if one runs
    rows: Mapping[str, int]  # the wanted roots that have one
    expected: int | None  # files of the last scan; None when there was none of some root


class Count:
    """Turns how far each root is into how far the whole is."""

    def __init__(self, bar: Progress, expected: int | None) -> None:
        self._bar, self._expected = bar, expected
        self._files: dict[str, int] = {}

    def update(self, root: str, files: int) -> None:
        """Show that so many files of one root were met."""
        self._files[root] = files
        self._bar.update(sum(self._files.values()), self._expected, root)


def _look(session: Session, wanted: Sequence[str]) -> Known | None:
    """Read who would scan; None when there is no catalogue, or nothing in it, yet."""
    from storewarden.catalogue.lease import live_holder
    from storewarden.catalogue.migrate import version
    from storewarden.catalogue.roots import host_id, roots, this_machine
    from storewarden.clock import SystemClock
    from storewarden.errors import CatalogueUnavailable

    try:
        engine = session.catalogue()
    except CatalogueUnavailable:
        return None  # there is none yet, or whoever scans will say what is wrong with it
    try:
        host = host_id(engine, this_machine()) if version(engine) else None
        if host is None:
            return None
        rows = [row for row in roots(engine, host) if row.name in wanted]
        files = [row.last_scan.files for row in rows if row.last_scan.files is not None]
        return Known(
            host,
            live_holder(engine, host, SystemClock()),
            {row.name: row.id for row in rows},
            sum(files) if len(files) == len(wanted) else None,
        )
    finally:
        engine.close()


def _check_names(wanted: Sequence[str], settings: Settings) -> None:
    import difflib

    from storewarden.errors import UsageError

    names = [root.name for root in settings.roots]
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
            raise UsageError("no such root", where=name, remedy=remedy)


def _here(settings: Settings, wanted: Sequence[str], count: Count, accept_missing: bool) -> Tally:
    """Take the lease and scan in this process."""
    from storewarden.daemon.once import scan_once
    from storewarden.measure import log

    log.setup("warning", "text")
    done = scan_once(settings, wanted, accept_missing=accept_missing, progress=count.update)
    tally = Tally(problems=list(done.problems))
    tally.add({name: getattr(done, name) for name in (*COUNTS, "held", "seconds")})
    return tally


def _by_daemon(
    session: Session,
    wanted: Sequence[str],
    known: Known,
    holder: Process,
    bar: Progress,
    accept_missing: bool,
) -> Tally:
    """Ask the daemon and wait."""
    from storewarden.clock import SystemClock

    engine = session.catalogue(readonly=False)
    try:
        asked = Asked(engine, known.host, holder, SystemClock())
        rows = {name: known.rows[name] for name in wanted}
        return asked.scan(rows, Count(bar, known.expected), accept_missing)
    finally:
        engine.close()


class Asked:
    """Requests to the daemon that holds the lease, and the wait for what comes of them."""

    def __init__(self, engine: Engine, host: int, holder: Process, clock: Clock) -> None:
        self._engine, self._host, self._holder, self._clock = engine, host, holder, clock

    def scan(self, roots: Mapping[str, int], count: Count, accept_missing: bool) -> Tally:
        """Ask for a scan of each root and wait until all are done."""
        from storewarden.catalogue import requests

        arguments, us = {"accept_missing": accept_missing}, _us()
        numbers = {
            name: requests.ask(
                self._engine, VERB, row, arguments, asked_by=us, now_ns=self._clock.wall_ns()
            )
            for name, row in roots.items()
        }
        tally = Tally()
        for name, number in numbers.items():
            request = self._wait(number, name, count)
            if request.state == "failed":
                tally.problems.append(f"{name}: {_why(request)}")
            else:
                tally.add(request.outcome)
        return tally

    def _wait(self, number: int, root: str, count: Count) -> Request:
        from storewarden.catalogue import requests
        from storewarden.errors import StorewardenError

        while True:
            last: Request | None = None
            for last in requests.wait(self._engine, number, self._clock, time.sleep, 1.0):
                count.update(root, int(last.progress.get("files", 0)))
            if last is None:
                raise StorewardenError("the request for a scan is gone from the catalogue")
            if last.ended:
                return last
            self._still_held()

    def _still_held(self) -> None:
        from storewarden.catalogue.lease import live_holder
        from storewarden.errors import StorewardenError

        if live_holder(self._engine, self._host, self._clock) is None:
            raise StorewardenError(
                "the daemon ended before it had scanned",
                where=str(self._holder),
                remedy="its next start scans everything, or: storewarden scan",
            )


def _why(request: Request) -> str:
    return str(request.outcome.get("error", "the daemon did not say why"))


def _answer(output: Output, tally: Tally, wanted: Sequence[str]) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_duration, format_size

    counts = {name: getattr(tally, name) for name in COUNTS}
    if output.json:
        output.document({**counts, "seconds": round(tally.seconds, 3), "held": tally.held})
    elif output.terminal:
        took = format_duration(tally.seconds)
        output.text(f"{tally.files:,} files, {format_size(tally.bytes)} in {took}", "head")
        output.text(f"{tally.added:,} added, {tally.changed:,} changed, {tally.gone:,} gone")
    else:
        for name, value in (*counts.items(), ("seconds", f"{tally.seconds:.3f}")):
            output.fields(name, value)
        output.fields("held", tally.held)
    for problem in tally.problems:
        note(f"storewarden: not scanned: {shown(problem)}")
    if tally.errors and not output.json:
        note(f"storewarden: {tally.errors:,} directories could not be read: storewarden status")
    if tally.held and not output.json:
        again = " ".join(("storewarden scan --accept-missing", *wanted))
        note(f"storewarden: {tally.held:,} files are missing, too many to believe; if so: {again}")


def _us() -> str:
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
