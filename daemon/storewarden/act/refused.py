"""Why something was not done, as a value: the reason, on which file, and whether to try later.

Inside this room a refusal travels as `Stop`; no function that other rooms call lets one out, nor
an ``OSError``: they return a `Refused`.
"""

from __future__ import annotations

import errno
import os
from enum import StrEnum
from typing import Final, NamedTuple


class Reason(StrEnum):
    """One word for why; each value is shown to people as it is."""

    CHANGED = "changed"  # it is not the content any more that was decided on
    GONE = "gone"
    OPEN_FOR_WRITING = "open_for_writing"
    IN_USE = "in_use"  # somebody has it open, and nobody may
    LINKED = "linked"  # it has other names: removing one frees nothing
    PARTED = "parted"  # a database would be taken from its log, or that from it
    BEHIND_A_LINK = (
        "behind_a_link"  # a symbolic link lies where a directory was, or the path leaves
    )
    OTHER_FILE_SYSTEM = "other_file_system"
    NOT_REGULAR = "not_regular"
    READ_ONLY = "read_only"
    NO_ROOM = "no_room"
    NOT_ALLOWED = "not_allowed"
    TAKEN = "taken"  # another file bears the name, or another act the mark
    TOO_LONG = "too_long"
    OURS = "ours"  # it lies in our own folder
    NOT_OURS = "not_ours"  # our folder is somebody else's, or others may write into it
    UNPROVEN = "unproven"  # no copy is proven to hold exactly this content
    TOO_EARLY = "too_early"
    BUSY = "busy"  # too many open files, no memory
    UNSUPPORTED = "unsupported"  # this file system cannot rename without replacing
    FAILING = "failing"  # the disk says so; an error of fsync is final


# What may be otherwise by itself after a while. Everything else waits for a person or a new look.
_AGAIN: Final = frozenset(
    {
        Reason.OPEN_FOR_WRITING,
        Reason.IN_USE,
        Reason.NO_ROOM,
        Reason.TOO_EARLY,
        Reason.BUSY,
    }
)

_BY_NUMBER: Final = {
    errno.ENOENT: Reason.GONE,
    errno.ESTALE: Reason.GONE,
    errno.ELOOP: Reason.BEHIND_A_LINK,
    errno.ENOTDIR: Reason.BEHIND_A_LINK,
    errno.EXDEV: Reason.OTHER_FILE_SYSTEM,
    errno.EROFS: Reason.READ_ONLY,
    errno.EACCES: Reason.NOT_ALLOWED,
    errno.EPERM: Reason.NOT_ALLOWED,
    errno.ENOSPC: Reason.NO_ROOM,
    errno.EDQUOT: Reason.NO_ROOM,
    errno.EEXIST: Reason.TAKEN,
    errno.ENOTEMPTY: Reason.TAKEN,
    errno.ENAMETOOLONG: Reason.TOO_LONG,
    errno.EMFILE: Reason.BUSY,
    errno.ENFILE: Reason.BUSY,
    errno.ENOMEM: Reason.BUSY,
    errno.EBUSY: Reason.BUSY,
    errno.EINVAL: Reason.UNSUPPORTED,
    errno.ENOSYS: Reason.UNSUPPORTED,
    errno.EOPNOTSUPP: Reason.UNSUPPORTED,
    errno.EISDIR: Reason.NOT_REGULAR,
    errno.ENXIO: Reason.NOT_REGULAR,
}


class Refused(NamedTuple):
    """Nothing was done, or all was undone, but for what ``kept`` and ``removed`` tell.

    ``kept`` are the paths of files that could not be put back: they lie in the trash, or in the
    drawer of the act. ``removed`` are those that were already removed, each with its proof.
    ``unsure``: it could not even be seen what lies where; `entries.recover` has to be asked.
    """

    reason: Reason
    path: bytes
    why: str = ""
    kept: tuple[bytes, ...] = ()
    removed: tuple[bytes, ...] = ()
    unsure: bool = False

    @property
    def again(self) -> bool:
        """Whether trying later can help without anybody doing something."""
        return self.reason in _AGAIN


class Stop(Exception):
    """Carries a refusal out of the depth of an act; never out of this room."""

    def __init__(self, reason: Reason, path: bytes, why: str = "") -> None:
        super().__init__(reason, path, why)
        self.reason, self.path, self.why = reason, path, why


def refused(error: Stop | OSError, path: bytes = b"") -> Refused:
    """Return what an error means for the one who asked; ``path`` is what it was about."""
    if isinstance(error, Stop):
        return Refused(error.reason, error.path, error.why)
    number = error.errno or 0
    return Refused(_BY_NUMBER.get(number, Reason.FAILING), path, os.strerror(number))


def translated(error: OSError, path: bytes) -> Stop:
    """Return the stop for what a system call said about a path."""
    told = refused(error, path)
    return Stop(told.reason, told.path, told.why)
