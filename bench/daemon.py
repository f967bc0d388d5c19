"""The daemon and its verbs, run as a user runs them, with a configuration of the benchmark's."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.catalogue import Catalogue
from storewarden.catalogue import due
from storewarden.catalogue.connect import open_catalogue

_SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)
_PATIENCE = 600.0
_LIBC = ctypes.CDLL(None)
_ON_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG


class Unmeasured(Exception):
    """A benchmark could not be carried out; the text says why."""


@dataclass(frozen=True, slots=True)
class House:
    """A state directory, a configuration and a root."""

    state: Path
    root: Path
    digest: bool = True
    inspect: bool = False  # only where it is what is measured: it goes on long after recording
    catalogue: str = "sqlite"
    usage: bool = False
    policies: tuple[str, ...] | None = None  # None leaves it at what there is without any
    store: Path | None = None  # the directory of a store named cold

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for our programs: nothing of the user's own configuration."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STOREWARDEN_")}
        return kept | {"STOREWARDEN_CONFIG": str(self.configuration)}

    @property
    def configuration(self) -> Path:
        """Return the path of the configuration file."""
        return self.state.with_suffix(".yaml")

    def write(self, listen: str = "none") -> None:
        """Write the configuration."""
        settings = {
            "state": str(self.state),
            "catalogue": self.catalogue,
            "roots": {
                "bench": {
                    "path": str(self.root),
                    "digest": self.digest,
                    "inspect": self.inspect,
                    "usage": self.usage,
                }
            },
            "http": {"listen": listen},
        }
        if self.policies is not None:
            settings["policies"] = list(self.policies)
            settings["stores"] = {name: {"path": f"/mnt/{name}"} for name in ("cloud", "cold")}
        if self.store is not None:
            settings["stores"] = {"cold": {"path": str(self.store)}}
        self.configuration.write_text(json.dumps(settings))

    def open_catalogue(self) -> Catalogue:
        """Look at its catalogue."""
        return Catalogue(self.state / "catalogue.db")

    def verb(self, *words: str) -> Any:
        """Run a verb with ``--json`` and return its answer."""
        self.write()
        done = subprocess.run(
            [*program(), *words, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Unmeasured(f"storewarden {' '.join(words)}: {done.stderr.strip()[-500:]}")
        return json.loads(done.stdout)

    def scan(self, files: int) -> float:
        """Run ``storewarden scan`` and return its seconds from start to end."""
        began = time.monotonic()
        answer = self.verb("scan")
        seconds = time.monotonic() - began
        if answer["files"] != files:
            raise Unmeasured(f"a scan found {answer['files']} of {files} files")
        return seconds


def program() -> list[str]:
    """Return the words that start Storewarden."""
    installed = Path(sys.executable).with_name("storewarden")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "storewarden"]


class Daemon:
    """``storewarden run`` over a house, from ready to stopped."""

    def __init__(self, house: House, words: Sequence[str] = ()) -> None:
        """Start the program, or what these words start instead of it."""
        self.house = house
        self._words = [*(words or program()), "run"]
        self.port = _free_port()
        self.ready_seconds = 0.0
        self._log = house.state.with_suffix(".log")
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.house.write(f"127.0.0.1:{self.port}")
        with self._log.open("wb") as log:
            began = time.monotonic()
            self._process = subprocess.Popen(
                self._words,
                env=self.house.environment,
                stderr=log,
                start_new_session=True,
                preexec_fn=_with_us,  # noqa: PLW1509  # it only asks the kernel for something
            )
        try:
            self._wait_ready(began)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def _wait_ready(self, began: float) -> None:
        while time.monotonic() < began + _PATIENCE:
            self._must_run()
            try:
                if self.get("/readyz")[0] == HTTPStatus.OK:
                    self.ready_seconds = time.monotonic() - began
                    return
            except OSError:
                pass
            time.sleep(0.002)
        raise Unmeasured("the daemon did not become ready")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    def pause(self) -> None:
        """Stand still as if there were no processor for it."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    def get(self, path: str) -> tuple[int, bytes]:
        """Make one request; return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """Return each metric, without our prefix, summed over its labels."""
        found: dict[str, float] = defaultdict(float)
        for name, value in _SAMPLE.findall(self.get("/metrics")[1].decode()):
            found[name.removeprefix("storewarden_")] += float(value)
        return found

    def wait_scanned(self) -> None:
        """Wait until the scan of the start is over and nothing is pending."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self._must_run()
            shown = self.metrics()
            busy = shown["scan_running"] or shown["pending_files"]
            if shown["last_scan_timestamp_seconds"] and not busy:
                return
            time.sleep(0.1)
        raise Unmeasured("the scan at the start did not end")

    def wait_decided(self) -> None:
        """Wait until policies are in force and all files are decided by them."""
        engine = open_catalogue("sqlite", self.house.state, readonly=True, role="bench")
        deadline = time.monotonic() + _PATIENCE
        while not engine.execute("SELECT 1 FROM policy_sets") or due.undecided(engine, 1):
            self._must_run()
            if time.monotonic() > deadline:
                raise Unmeasured("the files were not decided in time")
            time.sleep(0.2)
        engine.close()

    def _must_run(self) -> None:
        if self._process.poll() is not None:
            words = self._log.read_text(errors="replace")[-800:]
            raise Unmeasured(f"the daemon ended with {self._process.returncode}: {words}")


def _with_us() -> None:
    """Have this process told to end when we are killed: it would hold on to mounts and files."""
    _LIBC.prctl(_ON_PARENTS_DEATH, signal.SIGTERM)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
