"""All pages of one state of a database pass once: read, marked, hashed, and written where wanted.

Two threads read and mark in turns, some mebibytes ahead; one hashes all in their order; others
write. Python lets go of its lock in all four, so they keep two processors and the disk at work.
"""

from __future__ import annotations

import math
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from queue import Queue, SimpleQueue
from typing import Final, NamedTuple, Protocol, Self

from blake3 import blake3

from storewarden.databases.image.frames import Unsteady
from storewarden.databases.image.increment import NUMBER
from storewarden.databases.image.marks import WIDTH, Marks, changed
from storewarden.databases.image.output import Output, write_all

PIECE: Final = 1 << 20  # as many bytes of pages at a time; the largest page is 64 KiB
_READERS: Final = 2
_ROOM: Final = 4  # pieces that each of them is ahead of what is written
_SWITCH: Final = 0.0005  # seconds until Python's lock is handed on: a piece takes less

_CALM: Final = 1.0  # seconds without a write after which nobody is waited for
_REST: Final = 10  # times as long as the work before
_LONGEST_REST: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the pages of one state of a database stand."""

    descriptor: int  # of its file
    page_size: int
    pages: int
    log: int = -1
    places: Mapping[int, int] = field(default_factory=dict)  # of pages that stand in the log

    @property
    def size(self) -> int:
        return self.page_size * self.pages

    def read(self, into: memoryview, first: int) -> None:
        """Fill a buffer with pages from one on, counted from 0; what is nowhere is zeros."""
        size = self.page_size
        self._fill(self.descriptor, into, first * size)
        if self.places:
            for place in range(len(into) // size):
                at = self.places.get(first + place + 1)
                if at is not None and not self._fill(
                    self.log, into[place * size : (place + 1) * size], at
                ):
                    raise Unsteady("the log became shorter")

    @staticmethod
    def _fill(descriptor: int, into: memoryview, at: int) -> bool:
        """Read so many bytes, zeros from the end of the file on; false when there were some."""
        filled = 0
        while filled < len(into):
            read = os.preadv(descriptor, [into[filled:]], at + filled)
            if not read:
                into[filled:] = bytes(len(into) - filled)
                return False
            filled += read
        return True


class Write(Protocol):
    """Takes pieces of pages, in other threads."""

    @property
    def threads(self) -> int:
        """How many may call at a time; with one, pieces come in their order."""

    def __call__(self, first: int, pages: memoryview, marked: bytes, /) -> None:
        """Take pages from one on, counted from 0, and their marks."""

    def settle(self) -> None:
        """Wait until what was taken is with the disk."""


def sweep(
    pages: Pages,
    marks: Marks,
    write: Write,
    passed: Callable[[int], None],
    pace: Pace | None = None,
) -> bytes:
    """Let all pages pass; return the BLAKE3 of them. ``marks``, empty before, has theirs then.

    ``passed`` hears of bytes that were read; with ``pace`` an application is left room.
    """
    hasher = blake3()
    sys.setswitchinterval(_SWITCH)
    with _Writers(write) as writers, _readers(pages, marks) as readers:
        for piece in readers:
            writers.require_alive()
            marks.all += piece.marked
            hasher.update(piece.pages)
            writers.todo.put(piece)
            passed(len(piece.pages))
            if pace is not None:
                pace.after(writers.settle)
    return hasher.digest()


def warm(pages: Pages, pace: Pace) -> None:
    """Read into memory what is not there yet of a database's file, at a pace."""
    buffer = memoryview(bytearray(PIECE))
    for at in range(0, pages.size, PIECE):
        if not _is_in_memory(pages.descriptor, buffer, min(PIECE, pages.size - at), at):
            os.preadv(pages.descriptor, [buffer], at)
        pace.after(lambda: None)


def _is_in_memory(descriptor: int, buffer: memoryview, length: int, at: int) -> bool:
    try:
        return os.preadv(descriptor, [buffer[:length]], at, os.RWF_NOWAIT) == length
    except OSError:  # it is not, or its file system does not tell
        return False


# -- threads --------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """Pages that were read and marked."""

    first: int
    pages: memoryview
    marked: bytes
    buffer: memoryview
    home: SimpleQueue[memoryview | None]  # where the buffer is waited for


