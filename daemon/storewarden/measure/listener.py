"""Connections: each with a thread of its own, limited in number, size and time.

At most ``THREADS`` of them at once, ten seconds to be sent and ten to be answered: who dawdles
holds up one thread for that long and nobody else. A connection carries one request, so that none is
kept by idle clients. One that begins with a request below ``/api`` is given to a guest, which keeps
it as long as it likes and has threads of its own.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import logging
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from storewarden.measure.web import OPEN, Gate, Web

log = logging.getLogger(__name__)

THREADS = 32
SECONDS = 10.0
HEADER_BYTES = 16 * 1024
_KNOCK = 0.1  # seconds
_GUESTS = b"/api"
_ENDS = frozenset({b"/", b" ", b"?"})
_SOME = 4096
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TEXT, HTML, JSON = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"


class Answer:
    """What is sent back: a status, a type, a body and headers beside the usual ones."""

    def __init__(self, status: HTTPStatus, content_type: str, body: bytes, **headers: str) -> None:
        self.status, self.content_type, self.body = status, content_type, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


WHO = Answer(
    HTTPStatus.UNAUTHORIZED,
    TEXT,
    b"401 a name and a password, please\n",
    WWW_Authenticate='Basic realm="storewarden", charset="UTF-8"',
)


Guest = Callable[[socket.socket, bytes], None]
"""Takes a connection over, with what was read from it; it is closed afterwards."""


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections and gives each a thread, as long as there are any left."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        listening: socket.socket,
        answer: Callable[[str, str, str], Answer],
        web: Web | None = None,
        guest: Guest | None = None,
    ) -> None:
        """Take a socket that listens."""
        self.answer = answer
        self.guest = guest
        self._guests: set[int] = set()  # threads that serve a guest's connection
        self._web = web
        self._free = threading.BoundedSemaphore(THREADS)
        address = listening.getsockname()
        socketserver.BaseServer.__init__(self, address, Handler)
        self.socket = listening

    def gate(self) -> Gate:
        """Return what a connection has to pass."""
        return self._web.gate() if self._web is not None else OPEN

    def stop(self, *, ours: bool = True) -> None:
        """End ``serve_forever``, which may be asleep: a socket that is shut down wakes it.

        Not one that systemd handed over: it would be shut down for systemd as well, and the next
        daemon gets it. There a connection of our own wakes it.
        """
        if ours:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.shutdown()
        else:
            ending = threading.Thread(target=self.shutdown, name="http-end", daemon=True)
            ending.start()
            while ending.is_alive():
                self._knock()
                ending.join(_KNOCK)
        self.server_close()

    def _knock(self) -> None:
        with contextlib.suppress(OSError), socket.socket(self.socket.family) as ours:
            ours.settimeout(_KNOCK)
            ours.connect(self.socket.getsockname())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or turn it away at once."""
        if not self._free.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.settimeout(0)
                request.send(BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads to be had from the system
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection once it passed: a client may take its time here, nowhere else."""
        try:
            super().process_request_thread(self._passed(request), client_address)
        except OSError as error:  # no TLS, or not ours
            log.debug("a connection was refused", extra={"facts": {"error": repr(error)}})
            self.shutdown_request(request)
        finally:
            if threading.get_ident() in self._guests:
                self._guests.discard(threading.get_ident())
            else:
                self._free.release()

    def hand_over(self, guest: Guest, connection: socket.socket, ahead: bytes) -> None:
        """Let a guest serve a connection in this thread, which counts as ours no longer."""
        self._guests.add(threading.get_ident())
        self._free.release()
        guest(connection, ahead)

    def _passed(self, request: socket.socket) -> socket.socket:
        context = self.gate().context
        if context is None:
            return request
        request.settimeout(SECONDS)  # for the handshake as a whole
        return context.wrap_socket(request, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the base's
        """Say little: the client went away, or sent what is no HTTP."""
        log.debug("a request was not answered", extra={"facts": {"error": repr(sys.exception())}})


class Handler(http.server.BaseHTTPRequestHandler):
    """Reads one request and sends the server's answer to it."""

    server: Listener
    protocol_version = "HTTP/1.1"
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = TEXT
    timeout = SECONDS

    def version_string(self) -> str:
        """Name the program and no version: that is /metrics' to tell."""
        return "storewarden"

    def setup(self) -> None:
        """Read through a limit on time and size, see ``Limited``."""
        super().setup()
        self._limited = Limited(self.connection, SECONDS, HEADER_BYTES)
        self.rfile = io.BufferedReader(self._limited)

    def handle(self) -> None:
        """Answer one request and no second; or leave the connection to a guest."""
        self.close_connection = True
        with contextlib.suppress(TimeoutError, TooLong, ConnectionError, ssl.SSLError):
            guest = self.server.guest
            if guest is not None and self._limited.begins_with(_GUESTS):
                self.server.hand_over(guest, self.connection, self._limited.ahead)
            else:
                self.handle_one_request()

    def do_GET(self) -> None:
        """Send headers and body."""
        self._send(body=True)

    def do_HEAD(self) -> None:
        """Send headers only."""
        self._send(body=False)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse the request; a method we do not have is 405, as the standard names it."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            body = b"405 only GET and HEAD\n"
            self._reply(Answer(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, body, Allow="GET, HEAD"))
            return
        super().send_error(code, message, explain)

    def _send(self, *, body: bool) -> None:
        self.connection.settimeout(SECONDS)  # for all of the answer
        passwords = self.server.gate().passwords
        if passwords is not None and not passwords.allow(self.headers.get("Authorization", "")):
            self._reply(WHO, body=body)
            return
        try:
            answer = self.server.answer(
                self.path,
                self.headers.get("Accept", ""),
                self.headers.get("Accept-Encoding", ""),
            )
        except Exception:
            log.exception("an answer could not be made", extra={"facts": {"target": self.path}})
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, TEXT, b"see the log\n")
        self._reply(answer, body=body)

    def _reply(self, answer: Answer, *, body: bool = True) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Say nothing: a scrape is no news."""


class TooLong(Exception):
    """A request is longer than anybody honest needs."""


class Limited(io.RawIOBase):
    """A socket to read from, for so many seconds and so many bytes in all.

    A time-out on each read would be renewed with every byte that a slow client sends.
    """

    def __init__(self, connection: socket.socket, seconds: float, size: int) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = time.monotonic() + seconds
        self._left = size
        self.ahead = b""  # read from the socket, and by nobody else yet

    def begins_with(self, path: bytes) -> bool:
        """Whether the request is for a path, or for what is below it."""
        while True:
            _, found, target = self.ahead.partition(b" ")
            if len(target) > len(path) or (found and not path.startswith(target)):
                return target.startswith(path) and target[len(path) : len(path) + 1] in _ENDS
            if b"\n" in self.ahead or len(self.ahead) > self._left:
                return False
            piece = bytearray(_SOME)
            got = self._receive(piece)
            if not got:
                return False
            self.ahead += piece[:got]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, or raise TimeoutError or TooLong."""
        if self.ahead:
            got = min(len(buffer), len(self.ahead))
            buffer[:got], self.ahead = self.ahead[:got], self.ahead[got:]
            return got
        return self._receive(buffer)

    def _receive(self, buffer: Any) -> int:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        if self._left <= 0:
            raise TooLong
        self._connection.settimeout(remaining)
        got = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= got
        return got
