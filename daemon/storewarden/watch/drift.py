"""Directories that left their place a moment ago.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

from typing import Final

from storewarden.watch.table import Node, WatchTable

ADRIFT_SECONDS: Final = 0.5  # the two halves of a rename stand next to each other in the queue


class Drift:
    """Nodes out of the tree that may turn up again, oldest first."""

    def __init__(self) -> None:
        self._until: dict[Node, float] = {}
        self._told: set[Node] = set()  # said to be gone already

    def __contains__(self, node: Node) -> bool:
        return node in self._until

    def cast_off(self, table: WatchTable, node: Node, now: float, *, told: bool = False) -> None:
        """Take a node out of the tree for a while; ``told``: it was announced as gone."""
        if node.path() is None:
            return  # it is already, or something above it is
        table.unhook(node)
        self._until[node] = now + ADRIFT_SECONDS
        if told:
            self._told.add(node)

    def told(self, node: Node) -> bool:
        """Tell whether a node was announced as gone."""
        return node in self._told

    def forget(self, node: Node) -> None:
        """Take a node off: it turned up, or is given up."""
        self._until.pop(node, None)
        self._told.discard(node)

    def overdue(self, now: float) -> Node | None:
        """Return a node that did not turn up in time."""
        node, until = next(iter(self._until.items()), (None, now))
        return node if until <= now else None

    def next_due(self) -> float | None:
        """Return when the next node is overdue."""
        return next(iter(self._until.values()), None)


def within(node: Node, top: Node) -> bool:
    """Tell whether a node is another or below it."""
    above: Node | None = node
    while above is not None and above is not top:
        above = above.parent
    return above is top
