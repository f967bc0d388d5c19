"""The model that a sampler used: back through LoRAs and patches to what was loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from storewarden.facts.provenance.graph import Graph, Link, Node, upstream
from storewarden.facts.provenance.values import MOST_LORAS, lora, loras, mapping, model
from storewarden.facts.provenance.wording import Words
from storewarden.model import Lora

_LOADED: Final = (
    "ckpt_name",
    "unet_name",
    "base_ckpt_name",
    "gguf_name",
    "model_name",
    "model_path",
    "diffusion_name",
    "checkpoint",
    "diffusion_model",
    "model_id",
    "repo_id",
    "model",
)
_ALONG: Final = re.compile(
    r"model|unet|pipe|ctx|context|lora|any|source|guider|\Ainput", re.IGNORECASE
)
_ASIDE: Final = re.compile(
    r"clip|vision|upscale|control|style|sams|detector|vae|text|ipadapter|latent", re.IGNORECASE
)
_FILE: Final = re.compile(r"\.(?:safetensors|sft|ckpt|gguf|pth?|bin)\Z", re.IGNORECASE)
_NAMED: Final = re.compile(r"lora(?:_name)?(?:[_ ]?(\d{1,2}))?\Z", re.IGNORECASE)
_WEIGHTS: Final = (
    "strength_model",
    "lora_model_strength",
    "model_str_{}",
    "model_weight_{}",
    "lora_wt_{}",
    "strength_{}",
    "lora_{}_model_strength",
    "lora_{}_strength",
    "strength_model_{}",
    "strength",
    "lora_strength",
    "weight",
)


class Loaded(NamedTuple):
    """The large model and the small ones over it."""

    model: str | None
    loras: tuple[Lora, ...]


def loaded(graph: Graph, words: Words, start: list[Link]) -> Loaded:
    """Return what was loaded before some links: the first model, and all LoRAs on the way."""
    found: list[Lora | None] = []
    called: str | None = None
    for node in upstream(graph, start, along):
        small = list(_loras_in(node, words))
        if len(found) < 4 * MOST_LORAS:
            found.extend(small)
        if called is None:
            called = _model_in(node, words, alone=not small)
    return Loaded(called, loras(found))


def along(name: str) -> bool:
    """Return whether models come through an input of this name."""
    return bool(_ALONG.search(name)) and not _ASIDE.search(name)


def _model_in(node: Node, words: Words, *, alone: bool) -> str | None:
    if isinstance(node.inputs.get("model"), Link):
        return None  # it changes a model: the files that it names are others
    for name in _LOADED:
        value = node.inputs.get(name)
        said = words.of(value) if isinstance(value, Link) and name != "model" else value
        if isinstance(said, str) and "lora" not in node.kind.lower():
            return model(said)
    if not alone or _ASIDE.search(node.kind):
        return None
    for name, value in node.inputs.items():
        if isinstance(value, str) and _FILE.search(value) and not _ASIDE.search(name):
            return model(value)
    return None


def _loras_in(node: Node, words: Words) -> Iterator[Lora | None]:
    for name, value in node.inputs.items():
        match = _NAMED.match(name)
        if match and isinstance(value, dict):  # rgthree's: {"on": true, "lora": …, "strength": …}
            if value.get("on", True) is not False:
                yield lora(value.get("lora"), value.get("strength"))
        elif match and not _is_off(node, match[1]):
            said = words.of(value)
            if said:
                yield lora(said, _weight(node, words, match[1] or ""))
        elif name == "loras":
            yield from _list_of(value)
    if "lora" in node.kind.lower() and "value_0" in node.inputs:
        said = node.inputs["value_0"]
        if isinstance(said, str) and _FILE.search(said):
            yield lora(said)


def _is_off(node: Node, number: str | None) -> bool:
    """Return whether a row of a stack is switched off, or is beyond those in use."""
    if number is None:
        return False
    if node.inputs.get(f"switch_{number}") in ("Off", False):
        return True
    used = node.inputs.get("lora_count", node.inputs.get("num_loras"))
    return isinstance(used, int) and int(number) > used


def _weight(node: Node, words: Words, number: str) -> Any:
    for form in _WEIGHTS:
        name = form.format(number)
        if name in node.inputs:
            return words.number(node.inputs[name], (name, "strength"))
    return None


def _list_of(value: Any) -> Iterator[Lora | None]:
    rows = mapping(value).get("__value__", value)
    for row in map(mapping, rows[:MOST_LORAS] if isinstance(rows, list) else ()):
        if row.get("active", True) is not False:
            yield lora(row.get("name"), row.get("strength"))
