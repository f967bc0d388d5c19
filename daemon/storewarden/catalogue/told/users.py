"""Users: whose files there are, how much each may have, and who may no longer say anything."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_COLUMNS = "id, name, created_ns, disabled_ns, quota_bytes, quota_files"


class UserRow(NamedTuple):
    """A user; a quota that is None is none."""

    id: int
    name: str
    created_ns: int
    disabled_ns: int | None = None
    quota_bytes: int | None = None
    quota_files: int | None = None


def add(engine: Engine, name: str, now_ns: int) -> int | None:
    """Make a user and return its id; None when there is one of that name."""
    with engine.joined():
        rows = engine.execute(
            "INSERT INTO users (name, created_ns) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
            " RETURNING id",
            (name, now_ns),
        )
    return int(rows[0][0]) if rows else None


def every(engine: Engine) -> list[UserRow]:
    """Return all users by their names."""
    rows = engine.execute(f"SELECT {_COLUMNS} FROM users ORDER BY name")
    return [UserRow._make(row) for row in rows]


def named(engine: Engine, name: str) -> UserRow | None:
    """Return the user of a name."""
    rows = engine.execute(f"SELECT {_COLUMNS} FROM users WHERE name = ?", (name,))
    return UserRow._make(rows[0]) if rows else None


def by_id(engine: Engine, user_id: int) -> UserRow | None:
    """Return the user with an id."""
    rows = engine.execute(f"SELECT {_COLUMNS} FROM users WHERE id = ?", (user_id,))
    return UserRow._make(rows[0]) if rows else None


def set_quota(engine: Engine, user_id: int, size: int | None, files: int | None) -> None:
    """Say how much a user may have; None is as much as it likes."""
    with engine.joined():
        engine.execute(
            "UPDATE users SET quota_bytes = ?, quota_files = ? WHERE id = ?",
            (size, files, user_id),
        )


def set_disabled(engine: Engine, user_id: int, at_ns: int | None) -> None:
    """Let none of a user's tokens hold from now on, or, with None, let them hold again."""
    with engine.joined():
        engine.execute("UPDATE users SET disabled_ns = ? WHERE id = ?", (at_ns, user_id))
