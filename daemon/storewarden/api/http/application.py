"""From a request to its answer: who asks, what, whether it may; and whatever happens, an answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from storewarden.api.http import taking
from storewarden.api.http.asked import Nothing
from storewarden.api.http.entering import who
from storewarden.api.http.message import Malformed, Request, Response
from storewarden.api.http.parts import Parts
from storewarden.api.http.problems import LATER, kind_of, malformed, our_fault, told
from storewarden.api.http.routes import Call, NoMethod, Route, Router
from storewarden.api.scopes import require
from storewarden.api.who import MACHINE
from storewarden.errors import StorewardenError

log = logging.getLogger(__name__)

Seen = Callable[[str, int, float], None]
"""Hears of each request: what it was about, the status, the seconds it took."""

NOTHING = "none"  # what a request is about that there is not


class Application:
    """Answers requests; any number of threads call it."""

    def __init__(self, routes: Iterable[Route], parts: Parts, seen: Seen) -> None:
        self._router = Router(routes)
        self._parts = parts
        self._seen = seen

    def answer(self, request: Request) -> Response:
        """Return the answer to a request; raises nothing."""
        began = time.perf_counter()
        path, _, query = request.target.partition("?")
        name = about = NOTHING
        try:
            route, names = self._router.find(request.method, path)
            name, about = route.name, route.group.lower()
            response = self._carried(route, names, query, request)
        except NoMethod as error:
            response = told(error)
            response.headers["Allow"] = error.allowed
        except StorewardenError as error:
            if kind_of(error) is LATER:
                facts = {"request": name, "by": str(request.peer), "error": str(error)}
                log.warning("a request is answered later", extra={"facts": facts})
            response = told(error)
        except Exception:
            facts = {"request": name, "by": str(request.peer)}
            log.exception("a request could not be answered", extra={"facts": facts})
            response = our_fault()
        self._seen(about, response.status, time.perf_counter() - began)
        return response

    def refuse(self, wrong: Malformed) -> Response:
        """Return the answer to what is no request."""
        self._seen(NOTHING, wrong.status, 0.0)
        return malformed(wrong)

    def _carried(
        self, route: Route, names: dict[str, str], query: str, request: Request
    ) -> Response:
        asks = MACHINE
        if route.scope is not None:
            asks = who(request, self._parts)
            require(asks, route.scope)
        call = Call(request, asks, self._parts, names)
        call.asked = taking.query(route.asks or Nothing, query)
        if route.takes is not None:
            call.said = taking.record(route.takes, taking.body(request), names)
        return route.handler(call)
