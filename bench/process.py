"""What a process costs: processor time, memory now and at its peak, its children included."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_FIELD = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")
_PROCESSOR_CLOCK = 2  # the kernel's number for the time a process was scheduled


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (10^6 bytes) of one process."""

    resident: float
    proportional: float  # shared pages divided by those who share them
    peak: float


def memory(pid: int) -> Memory:
    """Return the memory of a process now."""
    status, smaps = _fields(pid, "status"), _fields(pid, "smaps_rollup")
    return Memory(status["VmRSS"], smaps["Pss"], status["VmHWM"])


def _fields(pid: int, file: str) -> dict[str, float]:
    text = Path(f"/proc/{pid}/{file}").read_text()
    return {name: int(kib) * 1024 / 1e6 for name, kib in _FIELD.findall(text)}


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and of those of its children that ended."""
    own = time.clock_gettime((~pid << 3) | _PROCESSOR_CLOCK)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) / _TICKS  # cutime, cstime


def processor_share(pid: int, seconds: float) -> float:
    """Return the per cent of one core that a process takes during the next ``seconds``."""
    began, used = time.monotonic(), processor_seconds(pid)
    time.sleep(seconds)
    return 100 * (processor_seconds(pid) - used) / (time.monotonic() - began)


def children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, thread.read_text().split())
        except OSError:
            continue  # the thread ended meanwhile
    return found


class ChildrenPeak:
    """Watches the children of a process, short-lived ones too, for the most memory they take.

    ``megabytes`` is the most that all of them had together at a moment, each by its peak so far.
    """

    _INTERVAL = 0.02

    def __init__(self, pid: int) -> None:
        self.megabytes = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._INTERVAL):
            together = 0.0
            for pid in children(self._pid):
                try:
                    together += _fields(pid, "status").get("VmHWM", 0.0)
                except OSError:
                    continue
            self.megabytes = max(self.megabytes, together)
