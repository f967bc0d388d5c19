"""Who asks: known by a token, or by how it came where the configuration allows that."""

from __future__ import annotations

import re
from typing import Final

from storewarden.api.http.message import Request
from storewarden.api.http.parts import Parts
from storewarden.api.http.problems import NOT_KNOWN, Problem
from storewarden.api.who import Who

_BEARER: Final = re.compile(r"bearer +([^ ,]+)", re.IGNORECASE)
_READS: Final = Who(scopes=frozenset({"read"}))
_WRITES: Final = Who(scopes=frozenset({"read", "write"}))
_HERE: Final = frozenset({"localhost", "127.0.0.1", "[::1]", ""})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_REMEDY: Final = "send Authorization: Bearer TOKEN; storewarden user token NAME makes one"


def who(request: Request, parts: Parts) -> Who:
    """Return who asks.

    Raises:
        Problem: a token is needed.
        NotKnown: the one sent does not hold.
    """
    header = request.headers.get("authorization")
    if header is not None:
        match = _BEARER.fullmatch(header.strip())
        if match is None:
            raise Problem(NOT_KNOWN, "this is no token", remedy=_REMEDY)
        return parts.known.who(match[1])
    found = _by_way(request, parts)
    if found is None:
        raise Problem(NOT_KNOWN, "a token is needed here", remedy=_REMEDY)
    return found


def _by_way(request: Request, parts: Parts) -> Who | None:
    """Return who asks by the way it came; None where that says nothing."""
    allowed = parts.settings().api
    if request.peer.socket:
        return {"none": None, "read": _READS, "write": _WRITES}[allowed.socket_without_token]
    reads = allowed.loopback_without_token != "none"  # noqa: S105  # a word of the configuration
    return _READS if reads and _from_here(request) else None


def _from_here(request: Request) -> bool:
    """Whether this machine itself asks: not a proxy on it, and no page that a browser shows.

    A page of a stranger's can have its own name lead to this machine; it then stands in the header
    Host.
    """
    if not request.peer.loopback or any(name in request.headers for name in _FORWARDED):
        return False
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name.lower() in _HERE
