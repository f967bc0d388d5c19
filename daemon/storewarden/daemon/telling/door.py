"""The unix socket that applications speak to: a name in the file system, and who waits there."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from storewarden.config.schema import Listen
from storewarden.measure import listening

log = logging.getLogger(__name__)

_BACKLOG = 256
_PAUSE = 0.1  # seconds
_MAY_PASS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINTR})

Take = Callable[[socket.socket], None]


class Door:
    """Listens at a name; whoever comes is given to ``take``, which serves and closes it."""

    def __init__(self, path: Path, take: Take, *, ours: bool = False) -> None:
        """Listen; ``ours``: whoever still listens there lost the right to that name.

        Raises:
            StorewardenError: nobody can listen there.
        """
        self._path = os.fsencode(path)
        self._take = take
        self._socket = listening.opened(
            Listen("", None, self._path), "api.socket", _BACKLOG, ours=ours
        )
        self._ours = self._stamp()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="api-door", daemon=True)

    def open(self) -> None:
        """Let them come."""
        self._thread.start()
        facts = {"socket": os.fsdecode(self._path)}
        log.info("applications are served", extra={"facts": facts})

    def close(self) -> None:
        """Let nobody come any more, and take the name away."""
        self._closing.set()
        if self._stamp() == self._ours:
            listening.left(self._socket, self._path)
        with contextlib.suppress(OSError):  # wakes the thread that waits
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _wait(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in _MAY_PASS or self._closing.wait(_PAUSE):
                    return
                continue
            self._take(connection)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = os.lstat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino
