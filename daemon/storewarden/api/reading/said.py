"""What was told in words of a file: transcripts, summaries, questions and answers."""

from __future__ import annotations

import json

from storewarden.api.reading import cursor
from storewarden.api.reading.moments import moment, seconds
from storewarden.api.reading.reader import PAGE, Reader, within
from storewarden.api.reading.records import Chat, Chats, Text, Texts
from storewarden.api.reading.subject import Of, found
from storewarden.catalogue.ways import END

_LIST = "chats"


def texts(reader: Reader, of: Of) -> Texts:
    """Return the transcripts and summaries that were told of a file, seen on disk or not.

    Raises:
        NotThere: there is no such file, or it is not for this one to see.
        Wrong: no path below a root.
    """
    told_id = found(reader, of).told_id
    return Texts(texts=() if told_id is None else texts_of(reader, told_id))


def texts_of(reader: Reader, told_id: int) -> tuple[Text, ...]:
    """Return the texts of a file that may be seen."""
    rows = reader.engine.execute(
        "SELECT role, text, language, model, duration_ns, told_ns FROM told_texts"
        " WHERE told_id = ? ORDER BY role DESC, coalesce(language, '')",
        (told_id,),
    )
    return tuple(
        Text(
            role=role,
            text=text,
            language=language,
            model=model,
            duration=seconds(duration_ns),
            told=moment(told_ns),
        )
        for role, text, language, model, duration_ns, told_ns in rows
    )


def chats(reader: Reader, of: Of, limit: int = PAGE, after: str | None = None) -> Chats:
    """Return what was asked about a file, the newest first.

    Raises:
        NotThere: there is no such file, or it is not for this one to see.
        Wrong: no path below a root.
        UsageError: no page begins there, or has that size.
    """
    told_id, size = found(reader, of).told_id, within(limit)
    before = (END, END) if after is None else cursor.decode(_LIST, after, 2)
    rows = reader.engine.execute(
        "SELECT id, at_ns, question, answer, duration_ns, model, more, key FROM chat_history"
        " WHERE told_id = ? AND (at_ns, id) < (?, ?) ORDER BY at_ns DESC, id DESC LIMIT ?",
        (told_id, *before, size + 1),
    )
    return Chats(
        chats=tuple(
            Chat(
                id=id_,
                question=question,
                answer=answer,
                at=moment(at_ns),
                duration=seconds(duration_ns),
                model=model,
                more=json.loads(more) or None,
                key=key,
            )
            for id_, at_ns, question, answer, duration_ns, model, more, key in rows[:size]
        ),
        next=cursor.encode(_LIST, rows[size - 1][1], rows[size - 1][0]) if rows[size:] else None,
    )
