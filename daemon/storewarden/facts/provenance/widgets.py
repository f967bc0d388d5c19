"""The values of a drawn node by name: drawings keep them in a row, names are in the program.

Since 2025 a drawing names its widgets among the inputs. Before that the order is known here, for
the nodes of ComfyUI itself and a few that are everywhere; of others the texts are still found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from storewarden.facts.provenance.values import Object, count, entries, is_prose, mapping, whole

# After a seed stands what becomes of it next time.
_AFTER: Final = ("fixed", "increment", "decrement", "randomize", True, False)
_SEEDS: Final = ("seed", "noise_seed")
_UNKNOWN: Final = "value"
_LONGEST_WORD: Final = 40
_MOST: Final = 1_000

_TABLE: Final = """
KSampler: seed steps cfg sampler_name scheduler denoise
KSamplerAdvanced: add_noise noise_seed steps cfg sampler_name scheduler
SamplerCustom: add_noise noise_seed cfg
KSampler (Efficient): seed steps cfg sampler_name scheduler denoise preview_method vae_decode
RandomNoise: noise_seed
KSamplerSelect: sampler_name
BasicScheduler: scheduler steps denoise
LTXVScheduler: steps max_shift base_shift stretch terminal
KarrasScheduler: steps sigma_max sigma_min rho
ExponentialScheduler: steps sigma_max sigma_min
SDTurboScheduler: steps denoise
AlignYourStepsScheduler: model_type steps denoise
Flux2Scheduler: steps width height
CFGGuider: cfg
DualCFGGuider: cfg_conds cfg_cond2_negative
FluxGuidance: guidance
CLIPTextEncode: text
CLIPTextEncodeFlux: clip_l t5xxl guidance
CLIPTextEncodeSD3: clip_l clip_g t5xxl empty_padding
CLIPTextEncodeSDXL: width height crop_w crop_h target_width target_height text_g text_l
CLIPTextEncodeSDXLRefiner: ascore width height text
CLIPTextEncodeHunyuanDiT: bert mt5xl
TextEncodeQwenImageEdit: prompt
TextEncodeQwenImageEditPlus: prompt
WanVideoTextEncode: positive_prompt negative_prompt force_offload
CheckpointLoader: config_name ckpt_name
CheckpointLoaderSimple: ckpt_name
unCLIPCheckpointLoader: ckpt_name
ImageOnlyCheckpointLoader: ckpt_name
UNETLoader: unet_name weight_dtype
UnetLoaderGGUF: unet_name
LoraLoader: lora_name strength_model strength_clip
LoraLoaderModelOnly: lora_name strength_model
EmptyLatentImage: width height batch_size
EmptySD3LatentImage: width height batch_size
EmptyFlux2LatentImage: width height batch_size
StableCascade_EmptyLatentImage: width height compression batch_size
LatentUpscale: upscale_method width height crop
StringConcatenate: string_a string_b delimiter
PrimitiveString: value
PrimitiveStringMultiline: value
PrimitiveInt: value
PrimitiveFloat: value
Seed (rgthree): seed
easy seed: seed
Text Multiline: text
String Literal: string
WanVideoSampler: steps cfg shift seed force_offload scheduler riflex_freq_index
"""
_SIZED: Final = re.compile(r"Empty\w*(?:Latent|Embeds)|ToVideo|Video\w*Latent")
_NAMES: Final = {
    kind: tuple(names.split())
    for kind, _, names in (line.partition(": ") for line in _TABLE.strip().splitlines())
}


def values_of(told: Object) -> Iterator[tuple[str, Any]]:
    """Yield the values of a drawn node with their names."""
    values = told.get("widgets_values")
    if isinstance(values, dict):
        yield from ((name, value) for name, value in values.items() if isinstance(name, str))
        return
    row = entries(values)[:_MOST]
    kind = told["type"]
    names = _NAMES.get(kind) or _declared(told, row)
    if not names and _SIZED.search(kind) and all(count(one) for one in row[:2]):
        names = ("width", "height")
    if names:
        yield from _named(names, row)
    else:
        yield from _sampling(row)
        if "loader" in kind.lower():
            yield from zip(("positive", "negative"), filter(is_prose, row), strict=False)
    if len(names) < len(row):
        yield from _unnamed(row)


def _sampling(row: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a row of a sampler holds: a seed, and steps, cfg and two names in turn."""
    for at in range(1, len(row)):
        if isinstance(row[at], str) and _follows_seed(row[at]) and whole(row[at - 1]) is not None:
            yield "seed", row[at - 1]
            break
    for at in range(len(row) - 3):
        steps, scale, sampler, scheduler = row[at : at + 4]
        if _is_number(steps) and _is_number(scale) and _is_word(sampler) and _is_word(scheduler):
            if _follows_seed(sampler):
                continue
            yield from zip(("steps", "cfg", "sampler_name", "scheduler"), row[at:], strict=False)
            break


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) < _LONGEST_WORD and value.islower()


def _declared(told: Object, row: list[Any]) -> tuple[str, ...]:
    """Return the names of the widgets that are inputs as well, if they are told for all.

    Old drawings tell them for those alone that were made inputs by hand.
    """
    names = []
    for one in map(mapping, entries(told.get("inputs"))):
        label = mapping(one.get("widget")).get("name")
        if isinstance(label, str):
            names.append(label)
    taken = len(names)
    for at, label in enumerate(names):
        if label in _SEEDS and at + 1 < len(row) and _follows_seed(row[at + 1]):
            taken += 1
    return tuple(names) if taken == len(row) else ()


def _named(names: tuple[str, ...], row: list[Any]) -> Iterator[tuple[str, Any]]:
    at = 0
    for name in names:
        if at >= len(row):
            return
        yield name, row[at]
        at += 1
        if name in _SEEDS and at < len(row) and _follows_seed(row[at]):
            at += 1


def _follows_seed(value: Any) -> bool:
    return isinstance(value, str | bool) and value in _AFTER


def _unnamed(row: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield what can be told from values alone: texts, and rows of LoRAs as objects."""
    for number, value in enumerate(row):
        if isinstance(value, str):
            yield f"{_UNKNOWN}_{number}", value
        elif isinstance(value, dict) and isinstance(value.get("lora"), str):
            yield f"lora_{number}", value
