"""A connection is served request by request, whatever the other side sends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from storewarden.api.http import connection as connections
from storewarden.api.http.connection import Connection
from storewarden.api.http.message import BODY_BYTES, Malformed, Peer, Request, Response

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


class Always:
    """A place that is never taken away."""

    def __init__(self, most: int = 1000) -> None:
        self.left = most

    def busy(self) -> None: ...

    def idle(self) -> bool:
        self.left -= 1
        return self.left > 0


def answer(request: Request) -> Response:
    if request.target == "/stream":
        return Response(200, stream=iter((b"one", b"", b"two")), content_type="text/plain")
    return Response(200, request.target.encode() + b"=" + request.body, "text/plain")


def refuse(wrong: Malformed) -> Response:
    return Response(wrong.status, wrong.why.encode(), "text/plain")


@contextmanager
def served(place: Always | None = None, ahead: bytes = b"") -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    one = Connection(theirs, Peer(), place or Always(), ahead)

    def serve() -> None:
        with theirs:
            one.serve(answer, refuse)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ours.settimeout(10)
    with ours:
        yield ours
    thread.join(10)
    assert not thread.is_alive()


def everything(ours: socket.socket) -> bytes:
    parts = []
    while piece := ours.recv(65536):
        parts.append(piece)
    return b"".join(parts)


def bodies(data: bytes) -> list[bytes]:
    return [part.partition(b"\r\n\r\n")[2] for part in data.split(b"HTTP/1.1 ")[1:]]


def test_requests_that_come_together_are_answered_in_their_order() -> None:
    with served() as ours:
        ours.sendall(b"".join(GET % number for number in range(5)))
        ours.shutdown(socket.SHUT_WR)

        assert bodies(everything(ours)) == [b"/%d=" % number for number in range(5)]


def test_requests_that_come_byte_by_byte_are_answered() -> None:
    with served() as ours:
        for byte in b"\r\nPOST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":
            ours.sendall(bytes((byte,)))
        ours.shutdown(socket.SHUT_WR)

        assert bodies(everything(ours)) == [b"/a=abc"]


def test_what_was_read_already_is_answered_first() -> None:
    with served(ahead=b"GET /9 H") as ours:
        ours.sendall(b"TTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert bodies(everything(ours)) == [b"/9="]


def test_a_body_may_come_in_chunks() -> None:
    with served() as ours:
        ours.sendall(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        ours.sendall(b"3;odd=1\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: x\r\n\r\n")
        ours.sendall(GET % 1)
        ours.shutdown(socket.SHUT_WR)

        assert bodies(everything(ours)) == [b"/a=abcd", b"/1="]


@pytest.mark.parametrize(
    ("status", "chunks"),
    [
        (b"400", b"x\r\n"),
        (b"400", b"3\r\nabcd\r\n"),
        (b"400", b"-3\r\nabc\r\n"),
        (b"413", b"%x\r\n" % (BODY_BYTES + 1)),
    ],
)
def test_chunks_that_are_none_end_the_connection(status: bytes, chunks: bytes) -> None:
    with served() as ours:
        ours.sendall(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        ours.shutdown(socket.SHUT_WR)
        said = everything(ours)

        assert said.startswith(b"HTTP/1.1 " + status)
        assert b"Connection: close" in said


def test_a_head_without_an_end_is_refused() -> None:
    with served() as ours:
        ours.sendall(b"GET / HTTP/1.1\r\nA: " + b"x" * 80_000)
        ours.shutdown(socket.SHUT_WR)

        assert everything(ours).startswith(b"HTTP/1.1 431")


def test_who_dawdles_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.05)
    with served() as ours:
        ours.sendall(b"GET /")

        assert everything(ours).startswith(b"HTTP/1.1 408")


def test_who_is_idle_for_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
    with served() as ours:
        assert everything(ours) == b""


def test_who_waits_for_leave_to_send_gets_it() -> None:
    with served() as ours:
        ours.sendall(
            b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        )
        assert ours.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        ours.sendall(b"b")
        ours.shutdown(socket.SHUT_WR)

        assert bodies(everything(ours)) == [b"/a=b"]


def test_what_is_too_large_is_refused_and_the_refusal_arrives() -> None:
    with served() as ours:
        ours.sendall(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        ours.sendall(b"x" * 100_000)  # closing over this would take the answer away
        ours.shutdown(socket.SHUT_WR)

        assert everything(ours).startswith(b"HTTP/1.1 413")


def test_a_stream_comes_in_chunks_and_ends_the_connection() -> None:
    with served() as ours:
        ours.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")

        assert bodies(everything(ours)) == [b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"]


def test_a_head_alone_is_answered_where_no_more_is_asked_for() -> None:
    with served() as ours:
        ours.sendall(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + GET % 1)
        ours.shutdown(socket.SHUT_WR)

        assert bodies(everything(ours)) == [b"", b"/1="]


def test_a_place_that_is_taken_away_ends_it_with_the_answer() -> None:
    with served(Always(2)) as ours:
        ours.sendall(b"".join(GET % number for number in range(5)))
        said = everything(ours)

        assert bodies(said) == [b"/0=", b"/1="]
        assert said.count(b"Connection: close") == 1


def test_who_goes_away_in_the_middle_harms_nothing() -> None:
    for part in (b"", b"GET /", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"):
        with served() as ours:
            ours.sendall(part)
