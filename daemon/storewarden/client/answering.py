"""Questions answered from a catalogue: the same functions that a daemon answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from storewarden.api.checked import moment_ns
from storewarden.api.reading import files, flows, said, searching, spent
from storewarden.api.reading.reader import Reader
from storewarden.client.backend import Question

Answer = Callable[[Reader, Question], Any]


def _files(reader: Reader, asked: Question) -> Any:
    return files.page(reader, asked.query["term"], **_page(asked))


def _file(reader: Reader, asked: Question) -> Any:
    return files.whole(reader, _of(asked))


def _search(reader: Reader, asked: Question) -> Any:
    query = asked.query
    return searching.search(reader, query["q"], query["term"], query["limit"])


def _texts(reader: Reader, asked: Question) -> Any:
    return said.texts(reader, _of(asked))


def _chats(reader: Reader, asked: Question) -> Any:
    return said.chats(reader, _of(asked), **_page(asked))


def _workflows(reader: Reader, asked: Question) -> Any:
    return flows.workflows(reader, **_page(asked))


def _workflow(reader: Reader, asked: Question) -> Any:
    return flows.workflow(reader, asked.at[1])


def _scenes(reader: Reader, asked: Question) -> Any:
    return flows.scenes(reader, asked.at[1], **_page(asked))


def _usage(reader: Reader, asked: Question) -> Any:
    query = asked.query
    since = query["since"]
    return spent.usage(
        reader,
        since_ns=None if since is None else moment_ns(since),
        provider=query["provider"],
        workflow=query["workflow"],
        **_page(asked),
    )


def _page(asked: Question) -> dict[str, Any]:
    return {name: asked.query[name] for name in ("limit", "after")}


def _of(asked: Question) -> int | str:
    if asked.file is None:
        raise ValueError(f"{asked.name} is asked of a file")
    return asked.file


ANSWERS: Final[Mapping[str, Answer]] = {
    "files": _files,
    "file": _file,
    "search": _search,
    "texts": _texts,
    "chats": _chats,
    "workflows": _workflows,
    "workflow": _workflow,
    "scenes": _scenes,
    "usage": _usage,
}
