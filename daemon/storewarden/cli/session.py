"""What one command line asked for, and what every verb needs from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Output

if TYPE_CHECKING:  # `--help` pays for neither
    from storewarden.catalogue.engine import Engine
    from storewarden.config.schema import Settings


@dataclass
class Session:
    """One run of the command: global options, and the settings once a verb asks for them."""

    config: Path | None = None
    json: bool = False
    debug: bool = False
    _settings: Settings | None = field(default=None, repr=False)

    @property
    def settings(self) -> Settings:
        """The configuration, read when it is first needed.

        To be asked for before anything of the catalogue is imported: PostgreSQL's driver takes
        16 MB and 50 ms wherever it is installed, and a SQLite catalogue has no use for it.
        """
        if self._settings is None:
            from storewarden.catalogue import drivers

            self._settings = self.read_settings()
            drivers.choose(self._settings.catalogue)
        return self._settings

    def read_settings(self) -> Settings:
        """Read the configuration as it is now; a daemon does so again and again."""
        from storewarden.config.load import load

        return load(self.config, os.environ, Path.cwd())

    @property
    def output(self) -> Output:
        """Where the verb's answer goes, in the form that was asked for."""
        return Output(json=self.json)

    def catalogue(self, *, readonly: bool = True) -> Engine:
        """Open the configured catalogue; to read it, unless said otherwise."""
        from storewarden.catalogue.connect import open_catalogue

        settings = self.settings
        return open_catalogue(
            settings.catalogue, settings.state, readonly=readonly, role="storewarden-cli"
        )

    @contextmanager
    def reading(self) -> Iterator[Engine]:
        """Open the catalogue to read it, refuse one of another version, close it at the end."""
        engine = self.catalogue()
        try:
            from storewarden.catalogue.version import require_current

            require_current(engine)
            yield engine
        finally:
            engine.close()


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep a global option, wherever on the line it stood; the last place that sets it counts."""
    session = context.ensure_object(Session)
    if value and parameter.name:
        setattr(session, parameter.name, value)


def common(command: click.Command) -> click.Command:
    """Add the options that may stand before or after the verb."""
    command.params += [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_remember,
            help="The configuration file; else $STOREWARDEN_CONFIG, ./storewarden.yaml, /etc.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Answer in JSON.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            hidden=True,
            help="Show the traceback of an unexpected error.",
        ),
    ]
    return command


def verb(function: Callable[..., Any], form: type[click.Command] = click.Command) -> click.Command:
    """Make a verb of a function: outermost decorator, below it click's options and arguments.

    The function takes the session first and returns an exit code.
    """
    return common(click.command(cls=form)(click.make_pass_decorator(Session)(function)))
