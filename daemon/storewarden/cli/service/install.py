"""``storewarden service install``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storewarden.cli.service.place import Step
    from storewarden.cli.service.units import Wanted
    from storewarden.config.schema import Settings


@verb
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--now", is_flag=True, help="Start it as well, or start it anew if it runs.")
@click.option(
    "--other-users",
    is_flag=True,
    help="Let it read and move files of other users, whatever their rights say.",
)
def command(session: Session, dry_run: bool, now: bool, other_users: bool) -> int:
    """Make or renew the service: its user, unit, and what it may write to.

    What it may write to is computed from the configuration: do it again after roots, stores or
    databases were added. What is as it should be is left alone.
    """
    from storewarden.cli.service import machine, place, stands, units
    from storewarden.errors import DONE, FAILED

    if not dry_run:
        machine.require_systemd("install")
    what, settings = _wanted(session, other_users=other_users)
    done = _carried_out(
        session, place.installing(place.Place(), what, place.command()), dry_run=dry_run
    )
    systemctl: list[tuple[str, ...]] = [("daemon-reload",)] if done else []
    if machine.properties(units.UNIT).get("UnitFileState") != "enabled":
        systemctl.append(("enable", "--quiet", "storewarden.service"))
    if now:
        systemctl.append(("restart" if done else "start", "storewarden.service"))
    steps = [
        place.Step(f"run systemctl {' '.join(one)}", command=("systemctl", *one))
        for one in systemctl
    ]
    _carried_out(session, steps, dry_run=dry_run)
    if dry_run:
        return DONE
    found = list(stands.seen(settings, what))
    stands.tell(session.output, found)
    _told_next(changed=bool(done), now=now)
    return FAILED if stands.worst(found) == "fail" else DONE


def _wanted(session: Session, *, other_users: bool) -> tuple[Wanted, Settings]:
    """Return what the configuration needs, as the service will read it."""
    from storewarden.cli.service import machine, units
    from storewarden.errors import UsageError

    file, settings = as_the_service(session)
    if other_users is False:
        from storewarden.cli.service.place import Place

        other_users = Place().drop_in(units.OTHER_USERS).exists()
    who = machine.user(units.USER)
    uid = who.pw_uid if who is not None else -1
    if uid == 0:
        raise UsageError("the user storewarden is root", remedy="give it a number of its own")
    others = other_users or any(machine.others_in(root.path, uid) for root in settings.roots)
    what = units.wanted(
        settings,
        str(file),
        machine.names_in(units.CREDENTIALS),
        machine.mount_points(),
        leases=others,
        other_users=other_users,
    )
    return what, settings


def as_the_service(session: Session) -> tuple[Path, Settings]:
    """Return the configuration's file, and what it says to the service."""
    from storewarden.cli.service import units
    from storewarden.config.load import find, load
    from storewarden.errors import UsageError

    named = Path.cwd() / session.config if session.config is not None else None
    # What this shell says of the configuration the service will not hear.
    environ = {"STATE_DIRECTORY": units.STATE, "HOME": "/"}
    file = named or find(None, environ, Path("/"))
    if file is None or not (session.config or os.path.lexists(units.CONFIGURATION)):
        raise UsageError(
            "there is no configuration for a service",
            where=units.CONFIGURATION,
            remedy=f"write there what is watched: roots: {{uploads: /srv/uploads}}, and "
            f"state: {units.STATE}",
        )
    return file, load(file, environ, Path("/"))


def _carried_out(session: Session, steps: Iterable[Step], *, dry_run: bool) -> list[Step]:
    """Do each step that is needed and say so; return them."""
    done = []
    for step in steps:
        if not step.needed:
            continue
        if not dry_run:
            step.do()
        done.append(step)
        if not session.output.json:
            session.output.text(f"{'would ' if dry_run else ''}{step.told}")
    return done


def _told_next(*, changed: bool, now: bool) -> None:
    from storewarden.cli.output import note
    from storewarden.cli.service import machine, units

    active = machine.properties(units.UNIT).get("ActiveState") == "active"
    if now:
        return
    if not active:
        note("start it: systemctl start storewarden")
    elif changed:
        note("it runs as it was before: systemctl restart storewarden")
