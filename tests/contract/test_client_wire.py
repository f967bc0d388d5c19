"""The client's own HTTP, against a server that answers with what bytes a test wants."""

import socket
import threading
from pathlib import Path

import pytest

from storewarden.client.address import Address
from storewarden.client.errors import Unreachable
from storewarden.client.patience import Deadline
from storewarden.client.wire import Connections
from tests.answerer import Answering, server

REQUEST = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def always(answer: bytes) -> Answering:
    def answering(connection: socket.socket, _number: int, _request: int) -> bool:
        connection.sendall(answer)
        return True

    return answering


def ask(path: Path, seconds: float = 5.0) -> tuple[int, bytes]:
    connections = Connections(Address(str(path)))
    try:
        answer = connections.ask(REQUEST, Deadline(seconds))
    finally:
        connections.close()
    return answer.status, answer.body


def test_a_connection_is_kept_for_the_next_request(tmp_path: Path) -> None:
    with server(tmp_path / "s", always(OK)) as seen:
        connections = Connections(Address(str(tmp_path / "s")))
        for _ in range(3):
            assert connections.ask(REQUEST, Deadline(5)).body == b"ok"
        connections.close()

    assert seen == [3]


def test_a_connection_that_was_closed_meanwhile_is_replaced_without_a_word(tmp_path: Path) -> None:
    def once_each(connection: socket.socket, _number: int, _request: int) -> bool:
        connection.sendall(OK)
        return False

    with server(tmp_path / "s", once_each) as seen:
        connections = Connections(Address(str(tmp_path / "s")))
        for _ in range(3):
            assert connections.ask(REQUEST, Deadline(5)).body == b"ok"
        connections.close()

    assert seen == [1, 1, 1]


def test_threads_never_share_a_connection(tmp_path: Path) -> None:
    def slowly(connection: socket.socket, number: int, _request: int) -> bool:
        body = b"%d" % number
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        return True

    bodies: list[bytes] = []
    with server(tmp_path / "s", slowly) as seen:
        connections = Connections(Address(str(tmp_path / "s")))

        def many() -> None:
            bodies.extend(connections.ask(REQUEST, Deadline(5)).body for _ in range(50))

        threads = [threading.Thread(target=many) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        connections.close()

    assert sum(seen) == len(bodies) == 400
    assert len(seen) <= 8
    assert [bodies.count(b"%d" % number) for number in range(len(seen))] == seen


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
        (CHUNKED + b"1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 404 Not Found\r\nCONTENT-LENGTH:  4 \r\n\r\ngone", 404, b"gone"),
    ],
)
def test_an_answer_is_read_however_it_is_framed(
    tmp_path: Path, answer: bytes, status: int, body: bytes
) -> None:
    with server(tmp_path / "s", always(answer)):
        assert ask(tmp_path / "s") == (status, body)


def test_an_answer_may_come_byte_by_byte(tmp_path: Path) -> None:
    def crumbs(connection: socket.socket, _number: int, _request: int) -> bool:
        for byte in OK:
            connection.sendall(bytes([byte]))
        return True

    with server(tmp_path / "s", crumbs):
        assert ask(tmp_path / "s") == (200, b"ok")


def test_an_answer_without_a_length_ends_with_its_connection(tmp_path: Path) -> None:
    def ending(connection: socket.socket, _number: int, _request: int) -> bool:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\no")
        connection.sendall(b"k")
        return False

    with server(tmp_path / "s", ending):
        assert ask(tmp_path / "s") == (200, b"ok")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "closed"),
        (OK[:-1], "closed"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", "larger"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "no end"),
    ],
)
def test_half_an_answer_is_none(tmp_path: Path, answer: bytes, why: str) -> None:
    def then_ends(connection: socket.socket, _number: int, _request: int) -> bool:
        connection.sendall(answer)
        return False

    with server(tmp_path / "s", then_ends), pytest.raises(Unreachable, match=why):
        ask(tmp_path / "s")


def test_who_does_not_answer_in_time_is_not_waited_for(tmp_path: Path) -> None:
    with (
        server(tmp_path / "s", lambda *_: True),
        pytest.raises(Unreachable, match="did not answer in time"),
    ):
        ask(tmp_path / "s", 0.1)


def test_where_nobody_listens_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unreachable, match="there is no such socket"):
        ask(tmp_path / "none")
    with pytest.raises(Unreachable, match="that is no socket"):
        ask(tmp_path / "file")


def test_the_name_of_a_socket_may_be_longer_than_the_kernel_takes(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)

    with server(deep / "api.sock", always(OK)):
        assert ask(deep / "api.sock") == (200, b"ok")


def test_a_child_of_a_process_takes_none_of_its_connections(tmp_path: Path) -> None:
    with server(tmp_path / "s", always(OK)) as seen:
        connections = Connections(Address(str(tmp_path / "s")))
        connections.ask(REQUEST, Deadline(5))
        connections._process -= 1  # as a child finds it
        connections.ask(REQUEST, Deadline(5))
        connections.close()

    assert seen == [1, 1]
