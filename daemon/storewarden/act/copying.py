"""A file of a root becomes an object of a store, and the proof that it did.

One pass: what is read is hashed, packed and stored at once. What was copied belongs to one identity
of the file, looked at before the first byte and after the last one; if they differ, the store is
told so before anything can be seen in it, and keeps nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from storewarden.act.about import About, from_bytes, to_bytes
from storewarden.act.ahead import ahead
from storewarden.act.attributes import Attributes, read_attributes
from storewarden.act.cached import Wake
from storewarden.act.codec import (
    ENDINGS,
    PIECE,
    PROBED_FIRST,
    PROBED_MIDDLE,
    Codec,
    Encoder,
    Pieces,
    decoder,
    pays,
)
from storewarden.act.identity import Identity
from storewarden.act.proof import Content, Proof, prove_by_receipt, prove_copy
from storewarden.below import open_below
from storewarden.errors import FileChanged, FileUnusable, ObjectDamaged
from storewarden.store.contract import Looked, Opened, Store, Stored
from storewarden.store.key import key_of

Progress = Callable[[int], None]
"""Told of bytes of content as they pass, by any thread; what it raises stops the work."""

# Non-blocking: a fifo that took the place of a file must not hang us.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_THREADED: Final = 2 << 20  # bytes of content for which a second thread is worth its start
_ZEROS: Final = bytes(PIECE)
_NOT_IT: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.ENXIO, errno.ENODEV}
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file below a root, as it was when somebody decided what becomes of it."""

    host: str
    root: str  # its name
    root_uuid: str  # "" for a root that bears none
    root_fd: int
    path: bytes
    identity: Identity

    @property
    def where(self) -> str:
        return f"{self.root}: {self.path.decode('utf-8', 'backslashreplace')}"


@dataclass(frozen=True, slots=True)
class Copied:
    """A file that a store has taken; not proven before `verify` read it there."""

    content: Content
    stored: Stored
    about: About


def quiet(_bytes: int) -> None:
    """Tell nobody of progress."""


def keys(root: str, path: bytes, mark: str) -> dict[Codec, str]:
    """Return what the object that an act makes of a file may be called; at most one is there."""
    return {codec: key_of(root, path, mark, ending) for codec, ending in ENDINGS.items()}


def copy(
    source: Source,
    store: Store,
    mark: str,
    made_ns: int,
    wanted: Codec = "zstd",
    progress: Progress = quiet,
) -> Copied:
    """Store the content of a file under a key of its own; durable when this returns.

    Args:
        source: the file; another one than that, or one that changes meanwhile, is not copied.
        store: where to.
        mark: of the act: what it stores is found again by `keys`.
        made_ns: the present time.
        wanted: ``zstd`` packs the content unless that saves too little.
        progress: see `Progress`.

    Raises:
        FileChanged: the file is not what it was; nothing is stored.
        FileUnusable: it cannot be read now; nothing is stored.
        StorewardenError: what the store says, see `Store.put`.
    """
    with _opened(source) as file:
        codec = _chosen(file, wanted)
        key = keys(source.root, source.path, mark)[codec]
        pour = _Pour(file, codec, mark, made_ns, progress)
        try:
            stored = store.put(key, pour, pour.about)
        finally:
            pour.close()
    return Copied(Content(source.identity, pour.told.digest), stored, pour.told)


def verify(store: Store, stored: Stored, content: Content, progress: Progress = quiet) -> Proof:
    """Return the proof that an object, and what it tells, is a content.

    It is read to its end, unless its store gave a receipt for it and somebody lets that be enough.

    Args:
        store: where it is.
        stored: the object.
        content: what it should hold.
        progress: see `Progress`.

    Raises:
        ObjectDamaged: it is not.
        StorewardenError: it cannot be read now.
    """
    where = f"{store.name}: {stored.key}"

    def told(about: bytes) -> tuple[int, bytes]:
        read = from_bytes(about, where)
        return read.size, read.digest

    proof = prove_by_receipt(store, stored, content, told)
    if proof is not None:
        progress(content.size)
        return proof

    def decode(looked: Looked) -> Pieces:
        about = from_bytes(looked.about, where)
        _refuse_another(about, content, where)
        return unpacking(about, where, progress)(looked)

    return prove_copy(store, stored, content, decode)


def _refuse_another(about: About, content: Content, where: str) -> None:
    if (about.size, about.digest) != (content.size, content.digest):
        raise ObjectDamaged(
            "what an object tells of itself cannot be used",
            where=where,
            why="it tells of another content",
            remedy="it is not used; the file stays where it is",
        )


def unpacking(about: About, where: str, progress: Progress) -> Callable[[Opened], Pieces]:
    """Return what yields the content of an object; a large one is unpacked in another thread."""
    decode = decoder(about.codec, about.size, where)

    def told(opened: Opened) -> Pieces:
        for piece in decode(opened):
            progress(len(piece))
            yield piece

    return told if about.size <= _THREADED else lambda opened: ahead(told(opened))


