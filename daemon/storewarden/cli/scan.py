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
    wanted = tuple(dict.fromkeys(roots))
    _check_names(wanted, settings)
    with Progress("scanning") as bar:
        tally = _by_daemon(session, wanted, bar, accept_missing=accept_missing)
        if tally is None:
            tally = _here(settings, wanted, bar, accept_missing=accept_missing)
    _answer(session.output, tally, wanted)
    return FAILED if tally.errors or tally.held or tally.problems else DONE


def _check_names(wanted: Sequence[str], settings: Settings) -> None:
    import difflib

    from storewarden.errors import UsageError

    names = [root.name for root in settings.roots]
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
            raise UsageError("no such root", where=name, remedy=remedy)


def _here(
    settings: Settings, wanted: Sequence[str], bar: Progress, *, accept_missing: bool
) -> Tally:
    """Take the lease and scan in this process."""
    from storewarden.daemon.once import scan_once
    from storewarden.measure import log

    log.setup("warning", "text")
    done = scan_once(
        settings,
        wanted,
        accept_missing=accept_missing,
        progress=lambda root, files: bar.update(files, None, root),
    )
    tally = Tally(problems=list(done.problems))
    tally.add({name: getattr(done, name) for name in (*COUNTS, "held", "seconds")})
    return tally


def _by_daemon(
    session: Session, wanted: Sequence[str], bar: Progress, *, accept_missing: bool
) -> Tally | None:
    """Ask the daemon and wait; None when none runs here."""
    from storewarden.catalogue.lease import live_holder
    from storewarden.catalogue.roots import host_id, roots, this_machine
    from storewarden.clock import SystemClock
    from storewarden.errors import CatalogueUnavailable

    clock = SystemClock()
    try:
        looking = session.catalogue()
    except CatalogueUnavailable:
        return None  # there is none yet, or whoever scans will say what is wrong with it
    try:
        host = host_id(looking, this_machine())
        holder = None if host is None else live_holder(looking, host, clock)
        ids = {row.name: row.id for row in roots(looking, host)}
    finally:
        looking.close()
    names = wanted or [root.name for root in session.settings.roots]
    if holder is None or host is None or not set(names) <= set(ids):
        return None
    engine = session.catalogue(readonly=False)
    try:
        asked = Asked(engine, host, holder, clock)
        return asked.scan({name: ids[name] for name in names}, bar, accept_missing)
    finally:
        engine.close()


class Asked:
    """Requests to the daemon that holds the lease, and the wait for what comes of them."""

    def __init__(self, engine: Engine, host: int, holder: Process, clock: Clock) -> None:
        self._engine, self._host, self._holder, self._clock = engine, host, holder, clock

    def scan(self, roots: Mapping[str, int], bar: Progress, accept_missing: bool) -> Tally:
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
            request = self._wait(number, name, bar)
            if request.state == "failed":
                tally.problems.append(f"{name}: {_why(request)}")
            else:
                tally.add(request.outcome)
        return tally

    def _wait(self, number: int, root: str, bar: Progress) -> Request:
        from storewarden.catalogue import requests
        from storewarden.errors import StorewardenError

        while True:
            last: Request | None = None
            for last in requests.wait(self._engine, number, self._clock, time.sleep, 1.0):
                bar.update(int(last.progress.get("files", 0)), None, root)
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
