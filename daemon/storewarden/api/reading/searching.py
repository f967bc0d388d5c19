"""Files by words in their paths, prompts, transcripts, summaries and models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from storewarden.api.reading import filed
from storewarden.api.reading.reader import Reader, within
from storewarden.api.reading.records import Hit, Hits, Snippet
from storewarden.catalogue import search as words
from storewarden.catalogue.told import visible

SOME = 20


def search(reader: Reader, query: str, wanted: Sequence[str] = (), limit: int = SOME) -> Hits:
    """Return the files that have all words of a query and meet all terms, the best first.

    Raises:
        UsageError: the query or a term cannot be understood, or the limit is none.
    """
    user_id = reader.user_id
    answer = words.search(
        reader.engine,
        query,
        wanted,
        reader.now_ns,
        host_id=reader.host_id,
        limit=within(limit),
        shown=None if user_id is None else partial(visible.seen_by, user_id),
    )
    files = {file.id: file for file in filed.records(reader, [hit.file for hit in answer.hits])}
    return Hits(
        hits=tuple(
            Hit(
                file=files[hit.file.id],
                score=hit.score,
                snippets=tuple(
                    Snippet(field=one.field, text=one.text, marks=one.marks) for one in hit.snippets
                ),
            )
            for hit in answer.hits
            if hit.file.id in files
        ),
        more=answer.more,
    )
