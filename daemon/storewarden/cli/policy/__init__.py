"""``storewarden policy …``: what policies say, before anything is done by them."""

from __future__ import annotations

import click

from storewarden.cli.session import common
from storewarden.cli.verbs import Verbs

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


class Policies(Verbs):
    """The verbs of this group."""

    package = __name__
    verbs = VERBS


@click.group(cls=Policies, subcommand_metavar="VERB ...")
def policy() -> None:
    """Look at policies before they act: mistakes, tests, coverage, comparisons."""


common(policy)
