"""One server for all workers of a test run.

pytest-xdist runs the tests in several processes. The first that asks for a server starts it, under
a lock, and leaves a note; the others read the note; the process that started the run stops it.
Should that process be killed, a keeper sees it gone and stops the server all the same.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

RUN = pytest.StashKey["Run"]()
"""Where a pytest session keeps its `Run`."""

KEEPER = """(
while kill -0 "$1"; do sleep 1; done
[ -e "$5" ] || exit
kill -s "$2" "$3"
sleep 2
rm -rf "$4" "$5"
) >/dev/null 2>&1 &
"""


@dataclass(frozen=True)
class Server:
    """A server that runs: how to reach it, how to stop it, what to remove afterwards."""

    url: str
    pid: int
    directory: str
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True)
class Run:
    """One test run: a directory that all its workers share, and the process that owns it."""

    directory: Path
    owner: int

    @classmethod
    def begin(cls) -> "Run":
        """Open a run owned by this process."""
        return cls(Path(tempfile.mkdtemp(prefix="storewarden-tests-")), os.getpid())

    def server(self, name: str, start: Callable[[], Server]) -> Server:
        """Return the server of that name, starting it if no worker has yet."""
        note = self.directory / f"{name}.json"
        with locked(self.directory / f"{name}.lock"):
            if note.exists():
                return Server(**json.loads(note.read_text()))
            server = start()
            note.write_text(json.dumps(asdict(server)))
            self.keep(server)
        return server

    def keep(self, server: Server) -> None:
        """Stop the server when the owner is gone, however it went."""
        signal_name = signal.Signals(server.stop_signal).name.removeprefix("SIG")
        process = [str(self.owner), signal_name, str(server.pid)]
        arguments = [*process, server.directory, str(self.directory)]
        command = ["sh", "-c", KEEPER, "keeper", *arguments]
        subprocess.run(
            command, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/", check=True
        )

    def end(self) -> None:
        """Stop every server and remove what the run kept. Only the owner calls this."""
        for note in self.directory.glob("*.json"):
            stop(Server(**json.loads(note.read_text())))
        shutil.rmtree(self.directory, ignore_errors=True)


def stop(server: Server) -> None:
    """Stop one server; one that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError), open_pid(server.pid) as pidfd:
        signal.pidfd_send_signal(pidfd, server.stop_signal)
        select.select([pidfd], [], [], 10)
    shutil.rmtree(server.directory, ignore_errors=True)


@contextlib.contextmanager
def open_pid(pid: int) -> Iterator[int]:
    """Hold one process, whatever its number is used for later."""
    pidfd = os.pidfd_open(pid)
    try:
        yield pidfd
    finally:
        os.close(pidfd)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
