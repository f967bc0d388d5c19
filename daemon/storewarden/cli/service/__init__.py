"""``storewarden service …``: the daemon as a service of this machine's systemd."""

from __future__ import annotations

import click

from storewarden.cli.session import common
from storewarden.cli.verbs import Verbs

# Verb, module, what --help says about it without importing the module.
VERBS = {
    "install": ("install", "Make or renew the service: its user, unit, and what it may write to."),
    "uninstall": ("uninstall", "Stop and remove the service; what it knows is kept."),
    "status": ("status", "What systemd knows of it, and what the service cannot see or do."),
}


class Services(Verbs):
    """The verbs of this group."""

    package = __name__
    verbs = VERBS


@click.group(cls=Services, subcommand_metavar="VERB ...")
def service() -> None:
    """Run the daemon as a service of systemd: install, remove, explain."""


common(service)
