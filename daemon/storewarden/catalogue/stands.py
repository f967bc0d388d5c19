"""Which part of the schedule says what policies say now, so that nobody need ask them anew.

It does while the policies are those in force, and the clock did not go back; not of files that wait
to be decided, or to be decided otherwise because time passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from storewarden.catalogue import clocks, policy_sets
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.schedule import COLUMNS

_COLUMNS = ", ".join(f"s.{name}" for name in ("file_id", *COLUMNS))


class Stands(NamedTuple):
    """What of a schedule stands; numbers stand in the text, so that it needs no values.

    ``policies`` are the numbers that it has for them.
    """

    policies: dict[str, int]
    waiting: str  # the ids of the files of which it does not stand, as a query
    whole: bool  # there was none just now

    @property
    def query(self) -> str:
        """The decisions that stand, as a query with the columns of the schedule."""
        # what another set decided in this very moment bears the numbers of its policies
        ours = ", ".join(str(number) for number in self.policies.values()) or "NULL"
        return (
            f"SELECT {_COLUMNS} FROM schedule s"
            f" WHERE s.policy_id IN ({ours}) AND s.file_id NOT IN ({self.waiting})"
        )


def stands(
    engine: Engine,
    host_id: int,
    fingerprint: str,
    program: str,
    names: Iterable[str],
    now_ns: int,
) -> Stands | None:
    """Return what stands of the schedule for who judges by these policies; None: nothing does."""
    stored = policy_sets.in_force(engine, host_id)
    if stored is None or (stored.fingerprint, stored.program) != (fingerprint, program):
        return None
    noted = clocks.read(engine, host_id)
    if noted is not None and (noted.jumped_ns is not None or noted.wall_ns > now_ns):
        return None
    if not stored.decided_through:
        return None
    rows = policy_sets.policies(engine, host_id)
    waiting = (
        "SELECT n.file_id FROM undecided n"
        " UNION ALL SELECT i.id FROM directories m CROSS JOIN files i"
        " WHERE m.undecided <> 0 AND i.directory_id = m.id"
        " UNION ALL SELECT b.id FROM files b WHERE b.id >"
        f" (SELECT p.decided_through FROM policy_sets p WHERE p.id = {stored.id})"
        f" UNION ALL SELECT a.file_id FROM schedule a WHERE a.again_ns <= {now_ns}"
    )
    anything = engine.execute(f"SELECT 1 FROM ({waiting}) w LIMIT 1")
    return Stands({name: rows[name].id for name in names}, waiting, not anything)
