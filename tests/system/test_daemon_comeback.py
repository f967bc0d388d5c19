"""A catalogue that was away may have lost what it acknowledged: all roots are looked at again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.servers import own
from tests.servers.own import OwnServer
from tests.trees import burst

ROOT = "uploads"


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that acknowledges what it has not yet written, and takes its time to do it."""
    with own.own_server() as lent:
        lent.configure(synchronous_commit="off", wal_writer_delay="10s")
        lent.control("restart", "-m", "fast")
        yield lent


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["noticed", "between two looks"])
def test_what_a_server_lost_in_a_crash_is_recorded_again(
    tmp_path: Path, server: OwnServer, how: str
) -> None:
    root = tmp_path / "root"
    burst(root, 20)
    with Daemon(tmp_path / "daemon", {ROOT: root}, catalogue=server.url) as daemon:
        daemon.settled()
        burst(root, 40, stem="later")
        daemon.settled()
        if how == "noticed":
            server.control("stop", "-m", "immediate")
            daemon.until(lambda: daemon.metric("catalogue_writable") == 0, "it is away")
            server.control("start")
        else:
            server.control("restart", "-m", "immediate")
        daemon.settled(seconds=30)
        again = daemon.told("a root was scanned", why="the catalogue was away")
        daemon.until(lambda: daemon.told("a root was scanned", why="the catalogue was away"), "why")
        assert len(again) <= 2
        assert daemon.stop() == 0


@pytest.mark.timeout(60)
def test_a_catalogue_that_stays_is_no_reason_to_scan(tmp_path: Path, server: OwnServer) -> None:
    root = tmp_path / "root"
    burst(root, 20)
    with Daemon(tmp_path / "daemon", {ROOT: root}, catalogue=server.url) as daemon:
        daemon.settled()
        burst(root, 40, stem="later")
        daemon.settled()
        assert daemon.told("a root was scanned", why="the catalogue was away") == []
