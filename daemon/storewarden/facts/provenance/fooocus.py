"""Fooocus's own scheme, and that of Fooocus-MRE and RuinedFooocus; its other is an infotext."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from storewarden.facts.provenance.texts import Texts
from storewarden.facts.provenance.values import (
    Object,
    count,
    entries,
    joined,
    lora,
    loras,
    model,
    name,
    real,
    size,
    text,
    whole,
)
from storewarden.model import Lora, Provenance

TOOL: Final = "fooocus"
_VERSION: Final = re.compile(r"(?:Ruined)?Fooocus[ _]?v?([\w.\- ]{1,60})", re.IGNORECASE)
_OWN: Final = ("performance", "sharpness", "base_model", "adm_guidance", "refiner_switch", "styles")
_FEWEST: Final = 3


def read(texts: Texts) -> Provenance | None:
    """Return what Fooocus's JSON tells."""
    for _, told in texts.objects():
        software = name(told.get("software")) or ""
        version = name(told.get("version")) or ""
        if "RuinedFooocus" in software or ("Prompt" in told and "base_model_name" in told):
            return _ruined(told)
        if version.startswith("Fooocus") or "MRE" in software:
            return _own(told)
        if sum(one in told for one in _OWN) >= _FEWEST:
            return _own(told)
    scheme = (texts.named("fooocus_scheme") or "").strip().lower()
    return Provenance(TOOL, understood=False) if scheme in ("fooocus", "a1111") else None


def _own(told: Object) -> Provenance:
    width, height = size(told.get("resolution"))
    return Provenance(
        TOOL,
        tool_version=_version(told.get("version", told.get("software"))),
        model=model(told.get("base_model")),
        model_hash=name(told.get("base_model_hash")),
        loras=loras(_loras(told)),
        prompt=text(told.get("prompt")) or joined(entries(told.get("full_prompt"))[:64]),
        # beside what a person wrote, the full prompts hold what styles and an expansion added
        negative=text(told["negative_prompt"])
        if "negative_prompt" in told
        else joined(entries(told.get("full_negative_prompt"))[:64]),
        seed=whole(told.get("seed")),
        steps=count(told.get("steps")),
        sampler=name(told.get("sampler")),
        scheduler=name(told.get("scheduler")),
        guidance=real(told.get("guidance_scale", told.get("cfg"))),
        width=width or count(told.get("width")),
        height=height or count(told.get("height")),
    )


def _loras(told: Object) -> Iterator[Lora | None]:
    for one in entries(told.get("loras"))[:64]:
        parts = entries(one)
        if len(parts) >= 2:  # noqa: PLR2004  # name, weight, and in new versions a hash
            yield lora(parts[0], parts[1])
    for number in range(1, 17):
        yield lora(told.get(f"l{number}"), told.get(f"w{number}"))  # Fooocus-MRE's
        combined = told.get(f"lora_combined_{number}")
        if isinstance(combined, str):
            label, _, weight = combined[:1000].rpartition(" : ")
            yield lora(label.removeprefix("True : "), weight)


def _ruined(told: Object) -> Provenance:
    return Provenance(
        "ruinedfooocus",
        tool_version=_version(told.get("software")),
        model=model(told.get("base_model_name")),
        model_hash=name(told.get("base_model_hash")),
        loras=loras(_loras(told)),
        prompt=text(told.get("Prompt")),
        negative=text(told.get("Negative")),
        seed=whole(told.get("seed")),
        steps=count(told.get("steps")),
        sampler=name(told.get("sampler_name")),
        scheduler=name(told.get("scheduler")),
        guidance=real(told.get("cfg")),
        width=count(told.get("width")),
        height=count(told.get("height")),
    )


def _version(told: object) -> str | None:
    match = _VERSION.match(told) if isinstance(told, str) else None
    if match:
        return name(match[1])
    return name(told) if told != "RuinedFooocus" else None
