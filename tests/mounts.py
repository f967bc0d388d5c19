"""Mounts that only a test and its daemon see: a mount namespace of their own.

The namespace is held by a process that does nothing; the daemon enters it by `nsenter`, the test
looks in through /proc/PID/root. When the process ends, so does every mount.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.missing import program


@dataclass(frozen=True)
class Namespace:
    """A mount namespace; ``limited`` also a user namespace, whose limits are its own."""

    pid: int
    limited: bool

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
    user = () if os.geteuid() == 0 and not limited else ("--user", "--map-root-user")
    command = [program("unshare", "util-linux"), *user, "--mount", "--propagation", "private"]
    held = subprocess.Popen(
        [*command, shutil.which("sh") or "/bin/sh", "-c", "echo in; read forever"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert held.stdout is not None and held.stderr is not None  # noqa: PT018  # asked for
    try:
        if held.stdout.readline() != b"in\n":
            why = held.stderr.read().decode().strip()
            pytest.skip(f"the kernel grants no mount namespace here ({why}): run as root outside")
        yield Namespace(held.pid, bool(user))
    finally:
        held.kill()
        held.wait()
        for stream in (held.stdin, held.stdout, held.stderr):
            if stream is not None:
                stream.close()
