"""What applications ask: each request is one of the questions that ``reading`` answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from storewarden.api import restoring
from storewarden.api.checked import moment_ns
from storewarden.api.http.answering import record_of
from storewarden.api.http.asked import (
    FilesAsked,
    Paged,
    SearchAsked,
    StatsAsked,
    UsageAsked,
    WhyAsked,
)
from storewarden.api.http.message import Response
from storewarden.api.http.problems import NOT_THERE, Problem
from storewarden.api.http.routes import Call, Handler, Route
from storewarden.api.reading import deciding, files, flows, happened, said, searching, spent, stats
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.records import (
    Chats,
    Files,
    History,
    Hits,
    Scene,
    Scenes,
    Texts,
    Usages,
    WholeFile,
    Why,
    Workflow,
    Workflows,
)
from storewarden.api.reading.stats import Stats
from storewarden.api.restoring import Restored
from storewarden.catalogue.rules import LARGEST

Question = Callable[[Reader, Call], Any]


def asks(question: Question) -> Handler:
    """Return what answers a question: not more than a few at once, so that others get a turn."""

    def handler(call: Call) -> Response:
        parts = call.parts
        with parts.reading:
            reader = Reader(parts.engine, call.who, parts.host_id, parts.clock.wall_ns())
            return record_of(question(reader, call))

    return handler


def file_of(call: Call) -> int | str:
    """Return which file a path names: by its number in the catalogue, or by its own path."""
    name = call.names["file"]
    return _number(name, "file") if name.isascii() and name.isdecimal() else name


def _number(text: str, what: str) -> int:
    """Return a number of the catalogue, or refuse what can be none in the words for what is not."""
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))
    if not digits or int(text) > LARGEST:
        raise Problem(NOT_THERE, f"there is no such {what}")
    return int(text)


def _files(reader: Reader, call: Call) -> Files:
    asked: FilesAsked = call.asked
    return files.page(reader, asked.term, asked.limit, asked.after)


def _file(reader: Reader, call: Call) -> WholeFile:
    return files.whole(reader, file_of(call))


def _why(reader: Reader, call: Call) -> Why:
    settings, asked = call.parts.settings(), call.asked
    policies = deciding.in_force(reader, settings.store_names, settings.table_names)
    return deciding.why(reader, file_of(call), policies, asked.not_)


def _history(reader: Reader, call: Call) -> History:
    return happened.history(reader, file_of(call))


def _stats(reader: Reader, call: Call) -> Stats:
    asked: StatsAsked = call.asked
    since_ns = None if asked.since is None else moment_ns(asked.since)
    return stats.stats(reader, by=asked.by, since_ns=since_ns, limit=asked.limit)


def _restored(reader: Reader, call: Call) -> Restored:
    return restoring.restored(reader, _number(call.names["restore"], "request"))


def _texts(reader: Reader, call: Call) -> Texts:
    return said.texts(reader, file_of(call))


def _chats(reader: Reader, call: Call) -> Chats:
    return said.chats(reader, file_of(call), call.asked.limit, call.asked.after)


def _search(reader: Reader, call: Call) -> Hits:
    asked: SearchAsked = call.asked
    return searching.search(reader, asked.q, asked.term, asked.limit)


def _workflows(reader: Reader, call: Call) -> Workflows:
    return flows.workflows(reader, call.asked.limit, call.asked.after)


def _workflow(reader: Reader, call: Call) -> Workflow:
    return flows.workflow(reader, call.names["workflow"])


def _scenes(reader: Reader, call: Call) -> Scenes:
    return flows.scenes(reader, call.names["workflow"], call.asked.limit, call.asked.after)


def _scene(reader: Reader, call: Call) -> Scene:
    return flows.scene(reader, call.names["workflow"], call.names["scene"])


def _usage(reader: Reader, call: Call) -> Usages:
    asked: UsageAsked = call.asked
    return spent.usage(
        reader,
        since_ns=None if asked.since is None else moment_ns(asked.since),
        provider=asked.provider,
        workflow=asked.workflow,
        limit=asked.limit,
        after=asked.after,
    )


def _route(path: str, name: str, about: str, gives: Any, question: Question, asked: Any) -> Route:
    return Route(
        *("GET", path, name, about, asks(question), "read"),
        gives=gives,
        asks=asked,
        problems=(NOT_THERE,) if "{" in path else (),
        group="Asking",
    )


ROUTES: Final = (
    _route("/files", "files", "Files that meet all terms.", Files, _files, FilesAsked),
    _route("/files/{file}", "file", "Everything that is known of a file.", WholeFile, _file, None),
    _route(
        *("/files/{file}/why", "why", "What becomes of a file and why, policy by policy."),
        *(Why, _why, WhyAsked),
    ),
    _route(
        *("/files/{file}/history", "history", "What happened to a file, the last first."),
        *(History, _history, None),
    ),
    _route(
        *("/files/{file}/texts", "texts", "The transcripts and summaries of a file."),
        *(Texts, _texts, None),
    ),
    _route(
        *("/files/{file}/chats", "chats", "What was asked about a file, the newest first."),
        *(Chats, _chats, Paged),
    ),
    _route(
        *("/search", "search", "The files in which words are found, the best first."),
        *(Hits, _search, SearchAsked),
    ),
    _route(
        *("/workflows", "workflows", "Workflows, the newest first."),
        *(Workflows, _workflows, Paged),
    ),
    _route("/workflows/{workflow}", "workflow", "A workflow.", Workflow, _workflow, None),
    _route(
        *("/workflows/{workflow}/scenes", "scenes", "The scenes of a workflow, in their order."),
        *(Scenes, _scenes, Paged),
    ),
    _route(
        *("/workflows/{workflow}/scenes/{scene}", "scene", "A scene of a workflow."),
        *(Scene, _scene, None),
    ),
    _route(
        *("/usage", "usage", "Calls of services and what they cost, the newest first."),
        *(Usages, _usage, UsageAsked),
    ),
    _route(
        *("/restores/{restore}", "restored", "How far it is with a file that was asked for."),
        *(Restored, _restored, None),
    ),
    _route(
        *("/stats", "stats", "Statistics: files, calls and what they cost, how long work took."),
        *(Stats, _stats, StatsAsked),
    ),
)
