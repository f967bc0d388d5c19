"""A real Prometheus for tests: Debian's program, on a port of its own, its series in a directory.

Taken, in this order: the system's, the one that `make setup` unpacks into .venv/servers.

    with Prometheus(directory, scraping("127.0.0.1:9464")) as prometheus:
        prometheus.until(lambda: prometheus.query("up == 1"), "it is scraped")
"""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.missing import program

READY = 30.0  # seconds; it takes 0.05 on a machine that does nothing else
PAUSE = 0.02
LISTENING = re.compile(r'msg="Listening on" address=(\S+)')

Configuration = Mapping[str, Any]


def scraping(
    *targets: str, job: str = "storewarden", every: str = "1s", **more: Any
) -> dict[str, Any]:
    """Return a configuration that scrapes these addresses; ``more`` goes to its top level."""
    times = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    scrape = {"job_name": job, "static_configs": [{"targets": list(targets)}]}
    return {"global": times, "scrape_configs": [scrape] if targets else [], **more}


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its samples (time in seconds, value)."""

    labels: dict[str, str]
    samples: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The last value."""
        return self.samples[-1][1]


@dataclass
class Prometheus:
    """One server. A context that starts and stops it."""

    directory: Path  # configuration, log and, unless `data` says otherwise, the series
    configuration: Configuration
    data: Path | None = None  # series made by somebody else (`promtool tsdb create-blocks-from`)
    arguments: Sequence[str] = ()
    url: str = field(default="", init=False)
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"Prometheus said:\n{self.said()[-4000:]}")

    @property
    def config_file(self) -> Path:
        return self.directory / "prometheus.yml"

    @property
    def log_file(self) -> Path:
        return self.directory / "prometheus.log"

    def said(self) -> str:
        """Return its log."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def configure(self, configuration: Configuration) -> None:
        """Write the configuration; `reload` makes a server that runs read it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.configuration = configuration
        self.config_file.write_text(yaml.safe_dump(dict(configuration), sort_keys=False))

    def start(self) -> Self:
        """Start it on any free port, and wait until it answers."""
        self.configure(self.configuration)
        command = [
            program("prometheus"),
            f"--config.file={self.config_file}",
            f"--storage.tsdb.path={self.data or self.directory / 'data'}",
            "--storage.tsdb.retention.time=100y",
            "--web.listen-address=127.0.0.1:0",
            "--web.enable-lifecycle",
            *self.arguments,
        ]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        self.until(self._listens, "it listens", READY)
        self.until(self._ready, "it is ready", READY)
        return self

    def stop(self) -> None:
        """End it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def reload(self, configuration: Configuration | None = None) -> None:
        """Make it read its configuration (a new one, if given); wrong ones raise."""
        if configuration is not None:
            self.configure(configuration)
        request = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None

    def _listens(self) -> bool:
        found = LISTENING.search(self.said())
        if found is not None:
            self.url = f"http://{found[1]}"
        return found is not None

    def _ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    # -- asking -------------------------------------------------------------------------------

    def get(self, path: str, **parameters: str | float) -> Any:
        """Return the data of an answer of its API: ``get("alerts")``; what it refuses raises."""
        asked = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{asked}", timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression: str, at: float | None = None) -> list[Series]:
        """Return what an expression gives now, or at that time, one sample a series."""
        when: dict[str, float] = {} if at is None else {"time": at}
        data = self.get("query", query=expression, **when)
        if data["resultType"] == "scalar":
            return [Series({}, _samples([data["result"]]))]
        return [Series(one["metric"], _samples([one["value"]])) for one in data["result"]]

    def query_range(
        self, expression: str, start: float, end: float, step: float = 1.0
    ) -> list[Series]:
        """Return what an expression gives over a time."""
        data = self.get("query_range", query=expression, start=start, end=end, step=step)
        return [Series(one["metric"], _samples(one["values"])) for one in data["result"]]

    def value(self, expression: str) -> float | None:
        """Return what an expression gives now where that is one series; None where it is none."""
        found = self.query(expression)
        if len(found) > 1:
            raise ValueError(f"{expression}: {len(found)} series")
        return found[0].value if found else None

    def until(self, met: Callable[[], object], what: str, seconds: float = 15.0) -> float:
        """Ask until it is true; return the seconds it took."""
        begun = time.monotonic()
        while not met():
            took = time.monotonic() - begun
            ended = self.process is None or self.process.poll() is not None
            if took > seconds or ended:
                why = "it ended before" if ended else f"not within {seconds:g} s"
                self.stop()
                raise AssertionError(f"{why}: {what}\n{self.said()[-4000:]}")
            time.sleep(PAUSE)
        return time.monotonic() - begun


def _samples(pairs: Sequence[tuple[float, str]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), float(value)) for at, value in pairs)
