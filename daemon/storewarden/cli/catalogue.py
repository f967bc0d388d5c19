"""``storewarden catalogue …``: the catalogue itself, its migrations, backups and copies."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.catalogue_copy import copy
from storewarden.cli.output import Cell, Output
from storewarden.cli.progress import Progress
from storewarden.cli.rebuild import rebuild
from storewarden.cli.session import Session, common, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.keep import BackupInfo
    from storewarden.catalogue.migrate import MigrationState
    from storewarden.config.schema import Settings

KEPT = 10


@click.group(subcommand_metavar="VERB ...")
def catalogue() -> None:
    """Look after the catalogue itself: migrations, backups, copies."""


common(catalogue)


@verb
@click.option("--check", is_flag=True, help="Read all of it and say whether it is damaged.")
def status(session: Session, check: bool) -> int:
    """Show version, size, who holds it, and its migrations.

    Exit code 1 when it is not of this program's version, or damaged.
    """
    settings = session.settings
    from storewarden.catalogue import keep, migrate
    from storewarden.errors import DONE, FAILED

    engine = session.catalogue()
    try:
        damage = _damage(settings) if check else ""
        told: dict[str, Any] = {
            "catalogue": settings.catalogue_shown,
            "dialect": engine.dialect,
            "version": migrate.version(engine),
            "newest": migrate.newest(),
            "bytes": engine.size(),
            "wal_bytes": engine.log_size(),
            "holders": _holders(engine),
            "damage": damage if check else None,
            "migrations": [_migration(step) for step in migrate.status(engine)],
            "backups": [_backup(info) for info in keep.backups(settings.state)],
        }
    finally:
        engine.close()
    _show_status(session.output, told)
    return DONE if told["version"] == told["newest"] and not damage else FAILED


@verb
@click.option("--to", type=click.IntRange(min=0), help="Up to this version; else the newest.")
def migrate(session: Session, to: int | None) -> int:
    """Apply the migrations that are missing, each in a transaction."""
    _ = session.settings
    from storewarden.catalogue import migrate as migrations
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    engine = session.catalogue(readonly=False)
    try:
        _refuse_if_held(engine)
        done = migrations.migrate(engine, SystemClock(), to)
        at = migrations.version(engine)
    finally:
        engine.close()
    _tell_migrations(session.output, "applied", done, at)
    return DONE


@verb
@click.option("--to", type=click.IntRange(min=0), help="Back to this version; else one step.")
@click.option("--no-backup", is_flag=True, help="Do not make a backup first.")
def rollback(session: Session, to: int | None, no_backup: bool) -> int:
    """Take migrations back, after a backup.

    What only the newer version knows is lost, except in the backup.
    """
    settings = session.settings
    from storewarden.catalogue import keep
    from storewarden.catalogue import migrate as migrations
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    engine = session.catalogue(readonly=False)
    try:
        _refuse_if_held(engine)
        kept = None
        if not no_backup and migrations.version(engine):
            kept = keep.backup(engine, settings.state, SystemClock())
        done = migrations.rollback(engine, to)
        at = migrations.version(engine)
    finally:
        engine.close()
    _tell_migrations(session.output, "taken back", done, at, kept)
    return DONE


@verb
def test(session: Session) -> int:
    """Try every migration up, down and up again on a copy.

    Exit code 1 when one of them fails, or leaves other tables than this program wants.
    """
    settings = session.settings
    from storewarden.catalogue import drivers
    from storewarden.catalogue.rehearsal import rehearse
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    engine = session.catalogue(readonly=not drivers.is_server(settings.catalogue))
    try:
        tried = rehearse(engine, settings.state, SystemClock())
    finally:
        engine.close()
    output = session.output
    if output.json:
        output.document(
            {
                "ok": not tried.problems,
                "on": tried.on,
                "steps": list(tried.steps),
                "problems": list(tried.problems),
            }
        )
    elif output.terminal:
        output.text(f"rehearsed on {tried.on}", "dim")
        for step in tried.steps:
            output.text(f"{output.styled(Cell('ok', 'good'))}    {step}")
        for problem in tried.problems:
            output.text(f"{output.styled(Cell('fail', 'bad'))}  {problem}")
    else:
        for step in tried.steps:
            output.fields("ok", step)
        for problem in tried.problems:
            output.fields("fail", problem)
    return FAILED if tried.problems else DONE


@verb
@click.option("--keep", type=click.IntRange(min=1), help=f"Delete all but the newest ({KEPT}).")
def backup(session: Session, keep: int | None) -> int:
    """Make a backup, while the catalogue is in use.

    It is checked before it counts.
    """
    settings = session.settings
    from storewarden.catalogue import keep as keeping
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    with session.reading() as engine, Progress("backing up") as bar:
        made = keeping.backup(engine, settings.state, SystemClock(), bar.update)
    went = keeping.prune(settings.state, KEPT if keep is None else keep)
    output = session.output
    if output.json:
        output.document({**_backup(made), "deleted": [os.fspath(path) for path in went]})
    elif output.terminal:
        _backup_table(output, [made])
        if went:
            output.text(f"{len(went)} older ones were deleted, {keep or KEPT} are kept", "dim")
    else:
        output.fields(*_backup(made).values())
    return DONE


@verb
def backups(session: Session) -> int:
    """List the backups, newest first."""
    settings = session.settings
    from storewarden.catalogue.keep import backups as there
    from storewarden.errors import DONE

    found, output = there(settings.state), session.output
    if output.json:
        output.document({"backups": [_backup(info) for info in found]})
    elif output.terminal:
        _backup_table(output, found)
    else:
        for info in found:
            output.fields(*_backup(info).values())
    return DONE


@verb
@click.argument("name", required=False)
def restore(session: Session, name: str | None) -> int:
    """Put a backup in the catalogue's place: the one of this NAME, or the newest.

    Refused while a daemon runs. What is there now is set aside, never deleted. The next scan
    brings in what happened since.
    """
    settings = session.settings
    from storewarden.catalogue import keep
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    chosen = keep.choose(settings.state, name)
    done = keep.restore(settings.catalogue, settings.state, chosen, SystemClock())
    output = session.output
    if output.json:
        output.document({"restored": _backup(done.backup), "aside": done.aside})
    elif output.terminal:
        output.text(f"restored    {done.backup.path}", "good")
        output.text(f"set aside   {done.aside or 'nothing, there was no catalogue'}")
        output.text("What happened since comes back with: storewarden scan")
        for store in session.settings.store_names:
            rebuild = f"storewarden catalogue rebuild --from-store {store}"
            output.text(f"What was archived since comes back with: {rebuild}")
    else:
        output.fields("restored", done.backup.path)
        output.fields("aside", done.aside or "")
    return DONE


for command in (status, migrate, rollback, test, backup, backups, restore, rebuild, copy):
    catalogue.add_command(command)


def _refuse_if_held(engine: Engine) -> None:
    """Raise HeldByAnother while a daemon writes into the tables that would change."""
    from storewarden.catalogue import lease, migrate
    from storewarden.clock import SystemClock

    if migrate.version(engine):
        lease.refuse_if_held(engine, SystemClock(), time.sleep)


def _damage(settings: Settings) -> str:
    """Return what is wrong with the catalogue's file; a server looks after its own."""
    from storewarden.catalogue import drivers, keep_file
    from storewarden.catalogue.connect import sqlite_path

    if drivers.is_server(settings.catalogue):
        return ""
    return keep_file.damage(sqlite_path(settings.catalogue, settings.state))


