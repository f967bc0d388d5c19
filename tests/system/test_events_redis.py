"""Events in a stream of a real Redis: all of them, in order, through its kills and the daemon's."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.events.redis_stream import require_library
from storewarden.errors import PermanentError
from tests.daemon import Daemon
from tests.hearing import assert_in_order
from tests.servers.redis import RedisServer, own_redis

PASSWORD = "of-redis-and-nobody-elses"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port: int = made.getsockname()[1]
        return port


def entries(server: RedisServer, stream: str = "files") -> list[dict[str, Any]]:
    with server.client() as client:
        found: Any = client.xrange(stream)
        for _, fields in found:
            event = json.loads(fields["data"])
            assert (fields["id"], fields["event"]) == (event["id"], event["event"])
        return [json.loads(fields["data"]) for _, fields in found]


def created(events: list[dict[str, Any]]) -> set[str]:
    return {event["file"]["path"] for event in events if event["event"] == "created"}


def test_a_stream_has_everything_through_kills_of_both(tmp_path: Path) -> None:
    root, data = tmp_path / "root", tmp_path / "redis"
    root.mkdir()
    data.mkdir()
    with own_redis(data, free_port(), PASSWORD) as server:
        daemon = Daemon(
            tmp_path / "daemon",
            {"root": {"path": str(root), "settle": "50ms"}},
            settings={"listeners": {"bus": {"url": server.url, "stream": "files"}}},
            environ={"LISTENER_BUS_PASSWORD": PASSWORD},
        )
        with daemon:
            for number in range(150):
                (root / f"a{number}").write_text("x")
            daemon.until(lambda: len(created(entries(server))) == 150, "all are there")
            server.stop()
            for number in range(50):
                (root / f"b{number}").write_text("x")
            daemon.settled()
            daemon.kill()
            (root / "c").write_text("x")
            daemon.start()
            daemon.until(
                lambda: daemon.told("a listener cannot be told; it is tried again"), "told"
            )
            server.start()
            assert daemon.verb("listeners", "bus", "--retry").returncode == 0
            daemon.until(lambda: len(created(entries(server))) == 201, "the rest is there")
            shown = daemon.verb("listeners", "--json")
            assert json.loads(shown.stdout)["listeners"][0]["url"] == f"{server.url} files"
            log = "".join(one.read_text() for one in daemon.base.glob("log-*"))
            assert PASSWORD not in log + shown.stdout
            assert_in_order(entries(server))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(PermanentError, match=r"pip install 'storewarden\[redis\]'"):
        require_library()
