"""How a model was trained: the ``__metadata__`` of safetensors by kohya's scripts and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storewarden.facts.provenance.texts import Texts, unfolded
from storewarden.facts.provenance.values import (
    count,
    joined,
    mapping,
    model,
    name,
    size,
    text,
    whole,
)
from storewarden.model import Provenance

_HERE: Final = "safetensors:"
# How the keys begin that a tool writes, and where it says which version it is.
_MARKS: Final = (
    ("ot_", "onetrainer", "ot_revision"),
    ("ss_", "kohya", "ss_sd_scripts_commit_hash"),
    ("sd_merge_", "automatic1111", ""),
    ("modelspec.", "modelspec", "modelspec.sai_model_spec"),
)


def read(texts: Texts) -> Provenance | None:
    """Return what trained a model, from which model, with which words for it."""
    told = {
        where[len(_HERE) :]: one for where, one in texts.by_where.items() if where.startswith(_HERE)
    }
    if not told:
        return None
    software = mapping(unfolded(told.get("software")))
    if name(software.get("name")) == "ai-toolkit":
        return _told("ai-toolkit", told, name(software.get("version")))
    for mark, tool, version in _MARKS:
        if any(key.startswith(mark) for key in told):
            return _told(tool, told, told.get(version))
    return None


def _told(tool: str, told: Mapping[str, str], version: str | None) -> Provenance:
    width, height = size(told.get("modelspec.resolution"))
    if width is None:
        width, height = size(told.get("ss_resolution"))
    return Provenance(
        tool,
        tool_version=name(version) if version != "None" else None,
        model=model(told.get("ss_sd_model_name"))
        or model(told.get("ss_base_model_version"))
        or model(told.get("modelspec.architecture")),
        model_hash=_first(told, "ss_new_sd_model_hash", "ss_sd_model_hash"),
        prompt=joined(
            _unset(told.get(key))
            for key in (
                "modelspec.trigger_phrase",
                "modelspec.description",
                "ss_training_comment",
            )
        ),
        seed=whole(told.get("ss_seed")),
        steps=count(told.get("ss_steps")) or count(told.get("ss_max_train_steps")),
        scheduler=name(_unset(told.get("ss_lr_scheduler"))),
        width=width,
        height=height if height is not None else width,
    )


def _first(told: Mapping[str, str], *keys: str) -> str | None:
    return next((one for key in keys if (one := name(_unset(told.get(key))))), None)


def _unset(value: str | None) -> str | None:
    """Return a value, but not the None that Python programs write for none."""
    return None if value is None or value.strip() in ("None", "null", "") else text(value)
