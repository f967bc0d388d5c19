"""Acts that store files beside each other, for tests of what ends, stops or kills them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from storewarden.act.batch import carry_out_all
from storewarden.act.execute import Outcome
from storewarden.catalogue.acts import Act
from tests.batches import MORE
from tests.executing import CONTENTS, Life, Lives
from tests.striking import Strike, calm, stand

ALL: Mapping[bytes, bytes] = {**CONTENTS, **MORE}
# The files of the database belong together; the third is another one's.
GROUPS: Sequence[Sequence[bytes]] = (
    tuple(CONTENTS)[:2],
    *((path,) for path in (*tuple(CONTENTS)[2:], *MORE)),
)
FEW = GROUPS[:3]


def begin(
    lives: Lives, verb: str, groups: Sequence[Sequence[bytes]] = GROUPS
) -> tuple[Life, list[Act]]:
    """Return a life with acts that are planned, each for files that belong together."""
    life = lives.begin("memory", ALL)
    return life, [life.plan(verb, paths, store="cloud") for paths in groups]


class InTurn:
    """Lets the calls of several threads be struck one at a time, and tells which threads called."""

    def __init__(self, strike: Strike) -> None:
        self._strike, self._lock = strike, threading.Lock()

    def __call__(self, name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        with self._lock:
            self._strike(name, behind)


def carry_out_beside(life: Life, some: Sequence[Act], strike: Strike = calm) -> list[Outcome]:
    """Carry out acts together, in a process that was just started."""
    executor = life.executor(InTurn(strike))
    ends = ("all_copied", "all_archived", "all_moved")
    stand(executor.tools.acted, ends, "acted", InTurn(strike))
    return list(carry_out_all(executor, some))


def threads() -> list[str]:
    """Return the threads that store, as far as there are any."""
    return [one.name for one in threading.enumerate() if one.name.startswith("storing")]
