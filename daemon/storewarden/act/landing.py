"""A new file comes to its place: whole, synced, and never over something that is there.

It is made without a name, or with one in our own folder where the file system cannot do that, and
gets its own when all of it is durable. Killed at any instant, nothing half done bears a name that
a user knows.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final, NamedTuple

from storewarden.act.kernel import DIRECTORY, KERNEL, Kernel
from storewarden.below import open_below, open_directory
from storewarden.errors import FileUnusable, PlaceTaken
from storewarden.watch.exclude import OURS

FOLDER: Final = b"tmp"  # in our own folder of a root

_PREFIX: Final = b".storewarden-coming-"
_UNNAMED: Final = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
_NAMED: Final = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_CLOEXEC
# What file systems and old kernels say to O_TMPFILE.
_NO_UNNAMED: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})
_IN_THE_WAY: Final = frozenset({errno.EEXIST, errno.ELOOP, errno.ENOTDIR, errno.EXDEV})
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Place(NamedTuple):
    """Where a file should come: below a directory that is there."""

    root_fd: int
    path: bytes
    where: str  # for people
    own_folder: bool = True  # false: a directory that is no root, where we leave no folder of ours


def require_proper(place: Place) -> None:
    """Raise PlaceTaken unless a place is below its directory, and not in a folder of ours."""
    parts = place.path.split(b"/")
    if any(part in {b"", b".", b".."} or b"\0" in part for part in parts) or parts[0] == OURS:
        raise PlaceTaken(
            "a file cannot come to its place",
            where=place.where,
            why="that is no path below a root for files of users",
            remedy="name another place with --to",
        )


class Landing:
    """A file that has no place yet; write to ``descriptor``, then `publish`."""

    def __init__(self, place: Place, descriptor: int, folder: int, name: bytes | None) -> None:
        self.descriptor = descriptor
        self.lacking: list[str] = []  # of directories that had to be made, in words
        self._place, self._folder, self._name = place, folder, name

    def publish(self) -> None:
        """Make all of it durable, and give it its name.

        Raises:
            PlaceTaken: something is there, or a link lies on the way.
            FileUnusable: it cannot be made durable; nothing has its name, unless only the name
                itself was not written down for sure.
        """
        with blamed(self._place):
            os.fsync(self.descriptor)
            *way, name = self._place.path.split(b"/")
            with ExitStack() as stack:
                directory = self._place.root_fd
                for part in way:
                    directory = _directory(directory, part, self.lacking)
                    stack.callback(os.close, directory)
                self._bind(name, directory)
            sync_above(self._place)

    def _bind(self, name: bytes, directory: int) -> None:
        if self._name is None:
            unnamed = b"/proc/self/fd/%d" % self.descriptor
            os.link(unnamed, name, dst_dir_fd=directory, follow_symlinks=True)
        else:
            KERNEL.rename(self._folder, self._name, directory, name)
            self._name = None

    def drop(self) -> None:
        """Remove what has no place."""
        if self._name is not None:
            with suppress(OSError):  # `tidy` finds it
                KERNEL.unlink(self._name, self._folder)


@contextmanager
def landing(place: Place) -> Iterator[Landing]:
    """Make a file that is going to be at a place; without `Landing.publish` nothing is left of it.

    Raises:
        FileUnusable: none can be made here.
    """
    with ExitStack() as stack:
        with blamed(place):
            folder = _folder(place, stack)
            descriptor, name = _made(folder)
        stack.callback(os.close, descriptor)
        file = Landing(place, descriptor, folder, name)
        stack.callback(file.drop)
        yield file


def sync_above(place: Place) -> None:
    """Make durable every name on the way to a place: whoever was killed may have made any of them.

    Raises:
        OSError: it cannot be done.
    """
    above = place.path
    while above:
        above = above.rpartition(b"/")[0]
        directory = open_directory(place.root_fd, above)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def tidy(root_fd: int, before_ns: int, kernel: Kernel = KERNEL) -> int:
    """Remove what never came to its place and was begun before a time; return how many files.

    Raises:
        OSError: our folder of this root cannot be read or written.
    """
    with ExitStack() as stack:
        try:
            folder = open_below(root_fd, OURS + b"/" + FOLDER, DIRECTORY)
        except FileNotFoundError:
            return 0
        stack.callback(os.close, folder)
        removed = 0
        for name in kernel.names(folder):
            if name.startswith(_PREFIX) and kernel.stat(name, folder).st_mtime_ns < before_ns:
                kernel.unlink(name, folder)
                removed += 1
        return removed


@contextmanager
def blamed(place: Place) -> Iterator[None]:
    """Tell of errors of the system as errors of a place."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in _IN_THE_WAY:
            raise PlaceTaken(
                "a file cannot come to its place",
                where=place.where,
                why="something is there" if error.errno == errno.EEXIST else f"on its way: {why}",
                remedy="move that away, or name another place with --to",
            ) from error
        raise FileUnusable(
            "a file cannot be made",
            where=place.where,
            why=why,
            remedy="nothing was lost: it can be fetched again",
        ) from error


# -- our folder, and the directories of users ---------------------------------------------------


def _folder(place: Place, stack: ExitStack) -> int:
    """Open the directory in which a file is made: our own, if it is on the right file system."""
    nearest = _nearest(place, stack)
    if not place.own_folder or os.fstat(nearest).st_dev != os.fstat(place.root_fd).st_dev:
        return nearest
    folder = place.root_fd
    for part in (OURS, FOLDER):
        with suppress(FileExistsError):
            os.mkdir(part, 0o700, dir_fd=folder)
        folder = os.open(part, DIRECTORY, dir_fd=folder)
        stack.callback(os.close, folder)
    status = os.fstat(folder)
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise OSError(errno.EPERM, "others may write into our own folder: chmod go-w")
    return folder


def _nearest(place: Place, stack: ExitStack) -> int:
    """Open the last directory on the way to a place that is there already."""
    nearest = place.root_fd
    for part in place.path.split(b"/")[:-1]:
        try:
            nearest = os.open(part, DIRECTORY, dir_fd=nearest)
        except FileNotFoundError:
            break
        stack.callback(os.close, nearest)
    return nearest


def _made(folder: int) -> tuple[int, bytes | None]:
    try:
        return os.open(b".", _UNNAMED, 0o600, dir_fd=folder), None
    except OSError as error:
        if error.errno not in _NO_UNNAMED:
            raise
    name = _PREFIX + secrets.token_hex(16).encode("ascii")
    return os.open(name, _NAMED, 0o600, dir_fd=folder), name


def _directory(above: int, name: bytes, lacking: list[str]) -> int:
    """Open a directory, never through a link; make it like the one above it if it is missing.

    What it is not like the one above it is added to ``lacking``.
    """
    try:
        return os.open(name, DIRECTORY, dir_fd=above)
    except FileNotFoundError:
        pass
    status = os.fstat(above)
    mode = stat.S_IMODE(status.st_mode)
    try:
        os.mkdir(name, mode, dir_fd=above)
    except FileExistsError:
        return os.open(name, DIRECTORY, dir_fd=above)
    made = os.open(name, DIRECTORY, dir_fd=above)
    # Whoever may use what is above may use this one, too, whatever our umask.
    shown = name.decode("utf-8", "backslashreplace")
    try:
        os.fchown(made, status.st_uid, status.st_gid)
    except OSError as error:
        lacking.append(f"owner of the directory {shown}: {error.strerror}")
    try:
        os.fchmod(made, mode)
    except OSError as error:
        lacking.append(f"mode of the directory {shown}: {error.strerror}")
    return made
