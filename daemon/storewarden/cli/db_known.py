"""What verbs about databases and their places share: the policies, and what is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from storewarden.cli.output import note
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.databases.migrate import Database
    from storewarden.policy.rules import PolicySet

strategy = click.option("--strategy", metavar="POLICIES", help="A policy file, or shipped:NAME.")


def policies_named(session: Session, named: str | None) -> PolicySet:
    """Return the policies that were named, else those of the configuration."""
    if named is not None:
        from storewarden.databases.recommend import read_strategy

        return read_strategy(named)
    from storewarden.cli.policies import policies_of

    return policies_of(session)


def recorded(session: Session) -> list[Database]:
    """Return the databases that are here, or were moved; none where there is no catalogue yet."""
    from storewarden.errors import CatalogueUnavailable

    settings = session.settings
    from storewarden.catalogue.connect import is_there, sqlite_path
    from storewarden.catalogue.drivers import is_server

    server = is_server(settings.catalogue)
    if not server and not is_there(sqlite_path(settings.catalogue, settings.state)):
        return []
    from storewarden.catalogue.movable import movable
    from storewarden.cli.listing import our_host
    from storewarden.daemon.tending.known import known

    try:
        with session.reading() as engine:
            host = our_host(engine)
            return [] if host is None else [known(one) for one in movable(engine, host)]
    except CatalogueUnavailable as error:
        note(f"what is recorded here cannot be read: {error}")
        return []
