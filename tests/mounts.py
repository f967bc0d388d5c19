"""Mounts that only a test and its daemon see: a mount namespace of their own.

The namespace is held by a process that does nothing; the daemon enters it by `nsenter`, the test
looks in through /proc/PID/root. When the process ends, so does every mount.
"""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.missing import program

# SQLite resolves links, /proc/PID/root among them: inside, it is asked by a program inside.
READER = """
import apsw, pickle, sys
while True:
    path, sql, parameters = pickle.load(sys.stdin.buffer)
    try:
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(5000)
        connection.pragma("query_only", True)
        answer = connection.execute(sql, parameters).fetchall()
        connection.close()
    except apsw.Error as error:
        answer = f"{type(error).__name__}: {error}"
    pickle.dump(answer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""


@dataclass
class Namespace:
    """A mount namespace; ``limited`` also a user namespace, whose limits are its own."""

    pid: int
    limited: bool
    _reader: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command line begins with to run inside."""
        user = ("-U", "--preserve-credentials") if self.limited else ()
        return (program("nsenter", "util-linux"), "-t", str(self.pid), "-m", *user)

    @property
    def view(self) -> Path:
        """Where the file system as seen inside is found from outside."""
        return Path(f"/proc/{self.pid}/root")

    def run(self, *command: str | Path) -> None:
        """Run a command inside."""
        words = [*self.enter, *map(str, command)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def query(self, path: Path, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """Read a SQLite database inside."""
        if self._reader is None:
            command = [*self.enter, sys.executable, "-c", READER]
            self._reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        asked, answered = self._reader.stdin, self._reader.stdout
        assert asked is not None and answered is not None  # noqa: PT018  # asked for
        pickle.dump((str(path), sql, tuple(parameters)), asked)
        asked.flush()
        answer = pickle.load(answered)
        assert not isinstance(answer, str), f"{path} could not be read: {answer}"
        found: list[tuple[Any, ...]] = answer
        return found

    def close(self) -> None:
        """End the program that reads."""
        if self._reader is not None:
            self._reader.kill()
            self._reader.communicate()

    def tmpfs(self, place: Path, size: str = "16m") -> None:
        """Mount an empty file system in memory."""
        options = f"size={size},mode=755"
        self.run("mount", "-t", "tmpfs", "-o", options, "storewarden-test", place)

    def unmount(self, place: Path) -> None:
        """Unmount what is on top there; refused while the daemon holds it up."""
        self.run("umount", place)


@contextmanager
def namespace(*, limited: bool = False) -> Iterator[Namespace]:
    """Lend a namespace; where the kernel grants none, the test is skipped and says so."""
    ways = (True,) if limited or os.geteuid() != 0 else (False, True)
    why = ""
    for user in ways:
        with _held(user=user) as (held, problem):
            if problem:
                why = problem
                continue
            lent = Namespace(held.pid, user)
            try:
                yield lent
            finally:
                lent.close()
            return
    pytest.skip(f"this kernel or container grants no mount namespace ({why}): run outside of it")


@contextmanager
def _held(*, user: bool) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Hold a namespace by a process in it; the second value says why there is none."""
    own = ("--user", "--map-root-user") if user else ()
    command = [program("unshare", "util-linux"), *own, "--mount", "--propagation", "private"]
    held = subprocess.Popen(
        [*command, shutil.which("sh") or "/bin/sh", "-c", "echo in; read forever"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert held.stdout is not None and held.stderr is not None  # noqa: PT018  # asked for
    try:
        granted = held.stdout.readline() == b"in\n"
        yield held, "" if granted else held.stderr.read().decode().strip()
    finally:
        held.kill()
        held.wait()
        for stream in (held.stdin, held.stdout, held.stderr):
            if stream is not None:
                stream.close()
