"""Errors from what a daemon answered: its problem details, as ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from storewarden.client.errors import (
    AlreadyThere,
    NotAllowed,
    NotKnown,
    NotThere,
    PermanentError,
    QuotaExceeded,
    StorewardenError,
    Unreachable,
    UsageError,
)
from storewarden.client.wire import Answer

_STATUSES: Final[Mapping[int, type[StorewardenError]]] = {
    401: NotKnown,
    403: NotAllowed,
    404: NotThere,
}
_TYPES: Final[Mapping[str, type[StorewardenError]]] = {
    "quota-exceeded": QuotaExceeded,
    "already-there": AlreadyThere,
    "wrong": UsageError,
}
_LATER: Final = frozenset({408, 429, 502, 503, 504})


def refused(answer: Answer, where: str, below: str = "") -> StorewardenError:
    """Return the error that an answer means; pointers begin after ``below``."""
    told = _problem(answer)
    title = str(told.get("title") or f"the daemon answered with {answer.status}")
    why = str(told.get("detail") or "")
    if answer.status in _LATER:
        return Unreachable(title, where=where, why=why, after=_after(answer))
    if isinstance(told.get("errors"), list) and told["errors"]:
        return _wrong(told["errors"], below)
    of_type = str(told.get("type") or "").rpartition("#")[2]
    kind = _TYPES.get(of_type) or _STATUSES.get(answer.status, PermanentError)
    return kind(
        title,
        where=str(told.get("where") or where),
        why=why,
        remedy=str(told.get("remedy") or ""),
    )


def _problem(answer: Answer) -> Mapping[str, Any]:
    if "json" not in answer.headers.get("content-type", ""):
        return {}
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _wrong(errors: list[Mapping[str, Any]], below: str) -> StorewardenError:
    from storewarden.api.checked import Problem, Wrong  # noqa: PLC0415  # when there is a mistake

    return Wrong(
        [
            Problem(
                str(one.get("pointer", "")).removeprefix(below),
                *(str(one.get("detail", "")), str(one.get("hint", ""))),
            )
            for one in errors
        ]
    )


def _after(answer: Answer) -> float:
    try:
        return max(0.0, float(answer.headers.get("retry-after", "0")))
    except ValueError:
        return 0.0  # a date: our own pauses do
