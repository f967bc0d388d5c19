"""What a listener hears: one value for each event, from the form in which a daemon sends them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from storewarden.client.taken import taken


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardFile:
    """A file as it is when an event of it is told; ``place`` is its path, to be opened."""

    id: int
    place: str
    root: str
    path: str
    kind: str
    size: int
    mtime_ns: int
    state: str
    growing: bool
    generation: int
    inspected: bool
    digest: str | None = None
    path_hex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; to listen after its ``id`` is to hear all that came after it.

    ``file`` is None only of ``missed``: the journal no longer reaches back to what was heard last.
    """

    id: str
    event: str
    at_ns: int
    host: str = ""
    file: HeardFile | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Message(NamedTuple):
    """What came over a stream: how far one is after it, and the event, where it was one."""

    id: str
    event: Event | None


def event_of(text: str | bytes) -> Event:
    """Return the event that its JSON tells."""
    return taken(Event, json.loads(text))


def messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """Yield what a stream of server-sent events says; a message that was cut off is none."""
    last, data = "", list[bytes]()
    for line in lines:
        if not line:
            if data or last:
                yield Message(last, event_of(b"\n".join(data)) if data else None)
            data = []
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"id":
            last = value.decode("ascii", "replace")
        elif name == b"data":
            data.append(value)
