"""Somebody else in the same directories, at the worst moment, who can tell if he was robbed."""

import contextlib
import ctypes
import mmap
import os
import stat
from collections.abc import Callable
from pathlib import Path

from tests.interfering import MARK, Ground

VICTIM = b"a/file"
ORIGINAL = b"the content that was decided on"
OTHER = b"THE CONTENT OF SOMEBODY ELSE   "  # as long
_EXCHANGE = 2
_FIRST_OF_MANY = 10**15  # with which files are numbered in a drawer of many acts
_libc = ctypes.CDLL(None, use_errno=True)
_NO_WAIT = os.O_NONBLOCK | os.O_CLOEXEC


class Watched:
    """A file by its inode: whether it still has a name, and what is in it."""

    def __init__(self, path: Path | int) -> None:
        if isinstance(path, int):  # an open file: it is the one that is meant, whatever its name
            self.place = os.open(f"/proc/self/fd/{path}", os.O_PATH)
        else:
            self.place = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        status = os.fstat(self.place)
        self.key = (status.st_dev, status.st_ino)

    @property
    def names(self) -> int:
        return os.fstat(self.place).st_nlink

    @property
    def content(self) -> bytes:
        return Path(f"/proc/self/fd/{self.place}").read_bytes()


class Adversary:
    """Does one thing to the victim; afterwards it is asked whether something was lost."""

    def __init__(self, ground: Ground, outside: Path) -> None:
        self.ground = ground
        self.outside = outside
        self.path = ground.path / "a" / "file"
        self.drawers = [ground.path / ".storewarden" / room / MARK for room in ("trash", "leaving")]
        self.victim: Watched | None = None
        self.kept: list[Watched] = []  # files that nobody but he may remove
        self.later: list[Callable[[], None]] = []
        self.ended = False  # he removed the victim himself
        self.writes = False  # he can write into the victim, whatever its name is
        self.did = 0
        self.names = 0

    def watch(self, path: Path) -> None:
        """Take note of the file that the act is about."""
        self.victim = Watched(path)

    def keep(self, path: Path | int) -> None:
        """Take note of a file that must not be removed."""
        self.kept.append(Watched(path))

    def strike(self, deed: str) -> None:
        """Do it, if it can be done now."""
        with contextlib.suppress(OSError, ValueError):
            getattr(self, deed)()
            self.did += 1

    # -- to the content

    def rewrite(self) -> None:
        status = self.path.stat()
        self._write(self.path, OTHER)
        os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def append(self) -> None:
        self._write(self.path, ORIGINAL + OTHER)

    def open_for_writing(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | _NO_WAIT)
        self._holds(descriptor)
        self.later += [lambda: self._all(descriptor), lambda: os.close(descriptor)]

    def wait_and_open_for_writing(self) -> None:
        """As any program does: the kernel lets it wait for our lease.

        A pipe that he has put there himself would let him wait for ever.
        """
        place = os.open(self.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(place).st_mode):
                return
            descriptor = os.open(f"/proc/self/fd/{place}", os.O_WRONLY | os.O_CLOEXEC)
        finally:
            os.close(place)
        self._holds(descriptor)
        self.later += [lambda: self._all(descriptor), lambda: os.close(descriptor)]

    def map_for_writing(self) -> None:
        descriptor = os.open(self.path, os.O_RDWR | _NO_WAIT)
        memory = mmap.mmap(descriptor, len(ORIGINAL))
        self._holds(descriptor)
        os.close(descriptor)
        self.later += [lambda: memory.__setitem__(slice(0, 5), b"LATER"), memory.close]

    def open_for_reading(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | _NO_WAIT)
        self.later.append(lambda: os.close(descriptor))

    # -- to the name

    def replace(self) -> None:
        self._drop(self.path)
        self._new(self.path)

    def replace_at_once(self) -> None:
        new = self._fresh(self.ground.path)
        self._new(new)
        _renameat2(new, self.path, _EXCHANGE)
        self._drop(new)

    def delete(self) -> None:
        self._drop(self.path)

    def move(self) -> None:
        _renameat2(self.path, self._fresh(self.ground.path))

    def move_and_take_the_place(self) -> None:
        self.move()
        self._new(self.path)

    def take_the_place(self) -> None:
        self._new(self.path)

    def link(self) -> None:
        os.link(self.path, self._fresh(self.ground.path))

    def swap_names(self) -> None:
        second, first = self._fresh(self.ground.path), self._fresh(self.ground.path)
        os.link(self.path, second)
        _renameat2(self.path, first)
        if first.lstat().st_ino == second.lstat().st_ino:
            first.unlink()
        _renameat2(second, self.path)

    def make_it_a_link(self) -> None:
        decoy = self._fresh(self.outside)
        self._new(decoy)
        self.move()
        self.path.symlink_to(decoy)

    def make_it_a_pipe(self) -> None:
        self.move()
        os.mkfifo(self.path)

    def make_it_a_directory(self) -> None:
        self.move()
        self.path.mkdir()
        self._new(self.path / "file")

    def change_mode(self) -> None:
        self.path.chmod(0o600)

    def set_times(self) -> None:
        os.utime(self.path, ns=(1, 1))

    # -- to its directory

    def move_directory(self) -> None:
        _renameat2(self.path.parent, self._fresh(self.ground.path))

    def swap_directory(self) -> None:
        self.move_directory()
        self.path.parent.mkdir()
        self._new(self.path)

    def make_the_directory_a_link(self) -> None:
        decoy = self._fresh(self.outside)
        decoy.mkdir()
        self._new(decoy / "file")
        self.move_directory()
        self.path.parent.symlink_to(decoy)

    def move_directory_out(self) -> None:
        _renameat2(self.path.parent, self._fresh(self.outside))

    def delete_directory(self) -> None:
        if self.path.exists():
            self._drop(self.path)
        self.path.parent.rmdir()

    # -- inside our own folder, where nobody has a right to be

    def rewrite_in_the_drawer(self) -> None:
        self._write(self._inside(), OTHER)

    def link_from_the_drawer(self) -> None:
        os.link(self._inside(), self._fresh(self.ground.path))

    def take_out_of_the_drawer(self) -> None:
        _renameat2(self._inside(), self._fresh(self.ground.path))

    def replace_in_the_drawer(self) -> None:
        inside = self._inside()
        _renameat2(inside, self._fresh(self.ground.path))
        self._new(inside)

    # -- the end

    def end(self) -> None:
        """Do what he waited with, and check that he was not robbed."""
        for deed in self.later:
            deed()
        for file in self.kept:
            assert file.names > 0, "a file that nobody asked about was removed"

    def robbed(self) -> bool:
        """Tell whether the victim was removed, though he did not do it himself."""
        assert self.victim
        return self.victim.names == 0 and not self.ended

    def drawer_holds(self) -> bool:
        """Tell whether the victim lies in a drawer of ours."""
        assert self.victim
        return any(
            (one.lstat().st_dev, one.lstat().st_ino) == self.victim.key for one in self._numbered()
        )

    def close(self) -> None:
        for file in [*self.kept, *([self.victim] if self.victim else [])]:
            os.close(file.place)

    def _inside(self) -> Path:
        for one in self._numbered():
            if int(one.name) % _FIRST_OF_MANY == 0:
                return one
        raise FileNotFoundError

    def _numbered(self) -> list[Path]:
        """Return what lies in our drawers, each under its number."""
        there = [drawer for drawer in self.drawers if drawer.is_dir()]
        return [one for drawer in there for one in drawer.iterdir() if one.name.isdigit()]

    def _write(self, path: Path, content: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | _NO_WAIT)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)

    def _all(self, descriptor: int) -> None:
        os.pwrite(descriptor, OTHER, 0)

    def _fresh(self, directory: Path) -> Path:
        """Return a name that nothing bears."""
        self.names += 1
        return directory / f"his {self.names}"

    def _new(self, path: Path) -> None:
        with path.open("xb") as file:
            self.keep(file.fileno())
            file.write(OTHER)

    def _holds(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        assert self.victim
        self.writes |= (status.st_dev, status.st_ino) == self.victim.key

    def _drop(self, path: Path) -> None:
        """Delete a file, and know which one it was, whoever renames beside us."""
        away = self._fresh(self.outside)
        _renameat2(path, away)
        status = away.lstat()
        key = (status.st_dev, status.st_ino)
        assert self.victim
        if status.st_nlink == 1:
            self.ended |= key == self.victim.key
            for file in [file for file in self.kept if file.key == key]:
                self.kept.remove(file)
                os.close(file.place)
        away.unlink()


def _renameat2(old: Path, new: Path, flags: int = 1) -> None:
    """Rename, by default never over anything."""
    if _libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags):
        raise OSError(ctypes.get_errno(), "renameat2")


WAITING = "wait_and_open_for_writing"  # only for who runs beside us: alone it would wait for ever
DEEDS = tuple(
    name
    for name, value in vars(Adversary).items()
    if callable(value)
    and not name.startswith("_")
    and name not in {"watch", "keep", "strike", "end", "robbed", "close", "drawer_holds", WAITING}
)
