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


def observed(engine: Engine, host: int | None, policy_set: PolicySet) -> frozenset[str]:
    """Return the policies of which nothing is done until a person has applied their first plan."""
    from storewarden.catalogue.policy_sets import policies
    from storewarden.policy.fingerprints import fingerprint

    stored = policies(engine, host) if host is not None else {}
    approved = {
        each.name: each.fingerprint for each in stored.values() if each.approved_ns is not None
    }
    return frozenset(
        policy.id
        for policy in policy_set.policies
        if policy.destructive and policy.observe and approved.get(policy.id) != fingerprint(policy)
    )


def frozen(engine: Engine, host: int | None) -> str:
    """Return how the clock jumped, while nothing is freed because of that; else nothing."""
    from storewarden.catalogue.clocks import read

    clocks = read(engine, host) if host is not None else None
    if clocks is None or clocks.jumped_ns is None:
        return ""
    from storewarden.policy.jumps import Jump

    return str(Jump(clocks.jumped_ns, clocks.since_ns or clocks.wall_ns))
