"""From what a column holds to what a deed takes: as JSON has it, so that the same checks follow."""

from __future__ import annotations

import json
import math
import os
import re
from base64 import b64decode
from collections import abc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from storewarden.api.adopting.fitting import Source
from storewarden.api.adopting.kinds import Value
from storewarden.api.adopting.language import UNITS
from storewarden.api.fields import Field
from storewarden.config.problems import shown
from storewarden.databases.contents import BYTES, LONG

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BILLIONTH: Final = Decimal("1e-9")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DIGITS: Final = re.compile(r"[0-9]{9,19}(\.[0-9]{1,9})?")
_TRUE, _FALSE = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off")
_SHORT: Final = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
_LIST: Final = 1000


class Odd(Exception):
    """A value that cannot be taken, and why; ``column`` where it is one of several."""

    def __init__(self, why: str, column: str = "") -> None:
        super().__init__(why)
        self.why, self.column = why, column


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the values of fields; a time that tells no zone is one of ``zone``."""

    zone: tzinfo = UTC

    def made(self, field: Field, source: Source, row: Sequence[Any]) -> Any:
        """Return what is said of a field, None where the row holds nothing.

        Raises:
            Odd: what it holds can be nothing that belongs there.
        """
        value = source.value
        if value.constant is not None:
            return self._single(field, value, value.constant)
        if field.nested:
            return self._phases(source, row)
        if field.kind is abc.Mapping:
            return _gathered(source, row)
        held = row[source.at[0]]
        if empty(held):
            return value.otherwise
        if field.many:
            return _tags(_plain(held))
        return self._single(field, value, held)

    def _single(self, field: Field, value: Value, held: Any) -> Any:
        plain = _path(held) if field.shape.path else _plain(held)
        if value.words or field.shape.one_of:
            return _word(field, value, _text(plain))
        if field.shape.moment:
            return self._moment(plain)
        if field.kind is str:
            return _put(field, value, _text(plain))
        return _number(field, value, plain)

    def _moment(self, held: Any) -> str:
        if isinstance(held, str) and not _DIGITS.fullmatch(held.strip()):
            try:
                when = datetime.fromisoformat(held.strip())
            except ValueError:
                raise Odd(f"{shown(held)} is no time") from None
            return (when if when.tzinfo else when.replace(tzinfo=self.zone)).isoformat()
        number = _amount(held)
        try:
            # how large a number is tells what it counts: between 1980 and 5138 there is no doubt
            factor = next((f for below, f in _SHORT if abs(number) < below), Decimal("0.001"))
            when = _EPOCH + timedelta(microseconds=int(number * factor))
        except OverflowError:
            raise Odd(f"{held} is no time") from None
        return when.isoformat()

    def _phases(self, source: Source, row: Sequence[Any]) -> list[dict[str, Any]] | None:
        """Return parts of a workflow: names with what is said of each, or a list of them."""
        found: list[dict[str, Any]] = []
        for at, name in zip(source.json_at, source.names[len(source.at) :], strict=True):
            held = row[at]
            if empty(held):
                continue
            told = _json(held, name)
            if isinstance(told, dict):
                told = [
                    {"name": key, **(one if isinstance(one, dict) else {"status": one})}
                    for key, one in told.items()
                ]
            if not isinstance(told, list):
                raise Odd("is no list of phases", name)
            found += [self._phase(one, source.value, name) for one in told[:_LIST]]
        return found or None

    def _phase(self, told: Any, value: Value, column: str) -> dict[str, Any]:
        one = told if isinstance(told, dict) else {"name": told}
        made: dict[str, Any] = {}
        for name, others in _PHASE.items():
            held = next((one[key] for key in (name, *others) if not empty(one.get(key))), None)
            if held is None:
                continue
            if not isinstance(held, str | int | float) or isinstance(held, bool):
                raise Odd(f"a phase whose {name} is {shown(str(held))}", column)
            if name == "status":
                held = dict(value.words).get(str(held).strip().lower(), held)
            made[name] = self._moment(held) if name in {"started", "ended"} else str(held)
        return made


_PHASE: Final = {
    "name": ("phase", "id"),
    "status": ("state",),
    "started": ("started_at", "start"),
    "ended": ("ended_at", "completed_at", "finished_at", "end"),
    "detail": ("message", "error"),
}


@cache
def zone(name: str) -> tzinfo:
    """Return a time zone that there is."""
    return UTC if name == "UTC" else ZoneInfo(name)


def empty(held: Any) -> bool:
    """Whether a column holds nothing."""
    return held is None or held == ""


def _plain(held: Any) -> Any:
    if isinstance(held, dict):
        if LONG in held:
            raise Odd(f"is {held[LONG]:,} bytes long")
        raise Odd("is bytes, and no text")
    return held


def _path(held: Any) -> Any:
    """Return a path as Python has it: bytes that are no UTF-8 are kept in it."""
    if isinstance(held, dict) and BYTES in held:
        return os.fsdecode(b64decode(held[BYTES]))
    return _plain(held)


def _text(held: Any) -> str:
    if isinstance(held, float) and held.is_integer() and abs(held) < 2**53:
        return str(int(held))
    return str(held)


def _put(field: Field, value: Value, text: str) -> str:
    told = value.form.replace("{}", text)
    most = field.shape.most
    if value.cut and most is not None:
        told = " ".join(told.split())
        told = told if len(told) <= most else f"{told[: most - 1]}…"
    return told


def _word(field: Field, value: Value, text: str) -> str:
    word = text.strip()
    meant = dict(value.words).get(word.lower())
    if meant is not None:
        return meant
    if not field.shape.one_of:
        return value.otherwise or text
    if word.lower() in field.shape.one_of:
        return word.lower()
    if value.otherwise is not None:
        return value.otherwise
    known = ", ".join(field.shape.one_of)
    raise Odd(f"{shown(text)} is none of {known}: say in words: of the map what it means")


def _number(field: Field, value: Value, held: Any) -> Any:
    if field.kind is bool:
        return _truth(held)
    if field.kind is int:
        return _whole(held)
    if field.kind is Decimal:
        return str(_amount(held).quantize(_BILLIONTH))
    return float(_amount(held)) * UNITS[value.unit]


def _truth(held: Any) -> bool:
    word = _text(held).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Odd(f"{shown(word)} is neither yes nor no")


def _whole(held: Any) -> int:
    if isinstance(held, str) and _WHOLE.fullmatch(held.strip()):
        return int(held)
    if isinstance(held, float) and held.is_integer():
        return int(held)
    if not isinstance(held, int):
        raise Odd(f"{shown(str(held))} is no whole number")
    return held


def _amount(held: Any) -> Decimal:
    try:
        number = Decimal(str(held).strip())
    except InvalidOperation:
        raise Odd(f"{shown(str(held))} is no number") from None
    if not number.is_finite() or abs(number) > 10**19:
        raise Odd(f"{shown(str(held))} is no number that can be")
    return number


def _tags(held: Any) -> list[str]:
    text = str(held).strip()
    told: Any = _json(text, "") if text.startswith("[") else text.split(",")
    words = [str(one).strip() for one in told if not isinstance(one, dict | list)]
    return list(dict.fromkeys(word for word in words if word))


def _gathered(source: Source, row: Sequence[Any]) -> dict[str, Any] | None:
    """Return columns under their names, beside what JSON says."""
    found: dict[str, Any] = {}
    names = source.names
    for at, name in zip(source.json_at, names[len(source.at) :], strict=True):
        if empty(row[at]):
            continue
        told = _json(row[at], name)
        found |= told if isinstance(told, dict) else {name: told}
    for at, name in zip(source.at, names, strict=False):
        held = row[at]
        if held is None:
            continue
        try:
            found[name] = _plain(held)
        except Odd as odd:
            raise Odd(odd.why, name) from None
        if isinstance(held, float) and not math.isfinite(held):
            raise Odd("is infinite", name)
    return found or None


def _json(held: Any, column: str) -> Any:
    try:
        text = _plain(held)
    except Odd as odd:
        raise Odd(odd.why, column) from None
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Odd(f"is no JSON: {error}", column) from None
