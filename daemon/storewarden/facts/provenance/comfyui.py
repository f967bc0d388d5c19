"""ComfyUI: the graph that was executed, or as it was drawn, in whatever place a node put it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from storewarden.facts.provenance.checkpoints import along, loaded
from storewarden.facts.provenance.conditioning import NEGATIVE, POSITIVE, Told, conditioned
from storewarden.facts.provenance.drawing import Drawn
from storewarden.facts.provenance.graph import (
    Executed,
    Graph,
    Link,
    Node,
    is_drawn,
    is_executed,
    upstream,
)
from storewarden.facts.provenance.samplers import (
    GUIDANCES,
    SAMPLERS,
    SCHEDULERS,
    SEEDS,
    prompted,
    samplers,
)
from storewarden.facts.provenance.texts import Texts, unfolded
from storewarden.facts.provenance.values import (
    count,
    joined,
    mapping,
    model,
    name,
    real,
    size,
    text,
    whole,
)
from storewarden.facts.provenance.wording import Words
from storewarden.model import Provenance

TOOL: Final = "comfyui"
_NAMES: Final = ("prompt", "workflow")
_LABELLED: Final = re.compile(r"(prompt|workflow)\s{0,4}:", re.IGNORECASE)
_EXIF: Final = (
    "exif:Model",
    "exif:Make",
    "exif:ImageDescription",
    "exif:UserComment",
    "exif:Software",
)
_SIZES: Final = ("resolution", "dimensions", "size", "aspect_ratio")


def read(texts: Texts) -> Provenance | None:
    """Return what ComfyUI's graph tells; one that leads to no sampler is not understood."""
    found = dict.fromkeys(_NAMES)
    for label, value in _graphs(texts):
        if found[label] is None:
            found[label] = value
    executed, drawn = found["prompt"], found["workflow"]
    if executed is None and drawn is None:
        return None
    version = _version(drawn)
    told = None
    if executed is not None and is_executed(executed):
        told = provenance(Executed(executed), version)
    if told is None and drawn is not None and is_drawn(drawn):
        told = provenance(Drawn(drawn), version)
    return told or Provenance(TOOL, understood=False, tool_version=version)


def _graphs(texts: Texts) -> Iterator[tuple[str, Any]]:
    """Yield graphs, and what stands in the place of one, with which of both it is."""
    for label in _NAMES:
        one = texts.named(label)
        if one:
            yield from _sorted(label, texts.parsed(one), one)
    for where in _EXIF:
        one = texts.by_where.get(where, "")
        match = _LABELLED.match(one)
        if match:
            rest = one[match.end() :].strip()
            yield from _sorted(match[1].lower(), texts.parsed(rest), rest)
    for _, inside in texts.objects():
        yield from _inside(inside)


def _sorted(label: str, value: Any, one: str) -> Iterator[tuple[str, Any]]:
    value = unfolded(value)
    if is_executed(value):
        yield "prompt", value
    elif is_drawn(value):
        yield "workflow", value
    elif value is None and one[:1] == "{" and ("class_type" in one or "widgets_values" in one):
        yield label, one  # cut off: it is there and not understood


