"""The OpenAPI document: made from the routes, the deeds and the records, so that it is true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Final

from storewarden import __version__
from storewarden.api import shapes
from storewarden.api.deeds import Owner
from storewarden.api.fields import fields_of
from storewarden.api.http import once, problems
from storewarden.api.http.problems import Kind
from storewarden.api.http.routes import BASE, Route
from storewarden.api.http.schemas import REF, Schema, Schemas
from storewarden.api.http.telling import NAMED, Deeds
from storewarden.api.scopes import WORDS
from storewarden.api.shapes import Shape

_ALWAYS: Final = (
    *(problems.MALFORMED, problems.TOO_SLOW, problems.TOO_LARGE, problems.WRONG),
    *(problems.TOO_MANY, problems.LONG_HEAD, problems.LATER),
)
_HEADERS: Final[Mapping[int, tuple[str, str]]] = {
    401: ("WWW-Authenticate", "that a bearer token is asked for"),
    429: ("Retry-After", "in how many seconds it may be tried again"),
    503: ("Retry-After", "in how many seconds it may be tried again"),
}
_WELL: Final[Mapping[int, str]] = {200: "It is so.", 201: "It was made.", 204: "It is done."}
_ABOUT: Final = """\
What applications may tell Storewarden and ask of it. Files come by directories: nothing is \
uploaded here. Times are texts with their zone, amounts of money decimal numbers, to the \
billionth. What is told again changes what is there; what is not said stays. Every list is paged \
by key: ask again with `after` set to what the page before said as `next`."""


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of these routes."""
    return _document(tuple(routes))


@cache
def _document(routes: tuple[Route, ...]) -> dict[str, Any]:
    schemas = Schemas()
    schemas.found["Problem"] = _PROBLEM
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Storewarden", "version": __version__, "description": _ABOUT},
        "servers": [{"url": BASE}],
        "tags": [{"name": name} for name in dict.fromkeys(route.group for route in routes)],
        "paths": dict(paths),
        "components": {
            "schemas": dict(sorted(schemas.found.items())),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`storewarden user token NAME` makes one. A scope is what it "
                    "may: " + "; ".join(f"{scope}: {words}" for scope, words in WORDS.items()),
                }
            },
        },
    }


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.about,
        "tags": [route.group],
        "parameters": [*_in_path(route, schemas), *_in_query(route, schemas), *_in_headers(route)],
        "responses": _responses(route, schemas),
    }
    body = _body(route, schemas)
    if body is not None:
        content = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": True, "content": content}
    # without a token it is the configuration that says what may be done
    operation["security"] = [] if route.scope is None else [{"token": [route.scope]}, {}]
    return operation


def _in_path(route: Route, schemas: Schemas) -> list[Schema]:
    found = []
    for name in route.names:
        words, hint = _NAMES[name]
        schema = schemas.value(hint, said=True)
        schema.pop("description", None)
        one: Schema = {"name": name, "in": "path", "required": True}
        found.append(one | {"description": words, "schema": schema})
    return found


_FILE: Final = Annotated[str, Shape("a file", 1, 4096, pattern=r"[^\x00]*")]
_NAMES: Final[Mapping[str, tuple[str, Any]]] = {
    "workflow": ("the name of a workflow", shapes.Name),
    "scene": ("the name of a scene in it", shapes.Name),
    "file": ("its number, or its path, percent-encoded: absolute, or ROOT/PATH", _FILE),
    "user": ("the name of a user", Owner),
    "token": ("the public id of a token", shapes.Name),
    "restore": ("the number of a request", shapes.Name),
}


def _in_query(route: Route, schemas: Schemas) -> list[Schema]:
    if route.asks is None:
        return []
    whole = schemas.whole(route.asks, said=True)
    required = set(whole.get("required", ()))
    found = []
    for spelt, field in fields_of(route.asks).items():
        name = spelt.removesuffix("_")
        schema = _not_null(dict(whole["properties"][name]))
        words = schema.pop("description", "") or field.shape.words
        one: Schema = {"name": name, "in": "query", "required": name in required}
        found.append(one | {"description": words, "schema": schema})
    return found


