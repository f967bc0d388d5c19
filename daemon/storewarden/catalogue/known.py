"""All that is known about files besides what was recorded of them, for those who show it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from storewarden.catalogue import marks, rates
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.marks import Marks
from storewarden.catalogue.terms import GONE
from storewarden.catalogue.told import shown
from storewarden.catalogue.told.shown import VISIBLE, Told
from storewarden.clock import SystemClock
from storewarden.model import Lora, Media, Outcome, Provenance, Scalar, Transcript

_ROLES = ("transcript", "subtitle", "caption", "summary")  # the first there is is shown
_MEDIA = tuple(each.name for each in fields(Media))
_MADE = tuple(each.name for each in fields(Provenance) if each.name != "raw")
_BELONGS = ("workflow", "scene")
_THERE = " AND ".join(f"f.state <> '{state}'" for state in GONE)

Sidecars = tuple[tuple[bytes, str], ...]


@dataclass(frozen=True, slots=True)
class Used:
    """When a file was last opened and how often; the rates are null where nobody counts now."""

    last_ns: int
    opens: int
    writes: int
    opens_per_day: float | None = None
    writes_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of one file; ``inspector`` is empty while nobody has looked into it.

    What an application told of workflow and scene stands in place of what the file says itself.
    """

    inspector: str = ""
    version: int = 0
    outcome: str = ""
    reason: str = ""
    mime: str = ""
    media: Media = field(default_factory=Media)
    more: dict[str, Scalar] = field(default_factory=dict)
    workflow: str | None = None
    scene: str | None = None
    provenance: Provenance | None = None
    transcript: Transcript | None = None
    sidecars: Sidecars = ()
    sidecar_of: bytes | None = None
    usage: Used | None = None
    told: Told | None = None
    marks: Marks | None = None


def known(
    engine: Engine,
    ids: Iterable[int],
    *,
    whole: bool = False,
    now_ns: int | None = None,
    user_id: int | None = None,
) -> dict[int, Known]:
    """Return what is known of these files; one of which nothing is known is left out.

    Unless ``whole``, the text of a transcript and the raw texts of a prompt are not read. For a
    user, nothing is told of files beside them that are another's.
    """
    wanted = sorted(set(ids))
    now_ns = SystemClock().wall_ns() if now_ns is None else now_ns
    told: dict[int, dict[str, Any]] = defaultdict(dict)
    for file_id, facts in _facts(engine, wanted):
        told[file_id] |= facts
    for name, values in (
        ("provenance", _provenance(engine, wanted, whole=whole)),
        ("transcript", _transcripts(engine, wanted, user_id, whole=whole)),
        ("sidecars", _sidecars(engine, wanted, user_id)),
        ("sidecar_of", _owners(engine, wanted, user_id)),
        ("usage", _usage(engine, wanted, now_ns)),
        ("told", shown.of_files(engine, wanted)),
        ("marks", marks.of_files(engine, wanted)),
    ):
        for file_id, value in values.items():
            told[file_id][name] = value
    for facts in told.values():
        if said := facts.get("told"):
            facts |= {name: value for name in _BELONGS if (value := getattr(said, name))}
    return {file_id: Known(**told[file_id]) for file_id in wanted if file_id in told}


