"""Record a life for tests and pictures: ``python -m grafana.record [--minutes 60] [--base DIR]``.

A real daemon is kept busy for so long, in real time (see tests/eventful.py for what happens), and
what it says of itself is written down every few seconds. As root, its files lie on a small disk of
their own (a file with ext4 in it), so that a disk that fills is one of the things to be seen.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from grafana.life import FILE
from grafana.life import Life as Recorded
from tests.eventful import Life

DISK: Final = 3 * 2**30
LARGE: Final = 60_000  # bytes of an average picture
KEEP: Final = 15  # scrapes between two times of writing down


@contextmanager
def small_disk(base: Path) -> Iterator[Path]:
    """Lend a directory on a file system of its own."""
    image, place = base / "disk", base / "mounted"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def story(life: Life) -> list[tuple[float, Callable[[], None]]]:
    """Return what happens once, by the share of the time that has passed."""
    return [
        (0.25, life.overflow),
        (0.40, life.tidy),
        (0.60, life.unplug),
        (0.68, life.plug_in),
    ]


def record(life: Life, seconds: float, every: int, into: Path) -> Recorded:
    """Keep the daemon busy for so long, and write down what it says."""
    recorded = Recorded(int(time.time()), every)
    begun = time.monotonic()
    ahead = story(life)
    while (passed := time.monotonic() - begun) < seconds:
        if passed >= recorded.scrapes * every:
            recorded.take(life.daemon.get("/metrics")[1])
            if recorded.scrapes % KEEP == 0:
                recorded.save(into)
        while ahead and ahead[0][0] * seconds <= passed:
            ahead.pop(0)[1]()
        # a busy time and a quiet one, some of each
        life.step(round(2 + 2 * math.sin(passed / 150)))
        time.sleep(1)
    recorded.save(into)
    return recorded


def main() -> None:
    """Record one life."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=int, default=15, help="seconds between two scrapes")
    parser.add_argument("--into", type=Path, default=FILE)
    parser.add_argument("--own-disk", action="store_true", help="as root: a small disk for it")
    given = parser.parse_args()
    with ExitStack() as after:
        base = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="storewarden-life-")))
        place = after.enter_context(small_disk(base)) if given.own_disk else base
        life = Life(place / "life", large=LARGE)
        after.callback(life.close)
        life.start()
        recorded = record(life, given.minutes * 60, given.every, given.into)
    print(f"{recorded.scrapes} scrapes of {len(recorded.series)} series: {given.into}")


if __name__ == "__main__":
    main()
