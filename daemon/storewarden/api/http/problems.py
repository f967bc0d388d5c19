"""Errors as problem details (RFC 9457): a status, what it is, where, why, and what helps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from storewarden.api.checked import Wrong
from storewarden.api.http.message import Malformed, Response
from storewarden.errors import (
    AlreadyThere,
    CatalogueRefused,
    ConfigError,
    NotAllowed,
    NotKnown,
    NotThere,
    PlaceTaken,
    PolicyError,
    QuotaExceeded,
    StorewardenError,
    UsageError,
)
from storewarden.measure.shown import shown, without_secrets

CONTENT_TYPE: Final = "application/problem+json"
_AGAIN_SECONDS: Final = "1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, the last word of its type, and what it is."""

    status: int
    name: str
    about: str

    @property
    def uri(self) -> str:
        """What tells it from all others; the index page says more of it."""
        return f"/api/v1/#{self.name}"


MALFORMED: Final = Kind(400, "malformed", "This is no request, or no JSON.")
NOT_KNOWN: Final = Kind(401, "not-known", "A token is needed, or the one sent does not hold.")
NOT_ALLOWED: Final = Kind(403, "not-allowed", "Who asks is known, and may not do that.")
QUOTA: Final = Kind(403, "quota-exceeded", "A user has as much as it may have.")
NOT_THERE: Final = Kind(404, "not-there", "There is no such thing, or it may not be seen.")
NO_METHOD: Final = Kind(405, "no-such-method", "What is there does not take this method.")
TOO_SLOW: Final = Kind(408, "too-slow", "The request did not come in time.")
CONFLICT: Final = Kind(409, "conflict", "What is there already stands against it.")
ALREADY_THERE: Final = Kind(409, "already-there", "There is such a thing already.")
TOO_LARGE: Final = Kind(413, "too-large", "The body is larger than is taken.")
NO_JSON: Final = Kind(415, "no-json", "The body is of another type than application/json.")
WRONG: Final = Kind(422, "wrong", "What was said or asked cannot be; `errors` tells all of it.")
TOO_MANY: Final = Kind(429, "too-many", "As many as there may be do the same just now.")
LONG_HEAD: Final = Kind(431, "long-head", "The head of the request is too long.")
LATER: Final = Kind(503, "later", "The catalogue cannot be reached or written just now.")
OURS: Final = Kind(500, "our-fault", "A mistake of the program; its log has more.")

KINDS: Final = (
    *(MALFORMED, NOT_KNOWN, NOT_ALLOWED, QUOTA, NOT_THERE, NO_METHOD, TOO_SLOW),
    *(CONFLICT, ALREADY_THERE, TOO_LARGE, NO_JSON, WRONG, TOO_MANY, LONG_HEAD, LATER),
)
_OF_STATUS: Final = {kind.status: kind for kind in (MALFORMED, TOO_SLOW, TOO_LARGE, LONG_HEAD)}
_OF_ERRORS: Final[tuple[tuple[type[StorewardenError], Kind], ...]] = (
    (NotKnown, NOT_KNOWN),
    (NotAllowed, NOT_ALLOWED),
    (NotThere, NOT_THERE),
    (QuotaExceeded, QUOTA),
    (AlreadyThere, ALREADY_THERE),
    (PlaceTaken, CONFLICT),
    (CatalogueRefused, CONFLICT),
    (PolicyError, CONFLICT),  # of whoever administers: who asks cannot mend it
)


class Problem(StorewardenError):
    """A problem of the interface itself, of a kind that no other error means."""

    def __init__(self, kind: Kind, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.kind = kind


def told(error: StorewardenError) -> Response:
    """Return the answer that an error means."""
    kind = kind_of(error)
    details: dict[str, Any] = {"type": kind.uri, "title": error.what or kind.about}
    details["status"] = kind.status
    said = {"detail": error.why, "where": error.where, "remedy": error.remedy}
    details |= {name: text for name, text in said.items() if text}
    if isinstance(error, Wrong):
        details["errors"] = [
            _left_out({"pointer": one.pointer, "detail": one.what, "hint": one.hint})
            for one in error.problems
        ]
        details.pop("where", None)
    elif isinstance(error, ConfigError):
        details["errors"] = [{"pointer": "", "detail": line} for line in error.problems]
    headers = {}
    if kind is LATER or kind is TOO_MANY:
        headers["Retry-After"] = _AGAIN_SECONDS
    if kind is NOT_KNOWN:
        headers["WWW-Authenticate"] = 'Bearer realm="storewarden"'
    return _response(kind, details, headers)


def malformed(wrong: Malformed) -> Response:
    """Return the answer to what is no request."""
    kind = _OF_STATUS[wrong.status]
    details = {"type": kind.uri, "title": kind.about, "status": kind.status, "detail": wrong.why}
    return _response(kind, details, {})


def our_fault() -> Response:
    """Return the answer when the program made a mistake."""
    details = {"type": OURS.uri, "title": OURS.about, "status": OURS.status}
    return _response(OURS, details, {})


def kind_of(error: StorewardenError) -> Kind:
    """Return of which kind an error is."""
    if isinstance(error, Problem):
        return error.kind
    for kind_of_error, kind in _OF_ERRORS:
        if isinstance(error, kind_of_error):
            return kind
    if isinstance(error, Wrong | UsageError | ConfigError):
        return WRONG
    return LATER if error.transient or _is_ours(error) else CONFLICT


def _is_ours(error: StorewardenError) -> bool:
    """Whether it is about our own catalogue, which an administrator mends."""
    return type(error).__name__.startswith(("Catalogue", "Lease", "Held"))


def _left_out(told: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in told.items() if text or name == "pointer"}


def _response(kind: Kind, details: dict[str, Any], headers: dict[str, str]) -> Response:
    body = json.dumps(_harmless(details), ensure_ascii=False).encode()
    return Response(kind.status, body, CONTENT_TYPE, headers)


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(shown(value))
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {name: _harmless(one) for name, one in value.items()}
    return value
