"""The policies that a verb judges by: read from their files, and compared with those in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewarden.cli.output import note
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.rules import PolicySet


def policies_of(session: Session) -> PolicySet:
    """Return the policies that the configuration names; raises PolicyError with every problem."""
    from storewarden.policy.load import read
    from storewarden.policy.sources import read_sources

    settings = session.settings
    return read(
        read_sources(settings.policies), stores=settings.store_names, tables=settings.table_names
    )


def told_if_others(engine: Engine, host: int | None, policy_set: PolicySet) -> bool:
    """Say on stderr when the daemon judges by other policies than those in the files."""
    from storewarden.catalogue.policy_sets import in_force

    stored = in_force(engine, host) if host is not None else None
    if stored is None or stored.fingerprint == policy_set.fingerprint:
        return False
    from storewarden.cli.when import moment

    note(
        "these are the policies as they are written now; in force are others, since "
        f"{moment(stored.loaded_ns)}; systemctl reload storewarden takes these"
    )
    return True
