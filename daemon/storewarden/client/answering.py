"""Questions answered from a catalogue: by the same functions that a daemon answers with."""

from __future__ import annotations

from typing import Any

from storewarden.api import restoring
from storewarden.api.checked import moment_ns
from storewarden.api.reading import deciding, files, flows, happened, said, searching, spent, stats
from storewarden.api.reading.reader import Reader
from storewarden.client.backend import Question
from storewarden.config.schema import Settings
from storewarden.errors import PolicyError, UsageError


class Answering:
    """Answers by the names of questions; ``settings`` None: only the catalogue was named."""

    def __init__(self, settings: Settings | None) -> None:
        self._settings = settings

    def answer(self, reader: Reader, asked: Question) -> Any:
        """Return the record that answers a question."""
        return getattr(self, asked.name)(reader, asked)

    def files(self, reader: Reader, asked: Question) -> Any:
        """Files that meet all terms."""
        return files.page(reader, asked.query["term"], **_page(asked))

    def file(self, reader: Reader, asked: Question) -> Any:
        """Everything that is known of a file."""
        return files.whole(reader, _of(asked))

    def search(self, reader: Reader, asked: Question) -> Any:
        """Files in which words are found."""
        query = asked.query
        return searching.search(reader, query["q"], query["term"], query["limit"])

    def why(self, reader: Reader, asked: Question) -> Any:
        """What becomes of a file and why."""
        settings = self._settings
        stores, tables = (
            ((), ()) if settings is None else (settings.store_names, settings.table_names)
        )
        try:
            policies = deciding.in_force(reader, stores, tables)
        except PolicyError as error:
            if settings is not None:
                raise
            raise UsageError(
                "what policies mean is told by the configuration too",
                why="they name stores or tables of it",
                remedy='Warden(catalogue="/etc/storewarden/storewarden.yaml")',
            ) from error
        return deciding.why(reader, _of(asked), policies, asked.query["not"])

    def history(self, reader: Reader, asked: Question) -> Any:
        """What happened to a file."""
        return happened.history(reader, _of(asked))

    def texts(self, reader: Reader, asked: Question) -> Any:
        """What was told to be said in a file."""
        return said.texts(reader, _of(asked))

    def chats(self, reader: Reader, asked: Question) -> Any:
        """What was asked about a file."""
        return said.chats(reader, _of(asked), **_page(asked))

    def workflows(self, reader: Reader, asked: Question) -> Any:
        """Workflows."""
        return flows.workflows(reader, **_page(asked))

    def workflow(self, reader: Reader, asked: Question) -> Any:
        """One workflow."""
        return flows.workflow(reader, asked.at[1])

    def scenes(self, reader: Reader, asked: Question) -> Any:
        """The scenes of a workflow."""
        return flows.scenes(reader, asked.at[1], **_page(asked))

    def usage(self, reader: Reader, asked: Question) -> Any:
        """Calls of services."""
        query = asked.query
        return spent.usage(
            reader,
            since_ns=_moment(query["since"]),
            provider=query["provider"],
            workflow=query["workflow"],
            **_page(asked),
        )

    def restored(self, reader: Reader, asked: Question) -> Any:
        """How far it is with what was asked back."""
        return restoring.restored(reader, int(asked.at[1]))

    def stats(self, reader: Reader, asked: Question) -> Any:
        """Sums and percentiles."""
        query = asked.query
        return stats.stats(reader, by=query["by"], since_ns=_moment(query["since"]))


def _page(asked: Question) -> dict[str, Any]:
    return {name: asked.query[name] for name in ("limit", "after")}


def _moment(text: str | None) -> int | None:
    return None if text is None else moment_ns(text)


def _of(asked: Question) -> int | str:
    if asked.file is None:
        raise ValueError(f"{asked.name} is asked of a file")
    return asked.file
