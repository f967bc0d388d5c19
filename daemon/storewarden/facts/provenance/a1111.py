"""AUTOMATIC1111's web UI and what descends from it: Forge, SD.Next, Fooocus, sites that copy it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from storewarden.facts.provenance.infotext import Infotext, parse
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
from storewarden.model import Lora, Provenance

# <lora:name:0.8>, <lora:name:te=0.8:unet=0.5>, <lyco:name:1:lbw=…>
_TAG: Final = re.compile(r"<(?:lora|lyco|lycoris):([^:<>\n]{1,200})((?::[^:<>\n]{0,100}){0,6})>")
# Which tool a version belongs to, and what of it is the version.
_VERSIONS: Final = (
    (re.compile(r"((?:f\d|neo|classic).*)", re.DOTALL), "forge"),
    (re.compile(r"Fooocus v?(.*)", re.DOTALL), "fooocus"),
    (re.compile(r"ComfyUI\s?(.*)", re.DOTALL | re.IGNORECASE), "comfyui"),
)
_FOOOCUS: Final = "fooocus"
_PLACES: Final = ("parameters", "usercomment", "comment", "imagedescription", "json", "description")
# The tool says it elsewhere: who writes this layout without a version of its own.
_WRITERS: Final = {"ai horde": "aihorde", "sd.next": "sdnext", "comfyui": "comfyui"}


def read(texts: Texts) -> Provenance | None:
    """Return what an infotext tells; PNG ``parameters`` that are none are not understood."""
    for where, one in texts.free:
        called = where.rpartition(":")[2].lower()
        # "{red|blue} car" is a prompt as well: only what can be read as JSON is some.
        if called in _PLACES and _is_one(one) and texts.parsed(one) is None:
            told = provenance(one, texts)
            if told:
                return told
    for _, answer in texts.objects():
        for one in _answered(answer):
            told = provenance(one, texts) if _is_one(one) else None
            if told:
                return told
    parameters = texts.named("parameters")
    if parameters and not texts.object_of("parameters"):
        return Provenance("unknown", understood=False)
    extras = texts.named("postprocessing") or texts.named("extras")
    if extras and ("Postprocess upscal" in extras or "Upscale" in extras):
        return Provenance("automatic1111")  # a picture that was only made larger
    return None


def _answered(answer: Object) -> Iterator[str]:
    """Yield the infotexts of what the web UI's API answered, or of a file of its fields."""
    info = unfolded(answer.get("info"))
    inner = info.get("infotexts") if isinstance(info, dict) else info
    for value in (answer.get("infotexts"), inner, answer.get("parameters")):
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str):
            yield first


def _is_one(one: str) -> bool:
    return "Steps: " in one or "\nNegative prompt:" in one or "CFG scale: " in one


def provenance(one: str, texts: Texts) -> Provenance | None:
    """Return what one infotext tells; None when it is none."""
    found = parse(one)
    if found is None:
        return None
    settings = found.settings
    tool, version = _tool(settings, texts)
    width, height = size(settings.get("Size"))
    resources = _resources(settings)
    return Provenance(
        tool=tool,
        tool_version=version,
        model=model(settings.get("Model")) or _checkpoint(resources),
        model_hash=name(settings.get("Model hash") or _hashes(settings).get("model")),
        loras=loras(_loras(found, resources)),
        prompt=text(found.prompt)
        if tool != _FOOOCUS
        else _raw(settings, "Raw prompt", found.prompt),
        negative=(
            text(found.negative)
            if tool != _FOOOCUS
            else _raw(settings, "Raw negative prompt", found.negative)
        ),
        seed=whole(settings.get("Seed")),
        steps=count(settings.get("Steps")),
        sampler=name(settings.get("Sampler")),
        scheduler=name(settings.get("Schedule type") or settings.get("Scheduler")),
        guidance=_guidance(settings),
        width=width,
        height=height,
    )


def _raw(settings: Object, key: str, otherwise: str) -> str | None:
    """Return what the person wrote, before the tool wove its styles into it."""
    return text(settings[key]) if key in settings else text(otherwise)


def _tool(settings: Object, texts: Texts) -> tuple[str, str | None]:
    version = name(settings.get("Version"))
    if settings.get("App") == "SD.Next" or "Operations" in settings or "Backend" in settings:
        return "sdnext", version
    for form, tool in _VERSIONS:
        match = form.match(version) if version else None
        if match:
            return tool, match[1] or None
    if "Civitai resources" in settings:
        return "civitai", None
    software = (texts.named("software") or "").lower()
    for said, tool in _WRITERS.items():
        if said in software:
            return tool, version
    return "automatic1111", version


def _guidance(settings: Object) -> float | None:
    scale = real(settings.get("CFG scale") or settings.get("Guidance Scale"))
    distilled = real(settings.get("Distilled CFG Scale"))
    # Models of Flux's kind are guided by the second; the first is 1 then, which is no guidance.
    return distilled if distilled is not None and scale in (None, 1.0) else scale


def _hashes(settings: Object) -> Object:
    """Return ``Hashes: {"model": "…", "lora:name": "…"}``, which an extension writes."""
    return mapping(settings.get("Hashes"))


def _resources(settings: Object) -> list[Object]:
    return [mapping(one) for one in entries(settings.get("Civitai resources"))]


def _checkpoint(resources: list[Object]) -> str | None:
    for one in resources:
        if one.get("type") == "checkpoint":
            return model(one.get("modelName"))
    return None


def _loras(found: Infotext, resources: list[Object]) -> Iterator[Lora | None]:
    for tag in _TAG.finditer(found.prompt):
        yield lora(tag[1], _weight(tag[2]))
    settings = found.settings
    for pair in _pairs(settings.get("Lora weights")):  # Fooocus: name: 0.5
        yield lora(*pair)
    for label, _ in _pairs(settings.get("Lora hashes")):
        yield lora(label)
    for key in _hashes(settings):
        kind, _, label = key.partition(":")
        if kind.lower() in ("lora", "lyco"):
            yield lora(label)
    for one in resources:
        if one.get("type") in ("lora", "lycoris", "dora"):
            yield lora(one.get("modelName"), one.get("weight"))


def _weight(told: str) -> float | None:
    """Return the weight behind a name: the first number, or that of the picture's model."""
    for part in told.split(":")[1:]:
        number = real(part.strip().removeprefix("unet=").removeprefix("te="))
        if number is not None:
            return number
    return None if told else 1.0


def _pairs(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        for part in value.split(", ")[:64]:
            label, _, rest = part.strip().partition(": ")
            if rest:
                yield label, rest.rpartition(": ")[2]
