"""Single calls and talks are let go of after their time, where one is set; sums stay."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine

_FRESH: Final = re.compile(r"[0-9a-f]{32}")  # made for one call: nobody tells it again after days


class Before(NamedTuple):
    """Before when calls and talks are too old; None where they are kept for ever."""

    usage_ns: int | None = None
    chats_ns: int | None = None


def before(now_ns: int, keep_usage: float, keep_chats: float) -> Before:
    """Return before when what is kept for so many seconds is too old; 0 is for ever."""
    return Before(
        now_ns - int(keep_usage * 1e9) if keep_usage else None,
        now_ns - int(keep_chats * 1e9) if keep_chats else None,
    )


def forget(engine: Engine, host_id: int, old: Before, limit: int) -> int:
    """Let go of some of what is too old; return how many rows that were."""
    gone = 0
    if old.usage_ns is not None:
        gone += _usage(engine, host_id, old.usage_ns, limit)
    if old.chats_ns is not None and gone < limit:
        gone += _chats(engine, host_id, old.chats_ns, limit - gone)
    return gone


def _usage(engine: Engine, host_id: int, before_ns: int, limit: int) -> int:
    rows = engine.execute(
        "SELECT id, user_id, key FROM api_usage WHERE host_id = ? AND at_ns < ?"
        " ORDER BY at_ns LIMIT ?",
        (host_id, before_ns, limit),
    )
    if not rows:
        return 0  # the usual answer, and it costs no transaction
    # An import that is run again tells the same calls under the same keys.
    again = [
        (host_id, user_id or 0, key)
        for _, user_id, key in rows
        if key is not None and not _FRESH.fullmatch(key)
    ]
    with engine.joined():
        engine.executemany(
            "INSERT INTO forgotten_usage (host_id, user_id, key) VALUES (?, ?, ?)"
            " ON CONFLICT (host_id, user_id, key) DO NOTHING",
            again,
        )
        engine.executemany("DELETE FROM api_usage WHERE id = ?", [(row[0],) for row in rows])
    return len(rows)


def _chats(engine: Engine, host_id: int, before_ns: int, limit: int) -> int:
    rows = engine.execute(
        "SELECT id FROM chat_history WHERE host_id = ? AND at_ns < ? ORDER BY at_ns LIMIT ?",
        (host_id, before_ns, limit),
    )
    if rows:
        with engine.joined():
            engine.executemany("DELETE FROM chat_history WHERE id = ?", rows)
    return len(rows)
