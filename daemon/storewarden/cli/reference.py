"""Every fact of a file: one table, from which ``show``, JSON and the page about them are made.

``python -m storewarden.cli.reference > docs/reference/facts.md`` writes the page; a test holds it
in step with the table, and the table in step with what is kept and what can be asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

FILE = "The file"
CONTENT = "What it is"
MAKING = "How it was made"
PLACE = "What it belongs to"
TOLD = "What was told of it"
WORDS = "What is said in it"
USE = "How it is used"
LOOK = "The look into it"
GROUPS = {
    FILE: "As the file system tells it, and as it was recorded.",
    CONTENT: "As its headers tell it: no picture, sound or film is ever decoded.",
    MAKING: "As the file says itself, or the metadata file beside it. These are claims: anybody "
    "can write anything into a file.",
    PLACE: "As an application tells it, else the path, the file itself or a sidecar; what paths "
    "tell is [configured](configuration.md#where-a-file-lies).",
    TOLD: "By applications, and by people.",
    WORDS: "From transcripts, subtitles and captions, beside it or inside it.",
    USE: "Counted where the root asks for it, see [how often files are used](../guide/usage.md).",
    LOOK: "Which reader looked into the file, and what came of it.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name in JSON, what it tells, where it comes from, the term that asks for it.

    ``of`` is where ``catalogue.known.Known`` keeps it; a fact without it is kept elsewhere.
    """

    group: str
    name: str
    tells: str
    source: str
    term: str = ""
    of: str = ""


_stat = partial(Fact, FILE, source="file system")
_row = partial(Fact, FILE, source="Storewarden")
_made = partial(Fact, MAKING, source="texts of the tool, sidecar")
_told = partial(Fact, TOLD, source="application")
_used = partial(Fact, USE, source="inotify")
_look = partial(Fact, LOOK, source="Storewarden")


def _media(name: str, tells: str, source: str, term: str = "") -> Fact:
    return Fact(CONTENT, name, tells, source, term, f"media.{name}")


TABLE = (
    _row("root", "root it lies under", term="root"),
    _stat("path", "below its root; `path_hex` too where text cannot hold the name", term="path"),
    Fact(FILE, "kind", "image, video, audio, text, …", "content, else name", "kind"),
    _stat("size", "bytes", term="size"),
    _stat("mtime_ns", "when its content was last written", term="modified"),
    Fact(FILE, "digest", "BLAKE3 of its content", "content", "digest"),
    _row("state", "present, missing, …", term="state"),
    _row("growing", "whether it is still being written to", term="growing"),
    _row("generation", "how many contents it has had", term="generation"),
    _row("first_seen_ns", "when it was first recorded", term="seen"),
    _row("recorded_ns", "when it was last recorded", term="recorded"),
    _row("gone_ns", "when it was found gone", term="gone"),
    _stat("inode", "its number on its file system", term="inode"),
    _stat("device", "file system it lies on"),
    _stat("mode", "type and permissions"),
    _stat("links", "how many names it has", term="links"),
    _stat("uid", "owner", term="uid"),
    _stat("gid", "group", term="gid"),
    _stat("blocks", "512-byte blocks that it takes on disk"),
    _stat("atime_ns", "when it was last read, as the file system notes it", term="accessed"),
    _stat("ctime_ns", "when anything about it last changed", term="changed"),
    _row("digested_ns", "when its digest was taken"),
    _row("history", "what happened to it, and when"),
    Fact(CONTENT, "mime", "media type", "content, else name", "mime", "mime"),
    _media("width", "pixels across", "picture, video", "width"),
    _media("height", "pixels down", "picture, video", "height"),
    _media("frames", "how many pictures it holds", "animation, video", "frames"),
    _media("duration_ns", "how long it plays, in nanoseconds", "sound, video", "duration"),
    _media("codec", "coding of the picture, or of the sound where there is none", "media", "codec"),
    _media("audio_codec", "coding of the sound beside a picture", "video"),
    _media("bit_rate", "bits a second, of all together", "sound, video", "bit_rate"),
    _media("fps", "pictures a second", "video", "fps"),
    _media("sample_rate", "samples a second", "sound, video", "sample_rate"),
    _media("channels", "channels of sound", "sound, video", "channels"),
    _media("colour", "model and depth, as in `rgb 8 bit`", "picture, video"),
    _media("orientation", "1 to 8 as EXIF counts, or degrees turned", "picture, video"),
    _media("pages", "pages", "document, TIFF", "pages"),
    Fact(CONTENT, "more", "what only some have, by dotted names", "content, path", of="more"),
    _made("tool", "what made it", term="tool", of="provenance.tool"),
    _made("tool_version", "its version", of="provenance.tool_version"),
    _made("understood", "whether what the tool wrote was understood", of="provenance.understood"),
    _made("model", "model it was made with", term="model", of="provenance.model"),
    _made("model_hash", "hash of the model, as the tool writes it", of="provenance.model_hash"),
    _made("loras", "`name` and `weight` of each LoRA", term="lora", of="provenance.loras"),
    _made("prompt", "what was asked for", term="prompt", of="provenance.prompt"),
    _made("negative", "what it was asked to avoid", term="negative", of="provenance.negative"),
    _made("seed", "seed of the noise", term="seed", of="provenance.seed"),
    _made("steps", "steps of the sampler", term="steps", of="provenance.steps"),
    _made("sampler", "sampler", term="sampler", of="provenance.sampler"),
    _made("scheduler", "schedule of the noise", of="provenance.scheduler"),
    _made("guidance", "weight of the prompt (CFG)", term="guidance", of="provenance.guidance"),
    _made("asked_width", "width asked for; the file may be larger", of="provenance.width"),
    _made("asked_height", "height asked for", of="provenance.height"),
    _made("source_type", "IPTC digital source type", term="source", of="provenance.source_type"),
    _made("raw", "every text as it was found, by where: `show --raw`"),
    Fact(
        *(PLACE, "workflow", "workflow it is from", "application, path, content, sidecar"),
        *("workflow", "workflow"),
    ),
    Fact(
        *(PLACE, "scene", "scene of the workflow", "application, path, content, sidecar", "scene"),
        "scene",
    ),
    Fact(PLACE, "sidecars", "`path` and `role` of what belongs to it", "names", of="sidecars"),
    Fact(PLACE, "sidecar_of", "path of what it belongs to", "names", "sidecar", "sidecar_of"),
    _told("title", "what it is called", of="told.title"),
    _told("file_type", "what it is to its workflow", term="file_type", of="told.file_type"),
    _told("owner", "user whose file it is", term="owner", of="told.owner"),
    _told("public", "whether every user may see it", term="public", of="told.public"),
    _told("cost", "what making it cost, a decimal number as text", term="cost", of="told.cost"),
    _told("currency", "of the cost; neither is told where there are several", of="told.currency"),
    _told("metadata", "anything else", of="told.metadata"),
    _told("pinned", "whether no policy takes it away, see `pin`", term="pinned", of="marks.pinned"),
    _told("rating", "0 to 5", term="rating", of="marks.rating"),
    _told("tags", "tags", term="tag", of="marks.tags"),
    Fact(
        WORDS,
        "transcript",
        "`role` (transcript, subtitle, caption, summary), `language`, and by `show` the `text`",
        "sidecar, content",
        "language",
        "transcript",
    ),
    _used("used_ns", "when it was last opened or written to", term="used", of="usage.last_ns"),
    _used("opens", "how often it was opened and not written to", of="usage.opens"),
    _used("writes", "how often it was written to", of="usage.writes"),
    _used("opens_per_day", "opens a day", term="opens_per_day", of="usage.opens_per_day"),
    _used("writes_per_day", "writes a day", term="writes_per_day", of="usage.writes_per_day"),
    _look("inspected", "whether it was looked into since it changed", term="inspected"),
    _look("inspected_ns", "when it was looked into; by `show`"),
    _look("outcome", "read, partly, refused, or nothing: no reader", term="outcome", of="outcome"),
    _look("reason", "what is wrong with it, unless it was read", of="reason"),
    _look("inspector", "which reader looked", of="inspector"),
    _look("inspector_version", "version of that reader", of="version"),
)

