"""The form of a policy file as a JSON Schema, for editors that complete and check while typing.

The schema is a help, not the judge: what it lets pass, ``load.read`` may still refuse. It is made
from the tables that reading follows, so that no key is in one and not in the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from storewarden.policy.language import keys
from storewarden.policy.language.keys import Form, Key
from storewarden.policy.language.match import KINDS
from storewarden.policy.language.values import NAME
from storewarden.policy.terms import TERMS, Kind, TermType
from storewarden.units import DURATION_UNITS, SIZE_UNITS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_NUMBER = r"[0-9]+(\.[0-9]+)?"
_DURATION = rf"({_NUMBER} ?({'|'.join(DURATION_UNITS)}) ?)+"
_SIZE = rf"{_NUMBER} ?({'|'.join(SIZE_UNITS)})"
_SHARE = rf"{_NUMBER} ?%"
_EQUAL, _COMPARE = r"(!=|==?) *", r"(!=|==?|<=?|>=?) *"
_MATCH = {"$ref": "#/$defs/match"}
_TIMER = {"$ref": "#/$defs/timer"}


def json_schema() -> Schema:
    """Return the JSON Schema of a policy file."""
    whole = _object(keys.TOP, needed=(keys.VERSION,), least=2)
    about = {"$schema": DIALECT, "title": "Storewarden policies"}
    return {**about, **whole, "$defs": {"match": _match(), "timer": _timer()}}


# -- values -------------------------------------------------------------------------------------


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _one_or_list(form: Schema) -> Schema:
    return {"anyOf": [form, {"type": "array", "items": form, "minItems": 1}]}


_STORE: Schema = _text(NAME)
_PLAIN: dict[Form, Schema] = {
    Form.TEXT: {"type": "string", "minLength": 1, "maxLength": 500},
    Form.ID: _text(NAME),
    Form.TRUTH: {"type": "boolean"},
    Form.CHOICE: {"type": "string"},
    Form.DURATION: _text(_DURATION),
    Form.SIZE: _text(_SIZE),
    Form.SHARE: _text(_SHARE),
    Form.COUNT: {"type": "integer", "minimum": 1},
    Form.STORE: {**_STORE, "not": {"const": "local"}},
    Form.STORES: _one_or_list(_STORE),
    Form.CRON: _text(r"(@[a-z]+|\S+( +\S+){4})"),
    Form.EXPRESSION: {"type": "string", "minLength": 1},
    Form.ORDER: _one_or_list(_text(r".*[a-z_]+.*")),
    Form.VERSION: {"const": 1},
    Form.MATCH: _MATCH,
    Form.TIMER: _TIMER,
}


def _key(key: Key) -> Schema:
    """Return the form of a key with what it means."""
    form = dict(_PLAIN[key.form]) if key.form in _PLAIN else _BUILT[key.form]()
    if key.choices and key is keys.CLOCK:
        form = {"anyOf": [{"enum": list(key.choices)}, {"type": "string"}]}  # of rows, a column
    elif key is keys.HOLD:
        form = {"const": True}
    elif key.choices:
        form["enum"] = list(key.choices)
    if key.never:
        form = {"anyOf": [form, {"const": "never"}]}
    return {**form, "description": key.about}


def _object(of: tuple[Key, ...], needed: tuple[Key, ...] = (), least: int = 1) -> Schema:
    """Return the form of a mapping that has these keys and no others."""
    form: Schema = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": least,
        "properties": {key.name: _key(key) for key in of},
    }
    return form | {"required": [key.name for key in needed]} if needed else form


def _list(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": items}


def _one_of(of: tuple[Key, ...]) -> Schema:
    """Return that exactly one of the keys is there."""
    return {"oneOf": [{"required": [key.name]} for key in of]}


# -- the parts of a policy ----------------------------------------------------------------------


def _classes() -> Schema:
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": _MATCH,
    }


def _policy() -> Schema:
    form = _object(keys.POLICY, needed=(keys.ID, keys.MATCH))
    kinds = (keys.PLACE, keys.PHASES, keys.CARE, keys.HOLD)
    return form | {"anyOf": [{"required": [key.name]} for key in kinds]}


def _phase() -> Schema:
    return _object(keys.PHASE, needed=(keys.DO,)) | _one_of((keys.AFTER, keys.AFTER_PREVIOUS))


def _timer() -> Schema:
    return _object(keys.TIMER) | _one_of(keys.TIMER)


def _triggers() -> Schema:
    event = {"const": keys.EVENT}
    return _one_or_list({"anyOf": [event, _object(keys.TRIGGERS) | _one_of(keys.TRIGGERS)]})


def _expect() -> Schema:
    action = {"enum": list(keys.EXPECT_DO.choices)}
    return {"anyOf": [action, _object(keys.EXPECTED)]}


_BUILT: dict[Form, Callable[[], Schema]] = {
    Form.CLASSES: _classes,
    Form.POLICIES: lambda: _list(_policy()),
    Form.PLACE: lambda: _object(keys.PLACES) | {"maxProperties": 1},
    Form.EVALUATE: lambda: _object(keys.EVALUATION, needed=(keys.WINDOW, keys.LOCAL_IF, keys.ELSE)),
    Form.PHASES: lambda: _list(_phase()),
    Form.CARE: lambda: _object(keys.CARES),
    Form.BACKUP: lambda: _object(keys.BACKUPS) | _one_of(keys.TIMER),
    Form.VACUUM: lambda: _object(keys.VACUUMS),
    Form.TRIGGERS: _triggers,
    Form.PRESSURE: lambda: _object(keys.PRESSURES, needed=(keys.HIGH, keys.LOW)),
    Form.GUARD: lambda: _object(keys.GUARDS),
    Form.TESTS: lambda: _list(_object(keys.TEST, needed=(keys.GIVEN, keys.EXPECT))),
    Form.GIVEN: lambda: _given(),  # noqa: PLW0108  # it stands further down
    Form.EXPECT: _expect,
}

# -- conditions ---------------------------------------------------------------------------------

_TEXTS: Schema = {"type": ["string", "number"]}  # a text may look like a number
_OF_KIND: dict[Kind, Schema] = {
    "text": _one_or_list(_TEXTS),
    "size": _one_or_list(_text(rf"({_COMPARE})?{_SIZE}")),
    "age": _text(rf"(<=?|>=?) *{_DURATION}"),
    "duration": _one_or_list(_text(rf"({_COMPARE})?{_DURATION}")),
    "number": _one_or_list({"anyOf": [{"type": "number"}, _text(rf"({_COMPARE})?-?{_NUMBER}")]}),
    "whole": _one_or_list({"anyOf": [{"type": "integer"}, _text(rf"({_COMPARE})?-?[0-9]+")]}),
    "seed": _one_or_list({"anyOf": [{"type": "integer"}, _text(rf"({_EQUAL})?-?[0-9]+")]}),
    "flag": {"type": "boolean"},
}


def _term(term: TermType) -> Schema:
    form = _OF_KIND[term.kind]
    if term.name == "kind":
        form = _one_or_list({"anyOf": [{"enum": list(KINDS)}, _text(r".*([*?\[]|!=|=).*")]})
    return {**form, "description": f"What has to be so: {term.says}."}


def _match() -> Schema:
    """Return the form of a condition: the name of a class, or a mapping."""
    name = _text(NAME)
    terms = {name: _term(term) for name, term in TERMS.items() if term.match}
    rows = {"type": "string", "description": "Rows of a table that the configuration declares."}
    joins = {
        "class": {**_one_or_list(name), "description": "One of the classes by name."},
        "all": {**_list(_MATCH), "description": "All of these hold."},
        "any": {**_list(_MATCH), "description": "One of these holds."},
        "not": {**_MATCH, "description": "This does not hold."},
        "rows": rows,
    }
    mapping = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {**terms, **joins},
    }
    return {"anyOf": [name, mapping]}


def _given() -> Schema:
    """Return the form of a file that is thought up: plain values, and how long ago things were."""
    ages = {name: _text(_DURATION) for name, term in TERMS.items() if term.kind == "age"}
    plain = {name: _term(term) for name, term in TERMS.items() if term.kind != "age"}
    joins = {"class": _one_or_list(_text(NAME)), "not": _MATCH}
    state = {"enum": ["present", "archived", "trashed"]}
    file = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {**plain, **ages, **joins, "state": state},
    }
    row = {
        "type": "object",
        "required": ["rows"],
        "minProperties": 2,
        "maxProperties": 2,
        "properties": {"rows": {"type": "string"}},
        "additionalProperties": _text(_DURATION),
    }
    return {"anyOf": [file, row]}
