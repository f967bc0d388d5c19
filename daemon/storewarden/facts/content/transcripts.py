"""What was said in a film, as the programs write it as JSON that turn speech into text."""

from __future__ import annotations

from typing import Any, Final

from storewarden.facts.content.told import clean, tell
from storewarden.facts.found import Found
from storewarden.facts.tongues import tongue_named
from storewarden.model import Transcript

_LONGEST: Final = 10**9  # seconds
_LISTS: Final = ("segments", "transcription", "chunks", "utterances")


def is_transcript(data: Any) -> bool:
    """Return whether this is speech: Whisper in its several forms, WhisperX, whisper.cpp."""
    if isinstance(data, dict):
        return any(_is_said(data.get(key)) for key in _LISTS)
    return _is_said(data)  # segments alone


def _is_said(segments: Any) -> bool:
    """Return whether these are pieces of speech: each has a text, and a time."""
    if not isinstance(segments, list) or not segments:
        return False
    first = segments[0]
    timed = ("start", "timestamps", "timestamp", "offsets")
    return (
        isinstance(first, dict)
        and isinstance(first.get("text"), str)
        and any(key in first for key in timed)
    )


def read(data: Any, found: Found) -> None:
    """Keep the words, one segment a line, and the language."""
    segments, spoken = data, None
    if isinstance(data, dict):
        segments = next(data[key] for key in _LISTS if _is_said(data.get(key)))
        spoken = _language(data)
    said = (segment.get("text") for segment in segments if isinstance(segment, dict))
    lines = (clean(text).strip() for text in said if isinstance(text, str))
    found.transcript = Transcript("transcript", "\n".join(filter(None, lines)), spoken)
    tell(found, "transcript.segments", len(segments))
    last = segments[-1]
    end = last.get("end") if isinstance(last, dict) else None
    if isinstance(end, int | float) and 0 <= end < _LONGEST:
        tell(found, "transcript.seconds", float(end))


def _language(data: dict[str, Any]) -> str | None:
    result = data.get("result")  # whisper.cpp
    for told in (data, result if isinstance(result, dict) else {}):
        for key in ("language", "language_code"):
            word = told.get(key)
            if isinstance(word, str):
                return tongue_named(word[:40])
    return None
