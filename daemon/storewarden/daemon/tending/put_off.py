"""Databases whose move was put off are tried again, after a pause that grows.

What was put off by hand or by ourselves is noted with the last runs of policies, so that it
outlives a restart; whoever moves, refuses or undoes it by hand ends that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storewarden.catalogue import policy_runs
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.policy_runs import LastRun
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.standing import BY
from storewarden.daemon.tending.wish import Item, TendWish

MIGRATE: Final = "migrate"
_NOTE: Final = "~put-off-moves"  # no policy is called so
_MINUTE: Final = 60_000_000_000
_FIRST, _LONGEST = 15 * _MINUTE, 360 * _MINUTE
_MOVES: Final = ("move", "return")


def waiting(engine: Engine, host_id: int) -> tuple[str, ...]:
    """Return the databases whose move was put off."""
    run = policy_runs.read(engine, host_id).get(_NOTE)
    return run.pressed if run is not None else ()


def note(hands: Hands, items: Sequence[Item], *, again: bool) -> None:
    """Note which moves were put off, and that others of them were not; ``again``: we tried them."""
    run = policy_runs.read(hands.engine, hands.host_id).get(_NOTE)
    before = dict.fromkeys(run.pressed if run is not None else ())
    moves = [item for item in items if item.what in _MOVES]
    for item in moves:
        before.pop(item.database, None)
    late = [item.database for item in moves if item.outcome == "put_off"]
    if run is None and not late:
        return
    names = tuple(dict.fromkeys((*before, *late)))
    fruitless = (run.fruitless if run is not None else 0) + 1 if again and late else 0
    began_ns = run.began_ns if run is not None and run.pressed else hands.now_ns
    told = LastRun(_NOTE, "timer", began_ns, hands.now_ns, names, fruitless, len(names))
    policy_runs.write(hands.engine, hands.host_id, told)


def due(hands: Hands) -> TendWish | None:
    """Return the wish to try again what was put off, once its pause is over."""
    run = policy_runs.read(hands.engine, hands.host_id).get(_NOTE)
    if run is None or not run.pressed or hands.policies is None:
        return None
    pause = min(_FIRST << min(run.fruitless, 10), _LONGEST)
    if run.looked_ns <= hands.now_ns < run.looked_ns + pause:
        return None
    policy_runs.write(hands.engine, hands.host_id, run._replace(looked_ns=hands.now_ns))
    return TendWish(MIGRATE, run.pressed, {"phase": None}, BY)
