"""A database and the log beside it are one: neither is taken from its place without the other.

What a program had committed when it was killed lies in the log alone. A database that goes without
it comes back without what was said last; a new database of its name would take the log for its own.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from typing import Final

from storewarden.act.kernel import READ, Kernel
from storewarden.act.members import Held
from storewarden.act.refused import Reason, Stop

# How SQLite calls its logs, and what one that holds something begins with.
_LOGS: Final = {
    b"-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    b"-journal": (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",),
}
_BEGINNING: Final = 8  # bytes
_NOBODY_SEES: Final = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO})


def require_together(held: Held, paths: Collection[bytes], kernel: Kernel) -> None:
    """Refuse a file whose log, or whose database, lies beside it and is not among ``paths``.

    Raises:
        Stop: it is so.
        OSError: it cannot be told.
    """
    above = held.path[: len(held.path) - len(held.name)]
    for ending, beginnings in _LOGS.items():
        log = held.name + ending
        if above + log not in paths and _is_log(held.parent, log, beginnings, kernel):
            raise _parted(held, log)
        database = held.name.removesuffix(ending)
        if (
            database not in {held.name, b""}
            and above + database not in paths
            and _begins(held.descriptor, beginnings, kernel)
            and _status(held.parent, database, kernel) is not None
        ):
            raise _parted(held, database)


def _parted(held: Held, other: bytes) -> Stop:
    name = other.decode("utf-8", "backslashreplace")
    why = f"{name} lies beside it and is one with it: they go together once both were looked into"
    return Stop(Reason.PARTED, held.path, why)


def _status(parent: int, name: bytes, kernel: Kernel) -> os.stat_result | None:
    try:
        return kernel.stat(name, parent)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
            return None
        raise


def _is_log(parent: int, name: bytes, beginnings: Collection[bytes], kernel: Kernel) -> bool:
    status = _status(parent, name, kernel)
    if status is None or not stat.S_ISREG(status.st_mode):
        return False
    try:
        descriptor = kernel.open(name, READ, parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in _NOBODY_SEES:
            return True  # it may be one
        raise
    try:
        return _begins(descriptor, beginnings, kernel)
    finally:
        kernel.close(descriptor)


def _begins(descriptor: int, beginnings: Collection[bytes], kernel: Kernel) -> bool:
    """Tell whether an open file begins so; one that may not be read may."""
    try:
        found = kernel.read(descriptor, _BEGINNING)
    except OSError as error:
        if error.errno == errno.EBADF:  # it is held by its place alone
            return True
        raise
    return any(found.startswith(beginning) for beginning in beginnings)
