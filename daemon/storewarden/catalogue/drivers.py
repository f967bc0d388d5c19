"""Decide, before peewee is first imported, which drivers it may bring along.

Peewee imports psycopg wherever it is installed: 16 MB and 50 ms that a SQLite catalogue has no use
for; and itself takes 10 ms, which who only reads a few rows need not wait. Nothing here imports
anything of the room, so that it can come first.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

SERVERS = ("postgresql://", "postgres://")
_DRIVERS = ("psycopg", "psycopg2", "psycopg2cffi")
_needless: Final[set[str]] = set()


def is_server(url: str) -> bool:
    """Tell whether a catalogue's address means PostgreSQL."""
    return url.startswith(SERVERS)


def choose(url: str) -> None:
    """Have peewee come without what the address does not need; too late, it does nothing."""
    if is_server(url):
        _needless.clear()
    else:
        _needless.update(_DRIVERS)


def bring() -> None:
    """Import peewee with what was chosen, unless it is there."""
    if "peewee" in sys.modules:
        return
    hidden = [name for name in _needless if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # the way to say: not to be imported
    try:
        for name in ("peewee", "playhouse.apsw_ext", "playhouse.pool"):
            import_module(name)
    finally:
        for name in hidden:
            del sys.modules[name]
