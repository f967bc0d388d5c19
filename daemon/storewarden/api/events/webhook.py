"""Events by HTTP POST, signed: as Standard Webhooks has it, for which there are libraries.

What is signed with HMAC-SHA256 is ``ID.TIMESTAMP.BODY``; the id is the same whenever the same is
sent again, so that a receiver may know what it has had.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from storewarden import __version__
from storewarden.api.events.credentials import Credentials
from storewarden.api.events.sink import Message
from storewarden.errors import ListenerAway, ListenerRefused
from storewarden.measure.shown import shown

_AWAY: Final = frozenset({408, 425, 429, 502, 503, 504})  # it, or what stands before it, cannot now
_ANSWER: Final = 64 << 10  # bytes of an answer that are read
_WORDS: Final = 200  # characters of it that are told
_LATEST: Final = 3600.0


class Webhook:
    """Posts events to a URL."""

    def __init__(
        self,
        name: str,
        url: str,
        timeout: float,
        credentials: Callable[[], Credentials],
        wall_ns: Callable[[], int],
    ) -> None:
        self._name, self._parts, self._timeout = name, urlsplit(url), timeout
        self._credentials, self._wall_ns = credentials, wall_ns
        self._connection: http.client.HTTPConnection | None = None
        self._tls: ssl.SSLContext | None = None
        self._used = False  # whether it served before, and so may have been left meanwhile

    def send(self, messages: Sequence[Message]) -> None:
        """Post all of these in one request."""
        body = self._body(messages)
        headers = self._headers(messages, body)
        try:
            status, words, later = self._posted(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise self._away(shown(why)) from None
        if status in _AWAY:
            raise self._away(f"it answers {status}", later)
        if not 200 <= status < 300:  # noqa: PLR2004  # what HTTP calls success
            why = f"it answers {status}" + (f": {words}" if words else "")
            raise ListenerRefused("a listener refuses an event", where=self._where, why=why)

    def close(self) -> None:
        """Let go of the connection; also of one that another thread waits at."""
        connection, self._connection, self._used = self._connection, None, False
        if connection is not None:
            connection.auto_open = 0  # who is just sending must not connect anew
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _posted(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, float]:
        """Return status, first words and the wish to wait; once more if the connection was left."""
        again = self._used
        try:
            return self._once(body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not again:
                raise
            self.close()
            return self._once(body, headers)

    def _once(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, float]:
        connection = self._connection = self._connection or self._opened()
        target = self._parts.path or "/"
        if self._parts.query:
            target += f"?{self._parts.query}"
        connection.request("POST", target, body, headers)
        answer = connection.getresponse()
        told = answer.read(_ANSWER)
        self._used = answer.isclosed()
        if not self._used:  # there is more, which nobody wants
            self.close()
        words = shown(told[: _WORDS * 4])[:_WORDS]
        return answer.status, words, _seconds(answer.getheader("Retry-After", ""))

    def _opened(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            self._tls = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _body(self, messages: Sequence[Message]) -> bytes:
        events = ",".join(message.text for message in messages)
        return f'{{"listener":"{self._name}","events":[{events}]}}'.encode("ascii")

    def _headers(self, messages: Sequence[Message], body: bytes) -> dict[str, str]:
        known = self._credentials()
        if not known.secrets:
            raise self._away(f"there is no secret to sign with; give one as listener.{self._name}")
        id_ = message_id(messages)
        stamp = self._wall_ns() // 1_000_000_000
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"storewarden/{__version__}",
            "webhook-id": id_,
            "webhook-timestamp": str(stamp),
            "webhook-signature": " ".join(
                signature(secret, id_, stamp, body) for secret in known.secrets
            ),
        }
        if known.token:
            headers["Authorization"] = f"Bearer {known.token}"
        return headers

    def _away(self, why: str, later: float = 0.0) -> ListenerAway:
        what = "a listener cannot be told"
        return ListenerAway(what, where=self._where, why=why, later=later)

    @property
    def _where(self) -> str:
        host = self._parts.netloc.rpartition("@")[2]
        return f"{self._parts.scheme}://{host}{self._parts.path}"


def signature(secret: bytes, id_: str, stamp: int, body: bytes) -> str:
    """Return the signature of a message as it stands in its header."""
    signed = hmac.new(secret, b"%b.%d.%b" % (id_.encode(), stamp, body), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def message_id(messages: Sequence[Message]) -> str:
    """Return the id of a message: of the same events always the same."""
    digest = hashlib.blake2b(digest_size=16)
    for message in messages:
        digest.update(message.id.encode() + b"\n")
    return f"msg_{digest.hexdigest()}"


def _seconds(text: str) -> float:
    """Return for how long a receiver wants to be left alone, as far as it says so in seconds."""
    return min(float(text), _LATEST) if text.isascii() and text.isdigit() else 0.0
