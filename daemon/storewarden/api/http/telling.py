"""What applications say: each request is a deed, or several that are kept together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from storewarden.api.checked import Problem, Wrong, read
from storewarden.api.deeds import (
    DEEDS,
    Deed,
    Pin,
    Restore,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellUsage,
    TellWorkflow,
)
from storewarden.api.done import Done
from storewarden.api.http import once, taking
from storewarden.api.http.answering import record_of
from storewarden.api.http.message import Response
from storewarden.api.http.problems import ALREADY_THERE, CONFLICT, NOT_THERE, QUOTA, Kind
from storewarden.api.http.routes import Call, Handler, Route
from storewarden.api.shapes import Shape
from storewarden.config.problems import did_you_mean

MOST_DEEDS: Final = 1000
NAMED: Final[dict[str, type[Any]]] = {
    kind.__name__.removeprefix("Tell").lower(): kind for kind in DEEDS
}
_MADE, _WELL = 201, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """Several deeds that are kept together, or not at all."""

    deeds: Annotated[
        tuple[Deed, ...],
        Shape("deeds, each with its kind as `deed`", 1, MOST_DEEDS, one_of=tuple(NAMED)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllDone:
    """What came of each deed, in their order."""

    done: tuple[Done, ...]


def _tell(call: Call) -> Response:
    return once.told(call, [call.said], _answered)


def _answered(done: Sequence[Done]) -> Response:
    return record_of(done[0], _MADE if done[0].created else _WELL)


def _tell_workflow(call: Call) -> Response:
    for header, must in (("If-None-Match", "be_new"), ("If-Match", "exist")):
        value = call.request.headers.get(header.lower())
        if value is None:
            continue
        if value != "*":
            raise Wrong([Problem(f"/{header}", "is no *", "there are no versions to name")])
        call.said = replace(call.said, must=must)
    return _tell(call)


def _change_workflow(call: Call) -> Response:
    call.said = replace(call.said, must="exist")
    return _tell(call)


def _tell_all(call: Call) -> Response:
    deeds = read_deeds(taking.body(call.request))
    try:
        return once.told(call, deeds, lambda done: record_of(AllDone(done=tuple(done))))
    except Wrong as wrong:
        if wrong.problems[0].pointer.startswith(f"/{once.HEADER}"):
            raise
        below = "/deeds/0" if len(deeds) == 1 else "/deeds"
        raise Wrong(
            [one._replace(pointer=f"{below}{one.pointer}") for one in wrong.problems]
        ) from wrong


def read_deeds(said: Any) -> Sequence[Deed]:
    """Return the deeds that a body says.

    Raises:
        Wrong: everything that is wrong with them.
    """
    if not isinstance(said, Mapping) or not isinstance(said.get("deeds"), list):
        raise Wrong([Problem("/deeds", "is missing, or no list", "write {deeds: […]}")])
    given = said["deeds"]
    problems = [
        Problem(f"/{name}", "is not known here", "known here is deeds")
        for name in said
        if name != "deeds"
    ]
    if not 1 <= len(given) <= MOST_DEEDS:
        problems.append(Problem("/deeds", f"has {len(given)} items", f"1 to {MOST_DEEDS}"))
    deeds: list[Deed] = []
    for place, one in enumerate(given[:MOST_DEEDS]):
        try:
            deeds.append(_deed(one, f"/deeds/{place}"))
        except Wrong as wrong:
            problems += wrong.problems
    if problems:
        raise Wrong(problems)
    return deeds


def _deed(given: Any, below: str) -> Deed:
    if not isinstance(given, Mapping):
        raise Wrong([Problem(below, "is no object", "write {deed: file, path: …}")])
    kind = given.get("deed")
    if not isinstance(kind, str) or kind not in NAMED:
        known = f"one of {', '.join(NAMED)}"
        hint = did_you_mean(kind, list(NAMED), known) if isinstance(kind, str) else known
        raise Wrong([Problem(f"{below}/deed", "is no kind of deed", hint)])
    deed: Deed = read(
        NAMED[kind], {name: one for name, one in given.items() if name != "deed"}, below
    )
    return deed


_CAN_HAPPEN: Final[tuple[Kind, ...]] = (ALREADY_THERE, CONFLICT, QUOTA)


def _route(  # noqa: PLR0913, PLR0917  # as many as a route has
    method: str,
    path: str,
    name: str,
    about: str,
    takes: Any,
    handler: Handler = _tell,
    statuses: tuple[int, ...] = (_WELL, _MADE),
    problems: tuple[Kind, ...] = (),
) -> Route:
    return Route(
        method,
        path,
        name,
        about,
        handler,
        "write",
        gives=Done,
        takes=takes,
        statuses=statuses,
        problems=(*_CAN_HAPPEN, *problems),
        group="Telling",
    )


ROUTES: Final = (
    _route(
        *("PUT", "/workflows/{workflow}", "tell_workflow"),
        "Make a workflow, or change what is said of it. With the header `If-None-Match: *` it must"
        " be new, with `If-Match: *` it must be there.",
        TellWorkflow,
        _tell_workflow,
    ),
    _route(
        *("PATCH", "/workflows/{workflow}", "change_workflow"),
        "Change what is said of a workflow that is there.",
        TellWorkflow,
        _change_workflow,
        statuses=(_WELL,),
    ),
    _route(
        *("PUT", "/workflows/{workflow}/scenes/{scene}", "tell_scene"),
        "Make a scene of a workflow, or change what is said of it.",
        TellScene,
    ),
    _route(
        *("POST", "/files", "tell_file"),
        "Say to what a file belongs, before or after it is seen on disk.",
        TellFile,
    ),
    _route(
        *("POST", "/usage", "tell_usage"),
        "Record what a call of a service took and cost. With the same `key` it counts once.",
        TellUsage,
    ),
    _route(
        *("POST", "/texts", "tell_text"),
        "Keep a transcript or a summary with its file; one for each role and language.",
        TellText,
    ),
    _route(
        *("POST", "/chats", "tell_chat"),
        "Keep a question about a file and its answer. With the same `key` it is kept once.",
        TellChat,
    ),
    _route(
        *("POST", "/pins", "pin"),
        "Pin a file, so that no policy takes it away, or take its pin off.",
        Pin,
    ),
    _route(
        *("POST", "/restores", "restore"),
        "Ask for a file that was put away; GET /restores/{restore} tells how far it is.",
        Restore,
        problems=(NOT_THERE,),
    ),
    Route(
        *("POST", "/deeds", "tell"),
        "Say several things at once: all of them are kept, or none.",
        _tell_all,
        "write",
        gives=AllDone,
        problems=_CAN_HAPPEN,
        group="Telling",
    ),
)
