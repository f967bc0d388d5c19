"""One process that makes small files as fast as it can: writer.c, or this file without a compiler.

``python writer.py ROOT DIRECTORIES FILES BYTES TELL REMOVE`` does what writer.c says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Burst:
    """What to write, and how the writer is told."""

    root: Path
    directories: int
    files: int
    size: int = 100
    remove: int = 0  # every tenth file goes again when so many more were made

    @property
    def left(self) -> int:
        """Return how many files there are at the end."""
        if not self.remove:
            return self.files
        return self.files - sum(i >= self.remove for i in range(0, self.files, 10))

    def make_directories(self) -> None:
        """Make the directories that the files will be in."""
        for number in range(self.directories):
            (self.root / f"d{number:05}").mkdir(parents=True)


@dataclass(frozen=True, slots=True)
class Written:
    """When the first file was made and the last closed, by the monotonic clock."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """Return how long the writing took."""
        return self.ended - self.began


def compiled(directory: Path) -> list[str]:
    """Return the words that start the writer, compiled into ``directory`` if it can be."""
    compiler = shutil.which("cc")
    if compiler is not None:
        target = str(directory / "writer")
        command = [compiler, "-O2", "-o", target, str(_HERE / "writer.c")]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return [target]
    return [sys.executable, str(_HERE / "writer.py")]


def write(
    program: list[str],
    burst: Burst,
    *,
    tell: int = 0,
    at: Callable[[int], None] = lambda _count: None,
) -> Written:
    """Run the writer to its end; ``at`` is called with the count every ``tell`` files."""
    numbers = (burst.directories, burst.files, burst.size, tell or burst.files, burst.remove)
    words = [*program, str(burst.root), *map(str, numbers)]
    moments: list[float] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        for line in writer.stdout or ():
            count, moment = line.split()
            moments.append(float(moment))
            at(int(count))
    if writer.returncode != 0:
        raise RuntimeError(f"the writer ended with {writer.returncode}: {words}")
    return Written(moments[0], moments[-1])


def _tell(count: int) -> None:
    sys.stdout.write(f"{count} {time.monotonic():.9f}\n")
    sys.stdout.flush()


def _main(root: str, *numbers: str) -> None:
    directories, files, size, every, lag = map(int, numbers)
    content = bytes(size)
    _tell(0)
    for i in range(files):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        file = os.open(f"{root}/d{i % directories:05}/f{i:07}.png", flags, 0o644)
        os.write(file, content)
        os.close(file)
        if 0 < lag <= i and i % 10 == 0:
            os.unlink(f"{root}/d{(i - lag) % directories:05}/f{i - lag:07}.png")
        if (i + 1) % every == 0 and i + 1 < files:
            _tell(i + 1)
    _tell(files)


if __name__ == "__main__":
    _main(*sys.argv[1:])
