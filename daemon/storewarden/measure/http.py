"""A small HTTP server on loopback: /metrics for Prometheus, /healthz and /readyz for whoever asks.

Every request has a thread of its own, at most ``THREADS`` of them, ten seconds to be sent and ten
to be answered: who dawdles holds up one thread for that long and nobody else. A connection carries
one request, so that none is kept by idle clients.
"""

from __future__ import annotations

import contextlib
import errno
import http.server
import io
import json
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from storewarden.errors import StorewardenError
from storewarden.measure.metrics import Metrics, compressed

log = logging.getLogger(__name__)

THREADS = 32
SECONDS = 10.0
HEADER_BYTES = 16 * 1024
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
INDEX = """\
<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Storewarden</title>
<h1>Storewarden</h1>
<ul>
<li><a href="/metrics">/metrics</a> figures for Prometheus
<li><a href="/healthz">/healthz</a> does every part get on?
<li><a href="/readyz">/readyz</a> is every root watched?
</ul>
<p>What each figure tells: docs/reference/metrics.md. On a terminal: <code>storewarden status</code>
"""
TEXT, HTML, JSON = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"

Stuck = Callable[[], Mapping[str, float]]
Waiting = Callable[[], Sequence[str]]


class Answer:
    """What is sent back: a status, a type, a body and headers beside the usual ones."""

    def __init__(self, status: HTTPStatus, content_type: str, body: bytes, **headers: str) -> None:
        self.status, self.content_type, self.body = status, content_type, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Server:
    """Serves the faces of one daemon until it is stopped.

    Args:
        metrics: what /metrics shows.
        stuck: names of workers that do not get on, with the seconds since they last did.
        waiting: what the daemon still waits for before it is ready; empty when it is.
    """

    def __init__(self, metrics: Metrics, *, stuck: Stuck, waiting: Waiting) -> None:
        self._metrics = metrics
        self._stuck = stuck
        self._waiting = waiting
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self, host: str, port: int) -> None:
        """Listen on an address (port 0: any free one) or raise what to do about it."""
        try:
            self._listener = Listener(host, port, self.answer)
        except (OSError, OverflowError) as error:
            raise _cannot_listen(host, port, error) from error
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(3600.0,), name="http", daemon=True
        )
        self._thread.start()
        log.info("metrics are served", extra={"facts": {"url": f"{self.url}/metrics"}})

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really bound; ("", 0) when not listening."""
        if self._listener is None:
            return "", 0
        host, port = self._listener.server_address[:2]
        return str(host), int(port)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:9747``, or "" when not listening."""
        host, port = self.address
        if not host:
            return ""
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """Listen no more; requests under way end by themselves, within ten seconds or with us."""
        if self._listener is None or self._thread is None:
            return
        self._listener.stop()
        self._thread.join()
        self._listener = self._thread = None

    def answer(self, target: str, accept: str = "", encodings: str = "") -> Answer:
        """Return the answer to GET ``target`` with these Accept headers; no I/O."""
        url = urlsplit(target)
        if url.path == "/metrics":
            return self._figures(parse_qs(url.query), accept, encodings)
        if url.path == "/healthz":
            return self._health()
        if url.path == "/readyz":
            return self._readiness()
        if url.path == "/":
            return Answer(HTTPStatus.OK, HTML, INDEX.encode())
        return Answer(HTTPStatus.NOT_FOUND, TEXT, b"not here; try /metrics /healthz /readyz\n")

    def _figures(self, query: Mapping[str, list[str]], accept: str, encodings: str) -> Answer:
        content_type, body = self._metrics.expose(accept, query.get("name[]", ()))
        if not accepts_gzip(encodings):
            return Answer(HTTPStatus.OK, content_type, body, Vary="Accept-Encoding")
        return Answer(
            HTTPStatus.OK,
            content_type,
            compressed(body),
            Content_Encoding="gzip",
            Vary="Accept-Encoding",
        )

    def _health(self) -> Answer:
        stuck = {name: round(seconds, 1) for name, seconds in sorted(self._stuck().items())}
        return _verdict(not stuck, "stuck" if stuck else "ok", stuck_seconds=stuck)

    def _readiness(self) -> Answer:
        waiting = list(self._waiting())
        return _verdict(not waiting, "waiting" if waiting else "ready", waiting=waiting)


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections and gives each a thread, as long as there are any left."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, answer: Callable[[str, str, str], Answer]) -> None:
        self.answer = answer
        self._free = threading.BoundedSemaphore(THREADS)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        super().__init__(found[0][4][:2], Handler)  # type: ignore[arg-type]  # (host, port, …)

    def stop(self) -> None:
        """End ``serve_forever``, which may be asleep: a socket that is shut down wakes it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self.server_close()

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
        """Answer one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

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
        self.rfile = io.BufferedReader(Limited(self.connection, SECONDS, HEADER_BYTES))

    def handle(self) -> None:
        """Answer one request and no second."""
        self.close_connection = True
        with contextlib.suppress(TimeoutError, TooLong, ConnectionError):
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

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, or raise TimeoutError or TooLong."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        if self._left <= 0:
            raise TooLong
        self._connection.settimeout(remaining)
        got = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= got
        return got


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it."""
    for part in header.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _verdict(good: bool, status: str, **details: object) -> Answer:  # noqa: FBT001  # it is the subject
    code = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    body = json.dumps({"status": status, **details}) + "\n"
    return Answer(code, JSON, body.encode())


def _cannot_listen(host: str, port: int, error: Exception) -> StorewardenError:
    why = getattr(error, "strerror", None) or str(error)
    remedies = {
        errno.EADDRINUSE: f"`ss -ltnp 'sport = :{port}'` names who has it; "
        "http.listen in the configuration takes another",
        errno.EADDRNOTAVAIL: "no interface of this machine has that address",
        errno.EACCES: "ports below 1024 need privileges: take a higher one",
    }
    number = getattr(error, "errno", None)
    return StorewardenError(
        "metrics cannot be served",
        where=f"{host}:{port}",
        why=why,
        remedy=remedies.get(number or 0, "http.listen in the configuration says where"),
    )