def _inside(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the graphs of an object: itself, or what it holds as VideoHelperSuite's does."""
    if is_executed(value):
        yield "prompt", value
    elif is_drawn(value):
        yield "workflow", value
    else:
        for label in (*_NAMES, "output", "extra_data"):
            inner = unfolded(value.get(label))
            if is_executed(inner):
                yield "prompt", inner
            elif is_drawn(inner):
                yield "workflow", inner


def _version(drawn: Any) -> str | None:
    """Return which ComfyUI it was, as new drawings tell for each node of its own."""
    for node in mapping(drawn).get("nodes") or ():
        properties = mapping(mapping(node).get("properties"))
        if properties.get("cnr_id") == "comfy-core":
            return name(properties.get("ver"))
    return None


def provenance(graph: Graph, version: str | None) -> Provenance | None:
    """Return what a graph tells; None when nothing in it makes pictures from words."""
    found = samplers(graph)
    if not found:
        return _asked(graph, version)
    words = Words(graph)
    first, *later = [_Sampling(graph, sampler, words) for sampler in found]
    return first.told(version, later)


class _Sampling:
    """One sampler, and what comes before it."""

    def __init__(self, graph: Graph, sampler: Node, words: Words) -> None:
        self._graph, self._sampler, self._words = graph, sampler, words
        # Guider, noise and sigmas are nodes of their own in the advanced form of a sampler.
        self._guider = self._node("guider") or sampler
        self._sigmas = self._node("sigmas")

    def told(self, version: str | None, later: Sequence[_Sampling]) -> Provenance:
        """Return what this one did, with what later ones were told beside it."""
        positive = self.said(POSITIVE)
        with_model = loaded(self._graph, self._words, self._models())
        width, height = self._size()
        return Provenance(
            TOOL,
            tool_version=version,
            model=with_model.model,
            loras=with_model.loras,
            prompt=joined([positive.text, *(one.said(POSITIVE).text for one in later)]),
            negative=joined(one.said(NEGATIVE).text for one in (self, *later)),
            seed=whole(self._number(SEEDS, self._node("noise"), self._sampler)),
            steps=count(self._number(("steps",), self._sampler, *self._schedule())),
            sampler=self._sampler_name(),
            scheduler=self._scheduler(),
            guidance=self._guidance(positive.guidance),
            width=width,
            height=height,
        )

    def said(self, side: str) -> Told:
        return conditioned(self._graph, self._words, self._side(side), side)

    # -- what is where ------------------------------------------------------------------------

    def _node(self, label: str) -> Node | None:
        link = self._sampler.inputs.get(label)
        return self._graph.node(link.node) if isinstance(link, Link) else None

    def _side(self, side: str) -> Any:
        names = {
            POSITIVE: ("positive", "conditioning", "cond1", "cond", "text_embeds", "pos", "prompt"),
            NEGATIVE: ("negative", "uncond", "neg", "text_embeds"),
        }
        for node in (self._guider, self._sampler):
            for label in names[side]:
                if label in node.inputs:
                    return node.inputs[label]
        for label, link in self._sampler.links():
            if any(one in label.lower() for one in ("pipe", "ctx", "context", "cond", "embeds")):
                return link
        return None

    def _models(self) -> list[Link]:
        links = [link for label, link in self._guider.links() if along(label)]
        return links or [link for label, link in self._sampler.links() if along(label)]

    def _schedule(self) -> list[Node | None]:
        """Return the nodes that make the sigmas: one, behind those that split or flip them."""
        link = self._sampler.inputs.get("sigmas")
        if not isinstance(link, Link):
            return []
        return list(upstream(self._graph, [link], lambda label: "sigma" in label))

    def _number(self, names: tuple[str, ...], *nodes: Node | None) -> Any:
        for node in nodes:
            for label in names:
                if node and label in node.inputs:
                    value = self._words.number(node.inputs[label], names)
                    if real(value) is not None:
                        return value
        return None

    def _sampler_name(self) -> str | None:
        for label in SAMPLERS:
            value = self._sampler.inputs.get(label)
            if isinstance(value, Link):
                node = self._graph.node(value.node)
                said = self._words.of(node.inputs.get("sampler_name")) if node else None
                return name(said) or (name(node.kind) if node else None)
            if isinstance(value, str):
                return name(value)
        return None

    def _scheduler(self) -> str | None:
        for node in (self._sampler, *self._schedule()):
            for label in SCHEDULERS:
                said = self._words.of(node.inputs.get(label)) if node else None
                if said:
                    return name(said)
        if self._sigmas:
            kinds = [node.kind for node in self._schedule() if node and "Scheduler" in node.kind]
            return name(kinds[0].replace("Scheduler", "")) if kinds else None
        return None

    def _guidance(self, distilled: float | None) -> float | None:
        scale = real(self._number(GUIDANCES, self._guider, self._sampler))
        return distilled if distilled is not None and scale in (None, 1.0) else scale

    def _size(self) -> tuple[int | None, int | None]:
        labels = ("latent", "samples", "embeds", "positive", "width", "height")
        start = [
            link
            for label, link in self._sampler.links()
            if any(one in label for one in labels) or label == "pipe"
        ]
        for node in upstream(self._graph, start, _may_hold_size):
            found = self._size_in(node)
            if found[0]:
                return found
        return None, None

    def _size_in(self, node: Node) -> tuple[int | None, int | None]:
        inputs = node.inputs
        for wide, high in (("width", "height"), ("empty_latent_width", "empty_latent_height")):
            if wide in inputs and high in inputs and "encode" not in node.kind.lower():
                return (
                    count(self._words.number(inputs[wide], (wide, "width"))),
                    count(self._words.number(inputs[high], (high, "height"))),
                )
        for label in _SIZES:
            found = size(inputs.get(label))
            if found[0]:
                return found
        return None, None


def _may_hold_size(label: str) -> bool:
    return any(one in label for one in ("latent", "samples", "embeds", "positive", "pipe", "image"))


def _asked(graph: Graph, version: str | None) -> Provenance | None:
    """Return what was asked of a service by a node that has a prompt and no sampler."""
    found = prompted(graph)
    if found is None:
        return None
    node, ending = found
    words = Words(graph)
    inputs = node.inputs
    said = text(words.of(inputs["prompt"]))
    if said is None:
        return None
    width, height = size(inputs.get("size"))
    called = model(words.of(inputs.get("model", inputs.get("model_name"))))
    return Provenance(
        TOOL,
        tool_version=version,
        model=called or loaded(graph, words, [ending]).model,
        prompt=said,
        negative=text(words.of(inputs.get("negative_prompt"))),
        seed=whole(words.number(inputs.get("seed"), SEEDS)),
        width=count(inputs.get("width")) or width,
        height=count(inputs.get("height")) or height,
    )
