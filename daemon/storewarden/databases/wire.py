"""What goes between a process that works on a database and the one that asked for it.

Lines of JSON; bytes travel as text. What the child says is not believed: it may have been taken
over by the file that it looked at, so that a line is bounded and its errors are only of our kinds.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from storewarden import errors
from storewarden.errors import DatabaseUnusable, StorewardenError

MOST_LINE: Final = 16 << 20
"""Bytes of the longest line that is read."""

_BYTES: Final = "__bytes__"
_LONGEST: Final = 4_000  # characters of each part of an error


def packed(document: Mapping[str, Any]) -> bytes:
    """Return a document as one line."""
    return json.dumps(document, default=_as_text).encode() + b"\n"


def unpacked(line: bytes) -> dict[str, Any]:
    """Return the document of a line.

    Raises:
        ValueError: it holds none.
    """
    try:
        document = json.loads(line, object_hook=_as_bytes)
    except (RecursionError, binascii.Error) as error:
        raise ValueError(str(error)) from None
    if not isinstance(document, dict):
        raise ValueError("is no object")  # noqa: TRY004  # it is what arrived that is wrong
    return document


def of_error(error: StorewardenError) -> dict[str, str]:
    """Return an error as a document."""
    return {
        "type": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "why": error.why,
        "remedy": error.remedy,
    }


def to_error(document: object) -> StorewardenError:
    """Return the error of a document; one of no kind of ours is DatabaseUnusable."""
    told = document if isinstance(document, dict) else {}
    kind = getattr(errors, str(told.get("type", "")), DatabaseUnusable)
    if not (isinstance(kind, type) and issubclass(kind, StorewardenError)):
        kind = DatabaseUnusable
    if issubclass(kind, errors.ConfigError):
        kind = DatabaseUnusable
    what, where, why, remedy = (
        str(told.get(part, ""))[:_LONGEST] for part in ("what", "where", "why", "remedy")
    )
    return kind(what or "a database cannot be worked on", where=where, why=why, remedy=remedy)


def _as_text(value: object) -> dict[str, str]:
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} does not travel")


def _as_bytes(found: dict[str, Any]) -> Any:
    text = found.get(_BYTES)
    if len(found) == 1 and isinstance(text, str):
        return base64.b64decode(text, validate=True)
    return found
