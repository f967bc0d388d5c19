"""A running daemon reads what it stored again, and waits for no store."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.config.schema import Settings, StoreSettings
from storewarden.daemon.acting.stores import prepare
from tests.daemon import Daemon

POLICIES = """\
version: 1
policies:
  - id: renders
    match: {name: "*.bin"}
    phases: [{after: 0s, do: archive, to: cold}]
    guard: {max_share: 100%, loosen: true}
    observe: false
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    """One that archives at once, and reads all of it again every day."""
    root, store = tmp_path / "uploads", tmp_path / "cold"
    for path in (root, store):
        path.mkdir()
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES)
    daemon = Daemon(
        tmp_path / "d",
        {"uploads": {"path": str(root), "settle": "0.2s"}},
        settings={
            "policies": [str(policies)],
            "stores": {"cold": {"path": str(store), "scrub": "100%"}},
        },
    )
    daemon.state.mkdir(parents=True)
    stores = (StoreSettings("cold", path=bytes(store)),)
    prepare(Settings(daemon.state, "sqlite", (), stores=stores), "cold")
    return daemon


def test_an_object_that_was_damaged_is_found_and_told(daemon: Daemon, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"uploads/{number}.bin").write_bytes(b"content %d" % number * 100)
    with daemon:
        daemon.until(lambda: daemon.states().get(b"2.bin") == ["archived"], "it is archived", 30)
        daemon.until(lambda: len(list((tmp_path / "cold").glob("*/*.zst"))) == 3, "all are", 30)
        assert daemon.stop() == 0
    _let_it_be_of_long_ago(daemon)
    (object_,) = (tmp_path / "cold").glob("*/1.bin~*.zst")
    content = bytearray(object_.read_bytes())
    content[20] ^= 1
    object_.write_bytes(content)

    with daemon:
        daemon.until(lambda: _figure(daemon, "scrub_damaged_total") == 1, "it is found", 30)
        daemon.until(lambda: _figure(daemon, "store_damaged_copies") == 1, "it is shown", 30)
        read = _figure(daemon, "scrubbed_bytes_total")
        assert read is not None
        assert read >= sum(one.stat().st_size for one in (tmp_path / "cold").glob("*/*.zst"))
        assert _figure(daemon, "store_up") == 1
        (told,) = daemon.told("the last copy of a file is damaged; it is left as it is")
        assert (told["store"], told["path"]) == ("cold", "1.bin")
    assert object_.exists()


def test_a_store_that_never_answers_holds_up_nobody(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with _silent() as address:
        daemon.configure(
            stores={
                "far": {"url": "s3://bucket", "endpoint": address},
                "cold": {"path": str(tmp_path / "cold")},
            }
        )
        (tmp_path / "uploads/a.bin").write_bytes(b"content")
        with daemon:
            daemon.until(lambda: daemon.states().get(b"a.bin") == ["archived"], "archived", 30)
            daemon.until(lambda: _figure(daemon, "store_up") == 1, "the other store is seen", 30)
            begun = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - begun < 5
            assert not daemon.told("workers did not end in time")


def _figure(daemon: Daemon, name: str) -> float | None:
    return daemon.metrics().get(f'{name}{{store="cold"}}')


def _let_it_be_of_long_ago(daemon: Daemon) -> None:
    engine = open_catalogue(daemon.catalogue, daemon.state, role="test")
    with engine.transaction():
        engine.execute("UPDATE copies SET scrubbed_ns = 1, verified_ns = 1")
    engine.close()


@contextmanager
def _silent() -> Iterator[str]:
    """Lend the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
