"""ComfyUI's graph as it was drawn (``workflow``), as one that can be walked in.

Only here are there nodes that do not run: notes, muted and bypassed ones, reroutes, primitives,
pairs of Set and Get, subgraphs and group nodes. All of them are looked through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Any, Final, NamedTuple

from storewarden.facts.provenance.graph import MOST_NODES, Link, Node
from storewarden.facts.provenance.groups import unfolded_group
from storewarden.facts.provenance.values import Object, entries, mapping
from storewarden.facts.provenance.widgets import values_of

_MUTED, _BYPASSED = 2, 4
_DEEPEST: Final = 12  # subgraphs in each other
_MOST_HOPS: Final = 256  # through what only passes on
_MOST_INPUTS: Final = 64  # of a node that only passes on
_INTO, _OUT_OF = -10, -20  # the two sides of a subgraph, as nodes in it
_PASSING: Final = (
    "Reroute",
    "Reroute (rgthree)",
    "ReroutePrimitive|pysssss",
    "PrimitiveNode",
    "SetNode",
    "GetNode",
)
# Nodes that send what enters them wherever it is missing, and what they call it by themselves.
_EVERYWHERE: Final[dict[str, tuple[str, ...]]] = {
    "Anything Everywhere": (),
    "Anything Everywhere3": (),
    "Prompts Everywhere": ("positive", "negative"),
}
_SILENT: Final = ("Note", "MarkdownNote", *_PASSING)


class Sheet(NamedTuple):
    """One sheet of a drawing: the nodes and links of it, or of one of its subgraphs."""

    nodes: dict[int | str, Object]
    links: dict[Any, tuple[Any, int]]  # by number: which node's which output
    outputs: dict[int, tuple[Any, int]]  # of a subgraph: what comes out of it, by slot


_NO_SHEET: Final = Sheet({}, {}, {})


class _Place(NamedTuple):
    """Where a node is: in which instances of subgraphs, from the outermost in, and its number."""

    path: tuple[int | str, ...]
    number: int | str


class Drawn:
    """The graph as it was drawn."""

    def __init__(self, graph: Object) -> None:
        definitions = mapping(graph.get("definitions"))
        self._subgraphs = {
            one["id"]: one
            for one in map(mapping, entries(definitions.get("subgraphs")))
            if isinstance(one.get("id"), str)
        }
        groups = mapping(mapping(graph.get("extra")).get("groupNodes"))
        self._groups = {key: one for key, one in groups.items() if isinstance(one, dict)}
        self._sheets: dict[tuple[int | str, ...], Sheet] = {(): _sheet(graph)}
        self._nodes: dict[Hashable, Node | None] = {}
        self._setters: dict[tuple[int | str, ...], dict[str, Object]] = {}
        self._senders: dict[tuple[int | str, ...], dict[str, Any]] = {}
        self._by_kind: dict[str, Sheet] = {}
        self._origins: dict[tuple[Any, Any], Any] = {}
        self._given: dict[tuple[int | str, ...], list[Any]] = {}
        self._left = MOST_NODES  # what instances of groups may add to the drawing

    def names(self) -> Iterable[Hashable]:
        waiting: deque[tuple[int | str, ...]] = deque([()])
        left = MOST_NODES
        while waiting and left:
            path = waiting.popleft()
            for number, told in self._sheet(path).nodes.items():
                if self._is_sheet(told) and _runs(told):
                    if len(path) < _DEEPEST and len(waiting) < MOST_NODES:
                        waiting.append((*path, number))
                else:
                    yield _Place(path, number)
                left -= 1
                if not left:
                    break

    def node(self, name: Hashable) -> Node | None:
        if name not in self._nodes:
            self._nodes[name] = self._read(name) if isinstance(name, _Place) else None
        return self._nodes[name]

    def _read(self, place: _Place) -> Node | None:
        told = self._sheet(place.path).nodes.get(place.number)
        if told is None or not _runs(told) or told.get("mode") == _BYPASSED:
            return None
        kind = told["type"]
        if kind in _SILENT:
            return None
        inputs: Object = dict(values_of(told))
        for one in map(mapping, entries(told.get("inputs"))):
            label, link = one.get("name"), one.get("link")
            if not isinstance(label, str):
                continue
            if link is None and one.get("widget") is None:
                link = self._sent(place.path, label, one.get("type"))
            value = self._origin(place.path, link) if link is not None else None
            if value is not None:
                inputs[label] = value
        return Node(kind, inputs)

    def _sent(self, path: tuple[int | str, ...], label: str, kind: Any) -> Any:
        """Return the link that a node of "Anything Everywhere" puts into inputs without one."""
        if path not in self._senders:
            self._senders[path] = _senders(self._sheet(path))
        sent = self._senders[path]
        return sent.get(label) or (sent.get(kind) if isinstance(kind, str) else None)

    # -- along links --------------------------------------------------------------------------

    def _origin(self, path: tuple[int | str, ...], number: Any) -> Any:
        """Return what a link of a sheet brings: a `Link` to a node that runs, a value, or None."""
        met: list[tuple[Any, Any]] = []
        step: Any = _Further(path, number)
        while isinstance(step, _Further):
            if not isinstance(step.number, int | str) or len(met) >= _MOST_HOPS:
                step = None
            elif step in self._origins:
                step = self._origins[step]
            else:
                met.append(step)
                found = self._sheet(step.path).links.get(step.number)
                step = self._step(step.path, found) if found else None
        self._origins.update(dict.fromkeys(met, step))
        return step

    def _step(self, path: tuple[int | str, ...], origin: tuple[Any, int]) -> Any:
        node, slot = origin
        if node == _INTO and path:
            return self._from_outside(path, slot)
        told = _looked_up(self._sheet(path).nodes, node)
        if told is None or not _runs(told):
            return None
        if self._passes(told):
            return self._passed(path, told, slot)
        if self._is_sheet(told):
            return self._into_subgraph(path, node, slot)
        return Link(_Place(path, node), slot)

    def _passes(self, told: Object) -> bool:
        return told["type"] in _PASSING or told.get("mode") == _BYPASSED

    def _passed(self, path: tuple[int | str, ...], told: Object, slot: int) -> Any:
        """Return what goes through a node that does nothing itself."""
        if told["type"] == "PrimitiveNode":
            return next(iter(entries(told.get("widgets_values"))), None)
        if told["type"] == "GetNode":
            setter = self._setter(path, told)
            return _first_input(path, setter, "*") if setter else None
        if told["type"] in _PASSING:
            return _first_input(path, told, "*")
        return _first_input(path, told, _type_of_output(told, slot))

    def _into_subgraph(self, path: tuple[int | str, ...], node: Any, slot: int) -> Any:
        inner = (*path, node)
        if len(inner) > _DEEPEST:
            return None
        found = self._sheet(inner).outputs.get(slot)
        return self._step(inner, found) if found else None

    def _from_outside(self, path: tuple[int | str, ...], slot: int) -> Any:
        """Return what the instance of a subgraph is given at one of its inputs."""
        if path not in self._given:
            self._given[path] = self._inputs_of(path)
        given = self._given[path]
        return given[slot] if 0 <= slot < len(given) else None

    def _inputs_of(self, path: tuple[int | str, ...]) -> list[Any]:
        outer, number = path[:-1], path[-1]
        told = mapping(_looked_up(self._sheet(outer).nodes, number))
        given = [mapping(one) for one in entries(told.get("inputs"))]
        by_label = {one["name"]: one for one in given if isinstance(one.get("name"), str)}
        values = dict(values_of(told))
        declared = entries(mapping(self._subgraphs.get(told["type"])).get("inputs"))
        labels = [mapping(one).get("name") for one in declared]
        found: list[Any] = []
        for slot in range(max(len(given), len(labels))):
            label = labels[slot] if slot < len(labels) else None
            label = label if isinstance(label, str) else ""
            one = by_label.get(label) or (given[slot] if slot < len(given) else {})
            linked = one.get("link") is not None
            found.append(_Further(outer, one["link"]) if linked else values.get(label))
        return found

    def _setter(self, path: tuple[int | str, ...], getter: Object) -> Object | None:
        """Return the Set that a Get of the same sheet takes its value from."""
        if path not in self._setters:
            self._setters[path] = {
                label: told
                for told in self._sheet(path).nodes.values()
                if told["type"] == "SetNode" and (label := _label(told))
            }
        return self._setters[path].get(_label(getter))

    # -- sheets -------------------------------------------------------------------------------

    def _is_sheet(self, told: Object) -> bool:
        return told["type"] in self._subgraphs or _group_name(told["type"]) in self._groups

    def _sheet(self, path: tuple[int | str, ...]) -> Sheet:
        if path not in self._sheets:
            told = mapping(_looked_up(self._sheet(path[:-1]).nodes, path[-1]))
            self._sheets[path] = self._unfolded(told) if told else _NO_SHEET
        return self._sheets[path]

    def _unfolded(self, told: Object) -> Sheet:
        kind = told["type"]
        if kind in self._subgraphs:
            if kind not in self._by_kind:
                self._by_kind[kind] = _sheet(self._subgraphs[kind])
            return self._by_kind[kind]
        group = self._groups.get(_group_name(kind), {})
        self._left -= 1 + sum(len(entries(one)) for one in group.values())
        return _sheet(unfolded_group(group, told)) if self._left > 0 else _NO_SHEET


class _Further(NamedTuple):
    path: tuple[int | str, ...]
    number: Any


def _sheet(graph: Object) -> Sheet:
    nodes = {}
    for told in entries(graph.get("nodes"))[:MOST_NODES]:
        if isinstance(told, dict) and isinstance(told.get("type"), str):
            number = told.get("id")
            if isinstance(number, int | str):
                nodes[number] = told
    links: dict[Any, tuple[Any, int]] = {}
    outputs: dict[int, tuple[Any, int]] = {}
    for told in entries(graph.get("links")):
        link = _link(told)
        if link is None:
            continue
        number, origin, slot, target, target_slot = link
        links[number] = (origin, slot)
        if target == _OUT_OF:
            outputs[target_slot] = (origin, slot)
    return Sheet(nodes, links, outputs)


def _link(told: Any) -> tuple[Any, Any, int, Any, int] | None:
    """Return number, origin and its slot, target and its slot of a link in either notation."""
    if isinstance(told, list) and len(told) >= 5:  # noqa: PLR2004  # and its type
        number, origin, slot, target, target_slot = told[:5]
    elif isinstance(told, dict):
        number, origin, slot = told.get("id"), told.get("origin_id"), told.get("origin_slot")
        target, target_slot = told.get("target_id"), told.get("target_slot")
    else:
        return None
    if not isinstance(slot, int) or not all(
        isinstance(one, int | str) for one in (number, origin, target)
    ):
        return None
    return number, origin, slot, target, target_slot if isinstance(target_slot, int) else -1


def _senders(sheet: Sheet) -> dict[str, Any]:
    """Return the links that are put into all inputs of a type, or of a name, by that."""
    sent: dict[str, Any] = {}
    for told in sheet.nodes.values():
        if told["type"] not in _EVERYWHERE or not _runs(told):
            continue
        names = _EVERYWHERE[told["type"]]
        for slot, one in enumerate(map(mapping, entries(told.get("inputs"))[:_MOST_INPUTS])):
            called = names[slot] if slot < len(names) else one.get("name")
            if isinstance(called, str) and one.get("link") is not None:
                sent.setdefault(called, one["link"])
    return sent


def _looked_up(table: dict[Any, Any], key: Any) -> Any:
    return table.get(key) if isinstance(key, int | str) else None


def _runs(told: Object) -> bool:
    return told.get("mode") != _MUTED


def _first_input(path: tuple[int | str, ...], told: Object, kind: Any) -> Any:
    """Return what enters a node at its first input of a type; any type where it is ``*``."""
    for one in map(mapping, entries(told.get("inputs"))[:_MOST_INPUTS]):
        if one.get("link") is not None and kind in ("*", one.get("type")):
            return _Further(path, one["link"])
    return None


def _type_of_output(told: Object, slot: int) -> Any:
    outputs = entries(told.get("outputs"))
    return mapping(outputs[slot]).get("type") if 0 <= slot < len(outputs) else None


def _label(told: Object) -> str:
    first = next(iter(entries(told.get("widgets_values"))), "")
    return first if isinstance(first, str) else ""


def _group_name(kind: Any) -> str:
    """Return the name of the group that a node of this type is an instance of, or nothing."""
    for mark in ("workflow>", "workflow/"):
        if isinstance(kind, str) and kind.startswith(mark):
            return kind[len(mark) :]
    return ""
