"""What people and machines see of a real daemon: verbs, pages, signals, exit codes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.missing import program

READY = re.compile(r" ready .*http=(\S+)")
SECONDS = 20.0


class Daemon:
    """`storewarden run` in a directory of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "storewarden.yaml").write_text(
            "state: ./state\nhttp: {listen: '127.0.0.1:0'}\n"
            "roots:\n  outputs: {path: ./outputs, settle: 300ms}\n"
        )
        (place / "outputs").mkdir()
        self.log = (place / "log").open("w+")
        self.process = self.start()
        self.url = self.until(lambda: (found := READY.search(self.told())) and found[1])

    def start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "storewarden", "run"],
            cwd=self.place,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
        )

    def told(self) -> str:
        return (self.place / "log").read_text()

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for something to be true, and return it."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if found := condition():
                return found
            assert self.process.poll() is None, self.told()
            time.sleep(0.02)
        raise AssertionError(f"it did not come true: {self.told()}")

    def verb(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "storewarden", *arguments],
            cwd=self.place,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def get(self, page: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + page, timeout=SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    running = Daemon(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()
    running.log.close()


def test_a_saved_file_is_seen_by_every_face(daemon: Daemon) -> None:
    (daemon.place / "outputs" / "cat\n\udcff.png").write_bytes(b"\x89PNG\r\n\x1a\n..")

    def recorded() -> Any:
        out = daemon.verb("files", "--json", "digest!=none").stdout
        return [json.loads(line) for line in out.splitlines()]

    (line,) = daemon.until(recorded)
    status = json.loads(daemon.verb("status", "--json").stdout)
    (root,) = status["roots"]
    assert (line["path"], line["kind"], line["size"]) == (r"cat\n\xff.png", "image", 10)
    assert (status["ready"], status["daemon"]["pid"]) == (True, daemon.process.pid)
    assert (root["state"], root["files"], root["bytes"]) == ("watching", 1, 10)
    metric = b'storewarden_files{kind="image",root="outputs",state="present"} 1.0'
    daemon.until(lambda: metric in daemon.get("/metrics")[1])


def test_the_pages(daemon: Daemon) -> None:
    assert daemon.get("/healthz") == (200, b'{"status": "ok", "stuck_seconds": {}}\n')
    assert daemon.get("/readyz") == (200, b'{"status": "ready", "waiting": []}\n')
    figures = daemon.get("/metrics")[1]
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"],
        input=figures,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    assert b"storewarden_ready 1.0" in figures
    assert str(daemon.place).encode() not in figures


def test_clients_that_dawdle_do_not_hold_up_a_scrape(daemon: Daemon) -> None:
    address = daemon.url.removeprefix("http://").split(":")
    slow = [socket.create_connection((address[0], int(address[1]))) for _ in range(10)]
    for connection in slow:
        connection.send(b"GET /met")
    began = time.monotonic()
    status, _ = daemon.get("/metrics")
    took = time.monotonic() - began
    for connection in slow:
        connection.close()

    assert (status, took < 5) == (200, True)


def test_a_scan_is_asked_of_the_daemon(daemon: Daemon) -> None:
    done = daemon.verb("scan", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["errors"] == 0
    daemon.until(lambda: "why=asked" in daemon.told())


def test_a_second_daemon_and_a_changed_catalogue_are_refused(daemon: Daemon) -> None:
    second = daemon.verb("run")
    rollback = daemon.verb("catalogue", "rollback")

    assert (second.returncode, rollback.returncode) == (3, 3)
    assert f"pid {daemon.process.pid}" in second.stderr


def test_a_taken_port_ends_the_start_and_names_who_to_ask(
    daemon: Daemon, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("second")
    port = daemon.url.rpartition(":")[2]
    environ = {
        "STOREWARDEN_HTTP_LISTEN": f"127.0.0.1:{port}",
        "STOREWARDEN_STATE": str(place / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "storewarden", "run"],
        cwd=place,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert done.returncode == 1
    assert f"`ss -ltnp 'sport = :{port}'` names who has it" in done.stderr


def test_a_wrong_configuration_is_refused_on_reload_and_said_so(daemon: Daemon) -> None:
    file = daemon.place / "storewarden.yaml"
    right = file.read_text()
    file.write_text(right + "wrong: 1\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: b"storewarden_config_reload_success 0.0" in daemon.get("/metrics")[1])
    file.write_text(right)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: b"storewarden_config_reload_success 1.0" in daemon.get("/metrics")[1])

    assert "wrong" in daemon.told()


def test_it_stops_in_order_within_two_seconds(daemon: Daemon) -> None:
    began = time.monotonic()
    code = daemon.stop()
    took = time.monotonic() - began
    status = daemon.verb("status", "--json")

    assert (code, took < 2.0) == (0, True)
    assert daemon.told().splitlines()[-1].endswith("INFO daemon: stopped")
    assert (status.returncode, json.loads(status.stdout)["ready"]) == (0, False)


def test_sqlite_verbs_and_the_daemon_leave_postgresql_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from storewarden.cli import main; main(['scan']); main(['status']);"
        "import storewarden.daemon.run; print('psycopg' in sys.modules, 'rich' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "STOREWARDEN_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )

    assert done.stdout.splitlines()[-1] == "False False"


def test_without_a_daemon_a_scan_is_done_here(tmp_path: Path) -> None:
    (tmp_path / "save_outputs").mkdir()
    (tmp_path / "save_outputs" / "cat.png").write_bytes(b"x" * 10)
    environ = {**os.environ, "STOREWARDEN_STATE": str(tmp_path / "state")}

    def verb(*arguments: str) -> Any:
        line = [sys.executable, "-m", "storewarden", *arguments, "--json"]
        done = subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, check=True)
        return json.loads(done.stdout)

    first, second, file = verb("scan"), verb("scan"), verb("files")
    assert (first["files"], first["added"], first["bytes"]) == (1, 1, 10)
    assert (second["files"], second["added"], second["gone"]) == (1, 0, 0)
    assert (file["path"], file["kind"]) == ("cat.png", "image")
