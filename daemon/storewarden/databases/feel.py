"""What an application waits for on the disks of its databases, measured once; runs in a child.

A read goes past the memory of the kernel, so that it is the disk that answers; nothing is locked,
and nothing that an application has in memory is dropped. What is written is a file without a name.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from storewarden.below import open_below
from storewarden.databases.effect import Figures
from storewarden.databases.jobs import Document, Tell

_BLOCK: Final = 4096
_READS: Final = 4  # of each database
_WRITES: Final = 3  # on each file system
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_UNNAMED: Final = os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC
_WAITING: Final = re.compile(r"^some avg10=([0-9.]+)", re.MULTILINE)


def feel(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Time reads of files and synced writes into directories; see `figures`.

    ``reads`` are pairs of the number of a directory and a path below it, ``writes`` numbers of
    directories, as they were handed over. What cannot be opened is left out.
    """
    reads = [
        took for number, path in arguments["reads"] for took in _read(descriptors[number], path)
    ]
    writes = [took for number in arguments["writes"] for took in _written(descriptors[number])]
    tell({"reads": len(reads), "writes": len(writes)})
    return {"reads_ns": reads, "writes_ns": writes, "waiting": waiting(arguments.get("proc"))}


def figures(told: Document) -> Figures:
    """Return what a child told.

    Raises:
        ValueError, TypeError, KeyError: that are no figures.
    """
    share = told["waiting"]
    return Figures(
        tuple(int(one) for one in told["reads_ns"]),
        tuple(int(one) for one in told["writes_ns"]),
        None if share is None else float(share),
    )


def waiting(proc: str | None = None) -> float | None:
    """Return for which share of the last ten seconds something waited for a disk, where told."""
    try:
        told = Path(proc or "/proc/pressure/io").read_text(encoding="ascii")
    except OSError:
        return None
    found = _WAITING.search(told)
    return None if found is None else float(found[1]) / 100


def _read(directory: int, path: bytes) -> Iterator[int]:
    try:
        descriptor = _opened(directory, path)
    except OSError:
        return
    try:
        with closing(mmap.mmap(-1, _BLOCK)) as block:
            for at in range(_READS):
                began = time.perf_counter_ns()
                if not os.preadv(descriptor, [block], at * _BLOCK):
                    return
                yield time.perf_counter_ns() - began
    except OSError:
        return
    finally:
        os.close(descriptor)


def _opened(directory: int, path: bytes) -> int:
    """Open a file past the memory of the kernel, where its file system can do that."""
    try:
        return open_below(directory, path, _OPEN | os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return open_below(directory, path, _OPEN)


def _written(directory: int) -> Iterator[int]:
    try:
        descriptor = os.open(".", _UNNAMED, 0o600, dir_fd=directory)
    except OSError:  # it knows no files without names, is read-only, or full
        return
    try:
        for _ in range(_WRITES):
            began = time.perf_counter_ns()
            os.write(descriptor, bytes(_BLOCK))
            os.fdatasync(descriptor)
            yield time.perf_counter_ns() - began
    except OSError:
        return
    finally:
        os.close(descriptor)
