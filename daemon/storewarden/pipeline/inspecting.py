"""The process that looks into files: ``python -m storewarden.pipeline.inspecting PID``.

It imports all that it needs, raises the walls of the cage around itself, says that it is ready,
and answers each order with what it found. Whatever a file makes of it, it can only answer wrongly
or die: the one is checked where it arrives, the other costs that file its inspection.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, Final

from storewarden.below import open_below
from storewarden.facts.cage import allow_processor_time, end_with, enter
from storewarden.facts.digest import lowest_priority
from storewarden.facts.inspect import inspect, versions
from storewarden.facts.opened import CHANGED, opened
from storewarden.facts.reader import Reader
from storewarden.facts.wire import pack
from storewarden.watch.walk import receive

LENGTH: Final = struct.Struct(">I")
"""What stands before each answer: its length in bytes."""


def child(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Answer each order ``(number, root path, [(directory, name), …])``: an object for each file.

    The first file's answer bears the number of the order, the next the number after it.
    """
    while isinstance(order := receive(stdin), tuple):
        first, path, files = order
        root_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for number, (directory, name) in enumerate(files, first):
                allow_processor_time()
                relative = directory + b"/" + name if directory else name
                told = look(partial(open_below, root_fd, relative), name)
                tell(stdout, {**told, "number": number})
        finally:
            os.close(root_fd)


def look(open_file: Callable[[int], int], name: bytes) -> dict[str, Any]:
    """Return what one file is: its identity and facts, or the ``error`` that prevented it."""
    try:
        with opened(open_file) as file:
            # a few pages here and there: what the kernel would read ahead is read in vain
            os.posix_fadvise(file.descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            reader = Reader.of_descriptor(file.descriptor, file.status.st_size)
            began = time.perf_counter()
            facts = inspect(reader, name)
            seconds = time.perf_counter() - began
            if file.changed():
                return {"error": CHANGED}
            return {"identity": file.identity, "facts": pack(facts), "seconds": seconds}
    except OSError as error:
        return {"error": error.errno or errno.EIO}


def tell(stdout: BinaryIO, answer: dict[str, Any]) -> None:
    """Write one answer with its length before it."""
    packed = json.dumps(answer).encode()
    stdout.write(LENGTH.pack(len(packed)) + packed)
    stdout.flush()


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    lowest_priority()
    with suppress(BrokenPipeError, KeyboardInterrupt, FileNotFoundError):
        tell(sys.stdout.buffer, {"walls": enter(), "versions": versions()})
        child(sys.stdin.buffer, sys.stdout.buffer)
