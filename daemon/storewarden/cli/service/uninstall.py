"""``storewarden service uninstall``."""

from __future__ import annotations

import click

from storewarden.cli.session import Session, verb


@verb
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def command(session: Session, dry_run: bool) -> int:
    """Stop and remove the service; what it knows is kept.

    The catalogue, the configuration, the credentials and the user stay where they are.
    """
    from storewarden.cli.service import machine, place, units
    from storewarden.errors import DONE

    if not dry_run:
        machine.require_systemd("uninstall")
    here = place.Place()
    told = machine.properties(units.UNIT)
    steps = []
    if told.get("LoadState") == "loaded":
        both = [units.UNIT, *([units.SOCKET] if here.socket.exists() else [])]
        stop = ("systemctl", "disable", "--now", "--quiet", *both)
        steps.append(place.Step(f"run {' '.join(stop)}", command=stop))
    steps += [step for step in place.removing(here) if step.needed]
    if len(steps) > 1:
        reload = ("systemctl", "daemon-reload")
        steps.append(place.Step(f"run {' '.join(reload)}", command=reload))
    for step in steps:
        if not dry_run:
            step.do()
        session.output.text(f"{'would ' if dry_run else ''}{step.told}")
    if here.packaged is not None:
        session.output.text("the unit is a package's: apt remove storewarden")
    session.output.text(
        f"kept: {units.STATE} (the catalogue), {units.CONFIGURATION}, {units.CREDENTIALS}, "
        f"the user {units.USER}"
    )
    return DONE
