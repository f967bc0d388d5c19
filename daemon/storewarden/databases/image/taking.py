"""An image of a database is taken; in the child.

The pages are read past SQLite, while a transaction of ours keeps the state that they belong to:

- with a write-ahead log one state stays readable as long as it is held, and writers go on, but
  the log grows, which makes them slow;
- with a rollback journal a writer waits for readers.

So with both, all is read first without holding anything, at a pace that leaves the disk to the
writer. If nobody wrote meanwhile, that is it. Otherwise all is read again while it is held, now
from memory, and only what became another is written again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import apsw
from blake3 import blake3

from storewarden.clock import SystemClock
from storewarden.databases.found import FLAGS, WAL, How, Identity, blamed
from storewarden.databases.image.frames import INDEX_BYTES, Snapshot, Unsteady, snapshot
from storewarden.databases.image.increment import HEADER_BYTES, Header, Image
from storewarden.databases.image.marks import Marks
from storewarden.databases.image.output import straight, write_all
from storewarden.databases.image.sweep import Changed, Pace, Pages, Whole, sweep, warm
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import Opened, reading
from storewarden.databases.private import changed
from storewarden.errors import DatabaseChanged

_ATTEMPTS: Final = 5
_TOLD_EVERY: Final = 32 << 20
_UNSEEN: Final = 64 << 20  # bytes that a log may tell of and nobody sees yet
_BEGINNINGS: Final = 100
_PAUSE: Final = 0.01
_COOKIE: Final = slice(40, 44)  # of the schema, in the first page
_SCHEMA: Final = (
    "SELECT type, name, tbl_name, sql FROM sqlite_schema"
    " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name, tbl_name"
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be taken, and where it goes."""

    parent: int
    name: bytes
    out: int
    kept: int  # where the marks of the image are written
    base: Marks | None
    base_digest: bytes
    scratch: int
    seconds: float
    patience: float


class _Image(NamedTuple):
    """One image as it was written."""

    how: How
    taken_ns: int
    lock_seconds: float
    image: Image
    schema_digest: bytes
    marks: Marks
    changed: int | None  # pages in an increment, None in a whole image


