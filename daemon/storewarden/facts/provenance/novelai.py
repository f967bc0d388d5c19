"""NovelAI: Software, Source and Description beside a Comment of JSON, in PNG texts or in EXIF."""

from __future__ import annotations

import re
from typing import Any, Final

from storewarden.facts.provenance.texts import Texts, unfolded
from storewarden.facts.provenance.values import (
    Object,
    count,
    entries,
    joined,
    mapping,
    name,
    real,
    text,
    whole,
)
from storewarden.model import Provenance

TOOL: Final = "novelai"
_HASH: Final = re.compile(r"\s([0-9A-F]{8})\Z")


def read(texts: Texts) -> Provenance | None:
    """Return what NovelAI tells; as WebP it puts all the texts of a PNG into one of JSON."""
    if "NovelAI" in (texts.named("software") or ""):
        told = _comment(texts)
        return _told(told, texts.named("source"), texts.named("description"))
    for _, one in texts.objects():
        if one.get("Software") == "NovelAI" or _is_comment(one):
            inner = mapping(unfolded(one.get("Comment"))) or one
            return _told(inner, one.get("Source"), one.get("Description"))
    return None


def _comment(texts: Texts) -> Object:
    for _, one in texts.objects():
        inner = mapping(unfolded(one.get("Comment"))) or one
        if "seed" in inner or "uc" in inner or "prompt" in inner:
            return inner
    return {}


def _is_comment(told: Object) -> bool:
    return "signed_hash" in told and "uc" in told


def _told(told: Object, source: Any, description: Any) -> Provenance:
    source = name(source) or ""
    ending = _HASH.search(source)
    return Provenance(
        TOOL,
        understood=bool(told) or bool(text(description)),
        model=name(source[: ending.start()] if ending else source),
        model_hash=ending[1] if ending else None,
        prompt=_said(told.get("v4_prompt")) or text(told.get("prompt")) or text(description),
        negative=_said(told.get("v4_negative_prompt"))
        or text(told.get("uc", told.get("negative_prompt"))),
        seed=whole(told.get("seed")),
        steps=count(told.get("steps")),
        sampler=name(told.get("sampler")),
        scheduler=name(told.get("noise_schedule")),
        guidance=real(told.get("scale")),
        width=count(told.get("width")),
        height=count(told.get("height")),
    )


def _said(told: Any) -> str | None:
    """Return the words of a prompt of the fourth version: the scene, then each character."""
    caption = mapping(mapping(unfolded(told)).get("caption"))
    characters = [
        mapping(one).get("char_caption") for one in entries(caption.get("char_captions"))[:64]
    ]
    return joined((caption.get("base_caption"), *characters))
