"""InvokeAI: ``invokeai_metadata`` since 3.0, ``sd-metadata`` of 2.x, ``Dream`` commands of 1.x."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from storewarden.facts.provenance.texts import Texts, unfolded
from storewarden.facts.provenance.values import (
    Object,
    count,
    entries,
    joined,
    lora,
    loras,
    mapping,
    model,
    name,
    real,
    text,
    whole,
)
from storewarden.model import Lora, Provenance

TOOL: Final = "invokeai"
_NEGATIVE: Final = re.compile(r"\[([^\[\]]{0,4000})\]")
_THERE: Final = ("invokeai_metadata", "sd-metadata", "dream", "invokeai_graph", "invokeai_workflow")
_MOST_WORDS: Final = 200


def read(texts: Texts) -> Provenance | None:
    """Return what InvokeAI tells, in the newest of the ways that it told it."""
    newest = texts.object_of("invokeai_metadata")
    for _, one in () if newest else texts.objects():  # beside a video it is a file of its own
        newest = newest or mapping(unfolded(one.get("invokeai_metadata")))
        if "positive_prompt" in one and ("app_version" in one or "generation_mode" in one):
            newest = one
    if newest:
        return _newest(newest)
    older = texts.object_of("sd-metadata")
    if older:
        return _older(older, texts.named("dream"))
    dream = texts.named("dream")
    if dream:
        return _dream(dream)
    if any(texts.named(one) for one in _THERE):
        return Provenance(TOOL, understood=False)
    return None


def _newest(told: Object) -> Provenance:
    large = mapping(told.get("model"))
    return Provenance(
        TOOL,
        understood="positive_prompt" in told or "seed" in told or bool(large),
        tool_version=name(told.get("app_version")),
        model=_model(large),
        model_hash=name(large.get("hash")),
        loras=loras(_loras(told.get("loras"))),
        prompt=joined((told.get("positive_prompt"), told.get("positive_style_prompt"))),
        negative=joined((told.get("negative_prompt"), told.get("negative_style_prompt"))),
        seed=whole(told.get("seed")),
        steps=count(told.get("steps")),
        scheduler=name(told.get("scheduler")),
        guidance=real(told.get("cfg_scale", told.get("guidance"))),
        width=count(told.get("width")),
        height=count(told.get("height")),
    )


def _model(told: Object) -> str | None:
    return model(told.get("name", told.get("model_name")))


def _loras(told: Any) -> Iterator[Lora | None]:
    for one in map(mapping, entries(told)[:64]):
        yield lora(_model(mapping(one.get("model", one.get("lora")))), one.get("weight"))


def _older(told: Object, dream: str | None) -> Provenance:
    image = mapping(told.get("image"))
    asked = image.get("prompt")
    parts = [mapping(one).get("prompt") for one in entries(asked)[:64]] if asked else []
    prompt, negative = _divided(joined(parts) or text(asked) or "")
    weights = name(told.get("model_weights"))
    return Provenance(
        TOOL,
        understood=bool(prompt or dream),
        tool_version=name(told.get("app_version")),
        model=model(weights) or model(told.get("model")),
        model_hash=name(told.get("model_hash")),
        prompt=prompt,
        negative=negative,
        seed=whole(image.get("seed")),
        steps=count(image.get("steps")),
        sampler=name(image.get("sampler")),
        guidance=real(image.get("cfg_scale")),
        width=count(image.get("width")),
        height=count(image.get("height")),
    )


def _dream(command: str) -> Provenance:
    """Return what a command line tells: ``"a lighthouse [fog]" -s 50 -S 7 -W 512 -H 768``."""
    begin, end = command.find('"'), command.rfind('"')
    if begin < 0 or end <= begin:
        return Provenance(TOOL, understood=False)
    prompt, negative = _divided(command[begin + 1 : end])
    flags = _flags(command[end + 1 :][:4000].split()[:_MOST_WORDS])
    return Provenance(
        TOOL,
        prompt=prompt,
        negative=negative,
        seed=whole(flags.get("-S")),
        steps=count(flags.get("-s")),
        sampler=name(flags.get("-A")),
        guidance=real(flags.get("-C")),
        width=count(flags.get("-W")),
        height=count(flags.get("-H")),
    )


def _flags(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    flag = ""
    for word in words:
        if flag and not word.startswith("-"):
            found.setdefault(flag, word)
            flag = ""
        else:
            glued = len(word) > 2 and word[1] in "sSWHCA" and word[2].isdigit()  # noqa: PLR2004  # -s50
            flag = "" if glued else word
            if glued:
                found.setdefault(word[:2], word[2:])
    return found


def _divided(asked: str) -> tuple[str | None, str | None]:
    """Return what was wanted, and what stood in [brackets]: that was not."""
    unwanted = _NEGATIVE.findall(asked)
    return text(_NEGATIVE.sub("", asked)), text(", ".join(unwanted))
