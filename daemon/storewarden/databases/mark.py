"""Whether a database changed since it was looked at, told without opening anything of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from storewarden.below import open_below

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOGS: Final = (b"-wal", b"-journal")


class Seen(NamedTuple):
    """What the directory tells of a database."""

    mark: str  # equal as long as nobody wrote into it
    bytes: int
    wal_bytes: int
    modified_ns: int  # the latest of the file and its log
    file: tuple[int, int]  # device and inode


def seen(directory: int, path: bytes) -> Seen | None:
    """Return what there is at a path below an open directory; None where there is no such file.

    Raises:
        OSError: it cannot be looked at.
    """
    above, _, name = path.rpartition(b"/")
    with _opened(directory, above) as parent:
        try:
            main = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(main.st_mode):
            return None
        logs = [_log(parent, name + ending) for ending in _LOGS]
    parts = [f"{_content(main)}:{main.st_ctime_ns}"]
    parts += ["" if log is None else _content(log) for log in logs]
    wal = logs[0]
    return Seen(
        "|".join(parts),
        main.st_size,
        0 if wal is None else wal.st_size,
        max(main.st_mtime_ns, *(log.st_mtime_ns for log in logs if log is not None), 0),
        (main.st_dev, main.st_ino),
    )


def _log(parent: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _content(one: os.stat_result) -> str:
    """Return what changes with a file's content.

    SQLite that runs as the superuser gives a log to the owner of its database whenever it opens it:
    the time of that, a log's ctime, tells nothing.
    """
    return f"{one.st_dev}:{one.st_ino}:{one.st_size}:{one.st_mtime_ns}"


@contextmanager
def _opened(directory: int, above: bytes) -> Iterator[int]:
    if not above:
        yield directory
        return
    parent = open_below(directory, above, _DIRECTORY)
    try:
        yield parent
    finally:
        os.close(parent)
