"""Peewee over SQLite connections that are opened by us: for who writes, or has queries rendered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from storewarden.catalogue import drivers

drivers.bring()

from playhouse.apsw_ext import APSWDatabase  # noqa: E402  # peewee's drivers are chosen first
from playhouse.pool import _PooledSqliteDatabase  # noqa: E402

CONNECTIONS = 6  # threads of the daemon that may read or write in one moment


class Opened(APSWDatabase):
    """Peewee's face of apsw, over connections that are opened by us."""

    _open: Callable[[], apsw.Connection]

    def _connect(self) -> apsw.Connection:
        return self._open()


class Pool(_PooledSqliteDatabase, Opened):
    """Peewee's pool of them."""

    def __init__(self, path: Path, connect: Callable[[], apsw.Connection], patience: float) -> None:
        self._open = connect
        super().__init__(str(path), max_connections=CONNECTIONS, timeout=patience)

    def _is_closed(self, conn: apsw.Connection) -> bool:  # noqa: ARG002  # peewee asks with it
        return False  # only the pool closes them

    def _can_reuse(self, conn: apsw.Connection) -> bool:
        return not conn.in_transaction
