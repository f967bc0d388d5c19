"""Finding files by words: in their paths, prompts, transcripts, summaries and models.

Candidates are the newest files that have all of the words, at most CANDIDATES of them, and besides
as many of the RECENT files that have them side by side. Those are ranked, by the same rule on every
database, and the best are shown with the piece of text that tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from storewarden.catalogue import find, query, ranking, search_file, search_server, terms
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.orm import SQL, Expression, Node, NodeList, fn
from storewarden.catalogue.ranking import Found
from storewarden.catalogue.snippets import Snippet, snippet
from storewarden.catalogue.tables import File, Root
from storewarden.catalogue.texts import Fields, texts
from storewarden.catalogue.wanted import Wanted

CANDIDATES = 500
RECENT = 250_000  # to tell whether words stand side by side takes time for each file that has them
_SNIPPETS = 2  # of one file

__all__ = ["CANDIDATES", "RECENT", "Answer", "Hit", "Snippet", "search"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A file that answers, how well, and where in it one sees that."""

    file: FileRow
    score: int
    snippets: tuple[Snippet, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The best files, and whether there are more."""

    hits: tuple[Hit, ...]
    more: bool


def search(
    engine: Engine,
    text: str,
    wanted_terms: Sequence[str],
    now_ns: int,
    *,
    host_id: int | None = None,
    limit: int = 20,
    shown: Callable[[Node], Node] | None = None,
) -> Answer:
    """Return the files that have all words of a query and meet all terms, the best first.

    ``shown`` says of the column that holds a file's number whether that may be seen; None, all may.

    Words that stand in a negative prompt count only when there are not enough files without.
    Raises UsageError for a query or a term that cannot be understood.
    """
    wanted = Wanted(
        query.parse(text),
        condition=_condition(engine, wanted_terms, now_ns, host_id, shown),
    )
    best = ranking.ranked(_candidates(engine, wanted, limit))
    return Answer(tuple(_hits(engine, wanted, best[:limit])), len(best) > limit)


def _condition(
    engine: Engine,
    wanted_terms: Sequence[str],
    now_ns: int,
    host_id: int | None,
    shown: Callable[[Node], Node] | None,
) -> Node:
    asked = terms.parse(wanted_terms)
    met = terms.conditions(asked, engine.dialect, now_ns)
    if host_id is not None:
        met.append(Root.host == host_id)
    key = search_file.FILE_ID if engine.dialect == "sqlite" else search_server.FILE_ID
    whole: Node = fn.EXISTS(find.joined(SQL("1")).where(File.id == key, *met))
    # where a term leaves few, most are passed over without a look at the tables
    few = find.few_of(engine, asked, now_ns)
    passed: list[Node] = [Expression(find.unindexed(key), "IN", some) for some in few]
    if shown is not None:
        passed.append(shown(key))
    return NodeList((*passed, whole), glue=" AND ")


def _candidates(engine: Engine, wanted: Wanted, limit: int) -> list[Found]:
    newest: Callable[[Engine, Wanted, int], list[Found]] = (
        search_file.newest if engine.dialect == "sqlite" else search_server.newest
    )
    most = max(CANDIDATES, limit + 1)
    found: dict[int, Found] = {}
    if wanted.query.whole:
        together = replace(wanted, whole=True, above=_newest_id(engine) - RECENT)
        found = {each.id: each for each in newest(engine, together, most)}
    for anywhere in (False, True):
        if anywhere and len(found) > limit:
            break
        for each in newest(engine, replace(wanted, anywhere=anywhere), most):
            found.setdefault(each.id, each)
    return list(found.values())


def _newest_id(engine: Engine) -> int:
    return int(engine.execute("SELECT coalesce(max(id), 0) FROM files")[0][0])


def _hits(engine: Engine, wanted: Wanted, best: Sequence[Found]) -> list[Hit]:
    files = {file.id: file for file in find.files_by_id(engine, [found.id for found in best])}
    told = texts(engine, files)
    return [
        Hit(
            files[found.id],
            ranking.score(found),
            tuple(_snippets(wanted, found, told.get(found.id, {}))),
        )
        for found in best
        if found.id in files  # it may have gone meanwhile
    ]


def _snippets(wanted: Wanted, found: Found, told: Fields) -> list[Snippet]:
    shown: list[Snippet] = []
    for field in found.fields:
        for text in told.get(field, ()):
            piece = snippet(field, text, wanted.query.wanted)
            if piece:
                shown.append(piece)
                break
    return shown[:_SNIPPETS]
