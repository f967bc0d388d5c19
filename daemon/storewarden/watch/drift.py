"""Directories that left their place a moment ago, and directories announced a while ago.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from storewarden.watch.table import Node, WatchTable

ADRIFT_SECONDS: Final = 0.5  # the two halves of a rename stand next to each other in the queue
RECENT_SECONDS: Final = 600.0
RECENT_MOST: Final = 10_000


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


class Recent:
    """Directories that were announced and perhaps not looked at yet by whoever was told.

    When one of them, or one above it, is renamed meanwhile, the look finds nothing at the old
    path. So it is announced again under the new one.
    """

    def __init__(self) -> None:
        self._nodes: deque[tuple[float, Node, bool]] = deque(maxlen=RECENT_MOST)

    def add(self, node: Node, now: float, *, dirty: bool = False) -> None:
        """Remember a directory; ``dirty``: it alone is to be listed, not all below it."""
        nodes = self._nodes
        while nodes and nodes[0][0] < now - RECENT_SECONDS:
            nodes.popleft()
        nodes.append((now, node, dirty))

    def below(self, moved: Node, now: float) -> list[tuple[Node, bool]]:
        """Return what was announced lately in and below a directory."""
        if len(self._nodes) == RECENT_MOST:  # and who knows what else
            return [(moved, False)]
        since = now - RECENT_SECONDS
        return [
            (node, dirty) for at, node, dirty in self._nodes if at >= since and within(node, moved)
        ]


def within(node: Node, top: Node) -> bool:
    """Tell whether a node is another or below it."""
    above: Node | None = node
    while above is not None and above is not top:
        above = above.parent
    return above is top
