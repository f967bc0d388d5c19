"""Files that are one thing: which file beside another one belongs to it, by their names."""

from __future__ import annotations

from collections.abc import Collection

from storewarden.catalogue.engine import Engine


def part(engine: Engine, ids: Collection[int]) -> None:
    """Undo the links of files that leave their place.

    What they were linked with waits to be inspected: it may have words from them, or find others.
    """
    if not ids:
        return
    links = engine.fetch_in("SELECT file_id, of_id FROM sidecars WHERE file_id IN ({in})", ids)
    links += engine.fetch_in("SELECT file_id, of_id FROM sidecars WHERE of_id IN ({in})", ids)
    if not links:
        return
    engine.fetch_in(
        "DELETE FROM sidecars WHERE file_id IN ({in})", {file_id for file_id, _ in links}
    )
    await_inspection(engine, {id_ for link in links for id_ in link}.difference(ids))


def await_inspection(engine: Engine, ids: Collection[int]) -> None:
    """Let files be inspected once more."""
    engine.fetch_in("UPDATE files SET inspected_ns = NULL WHERE id IN ({in})", ids)
