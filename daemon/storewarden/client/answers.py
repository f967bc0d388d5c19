"""Which record answers which question."""

from __future__ import annotations

from typing import Any, Final

from storewarden.api.reading import records

RECORDS: Final[dict[str, type[Any]]] = {
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
