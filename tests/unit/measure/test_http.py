"""The HTTP faces over a real loopback socket, with clients that behave and clients that don't."""

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from storewarden.config.schema import Listen
from storewarden.measure import listener
from storewarden.measure.http import Server, accepts_gzip
from storewarden.measure.listening import opened
from storewarden.measure.metrics import Metrics


class Faces:
    """A running server whose health and readiness a test sets."""

    def __init__(self) -> None:
        self.stuck: dict[str, float] = {}
        self.waiting: list[str] = []
        self.server = Server(
            Metrics("0.1.0"), stuck=lambda: self.stuck, waiting=lambda: self.waiting
        )
        self.start()

    def start(self, port: int = 0) -> None:
        made = opened(Listen(port=port))
        self.address = made.getsockname()
        self.server.start(made)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def raw(self, request: bytes) -> bytes:
        """Send these bytes, return all that comes back."""
        with self.connect() as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def ask(
        self, target: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{method} {target} HTTP/1.1", "Host: x"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head, _, body = self.raw("\r\n".join([*lines, "", ""]).encode()).partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), body


@pytest.fixture
def faces() -> Iterator[Faces]:
    made = Faces()
    yield made
    made.server.stop()


def test_metrics(faces: Faces) -> None:
    status, headers, body = faces.ask("/metrics")

    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert (int(headers["Content-Length"]), headers["Connection"]) == (len(body), "close")
    assert b"storewarden_build_info{" in body


def test_metrics_as_prometheus_asks_for_them(faces: Faces) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    _, headers, body = faces.ask("/metrics", Accept=accept, Accept_Encoding="gzip")

    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).endswith(b"# EOF\n")


def test_some_metrics_only(faces: Faces) -> None:
    _, _, body = faces.ask("/metrics?name[]=storewarden_ready")

    assert body.splitlines()[-1] == b"storewarden_ready 0.0"
    assert body.count(b"# TYPE") == 1


def test_head_is_get_without_the_body(faces: Faces) -> None:
    status, headers, body = faces.ask("/metrics", "HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_healthy_while_every_worker_gets_on(faces: Faces) -> None:
    status, headers, body = faces.ask("/healthz")

    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {"status": "ok", "stuck_seconds": {}}


def test_who_is_stuck_is_named(faces: Faces) -> None:
    faces.stuck = {"recorder": 42.04}

    status, _, body = faces.ask("/healthz")

    assert status == 503
    assert json.loads(body) == {"status": "stuck", "stuck_seconds": {"recorder": 42.0}}


def test_ready_when_nothing_is_waited_for(faces: Faces) -> None:
    ready = faces.ask("/readyz")[0]
    faces.waiting = ["uploads"]
    status, _, body = faces.ask("/readyz")

    assert (ready, status) == (200, 503)
    assert json.loads(body) == {"status": "waiting", "waiting": ["uploads"]}


def test_the_index_names_the_pages(faces: Faces) -> None:
    status, headers, body = faces.ask("/")

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert all(page in body for page in (b"/metrics", b"/healthz", b"/readyz"))


def test_what_is_not_there(faces: Faces) -> None:
    assert faces.ask("/etc/passwd")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_only_get_and_head(faces: Faces, method: str) -> None:
    status, headers, _ = faces.ask("/metrics", method)

    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_second_request_on_the_connection_is_not_answered(faces: Faces) -> None:
    both = faces.raw(b"GET /healthz HTTP/1.1\r\n\r\n" * 2)

    assert both.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_nonsense_is_refused(faces: Faces, request_: bytes, status: bytes) -> None:
    answer = faces.raw(request_)

    assert status in answer.splitlines()[0]
    assert faces.ask("/healthz")[0] == 200


def test_a_request_beyond_the_size_is_dropped(faces: Faces) -> None:
    with faces.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\na: " + b"x" * 1_000_000)
        assert connection.recv(1000) == b""
    assert faces.ask("/healthz")[0] == 200


def test_who_sends_slowly_is_dropped_in_the_end_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, faces: Faces
) -> None:
    monkeypatch.setattr(listener, "SECONDS", 1.0)
    ended = threading.Event()

    def slow() -> None:
        with faces.connect() as connection:
            try:
                while connection.send(b"G"):
                    if ended.wait(0.02):
                        return
            except ConnectionError:
                ended.set()

    threads = [threading.Thread(target=slow) for _ in range(5)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    status = faces.ask("/healthz")[0]
    quick = time.monotonic() - began

    assert (status, quick < 0.8) == (200, True)
    assert ended.wait(10)
    for thread in threads:
        thread.join()


def test_more_clients_than_threads_are_turned_away_and_served_again_later(faces: Faces) -> None:
    idle = [faces.connect() for _ in range(listener.THREADS)]
    for connection in idle:
        connection.sendall(b"GET /")
    turned_away = faces.raw(b"")
    for connection in idle:
        connection.sendall(b"healthz HTTP/1.1\r\n\r\n")
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
        connection.close()

    assert turned_away.startswith(b"HTTP/1.1 503")
    assert any(faces.raw(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200") for _ in range(50))


def test_a_client_that_goes_away_is_no_news(
    faces: Faces, capsys: pytest.CaptureFixture[str]
) -> None:
    faces.connect().close()
    faces.ask("/healthz")

    assert capsys.readouterr() == ("", "")


def test_an_error_of_ours_is_500_and_logged(
    faces: Faces, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faces, "stuck", None)

    assert faces.ask("/healthz")[0] == 500
    assert "could not be made" in caplog.text


def test_it_stops_at_once_and_can_start_again(faces: Faces) -> None:
    _, port = faces.address
    began = time.monotonic()
    faces.server.stop()
    took = time.monotonic() - began
    faces.server.stop()
    faces.start(port)

    assert took < 5
    assert faces.ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_accepts_gzip(header: str, accepted: bool) -> None:  # noqa: FBT001  # the expected answer
    assert accepts_gzip(header) is accepted
