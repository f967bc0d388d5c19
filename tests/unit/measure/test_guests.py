"""A connection that begins below /api is given away, with all that was read, and counts no more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from storewarden.config.schema import Listen
from storewarden.measure import listener
from storewarden.measure.http import Server
from storewarden.measure.listening import opened
from storewarden.measure.metrics import Metrics


class House:
    """A server with a guest that tells what it was handed."""

    def __init__(self) -> None:
        self.leave = threading.Event()
        self.server = Server(Metrics("1"), stuck=dict, waiting=tuple)
        self.server.guest = self.guest
        made = opened(Listen(port=0))
        self.address = made.getsockname()
        self.server.start(made)

    def guest(self, connection: socket.socket, ahead: bytes) -> None:
        connection.sendall(b"guest:" + ahead)
        self.leave.wait(20)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def said(self, *pieces: bytes) -> bytes:
        """Return the beginning of what is answered to bytes that come one after the other."""
        with self.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                connection.sendall(piece)
            connection.settimeout(20)
            return connection.recv(100)


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.leave.set()
    made.server.stop()


@pytest.mark.parametrize(
    "first",
    [b"GET /api/v1/ HTTP/1.1\r\n", b"PATCH /api HTTP/1.1\r\n", b"GET /api?x HTTP/1.1\r\n"],
)
def test_what_is_below_api_is_the_guests(house: House, first: bytes) -> None:
    assert house.said(first) == b"guest:" + first


def test_a_request_that_comes_byte_by_byte_finds_its_way(house: House) -> None:
    assert house.said(*(bytes((byte,)) for byte in b"GET /api/v1")).startswith(b"guest:GET /api/")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"GET /apis HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"GET /metrics/api HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"GET  /api HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    ],
)
def test_all_else_is_answered_as_before(house: House, request_: bytes, status: bytes) -> None:
    assert house.said(*(bytes((byte,)) for byte in request_)).split()[1] == status


def test_guests_that_stay_leave_all_threads_to_others(house: House) -> None:
    guests = [house.connect() for _ in range(listener.THREADS + 3)]
    try:
        for one in guests:
            one.sendall(b"GET /api/v1/events HTTP/1.1\r\n")
            assert one.recv(6) == b"guest:"

        assert house.said(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").split()[1] == b"200"
    finally:
        for one in guests:
            one.close()
