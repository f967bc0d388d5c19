"""A graph of ComfyUI as something to walk in: nodes with inputs, each a value or a link.

Two forms are written. What was executed (``prompt``) holds it all:
``{"3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}}}``. What was drawn
(``workflow``) is read by `storewarden.facts.provenance.drawing` into the same shape.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from storewarden.facts.provenance.values import Object

MOST_NODES: Final = 100_000


class Link(NamedTuple):
    """An input that comes out of another node: which one, and its how manieth output."""

    node: Hashable
    slot: int


class Node(NamedTuple):
    """What a node is called, and its inputs by name: values, or `Link`."""

    kind: str
    inputs: Object

    def links(self) -> Iterator[tuple[str, Link]]:
        """Yield the inputs that are links, with their names."""
        for name, value in self.inputs.items():
            if isinstance(value, Link):
                yield name, value


class Graph(Protocol):
    """Nodes by what links name them by."""

    def names(self) -> Iterable[Hashable]:
        """Return what the nodes are named by, in the order they were written, bounded."""
        ...

    def node(self, name: Hashable) -> Node | None:
        """Return a node; None when there is none of that name, or it does not run."""
        ...


class Executed:
    """The graph as it was executed."""

    def __init__(self, graph: Object) -> None:
        self._graph = graph
        self._nodes: dict[Hashable, Node | None] = {}

    def names(self) -> Iterable[Hashable]:
        for number, name in enumerate(self._graph):
            if number >= MOST_NODES:
                break
            yield name

    def node(self, name: Hashable) -> Node | None:
        if name not in self._nodes:
            self._nodes[name] = _node(self._graph.get(name))  # type: ignore[call-overload]
        return self._nodes[name]


def _node(told: Any) -> Node | None:
    if not isinstance(told, dict) or not isinstance(told.get("class_type"), str):
        return None
    inputs = told.get("inputs")
    if not isinstance(inputs, dict):
        return Node(told["class_type"], {})
    return Node(told["class_type"], {name: _input(value) for name, value in inputs.items()})


def _input(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2:  # noqa: PLR2004  # [node, slot]
        node, slot = value
        if isinstance(slot, int) and not isinstance(slot, bool) and isinstance(node, str | int):
            return Link(str(node), slot)
    return value


def is_executed(graph: object) -> bool:
    """Return whether a JSON value is the form that was executed."""
    if not isinstance(graph, dict) or not graph:
        return False
    few = [node for _, node in zip(range(8), graph.values(), strict=False)]
    return any(isinstance(node, dict) and "class_type" in node for node in few)


def is_drawn(graph: object) -> bool:
    """Return whether a JSON value is the form that was drawn."""
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list):
        return False
    few = graph["nodes"][:8]
    return any(isinstance(node, dict) and "type" in node and "id" in node for node in few)


def upstream(
    graph: Graph,
    start: Iterable[Link],
    wanted: Callable[[str], bool],
    met: set[Hashable] | None = None,
) -> Iterator[Node]:
    """Yield the nodes before some links, nearest first, each once, through the inputs wanted.

    Those in ``met`` are left out; what is met is added to it.
    """
    waiting = deque(start)
    met = set() if met is None else met
    while waiting and len(met) < MOST_NODES:
        link = waiting.popleft()
        if link.node in met:
            continue
        met.add(link.node)
        node = graph.node(link.node)
        if node is None:
            continue
        yield node
        waiting.extend(before for name, before in node.links() if wanted(name))
