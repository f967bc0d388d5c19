"""Tokens of users: their digests, and until when they hold. The tokens themselves are not here."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_COLUMNS = (
    "t.public_id, t.id, t.user_id, u.name, t.digest, t.scopes, t.label, t.created_ns,"
    " t.expires_ns, t.last_used_ns, t.revoked_ns, u.disabled_ns"
)
_FROM = "FROM tokens t JOIN users u ON u.id = t.user_id"


class TokenRow(NamedTuple):
    """A token as it is kept, and whose it is."""

    public_id: str
    id: int
    user_id: int
    user: str
    digest: bytes
    scopes: tuple[str, ...]
    label: str
    created_ns: int
    expires_ns: int | None
    last_used_ns: int | None
    revoked_ns: int | None
    disabled_ns: int | None  # since when its user may say nothing

    def holds(self, now_ns: int) -> bool:
        """Tell whether it may be used now."""
        over = self.expires_ns is not None and self.expires_ns <= now_ns
        return not over and self.revoked_ns is None and self.disabled_ns is None


class NewToken(NamedTuple):
    """What is kept of a new token."""

    public_id: str
    digest: bytes
    scopes: Collection[str]
    label: str
    expires_ns: int | None


def add(engine: Engine, user_id: int, new: NewToken, now_ns: int) -> None:
    """Keep a new token of a user."""
    columns = "user_id, public_id, digest, scopes, label, created_ns, expires_ns"
    scopes = json.dumps(list(new.scopes))
    with engine.joined():
        engine.execute(
            f"INSERT INTO tokens ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (user_id, new.public_id, new.digest, scopes, new.label, now_ns, new.expires_ns),
        )


def by_public_id(engine: Engine, public_id: str) -> TokenRow | None:
    """Return the token with a public id, whether or not it still holds."""
    rows = engine.execute(f"SELECT {_COLUMNS} {_FROM} WHERE t.public_id = ?", (public_id,))
    return _row(rows[0]) if rows else None


def of_user(engine: Engine, user_id: int) -> list[TokenRow]:
    """Return all tokens that a user ever had, the newest first."""
    rows = engine.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE t.user_id = ? ORDER BY t.id DESC", (user_id,)
    )
    return [_row(row) for row in rows]


def counts(engine: Engine, now_ns: int) -> dict[int, int]:
    """Return how many tokens of each user hold, by the user's id."""
    rows = engine.execute(
        "SELECT user_id, count(*) FROM tokens WHERE revoked_ns IS NULL"
        " AND (expires_ns IS NULL OR expires_ns > ?) GROUP BY user_id",
        (now_ns,),
    )
    return {int(user_id): int(count) for user_id, count in rows}


def revoke(engine: Engine, ids: Collection[int], now_ns: int) -> None:
    """Let tokens hold no longer; when one was revoked before stays as it is."""
    with engine.joined():
        engine.fetch_in(
            "UPDATE tokens SET revoked_ns = ? WHERE revoked_ns IS NULL AND id IN ({in})",
            ids,
            (now_ns,),
        )


def used(engine: Engine, times: Sequence[tuple[int, int]]) -> None:
    """Note when tokens were last used, each by its id; never an earlier time than is noted."""
    with engine.joined():
        engine.executemany(
            "UPDATE tokens SET last_used_ns = ?"
            " WHERE id = ? AND (last_used_ns IS NULL OR last_used_ns < ?)",
            [(at_ns, token_id, at_ns) for token_id, at_ns in times],
        )


def _row(row: Sequence[object]) -> TokenRow:
    told = TokenRow(*row)  # type: ignore[arg-type]  # as the database gives them
    return told._replace(digest=bytes(told.digest), scopes=tuple(json.loads(str(row[5]))))
