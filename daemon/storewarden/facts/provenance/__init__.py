"""How a file was made, from the texts that its maker left in it: a file a tool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.provenance import (
    a1111,
    comfyui,
    drawthings,
    fooocus,
    invokeai,
    midjourney,
    novelai,
    records,
    services,
    swarmui,
    trained,
)
from storewarden.facts.provenance.raw import pack
from storewarden.facts.provenance.texts import Texts
from storewarden.facts.provenance.values import mapping, name
from storewarden.model import Provenance

TOOLS: Final = (
    "ai-toolkit",
    "aihorde",
    "automatic1111",
    "camera",
    "civitai",
    "comfyui",
    "diffusers",
    "drawthings",
    "easydiffusion",
    "firefly",
    "fooocus",
    "forge",
    "google",
    "invokeai",
    "kohya",
    "microsoft",
    "midjourney",
    "modelspec",
    "novelai",
    "onetrainer",
    "openai",
    "photoshop",
    "ruinedfooocus",
    "sdnext",
    "stability",
    "swarmui",
    "unknown",
    "wangp",
)
"""Every name of a tool that a provenance can bear: they are labels of metrics."""

# Who knows more of its own comes first: of equally rich answers the first one counts.
_READERS: Final[tuple[Callable[[Texts], Provenance | None], ...]] = (
    swarmui.read,
    invokeai.read,
    novelai.read,
    drawthings.read,
    midjourney.read,
    fooocus.read,
    a1111.read,
    comfyui.read,
    trained.read,
    records.read,
    services.read,
)
# Whoever writes several of these writes them for others to read as well: the name is the first's.
_NAMING: Final = ("swarmui", "invokeai", "novelai", "drawthings", "comfyui")
_VAGUE: Final = ("unknown", "automatic1111", "diffusers")
_WEIGHTS: Final = {"prompt": 4, "model": 3, "seed": 3, "negative": 2, "loras": 2}
_LONGEST: Final = 200  # characters of the name of a workflow or a scene
_FIELDS: Final = (
    "model",
    "model_hash",
    "loras",
    "prompt",
    "negative",
    "seed",
    "steps",
    "sampler",
    "scheduler",
    "guidance",
    "width",
    "height",
)


def provenance_of(found: Found) -> Provenance | None:
    """Return what the texts in a file tell about its making; None when they tell nothing.

    Of several accounts in one file the richest counts. What it leaves open is taken from another
    one that is about the same picture: it tells the same seed.
    """
    if not found.texts and "c2pa.source_type" not in found.more:
        return None
    texts = Texts(found.texts, found.more)
    _belong(found, texts)
    told = [one for read in _READERS if (one := read(texts)) is not None]
    if not told:
        return None
    best = told[0]
    if len(told) > 1:
        best = _completed(max(told, key=_richness), told)
    return replace(best, raw=pack(found.texts)) if found.texts else best


def _belong(found: Found, texts: Texts) -> None:
    """Keep which workflow and which scene an application wrote beside what it asked for."""
    for _, one in texts.objects():
        for told in (one, mapping(one.get("metadata"))):
            found.workflow = found.workflow or _short(told.get("workflow_id"))
            found.scene = found.scene or _short(told.get("scene", told.get("scene_number")))


def _short(value: object) -> str | None:
    told = name(value)
    return told if told and len(told) <= _LONGEST else None


def _richness(told: Provenance) -> int:
    if not told.understood:
        return -1
    return sum(_WEIGHTS.get(field, 1) for field in _FIELDS if getattr(told, field))


def _completed(best: Provenance, told: list[Provenance]) -> Provenance:
    others = [one for one in told if one is not best]
    changes: dict[str, object] = {}
    for one in others:
        if best.understood and one.understood and one.seed is not None and one.seed == best.seed:
            for field in _FIELDS:
                if not getattr(best, field) and getattr(one, field):
                    changes.setdefault(field, getattr(one, field))
        if best.source_type is None and one.source_type is not None:
            changes.setdefault("source_type", one.source_type)
    named = next((one for one in told if one.tool in _NAMING), None)
    if named and best.tool in _VAGUE and named is not best:
        changes |= {"tool": named.tool, "tool_version": named.tool_version}
    return replace(best, **changes) if changes else best  # type: ignore[arg-type]
