"""What goes when room is needed at once: rows of the catalogue in the words of policies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from storewarden.catalogue import spares as rows
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.spares import SpareRow
from storewarden.policy.decision import Blocked
from storewarden.policy.emergency import Freeing, Spare, freeing
from storewarden.policy.placement import requires_local
from storewarden.policy.rules import Force, PolicySet
from storewarden.policy.sql_terms import regenerable
from storewarden.policy.verdict import verdict

_FORCES = {int(force): force for force in Force}
_BLOCKS = {int(block): block for block in Blocked}


def to_free(
    engine: Engine,
    policy_set: PolicySet,
    wanted: int,
    now_ns: int,
    host_id: int,
    root: str | None = None,
) -> Freeing:
    """Return what goes so that so many bytes are free on this host, safest first."""
    return freeing(wanted, spares(engine, policy_set, now_ns, host_id, root), now_ns)


def spares(
    engine: Engine, policy_set: PolicySet, now_ns: int, host_id: int, root: str | None = None
) -> Iterator[Spare]:
    """Yield all that takes room on a host, as policies see it now."""
    policies = policy_set.policies
    ids = {policy.id: at for at, policy in enumerate(policies, 1)}
    required = frozenset(ids[each.id] for each in policies if requires_local(each.place))
    query = verdict(policy_set, ids, engine.dialect, now_ns)
    names = {number: name for name, number in ids.items()}
    for row in rows.spares(engine, query, regenerable().text, host_id, root):
        yield _spare(row, names, required)


def _spare(row: SpareRow, names: dict[int, str], required: frozenset[int]) -> Spare:
    return Spare(
        *(row.id, row.state, row.gone_ns, row.blocks, row.links),
        None if row.regenerable is None else bool(row.regenerable),
        None if row.copied is None else (row.copied, row.copied_ns or 0),
        held=row.hold != 0,
        pinned=bool(row.pinned),
        required=abs(row.place) in required,
        sidecar=bool(row.sidecar),
        growing=bool(row.growing),
        action=None if row.action is None else _FORCES[row.action],
        policy=None if row.policy_id is None else names.get(row.policy_id),
        due_ns=row.due_ns,
        store=row.store,
        blocked=_BLOCKS[row.blocked],
    )


def by_safety(found: Freeing) -> dict[tuple[int, str], tuple[int, int]]:
    """Return how many files and bytes go for which sort of reason and by which act."""
    files: Counter[tuple[int, str]] = Counter()
    size: Counter[tuple[int, str]] = Counter()
    for one in found.files:
        key = int(one.safety), one.action.word
        files[key] += 1
        size[key] += one.bytes
    return {key: (files[key], size[key]) for key in sorted(files)}
