"""Rows of hosts and roots: who they are, how they are watched, what they cannot see.

What changes rows joins the caller's transaction, or makes one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewarden.catalogue import undecided
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.hosts import Machine, host_id, this_machine
from storewarden.catalogue.rules import check, folded, unfolded

if TYPE_CHECKING:  # milliseconds, for who only asks where a root lies
    from storewarden.model import Blind

__all__ = [
    "BlindRow",
    "Figures",
    "Identity",
    "LastScan",
    "Machine",
    "RootRow",
    "blindness",
    "has_files_below",
    "host_id",
    "newest_file",
    "register_host",
    "register_root",
    "roots",
    "this_machine",
    "write_blindness",
    "write_figures",
    "write_identity",
    "write_scan",
]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a root was last known by; None where that was never seen."""

    uuid: str
    device: int | None
    inode: int | None
    filesystem_id: str | None
    location: bytes | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How a root is watched at one moment."""

    mode: str
    state: str
    watches: int
    pending: int
    oldest_pending_ns: int | None
    overflows: int


@dataclass(frozen=True, slots=True)
class LastScan:
    """What the last whole scan of a root came to; ``missing_held`` waits for a person's word."""

    at_ns: int | None
    seconds: float | None
    files: int | None
    missing_held: int


@dataclass(frozen=True, slots=True)
class RootRow:
    """A root as the catalogue knows it."""

    id: int
    host_id: int
    host: str
    name: str
    path: bytes
    identity: Identity
    figures: Figures
    figures_ns: int | None
    last_scan: LastScan


@dataclass(frozen=True, slots=True)
class BlindRow:
    """A place that cannot be seen, and since when."""

    root: str
    reason: str
    path: bytes
    since_ns: int
    detail: str
    remedy: str


def register_host(engine: Engine, machine: Machine, now_ns: int) -> int:
    """Return the host's row, making it or bringing its name up to date."""
    check("hosts", {"name": machine.name, "machine_id": machine.machine_id})
    with engine.joined():
        rows = engine.execute(
            "INSERT INTO hosts (name, machine_id, first_seen_ns) VALUES (?, ?, ?)"
            " ON CONFLICT (machine_id) DO UPDATE SET name = excluded.name RETURNING id",
            (machine.name, machine.machine_id, now_ns),
        )
    return int(rows[0][0])


def register_root(
    engine: Engine, host: int, name: str, path: bytes, root_uuid: str | None = None
) -> RootRow:
    """Return the row of a configured root, making it or bringing its path up to date.

    ``root_uuid`` is what the root's own marker says. Where a row of this host bears it under a name
    that is looked for in vain, the root was renamed in the configuration: its row gets the new one.
    """
    import uuid  # noqa: PLC0415  # as above

    check("roots", {"name": name, "path": path})
    with engine.joined():
        rows = engine.execute("SELECT id FROM roots WHERE host_id = ? AND name = ?", (host, name))
        if not rows and root_uuid:
            rows = engine.execute(
                "UPDATE roots SET name = ? WHERE host_id = ? AND uuid = ? RETURNING id",
                (name, host, root_uuid),
            )
            for (root_id,) in rows:
                undecided.mark_root(engine, root_id)
        if rows:
            engine.execute("UPDATE roots SET path = ? WHERE id = ?", (path, rows[0][0]))
        else:
            rows = engine.execute(
                "INSERT INTO roots (host_id, name, path, uuid) VALUES (?, ?, ?, ?) RETURNING id",
                (host, name, path, root_uuid or str(uuid.uuid4())),
            )
        return _roots(engine, "WHERE r.id = ?", (rows[0][0],))[0]


def roots(engine: Engine, host: int | None = None) -> list[RootRow]:
    """Return the roots of one host, or of all, by name."""
    if host is None:
        return _roots(engine, "ORDER BY r.name, h.name", ())
    return _roots(engine, "WHERE r.host_id = ? ORDER BY r.name", (host,))


