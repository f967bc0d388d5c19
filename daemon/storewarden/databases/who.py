"""Which programs have files open, as /proc tells it; nothing of the files themselves is opened.

Of programs of other users only the superuser is told; of those it is seen when they hold a lock, as
everybody who reads or writes a database does while it does so. Whether anything was hidden is told,
also where /proc does not even show that there are others.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from storewarden.act.leases import processes

_LOCK: Final = re.compile(
    rb"^\d+: (?:-> )?POSIX +\S+ +(READ|WRITE) +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE
)
_MOST_NAME: Final = 64
_OURS: Final = b"storewarden."  # modules that we start as programs

File = tuple[int, int]
"""Device and inode."""


class Program(NamedTuple):
    """A program that has a file open, or a lock on it."""

    pid: int
    name: str


class Users(NamedTuple):
    """Who uses files; ``whole`` tells whether all programs could be looked at."""

    by_file: Mapping[File, tuple[Program, ...]]
    whole: bool

    def of(self, file: File) -> tuple[Program, ...]:
        """Return who uses a file."""
        return self.by_file.get(file, ())


def users(
    files: Mapping[File, bytes], proc: Path = Path("/proc"), ours: Collection[int] = ()
) -> Users:
    """Return who uses which of these files, each with its name, but for programs of ours."""
    names = set(files.values())
    wanted = set(files)
    found: dict[File, set[int]] = defaultdict(set)
    whole = True
    if wanted:
        numbers, whole = processes(str(proc))
        for pid in numbers:
            if _is_of_us(proc, pid):
                continue
            try:
                for file in _open_files(proc / str(pid) / "fd", names):
                    if file in wanted:
                        found[file].add(pid)
            except PermissionError:
                whole = False
            except OSError:
                continue  # it has ended
        for file, pid in _locks(proc):
            if file in wanted:
                found[file].add(pid)
    hidden = set(ours)
    told = {
        file: tuple(
            Program(pid, _name(proc, pid))
            for pid in sorted(pids - hidden)
            if not _is_of_us(proc, pid)
        )
        for file, pids in found.items()
    }
    return Users({file: programs for file, programs in told.items() if programs}, whole)


def _open_files(directory: Path, names: Collection[bytes]) -> Iterator[File]:
    """Yield the files of these names that a program has open.

    Only those are asked for: one on a file system that does not answer would hold us.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number in os.listdir(descriptor):
            try:
                path = os.readlink(os.fsencode(number), dir_fd=descriptor)
                if path.rpartition(b"/")[2] not in names:
                    continue
                found = os.stat(number, dir_fd=descriptor)
            except OSError:
                continue  # closed meanwhile
            yield found.st_dev, found.st_ino
    finally:
        os.close(descriptor)


def _locks(proc: Path) -> Iterator[tuple[File, int]]:
    """Yield who holds a lock, or waits for one, on which file."""
    try:
        told = (proc / "locks").read_bytes()
    except OSError:
        return
    for _, pid, major, minor, inode in _LOCK.findall(told):
        yield (os.makedev(int(major, 16), int(minor, 16)), int(inode)), int(pid)


def _is_of_us(proc: Path, pid: int) -> bool:
    """Tell whether a program is this one, or one that it started to read files."""
    if pid == os.getpid():
        return True
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        if not any(word.startswith(_OURS) for word in words):
            return False
        stat = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return False
    after_name = stat.rpartition(b")")[2].split()  # its name may hold anything
    return int(after_name[1]) == os.getpid()


def _name(proc: Path, pid: int) -> str:
    try:
        told = (proc / str(pid) / "comm").read_bytes()
    except OSError:
        return ""
    return told.rstrip(b"\n").decode("utf-8", "backslashreplace")[:_MOST_NAME]
