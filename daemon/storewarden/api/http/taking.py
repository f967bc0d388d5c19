"""What a request says, read and checked: its query, its body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from storewarden.api.checked import Problem as Wronged
from storewarden.api.checked import Wrong, read
from storewarden.api.fields import Field, fields_of
from storewarden.api.http.message import Request
from storewarden.api.http.problems import MALFORMED, NO_JSON, Problem

_MOST_QUERIES: Final = 200
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False}


def query(kind: Any, text: str) -> Any:
    """Return what a query asks.

    Raises:
        Wrong: everything that is wrong with it.
    """
    known = {name.removesuffix("_"): field for name, field in fields_of(kind).items()}
    given: dict[str, Any] = {}
    twice: list[Wronged] = []
    for name, value in _pairs(text):
        field = known.get(name)
        if field is not None and field.many:
            given.setdefault(field.name, []).append(value)
        elif name in given or (field is not None and field.name in given):
            twice.append(Wronged(f"/{name}", "is there twice", "ask it once"))
        else:
            given[name if field is None else field.name] = _typed(field, value)
    if twice:
        raise Wrong(twice)
    return read(kind, given)


def body(request: Request) -> Any:
    """Return the JSON of a body.

    Raises:
        Problem: it is none.
    """
    content_type = request.headers.get("content-type", "")
    form, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if form.strip().lower() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise Problem(
            NO_JSON, "the body is of a type that is not taken", remedy="send application/json"
        )
    try:
        return _JSON.decode(request.body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(MALFORMED, "the body is no JSON", why=why) from error


def record(kind: Any, said: Any, names: Mapping[str, str]) -> Any:
    """Return what a body says, and the path beside it.

    Raises:
        Wrong: everything that is wrong with it.
    """
    if not isinstance(said, Mapping):
        return read(kind, said)
    fields = fields_of(kind)
    beside = {name: text for name, text in names.items() if name in fields}
    both = [name for name, text in beside.items() if said.get(name, text) != text]
    if both:
        raise Wrong([Wronged(f"/{name}", "is another than in the path") for name in both])
    return read(kind, {**said, **beside})


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MOST_QUERIES
        )
    except ValueError:
        raise Wrong([Wronged("", f"asks more than {_MOST_QUERIES} things")]) from None


def _typed(field: Field | None, value: str) -> Any:
    """Return a text as the number or truth that it is for; as it is where it is none."""
    if field is None:
        return value
    if field.kind is bool:
        return _TRUTHS.get(value, value)
    if field.kind is int and len(value) < 20 and value.removeprefix("-").isdecimal():  # noqa: PLR2004  # digits
        return int(value)
    return value


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


_JSON: Final = json.JSONDecoder(parse_constant=_no_number)
