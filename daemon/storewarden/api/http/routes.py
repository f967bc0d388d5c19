"""Routes: which request is carried out by what, and everything the document says of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from storewarden.api.http.message import Request, Response
from storewarden.api.http.parts import Parts
from storewarden.api.http.problems import NO_METHOD, NOT_THERE, Kind, Problem
from storewarden.api.who import Scope, Who

BASE: Final = "/api/v1"


@dataclass(slots=True)
class Call:
    """One request on its way: what it asks and says, who asks, and what answers it."""

    request: Request
    who: Who
    parts: Parts
    names: Mapping[str, str]  # from the path
    asked: Any = None  # from the query, checked
    said: Any = None  # from the body, checked


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One request that there is."""

    method: str
    path: str  # below BASE; {name} is a part that the request chooses
    name: str
    about: str
    handler: Handler
    scope: Scope | None  # None: whoever may connect may ask
    gives: Any = None  # the record of the answer
    takes: Any = None  # the deed, or record, of the body
    asks: Any = None  # the record of the query
    statuses: tuple[int, ...] = (200,)
    problems: tuple[Kind, ...] = ()
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The path in its parts."""
        return tuple(self.path.strip("/").split("/")) if self.path != "/" else ()

    @property
    def once(self) -> bool:
        """Whether a key of the request makes it be carried out once."""
        return self.method == "POST" and self.scope == "write"

    @property
    def names(self) -> tuple[str, ...]:
        """What the request chooses in the path."""
        return tuple(part[1:-1] for part in self.parts if part.startswith("{"))


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._by_length: dict[int, dict[tuple[str, ...], dict[str, Route]]] = {}
        found: dict[tuple[str, ...], dict[str, Route]] = defaultdict(dict)
        for route in self.routes:
            found[route.parts][route.method] = route
        for parts, methods in found.items():
            self._by_length.setdefault(len(parts), {})[parts] = methods

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of a request, and what it chose in the path.

        Raises:
            Problem: there is none.
        """
        parts = _parts(path)
        methods = self._methods(parts) if parts is not None else None
        if methods is None or parts is None:
            raise Problem(NOT_THERE, "there is no such page", remedy=f"GET {BASE}/ lists all")
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise NoMethod(methods)
        names = zip(route.parts, parts, strict=True)
        return route, {name[1:-1]: _text(part) for name, part in names if name[0] == "{"}

    def _methods(self, parts: tuple[str, ...]) -> dict[str, Route] | None:
        patterns = self._by_length.get(len(parts), {})
        exact = patterns.get(parts)
        if exact is not None:
            return exact
        for pattern, methods in patterns.items():
            if all(mine[0] == "{" or mine == its for mine, its in zip(pattern, parts, strict=True)):
                return methods
        return None


class NoMethod(Problem):
    """There is something, and it does not take this method."""

    def __init__(self, methods: Iterable[str]) -> None:
        allowed = sorted({*methods, *(("HEAD",) if "GET" in methods else ())})
        self.allowed = ", ".join(allowed)
        super().__init__(NO_METHOD, "there is no such method here", why=f"there is {self.allowed}")


def _parts(path: str) -> tuple[str, ...] | None:
    if path in {BASE, f"{BASE}/"}:
        return ()
    if not path.startswith(f"{BASE}/"):
        return None
    parts = tuple(path[len(BASE) + 1 :].split("/"))
    return None if "" in parts else parts


def _text(part: str) -> str:
    """Return a part of a path as text; bytes that are no UTF-8 as names of files have them."""
    return unquote_to_bytes(part).decode("utf-8", "surrogateescape")
