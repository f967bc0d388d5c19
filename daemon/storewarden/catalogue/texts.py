"""The texts of files that can be searched, by field, as the catalogue holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from storewarden.catalogue.engine import Engine

Fields = dict[str, list[str]]


def talking(engine: Engine, ids: Iterable[int]) -> set[int]:
    """Return those of the files that have a transcript: their own, beside them, or told."""
    wanted = list(ids)
    rows = engine.fetch_in("SELECT file_id FROM transcripts WHERE file_id IN ({in})", wanted)
    rows += engine.fetch_in(
        "SELECT s.of_id FROM sidecars s JOIN transcripts t ON t.file_id = s.file_id"
        " WHERE s.of_id IN ({in})",
        wanted,
    )
    rows += engine.fetch_in(
        "SELECT t.file_id FROM told_files t JOIN told_texts x ON x.told_id = t.id"
        " WHERE t.file_id IN ({in})",
        wanted,
    )
    return {file_id for (file_id,) in rows}


def texts(engine: Engine, ids: Iterable[int]) -> dict[int, Fields]:
    """Return the texts of each file that there is; a sidecar has nothing but its path.

    What a sidecar says stands with the file that it belongs to, and what was told of the file.
    """
    found: dict[int, Fields] = {}
    rows = engine.fetch_in(
        "SELECT f.id, d.path, f.name FROM files f JOIN directories d ON d.id = f.directory_id"
        " WHERE f.id IN ({in})",
        set(ids),
    )
    for file_id, directory, name in rows:
        path = bytes(directory) + b"/" + bytes(name) if directory else bytes(name)
        found[file_id] = {"path": [path.decode("utf-8", "replace")]}
    rows = engine.fetch_in("SELECT file_id FROM sidecars WHERE file_id IN ({in})", found)
    told = found.keys() - {file_id for (file_id,) in rows}
    _add_prompts(engine, told, found)
    _add_transcripts(engine, told, found)
    return found


def _add_prompts(engine: Engine, ids: Iterable[int], found: dict[int, Fields]) -> None:
    rows = engine.fetch_in(
        "SELECT file_id, prompt, negative, model FROM prompts WHERE file_id IN ({in})", ids
    )
    for file_id, *told in rows:
        for field, text in zip(("prompt", "negative", "model"), told, strict=True):
            if text:
                found[file_id][field] = [text]


def _add_transcripts(engine: Engine, ids: Iterable[int], found: dict[int, Fields]) -> None:
    wanted = talking(engine, ids)
    rows = engine.fetch_in(
        "SELECT file_id, file_id, role, text FROM transcripts WHERE file_id IN ({in})", wanted
    )
    rows += engine.fetch_in(
        "SELECT s.of_id, s.file_id, t.role, t.text"
        " FROM sidecars s JOIN transcripts t ON t.file_id = s.file_id WHERE s.of_id IN ({in})",
        wanted,
    )
    rows += engine.fetch_in(
        "SELECT t.file_id, -x.id, x.role, x.text FROM told_files t"
        " JOIN told_texts x ON x.told_id = t.id WHERE t.file_id IN ({in})",
        wanted,
    )
    parts: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for file_id, from_id, role, text in rows:
        parts[file_id, "summary" if role == "summary" else "transcript"].append((from_id, text))
    for (file_id, field), told in parts.items():
        found[file_id][field] = [text for _, text in sorted(told)]
