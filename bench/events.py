"""Events: from a file that is closed to the listener that hears of it; what their journal costs."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path

from bench.daemon import Daemon, House, Unmeasured
from bench.ground import Ground
from bench.process import processor_seconds
from bench.report import Figure, Measured, Target, median
from bench.writer import Burst, write
from storewarden.config.schema import SETTLE

_FILES = 1_000
_PAUSE = 0.01
_ALLOWED = 0.3  # seconds beside the settle time
_TURNS = 5
_DIRECTORIES = 10
_PATIENCE = 60.0
# The program with a journal that is not kept.
_WITHOUT = """
import sys
from storewarden.catalogue.events import rounds
from storewarden.daemon import ground

ground.follow = lambda engine, host_id, wall_ns: None
from storewarden.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(ground: Ground) -> list[Figure]:
    """Listen while files are made; then record bursts with a journal and without, in turns."""
    return [*_heard(ground), *_cost(ground)]


def _heard(ground: Ground) -> list[Figure]:
    ground.say(f"listening to {_FILES:,} files")
    root = ground.place("heard")
    house = ground.house("events-state", root)
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        ear = _Ear(house)
        closed: dict[str, float] = {}
        for number in range(_FILES):
            name = f"f{number:05}.png"
            (root / name).write_bytes(b"x" * 100)
            closed[name] = time.monotonic()
            time.sleep(_PAUSE)
        waited = ear.wait(_FILES)
    took = sorted(waited[name] - at for name, at in closed.items())
    settle = f"settle time: {SETTLE:g} s"
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    words = f"≤ {SETTLE + _ALLOWED:.1f} s"
    return [
        Figure("closed to heard, median", Measured(middle, "s"), settle),
        Figure(
            "closed to heard, p99",
            Measured(late, "s"),
            settle,
            Target(words, late <= SETTLE + _ALLOWED),
        ),
    ]


class _Ear:
    """A listener over the daemon's socket."""

    def __init__(self, house: House) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(house.state / "api.sock"))
        connection = http.client.HTTPConnection("localhost")
        connection.sock = self._socket
        connection.request("GET", "/api/v1/events?event=created")
        self._answer = connection.getresponse()
        self._heard: dict[str, float] = {}
        self._enough = threading.Event()
        self._files = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while line := self._answer.readline():
            if line.startswith(b"data: "):
                at = time.monotonic()
                path = Path(json.loads(line[6:])["file"]["place"])
                self._heard.setdefault(path.name, at)
                if self._files and len(self._heard) >= self._files:
                    self._enough.set()

    def wait(self, files: int) -> dict[str, float]:
        """Return when each file was heard of, once so many were."""
        self._files = files
        deadline = time.monotonic() + _PATIENCE
        while len(self._heard) < files and time.monotonic() < deadline:
            self._enough.wait(0.1)
        if len(self._heard) < files:
            raise Unmeasured(f"only {len(self._heard)} of {files} files were heard of")
        return self._heard


def _cost(ground: Ground) -> list[Figure]:
    files = ground.files // 10
    kept: list[float] = []
    bare: list[float] = []
    for turn in range(_TURNS):
        ground.say(f"recording {files:,} files with a journal and without, {turn + 1} of {_TURNS}")
        kept.append(_recorded(ground, files, []))
        bare.append(_recorded(ground, files, [sys.executable, "-c", _WITHOUT]))
    took, plainly = median(kept), median(bare)
    return [
        Figure(
            f"processor for each of {files:,} files, nobody listening",
            Measured(took, "µs"),
            Measured(plainly, "µs", "without a journal"),
        )
    ]


def _recorded(ground: Ground, files: int, words: list[str]) -> float:
    burst = Burst(ground.place("burst"), _DIRECTORIES, files)
    burst.make_directories()
    ground.settle()
    with Daemon(ground.house("events-cost-state", burst.root), words) as daemon:
        daemon.wait_scanned()
        time.sleep(1.0)
        catalogue = daemon.house.open_catalogue()
        used = processor_seconds(daemon.pid)
        write(ground.writer, burst)
        catalogue.wait_for(files, _PATIENCE)
        used = processor_seconds(daemon.pid) - used
        catalogue.close()
    return 1e6 * used / files
