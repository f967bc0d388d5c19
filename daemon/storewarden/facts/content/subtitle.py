"""Subtitles and lyrics: what is said, without when and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from storewarden.facts.content.decoded import decoded
from storewarden.facts.content.told import tell, unescape
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader
from storewarden.facts.tongues import tongue
from storewarden.model import Transcript

_ARROW: Final = re.compile(
    r"\s*(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2})[.,](\d{1,3})"
    r"\s*-->\s*(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2})[.,](\d{1,3})"
)
_COMMA: Final = re.compile(
    r"(\d{1,4}):(\d{1,2}):(\d{1,2})\.(\d{1,3}),(\d{1,4}):(\d{1,2}):(\d{1,2})\.(\d{1,3})\s*$"
)
_FRAMES: Final = re.compile(r"\{\d{1,9}\}\{\d{0,9}\}(.*)")
_LYRIC: Final = re.compile(r"\s*(?:\[(\d{1,4}):(\d{1,2})(?:[.:](\d{1,3}))?\]\s*)++(.*)")
_DIALOGUE: Final = re.compile(
    r"Dialogue:[^,]*,[^,]*,\s*(\d{1,4}):(\d{1,2}):(\d{1,2})[.:](\d{1,3})\s*,"
    r"(?:[^,]*,){6}(.*)"
)
_PARAGRAPH: Final = re.compile(r"<(?:\w{1,20}:)?p\b([^<>]{0,1000})>")
_END_OF_PARAGRAPH: Final = re.compile(r"</(?:\w{1,20}:)?p>")
_SYNC: Final = re.compile(r"<sync\b[^<>]{0,200}>", re.IGNORECASE)
_BREAK: Final = re.compile(r"<(?:\w{1,20}:)?br\s*/?>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z0-9][^<>]{0,300}>")
_OVERRIDE: Final = re.compile(r"\{\\[^{}]{0,1000}\}")
_LANGUAGE: Final = re.compile(r"^Language:\s*([A-Za-z0-9-]{2,20})\s*$", re.MULTILINE)
_XML_LANGUAGE: Final = re.compile(
    r"""<(?:\w{1,20}:)?tt\b[^<>]{0,2000}xml:lang=["']([\w-]{2,20})["']"""
)
_ABOUT: Final = {
    "lrc": re.compile(r"^\[(ti|ar|al):([^\]\n]{1,400})\]", re.MULTILINE),
    "ass": re.compile(r"^(Title):([^\n]{1,400})$", re.MULTILINE),
}
_ABOUT_KEYS: Final = {"ti": "title", "ar": "artist", "al": "album", "Title": "title"}


class Cue(NamedTuple):
    """What is shown at once, and until which second of the film if that is told."""

    text: str
    end: float | None


def read(reader: Reader, found: Found) -> None:
    """Tell by the text itself which of the formats it is."""
    text = decoded(reader).text.replace("\r\n", "\n").replace("\r", "\n")
    form = _form(text)
    tell(found, "subtitle.format", form)
    lines: list[str] = []
    count, last = 0, 0.0
    for cue in _CUES[form](text):
        count += 1
        last = max(last, cue.end or 0.0)
        for line in _lines(cue.text):
            if not lines or lines[-1] != line:  # captions that roll say each line twice
                lines.append(line)
    tell(found, "subtitle.cues", count)
    tell(found, "subtitle.seconds", last or None)
    if not count:
        raise Malformed("holds no subtitle where there must be some")
    _about(text, form, found)
    if lines:
        found.transcript = Transcript("subtitle", "\n".join(lines), _language(text, form))


def _form(text: str) -> str:
    """Return which of the formats this is."""
    start = text[:2000].lstrip()
    first = start.partition("\n")[0]
    found = "subrip"
    if start.startswith("WEBVTT"):
        found = "webvtt"
    elif start.startswith("[Script Info]") or "\nDialogue:" in text:
        found = "ass"
    elif start.startswith("<"):
        found = "sami" if "<sync" in text[:20_000].lower() else "ttml"
    elif _FRAMES.match(start):
        found = "microdvd"
    elif _COMMA.match(first):
        found = "sbv"
    elif "-->" not in start and _LYRIC.search(start):
        found = "lrc"
    return found


