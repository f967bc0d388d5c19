"""What the doctor thinks of catalogues and ports."""

import os
import socket
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.migrate import migrate, rollback
from storewarden.cli.checks import services
from storewarden.cli.checks.finding import Level
from storewarden.clock import SystemClock
from storewarden.config.schema import HttpSettings, Listen, Settings
from storewarden.measure.http import Server
from storewarden.measure.listening import opened
from storewarden.measure.metrics import Metrics
from storewarden.measure.web import Web
from tests.web import web_file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path, catalogue="sqlite", roots=())


@pytest.fixture
def made(settings: Settings) -> Path:
    engine = open_catalogue("sqlite", settings.state, role="test")
    migrate(engine, SystemClock())
    engine.close()
    return settings.state / "catalogue.db"


def test_no_catalogue_yet_is_no_trouble(settings: Settings) -> None:
    (finding,) = services.catalogue(settings)

    assert finding.level is Level.OK
    assert "the daemon makes it" in finding.told


def test_a_good_catalogue(settings: Settings, made: Path) -> None:
    version, integrity = services.catalogue(settings)

    assert (version.level, integrity.level) == (Level.OK, Level.OK)
    assert integrity.told.endswith("undamaged")


def test_a_damaged_one(settings: Settings, made: Path) -> None:
    content = bytearray(made.read_bytes())
    content[8192:12288] = b"\x55" * 4096
    made.write_bytes(content)

    assert Level.FAIL in [finding.level for finding in services.catalogue(settings)]


def test_what_is_no_database(settings: Settings, made: Path) -> None:
    made.write_bytes(b"nonsense" * 1000)

    (finding,) = services.catalogue(settings)
    assert finding.level is Level.FAIL


def test_an_old_one_wants_its_migrations(settings: Settings, made: Path) -> None:
    engine = open_catalogue("sqlite", settings.state, role="test")
    rollback(engine)
    engine.close()

    first, *_ = services.catalogue(settings)
    assert (first.level, first.remedy) == (Level.WARN, "storewarden catalogue migrate")


def test_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = "postgresql://warden:geheim@127.0.0.1:1/none?connect_timeout=1"
    settings = Settings(state=tmp_path, catalogue=url, roots=())

    (finding,) = services.catalogue(settings)

    assert finding.level is Level.FAIL
    assert "geheim" not in str(finding)


def test_a_free_port() -> None:
    finding = services.listening(HttpSettings(Listen(port=0)), served=services.served_by_us)

    assert finding.level is Level.OK


def test_no_port() -> None:
    finding = services.listening(HttpSettings(Listen(port=None)), served=services.served_by_us)

    assert finding.told == "not served, as configured"


@pytest.mark.parametrize("guarded", [False, True], ids=["plain", "with TLS and a password"])
@pytest.mark.parametrize("named", [False, True], ids=["address", "socket"])
def test_our_own_daemon_is_no_trouble(tmp_path: Path, *, named: bool, guarded: bool) -> None:
    web = web_file(tmp_path) if guarded else None
    listen = Listen("", None, os.fsencode(tmp_path / "http.sock")) if named else Listen(port=0)
    made = opened(listen)
    taken = listen if named else Listen(port=made.getsockname()[1])
    server = Server(Metrics("0.1.0"), stuck=dict, waiting=list)
    server.start(made, None if web is None else Web(web))

    finding = services.listening(HttpSettings(taken, web), served=services.served_by_us)
    server.stop()

    assert finding.level is Level.OK
    assert finding.told.endswith("is served by a running daemon")
    assert list(tmp_path.glob("*.sock")) == []


def test_a_web_configuration_that_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("basic_auth_users: {me: secret}\n")

    finding = services.listening(
        HttpSettings(Listen(port=0), os.fsencode(path)), served=services.served_by_us
    )

    assert finding.level is Level.FAIL
    assert "web.yml:1:24: basic_auth_users.me: is no bcrypt hash" in finding.told
    assert "secret" not in finding.told


def test_a_stranger_on_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        finding = services.listening(HttpSettings(Listen(port=port)), served=lambda _listen: False)

    assert finding.level is Level.FAIL
    assert f"ss -ltnp 'sport = :{port}'" in finding.remedy