class _Reader:
    """A thread that reads and marks some of the pieces, always the same number apart."""

    def __init__(self, pages: Pages, marks: Marks, pieces: range) -> None:
        self._pages, self._marks, self._pieces = pages, marks, pieces
        self._ready: SimpleQueue[_Piece | BaseException] = SimpleQueue()
        self._free: SimpleQueue[memoryview | None] = SimpleQueue()
        for _ in range(_ROOM):
            self._free.put(memoryview(mmap.mmap(-1, PIECE)))  # its memory begins with a page
        self._thread = threading.Thread(target=self._work, name="image-reader", daemon=True)

    def next(self) -> _Piece:
        """Return the next piece, or raise what came instead of it."""
        one = self._ready.get()
        if isinstance(one, BaseException):
            raise one
        return one

    def _work(self) -> None:
        pages = self._pages
        try:
            for first in self._pieces:
                buffer = self._free.get()
                if buffer is None:
                    return
                count = min(PIECE // pages.page_size, pages.pages - first)
                piece = buffer[: count * pages.page_size]
                pages.read(piece, first)
                self._ready.put(_Piece(first, piece, self._marks.of(piece), buffer, self._free))
        except BaseException as error:  # noqa: BLE001  # raised where the piece is waited for
            self._ready.put(error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.put(None)
        self._thread.join()


@contextmanager
def _readers(pages: Pages, marks: Marks) -> Iterator[Iterator[_Piece]]:
    """Lend all pieces in their order; threads read ahead."""
    firsts = range(0, pages.pages, PIECE // pages.page_size)
    many = min(_READERS, len(firsts))
    readers = [_Reader(pages, marks, firsts[number::many]) for number in range(many)]
    with ExitStack() as stack:
        for one in readers:
            stack.enter_context(one)
        yield (readers[number % many].next() for number in range(len(firsts)))


class _Writers:
    """The threads that write; what one of them raises is raised where they are waited for."""

    def __init__(self, write: Write) -> None:
        self.todo: Queue[_Piece | None] = Queue()
        self._write = write
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, name="image-writer", daemon=True)
            for _ in range(write.threads)
        ]

    def require_alive(self) -> None:
        if self._error is not None:
            raise self._error

    def settle(self) -> None:
        """Wait until all that was taken is with the disk."""
        self.todo.join()
        self._write.settle()

    def _work(self) -> None:
        while (piece := self.todo.get()) is not None:
            try:
                if self._error is None:
                    self._write(piece.first, piece.pages, piece.marked)
            except BaseException as error:  # noqa: BLE001  # raised by the thread that waits
                self._error = error
            piece.home.put(piece.buffer)
            self.todo.task_done()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, *_more: object) -> None:
        for _ in self._threads:
            self.todo.put(None)
        for thread in self._threads:
            thread.join()
        if kind is None:
            self.require_alive()


# -- an application's room ------------------------------------------------------------------------


class Pace:
    """Leaves an application that writes most of the disk.

    As long as nobody writes, nobody is waited for.
    """

    def __init__(
        self,
        active: Callable[[], object],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask ``active`` for what is another after each write."""
        self._active = active
        self._monotonic, self._sleep = monotonic, sleep
        self._seen, self._seen_at = active(), -math.inf
        self._since = monotonic()

    def after(self, settle: Callable[[], None]) -> None:
        """Rest after a piece of work, in proportion to it, while somebody writes."""
        seen, now = self._active(), self._monotonic()
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        if now - self._seen_at < _CALM:
            settle()
            self._sleep(min(_LONGEST_REST, _REST * (self._monotonic() - self._since)))
        self._since = self._monotonic()


# -- where pages go -------------------------------------------------------------------------------


class Whole:
    """Writes an image as it is; a second time only what is another than the first time."""

    threads = 2

    def __init__(self, out: int, page_size: int, size: int = 0) -> None:
        """Write into an empty file that is going to have about so many bytes."""
        self._output, self._page_size = Output(out, size), page_size
        self._before: bytes | None = None

    def again(self, before: bytes) -> None:
        """Begin anew over what is written, of which these are the marks."""
        self._output.cached()
        self._before = before

    def __call__(self, first: int, pages: memoryview, marked: bytes, /) -> None:
        at, size = first * self._page_size, self._page_size
        if self._before is None:
            self._output.write(pages, at)
            return
        known = self._before[first * WIDTH : first * WIDTH + len(marked)]
        for place in changed(known, marked):
            page = pages[place * size : (place + 1) * size]
            write_all(self._output.descriptor, page, at + place * size)

    def settle(self) -> None:
        """Wait until what was taken is with the disk."""
        self._output.settle()

    def end(self, size: int) -> None:
        """Give the file the length of the image."""
        self._output.cached()
        os.ftruncate(self._output.descriptor, size)


class Changed:
    """Writes the pages that are others than in the image before, each after its number."""

    threads = 1

    def __init__(self, out: int, page_size: int, base: Marks, start: int) -> None:
        self._out, self._page_size, self._base = out, page_size, base
        self._start = self._at = start
        self.count = 0

    def again(self, _before: bytes) -> None:
        """Begin anew with nothing."""
        self._at, self.count = self._start, 0
        os.ftruncate(self._out, 0)

    def __call__(self, first: int, pages: memoryview, marked: bytes, /) -> None:
        size = self._page_size
        known = bytes(self._base.all[first * WIDTH : first * WIDTH + len(marked)])
        records = bytearray()
        for place in changed(known, marked):
            records += NUMBER.pack(first + place + 1)
            records += pages[place * size : (place + 1) * size]
            self.count += 1
        write_all(self._out, memoryview(records), self._at)
        self._at += len(records)

    def settle(self) -> None:
        """Leave it to the end: it is little."""
