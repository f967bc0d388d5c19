"""Listeners of a real daemon: one over HTTP that resumes, and what all of them were promised."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.asking import Api

Event = dict[str, Any]


@dataclass
class Ear:
    """Listens to server-sent events as a browser does: comes again with the last id it had."""

    at: Path
    query: str = ""
    last: str = "start"
    events: list[Event] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)  # when, in nanoseconds since 1970
    connections: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _socket: socket.socket | None = None  # http.client gives it to the answer
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self.cut()
        if self._thread is not None:
            self._thread.join(20)
            assert not self._thread.is_alive()

    def cut(self) -> None:
        """Lose the connection."""
        sock = self._socket
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                self._once()
            self._ended.wait(0.05)

    def _once(self) -> None:
        api = Api(self.at)
        try:
            headers = {"Last-Event-ID": self.last} if self.last else {}
            api.connection.connect()
            self._socket = api.connection.sock
            api.connection.request("GET", f"/api/v1/events{self.query}", None, headers)
            answer = api.connection.getresponse()
            assert answer.status == 200, answer.read()
            self.connections += 1
            self._read(answer)
        finally:
            api.connection.close()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        id_, data = self.last, ""
        while line := answer.readline().decode():
            line = line.rstrip("\n")
            if line.startswith("id: "):
                id_ = line[4:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line:
                if data:
                    self.arrived.append(time.time_ns())
                    self.events.append(json.loads(data))
                self.last, data = id_, ""


def place_in_journal(event: Event) -> tuple[int, str, int]:
    """Return where an event stands in the journal of a single host."""
    _, round_, _, last = str(event["id"]).split("~")[0].split(".")
    return int(round_), last[0], int(last[1:])


def by_file(events: Iterable[Event]) -> dict[int, list[Event]]:
    """Return the events of each file without those that came again, as they came first."""
    found: dict[int, dict[str, Event]] = defaultdict(dict)
    for event in events:
        if "file" in event:
            found[event["file"]["id"]].setdefault(event["id"], event)
    return {file_id: list(those.values()) for file_id, those in found.items()}


def assert_in_order(events: Iterable[Event]) -> None:
    """Hold that the events of each file came in the order of the journal, ``created`` first."""
    for file_id, those in by_file(events).items():
        places = [place_in_journal(event) for event in those]
        assert places == sorted(places), (file_id, those)
        kinds = [event["event"] for event in those]
        assert kinds[0] == "created", kinds
        assert kinds.count("created") == 1, kinds
