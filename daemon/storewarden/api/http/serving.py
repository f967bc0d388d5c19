"""Connections served: each in a thread, in its place, until it or the daemon ends."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from typing import Final

from storewarden.api.http.application import Application
from storewarden.api.http.connection import Connection
from storewarden.api.http.message import Peer
from storewarden.api.http.places import Place, Places
from storewarden.api.http.problems import TOO_MANY, Problem, told

log = logging.getLogger(__name__)

_CREDENTIALS: Final = struct.Struct("3i")
_LOOPBACK: Final = ("127.", "::1", "::ffff:127.")


class Serving:
    """Serves connections of an application, from whichever socket they come."""

    def __init__(self, application: Application, places: Places | None = None) -> None:
        self._application = application
        self.places = places or Places()

    def begin(self, connection: socket.socket) -> None:
        """Serve a connection in a thread of its own, and close it in the end."""
        place = self.places.take(connection)
        if place is None:
            self._turn_away(connection)
            return
        thread = threading.Thread(
            target=self._to_its_end, args=(connection, place), name="api", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had from the system
            place.leave()
            self._turn_away(connection)

    def serve(self, connection: socket.socket, ahead: bytes = b"") -> None:
        """Serve a connection in this thread; who gave it closes it."""
        place = self.places.take(connection)
        if place is None:
            self._turn_away(connection, close=False)
        else:
            self._serve(connection, place, ahead)

    def _to_its_end(self, connection: socket.socket, place: Place) -> None:
        try:
            self._serve(connection, place)
        finally:
            connection.close()

    def _serve(self, connection: socket.socket, place: Place, ahead: bytes = b"") -> None:
        try:
            served = Connection(connection, peer_of(connection), place, ahead)
            served.serve(self._application.answer, self._application.refuse)
        except OSError as error:
            log.debug("a connection ended", extra={"facts": {"error": repr(error)}})
        finally:
            place.leave()

    def _turn_away(self, connection: socket.socket, *, close: bool = True) -> None:
        answer = told(Problem(TOO_MANY, "there are too many connections"))
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(0.1)
            connection.sendall(answer.head(keep=False) + answer.body)
        if close:
            connection.close()


def peer_of(connection: socket.socket) -> Peer:
    """Return who is at the other end."""
    if connection.family == socket.AF_UNIX:
        told_by = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(told_by)
        return Peer(socket=True, loopback=True, uid=uid, pid=pid)
    with contextlib.suppress(OSError):  # TCP only: a keystroke of a deed waits for no other
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    address = str(connection.getpeername()[0])
    return Peer(loopback=address.startswith(_LOOPBACK), address=address)
