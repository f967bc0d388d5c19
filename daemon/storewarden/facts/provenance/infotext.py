"""The text that the Stable Diffusion web UI invented: prompts, then one line of settings.

``a lighthouse at dusk
Negative prompt: fog
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, Model hash: 6ce0161689, …``

A prompt may have any number of lines, and hold anything, "Steps:" and "Negative prompt:" too. As
the web UI itself reads it: the settings are the last line if it has three of them, and the first
line that begins with "Negative prompt:" ends the prompt.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

from storewarden.facts.provenance.values import Object

NEGATIVE: Final = "Negative prompt:"
_FEWEST, _MOST_SETTINGS = 3, 512
_LONGEST_LINE: Final = 256 << 10
_MOST_TRIED: Final = 64  # lines from the end that may be the settings
_BEGINNINGS: Final = ("Steps:", "Size:", "Seed:", "Sampler:", "Model:", "CFG scale:")
_KEY: Final = re.compile(r"\s*+([^\W_][\w \-/.()]{0,63}):[ \t]*+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"\s*+(?=,|$)', re.DOTALL)
_MOST_JSON: Final = 8
_decoder = json.JSONDecoder()

# SD.Next says what a prompt was made from between the prompts and the settings. Of what others
# wrote such a line is part of the prompt.
_TEMPLATES_BY: Final = "SD.Next"
_TEMPLATES: Final = ("Template:", "Negative template:")


class Infotext(NamedTuple):
    """The parts of such a text. Settings are texts by their names, objects where they were JSON."""

    prompt: str
    negative: str
    settings: Object


def parse(text: str) -> Infotext | None:
    """Return the parts of an infotext; None when it is none."""
    text = text.strip("\0\r\n\t ")
    lines = text.split("\n")
    for back in range(1, min(len(lines), _MOST_TRIED) + 1):
        line = lines[-back].strip()
        if back > 1 and not line.startswith(_BEGINNINGS):
            continue
        found = settings_of("\n".join(lines[-back:]) if back > 1 else line)
        if len(found) >= _FEWEST:
            prompt, negative = _prompts(lines[:-back], templates=found.get("App") == _TEMPLATES_BY)
            return Infotext(prompt, negative, found)
    return _without_settings(lines)


def _without_settings(lines: list[str]) -> Infotext | None:
    """Return prompts alone: so the web UI writes them where it is told to leave out settings."""
    prompt, negative = _prompts(lines, templates=False)
    return Infotext(prompt, negative, {}) if negative else None


def _prompts(lines: list[str], *, templates: bool) -> tuple[str, str]:
    parts: dict[str, list[str]] = {"": [], NEGATIVE: [], "template": []}
    where = ""
    for line in lines:
        line = line.rstrip("\r")  # noqa: PLW2901  # the line, as it is meant
        if line.lstrip().startswith(NEGATIVE):
            where = NEGATIVE
            line = line.lstrip()[len(NEGATIVE) :]  # noqa: PLW2901
        elif templates and where == NEGATIVE and line.startswith(_TEMPLATES):
            where = "template"
        parts[where].append(line.strip() if where else line)
    return "\n".join(parts[""]).strip(), "\n".join(parts[NEGATIVE]).strip()


def settings_of(line: str) -> Object:
    """Return ``Name: value, Name: "value, quoted", …`` by name; a value may be JSON."""
    line = line[:_LONGEST_LINE]
    told: Object = {}
    tries = _MOST_JSON
    match = _KEY.match(line)
    while match and len(told) < _MOST_SETTINGS:
        begin = match.end()
        first = line[begin : begin + 1]
        end, value = -1, None
        if first == '"':
            end, value = _quoted(line, begin)
        elif first and first in "{[" and tries:
            tries -= 1
            end, value = _json(line, begin)
        if end < 0:
            end = line.find(",", begin)
            end = end if end >= 0 else len(line)
            value = line[begin:end].strip()
        told.setdefault(match[1].strip(), value)
        match = _next(line, end)
    return told


def _next(line: str, at: int) -> re.Match[str] | None:
    """Return the next name: values of old versions hold commas of their own."""
    while (comma := line.find(",", at)) >= 0:
        match = _KEY.match(line, comma + 1)
        if match:
            return match
        at = comma + 1
    return None


def _quoted(line: str, begin: int) -> tuple[int, str | None]:
    match = _QUOTED.match(line, begin)
    if not match:
        return -1, None
    quoted = match[0].rstrip()
    try:
        value = json.loads(quoted, strict=False)
    except ValueError:
        value = quoted[1:-1]
    return match.end(), value


def _json(line: str, begin: int) -> tuple[int, Any]:
    try:
        value, end = _decoder.raw_decode(line, begin)
    except (ValueError, RecursionError):
        return -1, None
    return end, value
