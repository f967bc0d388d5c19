"""``storewarden db …``: an application's databases, where they belong and how they are."""

from __future__ import annotations

from types import ModuleType

import click

from storewarden.cli.session import common
from storewarden.cli.verbs import Verbs

# Verb, module, what --help says about it without importing the module.
VERBS = {
    "recommend": ("db_recommend", "Where a database belongs, and why."),
    "plan": ("db_plan", "What moving them to where they belong would come to."),
    "migrate": ("db_migrate", "Move them to where they belong, in three phases."),
}


class Databases(Verbs):
    """The verbs of this group; each is called in its module as it is here."""

    package = "storewarden.cli"
    verbs = VERBS

    def command_in(self, module: ModuleType, name: str) -> click.Command:
        """Return the command of a verb in its module."""
        command: click.Command = getattr(module, name)
        return command


@click.group(cls=Databases, subcommand_metavar="VERB ...")
def db() -> None:
    """Look after databases: where they belong, what moving them comes to, and moving them."""


common(db)
