"""Prove that events arrive from a root's file system: make a file, and listen for it."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import Final

from storewarden.watch.exclude import OURS
from storewarden.watch.inotify import DIRECTORY_MASK, Inotify

NAME: Final = b"canary"
SECONDS: Final = 1.0
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prove(path: bytes, seconds: float = SECONDS) -> bool | None:
    """Tell whether an event is heard; None when that cannot be tried.

    It is tried in the root's own folder, which is neither watched nor recorded. A root that may not
    be written to cannot be tried; neither can one for which no watch is left.
    """
    try:
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(OURS, 0o755, dir_fd=root)
        ours = os.open(OURS, _DIRECTORY, dir_fd=root)
    except OSError:
        return None
    finally:
        os.close(root)
    try:
        return _listen(ours, seconds)
    except OSError:
        return None
    finally:
        os.close(ours)


def _listen(directory: int, seconds: float) -> bool:
    inotify = Inotify()
    try:
        inotify.add(directory, DIRECTORY_MASK)
        _sing(directory)
        poll = select.poll()
        poll.register(inotify.descriptor, select.POLLIN)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if poll.poll(left * 1000) and NAME in inotify.read():
                return True
        return False
    finally:
        inotify.close()


def _sing(directory: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError):
        os.unlink(NAME, dir_fd=directory)
    os.close(os.open(NAME, flags, 0o644, dir_fd=directory))
    os.unlink(NAME, dir_fd=directory)
