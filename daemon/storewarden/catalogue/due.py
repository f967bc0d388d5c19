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

_COUNTED = (
    "SELECT f.kind, s.hold, s.place, s.phases, s.care, s.policy_id, s.action, s.blocked,"
    " s.due_ns <= ?, count(*), min(s.due_ns), sum(f.size)"
    " FROM files f JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
    " LEFT JOIN schedule s ON s.file_id = f.id"
    " WHERE f.id > ? AND f.id <= ? AND f.state = 'present' AND r.host_id = ?"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"
)


class Act(NamedTuple):
    """What a policy wants done."""

    policy_id: int
    action: int


@dataclass(slots=True)
class Tally:
    """What was counted of a host's files, policies by their ids."""

    named: Counter[int] = field(default_factory=Counter)  # files a policy wins, of any kind
    unknown: Counter[int] = field(default_factory=Counter)  # or would, were more known of them
    uncovered: Counter[str] = field(default_factory=Counter)  # files no policy names, by kind
    due: Counter[Act] = field(default_factory=Counter)
    due_bytes: Counter[Act] = field(default_factory=Counter)
    blocked: Counter[int] = field(default_factory=Counter)  # due, by what keeps it back
    oldest: dict[int, int] = field(default_factory=dict)  # by policy: since when something is due


def count(engine: Engine, host_id: int, now_ns: int) -> Tally:
    """Count all present files of a host."""
    tally = Tally()
    for after, until in _slices(engine):
        for row in engine.execute(_COUNTED, (now_ns, after, until, host_id)):
            kind, hold, place, phases, care, policy, action, blocked, due, *figures = row
            files, oldest, size = figures
            winners = {winner for winner in (hold, place, phases, care) if winner}
            if not winners:
                tally.uncovered[kind] += files
            for winner in winners:
                tally.named[abs(winner)] += files
                if winner < 0:
                    tally.unknown[-winner] += files
            if not due:
                continue
            if blocked:
                tally.blocked[blocked] += files
            else:
                tally.due[Act(policy, action)] += files
                tally.due_bytes[Act(policy, action)] += int(size)
                tally.oldest[policy] = min(oldest, tally.oldest.get(policy, oldest))
    return tally


def _slices(engine: Engine) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids that hold all files."""
    last: int = engine.execute("SELECT coalesce(max(id), 0) FROM files")[0][0]
    yield from pairwise((*range(0, last, _SLICE), last))


def undecided(engine: Engine, host_id: int) -> int:
    """Return how many files wait to be decided; 0 where no policies are in force."""
    ours = (
        " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
        " WHERE r.host_id = ?"
    )
    through = (
        "coalesce((SELECT decided_through FROM policy_sets WHERE host_id = ?"
        " ORDER BY id DESC LIMIT 1), (SELECT max(id) FROM files))"
    )
    return sum(
        engine.execute(f"SELECT count(*) FROM {which}", params)[0][0]
        for which, params in (
            (f"files f{ours} AND f.id > {through}", (host_id, host_id)),
            (f"undecided u JOIN files f ON f.id = u.file_id{ours}", (host_id,)),
            (f"files f{ours} AND d.undecided <> 0", (host_id,)),
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
