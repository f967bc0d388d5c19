"""Connections of a program that only reads, as an engine asks a pool for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Readers:
    """One connection for each thread that reads; peewee's pool would have to be imported."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._open = connect
        self._mine = threading.local()
        self._turn = threading.Lock()
        self._idle: list[Any] = []

    def connect(self, *, reuse_if_open: bool) -> bool:
        """Make sure that this thread has a connection; True when it had none."""
        if reuse_if_open and not self.is_closed():
            return False
        with self._turn:
            connection = self._idle.pop() if self._idle else None
        self._mine.connection = self._open() if connection is None else connection
        return True

    def connection(self) -> Any:
        """Return the connection of this thread."""
        return self._mine.connection

    def is_closed(self) -> bool:
        """Tell whether this thread has none."""
        return getattr(self._mine, "connection", None) is None

    def close(self) -> None:
        """Give the connection of this thread to whoever needs one next."""
        connection, self._mine.connection = self._mine.connection, None
        with self._turn:
            self._idle.append(connection)

    def manual_close(self) -> None:
        """Close the connection of this thread."""
        connection, self._mine.connection = self._mine.connection, None
        connection.close()

    def close_idle(self) -> None:
        """Close those that nobody uses."""
        with self._turn:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
