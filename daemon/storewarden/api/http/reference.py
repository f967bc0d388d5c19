"""The interface as a page for people: ``python -m storewarden.api.http.reference PAGE`` writes it.

It is made from the OpenAPI document; a test holds that it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from storewarden.api.http.connection import IDLE_SECONDS
from storewarden.api.http.interface import ROUTES
from storewarden.api.http.listening import STREAMS
from storewarden.api.http.message import BODY_BYTES
from storewarden.api.http.openapi import document
from storewarden.api.http.places import CONNECTIONS
from storewarden.api.http.problems import KINDS
from storewarden.api.http.routes import BASE, Route
from storewarden.api.http.schemas import REF, Schema
from storewarden.api.http.telling import MOST_DEEDS
from storewarden.units import write_size

_KINDS: Final = {"string": "text", "integer": "number", "number": "number", "boolean": "truth"}


def page() -> str:
    """Return docs/reference/http.md."""
    told = document(ROUTES)
    return "".join((_beginning(), *_routes(told), *_parts(told), *_problems()))


def _beginning() -> str:
    return _BEGINNING.format(
        base=BASE,
        body=write_size(BODY_BYTES),
        connections=CONNECTIONS,
        streams=STREAMS,
        idle=int(IDLE_SECONDS),
        deeds=MOST_DEEDS,
    )


def _routes(told: Mapping[str, Any]) -> Iterator[str]:
    group = ""
    for route in ROUTES:
        if route.group != group:
            group = route.group
            yield f"\n## {group}\n"
        yield from _route(route, told["paths"][route.path][route.method.lower()])


def _route(route: Route, operation: Mapping[str, Any]) -> Iterator[str]:
    scope = f"scope `{route.scope}`" if route.scope else "no token"
    yield f"\n### {route.method} {route.path}\n\n{route.about} ({scope})\n"
    parameters = [
        (f"`{one['name']}` ({one['in']})", _kind(one["schema"]), one["description"])
        for one in operation["parameters"]
    ]
    if parameters:
        yield "\n| asked | kind | what |\n|---|---|---|\n"
        yield from (_line(*one) for one in parameters)
    body = operation.get("requestBody")
    if body is not None:
        yield from _body(body["content"]["application/json"]["schema"])
    statuses = [status for status in operation["responses"] if status < "300"]
    answer = operation["responses"][statuses[0]].get("content", {})
    yield f"\nAnswer {' or '.join(statuses)}: {_answer(answer)}\n"


def _body(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield f"\nBody: {_reference(schema)}\n"
    else:
        yield "\nBody:\n\n"
        yield from _fields(schema)


def _answer(content: Mapping[str, Any]) -> str:
    for kind, one in content.items():
        return _reference(one["schema"]) if "$ref" in one["schema"] else f"`{kind}`"
    return "nothing"


def _parts(told: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## What is sent\n\nFields in bold must be there.\n"
    for name, schema in told["components"]["schemas"].items():
        yield f"\n### {name}\n\n{schema['description']}\n\n"
        yield from _fields(schema)


def _fields(schema: Schema) -> Iterator[str]:
    yield "| field | kind | what |\n|---|---|---|\n"
    required = schema.get("required", ())
    for field, one in schema["properties"].items():
        shown = f"**`{field}`**" if field in required else f"`{field}`"
        yield _line(shown, _kind(one), _words(one))


def _problems() -> Iterator[str]:
    yield "\n## Problems\n\n| status | type | what |\n|---|---|---|\n"
    yield from (_line(str(kind.status), f"`{kind.name}`", kind.about) for kind in KINDS)


def _kind(schema: Schema) -> str:
    """Return in a few words what a value is."""
    if "$ref" in schema:
        return _reference(schema)
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"] if one != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"] if one is not None)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        items = schema["items"] or schema["prefixItems"][0]
        if "oneOf" in items:
            return "list of deeds"
        return f"list of {_kind(items)}"
    return f"{_KINDS.get(kind, kind)}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return " (time)"
    least = schema.get("minimum", schema.get("minLength"))
    most = schema.get("maximum", schema.get("maxLength"))
    if most is None:
        return ""
    letters = " characters" if "maxLength" in schema else ""
    return f", {least or 0} to {most:,}{letters}"


def _words(schema: Schema) -> str:
    words = schema.get("description", "")
    for one in schema.get("anyOf", ()):
        words = words or one.get("description", "")
    if not words and "items" in schema and schema["items"]:
        words = schema["items"].get("description", "")
    default = schema.get("default")
    return words if default is None else f"{words}; {default} unless said"


def _reference(schema: Schema) -> str:
    name = str(schema["$ref"]).removeprefix(REF)
    return f"[{name}](#{name.lower()})"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


_BEGINNING: Final = """\
# HTTP

<!-- Written by `python -m storewarden.api.http.reference PAGE`; a test holds it in step. -->

What applications may tell Storewarden and ask of it, below `{base}`. The same is served by the
daemon as an OpenAPI document, `{base}/openapi.json`, and as a page, `{base}/`. In Python the client
does all of it: `from storewarden.client import Warden`.

```console
$ curl --unix-socket ~/.local/state/storewarden/api.sock http://localhost{base}/files?term=kind%3Dimage
$ curl -H "Authorization: Bearer $STOREWARDEN_TOKEN" http://127.0.0.1:9747{base}/workflows
```

- **Where**: a unix socket, `api.socket`; and the address of `http.listen`, below `/api`, with TLS
  where `http.web_config` asks for it. Files come by directories: nothing is uploaded.
- **Who**: `Authorization: Bearer TOKEN`; `storewarden user token NAME` makes one. What may be done
  without is said by `api.socket_without_token` and `api.loopback_without_token`, see
  [configuration](configuration.md). A user sees what is theirs and what is public; what they may
  not see is answered exactly as what is not there.
- **Telling**: what is told again changes what is there, and what is not said stays: to send a
  request once more never harms. A call of a service, or a chat, counts once by its `key`. Any POST
  takes an `Idempotency-Key`: it is carried out once, and the same answer is given for a day. What
  is answered is durable: no crash and no power cut takes it back.
- **Lists** are paged by key: ask again with `after` set to what the page before said as `next`,
  until there is none. What comes meanwhile makes no row be met twice or missed.
- **Names** of files are text; bytes that are no UTF-8 are written as Python's `surrogateescape` has
  them (`\\udcff` in JSON, `%FF` in a path).
- **Refusals** are problem details (RFC 9457, `application/problem+json`): `title`, `detail`,
  `where`, `remedy`, and in `errors` everything that is wrong with what was sent, each with a JSON
  pointer to it. 429 and 503 say in `Retry-After` when to try again.
- **Limits**: a body of {body}, {deeds:,} deeds at once, {connections} connections (the one idle for
  longest makes way for the next), {streams} streams of events, {idle} seconds between two requests.
"""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
