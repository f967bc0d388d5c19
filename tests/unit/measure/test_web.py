"""A web configuration as Prometheus reads it: TLS and passwords, over real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.config.schema import Listen
from storewarden.errors import ConfigError, StorewardenError
from storewarden.measure import listener
from storewarden.measure.http import Server
from storewarden.measure.listening import opened
from storewarden.measure.metrics import Metrics
from storewarden.measure.web import Web, read_web, require_guard
from tests.conftest import Golden
from tests.web import NAME, PASSWORD, certificate, hashed, trusting, web_file

RIGHT = "Basic " + b64encode(f"{NAME}:{PASSWORD}".encode()).decode()


class Guarded:
    """A server with TLS and a password."""

    def __init__(self, directory: Path, web: bytes) -> None:
        self.directory = directory
        self.server = Server(Metrics("0.1.0"), stuck=dict, waiting=list)
        made = opened(Listen(port=0))
        self.address = made.getsockname()
        self.server.start(made, Web(web))

    def ask(
        self, header: str = "", context: ssl.SSLContext | None = None, method: str = "GET"
    ) -> bytes:
        context = context or trusting(self.directory)
        with (
            socket.create_connection(self.address, timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            who = f"Authorization: {header}\r\n" if header else ""
            connection.sendall(f"{method} /healthz HTTP/1.1\r\n{who}\r\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path, web_file(tmp_path))
    yield made
    made.server.stop()


def test_who_has_the_password_is_answered(guarded: Guarded) -> None:
    assert guarded.server.url == f"https://127.0.0.1:{guarded.address[1]}"
    assert guarded.ask(RIGHT).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("header", ["", RIGHT[:-4] + "AAA=", "Bearer x"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_not_is_asked_for_it(guarded: Guarded, header: str, method: str) -> None:
    answer = guarded.ask(header, method=method)

    assert answer.startswith(b"HTTP/1.1 401")
    assert b'WWW-Authenticate: Basic realm="storewarden"' in answer
    assert answer.endswith(b"401 a name and a password, please\n") is (method == "GET")


def test_without_tls_nothing_is_said(guarded: Guarded) -> None:
    with socket.create_connection(guarded.address, timeout=20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"HTTP/1.1" not in plain.recv(1000)
    assert guarded.ask(RIGHT).startswith(b"HTTP/1.1 200")


def test_old_tls_is_refused(guarded: Guarded) -> None:
    context = trusting(guarded.directory)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises((ssl.SSLError, ConnectionError)):
        guarded.ask(RIGHT, context)


def test_who_dawdles_in_the_handshake_holds_up_nobody(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SECONDS", 0.5)
    idle = [socket.create_connection(guarded.address, timeout=20) for _ in range(5)]
    ended = threading.Event()

    began = time.monotonic()
    answer = guarded.ask(RIGHT)
    for connection in idle:
        with contextlib.suppress(ConnectionError):
            assert connection.recv(100) == b""
        connection.close()
    ended.set()

    assert answer.startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began < 10


def test_a_new_certificate_is_taken_without_a_word(guarded: Guarded) -> None:
    old = trusting(guarded.directory)
    assert guarded.ask(RIGHT).startswith(b"HTTP/1.1 200")

    certificate(guarded.directory)

    assert guarded.ask(RIGHT).startswith(b"HTTP/1.1 200")
    with pytest.raises(ssl.SSLError):
        guarded.ask(RIGHT, old)


def test_what_breaks_later_keeps_what_was_before_and_is_told_once(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    (guarded.directory / "web.yml").write_text("basic_auth_users: {}\n")

    assert all(guarded.ask(RIGHT).startswith(b"HTTP/1.1 200") for _ in range(3))
    assert guarded.ask().startswith(b"HTTP/1.1 401")
    assert caplog.text.count("the web configuration is wrong; the one before is used") == 1


def test_a_password_that_is_taken_away_is_taken_away(guarded: Guarded) -> None:
    assert guarded.ask(RIGHT).startswith(b"HTTP/1.1 200")

    path = guarded.directory / "web.yml"
    path.write_text(path.read_text().replace(NAME, "somebody"))

    assert guarded.ask(RIGHT).startswith(b"HTTP/1.1 401")


def test_clients_show_certificates_where_that_is_asked(tmp_path: Path) -> None:
    certificate(tmp_path, "ca")
    theirs = certificate(tmp_path, "theirs")
    (tmp_path / "ca.pem").write_bytes(theirs[0].read_bytes())
    guarded = Guarded(tmp_path, web_file(tmp_path, clients="RequireAndVerifyClientCert"))
    known = trusting(tmp_path)
    known.load_cert_chain(*theirs)
    try:
        assert guarded.ask(RIGHT, known).startswith(b"HTTP/1.1 200")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            guarded.ask(RIGHT)
    finally:
        guarded.server.stop()


WRONG = [
    b"",
    b"- a\n",
    b"tls_server_config:\n",
    b"basic_auth_users: {}\n",
    b"{}\n",
    b"tls_server_config: {cert_file: a.pem}\n",
    b"tls_server_config: {cert_file: a.pem, key_file: [b]}\n",
    b"tls_server_config: {cert_file: a.pem, key_file: b.pem, cipher_suites: [X]}\n",
    b"tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}\n",
    b"tls_server_config: {cert_file: a, key_file: b, client_auth_type: VerifyClientCertIfGiven}\n",
    b"tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}\n",
    b"tls_server_confg: {cert_file: a, key_file: b}\n",
    b"basic_auth_users: {ann: geheim}\n",
    b"basic_auth_users: {ann: [x]}\n",
    b'basic_auth_users: {"a:b": $2y$10$' + b"a" * 53 + b"}\n",
    b"basic_auth_users: {ann: $2y$15$" + b"a" * 53 + b"}\n",
    b"basic_auth_users: {ann: $2y$10$" + b"a" * 53 + b", ann: x}\n",
    b"http_server_config: {http2: false}\n",
    b"rate_limit: {interval: 1s}\n",
]


def test_what_is_wrong_is_told_with_its_place(golden: Golden) -> None:
    told = []
    for case in WRONG:
        with pytest.raises(ConfigError) as caught:
            read_web(case, "web.yml")
        told += [repr(case)[1:], *(f"    {line}" for line in caught.value.problems), ""]
        assert "geheim" not in str(caught.value)

    golden("config-errors/web.txt", "\n".join(told))


def test_what_it_names_has_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    with pytest.raises(StorewardenError, match="No such file or directory"):
        Web(os.fsencode(path))

    path.write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    with pytest.raises(StorewardenError, match=r"server\.pem: No such file or directory"):
        Web(os.fsencode(path))

    certificate(tmp_path)
    (tmp_path / "server.key").write_text("none\n")
    with pytest.raises(StorewardenError, match=r"server\.pem"):
        Web(os.fsencode(path))


@pytest.mark.parametrize("left_out", ["tls_server_config", "basic_auth_users", ""])
def test_other_machines_are_shown_nothing_in_the_clear_or_unasked(
    tmp_path: Path, left_out: str
) -> None:
    path = tmp_path / os.fsdecode(web_file(tmp_path))
    tls, users = path.read_text().split("basic_auth_users:")
    if left_out:
        kept = tls if left_out == "basic_auth_users" else f"basic_auth_users:{users}"
        path.write_text(kept)
    web = Web(os.fsencode(path))

    for unguarded in (web, None):
        require_guard(Listen(), unguarded)
        require_guard(Listen("", None, b"/run/http.sock"), unguarded)
    if left_out:
        with pytest.raises(StorewardenError, match="other machines reach it"):
            require_guard(Listen("0.0.0.0"), web)
    else:
        require_guard(Listen("0.0.0.0"), web)
    with pytest.raises(StorewardenError, match="other machines reach it"):
        require_guard(Listen("0.0.0.0"), None)


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    web = Web(web_file(tmp_path))

    assert hashed() not in repr(web.settings)
    assert "server.key" not in repr(web.settings)
