"""A group of verbs, each in a module of its own that is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import ClassVar

import click

Verb = tuple[str, str]
"""A module, and what --help says about the verb without importing it."""


class Verbs(click.Group):
    """Knows its verbs by name and imports only the one that is asked for."""

    package: ClassVar[str]
    verbs: ClassVar[Mapping[str, Verb]]
    heading: ClassVar[str] = "Commands"

    def command_in(self, module: ModuleType, name: str) -> click.Command:  # noqa: ARG002  # others are named by it
        """Return the command of a verb in its module."""
        command: click.Command = module.command
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the base's shape
        """Return the verbs in the order in which one needs them."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one verb."""
        if cmd_name not in self.verbs:
            return None
        module = importlib.import_module(f"{self.package}.{self.verbs[cmd_name][0]}")
        return self.command_in(module, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of verbs without importing any."""
        with formatter.section(self.heading):
            formatter.write_dl([(name, told) for name, (_, told) in self.verbs.items()])
