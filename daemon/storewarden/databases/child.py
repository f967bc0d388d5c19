"""Work on an application's database, in a process of its own.

SQLite's locks belong to a process: any descriptor of a database that is closed anywhere in it drops
them. So nothing in the daemon opens such a file; it asks `run_job`, which starts
``python -m storewarden.databases.child PID``, hands over one document and some descriptors, and
hears lines until the outcome. Whatever the file makes of that process, it costs this one job.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from storewarden.databases import walls
from storewarden.databases.jobs import Document, Tell, work
from storewarden.databases.wire import MOST_LINE, of_error, packed, to_error, unpacked
from storewarden.errors import DatabaseUnusable, StorewardenError, WorkStopped
from storewarden.facts.cage import end_with

log = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-I", "-m", "storewarden.databases.child")
HOUR: Final = 3600.0

_MOST_OUTPUT: Final = 64 << 20  # bytes of all lines of a job
_MOST_NOISE: Final = 4_000  # bytes of what a child says beside, kept for the log
_READ: Final = 1 << 16
_GLANCE: Final = 0.1  # seconds until somebody who wants to stop is heard
_PATIENCE: Final = 10.0  # for the end of what was killed; it may hang in a dead file system


def silent(_told: Document) -> None:
    """Hear of no progress."""


def run_job(  # noqa: PLR0913  # what limits a job is named one by one
    kind: str,
    arguments: Document,
    *,
    descriptors: Sequence[int] = (),
    scratch: int | None = None,
    progress: Tell = silent,
    stopping: Callable[[], bool] = lambda: False,
    seconds: float = HOUR,
    memory: int = walls.MEMORY,
    command: Sequence[str] = COMMAND,
) -> Document:
    """Do one kind of work in a process of its own and return what came of it.

    The process ends with the calling thread, and is ended before this returns.

    Args:
        kind: which, see `jobs`.
        arguments: what JSON holds, and bytes.
        descriptors: open files and directories that the work gets in this order.
        scratch: the descriptor of a directory of ours; the work gets it after the others. One
            that is caged can write nowhere else.
        progress: hears what the work tells, in this thread.
        stopping: asked ten times a second.
        seconds: that it may take.
        memory: bytes of addresses that it may use.
        command: what to start; the number of this process is added.

    Raises:
        WorkStopped: ``stopping`` said so.
        DatabaseUnusable: it died, took too long, too much memory, or said what nobody understands.
        StorewardenError: what the work raised.
    """
    given = [*descriptors, *([] if scratch is None else [scratch])]
    document = {
        "kind": kind,
        "arguments": arguments,
        "descriptors": given,
        "scratch": scratch,
        "seconds": seconds,
        "memory": memory,
    }
    process = _Process(kind, packed(document), given, command)
    try:
        return process.outcome(progress, stopping, time.monotonic() + seconds)
    finally:
        process.end()


class _Process:
    """One child, what it is still to be told, and what it said."""

    def __init__(
        self, kind: str, document: bytes, descriptors: Sequence[int], command: Sequence[str]
    ) -> None:
        self._kind = kind
        self._unsent = memoryview(document)
        self._said, self._noise = bytearray(), bytearray()
        self._heard = 0
        self._popen = subprocess.Popen(
            [*command, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=sorted(set(descriptors)),
            bufsize=0,
        )

    def outcome(self, progress: Tell, stopping: Callable[[], bool], until: float) -> Document:
        """Hear it to its end; return what came of it, or raise why nothing did."""
        with selectors.DefaultSelector() as ready:
            for stream, events, use in (
                (self._popen.stdin, selectors.EVENT_WRITE, self._send),
                (self._popen.stdout, selectors.EVENT_READ, self._hear),
                (self._popen.stderr, selectors.EVENT_READ, self._overhear),
            ):
                assert stream is not None  # noqa: S101  # asked for
                os.set_blocking(stream.fileno(), False)
                ready.register(stream, events, use)
            assert self._popen.stdout is not None  # noqa: S101  # asked for
            while not self._popen.stdout.closed:
                if stopping():
                    raise WorkStopped("work on a database was given up", where=self._kind)
                left = until - time.monotonic()
                if left <= 0:
                    raise self._failed("it took too long")
                for key, _ in ready.select(min(left, _GLANCE)):
                    if not key.data():
                        ready.unregister(key.fileobj)
                        _close(key.fileobj)
                outcome = self._told(progress)
                if outcome is not None:
                    return _outcome(outcome)
        raise self._failed(self._how_it_ended(until))

    def _told(self, progress: Tell) -> dict[str, Any] | None:
        """Pass on what it tells; return its outcome when that has come."""
        for told in self._lines():
            if "told" not in told:
                return told
            progress(told["told"])
        return None

    def _send(self) -> bool:
        """Hand over more of the document; false when that is over."""
        assert self._popen.stdin is not None  # noqa: S101  # asked for
        try:
            sent = os.write(self._popen.stdin.fileno(), self._unsent[: 1 << 20])
        except BlockingIOError:
            return True
        except OSError:  # it died: that shows where its lines are read
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        return bool(self._unsent)

    def _hear(self) -> bool:
        """Take what it said; false when it says no more."""
        assert self._popen.stdout is not None  # noqa: S101  # asked for
        piece = _read(self._popen.stdout.fileno())
        self._said += piece or b""
        self._heard += len(piece or b"")
        if self._heard > _MOST_OUTPUT:
            raise self._failed("it said more than anybody reads")
        return piece != b""

    def _overhear(self) -> bool:
        assert self._popen.stderr is not None  # noqa: S101  # asked for
        piece = _read(self._popen.stderr.fileno())
        self._noise = (self._noise + (piece or b""))[-_MOST_NOISE:]
        return piece != b""

    def _lines(self) -> Iterator[dict[str, Any]]:
        while (end := self._said.find(b"\n")) >= 0:
            line = bytes(self._said[:end])
            del self._said[: end + 1]
            try:
                yield unpacked(line)
            except ValueError as error:
                raise self._failed(f"what it said {error}") from None
        if len(self._said) > MOST_LINE:
            raise self._failed("it said more than anybody reads")

    def _how_it_ended(self, until: float) -> str:
        try:
            code = self._popen.wait(max(0.0, min(_PATIENCE, until - time.monotonic())))
        except subprocess.TimeoutExpired:
            return "it fell silent"
        if code == -signal.SIGXCPU:
            return "it computed for too long"
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with {code}"

    def _failed(self, why: str) -> DatabaseUnusable:
        noise = self._noise.decode("utf-8", "backslashreplace").strip()
        if noise:
            log.warning("work on a database failed", extra={"facts": {"said": noise}})
        return DatabaseUnusable(
            "work on a database failed",
            where=self._kind,
            why=why,
            remedy="the database was left as it is; what its process said is in the log",
        )

    def end(self) -> None:
        """End it, if it lives, and everything that was opened for it."""
        with suppress(OSError):
            self._popen.kill()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            _close(stream)
        with suppress(subprocess.TimeoutExpired):  # left behind: the kernel ends it some day
            self._popen.wait(_PATIENCE)


def _read(descriptor: int) -> bytes | None:
    """Return what there is to read, ``b""`` at the end, None when there is nothing now."""
    try:
        return os.read(descriptor, _READ)
    except BlockingIOError:
        return None


def _close(stream: Any) -> None:
    with suppress(OSError):
        stream.close()


def _outcome(told: dict[str, Any]) -> Document:
    if "error" in told:
        raise to_error(told["error"])
    done = told.get("done")
    if not isinstance(done, dict):
        raise DatabaseUnusable("work on a database failed", why="what came of it is no object")
    return done


# -- in the child -------------------------------------------------------------------------------


def main(parent: int) -> None:
    """Do the work of the document that stands on the standard input."""
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever pressed it is heard by our parent
    lines = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no line of ours
    lock = threading.Lock()

    def say(document: Document) -> None:
        line = memoryview(packed(document))
        with lock:
            while line:
                line = line[os.write(lines, line) :]

    with suppress(BrokenPipeError):
        say(_done(unpacked(sys.stdin.buffer.read()), lambda told: say({"told": told})))


def _done(asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
    try:
        walls.stand(int(asked["memory"]), float(asked["seconds"]))
        job, function = work(str(asked["kind"]))
        if job.caged:
            walls.enclose(int(asked["memory"]), asked["scratch"])
        return {"done": dict(function(asked["arguments"], tuple(asked["descriptors"]), tell))}
    except StorewardenError as error:
        return {"error": of_error(error)}
    except MemoryError:
        pass  # what holds the memory is let go of before anything is said
    lacking = DatabaseUnusable(
        "a database cannot be worked on",
        where=str(asked["kind"]),
        why="that takes more memory than it is given",
    )
    return {"error": of_error(lacking)}


if __name__ == "__main__":
    main(int(sys.argv[1]))
