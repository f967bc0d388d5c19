"""What the doctor thinks of catalogues and ports."""

import socket
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.migrate import migrate, rollback
from storewarden.cli.checks import services
from storewarden.cli.checks.finding import Level
from storewarden.clock import SystemClock
from storewarden.config.schema import HttpSettings, Settings
from storewarden.measure.http import Server
from storewarden.measure.metrics import Metrics


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
    finding = services.listening(HttpSettings(port=0), served=services.served_by_us)

    assert finding.level is Level.OK


def test_no_port() -> None:
    finding = services.listening(HttpSettings(port=None), served=services.served_by_us)

    assert finding.told == "not served, as configured"


def test_our_own_daemon_on_the_port_is_no_trouble() -> None:
    server = Server(Metrics("0.1.0"), stuck=dict, waiting=list)
    server.start("127.0.0.1", 0)
    taken = HttpSettings(port=server.address[1])

    finding = services.listening(taken, served=services.served_by_us)
    server.stop()

    assert finding.level is Level.OK
    assert finding.told.endswith("is served by a running daemon")


def test_a_stranger_on_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        finding = services.listening(HttpSettings(port=port), served=lambda _h, _p: False)

    assert finding.level is Level.FAIL
    assert finding.remedy.startswith(f"ss -ltnp 'sport = :{port}'")
