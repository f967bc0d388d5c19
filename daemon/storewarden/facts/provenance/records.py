"""Fields with the usual names, by whatever tool: JSON beside or inside a file, tags of a video.

diffusers' scripts, Easy Diffusion, WanGP, LibLib, TensorArt and many a home-made program write no
format that has a name, but all call a prompt a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from storewarden.model import Lora, Provenance

_PROMPTS: Final = ("prompt", "positive_prompt", "positive", "text_prompt")
_SIGNS: Final = frozenset(
    (
        "negative_prompt",
        "seed",
        "steps",
        "num_inference_steps",
        "guidance_scale",
        "cfg_scale",
        "cfg",
        "sampler",
        "sampler_name",
        "model",
        "model_name",
        "model_id",
        "use_stable_diffusion_model",
        "base_model",
    )
)
# Easy Diffusion also writes its names as people read them, the sites in camel case.
_ALIASES: Final = {
    "stable diffusion model": "use_stable_diffusion_model",
    "negativeprompt": "negative_prompt",
    "cfgscale": "cfg_scale",
    "guidancescale": "guidance_scale",
    "samplername": "sampler_name",
    "basemodel": "base_model",
    "numinferencesteps": "num_inference_steps",
}
_TAGGED: Final = ("png:", "mp4:", "mkv:", "vorbis:", "id3:TXXX:", "asf:", "exr:")
_NESTED: Final = ("params", "parameters", "input", "inputs", "request", "generation", "arguments")


def read(texts: Texts) -> Provenance | None:
    """Return what fields with the usual names tell, if there is a prompt and one field more."""
    for _, one in texts.objects():
        told = _record(one)
        if told:
            return told
    tags = {
        where.rpartition(":")[2]: value
        for where, value in texts.by_where.items()
        if where.startswith(_TAGGED)
    }
    return _record(tags) if "prompt" in texts.by_name else None


def _record(given: Mapping[str, Any]) -> Provenance | None:
    fields = _fields(given)
    if not _is_one(fields):
        for key in _NESTED:
            inner = _fields(mapping(unfolded(fields.get(key))))
            if _is_one(inner):
                fields = {**fields, **inner}
                break
        else:
            return None
    width, height = size(fields.get("resolution", fields.get("size")))
    hashed = mapping(fields.get("base_model")).get("hash")
    return Provenance(
        _tool(fields),
        tool_version=_version(fields),
        model=_model(fields),
        model_hash=name(_of(fields, "model_hash", "sd_model_hash") or hashed),
        loras=loras(_loras(fields)),
        prompt=text(_of(fields, *_PROMPTS)),
        negative=text(_of(fields, "negative_prompt", "negative", "uc")),
        seed=whole(_of(fields, "seed", "noise_seed")),
        steps=count(_of(fields, "num_inference_steps", "steps", "sampling_steps")),
        sampler=name(_of(fields, "sampler_name", "sampler", "sample_solver")),
        scheduler=name(_of(fields, "scheduler", "scheduler_name")),
        guidance=real(_of(fields, "guidance_scale", "cfg_scale", "cfg", "guidance")),
        width=count(fields.get("width")) or width,
        height=count(fields.get("height")) or height,
    )


def _fields(given: Mapping[str, Any]) -> Object:
    """Return fields by one spelling of their names."""
    told: Object = {}
    for number, (key, value) in enumerate(given.items()):
        if number >= 500:  # noqa: PLR2004  # no tool has so many
            break
        key = key.strip().lower()[:64]  # noqa: PLW2901  # the key, as it is meant
        key = _ALIASES.get(key, key.replace(" ", "_"))  # noqa: PLW2901
        told.setdefault(key, value)
    return told


def _is_one(fields: Object) -> bool:
    prompt = _of(fields, *_PROMPTS)
    return isinstance(prompt, str) and bool(prompt.strip()) and any(one in fields for one in _SIGNS)


def _of(fields: Object, *keys: str) -> Any:
    return next((fields[key] for key in keys if fields.get(key) not in (None, "")), None)


def _tool(fields: Object) -> str:
    if "use_stable_diffusion_model" in fields:
        return "easydiffusion"
    if str(fields.get("type", ""))[:8].lower().startswith("wangp"):
        return "wangp"
    software = _of(fields, "software", "tool", "app", "generator", "engine")
    said = software.lower() if isinstance(software, str) and len(software) < 200 else ""  # noqa: PLR2004
    for tool in ("easydiffusion", "diffusers", "draw things", "comfyui", "invokeai", "swarmui"):
        if tool in said:
            return tool.replace(" ", "")
    return "diffusers" if "num_inference_steps" in fields else "unknown"


def _version(fields: Object) -> str | None:
    return name(_of(fields, "diffusers_version", "software_version", "tool_version", "app_version"))


def _model(fields: Object) -> str | None:
    for key in (
        "model_filename",
        "use_stable_diffusion_model",
        "model",
        "model_name",
        "model_id",
        "base_model",
        "sd_model_name",
        "checkpoint",
        "model_type",
    ):
        value = fields.get(key)
        if isinstance(value, dict):
            value = _of(value, "name", "label", "model_name", "modelfilename")
        found = model(value)
        if found:
            return found
    return None


def _loras(fields: Object) -> Iterator[Lora | None]:
    weights = _list(_of(fields, "lora_weights", "lora_alpha", "loras_multipliers"))
    named = _of(fields, "loras", "lora", "activated_loras", "use_lora_model")
    for number, one in enumerate(named[:64] if isinstance(named, list) else [named]):
        if isinstance(one, dict):
            yield lora(
                _of(one, "name", "model", "path", "label", "file"),
                _of(one, "weight", "scale", "strength"),
            )
        elif isinstance(one, str):
            yield lora(one, weights[number] if number < len(weights) else None)
    for one in map(mapping, entries(fields.get("models"))[:64]):  # LibLib's
        if str(one.get("type", ""))[:8].upper() == "LORA":
            yield lora(_of(one, "label", "modelFileName", "name"), one.get("weight"))


def _list(value: Any) -> list[Any]:
    """Return a list that may be written as one, or with spaces or commas, or be one number."""
    if isinstance(value, str):
        return value[:4000].replace(",", " ").split()[:64]
    return value[:64] if isinstance(value, list) else [value]
