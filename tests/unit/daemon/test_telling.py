"""The socket for applications waits without costing anything, and leaves others' names alone."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storewarden.daemon.telling.door import Door
from storewarden.errors import StorewardenError

HEAVY = ("storewarden.api.http", "storewarden.api.reading", "storewarden.client")


def test_a_daemon_that_nobody_speaks_to_imports_nothing_for_it() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, storewarden.daemon.run; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert [name for name in told.stdout.split() if name.startswith(HEAVY)] == []


def test_who_comes_is_given_on_until_it_is_closed(tmp_path: Path) -> None:
    path, came = tmp_path / "s", threading.Event()

    def take(connection: socket.socket) -> None:
        connection.close()
        came.set()

    door = Door(path, take)
    door.open()
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(path))
        assert came.wait(10)
    door.close()

    assert not path.exists()
    assert path.parent.exists()


def test_a_name_that_another_took_is_left_to_it(tmp_path: Path) -> None:
    door = Door(tmp_path / "s", socket.socket.close)
    door.open()
    (tmp_path / "s").unlink()
    (tmp_path / "s").write_text("another's")
    door.close()

    assert (tmp_path / "s").read_text() == "another's"


def test_where_nobody_can_listen_it_is_said_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, remedy in (
        (tmp_path / "no/s", "make the directory it lies in"),
        (tmp_path / "file", "api.socket in the configuration takes another"),
    ):
        with pytest.raises(StorewardenError) as refused:
            Door(path, socket.socket.close)
        assert refused.value.what == "applications cannot be served"
        assert remedy in refused.value.remedy


def test_a_name_that_a_killed_daemon_left_is_taken_over(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    door = Door(tmp_path / "s", socket.socket.close)
    with pytest.raises(StorewardenError):  # of a living one it is not
        Door(tmp_path / "s", socket.socket.close)
    door.open()
    door.close()


def test_a_name_of_ours_is_taken_from_one_that_was_paused_and_stays_with_us(tmp_path: Path) -> None:
    paused = Door(tmp_path / "s", socket.socket.close)
    paused.open()
    door = Door(tmp_path / "s", socket.socket.close, ours=True)
    door.open()
    paused.close()  # it goes on, and ends
    assert stat.S_ISSOCK((tmp_path / "s").lstat().st_mode)
    door.close()
    assert not (tmp_path / "s").exists()

    (tmp_path / "s").write_text("no socket")
    with pytest.raises(StorewardenError):
        Door(tmp_path / "s", socket.socket.close, ours=True)
