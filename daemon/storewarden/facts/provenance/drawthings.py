"""Draw Things: JSON as the user's comment, in XMP or in EXIF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from storewarden.facts.provenance.texts import Texts, unfolded
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
    size,
    text,
    whole,
)
from storewarden.facts.provenance.xmp import Packet
from storewarden.model import Lora, Provenance

TOOL: Final = "drawthings"


def read(texts: Texts) -> Provenance | None:
    """Return what Draw Things' JSON tells."""
    packet = texts.by_where.get("xmp", "")
    named = "Draw Things" in packet or "Draw Things" in (texts.named("software") or "")
    told = mapping(unfolded(Packet(packet).value("UserComment"))) if named and packet else {}
    if not told:
        told = next((one for _, one in texts.objects() if "c" in one and "uc" in one), {})
    if told:
        return _told(told)
    return Provenance(TOOL, understood=False) if named else None


def _told(told: Object) -> Provenance:
    newer = mapping(told.get("v2"))
    width, height = size(told.get("size"))
    return Provenance(
        TOOL,
        model=model(told.get("model")),
        loras=loras(_loras(told.get("lora")) if "lora" in told else _loras(newer.get("loras"))),
        prompt=text(told.get("c")),
        negative=text(told.get("uc")),
        seed=whole(told.get("seed")),
        steps=count(told.get("steps")),
        sampler=name(told.get("sampler")),
        guidance=real(told.get("scale")),
        width=width or count(newer.get("width")),
        height=height or count(newer.get("height")),
    )


def _loras(told: Any) -> Iterator[Lora | None]:
    for one in map(mapping, entries(told)[:64]):
        yield lora(one.get("model", one.get("file")), one.get("weight"))
