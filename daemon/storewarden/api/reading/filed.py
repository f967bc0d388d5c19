"""Files of the catalogue as the records that are answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from storewarden.api.reading.names import named, place
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.records import Beside, File, LoraUsed, Spoken
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.known import Known, known
from storewarden.catalogue.roots import roots
from storewarden.model import Media

_MEDIA = tuple(Media.__dataclass_fields__)
_MADE = (
    *("tool", "tool_version", "understood", "model", "model_hash", "prompt", "negative", "seed"),
    *("steps", "sampler", "scheduler", "guidance", "source_type"),
)


def records(reader: Reader, rows: Sequence[FileRow]) -> list[File]:
    """Return files with what is known of them, in their order."""
    facts = known(
        reader.engine, [row.id for row in rows], now_ns=reader.now_ns, user_id=reader.user_id
    )
    tops = {root.name: root.path for root in roots(reader.engine, reader.host_id)}
    return [
        File(**told(row, facts.get(row.id), tops[row.root])) for row in rows if row.root in tops
    ]


def told(row: FileRow, facts: Known | None, top: bytes) -> dict[str, Any]:
    """Return the fields of a record of a file; ``top`` is where its root lies."""
    path, path_hex = named(row.path)
    fields: dict[str, Any] = {
        "id": row.id,
        "place": place(top, row.path),
        "root": row.root,
        "path": path,
        "path_hex": path_hex,
        "kind": row.kind,
        "size": row.size,
        "mtime_ns": row.modified_ns,
        "digest": row.digest.hex() if row.digest else None,
        "state": row.state,
        "growing": bool(row.growing),
        "generation": row.generation,
        "first_seen_ns": row.first_seen_ns,
        "recorded_ns": row.recorded_ns,
        "gone_ns": row.gone_ns,
        "inspected": row.inspected_ns is not None,
    }
    return fields if facts is None else fields | dict(_known(facts))


def _known(facts: Known) -> Iterator[tuple[str, Any]]:
    yield from (("workflow", facts.workflow), ("scene", facts.scene))
    if facts.inspector:
        yield from (
            *(("mime", facts.mime or None), ("outcome", str(facts.outcome))),
            *(("reason", facts.reason or None), ("inspector", facts.inspector)),
            *(("inspector_version", facts.version), ("more", facts.more or None)),
        )
        yield from ((name, getattr(facts.media, name)) for name in _MEDIA)
    if facts.provenance is not None:
        yield from _made(facts.provenance)
    if facts.sidecars:
        yield "sidecars", tuple(_beside(facts.sidecars))
    if facts.sidecar_of is not None:
        yield from zip(("sidecar_of", "sidecar_of_hex"), named(facts.sidecar_of), strict=True)
    if facts.transcript is not None:
        said = facts.transcript
        yield "transcript", Spoken(role=said.role, language=said.language, text=said.text or None)
    yield from _said(facts)


def _made(made: Any) -> Iterator[tuple[str, Any]]:
    yield from ((name, getattr(made, name)) for name in _MADE)
    yield from (("asked_width", made.width), ("asked_height", made.height))
    if made.loras:
        yield "loras", tuple(LoraUsed(name=one.name, weight=one.weight) for one in made.loras)


def _beside(sidecars: Iterable[tuple[bytes, str]]) -> Iterator[Beside]:
    for path, role in sidecars:
        shown, hexed = named(path)
        yield Beside(path=shown, role=role, path_hex=hexed)


def _said(facts: Known) -> Iterator[tuple[str, Any]]:
    """Yield how a file is used, and what was told of it."""
    if facts.usage is not None:
        used = facts.usage
        yield from (("used_ns", used.last_ns), ("opens", used.opens), ("writes", used.writes))
        yield from (
            *(("opens_per_day", used.opens_per_day), ("writes_per_day", used.writes_per_day)),
        )
    if facts.told is not None:
        told = facts.told
        yield from (
            *(("file_type", told.file_type), ("title", told.title), ("owner", told.owner)),
            *(("public", told.public), ("metadata", told.metadata or None)),
            *(("cost", told.cost), ("currency", told.currency)),
        )
    if facts.marks is not None:
        marks = facts.marks
        yield from (
            *(("pinned", marks.pinned), ("rating", marks.rating), ("tags", marks.tags or None)),
        )
