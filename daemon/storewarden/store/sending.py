"""A source sent to an object store in parts: some are on their way while the next is read."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from storewarden.errors import StoreRefused, StoreUnavailable, StorewardenError
from storewarden.store.contract import Reader
from storewarden.store.limits import Sizes
from storewarden.store.multipart import Multipart, Part

_AT_ONCE: Final = 3
_PIECE: Final = 1 << 20


def read_up_to(source: Reader, size: int) -> bytes:
    """Return so many bytes of a source, fewer only at its end."""
    pieces, left = [], size
    while left and (piece := source.read(min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def parts_of(first: bytes, source: Reader, sizes: Sizes, store: str) -> Iterator[bytes]:
    """Yield a source in parts; ``first`` was read of it already, and is no more than a part."""
    held = first
    for number in range(1, sizes.parts + 1):
        size = sizes.of_part(number)
        part = held + read_up_to(source, size - len(held))
        held = b""
        if part:
            yield part
        if len(part) < size:
            return
    if source.read(1):
        raise StoreRefused(
            "an object cannot be stored",
            where=store,
            why=f"it is larger than {sizes.parts} parts hold",
            remedy="use another store for it",
        )


class Sending:
    """One upload in parts, from its beginning to its end."""

    def __init__(
        self, multipart: Multipart, key: str, told: Mapping[str, str], flight: int
    ) -> None:
        self._multipart, self._key, self._flight = multipart, key, flight
        self.upload = multipart.begin(key, told)
        self.may_be_seen = False  # an end was asked for, and no clear answer came
        self._parts: list[Part] = []

    def send(self, parts: Iterator[bytes]) -> int:
        """Send all parts, hold no more of them than may be on their way; return all their size."""
        size = 0
        going: deque[tuple[int, Future[Part]]] = deque()
        with ThreadPoolExecutor(_AT_ONCE, "upload") as pool:
            try:
                for number, part in enumerate(parts, 1):
                    size += len(part)
                    while going and sum(held for held, _ in going) + len(part) > self._flight:
                        self._landed(going)
                    send = self._multipart.part
                    sent = pool.submit(send, self._key, self.upload, number, part)
                    going.append((len(part), sent))
                while going:
                    self._landed(going)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return size

    def _landed(self, going: deque[tuple[int, Future[Part]]]) -> None:
        _, sent = going.popleft()
        self._parts.append(sent.result())

    def complete(self) -> None:
        """Let the object be seen; see `Multipart.complete`."""
        try:
            self._multipart.complete(self._key, self.upload, self._parts)
        except StoreUnavailable:
            self.may_be_seen = True
            raise

    def abort(self) -> None:
        """Remove what was sent; what cannot be removed now is swept later.

        An upload whose end may still be under way is left alone: not every server refuses to
        remove the parts of an object that can just be seen.
        """
        if self.may_be_seen:
            return
        with contextlib.suppress(StorewardenError):
            self._multipart.abort(self._key, self.upload)


@contextlib.contextmanager
def sending(make: Callable[[], Sending]) -> Iterator[Sending]:
    """Lend an upload that leaves nothing when it fails."""
    upload = make()
    try:
        yield upload
    except BaseException:
        upload.abort()
        raise
