"""Where benchmarks run: a directory that goes again whatever happens, and what they share in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from bench import tree, writer
from bench.daemon import House

SHARED_MEMORY = Path("/dev/shm")
_KEEPER = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; rm -rf "$2"'


class Ground:
    """A directory for one run, what is built in it once, and how large everything is."""

    def __init__(self, directory: Path, files: int) -> None:
        self.directory = directory
        self.files = files  # of the large tree; the others are in proportion

    def say(self, what: str) -> None:
        """Tell whoever waits what goes on."""
        sys.stderr.write(f"· {what}\n")
        sys.stderr.flush()

    @cached_property
    def writer(self) -> list[str]:
        """The words that start the writer of bursts."""
        return writer.compiled(self.directory)

    @cached_property
    def tree(self) -> tree.Tree:
        """The large tree."""
        self.say(f"making {self.files:,} files")
        return tree.build(self.directory / "tree", self.files)

    @cached_property
    def recorded(self) -> House:
        """A house whose catalogue holds the large tree, from one first scan."""
        house = self.house("recorded", self.tree.path)
        self.say(f"recording {self.tree.files:,} files")
        house.scan(self.tree.files)
        return house

    def house(self, name: str, root: Path, *, digest: bool = False) -> House:
        """Return a house with an empty state directory of that name."""
        state = self.directory / name
        self.remove(state)
        return House(state, root, digest=digest)

    def place(self, name: str) -> Path:
        """Return a new directory, which goes when all is measured.

        Not before: for minutes after a mass removal ext4 searches for an inode that was not
        removed recently, for each file that is made, and makes them ten times as slowly.
        """
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))

    def settle(self) -> None:
        """Let the disk finish what came before, so that the next run does not pay for it."""
        os.sync()

    @staticmethod
    def remove(path: Path) -> None:
        """Remove a directory, faster than shutil does it and whether it is there or not."""
        subprocess.run(["rm", "-rf", "--", str(path)], check=True, start_new_session=True)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Lend a directory below ``parent``; it goes at the end, after Ctrl-C, and when we are killed.

    A million files are no rubbish to leave behind: a keeper outlives us and removes them.
    """
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="storewarden-bench-", dir=parent))
    keeper = subprocess.Popen(
        ["sh", "-c", _KEEPER, "keeper", str(os.getpid()), str(directory)],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    try:
        yield directory
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # one Ctrl-C is enough
        Ground.remove(directory)
        keeper.kill()
        keeper.wait()
        signal.signal(signal.SIGINT, before)


def free(path: Path) -> tuple[int, int]:
    """Return the free bytes and the free inodes of a file system."""
    space = os.statvfs(path)
    return shutil.disk_usage(path).free, space.f_favail
