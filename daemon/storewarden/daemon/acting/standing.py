"""How things stand when a run begins: frozen roots, the clock, limits that were met before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storewarden.catalogue import clocks, held_back, policy_sets
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.policy_runs import LastRun, on_disk
from storewarden.catalogue.roots import roots as root_rows
from storewarden.daemon.acting.hands import Acting
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.jumps import Jump
from storewarden.policy.rules import Guard, Policy
from storewarden.policy.run import Frozen, Ground, Limit

_BY_HAND: Final = Guard(None, None, None)
"""A person named each file: only failures end that."""


def jumped(engine: Engine, host_id: int) -> str:
    """Return how the clock jumped, while nobody confirmed it; else nothing."""
    noted = clocks.read(engine, host_id)
    if noted is None or not noted.jumped_ns:
        return ""
    return str(Jump(noted.jumped_ns, noted.since_ns or noted.wall_ns))


def by_person(acting: Acting, policy: Policy | None) -> Ground:
    """Return how things stand for what a person wants done: of a policy, or of his own."""
    files, size = on_disk(acting.engine, acting.host_id)
    return Ground(
        policy=policy.id if policy is not None else "",
        guard=policy.guard if policy is not None else _BY_HAND,
        of_files=files,
        of_bytes=size,
        frozen=frozen(acting),
        jumped=jumped(acting.engine, acting.host_id),
        by_person=True,
    )


def of_policy(acting: Acting, policy: Policy, run: LastRun, not_yet: Mapping[str, str]) -> Ground:
    """Return how things stand for a run of a policy; what it did before counts.

    ``not_yet`` are roots in which nothing may be done either, and why.
    """
    engine, host_id = acting.engine, acting.host_id
    files, size = on_disk(acting.engine, acting.host_id)
    stored = policy_sets.policies(engine, host_id).get(policy.id)
    approved = (
        stored is not None
        and stored.approved_ns is not None
        and stored.fingerprint == fingerprint(policy)
    )
    return Ground(
        policy=policy.id,
        guard=policy.guard,
        of_files=files + run.files,  # a share is of what there was when the run began
        of_bytes=size + run.size,
        frozen={root: Frozen(why) for root, why in not_yet.items()} | frozen(acting),
        jumped=jumped(engine, host_id),
        observed=policy.destructive and policy.observe and not approved,
        asked=asked_before(acting, policy.id),
        spent_files=run.files,
        spent_bytes=run.size,
        tried=run.tried,
        failed=run.failed,
    )


def asked_before(acting: Acting, policy: str) -> Limit | None:
    """Return the limit that a run of a policy met, while no person answered."""
    for one in held_back.read(acting.engine, acting.host_id):
        if one.policy == policy and one.guard in _ASKING:
            return _ASKING[one.guard]
    return None


_ASKING: Final = {limit.value: limit for limit in Limit if limit.asks}


def frozen(acting: Acting) -> dict[str, Frozen]:
    """Return the roots on which nothing may be done, and why; those not configured are."""
    known = {row.name for row in root_rows(acting.engine, acting.host_id)}
    gone = known - set(acting.roots.names)
    return dict.fromkeys(gone, Frozen("it is not configured")) | acting.roots.frozen()
