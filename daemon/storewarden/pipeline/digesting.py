"""The process that reads files for their digests: ``python -m storewarden.pipeline.digesting PID``.

It has the lowest priorities for processor and disk, so that hashing never delays recording or the
applications whose files these are. It imports nothing of the catalogue: 25 MB less.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from storewarden.below import open_below
from storewarden.facts.cage import end_with
from storewarden.facts.capabilities import READING, keep_only
from storewarden.facts.digest import digest_of, lowest_priority
from storewarden.watch.walk import receive, send


def child(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Answer each order ``(root path, [(directory, name), …])`` with a digest for each file."""
    while isinstance(order := receive(stdin), tuple):
        path, files = order
        root_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for directory, name in files:
                relative = directory + b"/" + name if directory else name
                send(stdout, tuple(digest_of(partial(open_below, root_fd, relative))))
                stdout.flush()
        finally:
            os.close(root_fd)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    lowest_priority()
    keep_only(READING)
    with suppress(BrokenPipeError, KeyboardInterrupt, FileNotFoundError):
        child(sys.stdin.buffer, sys.stdout.buffer)
