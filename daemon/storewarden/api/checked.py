"""Deeds from what somebody sent: everything that is wrong is told at once, each with its place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, NamedTuple, TypeVar

from storewarden.api import shapes
from storewarden.api.fields import MOST_ITEMS, Field, fields_of
from storewarden.api.shapes import Shape
from storewarden.config.problems import did_you_mean, shown
from storewarden.errors import PermanentError

DEEPEST = 20
MISSING = "is missing"
_MOST_PROBLEMS = 100
_EXACT = 2**53
_NANO = Decimal(1_000_000_000)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_BYTE = re.compile("[\x00\ud800-\udc7f\udd00-\udfff]")
_EARLIEST = datetime(1678, 1, 1, tzinfo=UTC)
_LATEST = datetime(2262, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Kind = TypeVar("_Kind")


class Problem(NamedTuple):
    """One thing that is wrong: a JSON pointer to it, what it is, and what may help."""

    pointer: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        line = f"{self.pointer or 'all of it'}: {self.what}"
        return f"{line}; {self.hint}" if self.hint else line


class Wrong(PermanentError):
    """What was said cannot be meant; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems[:_MOST_PROBLEMS])
        first = self.problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(
            "what was said is wrong",
            where=first.pointer,
            why=first.what + more,
            remedy=first.hint,
        )


def read(kind: type[_Kind], fields: Mapping[str, Any], below: str = "") -> _Kind:
    """Return the deed that a JSON object says; ``below`` is the pointer to that object.

    Raises:
        Wrong: everything that is wrong with it.
    """
    problems: list[Problem] = []
    made = _made(kind, fields, below, problems)
    if not problems:
        problems += _together(made, below)
    if problems:
        raise Wrong(problems)
    return made  # type: ignore[no-any-return]  # without problems it was made


def check(deed: Any) -> None:
    """Accept a deed that a program made, or refuse it as ``read`` would.

    Raises:
        Wrong: everything that is wrong with it.
    """
    problems = _within(deed, "")
    if not problems:
        problems += _together(deed, "")
    if problems:
        raise Wrong(problems)


def moment_ns(when: str) -> int:
    """Return a time that was checked, in nanoseconds since 1970."""
    since = datetime.fromisoformat(when) - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def nanos(cost: Decimal) -> int:
    """Return an amount of money that was checked, in billionths."""
    return int(cost * _NANO)


# -- fields ------------------------------------------------------------------------------------

_Check = Callable[[Any], Any]  # returns the value as it is kept, or raises _No


