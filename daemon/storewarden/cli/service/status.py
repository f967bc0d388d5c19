"""``storewarden service status``."""

from __future__ import annotations

from storewarden.cli.session import Session, verb


@verb
def command(session: Session) -> int:
    """Say what systemd knows of the service, and what the service cannot see or do.

    Changes nothing. Exit code 1 when it does not run, or cannot do its work.
    """
    from storewarden.cli.checks.finding import Finding, fail
    from storewarden.cli.service import machine, stands, units
    from storewarden.cli.service.install import as_the_service
    from storewarden.errors import DONE, FAILED, ConfigError

    found: list[Finding]
    try:
        file, settings = as_the_service(session)
    except ConfigError as error:
        found = [fail("configuration", problem) for problem in error.problems]
        found += stands.known()
    else:
        credentials = machine.names_in(units.CREDENTIALS)
        what = units.wanted(settings, str(file), credentials, machine.mount_points())
        found = list(stands.seen(settings, what))
    stands.tell(session.output, found)
    running = any(one.subject == "state" and one.told.startswith("active") for one in found)
    return DONE if running and stands.worst(found) != "fail" else FAILED
