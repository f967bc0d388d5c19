"""One signed request to an S3 server, with an end in time; what obstore cannot ask goes here."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from storewarden.store.blame import Place, from_answer, no_answer
from storewarden.store.limits import Limits
from storewarden.store.signing import (
    Keys,
    Query,
    Unsigned,
    signed_headers,
    written_path,
    written_query,
)

_PIECE: Final = 256 << 10  # each has `read` seconds to leave; a whole part would share them
_WORKED: Final = range(200, 300)
_AGAIN: Final = {408, 425, 429, 500, 502, 503, 504}


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes

    @property
    def worked(self) -> bool:
        # A long request is answered 200 before it is done: then only the body says that it failed.
        return self.status in _WORKED and b"<Error>" not in self.body[:1024]

    @property
    def code(self) -> str:
        """The server's word for what went wrong."""
        _, found, rest = self.body.partition(b"<Code>")
        return rest.partition(b"</Code>")[0].decode("ascii", "replace")[:64] if found else ""

    @property
    def worth_again(self) -> bool:
        return self.status in _AGAIN or (self.status in _WORKED and not self.worked)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: of an object, or of the bucket where there is no key."""

    method: str
    key: str = ""
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is, and what all keys of ours in it begin with."""

    endpoint: str
    name: str
    prefix: str  # "" or "some/thing/"
    region: str


class Wire:
    """Asks an S3 server. May be used by many threads: each request has a connection of its own."""

    def __init__(
        self,
        store: str,
        bucket: Bucket,
        keys: Callable[[], Keys],
        limits: Limits,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store, self.bucket, self.limits = store, bucket, limits
        self._keys, self._now, self._sleep = keys, now, sleep
        self._address = urlsplit(bucket.endpoint)

    def ask(self, request: Request, what: str, *, attempts: int | None = None) -> Answer:
        """Return an answer that says it worked; what may pass is asked again.

        Raises:
            StorewardenError: it did not work; translated.
        """
        place = Place(self.store, request.key)
        left = attempts or self.limits.attempts
        pause = self.limits.pause
        while True:
            left -= 1
            try:
                answer = self._once(request)
            except (OSError, http.client.HTTPException) as error:
                if not left:
                    words = f"{type(error).__name__} {error}"
                    raise no_answer(words, what, place) from None
            else:
                if answer.worked:
                    return answer
                if not left or not answer.worth_again:
                    status = 500 if answer.status in _WORKED else answer.status
                    raise from_answer(status, answer.code, what, place)
            self._sleep(pause)
            pause *= 2

    def _once(self, request: Request) -> Answer:
        path = written_path("/".join(filter(None, ("", self.bucket.name, self._object(request)))))
        path = path if path.startswith("/") else f"/{path}"
        query = written_query(request.query)
        unsigned = Unsigned(
            request.method,
            self._address.netloc,
            path,
            query,
            request.headers,
            sha256(request.body).hexdigest(),
        )
        headers = signed_headers(unsigned, self._keys(), self.bucket.region, self._now())
        headers |= {"content-length": str(len(request.body)), "connection": "close"}
        with self._connection() as connection:
            body = _pieces(request.body) if request.body else None
            target = f"{path}?{query}" if query else path
            connection.request(request.method, target, body, headers, encode_chunked=False)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())

    def _object(self, request: Request) -> str:
        return self.bucket.prefix + request.key if request.key else ""

    @contextlib.contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """Lend a connection that is cut when the time of a request is over."""
        connection = self._new()
        try:
            connection.connect()
            connection.sock.settimeout(self.limits.read)
            end = threading.Timer(self.limits.request, _cut, [connection.sock])
            end.daemon = True
            end.start()
            try:
                yield connection
            finally:
                end.cancel()
        finally:
            connection.close()

    def _new(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        timeout = self.limits.connect
        if self._address.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=timeout)
        context = ssl.create_default_context()
        proxy = None if proxy_bypass(host) else getproxies().get("https")
        if not proxy:
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        by = urlsplit(proxy)
        connection = http.client.HTTPSConnection(
            by.hostname or "", by.port, timeout=timeout, context=context
        )
        connection.set_tunnel(host, port)
        return connection


def _pieces(body: bytes) -> Iterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(body), _PIECE):
        yield view[start : start + _PIECE]


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Of the plain socket: that of TLS would take its state away under whoever reads.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
