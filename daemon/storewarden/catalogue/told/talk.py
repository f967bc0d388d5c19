"""Transcripts, summaries and questions that were told of a file."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_TEXT = ("text", "duration_ns", "model")
_CHAT = (
    *("host_id", "told_id", "user_id", "at_ns", "question", "answer", "duration_ns", "model"),
    *("more", "key", "told_ns"),
)


class TextSaid(NamedTuple):
    """A text of a file; one for each role and language."""

    told_id: int
    role: str
    language: str | None
    text: str
    duration_ns: int | None
    model: str | None


class ChatSaid(NamedTuple):
    """A row of ``chat_history``, in the order of its columns."""

    host_id: int
    told_id: int
    user_id: int | None
    at_ns: int
    question: str
    answer: str
    duration_ns: int | None
    model: str | None
    more: str
    key: str | None
    told_ns: int


class Kept(NamedTuple):
    """A row that is kept: whether it was made, and whether its words are others than before."""

    id: int
    created: bool
    changed: bool


def keep_text(engine: Engine, said: TextSaid, now_ns: int) -> Kept:
    """Keep a text in the place of the one of its role and language."""
    rows = engine.execute(
        f"SELECT id, {', '.join(_TEXT)} FROM told_texts"
        " WHERE told_id = ? AND role = ? AND coalesce(language, '') = ?",
        (said.told_id, said.role, said.language or ""),
    )
    if not rows:
        rows = engine.execute(
            "INSERT INTO told_texts"
            " (told_id, role, language, text, duration_ns, model, told_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (*said, now_ns),
        )
        return Kept(int(rows[0][0]), created=True, changed=True)
    text_id, text, duration_ns, model = rows[0]
    now = (said.text, _or(said.duration_ns, duration_ns), _or(said.model, model))
    if now != (text, duration_ns, model):
        engine.execute(
            "UPDATE told_texts SET text = ?, duration_ns = ?, model = ?, told_ns = ? WHERE id = ?",
            (*now, now_ns, text_id),
        )
    return Kept(int(text_id), created=False, changed=said.text != text)


def keep_chat(engine: Engine, said: ChatSaid) -> tuple[int, bool]:
    """Return the row of a question, and True when it is a new one; one with a key is kept once."""
    marks = ", ".join("?" * len(_CHAT))
    rows = engine.execute(
        f"INSERT INTO chat_history ({', '.join(_CHAT)}) VALUES ({marks})"
        " ON CONFLICT (host_id, (coalesce(user_id, 0)), key) WHERE key IS NOT NULL"
        " DO NOTHING RETURNING id",
        said,
    )
    if rows:
        return int(rows[0][0]), True
    rows = engine.execute(
        "SELECT id FROM chat_history WHERE host_id = ? AND coalesce(user_id, 0) = ? AND key = ?",
        (said.host_id, said.user_id or 0, said.key),
    )
    return int(rows[0][0]), False


def _or(value: object, other: object) -> object:
    return other if value is None else value
