"""ComfyUI's group nodes, the subgraphs of 2024, as sheets like those of subgraphs.

A group keeps its nodes by their index, and links that lead from index to index. An instance of it
has the inputs that its nodes lack, in their order, and the values of all its nodes in one row.
"""

from __future__ import annotations

from typing import Any, Final

from storewarden.facts.provenance.values import Object, entries, mapping

_INTO, _OUT_OF = -10, -20
_MOST: Final = 10_000


def unfolded_group(group: Object, instance: Object) -> Object:
    """Return the sheet of one instance: nodes and links as a subgraph has them."""
    nodes = [dict(mapping(one)) for one in entries(group.get("nodes"))[:_MOST]]
    inner = [link for told in entries(group.get("links"))[:_MOST] if (link := _inner(told))]
    _give_values(nodes, entries(instance.get("widgets_values")))
    links: list[list[Any]] = []
    linked = {(target, slot): (origin, out) for origin, out, target, slot in inner}
    given = [mapping(one) for one in entries(instance.get("inputs"))]
    taken = 0
    for index, node in enumerate(nodes):
        node["id"] = index
        inputs = []
        for slot, told in enumerate(entries(node.get("inputs"))):
            one = dict(mapping(told))
            origin = linked.get((index, slot))
            if origin is None and taken < len(given):
                taken, origin = _outer(given, taken, one)
            one["link"] = len(links) if origin else None
            if origin:
                links.append([len(links), origin[0], origin[1], index, slot])
            inputs.append(one)
        node["inputs"] = inputs
    for slot, (index, out) in enumerate(_open_outputs(group, nodes, inner)):
        links.append([len(links), index, out, _OUT_OF, slot])
    return {"nodes": nodes, "links": links}


def _inner(told: Any) -> tuple[int, int, int, int] | None:
    numbers = entries(told)[:4]
    if len(numbers) < 4 or not all(isinstance(one, int) for one in numbers):  # noqa: PLR2004
        return None
    origin, out, target, slot = numbers
    return origin, out, target, slot


def _outer(given: list[Object], taken: int, wanted: Object) -> tuple[int, tuple[int, int] | None]:
    """Return the next input of the instance that fits, and how many are used up then."""
    for slot in range(taken, len(given)):
        if given[slot].get("type") == wanted.get("type"):
            return slot + 1, (_INTO, slot)
    return taken, None


def _give_values(nodes: list[Object], values: list[Any]) -> None:
    """Hand the row of an instance's values out to the nodes, where it is as long as theirs are."""
    own = [entries(node.get("widgets_values")) for node in nodes]
    if sum(map(len, own)) != len(values):
        return
    at = 0
    for node, mine in zip(nodes, own, strict=True):
        node["widgets_values"] = values[at : at + len(mine)]
        at += len(mine)


def _open_outputs(
    group: Object, nodes: list[Object], inner: list[tuple[int, int, int, int]]
) -> list[tuple[int, int]]:
    used = {(origin, out) for origin, out, _, _ in inner}
    shown = {
        (one[0], one[1])
        for told in entries(group.get("external"))
        if len(one := entries(told)) > 1 and all(isinstance(part, int) for part in one[:2])
    }
    return [
        (index, out)
        for index, node in enumerate(nodes)
        for out in range(len(entries(node.get("outputs"))))
        if (index, out) not in used or (index, out) in shown
    ]
