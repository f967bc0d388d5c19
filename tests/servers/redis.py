"""A real Redis for tests, on a socket of its own: as the system has it, under either of its names.

Debian's tools of Redis hold the server's program as well: what it is called says what it does.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.missing import missing

READY = 20.0  # seconds


@dataclass
class RedisServer:
    """A server of one test, to be stopped and started."""

    directory: Path
    port: int
    password: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> "Redis":
        return Redis(port=self.port, password=self.password or None, decode_responses=True)

    def start(self) -> None:
        """Start it with what it had, and wait until it answers."""
        program = self.directory / "redis-server"
        if not program.exists():
            program.symlink_to(found())
        command = [str(program), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.directory), "--appendonly", "yes", "--save", ""]
        command += ["--appendfsync", "always", "--logfile", str(self.directory / "log")]
        if self.password:
            command += ["--requirepass", self.password]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + READY
        while True:
            try:
                with self.client() as client:
                    client.ping()
                    return
            except RedisError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    words = (self.directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"Redis did not start:\n{words}") from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def found() -> str:
    """Return the program, or end the test with what to install."""
    for name in ("redis-server", "redis-check-rdb"):
        path = shutil.which(name)
        if path is not None:
            return str(Path(path).resolve())
    return missing("Redis", "apt install redis-tools")


@contextlib.contextmanager
def own_redis(directory: Path, port: int, password: str = "") -> Iterator[RedisServer]:
    """Lend a server of this test alone."""
    server = RedisServer(directory, port, password)
    server.start()
    try:
        yield server
    finally:
        server.stop()
