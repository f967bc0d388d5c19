"""A root with a way out at every name, somebody who swaps names for links, and a witness outside.

Whatever is opened outside of the root is told by the kernel to a watch there; what comes back as a
descriptor is known by its inode as well, since the kernel tells nobody of places (``O_PATH``).
"""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

INSIDE: Final = b"the content of a user of this root"
OUTSIDE: Final = b"what nobody in this root may read"
FILE: Final = b"a/b/file"
LINKED: Final = b"a/b/link"  # what stands at the one stands at the other a moment later
_ALL_EVENTS: Final = 0x00000FFF
_libc = ctypes.CDLL(None, use_errno=True)

# Another process: threads of one would take turns where two processes run beside each other.
SWAPPING: Final = """
import ctypes, os, sys, time
root, pause = sys.argv[1].encode(), float(sys.argv[2])
exchange = ctypes.CDLL(None).renameat2
held = [os.open(os.path.join(root, way), os.O_PATH) for way in (b"", b"a", b"a/b", b".storewarden")]
pairs = [(held[0], b"a", b"a.link"), (held[1], b"b", b"b.link"), (held[2], b"file", b"link"),
         (held[3], b"trash", b"trash.link")]
print("ready", flush=True)
while True:
    for directory, one, other in pairs:
        exchange(directory, one, directory, other, 2)
        exchange(directory, one, directory, other, 2)
        pause and time.sleep(pause)
    exchange(held[1], b"b", held[1], b"b.link", 2)
"""


class Hole:
    """A root from which links lead out, by every way that a link can; and what is outside."""

    def __init__(self, place: Path) -> None:
        self.root, self.outside = place / "root", place / "outside"
        for top, content in ((self.root, INSIDE), (self.outside, OUTSIDE)):
            (top / "a/b").mkdir(parents=True)
            (top / "a/b/file").write_bytes(content)
            (top / ".storewarden/trash").mkdir(parents=True, mode=0o700)
            (top / ".storewarden").chmod(0o700)
        (self.root / "a.link").symlink_to("../outside/a")
        (self.root / "a/b.link").symlink_to(self.outside / "a/b")
        (self.root / "a/b/link").symlink_to("../../../outside/a/b/file")
        (self.root / ".storewarden/trash.link").symlink_to(self.outside / ".storewarden/trash")
        for name, target in _LINKS.items():
            (self.root / name).symlink_to(target.format(outside=self.outside))
        self.fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        self.b = os.open(self.root / "a/b", os.O_RDONLY | os.O_DIRECTORY)
        self.trash = os.open(self.root / ".storewarden/trash", os.O_RDONLY | os.O_DIRECTORY)
        self.inside = _inodes(self.root)
        self._events = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for directory, _, _ in os.walk(self.outside):
            _libc.inotify_add_watch(self._events, os.fsencode(directory), _ALL_EVENTS)
        self.disturbed()  # to walk through it was to open it

    def disturbed(self) -> bool:
        """Tell whether anything at all was done outside since this was asked last."""
        try:
            return bool(os.read(self._events, 1 << 16))
        except BlockingIOError:
            return False

    def within(self, descriptor: int) -> bool:
        """Close a descriptor; tell whether it was of something inside."""
        status = os.fstat(descriptor)
        os.close(descriptor)
        return (status.st_dev, status.st_ino) in self.inside

    def close(self) -> None:
        for descriptor in (self.fd, self.b, self.trash, self._events):
            os.close(descriptor)


_LINKS: Final = {
    "up": "..",
    "over": "../outside",
    "straight": "{outside}",
    "file.out": "{outside}/a/b/file",
    "chain": "over",
    "loop": "loop",
    "process": "/proc/self/root",
    "here": "/proc/self/cwd",
    "self": ".",
    "into": "a/b",
    "a/up": "../..",
    "a/b/up": "../../..",
    "a/b/top": "/",
}
_PARTS: Final = (
    *(b"a", b"b", b"file", b"link", b"a.link", b"b.link", b"up", b"over", b"straight", b"chain"),
    *(b"file.out", b"process", b"here", b"self", b"into", b"loop", b"top", b"outside", b"root"),
    *(b"..", b"..", b"..", b".", b"", b".storewarden", b"trash", b"tmp", b"etc", b"proc"),
    *(b"...", b".. ", b"..\\", b"%2e%2e", b"\xc0\xae\xc0\xae", b"n" * 255, b"n" * 300, b"\xff"),
)


def path(chance: random.Random) -> bytes:
    """Return a path that may lead anywhere."""
    drawn = b"/".join(chance.choices(_PARTS, k=chance.randint(1, 7)))
    return drawn if chance.random() < 0.9 else b"/" + drawn


def _inodes(top: Path) -> set[tuple[int, int]]:
    found = set()
    for directory, directories, files in os.walk(top):
        for name in ("", *directories, *files):
            status = os.lstat(os.path.join(directory, name))
            found.add((status.st_dev, status.st_ino))
    return found


@contextmanager
def hole(place: Path) -> Iterator[Hole]:
    made = Hole(place)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def swapping(root: Path, pause: float = 0) -> Iterator[None]:
    """Let somebody swap directories and files for links that lead out, as fast as he can."""
    command = [sys.executable, "-c", SWAPPING, str(root), str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.kill()
