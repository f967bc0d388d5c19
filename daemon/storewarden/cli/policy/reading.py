"""The policies that a verb of this group is given, and this machine's catalogue if there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.analysis import RootFacts
    from storewarden.policy.rules import Policy, PolicySet


def read(session: Session, files: Sequence[str]) -> PolicySet:
    """Return the policies of these files and directories, or those that the configuration names.

    Raises PolicyError with every problem.
    """
    from storewarden.cli.policies import policies_of

    if not files:
        return policies_of(session)
    settings = session.settings
    from storewarden.policy import load
    from storewarden.policy.sources import read_sources

    return load.read(
        read_sources(files),
        stores=settings.store_names,
        tables=settings.table_names,
        base=Path.cwd(),
    )


def names(policy_set: PolicySet) -> list[str]:
    """Return the files that policies were read from."""
    return [name for name, _ in policy_set.sources]


def about_files(policy_set: PolicySet) -> list[Policy]:
    """Return the policies that are about files, and not about rows."""
    return [policy for policy in policy_set.policies if policy.rows is None]


def roots(session: Session) -> list[RootFacts]:
    """Return what the configured roots let be known of their files."""
    from storewarden.policy.analysis import RootFacts

    return [
        RootFacts(root.name, usage=root.usage, inspect=root.inspect)
        for root in session.settings.roots
    ]


@contextmanager
def catalogue(session: Session) -> Iterator[tuple[Engine, int] | None]:
    """Open this machine's catalogue and name its host; None where there is none to be read."""
    _ = session.settings  # before the catalogue's drivers
    from storewarden.catalogue.migrate import newest, version
    from storewarden.catalogue.roots import host_id, this_machine
    from storewarden.errors import CatalogueUnavailable

    try:
        engine = session.catalogue()
    except CatalogueUnavailable:
        yield None
        return
    try:
        current = version(engine) == newest()
        host = host_id(engine, this_machine()) if current else None
        yield None if host is None else (engine, host)
    finally:
        engine.close()


@contextmanager
def here(session: Session) -> Iterator[tuple[Engine, int]]:
    """Open this machine's catalogue and name its host; refused where nothing was recorded yet."""
    _ = session.settings
    from storewarden.catalogue.roots import host_id, this_machine
    from storewarden.errors import UsageError

    with session.reading() as engine:
        host = host_id(engine, this_machine())
        if host is None:
            raise UsageError(
                "nothing was recorded on this machine yet",
                where=session.settings.catalogue_shown,
                remedy="record its files first: storewarden scan",
            )
        yield engine, host