def _not_null(schema: Schema) -> Schema:
    """Return a schema without null: nothing behind a question mark is."""
    if isinstance(schema.get("type"), list):
        schema["type"] = schema["type"][0]
    if "enum" in schema:
        schema["enum"] = [one for one in schema["enum"] if one is not None]
    return schema


def _in_headers(route: Route) -> list[Schema]:
    found = []
    if route.name == "tell_workflow":
        found += [_header("If-None-Match", "`*`: it must be new", ["*"])]
        found += [_header("If-Match", "`*`: it must be there", ["*"])]
    if route.once:
        words = "what tells this request from all others: sent again, it is answered as before"
        found += [_header(once.HEADER, words, None)]
    return found


def _header(name: str, words: str, values: list[str] | None) -> Schema:
    schema: Schema = {"type": "string"}
    schema |= {"enum": values} if values else {"pattern": f"^{once.FORM}$"}
    return {"name": name, "in": "header", "description": words, "schema": schema}


def _body(route: Route, schemas: Schemas) -> Schema | None:
    if route.gives is not None and route.name == "tell":
        return _deeds(schemas)
    if route.takes is None:
        return None
    if set(route.names) & fields_of(route.takes).keys():
        return schemas.whole(route.takes, said=True, without=route.names)
    return schemas.refer(route.takes, said=True)


def _deeds(schemas: Schemas) -> Schema:
    """Return the schema of several deeds: each is one of them, with its name beside."""
    kinds = []
    for name, kind in NAMED.items():
        whole = schemas.whole(kind, said=True)
        whole["properties"] = {"deed": {"const": name}} | whole["properties"]
        whole["required"] = ["deed", *whole.get("required", ())]
        kinds.append(whole)
    shape = fields_of(Deeds)["deeds"].shape
    items: Schema = {"type": "array", "minItems": shape.least, "maxItems": shape.most}
    items |= {"description": shape.words, "items": {"oneOf": kinds}}
    return {
        "type": "object",
        "properties": {"deeds": items},
        "required": ["deeds"],
        "additionalProperties": False,
    }


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status in route.statuses:
        found[str(status)] = {"description": _WELL[status]}
        if status != HTTPStatus.NO_CONTENT:
            found[str(status)]["content"] = _content(route, schemas)
    kinds: dict[int, list[Kind]] = defaultdict(list)
    for kind in (*_ALWAYS, *_may_happen(route)):
        if kind not in kinds[kind.status]:
            kinds[kind.status].append(kind)
    content = {problems.CONTENT_TYPE: {"schema": {"$ref": f"{REF}Problem"}}}
    for status, some in sorted(kinds.items()):
        response: dict[str, Any] = {"description": " ".join(kind.about for kind in some)}
        if status in _HEADERS:
            name, words = _HEADERS[status]
            response["headers"] = {name: {"description": words, "schema": {"type": "string"}}}
        found[str(status)] = response | {"content": content}
    return found


def _may_happen(route: Route) -> list[Kind]:
    found = list(route.problems)
    if route.scope is not None:
        found += [problems.NOT_KNOWN, problems.NOT_ALLOWED]
    if route.takes is not None or route.name == "tell":
        found += [problems.NO_JSON, problems.NOT_THERE]
    return found


def _content(route: Route, schemas: Schemas) -> dict[str, Any]:
    if isinstance(route.gives, str):
        return {route.gives: {"schema": {"type": "string"}}}
    if route.gives is None:
        return {"application/json": {"schema": {"type": "object"}}}
    return {"application/json": {"schema": schemas.refer(route.gives, said=False)}}


_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "What is wrong (RFC 9457).",
    "properties": {
        "type": {"type": "string", "description": f"which kind of problem; see {BASE}/"},
        "title": {"type": "string", "description": "what is wrong"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "why"},
        "where": {"type": "string", "description": "with what: a path, a name"},
        "remedy": {"type": "string", "description": "what helps"},
        "errors": {
            "type": "array",
            "description": "everything that is wrong with what was sent",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "where: a JSON pointer into the body, or into the query",
                    },
                    "detail": {"type": "string"},
                    "hint": {"type": "string"},
                },
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status"],
}
