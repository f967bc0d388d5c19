"""Pages about the interface itself: one for people, and the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from html import escape
from typing import Final

from storewarden.api.http.message import Response
from storewarden.api.http.openapi import document
from storewarden.api.http.problems import KINDS
from storewarden.api.http.routes import BASE, Call, Route

HTML: Final = "text/html"


def page(routes: Iterable[Route]) -> str:
    """Return the page for people: every request, and every problem."""
    rows = [
        f"<tr><td><code>{route.method}</code><td><code>{escape(BASE + route.path)}</code>"
        f"<td>{escape(route.about)}"
        for route in routes
    ]
    wrongs = [
        f'<tr id="{kind.name}"><td>{kind.status}<td><code>{kind.name}</code><td>'
        f"{escape(kind.about)}"
        for kind in KINDS
    ]
    return _PAGE.format(rows="\n".join(rows), wrongs="\n".join(wrongs))


def about(routes: Callable[[], Iterable[Route]]) -> tuple[Route, ...]:
    """Return the routes of these pages; ``routes`` returns all there are."""

    def index(_call: Call) -> Response:
        return Response(200, page(routes()).encode(), f"{HTML}; charset=utf-8")

    def openapi(_call: Call) -> Response:
        return Response(200, json.dumps(document(routes())).encode())

    return (
        Route(
            *("GET", "/", "index", "Every request that there is, for people.", index, None),
            gives=HTML,
            group="About",
        ),
        Route(*("GET", "/openapi.json", "openapi", "This document.", openapi, None), group="About"),
    )


_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Storewarden for applications</title>
<style>body {{ font: 1rem/1.4 sans-serif; margin: 2rem; max-width: 70rem }}
td {{ padding: .1rem .8rem .1rem 0; vertical-align: top }}</style>
<h1>Storewarden for applications</h1>
<p>For programs: <a href="/api/v1/openapi.json">openapi.json</a>. In Python:
<code>from storewarden.client import Warden</code>.
<table>
{rows}
</table>
<h2>Problems</h2>
<p>What is refused is told as <code>application/problem+json</code>; its <code>type</code> ends in
one of these.
<table>
{wrongs}
</table>
"""
