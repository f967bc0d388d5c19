"""``storewarden policy …``: what policies say, before anything is done by them."""

from __future__ import annotations

import importlib

import click

from storewarden.cli.session import common

# Verb, module, what --help says about it without importing the module.
VERBS = {
    "check": ("check", "All mistakes in policies, and what in them can never come to anything."),
    "test": ("trial", "The tests inside policy files, with a clock that can be set."),
    "coverage": ("coverage", "What each policy comes to here, and what no policy names."),
    "list": ("listing", "Each policy as one sentence, and whether it is in force."),
    "schema": ("schema", "A JSON Schema of policy files, for editors."),
    "diff": ("diff", "The files that other policies would treat differently."),
    "backtest": ("backtest", "What policies would have done in the past, and its regret."),
    "accept-clock": ("clock", "Take the wall clock for right after it jumped."),
}


class Verbs(click.Group):
    """Knows its verbs by name and imports only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the base's shape
        """Return the verbs in the order in which one needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"storewarden.cli.policy.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of verbs without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in VERBS.items()])


@click.group(cls=Verbs, subcommand_metavar="VERB ...")
def policy() -> None:
    """Look at policies before they act: mistakes, tests, coverage, comparisons."""


common(policy)
