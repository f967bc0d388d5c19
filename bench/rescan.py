"""A scan when nothing changed: the price of looking again."""

from __future__ import annotations

from bench.first_scan import find, in_turns
from bench.ground import Ground
from bench.report import Figure, Measured, Target

_OF_FIND = 2.5


def run(ground: Ground) -> list[Figure]:
    """Scan a tree that is recorded already, in turns with find."""
    tree, house = ground.tree, ground.recorded
    find(tree)
    taken = in_turns(
        ground,
        f"scan of {tree.files:,} unchanged files",
        {"find": lambda: find(tree), "storewarden": lambda: house.scan(tree.files)},
    )
    met = taken["storewarden"] <= _OF_FIND * taken["find"]
    return [
        Figure(
            f"scan of {tree.files:,} unchanged files",
            Measured(taken["storewarden"], "s"),
            Measured(taken["find"], "s", "find -printf"),
            Target(f"≤ {_OF_FIND} ×", met),
        )
    ]
