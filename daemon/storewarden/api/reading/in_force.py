"""What keeps policies from being carried out: nobody approved them, or the clock jumped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.rules import PolicySet


def observed(engine: Engine, host: int | None, policy_set: PolicySet) -> frozenset[str]:
    """Return the policies of which nothing is done until a person has applied their first plan."""
    from storewarden.catalogue.policy_sets import policies  # noqa: PLC0415  # few ask
    from storewarden.policy.fingerprints import fingerprint  # noqa: PLC0415

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
    from storewarden.catalogue.clocks import read  # noqa: PLC0415

    clocks = read(engine, host) if host is not None else None
    if clocks is None or clocks.jumped_ns is None:
        return ""
    from storewarden.policy.jumps import Jump  # noqa: PLC0415

    return str(Jump(clocks.jumped_ns, clocks.since_ns or clocks.wall_ns))
