"""A proxy in front of an HTTP server that does, request by request, what networks do."""

import contextlib
import http.client
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

LATE = 0.2  # seconds; less than anybody's patience
_CHUNK = 1 << 16


class Fault(StrEnum):
    """What becomes of one request."""

    LATE = "it comes late"
    REFUSED = "the connection is reset before anything"
    HALF_SENT = "the connection is reset in the middle of the request"
    ERROR = "the server says 500 and did nothing"
    BUSY = "the server says 503 and did nothing"
    ERROR_DONE = "the server says 500 and did it"
    REPLY_LOST = "the server did it, and the reply is lost"
    REPLY_NEVER = "the server did it, and never replies"
    REPLY_CUT = "the reply ends in its middle"
    REPLY_WRONG = "the server says 200 to a POST, and the reply says that it failed"
    FLIPPED_THERE = "a byte of the request is changed"
    FLIPPED_BACK = "a byte of the reply is changed"
    SILENT = "nobody ever answers"


class Seen(NamedTuple):
    """A request, as it came."""

    number: int  # from 1
    method: str
    target: str  # path and query


Rule = Callable[[Seen], Fault | None]
Headers = Sequence[tuple[str, str]]


class Reply(NamedTuple):
    """What the server said."""

    status: int
    headers: Headers
    body: bytes


FAILED = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>no</Message></Error>"


class Proxy:
    """Passes on what it gets, but for what its rule says."""

    def __init__(self, upstream: str) -> None:
        self.rule: Rule = lambda _: None
        self.seen: list[Seen] = []
        self.upstream = urlsplit(upstream).netloc
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault_of(self, method: str, target: str) -> Fault | None:
        """Note a request and return what becomes of it."""
        with self._lock:
            seen = Seen(len(self.seen) + 1, method, target)
            self.seen.append(seen)
            return self.rule(seen)

    def close(self) -> None:
        """Let go of everybody who waits."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def proxy_to(upstream: str) -> Iterator[Proxy]:
    """Lend a proxy."""
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False  # whoever closes it waits for what the server is still doing
    allow_reuse_address = True
    request_queue_size = 64
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that a client went away is what happens here."""


class _Handler(socketserver.StreamRequestHandler):
    """One connection, one request."""

    server: _Server
    connection: socket.socket

    def handle(self) -> None:
        words = self.rfile.readline(_CHUNK).decode("latin-1").split()
        if len(words) < 2:
            return None
        method, target = words[:2]
        headers = list(self._headers())
        proxy = self.server.proxy
        fault = proxy.fault_of(method, target)
        if fault is Fault.LATE:
            proxy.over.wait(LATE)
        length = next((int(value) for name, value in headers if name == "content-length"), 0)
        if fault is Fault.REFUSED or (fault is Fault.HALF_SENT and self._half_read(length)):
            return self._reset()
        body = self.rfile.read(length)
        if fault is Fault.SILENT:
            proxy.over.wait()
            return None
        if fault in {Fault.ERROR, Fault.BUSY}:
            status = 500 if fault is Fault.ERROR else 503
            return self._answer(method, Reply(status, [], FAILED))
        if fault is Fault.FLIPPED_THERE:
            body = _flipped(body)
        return self._after(fault, method, self._forward(method, target, headers, body))

    def _after(self, fault: Fault | None, method: str, reply: Reply) -> None:
        """Do what happens to a reply."""
        if fault is Fault.REPLY_LOST:
            return self._reset()
        if fault is Fault.REPLY_NEVER:
            self.server.proxy.over.wait()
            return None
        if fault is Fault.ERROR_DONE:
            reply = Reply(500, [], FAILED)
        if fault is Fault.REPLY_WRONG and method == "POST":
            reply = Reply(200, [], FAILED)
        if fault is Fault.FLIPPED_BACK:
            reply = reply._replace(body=_flipped(reply.body))
        return self._answer(method, reply, cut=fault is Fault.REPLY_CUT)

    def _half_read(self, length: int) -> bool:
        self.rfile.read(length // 2)
        return True

    def _headers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline(_CHUNK).decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            yield name.strip().lower(), value.strip()

    def _forward(self, method: str, target: str, headers: Headers, body: bytes) -> Reply:
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name not in {"connection", "expect"}:
                    connection.putheader(name, value)
            connection.putheader("connection", "close")
            connection.endheaders(body)
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def _answer(self, method: str, reply: Reply, *, cut: bool = False) -> None:
        kept = [
            (name, value)
            for name, value in reply.headers
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}
            or (method == "HEAD" and name.lower() == "content-length")
        ]
        if method != "HEAD":
            kept.append(("content-length", str(len(reply.body))))
        lines = [f"HTTP/1.1 {reply.status} So", *(f"{name}: {value}" for name, value in kept)]
        head = "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")
        whole = head if method == "HEAD" else head + reply.body
        self.wfile.write(whole[: len(whole) - len(reply.body) // 2 - 5] if cut else whole)

    def _reset(self) -> None:
        # With nothing to linger for, closing is a reset.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :] if body else body
