"""All pages of one state of a database pass once: read, marked, hashed, and written where wanted.

Reading and marking is one thread's work, hashing and writing another's: one page after the other,
some mebibytes apart.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final, Self

from blake3 import blake3

from storewarden.databases.image.frames import Unsteady
from storewarden.databases.image.increment import NUMBER
from storewarden.databases.image.marks import WIDTH, Marks, changed

PIECE: Final = 1 << 20  # as many bytes of pages at a time; the largest page is 64 KiB
_ROOM: Final = 8  # pieces that are read and not yet written
_WRITE_BACK: Final = 8 << 20
_START_WRITING: Final = 2  # SYNC_FILE_RANGE_WRITE
_WRITE_AND_WAIT: Final = 7  # and wait, before and after

_CALM: Final = 1.0  # seconds without a write after which nobody is waited for
_REST: Final = 5  # times as long as the work before
_LONGEST_REST: Final = 0.25

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the pages of one state of a database stand."""

    descriptor: int  # of its file
    page_size: int
    pages: int
    log: int = -1
    places: Mapping[int, int] = field(default_factory=dict)  # of pages that stand in the log

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


Write = Callable[[int, memoryview, bytes], None]
"""Takes pages from one on, counted from 0, and their marks; called in another thread."""


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
    per_piece = PIECE // pages.page_size
    free: SimpleQueue[bytearray] = SimpleQueue()
    for _ in range(_ROOM):
        free.put(bytearray(PIECE))
    with _Writer(write, free) as writer:
        for first in range(0, pages.pages, per_piece):
            writer.require_alive()
            buffer = free.get()
            length = min(per_piece, pages.pages - first) * pages.page_size
            piece = memoryview(buffer)[:length]
            pages.read(piece, first)
            marked = marks.of(piece)
            marks.all += marked
            writer.take(first, piece, marked, buffer)
            passed(length)
            if pace is not None:
                pace.after(writer.settle)
    return writer.hasher.digest()


_Piece = tuple[int, memoryview, bytes, bytearray]


class _Writer:
    """The thread that hashes and writes; what it raises is raised where it is waited for."""

    def __init__(self, write: Write, free: SimpleQueue[bytearray]) -> None:
        self.hasher = blake3()
        self._write, self._free = write, free
        self._todo: SimpleQueue[_Piece | threading.Event | None] = SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="image", daemon=True)

    def take(self, first: int, piece: memoryview, marked: bytes, buffer: bytearray) -> None:
        self._todo.put((first, piece, marked, buffer))

    def require_alive(self) -> None:
        if self._error is not None:
            raise self._error

    def settle(self) -> None:
        """Wait until all that was taken is written."""
        written = threading.Event()
        self._todo.put(written)
        written.wait()

    def _work(self) -> None:
        while (one := self._todo.get()) is not None:
            if isinstance(one, threading.Event):
                one.set()
                continue
            first, piece, marked, buffer = one
            try:
                if self._error is None:
                    self.hasher.update(piece)
                    self._write(first, piece, marked)
            except BaseException as error:  # noqa: BLE001  # raised by the thread that waits
                self._error = error
            self._free.put(buffer)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._todo.put(None)
        self._thread.join()
        if kind is None:
            self.require_alive()


class Pace:
    """Leaves an application that writes most of the processors and of the disk.

    As long as nobody writes, nobody is waited for.
    """

    def __init__(
        self,
        out: int,
        active: Callable[[], object],
        hurry: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask ``active`` for what is another after each write, ``hurry`` whether to stop waiting.

        ``out``: the file that is written, of which little waits for the disk at a time.
        """
        self._out, self._active, self._hurry = out, active, hurry
        self._monotonic, self._sleep = monotonic, sleep
        self._seen, self._seen_at = active(), -math.inf
        self._since = monotonic()

    def after(self, settle: Callable[[], None]) -> None:
        """Rest after a piece of work, in proportion to it, while somebody writes."""
        seen, now = self._active(), self._monotonic()
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        if now - self._seen_at < _CALM and not self._hurry():
            settle()
            _libc.sync_file_range(
                self._out, ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(_WRITE_AND_WAIT)
            )
            self._sleep(min(_LONGEST_REST, _REST * (self._monotonic() - self._since)))
        self._since = self._monotonic()


class Whole:
    """Writes an image as it is; a second time only what is another than the first time."""

    def __init__(self, out: int, page_size: int) -> None:
        self._out, self._page_size = out, page_size
        self._begun = 0
        self._before: bytes | None = None

    def again(self, before: bytes) -> None:
        """Begin anew over what is written, of which these are the marks."""
        self._before = before

    def __call__(self, first: int, pages: memoryview, marked: bytes) -> None:
        at, size = first * self._page_size, self._page_size
        if self._before is None:
            write_all(self._out, pages, at)
            self._write_back(at + len(pages))
            return
        known = self._before[first * WIDTH : first * WIDTH + len(marked)]
        for place in changed(known, marked):
            page = pages[place * size : (place + 1) * size]
            write_all(self._out, page, at + place * size)

    def _write_back(self, end: int) -> None:
        """Let the disk begin with what is there: syncing waits for less of it at the end."""
        if end - self._begun >= _WRITE_BACK:
            start, length = ctypes.c_int64(self._begun), ctypes.c_int64(end - self._begun)
            _libc.sync_file_range(self._out, start, length, ctypes.c_uint(_START_WRITING))
            self._begun = end


class Changed:
    """Writes the pages that are others than in the image before, each after its number."""

    def __init__(self, out: int, page_size: int, base: Marks, start: int) -> None:
        self._out, self._page_size, self._base = out, page_size, base
        self._start = self._at = start
        self.count = 0

    def again(self, _before: bytes) -> None:
        """Begin anew with nothing."""
        self._at, self.count = self._start, 0
        os.ftruncate(self._out, 0)

    def __call__(self, first: int, pages: memoryview, marked: bytes) -> None:
        size = self._page_size
        known = bytes(self._base.all[first * WIDTH : first * WIDTH + len(marked)])
        records = bytearray()
        for place in changed(known, marked):
            records += NUMBER.pack(first + place + 1)
            records += pages[place * size : (place + 1) * size]
            self.count += 1
        write_all(self._out, memoryview(records), self._at)
        self._at += len(records)


def write_all(descriptor: int, data: memoryview, at: int) -> None:
    """Write all of some bytes to a place of a file."""
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written
