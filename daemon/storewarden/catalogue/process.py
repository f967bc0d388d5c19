"""Who a process is, told apart from any other that ever bore its number."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process on some machine, as it writes itself into a lease."""

    host: str
    pid: int
    pid_start: int  # in ticks since the machine started
    pid_namespace: int  # numbers mean nothing across these: containers
    boot_id: str
    program: str
    since_ns: int

    @classmethod
    def current(cls, program: str, now_ns: int) -> Process:
        """Return what tells this very process."""
        pid = os.getpid()
        return cls(
            host=os.uname().nodename,
            pid=pid,
            pid_start=started(pid) or 0,
            pid_namespace=namespace(),
            boot_id=boot_id(),
            program=program,
            since_ns=now_ns,
        )

    @classmethod
    def parse(cls, stored: dict[str, Any]) -> Process | None:
        """Return the process that was stored, None when it was written by another program."""
        try:
            return cls(**stored)
        except TypeError:
            return None

    def stored(self) -> dict[str, Any]:
        """Return what ``parse`` reads."""
        return asdict(self)

    def is_beside_us(self) -> bool:
        """Tell whether its number means the same to us as to itself."""
        return self.boot_id == boot_id() and self.pid_namespace == namespace()

    def is_gone(self) -> bool:
        """Tell whether it has certainly ended; seen from another container, nobody can."""
        if not self.is_beside_us() or started(self.pid) == self.pid_start:
            return False
        return not hidden(self.pid)

    def is_of_another_boot(self) -> bool:
        """Tell whether it seems to be of this machine, before it was started again.

        Nobody can be sure: containers may be told a number of their own, and a service with a
        /proc of its own sees the machine's, where everybody else there sees the container's.
        """
        return self.boot_id != boot_id() and self.host == os.uname().nodename

    def __str__(self) -> str:
        """Return it as people look for it."""
        since = datetime.fromtimestamp(self.since_ns // 1_000_000_000, UTC)
        return f"{self.program}, pid {self.pid} on {self.host}, since {since:%Y-%m-%d %H:%M:%SZ}"


def started(pid: int) -> int | None:
    """Return when a process started, in ticks of the machine; None when it ended."""
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


def hidden(pid: int) -> bool:
    """Tell whether there is such a process though /proc does not show it, as to some services."""
    if (PROC / str(pid)).exists():
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def namespace() -> int:
    """Return the number of the namespace in which our pid is valid."""
    try:
        return (PROC / "self" / "ns" / "pid").stat().st_ino
    except OSError:
        return 0


def boot_id() -> str:
    """Return what tells this run of the machine."""
    try:
        return (PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    except OSError:
        return ""