def take(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Take an image; see `take.take`, which asks for it."""
    parent, out, kept, *base, scratch = descriptors
    wish = _Wish(
        parent=parent,
        name=arguments["name"],
        out=out,
        kept=kept,
        base=Marks.read(base[0]) if base else None,
        base_digest=arguments["base"] or b"",
        scratch=scratch,
        seconds=float(arguments["seconds"]),
        patience=float(arguments["patience"]),
    )
    told = _Told(tell)
    for attempt in range(1, _ATTEMPTS + 1):
        straight(out, wanted=False)
        os.ftruncate(out, 0)
        try:
            taken = _attempt(wish, told)
            break
        except DatabaseChanged:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(0.05 * attempt)
    else:
        raise AssertionError
    with blamed(wish.name):
        write_all(kept, memoryview(taken.marks.written()), 0)
        os.fsync(out)
    return _document(taken, os.fstat(out).st_size)


def _document(taken: _Image, written: int) -> dict[str, Any]:
    return {
        "kind": "full" if taken.changed is None else "increment",
        "how": taken.how.value,
        "size": taken.image.page_size * taken.image.pages,
        "written": written,
        "pages": taken.image.pages,
        "page_size": taken.image.page_size,
        "changed": taken.image.pages if taken.changed is None else taken.changed,
        "digest": taken.image.digest,
        "schema_digest": taken.schema_digest,
        "lock_seconds": taken.lock_seconds,
        "taken_ns": taken.taken_ns,
    }


class _Told:
    """Tells of bytes that passed, now and then."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._untold = 0

    def __call__(self, amount: int) -> None:
        self._untold += amount
        if self._untold >= _TOLD_EVERY:
            self._tell({"bytes": self._untold})
            self._untold = 0


def _attempt(wish: _Wish, told: Callable[[int], None]) -> _Image:
    with (
        reading(
            wish.parent,
            wish.name,
            wish.scratch,
            seconds=wish.seconds,
            patience=wish.patience,
            cautious=True,
        ) as opened,
        ExitStack() as stack,
        blamed(wish.name),
    ):
        if opened.how is How.ROLLBACK:
            return _in_two_passes(wish, opened, told)
        drain = None
        if opened.how is How.WAL:
            drain = _beside_a_log(wish, opened, told)
        try:
            return _in_one_pass(wish, opened, told, stack, drain)
        except Unsteady as error:
            raise changed(wish.name) from error


def _beside_a_log(wish: _Wish, opened: Opened, told: Callable[[int], None]) -> _Drain:
    """Read all while the log may still be begun anew; then begin to hold what it is now."""
    connection = opened.connection
    first = Pages(opened.descriptor, *_size(connection))
    connection.execute("COMMIT")
    drain = _Drain(wish, first)
    pace = Pace(lambda: os.pread(opened.shm, INDEX_BYTES, 0))
    if drain.count is None:
        sweep(first, drain.marks, drain.write, told, pace)
    else:
        warm(first, pace)
    drain.again()
    _begin_again(connection)
    if connection.pragma("page_size") != first.page_size:
        raise changed(wish.name)
    return drain


def _begin_again(connection: apsw.Connection) -> None:
    """Hold a state of a database with a log once more.

    It is asked for again where no reader has a mark in the log that is good for one who makes none.
    """
    for _ in range(_BEGINNINGS):
        connection.execute("BEGIN")
        try:
            connection.execute(_SCHEMA).fetchall()
        except apsw.ReadOnlyError:
            connection.execute("ROLLBACK")
            time.sleep(_PAUSE)
        else:
            return
    connection.execute("BEGIN")
    connection.execute(_SCHEMA).fetchall()


def _in_one_pass(
    wish: _Wish,
    opened: Opened,
    told: Callable[[int], None],
    stack: ExitStack,
    begun: _Drain | None,
) -> _Image:
    taken_ns = SystemClock().wall_ns()
    pages = _pages(wish, opened, stack)
    drain = begun or _Drain(wish, pages)
    digest = sweep(pages, drain.marks, drain.write, told)
    _require_schema(wish, opened.connection, pages)
    image = Image(digest, pages.page_size, pages.pages)
    drain.end(image)
    schema = schema_digest(opened.connection)
    return _Image(opened.how, taken_ns, 0.0, image, schema, drain.marks, drain.count)


def _pages(wish: _Wish, opened: Opened, stack: ExitStack) -> Pages:
    """Return where the pages of the state stand that the connection keeps."""
    page_size, count = _size(opened.connection)
    if opened.how is How.AT_REST:
        return Pages(opened.descriptor, page_size, count)
    if opened.how is How.COPY:
        opened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        page_size, count = _size(opened.connection)
        copy = os.open(opened.path, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, copy)
        return Pages(copy, page_size, count)
    log = os.open(wish.name + WAL, FLAGS, dir_fd=wish.parent)
    stack.callback(os.close, log)
    seen = snapshot(opened.shm, log)
    if seen.pages:
        _require_likely(seen, page_size, opened.descriptor, log)
    if not seen.pages:
        # nothing was ever written into the log
        return Pages(opened.descriptor, page_size, count, log)
    return Pages(opened.descriptor, seen.page_size, seen.pages, log, seen.places)


def _require_likely(seen: Snapshot, page_size: int, main: int, log: int) -> None:
    """Raise Unsteady for pages that SQLite sees otherwise, or far more than were ever written."""
    written = os.fstat(main).st_size + os.fstat(log).st_size
    if seen.page_size != page_size or seen.pages * page_size > 2 * written + _UNSEEN:
        raise Unsteady("the log's index tells of another database")


def _in_two_passes(wish: _Wish, opened: Opened, told: Callable[[int], None]) -> _Image:
    before = Identity.of(os.fstat(opened.descriptor))
    steady = before.is_settled(SystemClock().wall_ns())
    first = Pages(opened.descriptor, *_size(opened.connection))
    drain = _Drain(wish, first)
    pace = Pace(lambda: Identity.of(os.fstat(opened.descriptor)))
    digest = sweep(first, drain.marks, drain.write, told, pace)
    opened.connection.execute("BEGIN")
    opened.connection.execute(_SCHEMA).fetchall()  # from here on the writer waits
    began, taken_ns = time.monotonic(), SystemClock().wall_ns()
    pages = Pages(opened.descriptor, *_size(opened.connection))
    if pages.page_size != first.page_size:
        raise changed(wish.name)
    same = Identity.of(os.fstat(opened.descriptor)) == before and pages.pages == first.pages
    if not (same and steady):
        drain.again()
        digest = sweep(pages, drain.marks, drain.write, told)
    schema = schema_digest(opened.connection)
    opened.connection.execute("COMMIT")
    held = time.monotonic() - began
    image = Image(digest, pages.page_size, pages.pages)
    drain.end(image)
    return _Image(opened.how, taken_ns, held, image, schema, drain.marks, drain.count)


class _Drain:
    """Where pages go: into a whole image, or into an increment."""

    def __init__(self, wish: _Wish, pages: Pages) -> None:
        page_size = pages.page_size
        base = wish.base if wish.base is not None and wish.base.page_size == page_size else None
        self._wish, self._page_size = wish, page_size
        self.marks = Marks(page_size, base.seed if base is not None else None)
        self.write: Whole | Changed
        if base is not None:
            self.write = Changed(wish.out, page_size, base, HEADER_BYTES)
        else:
            self.write = Whole(wish.out, page_size, pages.size)

    def again(self) -> None:
        """Begin anew; of a whole image only what became another is written again."""
        before = bytes(self.marks.all)
        self.marks = Marks(self._page_size, self.marks.seed)
        self.write.again(before)

    @property
    def count(self) -> int | None:
        return self.write.count if isinstance(self.write, Changed) else None

    def end(self, image: Image) -> None:
        """Write what is only known now."""
        if isinstance(self.write, Changed):
            header = Header(self._wish.base_digest, image, self.write.count)
            write_all(self._wish.out, memoryview(header.written()), 0)
        else:
            self.write.end(image.page_size * image.pages)


def _size(connection: apsw.Connection) -> tuple[int, int]:
    return connection.pragma("page_size"), connection.pragma("page_count")


def _require_schema(wish: _Wish, connection: apsw.Connection, pages: Pages) -> None:
    """Raise DatabaseChanged when the image has another schema than the transaction sees."""
    if not pages.pages:
        return
    first = bytearray(pages.page_size)
    pages.read(memoryview(first), 0)
    if int.from_bytes(first[_COOKIE]) != connection.pragma("schema_version") & 0xFFFFFFFF:
        raise changed(wish.name)


def schema_digest(connection: apsw.Connection) -> bytes:
    """Return the BLAKE3 of what a database declares, whatever order that is stored in."""
    hasher = blake3()
    for row in connection.execute(_SCHEMA):
        for value in row:
            text = b"" if value is None else str(value).encode("utf-8", "surrogatepass")
            hasher.update(b"%d:" % len(text) + text)
    return hasher.digest()
