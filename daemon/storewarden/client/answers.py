"""Which record answers which question."""

from __future__ import annotations

from typing import Any, Final

from storewarden.api.reading import records

_RECORDS: Final[dict[str, type[Any]]] = {
    "files": records.Files,
    "file": records.WholeFile,
    "search": records.Hits,
    "why": records.Why,
    "history": records.History,
    "texts": records.Texts,
    "chats": records.Chats,
    "workflows": records.Workflows,
    "workflow": records.Workflow,
    "scenes": records.Scenes,
    "usage": records.Usages,
}


def record_of(name: str) -> type[Any]:
    """Return the record that answers a question."""
    if name == "stats":
        from storewarden.api.reading.stats import Stats  # noqa: PLC0415  # brings a catalogue along

        return Stats
    if name == "restored":
        from storewarden.api.restoring import Restored  # noqa: PLC0415  # as above

        return Restored
    return _RECORDS[name]
