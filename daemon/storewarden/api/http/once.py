"""Requests with a key of their own are carried out once, and answered as often as they come."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final

from storewarden.api.checked import Problem, Wrong
from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.api.http.message import Request, Response
from storewarden.api.http.routes import Call
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import answers
from storewarden.catalogue.told.answers import Answer
from storewarden.errors import CatalogueRefused

HEADER: Final = "Idempotency-Key"
FORM: Final = "[!-~]{1,200}"
_FORM: Final = re.compile(FORM)
_REPLAYED: Final = "Idempotency-Replayed"

Answered = Callable[[Sequence[Done]], Response]


def told(call: Call, deeds: Sequence[Deed], answered: Answered) -> Response:
    """Carry deeds out, and return what ``answered`` makes of it; once, where there is a key.

    The answer is kept in the transaction that keeps the deeds: none is without the other.

    Raises:
        Wrong: it is no key, or it came with another request.
    """
    parts, key = call.parts, call.request.headers.get(HEADER.lower())
    if key is None:
        return answered(parts.teller.tell(deeds, call.who))
    if _FORM.fullmatch(key) is None:
        raise Wrong([Problem(f"/{HEADER}", "is no key", "1 to 200 characters of ASCII")])
    digest = _digest(call.request)
    before = _before(call, key)
    if before is not None:
        return _again(before, digest)

    def keep(engine: Engine, done: Sequence[Done]) -> None:
        made = answered(done)
        kept = Answer(digest, made.status, made.body)
        answers.keep(engine, call.who.user_id, key, kept, parts.clock.wall_ns())

    try:
        return answered(parts.teller.tell(deeds, call.who, keep))
    except CatalogueRefused:
        # the same request came twice in one moment, and the other was first
        before = _before(call, key)
        if before is None:
            raise
        return _again(before, digest)


def _before(call: Call, key: str) -> Answer | None:
    with call.parts.reading:
        return answers.find(call.parts.engine, call.who.user_id, key)


def _again(before: Answer, digest: bytes) -> Response:
    if before.digest != digest:
        hint = "a key belongs to one request: take a new one"
        raise Wrong([Problem(f"/{HEADER}", "came with another request before", hint)])
    return Response(before.status, before.body, headers={_REPLAYED: "true"})


def _digest(request: Request) -> bytes:
    found = hashlib.sha256(f"{request.method} {request.target}\n".encode("latin-1"))
    found.update(request.body)
    return found.digest()
