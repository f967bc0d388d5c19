"""A database is put together again of what lies in a store, and comes to a place that is free.

What the objects tell is enough: a store alone brings everything back. All of it happens to files of
our own scratch directory, until one that was proven is copied to where it shall be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from blake3 import blake3

from storewarden.act.attributes import Attributes, give_attributes
from storewarden.act.codec import PIECE
from storewarden.act.landing import Place, blamed, landing, require_proper
from storewarden.databases import objects
from storewarden.databases.about import FOLDER, About
from storewarden.databases.backups import LONGEST_CHAIN
from storewarden.databases.found import JOURNAL, SHM, WAL
from storewarden.databases.image import increment
from storewarden.databases.objects import Progress, quiet
from storewarden.errors import ObjectDamaged, ObjectMissing, PlaceTaken
from storewarden.store.contract import Store, Stored

LOGS: Final = (WAL, JOURNAL, SHM)

_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Part:
    """One object that a database is put together of."""

    about: About
    stored: Stored


# -- what a store holds ---------------------------------------------------------------------------


def listed(store: Store) -> Iterator[Part | str]:
    """Yield all backups of databases in a store, and of those that tell nothing sound, why.

    Raises:
        StorewardenError: it cannot be read now.
    """
    for entry in store.list(f"{FOLDER}/"):
        try:
            yield Part(*objects.met(store, entry.key))
        except (ObjectDamaged, ObjectMissing) as error:
            yield str(error)


def chain(store: Store, key: str) -> list[Part]:
    """Return what a backup is put together of, the whole one first.

    Raises:
        ObjectMissing: a part of it is not there.
        ObjectDamaged: a part of it is not what the one above was built on.
        StorewardenError: the store cannot be read now.
    """
    parts = [Part(*objects.met(store, key))]
    while (base := parts[-1].about.base) is not None:
        where = f"{store.name}: {base.key}"
        below = Part(*objects.met(store, base.key))
        if below.about.digest != base.digest or len(parts) >= LONGEST_CHAIN:
            raise ObjectDamaged(
                "a backup cannot be restored",
                where=where,
                why="what it is built on is another one",
                remedy="storewarden db backups tells the others",
            )
        parts.append(below)
    return parts[::-1]


# -- putting together -----------------------------------------------------------------------------


def assemble(
    store: Store, parts: Sequence[Part], scratch: int, name: bytes, progress: Progress = quiet
) -> None:
    """Put a database together in a new file of ours; it is what the last part says.

    Raises:
        ObjectDamaged: a part is not what it was.
        ObjectMissing: a part is not there any more.
        StorewardenError: the store cannot be read now.
        OSError: there is no room.
    """
    whole = parts[0]
    where = f"{store.name}: {whole.stored.key}"
    if whole.about.content_digest != whole.about.digest:
        raise ObjectDamaged("a backup is not what was stored", where=where)
    file = os.open(name, _NEW, 0o600, dir_fd=scratch)
    try:
        objects.fetch(store, whole.stored, whole.about, file, progress)
        digest = whole.about.digest
        for part in parts[1:]:
            lay_over(store, part, scratch, file, digest, progress)
            digest = part.about.digest
    finally:
        os.close(file)


def first_damaged(store: Store, parts: Sequence[Part], progress: Progress = quiet) -> Part | None:
    """Return the first part that is not what it was, each read to its end; None: all are.

    Raises:
        StorewardenError: the store cannot be read now.
    """
    for part in parts:
        try:
            objects.read_back(store, part.stored, part.about, progress)
        except (ObjectDamaged, ObjectMissing):
            return part
    return None


def lay_over(
    store: Store, part: Part, scratch: int, file: int, digest: bytes, progress: Progress = quiet
) -> None:
    """Lay an increment over the image that it is built on; raises as `assemble`."""
    pages = b"pages-%d" % os.getpid()
    where = f"{store.name}: {part.stored.key}"
    changed = os.open(pages, _NEW, 0o600, dir_fd=scratch)
    try:
        os.unlink(pages, dir_fd=scratch)
        objects.fetch(store, part.stored, part.about, changed, progress)
        image = increment.apply(file, changed, where, digest)
    finally:
        os.close(changed)
    if image.digest != part.about.digest:
        raise ObjectDamaged("a backup is not what was stored", where=where)


# -- coming to a place ----------------------------------------------------------------------------


def free_name(name: bytes, about: About) -> bytes:
    """Return what a database is called beside the one that it was: ``chat.restored-….db``."""
    when = datetime.fromtimestamp(about.taken_ns // 10**9, UTC)
    stem, dot, ending = name.rpartition(b".")
    mark = f".restored-{when:%Y%m%dT%H%M%SZ}".encode()
    return stem + mark + dot + ending if stem else name + mark


def is_free(path: bytes) -> bool:
    """Tell whether nothing bears a name, nor would be taken for a log of it."""
    return not any(os.path.lexists(path + ending) for ending in (b"", *LOGS))


def land(scratch: int, name: bytes, path: bytes, about: About) -> list[str]:
    """Copy a file of ours to a place that is free, just as the database was.

    Returns what could not be given to it of what it was besides its content, in words.

    Raises:
        PlaceTaken: something is there, or lies there that would be played back into it.
        FileUnusable: it cannot be made there now.
        ObjectDamaged: our copy is not any more what it was.
    """
    shown = path.decode("utf-8", "backslashreplace")
    directory, _, last = path.rpartition(b"/")
    with blamed(Place(-1, last, shown)):
        parent = os.open(directory or b"/", _DIRECTORY)
    place = Place(parent, last, shown, own_folder=False)
    try:
        require_proper(place)
        with landing(place) as file:
            with blamed(place):
                _copy(scratch, name, file.descriptor, about, shown)
                lacking = give_attributes(file.descriptor, _attributes(about))
            _require_no_log(parent, last, shown)
            file.publish()
        return [*lacking, *file.lacking]
    finally:
        os.close(parent)


def _require_no_log(parent: int, name: bytes, shown: str) -> None:
    """Raise where something lies that SQLite would play back into what comes here."""
    for ending in LOGS:
        try:
            os.stat(name + ending, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            continue
        raise PlaceTaken(
            "a database cannot come to its place",
            where=shown,
            why=f"{ending.decode()} of another database lies there",
            remedy="move that away, or name another place with --to",
        )


def _copy(scratch: int, name: bytes, target: int, about: About, shown: str) -> None:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=scratch)
    hasher, at = blake3(), 0
    try:
        while piece := os.pread(source, PIECE, at):
            hasher.update(piece)
            left = memoryview(piece)
            while left:
                written = os.pwrite(target, left, at)
                left, at = left[written:], at + written
    finally:
        os.close(source)
    if hasher.digest() != about.digest:
        raise ObjectDamaged("what was put together is not the database any more", where=shown)


def _attributes(about: About) -> Attributes:
    return Attributes(
        size=about.size,
        allocated=about.size,
        mode=about.mode,
        uid=about.uid,
        gid=about.gid,
        modified_ns=about.modified_ns,
        accessed_ns=about.modified_ns,
    )
