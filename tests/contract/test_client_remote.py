"""What the client does when a daemon is busy, away, or wrong: it tries again, once counts once."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from storewarden.client import Warden
from storewarden.client.errors import (
    AlreadyThere,
    NotAllowed,
    NotKnown,
    NotThere,
    PermanentError,
    QuotaExceeded,
    StorewardenError,
    Unreachable,
    UsageError,
    Wrong,
)
from tests.answerer import server

DONE = {"done": [{"what": "workflow", "id": 7, "created": True, "workflow": "story"}]}


class Daemon:
    """Answers as it is told to, one request after the other, and remembers what it was asked."""

    def __init__(self, path: Path, *answers: bytes) -> None:
        self.path, self._answers = path, list(answers)
        self.heads: list[str] = []

    def __call__(self, connection: socket.socket, _number: int, _request: int) -> bool:
        answer = self._answers.pop(0)
        connection.sendall(answer)
        return bool(answer)

    def ask(self, do: Callable[[Warden], object], timeout: float = 30.0) -> object:
        """Let a client do something."""
        with (
            server(self.path, self, heads=self.heads),
            Warden(f"unix:{self.path}", timeout=timeout) as warden,
        ):
            return do(warden)


def answer(status: int, told: object, *headers: str) -> bytes:
    body = json.dumps(told).encode()
    kind = "application/json" if status < 300 else "application/problem+json"
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def problem(status: int, name: str, title: str, **more: object) -> bytes:
    return answer(status, {"type": f"/api/v1/#{name}", "title": title, "status": status, **more})


def make(warden: Warden) -> object:
    return warden.create_workflow("story", exist_ok=False).id


BUSY = answer(503, {"title": "the catalogue is busy"}, "Retry-After: 0.01")
CUT = b""  # the connection ends without an answer


@pytest.mark.parametrize("before", [[BUSY], [CUT], [CUT, BUSY, CUT], [BUSY, BUSY]])
def test_what_is_busy_or_away_is_tried_again(tmp_path: Path, before: list[bytes]) -> None:
    daemon = Daemon(tmp_path / "s", *before, answer(200, DONE))

    assert daemon.ask(make) == 7
    assert len(daemon.heads) == len(before) + 1


def test_what_must_be_new_goes_with_one_key_however_often_it_goes(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "s", CUT, BUSY, answer(200, DONE), answer(200, DONE))

    daemon.ask(lambda warden: (make(warden), make(warden)))

    keys = [re.findall(r"Idempotency-Key: (\w+)", head) for head in daemon.heads]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert all(len(key) == 1 for key in keys)


def test_who_has_waited_long_enough_is_told_how_often_it_was_tried(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "s", *[BUSY] * 100)

    with pytest.raises(Unreachable, match=r"busy: unix:.*: tried \d+ times in 0.2 s"):
        daemon.ask(make, timeout=0.2)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (problem(401, "not-known", "a token is needed here"), NotKnown, "a token is needed"),
        (problem(403, "not-allowed", "this token may not write"), NotAllowed, "may not write"),
        (problem(403, "quota-exceeded", "ada has enough"), QuotaExceeded, "ada has enough"),
        (problem(404, "not-there", "there is no such file"), NotThere, "no such file"),
        (problem(409, "already-there", "there is one"), AlreadyThere, "there is one"),
        (problem(409, "conflict", "it stands against it"), PermanentError, "stands against"),
        (problem(413, "too-large", "it is too large"), PermanentError, "too large"),
        (problem(422, "wrong", "no such term", remedy="kind"), UsageError, "no such term.*kind"),
        (problem(500, "our-fault", "a mistake"), PermanentError, "a mistake"),
        (answer(418, ["short", "and", "stout"]), PermanentError, "answered with 418"),
    ],
)
def test_what_is_refused_is_raised_at_once(
    tmp_path: Path, said: bytes, kind: type[StorewardenError], words: str
) -> None:
    daemon = Daemon(tmp_path / "s", said)

    with pytest.raises(kind, match=words):
        daemon.ask(make)
    assert len(daemon.heads) == 1


def test_everything_that_is_wrong_has_its_place(tmp_path: Path) -> None:
    errors = [
        {"pointer": "/deeds/0/status", "detail": "is 'runing'", "hint": "did you mean running?"},
        {"pointer": "/deeds/0/title", "detail": "is a number"},
    ]
    daemon = Daemon(tmp_path / "s", problem(422, "wrong", "what was said is wrong", errors=errors))

    with pytest.raises(Wrong) as raised:
        daemon.ask(make)

    assert [str(one) for one in raised.value.problems] == [
        "/status: is 'runing'; did you mean running?",
        "/title: is a number",
    ]


def test_what_a_newer_daemon_tells_besides_is_passed_over(tmp_path: Path) -> None:
    told = {"done": [DONE["done"][0] | {"mood": "bright"}], "moon": "full"}

    assert Daemon(tmp_path / "s", answer(200, told)).ask(make) == 7


def test_a_listener_goes_on_where_a_stream_broke(tmp_path: Path) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )

    def stream(*texts: str) -> bytes:
        return head + b"".join(b"%x\r\n%s\r\n" % (len(one), one.encode()) for one in texts)

    def event(number: int) -> str:
        data = {"id": f"1.{number}", "event": "created", "at_ns": number}
        return f"id: 1.{number}\nevent: created\ndata: {json.dumps(data)}\n\n"

    class Breaking(Daemon):
        def __call__(self, connection: socket.socket, number: int, request: int) -> bool:
            super().__call__(connection, number, request)
            return False

    third = event(3)
    daemon = Breaking(
        tmp_path / "s",
        stream("retry: 2000\nid: 1.0\n\n", event(1), ": nothing\nid: 1.1\n\n", event(2)),
        stream(third[:10]),  # cut off within a message
        BUSY,
        stream(third[:5], third[5:], event(4)),
    )

    def hear(warden: Warden) -> list[str]:
        events = warden.events(kinds=["created"])
        heard = [next(events).id for _ in range(4)]
        events.close()
        return heard

    assert daemon.ask(hear) == ["1.1", "1.2", "1.3", "1.4"]
    lasts = [re.findall(r"Last-Event-ID: (\S+)", head) for head in daemon.heads]
    assert lasts == [[], ["1.2"], ["1.2"], ["1.2"]]
    assert "GET /api/v1/events?event=created HTTP/1.1" in daemon.heads[0]


@pytest.mark.parametrize("after", [None, "start"])
def test_who_begins_to_listen_where_no_daemon_is_is_told_so(
    tmp_path: Path, after: str | None
) -> None:
    with (
        Warden(f"unix:{tmp_path}/s", timeout=0.1) as warden,
        pytest.raises(Unreachable, match="there is no such socket"),
    ):
        next(warden.events(after=after))


def test_who_listens_when_the_daemon_goes_for_good_ends_when_its_time_is_over(
    tmp_path: Path,
) -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    daemon = Daemon(tmp_path / "s", said, *[CUT] * 100)

    assert daemon.ask(lambda warden: list(warden.events(seconds=0.3)), timeout=0.1) == []


def test_names_travel_as_they_are(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "s", problem(404, "not-there", "there is no such file"))

    with pytest.raises(NotThere):
        daemon.ask(lambda warden: warden.file(b"/srv/\xff /?%2f.png"))

    assert daemon.heads[0].startswith("GET /api/v1/files/%2Fsrv%2F%FF%20%2F%3F%252f.png HTTP/1.1")
