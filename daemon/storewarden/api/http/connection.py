"""One connection: request after request, each within its time, until one side has enough."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Protocol

from storewarden.api.http.message import (
    BODY_BYTES,
    HEAD_BYTES,
    Head,
    Malformed,
    Peer,
    Request,
    Response,
    read_head,
)

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 75.0  # between two requests
READ_SECONDS: Final = 10.0  # for all of a head, and
_BODY_SECONDS: Final = 30.0  # for all of a body
_SEND_SECONDS: Final = 10.0
_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 65_536
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_END: Final = b"\r\n\r\n"
_LAST: Final = Head("GET", "", {}, keep=False)
_NO_BODY: Final = frozenset({204, 304})

Answer = Callable[[Request], Response]
Refuse = Callable[[Malformed], Response]


class Place(Protocol):
    """Where a connection says what it does, and hears whether it shall end."""

    def busy(self) -> None:
        """A request came."""
        ...

    def idle(self) -> bool:
        """It was answered; return whether another may come."""
        ...


class Gone(Exception):
    """The other side went away, or took too long."""


class Connection:
    """A connection that is served by one thread."""

    def __init__(
        self, connection: socket.socket, peer: Peer, place: Place, ahead: bytes = b""
    ) -> None:
        """Serve a connection; ``ahead`` was read from it already."""
        self._socket, self._peer, self._place = connection, peer, place
        self._rest = ahead

    def serve(self, answer: Answer, refuse: Refuse) -> None:
        """Answer what comes until there is no more. Raises nothing that the other side causes."""
        with contextlib.suppress(Gone, OSError, ssl.SSLError, ValueError):
            while self._one(answer, refuse):
                pass

    def _one(self, answer: Answer, refuse: Refuse) -> bool:
        if not self._rest and not self._arrives():
            return False
        self._place.busy()
        try:
            head = self._head()
            body = self._body(head)
        except Malformed as wrong:
            self._send(refuse(wrong), _LAST)
            self._linger()
            return False
        response = answer(Request(head.method, head.target, head.headers, body, self._peer))
        keep = self._place.idle() and head.keep and response.stream is None
        self._send(response, head if keep else replace(head, keep=False))
        return keep

    def _arrives(self) -> bool:
        """Wait for the next request; an empty line before it is nothing."""
        self._socket.settimeout(IDLE_SECONDS)
        self._rest = self._socket.recv(_AT_ONCE)
        return bool(self._rest)

    # -- reading -------------------------------------------------------------------------------

    def _head(self) -> Head:
        deadline = 0.0
        while True:
            if self._rest[:2] == b"\r\n":
                self._rest = self._rest[2:]
            end = self._rest.find(_END)
            if end >= 0:
                break
            if len(self._rest) > HEAD_BYTES:
                break
            deadline = deadline or time.monotonic() + READ_SECONDS
            self._more(deadline)
        if not 0 <= end <= HEAD_BYTES:
            raise Malformed(431, f"a head has at most {HEAD_BYTES:,} bytes")
        data, self._rest = self._rest[:end], self._rest[end + len(_END) :]
        return read_head(data)

    def _body(self, head: Head) -> bytes:
        length = head.length
        if length == 0:
            return b""
        if head.headers.get("expect", "").lower() == "100-continue" and not self._rest:
            self._socket.settimeout(_SEND_SECONDS)
            self._socket.sendall(_CONTINUE)
        deadline = time.monotonic() + _BODY_SECONDS
        return self._chunks(deadline) if length is None else self._exactly(length, deadline)

    def _exactly(self, size: int, deadline: float) -> bytes:
        if len(self._rest) < size:
            parts, have = [self._rest], len(self._rest)
            while have < size:
                parts.append(self._received(deadline))
                have += len(parts[-1])
            self._rest = b"".join(parts)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _chunks(self, deadline: float) -> bytes:
        parts: list[bytes] = []
        have = 0
        while size := self._chunk_size(deadline):
            have += size
            if have > BODY_BYTES:
                raise Malformed(413, f"a body has at most {BODY_BYTES:,} bytes")
            parts.append(self._exactly(size, deadline))
            if self._exactly(2, deadline) != b"\r\n":
                raise Malformed(400, "a chunk is longer than it says")
        while self._line(deadline):
            pass  # trailers, of which nobody needs any
        return b"".join(parts)

    def _chunk_size(self, deadline: float) -> int:
        match = _CHUNK.fullmatch(self._line(deadline))
        if match is None:
            raise Malformed(400, "a chunk does not say its length")
        return int(match[1], 16)

    def _line(self, deadline: float) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > HEAD_BYTES:
                raise Malformed(400, "a chunk does not say its length")
            self._more(deadline)
        line, self._rest = self._rest[:end], self._rest[end + 2 :]
        return line

    def _more(self, deadline: float) -> None:
        self._rest += self._received(deadline)

    def _received(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Malformed(408, "the request did not come in time")
        self._socket.settimeout(left)
        try:
            piece = self._socket.recv(_AT_ONCE)
        except TimeoutError:
            raise Malformed(408, "the request did not come in time") from None
        if not piece:
            raise Gone
        return piece

    # -- sending -------------------------------------------------------------------------------

    def _send(self, response: Response, head: Head) -> None:
        self._socket.settimeout(_SEND_SECONDS)
        first = response.head(keep=head.keep, modern=head.modern)
        if response.stream is None:
            bare = head.method == "HEAD" or response.status in _NO_BODY
            self._socket.sendall(first if bare else first + response.body)
            return
        try:
            self._socket.sendall(first)
            if head.method != "HEAD":
                self._flow(response.stream, chunked=head.modern)
        finally:
            close = getattr(response.stream, "close", None)
            if close is not None:
                close()

    def _flow(self, pieces: Iterator[bytes], *, chunked: bool) -> None:
        for piece in pieces:
            self._socket.settimeout(_SEND_SECONDS)
            if piece:
                self._socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self._socket.sendall(b"0\r\n\r\n")

    def _linger(self) -> None:
        """Let the answer arrive: closing over what is still being sent would take it away."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
        deadline, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
        while left > 0 and (seconds := deadline - time.monotonic()) > 0:
            self._socket.settimeout(seconds)
            piece = self._socket.recv(_AT_ONCE)
            if not piece:
                return
            left -= len(piece)
