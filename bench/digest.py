"""The digest of a large file in the page cache, beside b3sum on one thread."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from bench.daemon import Unmeasured
from bench.first_scan import in_turns
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target
from storewarden.facts.digest import digest_of

_OF_B3SUM = 1.1
_LARGE, _SMALL = 10 * 10**9, 2 * 10**9
_SPACE = 3  # times the size must be free, on the disk and in memory
_BLOCK = 64 << 20
_ALL = 1_000_000  # files of a whole run; a smaller one has a smaller file


def run(ground: Ground) -> list[Figure]:
    """Let both read the same bytes, in turns, each with all of them in the page cache."""
    if not shutil.which("b3sum"):
        raise Unmeasured("b3sum is missing: apt install b3sum")
    size = _size(ground)
    path = ground.place("digest") / "large"
    ground.say(f"writing {size / 1e9:.1f} GB")
    _write(path, size)
    digests: dict[str, str] = {}
    taken = in_turns(
        ground,
        f"digest of {size / 1e9:.1f} GB",
        {"storewarden": lambda: _ours(path, digests), "b3sum": lambda: _theirs(path, digests)},
    )
    path.unlink()
    return [
        Figure(
            f"digest of {size / 1e9:.1f} GB",
            Measured(taken["storewarden"], "s"),
            Measured(taken["b3sum"], "s", "b3sum --num-threads 1"),
            Target(f"≤ {_OF_B3SUM} ×", taken["storewarden"] <= _OF_B3SUM * taken["b3sum"]),
        ),
        Figure(
            "equal digests",
            Measured(len(set(digests.values())) == 1, ""),
            target=Target("1", len(set(digests.values())) == 1),
        ),
    ]


def _size(ground: Ground) -> int:
    """Return how large a file this machine can hold, on its disk and in its page cache."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    room = min(free(ground.directory)[0] // _SPACE, memory * 2 // _SPACE)
    size = _LARGE if room >= _LARGE else _SMALL
    return max(_BLOCK, size * min(ground.files, _ALL) // _ALL)


def _write(path: Path, size: int) -> None:
    """Write bytes that differ; no part of the file is a hole."""
    block = bytearray(os.urandom(_BLOCK))
    with path.open("wb", buffering=0) as file:
        for number in range(-(-size // _BLOCK)):
            block[:8] = number.to_bytes(8, "big")
            file.write(memoryview(block)[: size - number * _BLOCK])
        os.fsync(file.fileno())


def _warm(path: Path) -> None:
    """Bring all of it into the page cache, of which our digest takes it out again."""
    subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)


def _ours(path: Path, digests: dict[str, str]) -> float:
    _warm(path)
    began = time.monotonic()
    taken = digest_of(lambda flags: os.open(path, flags))
    seconds = time.monotonic() - began
    digests["storewarden"] = taken.digest.hex()
    return seconds


def _theirs(path: Path, digests: dict[str, str]) -> float:
    _warm(path)
    began = time.monotonic()
    command = ["b3sum", "--num-threads", "1", "--no-names", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.monotonic() - began
    digests["b3sum"] = done.stdout.strip()
    return seconds
