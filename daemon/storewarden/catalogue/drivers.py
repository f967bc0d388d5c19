"""Decide, before peewee is first imported, which drivers it may bring along.

Peewee imports psycopg wherever it is installed: 16 MB and 50 ms that a SQLite catalogue has no use
for. Nothing here imports anything of the room, so that it can come first.
"""

from __future__ import annotations

import sys
from importlib import import_module

SERVERS = ("postgresql://", "postgres://")
_DRIVERS = ("psycopg", "psycopg2", "psycopg2cffi")


def is_server(url: str) -> bool:
    """Tell whether a catalogue's address means PostgreSQL."""
    return url.startswith(SERVERS)


def choose(url: str) -> None:
    """Import peewee without what the address does not need; too late, it does nothing."""
    if is_server(url) or "peewee" in sys.modules:
        return
    hidden = [name for name in _DRIVERS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # the way to say: not to be imported
    try:
        for name in ("peewee", "playhouse.apsw_ext", "playhouse.pool"):
            import_module(name)
    finally:
        for name in hidden:
            del sys.modules[name]