class _File:
    """An open file of a root, which must stay what it is."""

    def __init__(self, source: Source, descriptor: int) -> None:
        self.source, self.descriptor = source, descriptor
        self.size = source.identity.size
        self.attributes: Attributes = read_attributes(descriptor)
        self._wake = Wake(descriptor, self.size)  # before anything is read: that would be cached

    def check(self) -> None:
        """Raise FileChanged unless it is what it was."""
        with _reading(self.source):
            found = Identity.of(os.fstat(self.descriptor))
        if found != self.source.identity:
            raise _changed(self.source, "it is not what it was")

    def sample(self, start: int, length: int) -> bytes:
        with _reading(self.source):
            return os.pread(self.descriptor, length, start)

    def pieces(self) -> Iterator[bytes]:
        """Yield exactly as many bytes as it has; a hole is not read."""
        try:
            with _reading(self.source):
                for start, end, hole in self._stretches():
                    at = start
                    while at < end:
                        piece = self._piece(at, min(PIECE, end - at), hole=hole)
                        at += len(piece)
                        self._wake.passed(at)
                        yield piece
        finally:
            self._wake.end()

    def _piece(self, at: int, length: int, *, hole: bool) -> bytes:
        if hole:
            return _ZEROS[:length]
        piece = os.pread(self.descriptor, length, at)
        if not piece:
            raise _changed(self.source, "it became shorter while it was read")
        return piece

    def _stretches(self) -> Iterator[tuple[int, int, bool]]:
        """Yield beginnings and ends of its stretches in their order, and whether each is a hole."""
        at = 0
        while self.attributes.sparse and at < self.size:
            data = self._seek(at, os.SEEK_DATA)
            hole = self._seek(data, os.SEEK_HOLE)
            yield at, data, True
            yield data, hole, False
            at = hole
        yield at, self.size, False

    def _seek(self, at: int, what: int) -> int:
        try:
            return min(os.lseek(self.descriptor, at, what), self.size)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return self.size  # no data from there on, and no hole but the end
            if error.errno == errno.EINVAL and what == os.SEEK_DATA:
                return at  # nobody tells where holes are here: all is read
            if error.errno == errno.EINVAL:
                return self.size
            raise


@contextmanager
def _opened(source: Source) -> Iterator[_File]:
    """Open a file if it is what it was."""
    with _reading(source):
        descriptor = open_unnoticed(source.root_fd, source.path)
    try:
        with _reading(source):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _changed(source, "it is no regular file")
            file = _File(source, descriptor)
        file.check()
        yield file
    finally:
        os.close(descriptor)


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    """Tell of errors of a file as such: a store that reads it would take them for its own."""
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_IT:
            raise _changed(source, error.strerror or str(error)) from error
        tells = "what the system says of its disk tells more"
        if isinstance(error, PermissionError):
            tells = "let the user that Storewarden runs as read it"
        raise FileUnusable(
            "a file cannot be read",
            where=source.where,
            why=error.strerror or str(error),
            remedy=f"it stays where it is; {tells}",
        ) from error


def open_unnoticed(root_fd: int, path: bytes) -> int:
    """Open a file for reading, past its access time where it is ours or we may do so."""
    try:
        return open_below(root_fd, path, _READ | os.O_NOATIME)
    except PermissionError:
        return open_below(root_fd, path, _READ)


def _changed(source: Source, why: str) -> FileChanged:
    return FileChanged(
        "a file changed since it was decided what becomes of it",
        where=source.where,
        why=why,
        remedy="it was left as it is, and is decided anew",
    )


def _chosen(file: _File, wanted: Codec) -> Codec:
    if wanted == "none":
        return "none"
    middle = max(file.size // 2, PROBED_FIRST)
    return (
        "zstd" if pays(file.sample(0, PROBED_FIRST), file.sample(middle, PROBED_MIDDLE)) else "none"
    )


class _Pour:
    """What a store reads: a content, hashed as it comes and as it goes, and packed between."""

    told: About

    def __init__(
        self, file: _File, codec: Codec, mark: str, made_ns: int, progress: Progress
    ) -> None:
        self._file, self._codec = file, codec
        self._mark, self._made_ns = mark, made_ns
        self._progress = progress
        self._content, self._object = blake3(), blake3()
        self._stored = 0
        self._over = False
        self._rest = memoryview(b"")
        self._packed = self._pack()
        if file.size > _THREADED:
            self._packed = ahead(self._packed)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the object."""
        if not self._rest:
            piece = next(self._packed, b"")
            self._over = not piece
            self._stored += len(piece)
            if self._codec != "none":
                self._object.update(piece)
            if len(piece) <= size:
                return piece
            self._rest = memoryview(piece)
        read, self._rest = self._rest[:size], self._rest[size:]
        return bytes(read)

    def about(self) -> bytes:
        """Return what the object tells of itself, the file having stayed the same until now."""
        if not self._over:
            raise ValueError("an object is told of when all of it was read")
        self._file.check()
        source, digest = self._file.source, self._content.digest()
        self.told = About(
            host=source.host,
            root=source.root,
            root_uuid=source.root_uuid,
            path=source.path,
            attributes=self._file.attributes,
            digest=digest,
            codec=self._codec,
            stored_bytes=self._stored,
            stored_digest=digest if self._codec == "none" else self._object.digest(),
            mark=self._mark,
            made_ns=self._made_ns,
        )
        return to_bytes(self.told)

    def close(self) -> None:
        """Stop reading the file; its descriptor is not used any more when this returns."""
        self._packed.close()

    def _pack(self) -> Pieces:
        encoder = Encoder(self._codec, self._file.size)
        for piece in self._file.pieces():
            self._content.update(piece)
            self._progress(len(piece))
            if packed := encoder.feed(piece):
                yield packed
        if packed := encoder.end():
            yield packed
