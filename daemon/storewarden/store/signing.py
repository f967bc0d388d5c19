"""Signatures of S3 requests (AWS Signature Version 4); pure.

Only for what obstore cannot ask: uploads in parts that never overwrite, and what was left of them.
The whole body is in the signature, so a byte changed on the way is refused by the server.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"  # beside letters and digits: RFC 3986, as the signature wants it

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Keys:
    """Who asks, and the secret that proves it."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request before it is signed; ``path`` is written as it goes over the wire."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body_sha256: str


def written_path(path: str) -> str:
    """Return a path as a request holds it."""
    return quote(path, safe="/" + _UNRESERVED)


def written_query(query: Query) -> str:
    """Return a query as a request holds it, in the order of the signature."""
    pairs = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in query
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(request: Unsigned, keys: Keys, region: str, now: datetime) -> dict[str, str]:
    """Return all headers of a request, its signature among them."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    headers |= {
        "host": request.host,
        "x-amz-content-sha256": request.body_sha256,
        "x-amz-date": stamp,
    }
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        (
            request.method,
            request.path,
            request.query,
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            request.body_sha256,
        )
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return headers | {
        "authorization": f"{_ALGORITHM} Credential={keys.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    }
