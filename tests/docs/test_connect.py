"""Prometheus and Grafana are connected as the guide says: its commands, word for word.

They run on this machine, with the real programs: only /etc, /usr/share/storewarden and /var/lib lie
in a directory of the test, ports are free ones, `systemctl` starts the program that it names,
`apt install` finds it there already, and `htpasswd` is bcrypt itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.daemon import Daemon
from tests.missing import UNPACKED, program
from tests.servers.alertmanager import beside_its_templates

TOP = Path(__file__).resolve().parents[2]
GUIDE = TOP / "docs/guide/prometheus-and-grafana.md"
OURS = ("/etc/", "/usr/share/storewarden", "/var/lib/grafana")
PATIENCE = 45.0  # a scrape comes within a quarter of a minute

SHIM = """#!/bin/bash
# what stands for {name} here
{body}
"""
BCRYPT = (
    '"{python}" -c "import bcrypt, sys;'
    " print(sys.argv[1] + ':' + bcrypt.hashpw(sys.argv[2].encode(), bcrypt.gensalt(4)).decode())\""
    ' "${{@: -2:1}}" "${{@: -1}}"'
)


class Machine:
    """Where the commands of the guide run."""

    def __init__(self, place: Path, ports: Mapping[str, str]) -> None:
        self.place, self._ports = place, ports
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("etc/prometheus", "etc/storewarden", "usr/share/storewarden", "bin"):
            (place / name).mkdir(parents=True)
        share = place / "usr/share/storewarden/grafana"
        shutil.copytree(TOP / "grafana", share, ignore=shutil.ignore_patterns("recorded", "tests"))
        for file in share.glob("*.yml"):
            file.write_text(self.here(file.read_text()))
        self._shim("sudo", 'exec "$@"')
        self._shim("apt", "exit 0")
        self._shim("systemctl", f'echo "$*" >>{place}/asked')
        self._shim("htpasswd", BCRYPT.format(python=sys.executable))

    def _shim(self, name: str, body: str) -> None:
        path = self.place / "bin" / name
        path.write_text(SHIM.format(name=name, body=body))
        path.chmod(0o755)

    def here(self, text: str) -> str:
        """Return what stands in the guide as it is here: with these places and ports."""
        for one in OURS:
            text = re.sub(rf"(?<![\w/]){re.escape(one)}", f"{self.place}{one}", text)
        for port, ours in self._ports.items():
            text = re.sub(rf"\b{port}\b", ours, text)
        return text

    def type(self, block: str) -> str:
        """Run a block; each of its commands has to succeed."""
        path = f"{self.place}/bin:{UNPACKED}:{os.environ['PATH']}"
        deadline = time.monotonic() + (PATIENCE if block.startswith("curl") else 0)
        while True:
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", self.here(block)],
                cwd=self.place,
                env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        self._obey()
        return done.stdout

    def _obey(self) -> None:
        """Do what systemctl was asked for."""
        asked = self.place / "asked"
        for line in asked.read_text().splitlines() if asked.exists() else ():
            verb, name = line.split()
            assert verb == "restart", line
            self._restart(name)
        asked.unlink(missing_ok=True)

    def _restart(self, name: str) -> None:
        self.stop(name)
        etc, data = self.place / "etc/prometheus", self.place / f"data-{name}"
        before: list[str] = []
        if name == "prometheus":
            own = [f"--config.file={etc}/prometheus.yml", f"--storage.tsdb.path={data}"]
            port = self._ports["9090"]
        else:
            before = beside_its_templates(self.place)
            own = [f"--config.file={etc}/alertmanager.yml", f"--storage.path={data}"]
            own.append("--cluster.listen-address=")
            port = self._ports["9093"]
        words = [*before, program(name), *own, f"--web.listen-address=127.0.0.1:{port}"]
        with (self.place / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(words, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", int(port)), 1).close()
                return
            assert time.monotonic() < end, (self.place / f"{name}.log").read_text()
            time.sleep(0.05)

    def stop(self, name: str) -> None:
        if process := self._running.pop(name, None):
            process.send_signal(signal.SIGTERM)
            process.wait(20)

    def close(self) -> None:
        for name in list(self._running):
            self.stop(name)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "uploads").mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": tmp_path / "uploads"}) as running:
        yield running


@pytest.mark.timeout(240)
def test_the_guide_is_followed_word_for_word(tmp_path: Path, daemon: Daemon) -> None:
    for name in ("prometheus", "prometheus-alertmanager", "openssl", "curl"):
        program(name)
    served = urlsplit(str(daemon.told("metrics are served")[-1]["url"]))
    ports = {"9747": str(served.port), "9090": free_port(), "9093": free_port()}
    machine = Machine(tmp_path / "machine", ports)
    told = blocks()
    with contextlib.closing(machine):
        for block in told[:-1]:
            machine.type(block)

        etc = machine.place / "etc"
        shown = machine.place / "var/lib/grafana/dashboards/storewarden"
        assert len(list(shown.glob("*.json"))) >= 5
        rules = (etc / "prometheus/alerts.yaml").read_text().partition("groups:")[2]
        assert "docs.example.org" not in rules

        daemon.stop()  # as it is told to listen from now on, but for the address
        address = f"127.0.0.1:{ports['9747']}"
        asked = re.search(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
        assert asked is not None
        http = yaml.safe_load(machine.here(asked[1]))["http"]
        daemon.configure(http=http | {"listen": address})
        daemon.start()
        assert '"ready"' in machine.type(told[-1])


def test_every_command_of_the_guide_is_run() -> None:
    """All that is to be typed stands in blocks; what a sentence names is not a step."""
    assert len(blocks()) >= 10
    assert not re.search(r"^```(console|bash|shell)$", GUIDE.read_text(), re.MULTILINE)
