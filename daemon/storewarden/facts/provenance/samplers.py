"""The samplers of a graph, told by their shape: there are hundreds, and new ones every week."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Final

from storewarden.facts.provenance.graph import Graph, Link, Node, upstream

SEEDS: Final = ("seed", "noise_seed", "rand_seed")
GUIDANCES: Final = (
    "cfg",
    "cfg_scale",
    "guidance_scale",
    "guidance",
    "cfg_conds",
    "embedded_guidance_scale",
)
SAMPLERS: Final = ("sampler_name", "sampler", "sample_method")
SCHEDULERS: Final = ("scheduler", "schedule")
_TRAITS: Final = (SEEDS, ("steps",), GUIDANCES, (*SAMPLERS, *SCHEDULERS, "sigmas"))
_FEWEST_TRAITS: Final = 3
_MOST_SAMPLERS: Final = 16
_ADVANCED: Final = ("guider", "sigmas", "noise", "sampler")

_SAVING: Final = re.compile(
    r"save|combine|output|export|upload|send|write|websocket", re.IGNORECASE
)
_SHOWING: Final = re.compile(r"preview|show|display|view|compar", re.IGNORECASE)
_LATENT: Final = re.compile(
    r"latent|stage_c|samples|image|pixels|video|frames|pipe|ctx|context", re.IGNORECASE
)


def is_sampler(node: Node) -> bool:
    """Return whether a node makes a picture out of noise, by the inputs that it has."""
    inputs = node.inputs
    if sum(name in inputs for name in _ADVANCED) >= _FEWEST_TRAITS:
        return True
    if not any(isinstance(value, Link) for value in inputs.values()):
        return False
    traits = sum(any(name in inputs for name in trait) for trait in _TRAITS)
    traits += "positive" in inputs and "negative" in inputs
    if traits > _FEWEST_TRAITS:
        return True
    named = "sampl" in node.kind.lower() or any("latent" in name for name in inputs)
    return traits == _FEWEST_TRAITS and named


def samplers(graph: Graph) -> list[Node]:
    """Return the samplers that one picture went through; the first is the one it began with.

    Which of several saved pictures a file is cannot be known: it is taken for the first of them
    that a sampler leads to, and only if there is none for one that was merely shown.
    """
    kept, shown = endings(graph)
    met: set[Hashable] = set()
    for ending in (*kept, *shown):
        found = [node for node in upstream(graph, [ending], _any, met) if is_sampler(node)]
        if found:
            return _in_order(graph, found)
    for name in graph.names():
        node = graph.node(name)
        if node and is_sampler(node):
            return _in_order(graph, [node])
    return []


def prompted(graph: Graph) -> tuple[Node, Link] | None:
    """Return the node that asks a service for a picture, and the ending that it leads to.

    It has a prompt of its own and needs no sampler.
    """
    kept, shown = endings(graph)
    met: set[Hashable] = set()
    for ending in (*kept, *shown):
        for node in upstream(graph, [ending], _any, met):
            told = isinstance(node.inputs.get("prompt"), str | Link)
            if told and "encode" not in node.kind.lower():
                return node, ending
    return None


def endings(graph: Graph) -> tuple[list[Link], list[Link]]:
    """Return links to what is kept in files, and to what is only shown."""
    kept: list[Link] = []
    shown: list[Link] = []
    for name in graph.names():
        node = graph.node(name)
        if node is None:
            continue
        if _SHOWING.search(node.kind):
            shown.append(Link(name, 0))
        elif _SAVING.search(node.kind):
            kept.append(Link(name, 0))
    return kept, shown


def _any(_name: str) -> bool:
    return True


def _latent(name: str) -> bool:
    return bool(_LATENT.search(name))


def _in_order(graph: Graph, found: list[Node]) -> list[Node]:
    """Return samplers with that first which latents and pictures came from before all others."""
    first = found[0]
    met: set[Hashable] = set()
    for _ in range(_MOST_SAMPLERS):
        start = [link for name, link in first.links() if _latent(name)]
        before = next(
            (
                node
                for node in upstream(graph, start, _latent, met)
                if is_sampler(node) and node is not first
            ),
            None,
        )
        if before is None:
            break
        first = before
    return [first, *(node for node in found[:_MOST_SAMPLERS] if node is not first)]
