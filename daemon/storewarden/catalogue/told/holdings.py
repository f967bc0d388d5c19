"""How much each user has: sums of files and bytes that are kept in step, never counted.

What a user was told to have counts from the telling, its bytes once it is seen, and as long as
anything is kept of it: here, in a store or in the trash. Each told file remembers for whom it
counts, and with how many bytes; so whatever changed, bringing it up to date is a difference.

Whoever changes a file's size or state notes it, in the same transaction; ``settle`` counts what is
noted. Sums stand by user and root: each root has one recorder, so that writers of several hosts do
not wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine

KEPT = ("present", "held", "archived", "trashed")  # the states of a file of which something is kept
_AT_ONCE = 2_000

_COUNTED = (
    "SELECT t.id, t.root_id, t.owner_id, t.held_by, t.held_bytes, t.file_id, f.state, f.size"
    " FROM told_files t LEFT JOIN files f ON f.id = t.file_id"
)


class Holding(NamedTuple):
    """How much a user has, or how much more it has than before."""

    files: int = 0
    bytes: int = 0


def of_users(engine: Engine) -> dict[int, Holding]:
    """Return what each user has, by its id; who has nothing is left out."""
    rows = engine.execute(
        "SELECT user_id, sum(files), sum(bytes) FROM user_totals GROUP BY user_id"
    )
    return {int(user_id): Holding(int(files), int(size)) for user_id, files, size in rows}


def of(engine: Engine, users: Collection[int]) -> dict[int, Holding]:
    """Return what some users have."""
    # summed here: what is grouped stands after the marks
    sums: dict[int, Holding] = {}
    rows = engine.fetch_in(
        "SELECT user_id, files, bytes FROM user_totals WHERE user_id IN ({in})", users
    )
    for user_id, files, size in rows:
        before = sums.get(user_id, Holding())
        sums[user_id] = Holding(before.files + files, before.bytes + size)
    return sums


def note(engine: Engine, file_ids: Collection[int]) -> None:
    """Have files counted anew that are a user's, or were."""
    engine.fetch_in(
        "INSERT INTO uncounted (told_id) SELECT id FROM told_files"
        " WHERE (owner_id IS NOT NULL OR held_by IS NOT NULL) AND file_id IN ({in})"
        " ON CONFLICT (told_id) DO NOTHING",
        file_ids,
    )


def noted(engine: Engine) -> bool:
    """Tell whether anything is to be counted anew."""
    return bool(engine.execute("SELECT 1 FROM uncounted LIMIT 1"))


def settle(engine: Engine) -> bool:
    """Count some of what is noted; True when there may be more."""
    if not noted(engine):
        return False
    with engine.joined():
        rows = engine.execute(
            "DELETE FROM uncounted WHERE told_id IN"
            f" (SELECT told_id FROM uncounted ORDER BY told_id LIMIT {_AT_ONCE}) RETURNING told_id"
        )
        count(engine, [told_id for (told_id,) in rows])
    return len(rows) == _AT_ONCE


def count(engine: Engine, told_ids: Collection[int]) -> dict[int, Holding]:
    """Bring up to date for whom told files count; return how much more each user has."""
    with engine.joined():
        rows = engine.fetch_in(f"{_COUNTED} WHERE t.id IN ({{in}})", told_ids)
        return _change(engine, rows)


def _change(engine: Engine, rows: Iterable[Sequence[Any]]) -> dict[int, Holding]:
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    revised: list[tuple[int | None, int, int]] = []
    for told_id, root_id, owner_id, held_by, held_bytes, file_id, state, size in rows:
        kept = file_id is None or state in KEPT
        holder = owner_id if kept else None
        holds = size if holder is not None and file_id is not None else 0
        if (holder, holds) == (held_by, held_bytes):
            continue
        revised.append((holder, holds, told_id))
        for user_id, sign, counted in ((held_by, -1, held_bytes), (holder, 1, holds)):
            if user_id is not None:
                sum_ = sums[user_id, root_id]
                sum_[0], sum_[1] = sum_[0] + sign, sum_[1] + sign * counted
    engine.update("told_files", ("id",), ("held_by", "held_bytes"), revised)
    return _add(engine, sums)


def _add(engine: Engine, sums: dict[tuple[int, int], list[int]]) -> dict[int, Holding]:
    """Add to the sums, always in the same order: two writers never wait for each other."""
    changed = sorted((key, files, size) for key, (files, size) in sums.items() if files or size)
    engine.executemany(
        "INSERT INTO user_totals (user_id, root_id, files, bytes) VALUES (?, ?, 0, 0)"
        " ON CONFLICT (user_id, root_id) DO NOTHING",
        [key for key, *_ in changed],
    )
    engine.executemany(
        "UPDATE user_totals SET files = files + ?, bytes = bytes + ?"
        " WHERE user_id = ? AND root_id = ?",
        [(files, size, *key) for key, files, size in changed],
    )
    more: dict[int, Holding] = {}
    for (user_id, _), files, size in changed:
        before = more.get(user_id, Holding())
        more[user_id] = Holding(before.files + files, before.bytes + size)
    return more
