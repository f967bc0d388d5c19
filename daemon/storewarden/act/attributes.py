"""What a file is besides its content: read from a descriptor, and given to another one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from typing import Final, NamedTuple

_BLOCK: Final = 512  # what st_blocks counts, whatever the file system's blocks are
_MOST: Final = 64 << 10  # bytes of extended attributes; an object tells no more of itself
_SET_ID: Final = stat.S_ISUID | stat.S_ISGID
_ACCESS_LIST: Final = b"system.posix_acl_access"
# Whoever can write to a store could make these up; given by root, they are rights.
_RIGHTS: Final = (b"security.", b"trusted.")

# Trying again can help, or the disk is failing: this is no want of a right or of a feature.
_FAILING: Final = frozenset({errno.EIO, errno.ENOMEM, errno.EROFS})
_NONE_HERE: Final = frozenset({errno.ENOTSUP, errno.ENOSYS})
_NOT_FOR_US: Final = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.E2BIG})


class Extended(NamedTuple):
    """One extended attribute, ``user.rating`` for example."""

    name: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Attributes:
    """All that a file is besides its content and its name."""

    size: int
    allocated: int  # bytes; less than the size where there are holes
    mode: int  # without the type, which is always a regular file
    uid: int
    gid: int
    modified_ns: int
    accessed_ns: int
    extended: tuple[Extended, ...] = ()
    left_out: int = 0  # extended attributes that could not be read, or were too much

    @property
    def sparse(self) -> bool:
        return self.allocated < self.size


def read_attributes(descriptor: int) -> Attributes:
    """Return what an open file is; raises OSError when it cannot be read."""
    status = os.fstat(descriptor)
    extended, left_out = _extended(descriptor)
    return Attributes(
        size=status.st_size,
        allocated=status.st_blocks * _BLOCK,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        modified_ns=status.st_mtime_ns,
        accessed_ns=status.st_atime_ns,
        extended=extended,
        left_out=left_out,
    )


def _extended(descriptor: int) -> tuple[tuple[Extended, ...], int]:
    found: list[Extended] = []
    left_out, room = 0, _MOST
    for name in _names(descriptor):
        try:
            value = os.getxattr(descriptor, name)
        except OSError as error:
            if error.errno == errno.ENODATA:
                continue  # removed since it was listed
            if error.errno not in _NOT_FOR_US:
                raise
            left_out += 1
            continue
        room -= len(name) + len(value)
        if room < 0:
            left_out += 1
        else:
            found.append(Extended(name, value))
    return tuple(sorted(found)), left_out


def _names(descriptor: int) -> list[bytes]:
    try:
        return [os.fsencode(name) for name in os.listxattr(descriptor)]
    except OSError as error:
        if error.errno in _NONE_HERE:
            return []
        raise


# -- giving them to another file ----------------------------------------------------------------


def give_attributes(descriptor: int, wanted: Attributes, *, rights: bool = False) -> list[str]:
    """Make an open file what another was; return, in words, what could not be given to it.

    Raises OSError when the disk fails, so that it is not known what the file is.

    Args:
        descriptor: of a file of ours that nobody else knows yet.
        wanted: what it should be; its size is not changed.
        rights: give it also what makes programs powerful: set-user-ID, set-group-ID and the
            extended attributes of the system itself. A person asks for that.
    """
    lacking = _give_owner(descriptor, wanted)
    owned = not lacking
    lacking += _give_extended(descriptor, wanted, rights=rights)
    lacking += _give_mode(descriptor, wanted, rights=rights and owned)
    lacking += _give_times(descriptor, wanted)  # last: what is above changes them
    return lacking


def _give_owner(descriptor: int, wanted: Attributes) -> list[str]:
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) == (wanted.uid, wanted.gid):
        return []
    try:
        os.fchown(descriptor, wanted.uid, wanted.gid)
    except OSError as error:
        why = _why(error)
        with contextlib.suppress(OSError):
            os.fchown(descriptor, -1, wanted.gid)  # its group at least
        status = os.fstat(descriptor)
        is_now = f"it is {status.st_uid}:{status.st_gid}"
        return [f"owner {wanted.uid}:{wanted.gid}: {why}; {is_now}"]
    return []


def _give_extended(descriptor: int, wanted: Attributes, *, rights: bool) -> list[str]:
    lacking = []
    names = {one.name for one in wanted.extended}
    if _ACCESS_LIST not in names and _ACCESS_LIST in _names(descriptor):
        os.removexattr(descriptor, _ACCESS_LIST)  # inherited from the directory it was made in
    for name, value in wanted.extended:
        if name.startswith(_RIGHTS) and not rights:
            lacking.append(f"{_shown(name)}: not given unless asked for")
            continue
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            lacking.append(f"{_shown(name)}: {_why(error)}")
    if wanted.left_out:
        lacking.append(f"{wanted.left_out} extended attributes were not kept")
    return lacking


def _give_mode(descriptor: int, wanted: Attributes, *, rights: bool) -> list[str]:
    mode = wanted.mode if rights else wanted.mode & ~_SET_ID
    try:
        os.fchmod(descriptor, mode)
    except OSError as error:
        return [f"mode {wanted.mode:04o}: {_why(error)}"]
    given = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if given == wanted.mode:
        return []
    why = "set-user-ID and set-group-ID are not given unless asked for"
    return [f"mode {wanted.mode:04o}: it is {given:04o}; {why}"]


def _give_times(descriptor: int, wanted: Attributes) -> list[str]:
    asked = (wanted.accessed_ns, wanted.modified_ns)
    try:
        os.utime(descriptor, ns=asked)
    except (OSError, OverflowError) as error:
        return [f"times: {_why(error)}"]
    status = os.fstat(descriptor)
    if (status.st_atime_ns, status.st_mtime_ns) == asked:
        return []
    return ["times: this file system cannot hold them as they were"]


def _why(error: OSError | OverflowError) -> str:
    """Return why something could not be given; raise what is no answer to that."""
    if not isinstance(error, OSError):
        return str(error)
    if error.errno in _FAILING:
        raise error
    return error.strerror or str(error)


def _shown(name: bytes) -> str:
    return ascii(name.decode("utf-8", "backslashreplace"))[1:-1]
