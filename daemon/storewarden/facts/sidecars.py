"""Which file belongs to which by their names: subtitles to a film, a caption to a picture.

Names are those in one directory. Whether the other file is there is for the catalogue to see.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from storewarden.facts.kinds import kind_of
from storewarden.facts.tongues import tongue

_MOST_PARTS: Final = 4


class Sidecar(NamedTuple):
    """A role, and whom it could belong to: files that are called so, with or without extension.

    The longest stem comes first: it is the likeliest, where there is a file of it. Which role it
    is in the end depends on the owner too.
    """

    role: str
    stems: tuple[bytes, ...]


_WORDS: Final = frozenset({b"txt", b"text", b"md", b"markdown", b"prompt"})
_BY_EXTENSION: Final = {
    **dict.fromkeys((b"srt", b"vtt", b"ass", b"ssa", b"sbv", b"ttml", b"dfxp", b"lrc"), "subtitle"),
    **dict.fromkeys((b"sub", b"idx", b"smi", b"sami", b"scc", b"sup"), "subtitle"),
    **dict.fromkeys(_WORDS | {b"caption", b"description"}, "caption"),
    **dict.fromkeys((b"json", b"xmp", b"yaml", b"yml", b"nfo", b"info"), "metadata"),
}

# What stands between the name of the owner and the extension, and the role that it makes.
_BY_MARK: Final = {
    **dict.fromkeys((b"transcript", b"transcription", b"whisper", b"whisperx"), "transcript"),
    **dict.fromkeys((b"caption", b"captions", b"prompt", b"parameters"), "caption"),
    b"summary": "summary",
    **dict.fromkeys((b"info", b"meta", b"metadata", b"supplemental-metadata"), "metadata"),
    **dict.fromkeys((b"workflow", b"civitai", b"cm-info", b"exif"), "metadata"),
    **dict.fromkeys((b"subs", b"subtitles", b"forced", b"sdh", b"cc", b"hi", b"default"), ""),
    **dict.fromkeys((b"orig", b"auto"), ""),
}

_DATABASE: Final = (b"-wal", b"-shm", b"-journal")

# Kinds of owner for each role; `other` is how a database is called that has no extension.
_OWNERS: Final = {
    "subtitle": frozenset({"video", "audio"}),
    "transcript": frozenset({"video", "audio", "document"}),
    "caption": frozenset({"image", "video", "audio", "model", "document"}),
    "summary": frozenset({"image", "video", "audio", "document"}),
    "metadata": frozenset({"image", "video", "audio", "model", "document", "database"}),
    "database": frozenset({"database", "other"}),
}
_SPOKEN: Final = frozenset({"video", "audio", "document"})


def sidecar(name: bytes) -> Sidecar | None:
    """Return what a file of this name could be beside another one; None when it is no sidecar."""
    for ending in _DATABASE:
        if name.endswith(ending):
            owner = name.removesuffix(ending)
            return Sidecar("database", (owner,)) if owner.strip(b".") else None
    rest, _, extension = name.rpartition(b".")
    role = _BY_EXTENSION.get(extension.lower())
    if role is None or not rest.strip(b"."):
        return None
    stems, marks = _stems(rest)
    if extension.lower() == b"info" and b"civitai" not in marks:
        return None  # many programs call something of theirs so
    if role != "subtitle":
        role = next((_BY_MARK[mark] for mark in marks if _BY_MARK.get(mark)), role)
    return Sidecar(role, stems)


def _stems(rest: bytes) -> tuple[tuple[bytes, ...], list[bytes]]:
    """Return the name without its extension, then without each mark and language at its end."""
    stems, marks = [rest], []
    for _ in range(_MOST_PARTS):
        before, _, part = rest.rpartition(b".")
        if not before.strip(b".") or not (part.lower() in _BY_MARK or tongue(part)):
            break
        rest = before
        marks.append(part.lower())
        stems.append(rest)
    return tuple(stems), marks


def belongs(name: bytes, owner: bytes) -> str | None:
    """Return the role that ``name`` has beside ``owner``; None when they are not together."""
    found = sidecar(name)
    if found is None or name == owner:
        return None
    stem = b"" if found.role == "database" else owner.rpartition(b".")[0]
    if owner not in found.stems and (not stem or stem not in found.stems):
        return None
    kind = kind_of(owner)
    role = found.role
    if role == "caption" and kind in _SPOKEN and _only_words(name, found):
        role = "transcript"
    return role if kind in _OWNERS[role] else None


def _only_words(name: bytes, found: Sidecar) -> bool:
    """Return whether nothing but the owner tells what these words are."""
    rest, _, extension = name.rpartition(b".")
    marks = {part.lower() for part in rest[len(found.stems[-1]) :].split(b".")}
    told = any(_BY_MARK.get(mark) for mark in marks)
    return extension.lower() in _WORDS - {b"prompt"} and not told


def language(name: bytes) -> str | None:
    """Return the language that the name of a sidecar tells: `en` of `clip.en.srt`, or None."""
    found = sidecar(name)
    if found is None or found.role in ("database", "metadata"):
        return None
    rest = name.rpartition(b".")[0]
    parts = rest[len(found.stems[-1]) :].split(b".")
    told = (tongue(part) for part in reversed(parts) if part)
    return next((spoken for spoken in told if spoken), None)
