"""Every kind of store for the one suite that holds all of them to the contract.

A new kind of store gets a ``Site``, which says how its store is made and hurt from outside, and a
line in ``KINDS``. What it cannot do it leaves out: the tests that need it are skipped for it.
"""

import io
import os
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from storewarden.clock import SystemClock
from storewarden.store.contract import Reader, Store
from storewarden.store.directory import DirectoryStore
from storewarden.store.label import (
    Label,
    companion_label,
    companion_of,
    hash_of_upload,
    new_mark,
)
from storewarden.store.memory import MemoryStore
from storewarden.store.rate import Limited
from storewarden.store.retry import Retrying
from tests.disks import KillingDisk, killed
from tests.objects import Bench, leftovers

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


class DirectorySite(Site):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = self.another()

    def another(self) -> Store:
        return DirectoryStore("d", str(self.path))

    def shorten(self, key: str, size: int) -> None:
        os.truncate(self.path / key, size)

    def spoil_about(self, key: str) -> None:
        place = self.path / f"{key}.about"
        content = bytearray(place.read_bytes())
        content[-1] ^= 1
        place.write_bytes(content)

    def leave_half(self, key: str) -> None:
        def put() -> None:
            # The second name to be given is the object's own: what it tells is there by then.
            disk = KillingDisk("rename", 2)
            store = DirectoryStore("d", str(self.path), disk=disk)
            store.put(key, source_of(b"content"), lambda: b"told")

        assert killed(put)

    def leftovers(self) -> int:
        """Return how many files are neither an object nor tell of one, and empty directories."""
        files = [path for path in self.path.rglob("*") if path.is_file()]
        ours = {self.path / ".storewarden" / name for name in ("store", "locks")}
        objects = {entry.key for entry in self.store.list()}
        belonging = {self.path / f"{key}{ending}" for key in objects for ending in ("", ".about")}
        half = self.path / ".storewarden" / "half"
        empty = [
            path
            for path in self.path.rglob("*")
            if path.is_dir() and path != half and not any(path.iterdir())
        ]
        return len(set(files) - ours - belonging) + len(empty)


class ObjectSite(Site):
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.objects = self.store = bench.store()

    def another(self) -> Store:
        return self.bench.store()

    def shorten(self, key: str, size: int) -> None:
        self._replace(key, whole(self.store, key)[:size])

    def spoil_about(self, key: str) -> None:
        content, label = self.objects._remote.small(key)
        assert label is not None
        assert label.told is not None
        self._replace(key, content, label._replace(told=label.told[:-1] + b"?"))

    def leave_half(self, key: str) -> None:
        uploads, mark = self.objects._multipart, new_mark()
        assert uploads is not None
        upload = uploads.begin(key, Label(mark).written())
        uploads.part(key, upload, 1, b"content")
        label = companion_label(mark, 7, b"told", hash_of_upload(upload))
        self.objects._remote.add(companion_of(key, mark), b"told", label)

    def leftovers(self) -> int:
        return leftovers(self.objects)

    def _replace(self, key: str, content: bytes, label: Label | None = None) -> None:
        """Let something else be under a key, with what the object said of itself."""
        remote = self.objects._remote
        met = remote.meet(key)
        assert met is not None
        assert met.label is not None
        remote.remove(key)
        remote.add(key, content, label or met.label)


class WrappedSite(DirectorySite):
    """Wrappers keep the contract of what they wrap."""

    def another(self) -> Store:
        retrying = Retrying(super().another(), sleep=time.sleep, chance=random.random)
        return Limited(retrying, 1 << 40, clock=SystemClock(), sleep=time.sleep)


Make = Callable[[pytest.FixtureRequest, Path], Iterator[Site]]


def memory_site(_request: pytest.FixtureRequest, _path: Path) -> Iterator[Site]:
    yield MemorySite()


def directory_site(_request: pytest.FixtureRequest, path: Path) -> Iterator[Site]:
    place = path / "store"
    place.mkdir()
    DirectoryStore("d", str(place)).prepare()
    yield DirectorySite(place)


def object_site(request: pytest.FixtureRequest, _path: Path) -> Iterator[Site]:
    yield ObjectSite(Bench.at(request.getfixturevalue("s3_url")))


def wrapped_site(_request: pytest.FixtureRequest, path: Path) -> Iterator[Site]:
    DirectoryStore("d", str(path)).prepare()
    yield WrappedSite(path)


KINDS: dict[str, Make] = {
    "directory": directory_site,
    "memory": memory_site,
    "wrapped": wrapped_site,
    "object": object_site,
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