def _holders(engine: Engine) -> list[str]:
    """Return who writes this catalogue now, on whichever host."""
    from storewarden.catalogue import lease, migrate, roots
    from storewarden.clock import SystemClock

    if not migrate.version(engine):
        return []
    hosts = {row.host_id for row in roots.roots(engine)}
    holders = (lease.live_holder(engine, host, SystemClock()) for host in sorted(hosts))
    return [str(holder) for holder in holders if holder is not None]


def _migration(step: MigrationState) -> dict[str, Any]:
    return {"version": step.version, "name": step.name, "applied_ns": step.applied_ns}


def _backup(info: BackupInfo) -> dict[str, Any]:
    return {
        "name": info.path.name,
        "path": os.fspath(info.path),
        "at_ns": info.at_ns,
        "bytes": info.bytes,
        "dialect": info.dialect,
        "version": info.version,
    }


def _show_status(output: Output, told: dict[str, Any]) -> None:
    if output.json:
        output.document(told)
        return
    for name, value in _lines(told):
        if output.terminal:
            output.text(f"{output.styled(Cell(f'{name:<10}', 'dim'))} {value}")
        else:
            output.fields(name, value)


def _lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    from storewarden.cli.when import moment
    from storewarden.units import format_size

    behind = "" if told["version"] == told["newest"] else f", this program has {told['newest']}"
    lines = [
        ("catalogue", told["catalogue"]),
        ("version", f"{told['version']}{behind}"),
        ("size", format_size(told["bytes"])),
    ]
    lines += [("held by", holder) for holder in told["holders"] or ["nobody"]]
    if told["damage"] is not None:
        lines.append(("damage", told["damage"] or "none"))
    for step in told["migrations"]:
        applied = step["applied_ns"]
        when = f"applied {moment(applied)}" if applied is not None else "not applied"
        lines.append(("migration", f"{step['version']:04} {step['name']}, {when}"))
    newest = told["backups"][0]["name"] if told["backups"] else "none"
    lines.append(("backup", f"{newest} ({len(told['backups'])} in all)"))
    return lines


def _tell_migrations(
    output: Output,
    what: str,
    done: Sequence[MigrationState],
    at: int,
    kept: BackupInfo | None = None,
) -> None:
    if output.json:
        steps = [_migration(step) for step in done]
        output.document({"version": at, "steps": steps, "backup": _backup(kept) if kept else None})
        return
    if not output.terminal:
        for step in done:
            output.fields(what, step.version, step.name)
        output.fields("version", at)
        return
    if kept:
        output.text(f"backup made: {kept.path}", "dim")
    for step in done:
        output.text(f"{what}: {step.version:04} {step.name}", "good")
    output.text(f"The catalogue has version {at}" + ("" if done else "; there was nothing to do"))


def _backup_table(output: Output, found: Sequence[BackupInfo]) -> None:
    from storewarden.cli.when import moment
    from storewarden.units import format_size

    output.table(
        ("BACKUP", "MADE", "SIZE", "VERSION", "PATH"),
        [
            (
                Cell(info.path.name, "head"),
                Cell(moment(info.at_ns)),
                Cell(format_size(info.bytes), right=True),
                Cell(str(info.version) if info.version else "unreadable", right=True),
                Cell(os.fspath(info.path.parent)),
            )
            for info in found
        ],
    )
