"""What was answered to requests with a key of their own, so that each is carried out once."""

from __future__ import annotations

from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine

KEPT_NS: Final = 86_400 * 1_000_000_000
_AT_ONCE: Final = 20  # old ones that go with each new one, so that they are never many


class Answer(NamedTuple):
    """An answer, and the digest of the request that it was to."""

    digest: bytes
    status: int
    body: bytes


def find(engine: Engine, user_id: int | None, key: str) -> Answer | None:
    """Return what was answered to somebody's key."""
    rows = engine.execute(
        "SELECT digest, status, body FROM answers WHERE coalesce(user_id, 0) = ? AND key = ?",
        (user_id or 0, key),
    )
    return Answer(bytes(rows[0][0]), rows[0][1], bytes(rows[0][2])) if rows else None


def keep(engine: Engine, user_id: int | None, key: str, answer: Answer, now_ns: int) -> None:
    """Keep an answer, in the transaction of what it answers; old ones go.

    Raises:
        CatalogueRefused: the key was used before.
    """
    engine.execute(
        "DELETE FROM answers WHERE id IN"
        " (SELECT id FROM answers WHERE answered_ns < ? ORDER BY answered_ns LIMIT ?)",
        (now_ns - KEPT_NS, _AT_ONCE),
    )
    engine.execute(
        "INSERT INTO answers (user_id, key, digest, status, body, answered_ns)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (user_id, key, answer.digest, answer.status, answer.body, now_ns),
    )
