"""Every kind of store for the one suite that holds all of them to the contract.

A new kind of store gets a ``Site``, which says how its store is made and hurt from outside, and a
line in ``KINDS``. What it cannot do it leaves out: the tests that need it are skipped for it.
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from storewarden.store.contract import Reader, Store
from storewarden.store.memory import MemoryStore

MIB = 1 << 20
FUTURE_NS = 1 << 62  # later than anything a sweep can meet


class Site(ABC):
    """Where one store is, and who can reach behind its back."""

    store: Store

    @abstractmethod
    def another(self) -> Store:
        """Return the same store as another process would open it."""

    def shorten(self, key: str, size: int) -> None:
        """Leave so many bytes of an object, as a failing disk or a stranger would."""
        self._cannot("shortened")

    def spoil_about(self, key: str) -> None:
        """Change a byte of what an object tells of itself."""
        self._cannot("spoilt")

    def leave_half(self, key: str) -> None:
        """Leave behind what a put does that is killed when all is written and nothing is seen."""
        self._cannot("left half done")

    def leftovers(self) -> int:
        """Return how many things lie in the place that are no object and tell of none."""
        return 0

    def _cannot(self, what: str) -> NoReturn:
        pytest.skip(f"nothing can be {what} in a {type(self.store).__name__} from outside")


class MemorySite(Site):
    def __init__(self) -> None:
        self.memory = self.store = MemoryStore("m")

    def another(self) -> Store:
        return self.store

    def shorten(self, key: str, size: int) -> None:
        with self.memory.open(key) as opened:
            content = opened.read(size)
        self.memory.hurt(key, content)

    def spoil_about(self, key: str) -> None:
        self.memory.spoil_about(key)


Make = Callable[[pytest.FixtureRequest, Path], Iterator[Site]]


def memory_site(_request: pytest.FixtureRequest, _path: Path) -> Iterator[Site]:
    yield MemorySite()


KINDS: dict[str, Make] = {
    "memory": memory_site,
}


@contextmanager
def site_of(kind: str, request: pytest.FixtureRequest, path: Path) -> Iterator[Site]:
    """Lend a site of a kind; what it needs beside a directory it asks of the request."""
    yield from KINDS[kind](request, path)


def content_of(size: int) -> bytes:
    """Return so many bytes, of which no two stretches are the same."""
    return b"".join(number.to_bytes(8, "big") for number in range(size // 8 + 1))[:size]


def source_of(content: bytes) -> Reader:
    """Return what can be read once, to its end."""
    return io.BytesIO(content)


class Dribbling:
    """A source that hands over a few bytes at a time, however many are asked for."""

    def __init__(self, content: bytes, most: int = 7) -> None:
        self._stream = io.BytesIO(content)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._most))


class Breaking:
    """A source that fails after some bytes."""

    def __init__(self, content: bytes, error: BaseException) -> None:
        self._stream = io.BytesIO(content)
        self._error = error

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        if not piece:
            raise self._error
        return piece


def whole(store: Store, key: str, offset: int = 0, piece: int = MIB) -> bytes:
    """Return an object's content."""
    with store.open(key, offset) as opened:
        return b"".join(iter(lambda: opened.read(piece), b""))
