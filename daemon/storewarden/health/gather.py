"""Where the values come from: the catalogue, but for the disks, which are handed in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final

from storewarden.catalogue import (
    copies,
    due,
    health,
    held_back,
    policy_runs,
    policy_sets,
    scrubbed,
)
from storewarden.catalogue.databases import known_databases
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.roots import blindness, roots
from storewarden.config.schema import RootSettings
from storewarden.health.losses import FAILURES, OVERDUE_NS
from storewarden.health.probes import (
    Acts,
    Backed,
    Care,
    Damaged,
    Disk,
    LastCopies,
    Late,
    Orphans,
    Probes,
    Slow,
    Unseen,
)
from storewarden.measure.shown import shown
from storewarden.policy.rules import Policy, PolicySet
from storewarden.policy.run import Limit
from storewarden.policy.timing import next_run

_SECOND: Final = 1_000_000_000
_ROWS_WHOLE: Final = frozenset({"index", "foreign key"})
_PATIENT: Final = frozenset(
    {"vacuum", "analyze", "migrate"}
)  # they wait until nobody uses a database
_FAILED: Final = Limit.ERRORS.value
_BLIND: Final = frozenset({"blind", "frozen"})


@dataclass(frozen=True, slots=True)
class Outside:
    """What the catalogue does not know: how it is configured, and what was seen just now.

    ``live``: somebody watches the roots now; what was seen before tells nothing about now.
    ``failing``: since how many seconds the catalogue cannot be written, and why.
    """

    roots: Sequence[RootSettings]
    policies: PolicySet | None = None
    disks: tuple[Disk, ...] = ()
    live: bool = True
    failing: tuple[float, str] | None = None
    zone: tzinfo = UTC


def gather(
    engine: Engine,
    host_id: int,
    outside: Outside,
    now_ns: int,
    acts: Sequence[Acts] | None = None,
) -> Probes:
    """Return everything that is looked at; what was found of ``acts`` before may be handed in."""
    if acts is None:
        acts = acts_of(engine, host_id, outside, now_ns)
    return Probes(
        damaged=tuple(_damaged(engine, host_id)),
        last_copies=tuple(_last_copies(engine, host_id)),
        unheeded=tuple(health.unheeded(engine, host_id)),
        orphans=tuple(Orphans(*one) for one in health.orphans(engine, host_id)),
        slow=tuple(_slow(engine, host_id, now_ns)),
        unseen=tuple(_unseen(engine, host_id, outside)) if outside.live else (),
        disks=outside.disks,
        backed=tuple(_backed(engine, host_id)),
        care=tuple(_care(engine, host_id, now_ns)),
        acts=tuple(acts),
        late=tuple(_late(engine, host_id, outside, now_ns)) if outside.live else (),
    )


def _damaged(engine: Engine, host_id: int) -> Iterator[Damaged]:
    for name, detail in health.damaged(engine, host_id):
        told = json.loads(detail)
        problems = told.get("facts", {}).get("problems", [])
        kinds = {str(one.get("kind", "")) for one in problems}
        whole = bool(kinds) and kinds <= _ROWS_WHOLE
        yield Damaged(name, str(told.get("why", "")), whole)


def _last_copies(engine: Engine, host_id: int) -> Iterator[LastCopies]:
    for one in copies.stored(engine, host_id):
        count = scrubbed.damaged_copies(engine, host_id, one.store)
        if count:
            yield LastCopies(one.store, count)


def _slow(engine: Engine, host_id: int, now_ns: int) -> Iterator[Slow]:
    counted = health.slow(engine, host_id, now_ns)
    if not counted:
        return
    names = {shown(one.place): one.name for one in known_databases(engine, host_id)}
    for source, statements in counted.items():
        name = names.get(source, source)
        yield Slow(name, name, statements)


def _unseen(engine: Engine, host_id: int, outside: Outside) -> Iterator[Unseen]:
    wanted = {one.name for one in outside.roots}
    for row in roots(engine, host_id):
        if row.name not in wanted:
            continue
        places = blindness(engine, row.id)
        for one in places:
            yield Unseen(row.name, one.reason, bytes(one.path), one.detail, one.remedy)
        if not places and row.figures.state in _BLIND:
            yield Unseen(row.name, row.figures.state)


def _backed(engine: Engine, host_id: int) -> Iterator[Backed]:
    for one in health.kept(engine, host_id):
        every_ns = None if one.last_ns is None else one.due_ns - one.last_ns
        yield Backed(one.database, every_ns, one.due_ns, one.taken_ns, one.proven_ns)


def _care(engine: Engine, host_id: int, now_ns: int) -> Iterator[Care]:
    for one in health.undone(engine, host_id, FAILURES, now_ns - OVERDUE_NS):
        told: dict[str, Any] = json.loads(one.detail)
        waits = one.what in _PATIENT and one.outcome == "put_off"
        why = str(told.get("why", ""))
        yield Care(one.database, one.what, one.due_ns, one.failures, why, waits)


def _late(engine: Engine, host_id: int, outside: Outside, now_ns: int) -> Iterator[Late]:
    if outside.failing is not None:
        yield Late("", *outside.failing)
    patience = {one.name: max(one.settle_cap, one.settle) for one in outside.roots}
    for row in roots(engine, host_id):
        oldest_ns = row.figures.oldest_pending_ns
        if row.name in patience and oldest_ns is not None:
            # what never rests is recorded as growing by then: until then it is not late
            late = (now_ns - oldest_ns) / _SECOND - patience[row.name]
            if late > 0:
                yield Late(row.name, late)


# -- what policies are to do ----------------------------------------------------------------------


def acts_of(engine: Engine, host_id: int, outside: Outside, now_ns: int) -> list[Acts]:
    """Return what is not done to files that should be; all that is due is gone through."""
    return list(_acts(engine, host_id, outside, now_ns))


def _acts(engine: Engine, host_id: int, outside: Outside, now_ns: int) -> Iterator[Acts]:
    for name, files, error in health.tried(engine, host_id, FAILURES):
        yield Acts(name, files, now_ns, error, _troubles(name), failing=True)
    if outside.policies is None:
        return
    known = {policy.id: policy for policy in outside.policies.policies if policy.rows is None}
    waiting = set()
    for held in held_back.read(engine, host_id):
        if held.policy not in known or held.guard == Limit.OBSERVED.value:
            waiting.add(held.policy)  # a person wants to see first what it would do
        elif held.guard == _FAILED:
            waiting.add(held.policy)
            yield Acts(held.policy, held.files, held.since_ns, held.why, held.command, failing=True)
        elif not held.guard.startswith(Limit.FROZEN.value):
            waiting.add(held.policy)
            yield Acts(held.policy, held.files, held.since_ns, held.why, held.command)
    runs = policy_runs.read(engine, host_id)
    for policy, files, oldest_ns in _due(engine, host_id, known, waiting, now_ns):
        run = runs.get(policy.id)
        if run is not None and run.fruitless >= FAILURES:
            why = "nothing could be done of what was taken up"
            yield Acts(policy.id, files, oldest_ns, why, _troubles(policy.id), failing=True)
            continue
        since_ns = _wanted_ns(policy, oldest_ns, 0 if run is None else run.looked_ns, outside.zone)
        if since_ns is not None:
            yield Acts(policy.id, files, since_ns)


def _due(
    engine: Engine,
    host_id: int,
    known: Mapping[str, Policy],
    waiting: set[str],
    now_ns: int,
) -> Iterator[tuple[Policy, int, int]]:
    """Yield the policies of which something is due that nothing keeps back, and since when."""
    waits = due.waits(engine, host_id, now_ns)
    for name, stored in policy_sets.policies(engine, host_id).items():
        policy = known.get(name)
        oldest_ns = waits.oldest.get(stored.id)
        if policy is not None and oldest_ns is not None and name not in waiting:
            files = sum(count for act, count in waits.due.items() if act.policy_id == stored.id)
            yield policy, files, max(oldest_ns, stored.first_seen_ns)


def _wanted_ns(policy: Policy, oldest_ns: int, looked_ns: int, zone: tzinfo) -> int | None:
    """Return when a policy should have done what is due; None while only pressure starts it."""
    triggers = policy.triggers
    if triggers.event:
        return oldest_ns
    ticks = [next_run(timer, max(oldest_ns, looked_ns), zone) for timer in triggers.timers]
    return min((tick for tick in ticks if tick is not None), default=None)


def _troubles(policy: str) -> str:
    return f"storewarden history --troubles --policy {policy}" if policy else ""
