"""How many files policies name, what is due of them, and what keeps it back: counted in slices.

Nothing here is asked by a scrape. A slice is a range of files that the database goes through in
some milliseconds, so that a count of a million files neither sorts them nor holds up a writer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_SLICE = 20_000
# Of the winners hold, place, phases and care: a database that is cared for may still belong
# anywhere and stay for ever, as `policy coverage` sees it.
_SAYS_WHAT_BECOMES = 3

_WON = (
    "SELECT f.kind, s.hold, s.place, s.phases, s.care, count(*)"
    " FROM schedule s CROSS JOIN files f WHERE f.id = s.file_id"
    " AND s.file_id > ? AND s.file_id <= ? AND f.state = 'present'"
    " GROUP BY 1, 2, 3, 4, 5"
)
_DUE = (
    "SELECT s.policy_id, s.action, s.blocked, count(*), min(s.due_ns)"
    " FROM schedule s WHERE s.due_ns <= ? GROUP BY 1, 2, 3"
)


class Act(NamedTuple):
    """What a policy wants done."""

    policy_id: int
    action: int


@dataclass(slots=True)
class Won:
    """How many files policies win, by their ids, and how many of each kind none does."""

    named: Counter[int] = field(default_factory=Counter)  # of any kind of statement
    unknown: Counter[int] = field(default_factory=Counter)  # or would, were more known of them
    uncovered: Counter[str] = field(default_factory=Counter)
    files: int = 0  # that there are


@dataclass(slots=True)
class Waits:
    """What is due, and since when by policy; or would be, and what keeps it back."""

    due: Counter[Act] = field(default_factory=Counter)
    blocked: Counter[int] = field(default_factory=Counter)
    oldest: dict[int, int] = field(default_factory=dict)


def won(engine: Engine, host_id: int) -> Won:
    """Count all present files of a host."""
    told = Won(uncovered=_present(engine, host_id))
    told.files = told.uncovered.total()
    ours = _ours(engine, host_id)
    for after, until in _slices(engine):
        for kind, *winners, files in engine.execute(_WON, (after, until)):
            of_ours = {winner for winner in winners if abs(winner) in ours}
            for winner in of_ours:
                told.named[abs(winner)] += files
                if winner < 0:
                    told.unknown[-winner] += files
            if ours.intersection(map(abs, winners[:_SAYS_WHAT_BECOMES])):
                told.uncovered[kind] -= files
    told.uncovered = +told.uncovered
    return told


def waits(engine: Engine, host_id: int, now_ns: int) -> Waits:
    """Count what is due of a host's files: only that is gone through."""
    told = Waits()
    ours = _ours(engine, host_id)
    for policy, action, blocked, files, oldest in engine.execute(_DUE, (now_ns,)):
        if policy not in ours:
            continue
        if blocked:
            told.blocked[blocked] += files
        else:
            told.due[Act(policy, action)] += files
            told.oldest[policy] = min(oldest, told.oldest.get(policy, oldest))
    return told


def _ours(engine: Engine, host_id: int) -> frozenset[int]:
    """Return the ids of all policies that a host ever had."""
    rows = engine.execute("SELECT id FROM policies WHERE host_id = ?", (host_id,))
    return frozenset(id_ for (id_,) in rows)


def _present(engine: Engine, host_id: int) -> Counter[str]:
    """Return how many present files of each kind there are, as the recorder keeps it."""
    rows = engine.execute(
        "SELECT t.kind, sum(t.files) FROM totals t JOIN roots r ON r.id = t.root_id"
        " WHERE t.state = 'present' AND r.host_id = ? GROUP BY t.kind",
        (host_id,),
    )
    return Counter({kind: int(files) for kind, files in rows})


def _slices(engine: Engine) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids that hold all files."""
    last: int = engine.execute("SELECT coalesce(max(id), 0) FROM files")[0][0]
    yield from pairwise((*range(0, last, _SLICE), last))


def undecided(engine: Engine, host_id: int) -> int:
    """Return how many files wait to be decided; 0 where no policies are in force."""
    # SQLite joins in this order: left to itself it goes through all files, however few wait.
    ours = "r.id = d.root_id AND r.host_id = ?"
    of_host = f"CROSS JOIN directories d CROSS JOIN roots r WHERE d.id = f.directory_id AND {ours}"
    through = (
        "coalesce((SELECT decided_through FROM policy_sets WHERE host_id = ?"
        " ORDER BY id DESC LIMIT 1), (SELECT max(id) FROM files))"
    )
    moved = "directories d CROSS JOIN roots r CROSS JOIN files f"
    return sum(
        engine.execute(f"SELECT count(*) FROM {which}", params)[0][0]
        for which, params in (
            (f"files f {of_host} AND f.id > {through}", (host_id, host_id)),
            (f"undecided u CROSS JOIN files f {of_host} AND f.id = u.file_id", (host_id,)),
            (f"{moved} WHERE d.undecided <> 0 AND f.directory_id = d.id AND {ours}", (host_id,)),
        )
    )


class Due(NamedTuple):
    """Files of which something is due, all with the same action and the same hindrance."""

    action: int
    blocked: int
    files: int
    oldest_ns: int


def now_due(engine: Engine, host_id: int, now_ns: int) -> list[Due]:
    """Return what is due by now, for who asks once: only that is gone through."""
    rows = engine.execute(
        "SELECT s.action, s.blocked, count(*), min(s.due_ns) FROM schedule s"
        " JOIN policies p ON p.id = s.policy_id WHERE s.due_ns <= ? AND p.host_id = ?"
        " GROUP BY s.action, s.blocked ORDER BY s.action, s.blocked",
        (now_ns, host_id),
    )
    return [Due(*row) for row in rows]
