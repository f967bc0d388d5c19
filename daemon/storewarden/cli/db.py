"""``storewarden db …``: an application's databases, where they belong and how they are."""

from __future__ import annotations

from types import ModuleType

import click

from storewarden.cli.session import common
from storewarden.cli.verbs import Verbs

# Verb, module, what --help says about it without importing the module.
VERBS = {
    "list": ("db_look", "Which databases there are, and what each is."),
    "recommend": ("db_recommend", "Where a database belongs, and why."),
    "plan": ("db_plan", "What moving them to where they belong would come to."),
    "migrate": ("db_migrate", "Move them to where they belong, in three phases."),
    "backup": ("db_backup", "Back them up while they are used."),
    "backups": ("db_backups", "Which backups there are, and why each is kept."),
    "restore": ("db_backup", "Bring one back as it was, never over anything."),
    "drill": ("db_backup", "Restore the newest backups on trial."),
    "forget": ("db_backup", "Remove the backups that nothing keeps."),
    "slow": ("db_slow", "How many statements they are asked, and which are slow."),
    "check": ("db_care", "Whether they are whole, and what helps."),
    "vacuum": ("db_care", "Rewrite them without their empty pages, where that pays."),
    "analyze": ("db_care", "Renew the figures by which statements are planned."),
    "growth": ("db_look", "How fast they grow, and when a file system is full."),
}


class Databases(Verbs):
    """The verbs of this group; each is called in its module as it is here."""

    package = "storewarden.cli"
    verbs = VERBS

    def command_in(self, module: ModuleType, name: str) -> click.Command:
        """Return the command of a verb in its module."""
        command: click.Command = getattr(module, "listed" if name == "list" else name)
        return command


@click.group(cls=Databases, subcommand_metavar="VERB ...")
def db() -> None:
    """Look after databases: where they belong, what moving them comes to, and moving them."""


common(db)