# Terms about a part of a fact, or about several.
OTHER_TERMS = {
    "name": "the last part of the path",
    "ext": "what follows the last dot of the name",
}


def values(known: Any) -> Iterator[tuple[Fact, Any]]:
    """Yield what is known of a file in the order of the table; what is not known is left out."""
    for part, facts in _PARTS:
        whole = getattr(known, part) if part else known
        if whole is None:
            continue
        for fact, name in facts:
            value = getattr(whole, name)
            if value is None or value in _NOTHING:
                continue
            if fact.group != LOOK or known.inspector:
                yield fact, value


def _parts() -> Iterator[tuple[str, tuple[tuple[Fact, str], ...]]]:
    """Yield the facts that stand side by side in one part of what is known, with their names."""
    kept = (fact for fact in TABLE if fact.of)
    for part, facts in groupby(kept, key=lambda fact: fact.of.rpartition(".")[0]):
        yield part, tuple((fact, fact.of.rpartition(".")[2]) for fact in facts)


_PARTS = tuple(_parts())  # a million files are listed through it
_NOTHING: tuple[object, ...] = ("", (), {})

INTRODUCTION = """\
# Facts

<!-- Written by `python -m storewarden.cli.reference`; a test holds it in step with the code. -->

What Storewarden knows of a file, by the names that JSON has for it. `show` tells all of it; `files`
and `search` with `--json` leave out history, inode and the like, and the words of a transcript. The
terms ask for it, see [commands](commands.md). What is not known is left out, and a term about it is
not met, whichever way it compares.
"""
HEAD = "| fact | tells | from | term |\n|---|---|---|---|\n"


def markdown() -> str:
    """Return docs/reference/facts.md."""
    from storewarden.cli import sources

    sections = "".join(_section(group, about) for group, about in GROUPS.items())
    others = "".join(f"| `{name}` | {about} |\n" for name, about in OTHER_TERMS.items())
    return (
        f"{INTRODUCTION}{sections}\n## Other terms\n\n| term | asks for |\n|---|---|\n{others}"
        f"{sources.markdown()}"
    )


def _section(group: str, about: str) -> str:
    rows = "".join(
        f"| `{fact.name}` | {fact.tells} | {fact.source} | {fact.term and f'`{fact.term}`'} |\n"
        for fact in TABLE
        if fact.group == group
    )
    return f"\n## {group}\n\n{about}\n\n{HEAD}{rows}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
