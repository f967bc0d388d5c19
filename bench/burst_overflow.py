"""A burst of a million files on tmpfs while events are lost: the catalogue becomes right anyway."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from bench.catalogue import Catalogue, Comparison
from bench.daemon import Daemon, Unmeasured
from bench.ground import SHARED_MEMORY, Ground, free, scratch
from bench.process import ChildrenPeak, memory
from bench.report import Figure, Measured, Target
from bench.writer import Burst, write

_DIRECTORIES = 100
_INODE = 2000  # bytes that an empty file takes on tmpfs, generously
_PATIENCE = 180.0
_PEAK = 200.0
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def run(ground: Ground) -> list[Figure]:
    """Stop the daemon in the middle of the burst, so that the kernel's queue overflows."""
    files = ground.files
    _check_room(files)
    ground.say(f"burst of {files:,} files on tmpfs; the daemon is stopped in the middle of it")
    with ExitStack() as stack:
        root = stack.enter_context(scratch(SHARED_MEMORY))
        # every tenth file goes again, in part while nobody listens: there can be ghosts
        burst = Burst(root, _DIRECTORIES, files, size=0, remove=files // 4)
        burst.make_directories()
        house = ground.house("overflow-state", root, digest=True)
        daemon = stack.enter_context(Daemon(house))
        daemon.wait_scanned()
        peak = stack.enter_context(ChildrenPeak(daemon.pid))
        written = write(ground.writer, burst, tell=max(1, files // 20), at=_Stopper(daemon, files))
        catalogue = house.open_catalogue()
        comparison, right = _wait_right(catalogue, burst)
        overflows = daemon.metrics()["overflows_total"]
        own = memory(daemon.pid).peak
    return _figures(files, comparison, right - written.ended, overflows, (own, peak.megabytes))


class _Stopper:
    """Stops the daemon when three tenths are written, until the queue cannot hold what came."""

    def __init__(self, daemon: Daemon, files: int) -> None:
        self._daemon = daemon
        self._stop = files * 3 // 10
        self._go = max(files // 2, self._stop + int(QUEUE.read_text()))
        self._stopped = self._gone_on = False

    def __call__(self, count: int) -> None:
        if not self._stopped and count >= self._stop:
            self._daemon.pause()
            self._stopped = True
        if self._stopped and not self._gone_on and count >= self._go:
            self._daemon.resume()
            self._gone_on = True


def _check_room(files: int) -> None:
    if not SHARED_MEMORY.is_dir():
        raise Unmeasured(f"there is no {SHARED_MEMORY} here")
    space, inodes = free(SHARED_MEMORY)
    if space < files * _INODE or 0 < inodes < files + 1000:
        raise Unmeasured(f"{SHARED_MEMORY} has no room for {files:,} files; --files takes fewer")


def _wait_right(catalogue: Catalogue, burst: Burst) -> tuple[Comparison, float]:
    """Wait until the catalogue equals the tree; return how it differs, and since when."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        seen = catalogue.wait_for(burst.left, deadline - time.monotonic())
        comparison = catalogue.compare(burst.root)
        if comparison.equal or seen >= deadline:
            return comparison, seen


def _figures(
    files: int,
    comparison: Comparison,
    seconds: float,
    overflows: float,
    peaks: tuple[float, float],
) -> list[Figure]:
    peak = sum(peaks)
    unrecorded, ghosts = comparison.unrecorded, comparison.ghosts
    forced = "" if overflows else "no overflow: too few files"
    return [
        Figure(
            f"unrecorded of {files:,} files",
            Measured(unrecorded, "files"),
            forced,
            Target("0", not unrecorded),
        ),
        Figure("ghosts", Measured(ghosts, "files"), forced, Target("0", not ghosts)),
        Figure("last close to all right", Measured(seconds, "s")),
        Figure("overflows of the queue", Measured(overflows, "")),
        Figure(
            "peak memory, children included",
            Measured(peak, "MB"),
            Measured(peaks[0], "MB", "the daemon alone"),
            Target(f"< {_PEAK:.0f} MB", peak < _PEAK),
        ),
    ]
