"""Words to the service manager, over a real socket."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.measure import notify


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@warden-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


@pytest.fixture(params=["systemd-python", "our own"], autouse=True)
def sender(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "our own":
        monkeypatch.setitem(sys.modules, "systemd", None)


def test_every_word(manager: socket.socket) -> None:
    assert notify.ready("watching 2 roots")
    assert notify.reloading(12.5)
    assert notify.stopping("asked to")
    assert notify.status("two\nlines")
    assert notify.watchdog()

    assert [manager.recv(4096).decode() for _ in range(5)] == [
        "READY=1\nSTATUS=watching 2 roots",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "STOPPING=1\nSTATUS=asked to",
        "STATUS=two lines",
        "WATCHDOG=1",
    ]


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify.ready()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify.ready()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_the_watchdog_wants_to_hear_us(
    environ: dict[str, str], expected: float | None
) -> None:
    assert notify.watchdog_interval(environ) == expected