def _facts(engine: Engine, ids: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    media = ", ".join(f"t.{name}" for name in _MEDIA)
    rows = engine.fetch_in(
        "SELECT t.file_id, t.inspector, t.version, t.outcome, t.reason, t.mime, t.more,"
        f" w.name, s.name, {media} FROM facts t"
        " LEFT JOIN workflows w ON w.id = t.workflow_id LEFT JOIN scenes s ON s.id = t.scene_id"
        " WHERE t.file_id IN ({in})",
        ids,
    )
    for file_id, inspector, version, outcome, reason, mime, more, workflow, scene, *values in rows:
        yield (
            file_id,
            {
                "inspector": inspector,
                "version": version,
                "outcome": Outcome(outcome),
                "reason": reason,
                "mime": mime,
                "more": json.loads(more),
                "workflow": workflow,
                "scene": scene,
                "media": Media(*values),
            },
        )


def _provenance(engine: Engine, ids: Iterable[int], *, whole: bool) -> dict[int, Provenance]:
    columns = ", ".join((*_MADE, "raw") if whole else _MADE)
    rows = engine.fetch_in(f"SELECT file_id, {columns} FROM prompts WHERE file_id IN ({{in}})", ids)
    return {
        file_id: _made(dict(zip(_MADE, values, strict=False)), values[-1] if whole else None)
        for file_id, *values in rows
    }


def _made(values: dict[str, Any], raw: bytes | None) -> Provenance:
    values["understood"] = bool(values["understood"])
    values["seed"] = None if values["seed"] is None else int(values["seed"])
    values["loras"] = tuple(
        Lora(each["name"], each.get("weight")) for each in json.loads(values["loras"])
    )
    return Provenance(**values, raw=bytes(raw or b""))


def _not_anothers(user_id: int | None) -> tuple[str, tuple[int, ...]]:
    """Return the condition that a sidecar ``s`` is not another user's own, and its values."""
    if user_id is None:
        return "", ()
    private = "h.public = 0 AND h.owner_id <> ?"
    told = f"SELECT 1 FROM told_files h WHERE h.file_id = s.file_id AND {private}"
    return f"NOT EXISTS ({told}) AND ", (user_id,)


def _transcripts(
    engine: Engine, ids: Iterable[int], user_id: int | None, *, whole: bool
) -> dict[int, Transcript]:
    """Return of each file its own transcript, else the likeliest of those beside it."""
    text = "t.text" if whole else "''"
    shown, user = _not_anothers(user_id)
    rows = engine.fetch_in(
        f"SELECT file_id, 0, role, {text}, language FROM transcripts t WHERE file_id IN ({{in}})",
        ids,
    )
    rows += engine.fetch_in(
        f"SELECT s.of_id, s.file_id, t.role, {text}, t.language"
        f" FROM sidecars s JOIN transcripts t ON t.file_id = s.file_id WHERE {shown}"
        " s.of_id IN ({in})",
        ids,
        user,
    )
    found: dict[int, Transcript] = {}
    for file_id, _, role, words, language in sorted(rows, key=_likeliest):
        found.setdefault(file_id, Transcript(role, words, language))
    return found


def _likeliest(row: Row) -> tuple[bool, int, int]:
    _, from_id, role, *_ = row
    return from_id != 0, _ROLES.index(role) if role in _ROLES else len(_ROLES), from_id


def _sidecars(engine: Engine, ids: Iterable[int], user_id: int | None) -> dict[int, Sidecars]:
    shown, user = _not_anothers(user_id)
    rows = engine.fetch_in(
        "SELECT s.of_id, d.path, f.name, s.role FROM sidecars s"
        " JOIN files f ON f.id = s.file_id JOIN directories d ON d.id = f.directory_id"
        f" WHERE {shown}{_THERE} AND s.of_id IN ({{in}})",
        ids,
        user,
    )
    found: dict[int, list[tuple[bytes, str]]] = defaultdict(list)
    for file_id, directory, name, role in rows:
        found[file_id].append((_path(directory, name), role))
    return {file_id: tuple(sorted(each)) for file_id, each in found.items()}


def _owners(engine: Engine, ids: Iterable[int], user_id: int | None) -> dict[int, bytes]:
    seen, user = "", tuple[int, ...]()
    if user_id is not None:
        seen, user = f"JOIN told_files t ON t.file_id = f.id AND {VISIBLE} ", (user_id,)
    rows = engine.fetch_in(
        "SELECT s.file_id, d.path, f.name FROM sidecars s"
        " JOIN files f ON f.id = s.of_id JOIN directories d ON d.id = f.directory_id"
        f" {seen}WHERE s.file_id IN ({{in}})",
        ids,
        user,
    )
    return {file_id: _path(directory, name) for file_id, directory, name in rows}


def _path(directory: bytes, name: bytes) -> bytes:
    return bytes(directory) + b"/" + bytes(name) if directory else bytes(name)


def _usage(engine: Engine, ids: Iterable[int], now_ns: int) -> dict[int, Used]:
    rows = engine.fetch_in(
        "SELECT u.file_id, u.last_ns, u.opens, u.writes, r.usage_since_ns, f.first_seen_ns"
        " FROM usage u JOIN files f ON f.id = u.file_id"
        " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
        " WHERE u.file_id IN ({in})",
        ids,
    )
    days = _days(engine, [row[0] for row in rows], now_ns)
    found: dict[int, Used] = {}
    for file_id, last_ns, opens, writes, since_ns, first_seen_ns in rows:
        found[file_id] = Used(last_ns, opens, writes)
        if since_ns is not None:
            began = rates.begins(since_ns, first_seen_ns, now_ns)
            lately = [day for day in days[file_id] if day[0] >= began // rates.DAY]
            found[file_id] = Used(
                *(last_ns, opens, writes),
                rates.per_day(sum(day[1] for day in lately), began, now_ns),
                rates.per_day(sum(day[2] for day in lately), began, now_ns),
            )
    return found


def _days(engine: Engine, ids: Iterable[int], now_ns: int) -> dict[int, list[tuple[int, int, int]]]:
    """Return of each file the days on which it was used, and how often."""
    rows = engine.fetch_in(
        "SELECT file_id, day, opens, writes FROM usage_days WHERE day >= ? AND file_id IN ({in})",
        ids,
        ((now_ns - rates.WINDOW) // rates.DAY,),
    )
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for file_id, *day in rows:
        found[file_id].append((day[0], day[1], day[2]))
    return found
