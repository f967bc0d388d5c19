"""A tree of files to scan, and a walk of one to compare the catalogue with."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

GROUPS = 5
SETTLE = 2.0  # seconds, the default; a scan leaves younger files for later
_NAMES = ("frame-{:07}.png", "clip-{:07}.mp4", "voice-{:07}.wav", "take-{:07}.json", "log-{:07}")
_LARGEST = 1 << 22
_OLDEST = 3 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: GROUPS directories with directories in each, and all files in those."""

    path: Path
    files: int
    directories: int

    @property
    def a_fifth(self) -> Tree:
        """Return one of the groups: a tree of its own."""
        return Tree(self.path / "group-0", self.files // GROUPS, self.directories // GROUPS)


def build(path: Path, files: int) -> Tree:
    """Make a tree of about ``files`` files, a thousand in each directory, and let it rest.

    Sizes and times differ as in real trees (an index of equal values would cost nothing); the
    files hold no data, which nothing here reads.
    """
    inside = max(1, files // GROUPS // 1000)
    each = max(1, files // GROUPS // inside)
    orders = [(path / f"group-{number}", inside, each, number) for number in range(GROUPS)]
    with ProcessPoolExecutor(min(2, len(os.sched_getaffinity(0)))) as makers:
        list(makers.map(_make_group, orders))
    os.sync()
    time.sleep(SETTLE + 1.0)
    return Tree(path, GROUPS * inside * each, GROUPS * inside)


def _make_group(order: tuple[Path, int, int, int]) -> None:
    group, directories, files, seed = order
    chance = random.Random(seed)
    now = time.time()
    for number in range(directories):
        directory = group / f"scene-{number:04}"
        directory.mkdir(parents=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        for name in (_NAMES[i % len(_NAMES)].format(i) for i in range(files)):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            file = os.open(name, flags, 0o644, dir_fd=descriptor)
            os.ftruncate(file, int(_LARGEST ** chance.random()))
            when = now - chance.random() * _OLDEST
            os.utime(file, (when, when))
            os.close(file)
        os.close(descriptor)


def walk(root: Path) -> Iterator[tuple[bytes, os.stat_result]]:
    """Yield each regular file below a root, as the catalogue names it, with its lstat."""
    top = os.fsencode(root)
    stack = [b""]
    while stack:
        path = stack.pop()
        prefix = path + b"/" if path else b""
        with os.scandir(top + b"/" + path) as found:
            for entry in found:
                if prefix + entry.name == b".storewarden":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    stack.append(prefix + entry.name)
                elif entry.is_file(follow_symlinks=False):
                    yield prefix + entry.name, entry.stat(follow_symlinks=False)
