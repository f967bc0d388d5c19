"""SwarmUI (StableSwarmUI): ``sui_image_params`` in ``parameters``, EXIF, or once the EXIF model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from storewarden.facts.provenance.texts import Texts
from storewarden.facts.provenance.values import (
    Object,
    count,
    entries,
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

TOOL: Final = "swarmui"
_KEY: Final = "sui_image_params"


def read(texts: Texts) -> Provenance | None:
    """Return what SwarmUI's JSON tells."""
    places = [one for _, one in texts.objects()]
    legacy = texts.by_where.get("exif:Model", "")
    if _KEY in legacy:
        places.append(mapping(texts.parsed(legacy)))
    for one in places:
        if isinstance(one.get(_KEY), dict):
            return _told(one[_KEY], one)
    there = any(_KEY in one for _, one in texts.free)
    return Provenance(TOOL, understood=False) if there or _KEY in legacy else None


def _told(told: Object, whole_of_it: Object) -> Provenance:
    extra = mapping(whole_of_it.get("sui_extra_data"))
    distilled, scale = real(told.get("fluxguidancescale")), real(told.get("cfgscale"))
    return Provenance(
        TOOL,
        tool_version=name(told.get("swarm_version")),
        model=model(told.get("model")),
        model_hash=_hash(whole_of_it),
        loras=loras(_loras(told)),
        prompt=text(told.get("prompt")) or text(extra.get("original_prompt")),
        negative=text(told.get("negativeprompt")),
        seed=whole(told.get("seed")),
        steps=count(told.get("steps")),
        sampler=name(told.get("sampler", told.get("comfyuisampler", told.get("autowebuisampler")))),
        scheduler=name(told.get("scheduler", told.get("comfyuischeduler"))),
        guidance=distilled if distilled is not None and scale in (None, 1.0) else scale,
        width=count(told.get("width")),
        height=count(told.get("height")),
    )


def _hash(told: Object) -> str | None:
    for one in map(mapping, entries(told.get("sui_models"))[:64]):
        if one.get("param") == "model":
            return name(one.get("hash"))
    return None


def _loras(told: Object) -> Iterator[Lora | None]:
    names, weights = _list(told.get("loras")), _list(told.get("loraweights"))
    for label, weight in zip_longest(names, weights[: len(names)]):
        yield lora(label, weight)


def _list(value: Any) -> list[Any]:
    """Return a list that may be written as one, or with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value[:8000].split(",")][:64]
    return entries(value)[:64]
