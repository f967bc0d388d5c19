"""All facts of one file, group by group, as ``show`` tells them; values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from storewarden.cli.known import SECOND_NS, loras_text
from storewarden.cli.reference import values
from storewarden.cli.when import moment
from storewarden.measure.shown import shown
from storewarden.units import format_duration

if TYPE_CHECKING:
    from storewarden.catalogue.known import Known
    from storewarden.model import Media, Provenance

MOST_WORDS = 1000  # characters of a transcript on a terminal; pipes and JSON have all of it
NOT_YET = "not yet looked into"
NOT_AGAIN = "waits to be looked into again"
Line = tuple[str, str]  # a label, and a text that may have several lines


def groups(known: Known | None, inspected_ns: int | None) -> Iterator[list[Line]]:
    """Yield the groups of lines for people; a group about which nothing is known is left out."""
    if known is not None:
        for group in (_content, _making, _place, _told, _words, _use):
            if lines := list(_harmless(group(known))):
                yield lines
    yield list(_harmless(_look(known, inspected_ns)))


def fields(known: Known | None) -> Iterator[tuple[object, ...]]:
    """Yield a line for programs for each fact: its name in the reference, its value or values."""
    for fact, value in values(known) if known is not None else ():
        yield from _fields(fact.name, value)


def _fields(name: str, value: Any) -> Iterator[tuple[object, ...]]:
    if name == "more":
        yield from (("more", key, _plain(value[key])) for key in sorted(value))
    elif name == "loras":
        yield from (("lora", one.name, "" if one.weight is None else one.weight) for one in value)
    elif name == "metadata":
        yield from (("metadata", key, _plain(value[key])) for key in sorted(value))
    elif name == "cost":
        yield name, format(value, "f")
    elif name == "tags":
        yield from (("tag", tag) for tag in value)
    elif name == "sidecars":
        yield from (("sidecar", role, path) for path, role in value)
    elif name == "transcript":
        yield "transcript", value.role, value.language or "", value.text
    else:
        yield name, _plain(value)


def _plain(value: Any) -> Any:
    """Return yes or no for a truth value."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def raw(texts: dict[str, str]) -> Iterator[Line]:
    """Yield every text as it was found, by where."""
    return _harmless(texts.items())


def _harmless(lines: Iterable[Line]) -> Iterator[Line]:
    """Keep the lines that say something, and nothing in them that acts on a terminal.

    A file chooses where its texts are found, too: ``png:`` and whatever word it likes.
    """
    for label, text in lines:
        if text:
            yield shown(label), "\n".join(shown(line) for line in text.splitlines())


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _if(value: object, form: str) -> str:
    """Return a value that is known in its form."""
    return "" if value is None else form.format(value)


def _content(known: Known) -> Iterator[Line]:
    media = known.media
    yield "type", known.mime
    yield "picture", _picture(media)
    yield "sound", _sound(media)
    if media.duration_ns is not None:
        yield "plays", format_duration(media.duration_ns / SECOND_NS)
    yield "bit rate", _if(media.bit_rate, "{:,} bits a second")
    yield "pages", _if(media.pages, "{}")
    for key in sorted(known.more):
        yield key, str(_plain(known.more[key]))


def _picture(media: Media) -> str:
    seen = media.width is not None or media.height is not None
    return _joined(
        f"{_number(media.width)}×{_number(media.height)}" if seen else "",
        (seen and media.codec) or "",
        media.colour or "",
        _if(media.frames, "{:,} frames"),
        _if(media.fps, "{:.6g} a second"),
        _if(media.orientation, "orientation {}"),
    )


def _sound(media: Media) -> str:
    seen = media.width is not None or media.height is not None
    codec = media.audio_codec or ("" if seen else media.codec)
    return _joined(
        codec or "",
        _if(media.sample_rate, "{:,} Hz"),
        _if(media.channels, "{} channel" if media.channels == 1 else "{} channels"),
    )


def _making(known: Known) -> Iterator[Line]:
    made = known.provenance
    if made is None:
        return
    yield "tool", " ".join(part for part in (made.tool, made.tool_version) if part)
    if not made.understood:
        yield "", "what it wrote is not understood yet; --raw shows it"
    yield "model", _joined(made.model or "", _if(made.model_hash, "hash {}"))
    yield "loras", loras_text(made.loras)
    yield "prompt", made.prompt or ""
    yield "negative", made.negative or ""
    yield "seed", _if(made.seed, "{}")
    yield "sampling", _sampling(made)
    yield "source", made.source_type or ""


def _sampling(made: Provenance) -> str:
    asked = made.width is not None or made.height is not None
    return _joined(
        _if(made.steps, "{} steps"),
        made.sampler or "",
        made.scheduler or "",
        _if(made.guidance, "guidance {}"),
        f"asked for {_number(made.width)}×{_number(made.height)}" if asked else "",
    )


def _place(known: Known) -> Iterator[Line]:
    yield "workflow", known.workflow or ""
    yield "scene", known.scene or ""
    if known.sidecar_of is not None:
        yield "belongs to", shown(known.sidecar_of)
    for number, (path, role) in enumerate(known.sidecars):
        yield "" if number else "with it", f"{shown(path)} ({role})"


def _told(known: Known) -> Iterator[Line]:
    told, marks = known.told, known.marks
    if told is not None:
        yield "title", told.title or ""
        yield "it is", told.file_type or ""
        yield "owner", _joined(told.owner or "", "public" if told.public else "")
        yield "cost", _if(told.cost, f"{told.currency} {{:f}}")
        for key in sorted(told.metadata):
            yield key, str(_plain(told.metadata[key]))
    if marks is not None:
        yield "pinned", "no policy takes it away" if marks.pinned else ""
        yield "rating", _if(marks.rating, "{:g}")
        yield "tags", ", ".join(marks.tags)


def _words(known: Known) -> Iterator[Line]:
    if known.transcript is None:
        return
    text = known.transcript.text
    rest = len(text) - MOST_WORDS
    cut = f"{text[:MOST_WORDS]}…\n({rest:,} characters more; --json has all)" if rest > 0 else text
    if known.transcript.language:
        yield "language", known.transcript.language
    yield known.transcript.role, cut


def _use(known: Known) -> Iterator[Line]:
    used = known.usage
    if used is None:
        return
    yield "last used", moment(used.last_ns)
    yield "opened", _often(used.opens, used.opens_per_day)
    yield "written", _often(used.writes, used.writes_per_day)


def _often(times: int, per_day: float | None) -> str:
    told = "once" if times == 1 else f"{times:,} times"
    return _joined(told, _if(per_day, "{:.3g} a day") if times else "")


def _look(known: Known | None, inspected_ns: int | None) -> Iterator[Line]:
    """Tell of the last look; facts of an earlier content may be known while another one waits."""
    if inspected_ns is None:
        yield "inspected", NOT_YET if known is None or not known.inspector else NOT_AGAIN
    else:
        yield "inspected", moment(inspected_ns)
    if known is not None and known.inspector:
        by = f"by the {known.inspector} reader, version {known.version}"
        yield "outcome", f"{known.outcome}, {by}"
        yield "reason", known.reason


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