def _roots(engine: Engine, rest: str, params: tuple[int, ...]) -> list[RootRow]:
    rows = engine.execute(
        "SELECT r.id, r.host_id, h.name, r.name, r.path,"
        " r.uuid, r.device, r.inode, r.filesystem_id, r.location,"
        " r.mode, r.state, r.watches, r.pending, r.oldest_pending_ns, r.overflows, r.figures_ns,"
        " r.last_scan_ns, r.last_scan_seconds, r.last_scan_files, r.missing_held"
        f" FROM roots r JOIN hosts h ON h.id = r.host_id {rest}",
        params,
    )
    return [
        RootRow(
            *(row[0], row[1], row[2], row[3], row[4]),
            identity=Identity(row[5], unfolded(row[6]), unfolded(row[7]), row[8], row[9]),
            figures=Figures(*row[10:16]),
            figures_ns=row[16],
            last_scan=LastScan(*row[17:]),
        )
        for row in rows
    ]


def write_identity(engine: Engine, root_id: int, identity: Identity) -> None:
    """Remember what a root is known by from now on."""
    with engine.joined():
        engine.execute(
            "UPDATE roots SET uuid = ?, device = ?, inode = ?, filesystem_id = ?, location = ?"
            " WHERE id = ?",
            (
                identity.uuid,
                None if identity.device is None else folded(identity.device),
                None if identity.inode is None else folded(identity.inode),
                identity.filesystem_id,
                identity.location,
                root_id,
            ),
        )


def write_figures(engine: Engine, figures: Mapping[int, Figures], now_ns: int) -> None:
    """Remember how roots (by id) are watched now."""
    rows = [
        (f.mode, f.state, f.watches, f.pending, f.oldest_pending_ns, f.overflows, now_ns, root_id)
        for root_id, f in figures.items()
    ]
    with engine.joined():
        engine.executemany(
            "UPDATE roots SET mode = ?, state = ?, watches = ?, pending = ?,"
            " oldest_pending_ns = ?, overflows = ?, figures_ns = ? WHERE id = ?",
            rows,
        )


def write_scan(engine: Engine, root_id: int, scan: LastScan) -> None:
    """Remember what a whole scan of a root came to."""
    with engine.joined():
        engine.execute(
            "UPDATE roots SET last_scan_ns = ?, last_scan_seconds = ?, last_scan_files = ?,"
            " missing_held = ? WHERE id = ?",
            (scan.at_ns, scan.seconds, scan.files, scan.missing_held, root_id),
        )


def has_files_below(engine: Engine, root_id: int, path: bytes, after_id: int) -> bool:
    """Tell whether a present file in a directory, or below it, has a row made after that one."""
    rows = engine.execute(
        "SELECT 1 FROM directories d JOIN files f ON f.directory_id = d.id"
        " WHERE d.root_id = ? AND (d.path = ? OR (d.path >= ? AND d.path < ?))"
        " AND f.state = 'present' AND f.id > ? LIMIT 1",
        (root_id, path, path + b"/", path + b"0", after_id),  # "0" follows "/" in ASCII
    )
    return bool(rows)


def newest_file(engine: Engine) -> int:
    """Return the highest id of all rows of files, 0 when there are none."""
    return int(engine.execute("SELECT coalesce(max(id), 0) FROM files")[0][0])


def write_blindness(engine: Engine, root_id: int, blind: Iterable[Blind], now_ns: int) -> None:
    """Remember all places of a root that cannot be seen now; what went on keeps its time."""
    now = {(str(place.reason), place.path): place for place in blind}
    with engine.joined():
        there = set(
            engine.execute("SELECT reason, path FROM blindness WHERE root_id = ?", (root_id,))
        )
        engine.executemany(
            "DELETE FROM blindness WHERE root_id = ? AND reason = ? AND path = ?",
            [(root_id, *key) for key in there - now.keys()],
        )
        engine.executemany(
            "INSERT INTO blindness (root_id, reason, path, since_ns, detail, remedy)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (root_id, reason, path)"
            " DO UPDATE SET detail = excluded.detail, remedy = excluded.remedy",
            [(root_id, *key, now_ns, place.detail, place.remedy) for key, place in now.items()],
        )


def blindness(engine: Engine, root_id: int | None = None) -> list[BlindRow]:
    """Return what cannot be seen, of one root or of all, longest first."""
    where, params = ("", ()) if root_id is None else ("WHERE b.root_id = ?", (root_id,))
    rows = engine.execute(
        "SELECT r.name, b.reason, b.path, b.since_ns, b.detail, b.remedy"
        f" FROM blindness b JOIN roots r ON r.id = b.root_id {where}"
        " ORDER BY b.since_ns, r.name, b.path",
        params,
    )
    return [BlindRow(*row) for row in rows]
