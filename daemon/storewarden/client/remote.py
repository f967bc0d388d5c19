"""Through a daemon: deeds and questions over its socket or URL, tried until it answers."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.client.address import Address
from storewarden.client.backend import Question, told_once
from storewarden.client.errors import Closed
from storewarden.client.patience import Deadline, Patience
from storewarden.client.refusing import refused
from storewarden.client.said import fresh_key
from storewarden.client.taken import taken
from storewarden.client.wire import Answer, Connections

if TYPE_CHECKING:  # for who listens
    from storewarden.client.happened import Event

_AGENT = "storewarden-client"
_WELL = 300  # the first status that is no success


class Remote:
    """One daemon, by its address; a token where one is needed."""

    def __init__(
        self,
        address: Address,
        token: str | None,
        timeout: float,
        patience: Patience | None = None,
    ) -> None:
        self._address, self.timeout = address, timeout
        self._connections = Connections(address)
        self._patience = patience or Patience()
        self._head = _head(address, token)
        self._closed = False

    def tell(self, deeds: Sequence[Deed]) -> list[Done]:
        """Keep all of the deeds, or none of them."""
        try:
            body = _json({"deeds": [_told(deed) for deed in deeds]})
        except (TypeError, ValueError, RecursionError):
            from storewarden.client.checking import check_all  # noqa: PLC0415  # for a mistake

            check_all(deeds)  # which says what it is that no JSON can hold
            raise
        more = {"Idempotency-Key": fresh_key()} if any(map(told_once, deeds)) else {}
        below = "/deeds" if len(deeds) > 1 else "/deeds/0"  # as they were told, not as they went
        answer = self._send("POST", "/deeds", body, more, below)
        return [taken(Done, one) for one in json.loads(answer.body)["done"]]

    def ask(self, question: Question) -> Any:
        """Return the record that answers a question."""
        from storewarden.client.answers import record_of  # noqa: PLC0415  # 30 ms, for who asks

        answer = self._send("GET", _path(question))
        return taken(record_of(question.name), json.loads(answer.body))

    def events(
        self, kinds: Sequence[str], terms: Sequence[str], after: str | None, seconds: float | None
    ) -> Generator[Event, None, None]:
        """Yield what happens, as the daemon sends it; what breaks is taken up where it broke."""
        from storewarden.client.hearing import Hearing  # noqa: PLC0415  # for who listens

        path = _path(Question("events", ("events",), {"event": kinds, "term": terms}))
        head = f"GET {self._address.base}{path} HTTP/1.1\r\n{self._head}"
        return Hearing(self._connections, head, self._patience, self.timeout).events(
            after, seconds, lambda: self._closed
        )

    def close(self) -> None:
        """Close what is connected."""
        self._closed = True
        self._connections.close()

    def __str__(self) -> str:
        return self._address.shown

    def _send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        more: Mapping[str, str] | None = None,
        below: str = "",
    ) -> Answer:
        request = self._request(method, path, body, more or {})

        def attempt(deadline: Deadline) -> Answer:
            if self._closed:
                raise Closed("this client was closed", where=self._address.shown)
            answer = self._connections.ask(request, deadline)
            if answer.status >= _WELL:
                raise refused(answer, self._address.shown, below)
            return answer

        return self._patience.keep_on(attempt, Deadline(self.timeout))

    def _request(self, method: str, path: str, body: bytes, more: Mapping[str, str]) -> bytes:
        lines = [f"{method} {self._address.base}{path} HTTP/1.1\r\n", self._head]
        lines += [f"{name}: {value}\r\n" for name, value in more.items()]
        if body:
            lines.append(f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
        return "".join((*lines, "\r\n")).encode("latin-1") + body


def _head(address: Address, token: str | None) -> str:
    head = f"Host: {address.host_header}\r\nUser-Agent: {_AGENT}\r\nAccept: application/json\r\n"
    if token is None:
        return head
    if not token.isascii() or not token.isprintable() or " " in token:
        # said here: a daemon that is sent half a token could only say that it knows nobody
        raise ValueError("a token is one word of letters, digits, _ and -")
    return f"{head}Authorization: Bearer {token}\r\n"


def _path(question: Question) -> str:
    at = question.at if question.file is None else _of_file(question.name, question.file)
    path = "".join("/" + quote(os.fsencode(part), safe="") for part in at)
    told: list[tuple[str, bytes]] = []
    for name, value in question.query.items():
        if value is None:
            continue
        several = value if isinstance(value, tuple | list) else (value,)
        told += [(name, os.fsencode(str(one))) for one in several]
    return f"{path}?{urlencode(told)}" if told else path


def _of_file(name: str, file: int | str) -> tuple[str, ...]:
    return ("files", str(file)) if name == "file" else ("files", str(file), name)


def _told(deed: Deed) -> dict[str, Any]:
    """Return a deed as JSON has it: what is not said is left out."""
    kind: Any = type(deed)
    name, defaults = _fields(kind)
    told: dict[str, Any] = {"deed": name}
    for field, default in defaults:
        value = getattr(deed, field)
        if value is not None and value != default:
            told[field] = value
    return told


@cache
def _fields(kind: Any) -> tuple[str, tuple[tuple[str, Any], ...]]:
    name = kind.__name__.removeprefix("Tell").lower()
    return name, tuple((one.name, one.default) for one in fields(kind))


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return dict(value)
    return {one.name: getattr(value, one.name) for one in fields(value)}
