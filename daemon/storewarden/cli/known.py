"""What was found out about a file, as lists, pipes and programs see it; values in, text out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import named, width
from storewarden.cli.reference import values
from storewarden.measure.shown import shown
from storewarden.model import Lora, Provenance
from storewarden.units import format_duration

if TYPE_CHECKING:
    from storewarden.catalogue.known import Known

# What follows the columns that a line in a pipe has for every file.
COLUMNS = (
    *("mime", "width", "height", "duration_ns", "tool", "model", "seed", "workflow", "scene"),
    "prompt",
)
NOT_TOLD = Provenance(tool="")
LEAST_WORDS = 12  # columns of a terminal; fewer of a prompt tell nothing
SECOND_NS = 1_000_000_000


def as_json(known: Known | None, *, whole: bool = False) -> dict[str, Any]:
    """Return the facts by their names; ``whole`` has the words of the transcript as well."""
    if known is None:
        return {}
    told: dict[str, Any] = {fact.name: value for fact, value in values(known)}
    if "loras" in told:
        told["loras"] = [asdict(lora) for lora in told["loras"]]
    if "sidecars" in told:
        told["sidecars"] = [
            {**named("path", path), "role": role} for path, role in told["sidecars"]
        ]
    if "sidecar_of" in told:
        told |= named("sidecar_of", told["sidecar_of"])
    if "cost" in told:
        told["cost"] = format(told["cost"], "f")
    if "transcript" in told:
        told["transcript"] = asdict(told["transcript"])
        if not whole:
            del told["transcript"]["text"]
    return told


def columns(known: Known | None) -> tuple[object, ...]:
    """Return what a line in a pipe has for ``COLUMNS``; what is not known is empty."""
    if known is None:
        return ("",) * len(COLUMNS)
    media, made = known.media, known.provenance or NOT_TOLD
    told = (
        *(known.mime, media.width, media.height, media.duration_ns),
        *(made.tool, made.model, made.seed, known.workflow, known.scene, made.prompt),
    )
    return tuple("" if value is None else value for value in told)


def brief(known: Known | None) -> list[str]:
    """Return the few facts by which a person knows a file: how large, how long, made by what."""
    if known is None:
        return []
    media, made = known.media, known.provenance
    told = []
    if media.width is not None and media.height is not None:
        told.append(f"{media.width}×{media.height}")
    if media.duration_ns is not None:
        told.append(format_duration(media.duration_ns / SECOND_NS))
    if media.pages is not None:
        told.append(f"{media.pages:,} {'page' if media.pages == 1 else 'pages'}")
    if made is not None:
        told.append(shown(made.model or made.tool))
    return told


def first_words(known: Known | None, room: int) -> str:
    """Return as much of the prompt as has room on one line; "" when that would tell nothing."""
    made = known.provenance if known is not None else None
    if made is None or not made.prompt or room < LEAST_WORDS:
        return ""
    return clipped(shown(" ".join(made.prompt[: 4 * room].split())), room)


def clipped(text: str, room: int) -> str:
    """Return the text, or its beginning and … when it takes more columns than there are."""
    if width(text) <= room:
        return text
    kept = text[: room - 1]  # no character takes less than a column, but for accents
    while width(kept) > room - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def loras_text(loras: Iterable[Lora]) -> str:
    """Return names and weights on one line: ``detail 0.8, film grain``."""
    return ", ".join(
        lora.name if lora.weight is None else f"{lora.name} {lora.weight:g}" for lora in loras
    )
