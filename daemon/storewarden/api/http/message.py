"""Requests and responses, and how they look on a connection.

Read by ourselves: what the standard library's parser takes for one head is longer than what a deed
takes. Strict: what two programs could read in two ways is refused, so that nothing can be smuggled
behind a proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NamedTuple

HEAD_BYTES: Final = 64 * 1024
BODY_BYTES: Final = 8 * 1024 * 1024

_FIRST: Final = re.compile(
    r"(?P<method>[A-Z]{1,20}) (?P<target>[\x21-\x7e\x80-\xff]{1,60000}) HTTP/1\.(?P<minor>[01])"
)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_ONCE: Final = frozenset({"content-length", "host", "authorization", "transfer-encoding"})
_REASONS: Final = {one.value: one.phrase for one in HTTPStatus}


class Malformed(Exception):
    """What came is no request that may be answered; the connection ends with this status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status, self.why = status, why


class Peer(NamedTuple):
    """Who is at the other end: by a unix socket the process, else an address."""

    socket: bool = False
    loopback: bool = False
    uid: int = -1
    pid: int = 0
    address: str = ""

    def __str__(self) -> str:
        """Name it for a log."""
        return f"process {self.pid} of user {self.uid}" if self.socket else self.address


NOBODY: Final = Peer()


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of a request and its headers; names of headers are in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    keep: bool = True  # whether another request may follow
    modern: bool = True  # HTTP/1.1: takes a body in chunks

    @property
    def length(self) -> int | None:
        """The bytes of the body; None where it comes in chunks."""
        if "transfer-encoding" in self.headers:
            return None
        return int(self.headers.get("content-length", "0"))


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    peer: Peer = NOBODY


@dataclass(slots=True)
class Response:
    """What is answered: all of a body, or a stream that may never end."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None

    def head(self, *, keep: bool, modern: bool = True) -> bytes:
        """Return what comes before the body."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\nServer: storewarden\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in self.headers.items()]
        if self.status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Type: {self.content_type}\r\n")
            if self.stream is None:
                lines.append(f"Content-Length: {len(self.body)}\r\n")
            elif modern:
                lines.append("Transfer-Encoding: chunked\r\n")
        lines.append("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")
        lines.append("\r\n" if keep else "Connection: close\r\n\r\n")
        return "".join(lines).encode("latin-1")


def read_head(data: bytes) -> Head:
    """Return the head that these bytes are, without the empty line that ends it.

    Raises:
        Malformed: they are none, or one that could be read in two ways.
    """
    first, *lines = data.decode("latin-1").split("\r\n")
    match = _FIRST.fullmatch(first)
    if match is None:
        raise Malformed(400, "the first line is no request of HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or _NAME.fullmatch(name) is None or _UNSAFE.search(value):
            raise Malformed(400, "a line of the head is no header")
        name, value = name.lower(), value.strip(" \t")
        if name in headers:
            if name in _ONCE:
                raise Malformed(400, f"there are two headers {name}")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    modern = match["minor"] == "1"
    _framed(headers, modern=modern)
    wish = headers.get("connection", "").lower()
    keep = "close" not in wish if modern else "keep-alive" in wish
    return Head(match["method"], _origin(match["target"]), headers, keep, modern)


def _framed(headers: Mapping[str, str], *, modern: bool) -> None:
    """Refuse what does not say plainly where the request ends."""
    if modern and "host" not in headers:
        raise Malformed(400, "there is no header host")
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None or not modern:
            raise Malformed(400, "the body has two lengths")
        if coding.lower() != "chunked":
            raise Malformed(400, "only chunked is known as transfer-encoding")
    elif length is not None:
        if _LENGTH.fullmatch(length) is None:
            raise Malformed(400, "the content-length is no number")
        if int(length) > BODY_BYTES:
            raise Malformed(413, f"a body has at most {BODY_BYTES:,} bytes")


def _origin(target: str) -> str:
    """Return the path and query of a target; a proxy is sent whole URLs."""
    if target.startswith("/"):
        return target
    if target.startswith(("http://", "https://")):
        _, _, rest = target.partition("://")
        _, slash, path = rest.partition("/")
        return slash + path or "/"
    raise Malformed(400, "the target is no path")
