"""Facts as rows. What files say was written by strangers: all that goes in is made to fit."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import LARGEST
from storewarden.catalogue.workflows import Rows
from storewarden.model import Facts, Lora, Provenance, Scalar

_MEDIA = (
    *("width", "height", "frames", "duration_ns", "codec", "audio_codec", "bit_rate", "fps"),
    *("sample_rate", "channels", "colour", "orientation", "pages"),
)
_FACTS = (
    *("file_id", "inspector", "version", "outcome", "reason", "mime"),
    *_MEDIA,
    *("workflow_id", "scene_id", "more"),
)
_MADE = (
    *("tool", "understood", "tool_version", "model", "model_hash", "loras", "prompt", "negative"),
    *("seed", "steps", "sampler", "scheduler", "guidance", "width", "height", "source_type", "raw"),
)
_TRANSCRIPT = ("file_id", "role", "language", "text")
_PLACES = ", ".join(_MADE)
_WORDED = ("transcript", "subtitle", "caption", "summary")  # what the words of a sidecar can be


class Found(NamedTuple):
    """What is to be written of a file."""

    id: int
    facts: Facts
    more: Mapping[str, Scalar]  # with what the path tells
    belongs: Rows
    role: str | None  # as whose sidecar, None when it is nobody's
    language: str | None  # as its name tells


class FactRows:
    """Writes facts, prompts and transcripts, inside transactions of the recorder thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, found: Sequence[Found]) -> set[int]:
        """Write what was found out, in place of what was; return those that told something then."""
        engine = self._engine
        told = self._clear([each.id for each in found])
        engine.insert("facts", _FACTS, [_facts(each) for each in found])
        prompts = [
            (each.id, *_made(each.facts.provenance)) for each in found if each.facts.provenance
        ]
        if prompts:
            engine.insert("prompts", ("file_id", *_MADE), prompts)
        transcripts = list(_transcripts(found))
        if transcripts:
            engine.insert("transcripts", _TRANSCRIPT, transcripts)
        return told

    def _clear(self, ids: Collection[int]) -> set[int]:
        rows = self._engine.fetch_in(
            "DELETE FROM facts WHERE file_id IN ({in}) RETURNING file_id, workflow_id, scene_id",
            ids,
        )
        told = {file_id for file_id, *belongs in rows if belongs != [None, None]}
        again = [file_id for file_id, *_ in rows]
        for table in ("prompts", "transcripts"):
            rows = self._engine.fetch_in(
                f"DELETE FROM {table} WHERE file_id IN ({{in}}) RETURNING file_id", again
            )
            told.update(file_id for (file_id,) in rows)
        return told

    def give_prompts(self, owners: Collection[int]) -> None:
        """Give files that do not say how they were made what their sidecars say."""
        rows = self._engine.fetch_in(
            "SELECT s.of_id, 1 - p.understood, s.file_id FROM sidecars s"
            " JOIN prompts p ON p.file_id = s.file_id"
            " WHERE p.from_id IS NULL AND s.of_id IN ({in})",
            owners,
        )
        best: dict[int, int] = {}
        for owner, _, sidecar in sorted(rows):
            best.setdefault(owner, sidecar)
        self._engine.executemany(
            f"INSERT INTO prompts (file_id, from_id, {_PLACES})"
            f" SELECT CAST(? AS BIGINT), file_id, {_PLACES} FROM prompts WHERE file_id = ?",
            list(best.items()),
        )

    def rename_roles(self, roles: Iterable[tuple[str, int]]) -> None:
        """Let the words in sidecars (role, id) be what they are to their new owners."""
        self._engine.executemany(
            "UPDATE transcripts SET role = ? WHERE file_id = ? AND role <> 'summary'",
            [pair for pair in roles if pair[0] in _WORDED],
        )


def _facts(found: Found) -> tuple[Any, ...]:
    facts, media = found.facts, found.facts.media
    return (
        found.id,
        stored(facts.inspector),
        facts.version,
        str(facts.outcome),
        stored(facts.reason) or "",
        stored(facts.mime) or "application/octet-stream",
        *(_number(media.width), _number(media.height), _number(media.frames)),
        *(_number(media.duration_ns), stored(media.codec), stored(media.audio_codec)),
        *(_number(media.bit_rate), _real(media.fps), _number(media.sample_rate)),
        *(_number(media.channels), stored(media.colour), _number(media.orientation)),
        _number(media.pages),
        *found.belongs,
        json.dumps(
            {
                name: scalar
                for key, value in found.more.items()
                if (name := stored(key)) and (scalar := _scalar(value)) is not None
            }
        ),
    )


def _made(made: Provenance) -> tuple[Any, ...]:
    return (
        stored(made.tool) or "unknown",
        int(made.understood),
        *(stored(made.tool_version), stored(made.model), stored(made.model_hash)),
        json.dumps([_lora(lora) for lora in made.loras]),
        *(stored(made.prompt), stored(made.negative)),
        None if made.seed is None else str(made.seed),
        *(_number(made.steps), stored(made.sampler), stored(made.scheduler)),
        _real(made.guidance, least=-math.inf),
        *(_number(made.width), _number(made.height)),
        stored(made.source_type),
        made.raw or None,
    )


def _lora(lora: Lora) -> dict[str, Any]:
    told: dict[str, Any] = {"name": stored(lora.name) or ""}
    weight = _real(lora.weight, -math.inf)
    return told if weight is None else {**told, "weight": weight}


def _transcripts(found: Iterable[Found]) -> Iterable[tuple[int, str, str | None, str]]:
    for each in found:
        transcript = each.facts.transcript
        if transcript is None:
            continue
        role = stored(transcript.role) or "transcript"
        if role != "summary" and each.role in _WORDED:
            role = each.role
        language = stored(transcript.language) or stored(each.language)
        yield each.id, role, language, stored(transcript.text) or ""


def stored(text: str | None) -> str | None:
    """Return text as both databases take it; empty is not told."""
    if not text:
        return None
    if text.isascii():
        return text if "\0" not in text else text.replace("\0", "\ufffd")
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _number(value: int | None) -> int | None:
    """Return a number that is none below nought, and that 64 bits hold."""
    return value if value is not None and 0 <= value <= LARGEST else None


def _real(value: float | None, least: float = 0.0) -> float | None:
    return float(value) if value is not None and math.isfinite(value) and value >= least else None


def _scalar(value: Scalar) -> Scalar | None:
    if isinstance(value, str):
        return stored(value) or ""
    return _real(value, -math.inf) if isinstance(value, float) else value
