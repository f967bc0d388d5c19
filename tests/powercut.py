"""What a power cut may leave of what was done to a disk: every state that the kernel allows.

The kernel promises nothing of what was not synced. A name that was given or taken away may be on
the disk or not, each by itself, the two halves of a rename as well; of what was written there may
be all, some or nothing. What is synced stays. File systems promise more, each something else.
"""

import os
import random
import stat
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from storewarden.store.disk import Disk


class Done(NamedTuple):
    """One thing that was done: bytes to a file, a name to a directory, or all of it synced."""

    inode: int
    name: bytes | None = None
    points_to: int | None = None
    data: bytes | None = None


@dataclass
class Durable:
    """What is on a disk for sure, and what may be."""

    names: dict[int, dict[bytes, int]] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    loose_names: list[Done] = field(default_factory=list)
    loose_data: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> "Durable":
        """Take all that is there for durable."""
        found = cls()
        for directory, directories, files in os.walk(os.fsencode(path)):
            names = found.names.setdefault(os.stat(directory).st_ino, {})
            for name in (*directories, *files):
                whole = os.path.join(directory, name)
                names[name] = os.stat(whole).st_ino
                if name in files:
                    found.contents[names[name]] = Path(os.fsdecode(whole)).read_bytes()
        return found

    def do(self, done: Done) -> None:
        """Do it, as far as that is sure."""
        if done.name is not None:
            self.loose_names.append(done)
        elif done.data is not None:
            self.loose_data[done.inode] = self.loose_data.get(done.inode, b"") + done.data
        else:
            kept = [loose for loose in self.loose_names if loose.inode != done.inode]
            for loose in self.loose_names:
                if loose.inode == done.inode:
                    self._name(loose)
            self.loose_names = kept
            synced = self.loose_data.pop(done.inode, b"")
            if done.inode not in self.names:
                self.contents[done.inode] = self.contents.get(done.inode, b"") + synced

    def states(self, chance: random.Random, count: int) -> Iterator["Durable"]:
        """Yield what may be there after a cut: the extremes, and some by chance."""
        for number in range(count):
            state = deepcopy(self)
            for loose in self.loose_names:
                if number == 1 or (number > 1 and chance.random() < 0.5):
                    state._name(loose)
            for inode, data in self.loose_data.items():
                most = (0, len(data), len(data) // 2, chance.randrange(len(data) + 1))
                kept = data[: most[number if number < 2 else chance.randrange(4)]]
                state.contents[inode] = state.contents.get(inode, b"") + kept
            yield state

    def write(self, inode: int, path: Path) -> None:
        """Make it so, below a directory."""
        path.mkdir()
        for name, points_to in self.names.get(inode, {}).items():
            below = path / os.fsdecode(name)
            if points_to in self.names:
                self.write(points_to, below)
            else:
                below.write_bytes(self.contents.get(points_to, b""))

    def _name(self, done: Done) -> None:
        assert done.name is not None
        names = self.names.setdefault(done.inode, {})
        if done.points_to is None:
            names.pop(done.name, None)
        else:
            names[done.name] = done.points_to


class RecordingDisk(Disk):
    """Does what it is told and remembers it."""

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.directories: set[int] = set()

    def create(self, name: bytes, directory: int, *, alone: bool = True) -> int:
        there = name in map(os.fsencode, os.listdir(directory))
        descriptor = super().create(name, directory, alone=alone)
        if not there:
            self._named(directory, name, os.fstat(descriptor).st_ino)
        return descriptor

    def write(self, descriptor: int, data: memoryview) -> int:
        written = super().write(descriptor, data)
        self.done.append(Done(os.fstat(descriptor).st_ino, data=bytes(data[:written])))
        return written

    def mkdir(self, name: bytes, directory: int) -> None:
        super().mkdir(name, directory)
        inode = self.stat(name, directory).st_ino
        self.directories.add(inode)
        self._named(directory, name, inode)

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self._synced(descriptor)

    def sync_directory(self, descriptor: int) -> None:
        super().sync_directory(descriptor)
        self._synced(descriptor)

    def rename(self, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
        inode = self.stat(old, old_fd).st_ino
        super().rename(old_fd, old, new_fd, new)
        self._named(new_fd, new, inode)
        self._named(old_fd, old, None)

    def unlink(self, name: bytes, directory: int) -> None:
        super().unlink(name, directory)
        self._named(directory, name, None)

    def rmdir(self, name: bytes, directory: int) -> None:
        super().rmdir(name, directory)
        self._named(directory, name, None)

    def _named(self, directory: int, name: bytes, inode: int | None) -> None:
        assert stat.S_ISDIR(os.fstat(directory).st_mode)
        self.done.append(Done(os.fstat(directory).st_ino, name, inode))

    def _synced(self, descriptor: int) -> None:
        self.done.append(Done(os.fstat(descriptor).st_ino))


def cut_after(before: Durable, disk: RecordingDisk, count: int) -> Durable:
    """Return what is sure, and what is not, when only the first so many things were done."""
    left = deepcopy(before)
    for inode in disk.directories:
        left.names.setdefault(inode, {})
    for done in disk.done[:count]:
        left.do(done)
    return left
