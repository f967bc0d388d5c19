"""An image of a database is asked for: whole, or the pages that changed since another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final, Literal

from storewarden.databases.child import run_job
from storewarden.databases.found import How
from storewarden.databases.image.output import straight
from storewarden.errors import FileUnusable

SECONDS: Final = 6 * 3600.0

_ENDING: Final = b".marks"
_COMING: Final = b".coming"
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_CLOEXEC
_OLD: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written, and what comes back of it."""

    kind: Literal["full", "increment"]  # full where an increment was wished and could not be
    how: How
    size: int  # bytes of the database that comes back
    written: int  # bytes of the file
    pages: int
    page_size: int
    changed: int  # pages in the file
    digest: bytes  # BLAKE3 of the database that comes back
    schema_digest: bytes
    lock_seconds: float  # that a writer had to wait for us
    taken_ns: int


def take(  # noqa: PLR0913  # what limits it is named one by one
    parent: int,
    name: bytes,
    out: int,
    scratch: int,
    *,
    marks: int,
    base: bytes | None = None,
    patience: float = 5.0,
    seconds: float = SECONDS,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Taken:
    """Write what a database is now into a file of ours; it is synced when this returns.

    The database may be in use, and nothing of it changes.

    Args:
        parent: the directory it lies in.
        name: of its file.
        out: an empty file of ours, open for reading and writing.
        scratch: a directory of ours, with room for the database if a killed program left it.
        marks: a directory of ours, in which is kept what the pages of images were.
        base: the digest of the image that an increment is wished of.
        patience: seconds to wait for who has it for himself.
        seconds: that it may take.
        stopping: asked ten times a second.
        progress: hears of bytes that were read.

    Raises:
        DatabaseBusy, DatabaseChanged: try again later.
        DatabaseDamaged, DatabaseUnusable: no image of it can be taken.
        FileUnusable: it cannot be read, or there is no room, now.
        WorkStopped: ``stopping`` said so.
    """
    with ExitStack() as stack:
        coming = b"%d-%s%s" % (os.getpid(), os.urandom(8).hex().encode(), _COMING)
        kept = _opened(coming, _NEW, marks)
        stack.callback(os.close, kept)
        stack.callback(_forget, marks, coming)
        before = _known(base, marks)
        if before >= 0:
            stack.callback(os.close, before)
        stack.callback(straight, out, wanted=False)  # whoever was killed may have left it so
        done = run_job(
            "image",
            {
                "name": name,
                "base": base if before >= 0 else None,
                "seconds": seconds,
                "patience": patience,
            },
            descriptors=(parent, out, kept, *([before] if before >= 0 else [])),
            scratch=scratch,
            progress=lambda told: progress(int(told.get("bytes", 0))),
            stopping=stopping,
            seconds=seconds,
        )
        taken = Taken(**{**done, "how": How(done["how"])})
        os.rename(coming, _of(taken.digest), src_dir_fd=marks, dst_dir_fd=marks)
        return taken


def prune_marks(marks: int, keep: Collection[bytes]) -> int:
    """Forget what the pages of all images were but of some, by their digests; return of how many.

    To be called when no image is being taken. What is forgotten costs the next backup that would
    have been based on it: it is a whole one.
    """
    wanted = {_of(digest) for digest in keep}
    others = [
        name
        for name in map(os.fsencode, os.listdir(marks))
        if name.endswith((_ENDING, _COMING)) and name not in wanted
    ]
    for name in others:
        _forget(marks, name)
    return len(others)


def _of(digest: bytes) -> bytes:
    return digest.hex().encode() + _ENDING


def _known(base: bytes | None, marks: int) -> int:
    """Open what is known of the pages of an image; -1 when nothing is."""
    if base is None:
        return -1
    with suppress(OSError):
        return os.open(_of(base), _OLD, dir_fd=marks)
    return -1


def _opened(name: bytes, flags: int, directory: int) -> int:
    try:
        return os.open(name, flags, 0o600, dir_fd=directory)
    except OSError as error:
        raise FileUnusable(
            "a backup cannot be taken",
            where="the state directory",
            why=error.strerror or str(error),
        ) from error


def _forget(directory: int, name: bytes) -> None:
    with suppress(OSError):  # it got its name, or is removed another time
        os.unlink(name, dir_fd=directory)