class _No(Exception):
    """A value is not what it must be."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.what, self.hint = what, hint


def _made(kind: Any, given: object, below: str, problems: list[Problem]) -> Any:
    if not isinstance(given, Mapping):
        problems.append(Problem(below, f"is {_told(given)}", "write an object: {…}"))
        return None
    known, checks = fields_of(kind), _checks(kind)
    values: dict[str, Any] = {}
    for name, value in given.items():
        field = known.get(name)
        pointer = f"{below}/{escaped(str(name))}"
        if field is None:
            problems.append(Problem(pointer, "is not known here", _near(str(name), known)))
        elif value is None and not field.required:
            continue
        else:
            values[name] = _one(field, checks[name], value, pointer, problems)
    for name, field in known.items():
        if field.required and name not in given:
            problems.append(Problem(f"{below}/{name}", MISSING, field.shape.words))
    return None if problems else kind(**values)


def _one(field: Field, check: _Check, value: Any, pointer: str, problems: list[Problem]) -> Any:
    if not field.many:
        return _single(field, check, value, pointer, problems)
    if not isinstance(value, list | tuple):
        problems.append(Problem(pointer, f"is {_told(value)}", "write a list: […]"))
        return None
    if len(value) > MOST_ITEMS:
        problems.append(Problem(pointer, f"has {len(value)} items", f"at most {MOST_ITEMS}"))
        return None
    return tuple(
        _single(field, check, one, f"{pointer}/{place}", problems)
        for place, one in enumerate(value)
    )


def _single(field: Field, check: _Check, value: Any, pointer: str, problems: list[Problem]) -> Any:
    if field.nested:
        return _made(field.kind, value, pointer, problems)
    try:
        return check(value)
    except _No as no:
        problems.append(Problem(pointer, no.what, no.hint or field.shape.words))
        return None


def _within(deed: Any, below: str) -> list[Problem]:
    problems: list[Problem] = []
    kind: Any = type(deed)
    checks = _checks(kind)
    for name, field in fields_of(kind).items():
        value = getattr(deed, name)
        if value is None and not field.required:
            continue
        pointer = f"{below}/{name}"
        if field.nested and field.many and isinstance(value, list | tuple):
            for place, one in enumerate(value):
                if isinstance(one, field.kind):
                    problems += _within(one, f"{pointer}/{place}")
                else:
                    problems.append(Problem(f"{pointer}/{place}", f"is {_told(one)}"))
        else:
            _one(field, checks[name], value, pointer, problems)
    return problems


def _together(deed: Any, below: str) -> Iterable[Problem]:
    """Say what is wrong with fields only beside one another."""
    kind: Any = type(deed)
    known = fields_of(kind)
    if "workflow" in known and "scene" in known:
        workflow, scene = getattr(deed, "workflow", None), getattr(deed, "scene", None)
        if scene is not None and workflow is None:
            yield Problem(f"{below}/scene", "is of no workflow", "say the workflow too")
    if "started" in known and "ended" in known:
        started, ended = getattr(deed, "started", None), getattr(deed, "ended", None)
        if started and ended and moment_ns(ended) < moment_ns(started):
            yield Problem(f"{below}/ended", "is before it started", "are they exchanged?")
    phases = getattr(deed, "phases", ())
    names: set[str] = set()
    for place, phase in enumerate(phases):
        yield from _together(phase, f"{below}/phases/{place}")
        if phase.name in names:
            yield Problem(f"{below}/phases/{place}/name", "is there twice", "say each phase once")
        names.add(phase.name)


# -- values ------------------------------------------------------------------------------------


@cache
def _checks(kind: Any) -> dict[str, _Check]:
    return {name: _checker(field.kind, field.shape) for name, field in fields_of(kind).items()}


def _checker(kind: type, shape: Shape) -> _Check:
    if kind is str:
        return _texts(shape)
    if kind is bool:
        return _truth
    if kind is int:
        return lambda value: _bounded(_whole(value), shape)
    if kind is float:
        return lambda value: _bounded(_number(value), shape)
    if kind is Decimal:
        return lambda value: _bounded(_money(value), shape)
    return lambda value: _anything(value, shape)


def _texts(shape: Shape) -> _Check:
    pattern = re.compile(shape.pattern) if shape.pattern else None
    least, most = shape.least or 0, shape.most or shapes.TEXT
    unkeepable = _NO_BYTE if shape.path else _SURROGATE
    choices = shape.one_of

    def text(value: Any) -> str:
        if not isinstance(value, str):
            raise _No(f"is {_told(value)}")
        if choices and value not in choices:
            known = f"one of {', '.join(choices)}"
            raise _No(f"is {shown(value)}", did_you_mean(value, list(choices), known))
        if not least <= len(value) <= most:
            long = "is empty" if not value else f"has {len(value)} characters"
            raise _No(long, f"{shape.words}: {least} to {most} characters")
        if not value.isascii() and unkeepable.search(value):
            raise _No("holds half of a character (a lone surrogate)")
        if pattern is not None and pattern.fullmatch(value) is None:
            raise _No(f"is {shown(value)}")
        if shape.moment:
            _moment(value)
        return value

    return text


def _moment(value: str) -> None:
    try:
        when = datetime.fromisoformat(value)
    except ValueError as error:
        raise _No(f"is {shown(value)}") from error
    if when.tzinfo is None:
        raise _No("is of no time zone", "write Z, or +01:00, behind it")
    if not _EARLIEST <= when < _LATEST:
        raise _No("is too far away", "from 1678 to 2261")


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _No(f"is {_told(value)}", "true or false")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    raise _No(f"is {_told(value)}", "a whole number")


def _number(value: Any) -> float:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise _No(f"is {_told(value)}", "a number")


def _money(value: Any) -> Decimal:
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            raise _No(f"is {_told(value)}", "an amount, as 0.0125") from None
        if amount.is_finite():
            return amount
    raise _No(f"is {_told(value)}", "an amount, as 0.0125")


def _bounded(value: Any, shape: Shape) -> Any:
    least, most = shape.least, shape.most
    if (least is not None and value < least) or (most is not None and value > most):
        raise _No(f"is {_figure(value)}", f"{shape.words}: {least} to {most:,}")
    return value


def _anything(value: Any, shape: Shape) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _No(f"is {_told(value)}", "write an object: {…}")
    _keepable(value, 0)
    try:
        size = len(json.dumps(value, ensure_ascii=False, default=dict))
    except (TypeError, ValueError, RecursionError) as error:
        raise _No(f"is no JSON ({error})") from error
    if shape.most is not None and size > shape.most:
        raise _No(f"is {size:,} characters of JSON", f"at most {shape.most:,}")
    return value


def _keepable(value: Any, depth: int) -> None:
    """Refuse what no JSON, or no database, can hold."""
    if depth > DEEPEST:
        raise _No("is nested too deeply", f"at most {DEEPEST} levels")
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str):
                raise _No(f"has a key that is {_told(name)}", "keys are texts")
            _keepable(name, depth)
            _keepable(one, depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            _keepable(one, depth + 1)
    else:
        _keepable_alone(value)


def _keepable_alone(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
            raise _No("holds a character that cannot be kept", "no NUL, no lone surrogate")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _No("holds a number that is none", "no NaN, no Infinity")
    elif not (value is None or isinstance(value, int | bool)):
        raise _No(f"holds what is no JSON: {type(value).__name__}")


# -- words -------------------------------------------------------------------------------------


def escaped(name: str) -> str:
    """Return a name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _near(name: str, known: Mapping[str, Field]) -> str:
    return did_you_mean(name, list(known), f"known here are {', '.join(known)}")


def _told(value: Any) -> str:
    """Say what came instead, and nothing of a long or secret value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return f"the number {_figure(value)}"
    kinds: dict[type, str] = {str: "a text", list: "a list", tuple: "a list", bytes: "bytes"}
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), "an object")


def _figure(value: float | Decimal) -> str:
    try:
        return f"{value:.12g}"
    except OverflowError:
        return "too large"
