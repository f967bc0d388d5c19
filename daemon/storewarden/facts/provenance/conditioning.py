"""The texts of a conditioning: back from a sampler, through whatever nodes, to the encoders."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final, NamedTuple

from storewarden.facts.provenance.graph import MOST_NODES, Graph, Link, Node
from storewarden.facts.provenance.values import is_file, is_prose, real
from storewarden.facts.provenance.wording import Words, spoken

POSITIVE, NEGATIVE = "positive", "negative"

# What an encoder calls the words that it encodes. T5 and its like read whole sentences: first.
_ENCODED: Final = (
    "t5xxl",
    "text_g",
    "clip_g",
    "text",
    "prompt",
    "clip_l",
    "text_l",
    "llama",
    "bert",
    "mt5xl",
    "tags",
    "lyrics",
    "populated_text",
    "user_prompt",
    "caption",
    "global_prompt",
)
_SIDES: Final = {
    POSITIVE: ("positive", "positive_prompt", "positive_cond", "base_positive", "pos", "cond_pos"),
    NEGATIVE: ("negative", "negative_prompt", "negative_cond", "base_negative", "neg", "cond_neg"),
}
_OTHER: Final = {POSITIVE: NEGATIVE, NEGATIVE: POSITIVE}
_CONDITIONS: Final = re.compile(r"cond|text_embeds|embeds|pipe|context|ctx|guider", re.IGNORECASE)
# Where no words come from.
_WORDLESS: Final = re.compile(
    r"model|\Aclip\d?\Z|clip_vision|vae|latent|samples|image|pixels|mask|control|sigmas|noise|sampler|width|height"
    r"|seed|steps|start|end|strength|audio|video|lora|batch|length|fps|cfg",
    re.IGNORECASE,
)


class Told(NamedTuple):
    """What a conditioning says, and the guidance that models of Flux's kind take from it."""

    text: str | None
    guidance: float | None


def conditioned(graph: Graph, words: Words, start: Any, side: str) -> Told:
    """Return what one side of a sampler was told."""
    if isinstance(start, str):
        return Told(spoken([start]), None)
    said: list[str] = []
    guidance: float | None = None
    waiting: list[Any] = [start]
    met: set[Hashable] = set()
    while waiting and len(met) < MOST_NODES:
        link = waiting.pop()
        if isinstance(link, str):
            said.append(link)
        if not isinstance(link, Link) or link.node in met:
            continue
        met.add(link.node)
        node = graph.node(link.node)
        if node is None or "ZeroOut" in node.kind:
            continue
        if guidance is None and "guidance" in node.inputs:
            guidance = real(words.number(node.inputs["guidance"], ("guidance",)))
        known = len(said)
        before = _before(node, words, side, said)
        if not before and len(said) == known:
            said.append(_loose(node, link, words, side))
        waiting.extend(reversed(before))
    return Told(spoken(said), guidance)


def _before(node: Node, words: Words, side: str, said: list[str]) -> list[Any]:
    """Return what stands before a node on one side; its own words are added to what was said."""
    inputs = node.inputs
    for name in _SIDES[side]:
        if name in inputs:
            value = inputs[name]
            return [words.of(value) or value] if name.endswith("_prompt") else [value]
    alike = [value for name, value in inputs.items() if side in name.lower()]
    if any(isinstance(value, str | Link) for value in alike):
        return alike
    if any(name in inputs for name in _SIDES[_OTHER[side]]):
        pipes = [link for name, link in node.links() if _CONDITIONS.search(name)]
        return list(pipes)  # a bus that has its other side given by hand
    encoded = _encoded(node, words)
    if encoded:
        said.extend(encoded)
        return []
    links = list(node.links())
    found = [link for name, link in links if _CONDITIONS.search(name)]
    return list(found or [link for name, link in links if not _WORDLESS.search(name)])


def _loose(node: Node, link: Link, words: Words, side: str) -> str:
    """Return the text of a node that ends the way and is no encoder anybody knows."""
    told = [
        value
        for name, value in node.inputs.items()
        if name.startswith("value_") and is_prose(value)
    ]
    if len(told) > 1:
        return str(told[side == NEGATIVE])
    text = words.of(link)
    return text if text and is_prose(text) else ""


def _encoded(node: Node, words: Words) -> list[str]:
    found = [
        said
        for name in _ENCODED
        if name in node.inputs and (said := words.of(node.inputs[name])) is not None
    ]
    if found or any(_CONDITIONS.search(name) for name, _ in node.links()):
        return found
    # an encoder of a drawing whose widgets have no names
    if "encode" in node.kind.lower() or "prompt" in node.kind.lower():
        return [
            value
            for name, value in node.inputs.items()
            if isinstance(value, str) and name.startswith("value_") and not is_file(value)
        ][:1]
    return []
