"""Listening: what happens to files, as server-sent events, for as long as somebody listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from storewarden.api.events import streams
from storewarden.api.events.heard import wanted
from storewarden.api.http.asked import Term
from storewarden.api.http.entering import who
from storewarden.api.http.message import Response
from storewarden.api.http.problems import TOO_MANY, Problem
from storewarden.api.http.routes import Call, Route
from storewarden.api.shapes import Shape
from storewarden.errors import StorewardenError

STREAMS: Final = 64  # half of the connections: who tells always finds one
STREAM: Final = "text/event-stream"

Kind = Annotated[str, Shape("a kind of event, or several: created,trashed", 1, 1000)]
LastId = Annotated[
    str, Shape("after which event to begin: its id, or `start`; without it, now", 1, 4000)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsAsked:
    """Which events, of which files, since when."""

    event: tuple[Kind, ...] = ()
    term: tuple[Term, ...] = ()
    last_event_id: LastId | None = None


def _events(call: Call) -> Response:
    asked: EventsAsked = call.asked
    parts = call.parts
    if parts.streams.open >= STREAMS:
        raise Problem(TOO_MANY, "as many as may listen do so already")
    last = call.request.headers.get("last-event-id") or asked.last_event_id or ""
    wishes = wanted(asked.event, asked.term, call.who, parts.host_id)
    began = parts.streams.begin(last)

    def may() -> bool:
        try:
            return who(call.request, parts) == call.who
        except StorewardenError:
            return False

    flow = parts.streams.stream(wishes, began, may)
    return Response(200, content_type=streams.CONTENT_TYPE, stream=flow)


ROUTES: Final = (
    Route(
        *("GET", "/events", "events"),
        "What happens to files, as server-sent events, from now on or after an event that was heard"
        " (`Last-Event-ID`); at least once, in order for each file.",
        _events,
        "read",
        gives=STREAM,
        asks=EventsAsked,
        group="Events",
    ),
)
