"""What the catalogue tells about the roots and the daemon, gathered for one screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.find import Total, totals
from storewarden.catalogue.lease import live_holder
from storewarden.catalogue.process import Process
from storewarden.catalogue.roots import (
    BlindRow,
    Machine,
    RootRow,
    blindness,
    host_id,
    roots,
)
from storewarden.catalogue.sweep import Progress, Sweeping, inspection_progress, sweeping
from storewarden.cli.cared import Cared
from storewarden.cli.decided import Decided
from storewarden.cli.owners import Owners
from storewarden.cli.scored import Scored
from storewarden.cli.underway import Underway
from storewarden.clock import Clock
from storewarden.config.schema import RootSettings

NEVER_STARTED = "new"  # in the configuration, not yet in the catalogue
FORGOTTEN = "not-configured"  # in the catalogue, no longer in the configuration
STOPPED = "stopped"  # nobody watches it
SETTLED = frozenset({"watching", "polling", "blind", "frozen"})
BAD = frozenset({"blind", "frozen"})


@dataclass(frozen=True, slots=True)
class Root:
    """One root as it is shown."""

    name: str
    path: bytes
    state: str = NEVER_STARTED
    mode: str = "none"
    files: int = 0
    bytes: int = 0
    missing: int = 0
    missing_held: int = 0
    pending: int = 0
    oldest_pending_ns: int | None = None
    overflows: int = 0
    watches: int = 0
    last_scan_ns: int | None = None
    last_scan_seconds: float | None = None
    uninspected: int = 0
    refused: int = 0
    blind: tuple[BlindRow, ...] = field(default=())

    @property
    def bad(self) -> bool:
        """Whether something about it cannot be seen."""
        return bool(self.blind) or self.state in BAD


@dataclass(frozen=True, slots=True)
class Overview:
    """All that one screen shows."""

    daemon: Process | None
    roots: tuple[Root, ...]
    sweep: Sweeping | None = None
    decided: Decided | None = None
    underway: Underway = field(default=Underway())
    cared: Cared = field(default=Cared())
    scored: Scored | None = None
    owners: Owners = field(default=Owners())

    @property
    def ready(self) -> bool:
        """Whether a daemon runs and every configured root's watches stand, or it says why not."""
        ours = [root for root in self.roots if root.state != FORGOTTEN]
        return self.daemon is not None and all(root.state in SETTLED for root in ours)

    @property
    def bad(self) -> bool:
        """Whether a root cannot be seen."""
        return any(root.bad for root in self.roots)


def read(
    engine: Engine, machine: Machine, configured: Sequence[RootSettings], clock: Clock
) -> Overview:
    """Read what is known about this machine's roots; configured ones come first."""
    host = host_id(engine, machine)
    if host is None:
        return Overview(None, tuple(Root(one.name, one.path) for one in configured))
    daemon = live_holder(engine, host, clock)
    rows = {row.name: row for row in roots(engine, host)}
    counted, progress = totals(engine, host), inspection_progress(engine, host)
    shown = []
    for one in configured:
        row = rows.pop(one.name, None)
        # Without a daemon nobody looks, and what was seen last tells nothing about now.
        blind = blindness(engine, row.id) if row is not None and daemon is not None else []
        root = _root(one.name, one.path, row, counted, blind, watched=daemon is not None)
        shown.append(_inspected(root, progress.get(one.name), wanted=one.inspect))
    shown += [
        replace(_root(name, row.path, row, counted, (), watched=False), state=FORGOTTEN)
        for name, row in rows.items()
    ]
    return Overview(daemon, tuple(shown), sweeping(engine, host))


def _inspected(root: Root, progress: Progress | None, *, wanted: bool) -> Root:
    """Add how far its files were looked into; where nobody wants that, none waits."""
    if progress is None:
        return root
    waiting = progress.waiting if wanted else 0
    return replace(root, uninspected=waiting, refused=progress.refused)


def _root(
    name: str,
    path: bytes,
    row: RootRow | None,
    counted: Sequence[Total],
    blind: Sequence[BlindRow],
    *,
    watched: bool,
) -> Root:
    if row is None:
        return Root(name, path)
    figures, scan = row.figures, row.last_scan
    present = [one for one in counted if one.root == name and one.state == "present"]
    missing = [one for one in counted if one.root == name and one.state == "missing"]
    return Root(
        name,
        path,
        state=figures.state if watched else STOPPED,
        mode=figures.mode if watched else "none",
        files=sum(one.files for one in present),
        bytes=sum(one.bytes for one in present),
        missing=sum(one.files for one in missing),
        missing_held=scan.missing_held,
        pending=figures.pending if watched else 0,
        oldest_pending_ns=figures.oldest_pending_ns if watched else None,
        overflows=figures.overflows,
        watches=figures.watches if watched else 0,
        last_scan_ns=scan.at_ns,
        last_scan_seconds=scan.seconds,
        blind=tuple(blind),
    )
