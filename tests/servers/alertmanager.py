"""A real Alertmanager for tests: Debian's program, and somebody who is told by it.

Taken, in this order: the system's, the one that `make setup` unpacks into .venv/servers.

    with Told() as told, Alertmanager(directory, told.url) as manager:
        ...  # a Prometheus with `alerting` to manager.address
        told.until("firing", "StorewardenDown")
"""

import http.server
import json
import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.missing import missing, program

READY = 30.0  # seconds
PAUSE = 0.02
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class Told:
    """A webhook: keeps every alert that it is told of. A context that serves it."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        outer = self

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # its name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.alerts += json.loads(body)["alerts"]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(PAUSE,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return what was told of an alert, in the order in which it was."""
        return [one for one in list(self.alerts) if one["labels"]["alertname"] == name]

    def until(self, status: str, name: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until an alert was last told to be firing or resolved; return what was told."""
        end = time.monotonic() + seconds
        while True:
            told = self.of(name)
            if told and told[-1]["status"] == status:
                return told[-1]
            if time.monotonic() > end:
                heard = [(one["labels"]["alertname"], one["status"]) for one in self.alerts]
                raise AssertionError(f"{name} was not told to be {status}, but {heard}")
            time.sleep(PAUSE)


@dataclass
class Alertmanager:
    """One server that tells a webhook. A context that starts and stops it."""

    directory: Path
    webhook: str
    every: str = "1s"
    url: str = field(default="", init=False)
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Where Prometheus is to send alerts."""
        return self.url.removeprefix("http://")

    def said(self) -> str:
        """Return its log."""
        log = self.directory / "alertmanager.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        hook = {"url": self.webhook, "send_resolved": True}
        route = {"receiver": "test", "group_by": ["..."], "group_wait": "0s"}
        route |= {"group_interval": self.every, "repeat_interval": "1h"}
        document = {
            "route": route,
            "receivers": [{"name": "test", "webhook_configs": [hook]}],
        }
        config = self.directory / "alertmanager.yml"
        config.write_text(yaml.safe_dump(document))
        command = [
            *beside_its_templates(self.directory),
            program("prometheus-alertmanager"),
            f"--config.file={config}",
            f"--storage.path={self.directory / 'data'}",
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        ]
        with (self.directory / "alertmanager.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"Alertmanager said:\n{self.said()[-4000:]}")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _wait_ready(self) -> None:
        end = time.monotonic() + READY
        while not self._ready():
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > end:
                raise AssertionError(f"Alertmanager is not ready:\n{self.said()[-4000:]}")
            time.sleep(PAUSE)

    def _ready(self) -> bool:
        found = LISTENING.search(self.said())
        if found is None:
            return False
        self.url = f"http://{found[1]}"
        try:
            urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close()
        except urllib.error.URLError:
            return False
        return True


def beside_its_templates(directory: Path) -> list[str]:
    """Return how it is started so that it finds the templates that Debian installs.

    Unpacked only, it does not: it is shown empty ones. What is said to a webhook needs none.
    """
    if TEMPLATES.exists():
        return []
    share = directory / "share"
    shown = share / TEMPLATES.relative_to("/usr/share")
    shown.mkdir(parents=True, exist_ok=True)
    for name in ("default.tmpl", "email.tmpl"):
        (shown / name).touch()
    own = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    mount = 'mount --bind "$0" /usr/share && exec "$@"'
    if subprocess.run([*own, "sh", "-c", mount, share, "true"], check=False).returncode:
        missing("Alertmanager's templates", "apt install prometheus-alertmanager")
    return [*own, "sh", "-c", mount, str(share)]
