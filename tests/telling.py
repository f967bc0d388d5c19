"""Users and told files as rows, for tests of who has and who sees what."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from storewarden.api import users
from storewarden.api.quota import Quota
from storewarden.api.who import Scope, Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import users as kept

NOW = 1_795_246_201_000_000_000
USUAL: frozenset[Scope] = frozenset({"read", "write"})


def user(
    engine: Engine, name: str, quota: Quota | None = None, *, scopes: Collection[Scope] = USUAL
) -> Who:
    """Make a user, as whom something is asked or said."""
    users.add(engine, name, quota or Quota(), NOW)
    row = kept.named(engine, name)
    assert row is not None
    return Who(row.id, name, frozenset(scopes))


def token(engine: Engine, name: str, *, scopes: Collection[Scope] = USUAL, **more: Any) -> str:
    """Give a user a token and return its text."""
    made = users.give_token(engine, name, scopes, now_ns=NOW, random=os.urandom, **more)
    return made.reveal()


def own(
    engine: Engine, name: bytes, owner: Who | None, file_id: int | None = None, **more: Any
) -> int:
    """Keep that a file of the first root is somebody's, as telling does; return the row's id."""
    columns = {
        "root_id": engine.execute("SELECT min(id) FROM roots")[0][0],
        "directory": b"",
        "name": name,
        "waiting": int(file_id is None),
        "file_id": file_id,
        "owner_id": None if owner is None else owner.user_id,
        "first_told_ns": NOW,
        "told_ns": NOW,
        **more,
    }
    marks = ", ".join("?" * len(columns))
    with engine.joined():
        rows = engine.execute(
            f"INSERT INTO told_files ({', '.join(columns)}) VALUES ({marks}) RETURNING id",
            tuple(columns.values()),
        )
    return int(rows[0][0])


def counted(engine: Engine) -> dict[int, tuple[int, int]]:
    """Return what users have by counting it: files, bytes."""
    rows = engine.execute(
        "SELECT t.owner_id, count(*), coalesce(sum(f.size), 0) FROM told_files t"
        " LEFT JOIN files f ON f.id = t.file_id WHERE t.owner_id IS NOT NULL"
        " AND (f.id IS NULL OR f.state IN ('present', 'held', 'archived', 'trashed'))"
        " GROUP BY t.owner_id"
    )
    return {int(owner): (int(files), int(size)) for owner, files, size in rows}
