"""An object of a store becomes a file again, just as it was."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from storewarden.act.about import About, from_bytes
from storewarden.act.attributes import give_attributes
from storewarden.act.codec import PIECE
from storewarden.act.copying import Progress, open_unnoticed, quiet, unpacking
from storewarden.act.identity import Identity
from storewarden.act.landing import Place, blamed, landing, require_proper, sync_above
from storewarden.errors import ObjectDamaged
from storewarden.store.contract import Store

_RUN: Final = 16 << 10  # zeros for which a hole is worth it, from a multiple of as many on
_ZEROS: Final = bytes(_RUN)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file at its place."""

    about: About
    identity: Identity
    lacking: tuple[str, ...]  # what it is not as it was, in words for people
    there_already: bool = False  # and was left as it is, since it has this very content


def fetch(
    store: Store,
    key: str,
    place: Place,
    digest: bytes | None = None,
    progress: Progress = quiet,
    *,
    rights: bool = False,
) -> Fetched:
    """Make a file of an object; it is whole, compared and durable before it has a name.

    May be called again whatever became of a call before.

    Args:
        store: where it is.
        key: of the object.
        place: where the file should be; directories on the way are made.
        digest: BLAKE3 of the content, where it is known from elsewhere.
        progress: see `Progress`.
        rights: see `give_attributes`.

    Raises:
        PlaceTaken: something else is there, or a link lies on the way.
        ObjectMissing: there is no such object.
        ObjectDamaged: it is not what was put there; nothing is left of it.
        FileUnusable: the file cannot be made now.
        StorewardenError: the store cannot be read now.
    """
    require_proper(place)
    where = f"{store.name}: {key}"
    about = from_bytes(store.about(key), where)
    if digest is not None and digest != about.digest:
        raise _another(where, "it tells of another content than was stored there")
    if (there := _already(place, about)) is not None:
        return there
    with landing(place) as file:
        _fill(store, key, about, _Sink(file.descriptor, place, about), progress)
        with blamed(place):
            lacking = give_attributes(file.descriptor, about.attributes, rights=rights)
        file.publish()
        with blamed(place):
            identity = Identity.of(os.fstat(file.descriptor))
    return Fetched(about, identity, (*lacking, *file.lacking))


def _fill(store: Store, key: str, about: About, sink: _Sink, progress: Progress) -> None:
    where = f"{store.name}: {key}"
    hasher = blake3()
    with store.open(key) as opened, closing(unpacking(about, where, progress)(opened)) as pieces:
        for piece in pieces:
            hasher.update(piece)
            sink.write(piece)
    if hasher.digest() != about.digest:
        raise _another(where, "its content has another digest")
    sink.end()


def _another(where: str, why: str) -> ObjectDamaged:
    return ObjectDamaged(
        "an object is not what was stored",
        where=where,
        why=why,
        remedy="another copy, if there is one, can be fetched instead",
    )


class _Sink:
    """A file that is written from its beginning to its end, with holes if it had some."""

    def __init__(self, descriptor: int, place: Place, about: About) -> None:
        self._descriptor, self._place = descriptor, place
        self._size, self._sparse = about.size, about.attributes.sparse
        self._at = 0

    def write(self, piece: bytes) -> None:
        with blamed(self._place):
            for start, end in _stretches(piece, self._at) if self._sparse else ((0, len(piece)),):
                left, at = memoryview(piece)[start:end], self._at + start
                while left:
                    written = os.pwrite(self._descriptor, left, at)
                    left, at = left[written:], at + written
        self._at += len(piece)

    def end(self) -> None:
        """Give it its size, of which the last part may be a hole."""
        if self._sparse:
            with blamed(self._place):
                os.ftruncate(self._descriptor, self._size)


def _stretches(piece: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield what of a piece, which begins at a position of its file, is no long run of zeros."""
    start, here = 0, 0
    while here < len(piece):
        end = min(here + _RUN - (at + here) % _RUN, len(piece))
        if end - here == _RUN and piece[here:end] == _ZEROS:
            if start < here:
                yield start, here
            start = end
        here = end
    if start < len(piece):
        yield start, len(piece)


# -- what is there already ------------------------------------------------------------------------


def _already(place: Place, about: About) -> Fetched | None:
    """Return the file at a place if it has this content; None if nothing is there.

    Raises:
        PlaceTaken: something else is.
    """
    with blamed(place):
        try:
            descriptor = open_unnoticed(place.root_fd, place.path)
        except FileNotFoundError:
            return None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _holds(descriptor, status, about):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.fsync(descriptor)
            sync_above(place)
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    was = about.attributes
    as_it_was = (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (was.mode, was.modified_ns)
    lacking = () if as_it_was else ("mode and times: it was there already, and was left alone",)
    return Fetched(about, Identity.of(status), lacking, there_already=True)


def _holds(descriptor: int, status: os.stat_result, about: About) -> bool:
    """Tell whether an open file has the content that was stored, however it came there."""
    if status.st_size != about.size:
        return False
    hasher, left = blake3(), about.size
    while left > 0 and (piece := os.read(descriptor, PIECE)):
        hasher.update(piece)
        left -= len(piece)
    return hasher.digest() == about.digest
