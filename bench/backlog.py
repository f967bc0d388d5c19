"""Recording while many files still wait to be looked into, beside recording alone."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path

from bench.daemon import Daemon, House, Unmeasured
from bench.ground import Ground
from bench.report import Figure, Measured, Target, median
from bench.writer import Burst, write

_RUNS = 3
_PATIENCE = 120.0
_LEAST = 0.9


def run(ground: Ground) -> list[Figure]:
    """Measure the files a second that are recorded, with and without a backlog."""
    files, waiting = ground.files // 10, ground.files // 20
    alone: list[float] = []
    beside: list[float] = []
    left: list[int] = []
    for number in range(_RUNS):
        ground.say(
            f"recording {files:,} files, alone and beside a backlog, {number + 1} of {_RUNS}"
        )
        alone.append(_rate(ground, files, waiting, inspect=False)[0])
        rate, remaining = _rate(ground, files, waiting, inspect=True)
        beside.append(rate)
        left.append(remaining)
    ratio = median(beside) / median(alone)
    return [
        Figure(
            f"recording with {waiting:,} pictures to look into",
            Measured(median(beside), "files"),
            Measured(median(alone), "files", "a second, nothing to look into"),
            Target(f"≥ {_LEAST:.1f} ×", ratio >= _LEAST),
        ),
        Figure("left of the backlog when all was recorded", Measured(min(left), "files")),
    ]


def _rate(ground: Ground, files: int, waiting: int, *, inspect: bool) -> tuple[float, int]:
    """Return the files a second from the first made to the last recorded, and what still waits."""
    burst = Burst(ground.place("backlog"), 10, files)
    burst.make_directories()
    _pictures(burst.root / "waiting", waiting)
    ground.settle()
    house = replace(ground.house("backlog-state", burst.root), inspect=inspect)
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        catalogue = house.open_catalogue()
        written = write(ground.writer, burst)
        ended = catalogue.wait_for(files + waiting, _PATIENCE)
        catalogue.close()
        remaining = _waiting(house, waiting) if inspect else 0
    return files / (ended - written.began), remaining


def _waiting(house: House, waiting: int) -> int:
    """Return how many pictures wait; a backlog that was gone before proves nothing."""
    catalogue = house.open_catalogue()
    inspected = catalogue.inspected()
    catalogue.close()
    if inspected >= waiting:
        raise Unmeasured("the backlog was gone before all was recorded: take more --files")
    return waiting - inspected


def _pictures(directory: Path, count: int) -> None:
    """Make small PNGs that tell how they were made."""
    directory.mkdir()
    for number in range(count):
        text = b"parameters\0a lighthouse at dusk\nSteps: 20, Seed: %d, Size: 64x64" % number
        content = b"".join(
            (
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)),
                _chunk(b"tEXt", text),
                _chunk(b"IDAT", b"\0" * 200),
                _chunk(b"IEND", b""),
            )
        )
        descriptor = os.open(directory / f"{number:07}.png", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, content)
        os.close(descriptor)


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
