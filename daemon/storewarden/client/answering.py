"""Questions answered from a catalogue: the same functions that a daemon answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from storewarden.api.reading import files
from storewarden.api.reading.reader import Reader
from storewarden.client.backend import Question

Answer = Callable[[Reader, Question], Any]


def _files(reader: Reader, asked: Question) -> Any:
    return files.page(reader, asked.query["term"], asked.query["limit"], asked.query["after"])


def _file(reader: Reader, asked: Question) -> Any:
    return files.whole(reader, _of(asked))


def _of(asked: Question) -> int | str:
    if asked.file is None:
        raise ValueError(f"{asked.name} is asked of a file")
    return asked.file


ANSWERS: Final[Mapping[str, Answer]] = {
    "files": _files,
    "file": _file,
}
