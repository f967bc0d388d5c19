"""Whether a person wants it: asked on a terminal only, said with --yes everywhere else."""

from __future__ import annotations

import sys

import click

from storewarden.cli.output import note
from storewarden.cli.session import Session


def wanted(session: Session, *, yes: bool, needs: str = "") -> bool:
    """Tell whether to go on. ``needs`` is the command that says yes, where nobody can be asked.

    Raises:
        UsageError: nobody can be asked, and it is nothing to be done without a word.
    """
    if yes:
        return True
    if session.output.terminal and sys.stdin.isatty():
        if _asked():
            return True
        note("storewarden: nothing was done")
        return False
    if needs:
        from storewarden.errors import UsageError

        raise UsageError(
            "nothing was done",
            why="it cannot be taken back, and nobody can be asked here",
            remedy=f"if it shall be done: {needs}",
        )
    return True


def _asked() -> bool:
    answer = click.prompt("Go on? [y/N]", default="n", show_default=False, err=True)
    return str(answer).strip().lower() in {"y", "yes"}


def who() -> str:
    """Return the name of the person who asks."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
