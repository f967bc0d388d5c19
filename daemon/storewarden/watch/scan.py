"""Scan a whole root in a child process and hand over what it finds as it comes."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from storewarden.errors import WatchError
from storewarden.watch.walk import Found, from_message, receive, send

_PIPE_BYTES = 1 << 20  # as much as an unprivileged process may ask for: fewer switches


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What to scan and how gently."""

    root: str
    path: bytes
    exclude: tuple[str, ...]
    large: Mapping[bytes, bytes]  # digests of very large directories that need not be sent again
    nice: int


class Scan:
    """One walk of a root by a child process; iterate over it, then ask whether it was ``whole``."""

    def __init__(self, order: ScanOrder) -> None:
        self.order = order
        self.whole = False  # the walk came to its end; says nothing about unreadable directories
        self.place: tuple[int, int] | None = None  # device and inode of what was walked
        self._child: subprocess.Popen[bytes] | None = None

    def __iter__(self) -> Iterator[Found]:
        """Yield what is found; leaving the loop early ends the child."""
        child = self._start()
        try:
            assert child.stdout is not None  # noqa: S101  # asked for below
            yield from self._found(child.stdout)
        finally:
            self.stop()

    def _start(self) -> subprocess.Popen[bytes]:
        order = self.order
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-m", "storewarden.watch.walk"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise WatchError("a scan could not start", where=order.root, why=str(error)) from error
        self._child = child
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018
        with contextlib.suppress(OSError):  # a smaller pipe works too
            fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        with contextlib.suppress(BrokenPipeError):  # its end is seen when reading
            send(
                child.stdin,
                {
                    "path": order.path,
                    "exclude": order.exclude,
                    "large": dict(order.large),
                    "nice": order.nice,
                },
            )
            child.stdin.close()
        return child

    def _found(self, stream: IO[bytes]) -> Iterator[Found]:
        while True:
            message = receive(stream)
            if not isinstance(message, tuple):
                return
            if message[0] == "end":
                self.whole = True
                return
            if message[0] == "root":
                self.place = (message[1], message[2])
            else:
                yield from_message(self.order.root, message)

    def stop(self) -> None:
        """End the child, if it still runs; it holds nothing that could be lost."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