def _arrows(text: str) -> Iterator[Cue]:
    """SubRip and WebVTT: a line with an arrow, then text until an empty line."""
    said: list[str] = []
    end: float | None = None
    inside = False
    for line in text.split("\n"):
        if "-->" in line and (times := _ARROW.match(line)):
            if inside:  # no empty line between: the last line was a number
                yield Cue(
                    "\n".join(said[:-1] if said and said[-1].strip().isdigit() else said), end
                )
            said, end, inside = [], _seconds(*times.groups()[4:]), True
        elif inside and not line.strip():
            yield Cue("\n".join(said), end)
            said, inside = [], False
        elif inside:
            said.append(line)
    if inside:
        yield Cue("\n".join(said), end)


def _commas(text: str) -> Iterator[Cue]:
    """SBV: two times with a comma between them, then text until an empty line."""
    for block in text.split("\n\n"):
        times, _, said = block.strip("\n").partition("\n")
        if found := _COMMA.match(times):
            yield Cue(said, _seconds(*found.groups()[4:]))


def _dialogues(text: str) -> Iterator[Cue]:
    """ASS and SSA: a line each, nine fields before the text."""
    for line in text.split("\n"):
        if line.startswith("Dialogue:") and (found := _DIALOGUE.match(line)):
            said = _OVERRIDE.sub("", found[5]).replace("\\N", "\n").replace("\\n", "\n")
            yield Cue(said.replace("\\h", " "), _seconds(*found.groups()[:4]))


def _lyrics(text: str) -> Iterator[Cue]:
    """LRC: lines with one or more times before them; what has no time is about the song."""
    for line in text.split("\n"):
        if found := _LYRIC.match(line):
            yield Cue(found[4], _seconds("0", *found.groups()[:3]))


def _framed(text: str) -> Iterator[Cue]:
    """Micro-DVD: two frame numbers, lines parted by a bar."""
    for line in text.split("\n"):
        if found := _FRAMES.match(line):
            yield Cue(re.sub(r"\{[^{}]{0,200}\}", "", found[1]).replace("|", "\n"), None)


def _paragraphs(text: str) -> Iterator[Cue]:
    """TTML: the paragraphs of an XML document."""
    for before in _END_OF_PARAGRAPH.split(text)[:-1]:
        if found := _PARAGRAPH.search(before):
            said = _BREAK.sub("\x1f", before[found.end() :]).replace("\n", " ")
            yield Cue(said.replace("\x1f", "\n"), _clock(found[1]))


def _syncs(text: str) -> Iterator[Cue]:
    """SAMI: what stands between one synchronisation and the next."""
    for said in _SYNC.split(text)[1:]:
        yield Cue(_BREAK.sub("\n", said), None)


def _clock(attributes: str) -> float | None:
    found = re.search(r"""\bend=["'](\d{1,4}):(\d{1,2}):(\d{1,2})(?:[.:](\d{1,3}))?""", attributes)
    return _seconds(*found.groups()) if found else None


def _seconds(hours: str | None, minutes: str, seconds: str, parts: str | None) -> float:
    fraction = int(parts) / 10 ** len(parts) if parts else 0.0
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + fraction


def _lines(said: str) -> Iterator[str]:
    """Yield lines without markup; every kind of it is alike enough."""
    if "<" in said:
        said = _TAG.sub("", said)
    if "&" in said:
        said = unescape(said)
    if "{\\" in said:
        said = _OVERRIDE.sub("", said)
    for line in said.split("\n"):
        if line := " ".join(line.split()):
            yield line


def _about(text: str, form: str, found: Found) -> None:
    """Keep what lyrics and scripts say of the song or the film at their beginning."""
    if form in _ABOUT:
        for key, said in _ABOUT[form].findall(text[:4000]):
            tell(found, _ABOUT_KEYS[key], said)


def _language(text: str, form: str) -> str | None:
    if form not in ("webvtt", "ttml"):
        return None
    told = (_LANGUAGE if form == "webvtt" else _XML_LANGUAGE).search(text[:4000])
    return tongue(told[1].encode()) if told else None


_CUES: Final[dict[str, Callable[[str], Iterator[Cue]]]] = {
    "subrip": _arrows,
    "webvtt": _arrows,
    "ass": _dialogues,
    "sami": _syncs,
    "ttml": _paragraphs,
    "microdvd": _framed,
    "sbv": _commas,
    "lrc": _lyrics,
}
