"""Where a plan reads what is decided: in the schedule as far as it stands, else by a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from storewarden import __version__
from storewarden.catalogue import planned
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.planned import Decided, Words
from storewarden.catalogue.stands import Stands, stands
from storewarden.policy.decision import Blocked
from storewarden.policy.rules import Force, PolicySet

_FEW = 8  # policies


def decisions(
    engine: Engine,
    policy_set: PolicySet,
    now_ns: int,
    host_id: int | None,
    *,
    ahead: bool = False,
) -> tuple[Mapping[str, int], Decided]:
    """Return which numbers policies have, and where to read what is decided of files.

    ``ahead``: the time to come is asked for, of which the schedule knows the next step only.
    """
    there: Stands | None = None
    names = [policy.id for policy in policy_set.policies]
    if host_id is not None and not ahead:
        there = stands(engine, host_id, policy_set.fingerprint, __version__, names, now_ns)
    if there is not None and there.whole:
        return there.policies, planned.read(there)
    from storewarden.policy.verdict import verdict  # noqa: PLC0415  # 10 ms that most need not wait

    numbers = there.policies if there else {name: at for at, name in enumerate(names, 1)}
    judged = verdict(policy_set, numbers, engine.dialect, now_ns)
    if there is not None:
        return numbers, planned.read_or_judged(there, judged)
    met = ("", ()) if ahead else _acting(engine, policy_set, now_ns)
    return numbers, planned.judged(judged, met)


def _acting(engine: Engine, policy_set: PolicySet, now_ns: int) -> tuple[str, tuple[object, ...]]:
    """Return what a file meets to which one of a few policies does something.

    It spares the database to decide all others; among many policies few files are left out.
    """
    from storewarden.policy.sql import render  # noqa: PLC0415  # as above

    acting = [p for p in policy_set.policies if (p.phases or p.place) and p.rows is None]
    if not 0 < len(acting) <= _FEW:
        return "", ()
    rendered = [render(policy.match, engine.dialect, now_ns) for policy in acting]
    text = " OR ".join(f"({each.text}) IS NOT FALSE" for each in rendered)
    return text, tuple(value for each in rendered for value in each.params)


def due_lines(
    engine: Engine,
    policy_set: PolicySet,
    now_ns: int,
    host_id: int | None,
    policy: str | None = None,
) -> Iterator[Sequence[bytes]]:
    """Yield a line for each file of which something is due, with its path as it is; in pages.

    That a policy waits until a disk is fuller is not told: it is for who asks for rows.
    """
    numbers, decided = decisions(engine, policy_set, now_ns, host_id)
    words = Words(
        {force: force.word for force in Force},
        {number: name for name, number in numbers.items()},
        {block: block.name.lower() for block in Blocked if block},
    )
    return planned.lines(
        *(engine, decided, words, now_ns),
        host_id=host_id,
        policy_id=None if policy is None else numbers[policy],
    )
