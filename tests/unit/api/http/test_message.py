"""A head is read in one way, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storewarden.api.http.message import BODY_BYTES, Malformed, Response, read_head

FIRST = "POST /api/v1/files?a=b HTTP/1.1"


def head(*lines: str, first: str = FIRST) -> bytes:
    return "\r\n".join((first, *lines)).encode("latin-1")


def test_a_head_is_its_method_target_and_headers() -> None:
    read = read_head(head("Host: x", "Content-Length: 12", "X-Odd:  a b ", "x-odd: c"))

    assert (read.method, read.target, read.length) == ("POST", "/api/v1/files?a=b", 12)
    assert read.headers["x-odd"] == "a b, c"
    assert read.keep


@pytest.mark.parametrize(
    ("first", "line", "keep"),
    [
        ("GET / HTTP/1.1", "Connection: close", "ends"),
        ("GET / HTTP/1.1", "Connection: Keep-Alive, Close", "ends"),
        ("GET / HTTP/1.0", "X: y", "ends"),
        ("GET / HTTP/1.0", "Connection: keep-alive", "stays"),
    ],
)
def test_who_asks_says_whether_the_connection_is_kept(first: str, line: str, keep: str) -> None:
    assert read_head(head("Host: x", line, first=first)).keep is (keep == "stays")


def test_a_whole_url_is_its_path() -> None:
    read = read_head(head("Host: x", first="GET http://host:1/api/v1/?q=1 HTTP/1.1"))
    bare = read_head(head("Host: x", first="GET http://host HTTP/1.1"))

    assert (read.target, bare.target) == ("/api/v1/?q=1", "/")


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, b""),
        (400, b"GET /\r\nHost: x"),
        (400, b"GET  / HTTP/1.1\r\nHost: x"),
        (400, b"GET / HTTP/2.0\r\nHost: x"),
        (400, b"get / HTTP/1.1\r\nHost: x"),
        (400, b"GET files HTTP/1.1\r\nHost: x"),
        (400, b"GET /a b HTTP/1.1\r\nHost: x"),
        (400, head()),
        (400, head("Host: x", "Host: y")),
        (400, head("Host: x", "no colon")),
        (400, head("Host: x", "Space : y")),
        (400, head("Host: x", " folded: y")),
        (400, head("Host: x", "A: b\nC: d")),
        (400, head("Host: x", "A: \0")),
        (400, head("Host: x", ": y")),
        (400, head("Host: x", "Content-Length: +5")),
        (400, head("Host: x", "Content-Length: 5, 5")),
        (400, head("Host: x", "Content-Length: 5", "Content-Length: 5")),
        (400, head("Host: x", "Content-Length: 5", "Transfer-Encoding: chunked")),
        (400, head("Host: x", "Transfer-Encoding: gzip, chunked")),
        (400, head("Host: x", "Transfer-Encoding: chunked, identity")),
        (400, head("Host: x", "Transfer-Encoding: chunked", first="GET / HTTP/1.0")),
        (400, head("Host: x", "Authorization: a", "authorization: b")),
        (413, head("Host: x", f"Content-Length: {BODY_BYTES + 1}")),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(status: int, data: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        read_head(data)
    assert refused.value.status == status


@given(some.binary(max_size=300) | some.text(max_size=200).map(lambda text: text.encode()))
def test_whatever_comes_is_a_head_or_is_refused(data: bytes) -> None:
    try:
        read = read_head(data)
    except Malformed:
        return
    assert read.target.startswith("/")


def test_an_answer_says_how_long_it_is_or_comes_in_chunks() -> None:
    assert b"Content-Length: 2\r\n" in Response(200, b"{}").head(keep=True)
    assert b"Connection: close" in Response(200).head(keep=False)
    stream = Response(200, stream=iter(()))
    assert b"Transfer-Encoding: chunked" in stream.head(keep=False)
    assert b"Transfer-Encoding" not in stream.head(keep=False, modern=False)
    assert b"Content-" not in Response(204).head(keep=True).replace(b"X-Content-", b"")
