"""What an application asks: files and what is known of them, workflows, costs, events."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storewarden.client.backend import Backend, Question
from storewarden.client.named import PathName, named
from storewarden.client.said import When, when

if TYPE_CHECKING:  # as many milliseconds as all the rest, for who only tells
    from storewarden.api.reading.records import (
        Chat,
        File,
        Happening,
        Hit,
        Scene,
        Text,
        Usage,
        WholeFile,
        Why,
        Workflow,
    )
    from storewarden.api.reading.stats import Stats
    from storewarden.client.happened import Event

PAGE = 500


class Asking:
    """The half of `Warden` that asks. Lists are fetched page by page, while they are read."""

    _backend: Backend

    def files(self, *terms: str, limit: int | None = None) -> Iterator[File]:
        """Yield the files that meet all terms, those of ``storewarden files``.

        ``files("kind=video", "size>1GiB", "workflow=story")``
        """
        return self._each("files", ("files",), {"term": terms}, limit)

    def file(self, path: PathName | int) -> WholeFile:
        """Return everything that is known of a file, by its path or its number.

        Raises:
            NotThere: it was never seen, or is not for this user to see.
        """
        found: WholeFile = self._one_of("file", path)
        return found

    def search(self, words: str, *terms: str, limit: int = 20) -> list[Hit]:
        """Return the files in which words are found, the best first; as ``storewarden search``."""
        query = {"q": words, "term": terms, "limit": limit}
        return list(self._backend.ask(Question("search", ("search",), query)).hits)

    def why(self, path: PathName | int, *, action: str | None = None) -> Why:
        """Return what becomes of a file and why: every policy, term by term.

        With ``action`` (``trash``, ``archive``…) also why it does not happen.
        """
        found: Why = self._one_of("why", path, {"not": action})
        return found

    def history(self, path: PathName | int) -> list[Happening]:
        """Return what happened to a file, the last first."""
        return list(self._one_of("history", path).history)

    def texts(self, path: PathName | int) -> list[Text]:
        """Return the transcripts and summaries that were told of a file."""
        return list(self._one_of("texts", path).texts)

    def chats(self, path: PathName | int, *, limit: int | None = None) -> Iterator[Chat]:
        """Yield what was asked about a file, the newest first."""
        return self._each("chats", (), {}, limit, _file(path))

    def workflows(self, *, limit: int | None = None) -> Iterator[Workflow]:
        """Yield all workflows, the newest first."""
        return self._each("workflows", ("workflows",), {}, limit)

    def workflow(self, workflow: str) -> Workflow:
        """Return a workflow with its phases.

        Raises:
            NotThere: there is none of that name, or it is not for this user to see.
        """
        question = Question("workflow", ("workflows", workflow))
        found: Workflow = self._backend.ask(question)
        return found

    def scenes(self, workflow: str, *, limit: int | None = None) -> Iterator[Scene]:
        """Yield the scenes of a workflow, in their order."""
        return self._each("scenes", ("workflows", workflow, "scenes"), {}, limit)

    def usage(
        self,
        *,
        since: When | None = None,
        provider: str | None = None,
        workflow: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Usage]:
        """Yield calls of services, the newest first."""
        query = {"since": when(since), "provider": provider, "workflow": workflow}
        return self._each("usage", ("usage",), query, limit)

    def stats(self, *, by: str | None = None, since: When | None = None) -> Stats:
        """Return sums and percentiles: files, calls, costs, how long work took.

        ``by`` is one of ``kind``, ``model``, ``tool``, ``workflow``, ``user``, ``provider`` and
        ``day``.
        """
        found: Stats = self._backend.ask(
            Question("stats", ("stats",), {"by": by, "since": when(since)})
        )
        return found

    def events(
        self,
        *terms: str,
        kinds: Sequence[str] = (),
        after: str | None = None,
        seconds: float | None = None,
    ) -> Generator[Event, None, None]:
        """Yield what happens to files that meet all terms, as it happens, each at least once.

        From now on; or after an event that was heard before, by its ``id``; or all that is kept,
        with ``after="start"``. A connection that breaks is made anew, and nothing is missed.
        It ends after so many ``seconds``, else never.
        """
        return self._backend.events(tuple(kinds), terms, after, seconds)

    def _one_of(
        self, name: str, path: PathName | int, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what is asked about one file."""
        return self._backend.ask(Question(name, (), query or {}, _file(path)))

    def _each(
        self,
        name: str,
        at: tuple[str, ...],
        query: dict[str, Any],
        limit: int | None,
        file: int | str | None = None,
    ) -> Iterator[Any]:
        """Yield the items of page after page."""
        after, left = None, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            asked = Question(name, at, query | {"limit": size, "after": after}, file)
            page = self._backend.ask(asked)
            items = getattr(page, name)
            yield from items if left is None else items[:left]
            after, left = page.next, None if left is None else left - len(items)
            if after is None:
                return


def _file(path: PathName | int) -> int | str:
    return path if isinstance(path, int) else named(path)
