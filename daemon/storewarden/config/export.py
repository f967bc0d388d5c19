"""The configuration's form as a JSON Schema, for editors that complete and check while typing.

The schema is a help, not the judge: what it lets pass, `load.load` may still refuse.
"""

from __future__ import annotations

from typing import Any

from storewarden.config.keys import (
    CHILDREN,
    DATABASE_KEYS,
    DATABASES,
    GROUPS,
    LISTENER_KEYS,
    LISTENER_URL,
    LISTENERS,
    MORE_TABLE_KEYS,
    NAME,
    PRICE,
    PRICE_KEYS,
    ROOT_KEYS,
    ROOT_PATH,
    SINGLE,
    STORE_KEYS,
    STORES,
    TABLE_KEYS,
    TABLES,
    Key,
    Kind,
)
from storewarden.config.listeners import MOST
from storewarden.config.schema import EVENTS
from storewarden.units import DURATION_UNITS, SIZE_UNITS

DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that YAML editors all know

_NUMBER = r"[0-9]+(\.[0-9]+)?"
_DURATION = rf"^({_NUMBER} ?({'|'.join(DURATION_UNITS)}) ?)+$"
_SIZE = rf"^{_NUMBER} ?({'|'.join(SIZE_UNITS)})$"
_SHARE = rf"^{_NUMBER} ?%$"
_COLUMN: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_COLUMNS: dict[str, Any] = {
    "anyOf": [_COLUMN, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _COLUMN}]
}
_FORMS: dict[Kind, dict[str, Any]] = {
    Kind.PATH: {"type": "string", "minLength": 1},
    Kind.CATALOGUE: {
        "type": "string",
        "pattern": "^(sqlite|sqlite:///.*[^/]|postgres(ql)?://.+)$",
    },
    Kind.SHARE: {"type": "string", "pattern": _SHARE},
    Kind.DURATION: {"type": "string", "pattern": _DURATION},
    Kind.SIZE: {"type": "string", "pattern": _SIZE},
    Kind.CHOICE: {"type": "string"},
    Kind.TRUTH: {"type": "boolean"},
    Kind.PATTERNS: {"type": "array", "items": {"type": "string", "minLength": 1}},
    Kind.NAMES: {"type": "array", "items": {"type": "string", "pattern": "^[^/]+$"}},
    Kind.PLACES: {"type": "array", "items": {"type": "string", "pattern": r"\{[a-z]"}},
    Kind.SOURCES: {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}},
        ]
    },
    Kind.URL: {"type": "string", "pattern": "^(s3|gs|az)://[a-z0-9]"},
    Kind.SERVER: {"type": "string", "pattern": "^postgres(ql)?://.+"},
    Kind.ENDPOINT: {"type": "string", "pattern": "^https?://[^@]+$"},
    Kind.WORD: {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$"},
    Kind.CURRENCY: {"type": "string", "pattern": "^[A-Z]{3}$"},
    Kind.POINTS: {"type": "integer", "minimum": 0, "maximum": 100},
    Kind.PRICE: {"type": "number", "minimum": 0},
    Kind.COLUMN: _COLUMN,
    Kind.COLUMNS: _COLUMNS,
    Kind.RECEIVER: {"type": "string", "pattern": "^(https?|rediss?)://[^@]+$"},
    Kind.EVENTS: {"type": "array", "items": {"type": "string", "enum": list(EVENTS)}},
    Kind.TERMS: {"type": "array", "items": {"type": "string", "minLength": 3}},
    Kind.SOCKET: {"type": "string", "minLength": 1},
    Kind.LISTEN: {"type": "string", "pattern": r"^(none|unix:/.+|.+:[0-9]{1,5})$"},
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file."""
    root = _group(ROOT_KEYS) | {"required": [ROOT_PATH.name]}
    roots = {
        "type": "object",
        "description": "The watched directories, each by its name; a text alone is its path.",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"anyOf": [_FORMS[Kind.PATH], root]},
    }
    groups = {name: _group(keys) for name, keys in GROUPS.items()}
    whole = _group(SINGLE)
    whole["properties"] |= {"roots": roots, STORES: _stores(), DATABASES: _databases()}
    whole["properties"] |= {TABLES: _tables(), LISTENERS: _listeners()} | groups
    return {"$schema": DIALECT, "title": "storewarden.yaml"} | whole


def _stores() -> dict[str, Any]:
    store = _group(STORE_KEYS)
    store["properties"][PRICE] = _group(PRICE_KEYS) | {"description": "What it costs."}
    return {
        "type": "object",
        "description": "Where files can go, each by its name; a text alone is its path or url.",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"anyOf": [_FORMS[Kind.PATH], store]},
    }


def _databases() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Databases by names of their own; a text alone is its path or url.",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"anyOf": [_FORMS[Kind.PATH], _group(DATABASE_KEYS)]},
    }


def _listeners() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Whom events are sent to, each by its name; a text alone is its url.",
        "minProperties": 1,
        "maxProperties": MOST,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {
            "anyOf": [
                _FORMS[Kind.RECEIVER],
                _group(LISTENER_KEYS) | {"required": [LISTENER_URL.name]},
            ]
        },
    }


def _tables() -> dict[str, Any]:
    table = _group((*TABLE_KEYS, *MORE_TABLE_KEYS)) | {"required": [key.name for key in TABLE_KEYS]}
    table["properties"][CHILDREN] = {
        "type": "object",
        "description": "Tables whose rows go with a row of it, each with the column that says so.",
        "minProperties": 1,
        "additionalProperties": _COLUMNS,
    }
    return {
        "type": "object",
        "description": "Tables of applications, of whose rows policies can speak.",
        "minProperties": 1,
        "additionalProperties": table,
    }


def _group(keys: tuple[Key, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {key.name: _key(key) for key in keys},
    }


def _key(key: Key) -> dict[str, Any]:
    form = dict(_FORMS[key.kind])
    if key.choices and key.kind is not Kind.EVENTS:
        form["enum"] = list(key.choices)
    if key.never:
        form = {"anyOf": [form, {"const": "never"}]}
    return form | {"description": key.about}
