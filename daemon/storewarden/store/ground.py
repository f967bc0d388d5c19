"""Where a directory store stands: its marker, the ways below it, and who may publish a key.

A disk that is not mounted leaves an empty directory behind, which takes files like any other: they
would fill the wrong disk and be out of sight when the right one is back. So a store has a marker
that only ``prepare`` writes, and without it nothing is read or written.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from storewarden.errors import StoreRefused, StoreUnavailable
from storewarden.store.disk import DIRECTORY, Disk
from storewarden.store.half import Half
from storewarden.store.key import is_proper
from storewarden.store.reading import content

OURS: Final = b".storewarden"
_HALF: Final = b"half"  # what is being written
_MARKER: Final = b"store"
_LOCKS: Final = b"locks"
_LARGEST_MARKER: Final = 4096
_PAUSE: Final = 0.01
_PAUSES: Final = 3000  # half a minute, for what takes milliseconds


class Ground(NamedTuple):
    """A store that is there: its directory, opened once for one call."""

    disk: Disk
    root: int
    identity: str


@contextlib.contextmanager
def enter(disk: Disk, path: str, store: str) -> Iterator[Ground]:
    """Open a store's directory.

    Raises:
        StoreUnavailable: it is not there, or is not the store.
        StoreRefused: it is no directory.
        OSError: it cannot be opened or read.
    """
    root = _open_root(disk, path, store)
    try:
        identity = _read_marker(disk, root)
        if identity is None:
            raise StoreUnavailable(
                "a store has no marker",
                where=f"{store}: {path}",
                why="its disk is not mounted, or it was never prepared",
                remedy="mount its disk; a new store is prepared first",
            )
        yield Ground(disk, root, identity)
    finally:
        disk.close(root)


def identity(disk: Disk, path: str, store: str) -> str:
    """Return what tells a store from any other, "" for a directory that is none."""
    root = _open_root(disk, path, store)
    try:
        return _read_marker(disk, root) or ""
    finally:
        disk.close(root)


def prepare(disk: Disk, path: str, store: str) -> str:
    """Make a directory a store, unless it is one; return its identity."""
    root = _open_root(disk, path, store)
    with contextlib.ExitStack() as stack:
        stack.callback(disk.close, root)
        ours = _made(disk, root, OURS)
        stack.callback(disk.close, ours)
        half = _made(disk, ours, _HALF)
        stack.callback(disk.close, half)
        _write_marker(disk, ours, half)
        disk.sync_directory(ours)
        identity = _read_marker(disk, root)
    if identity is None:
        raise StoreRefused(
            "a store's marker cannot be read",
            where=f"{store}: {path}",
            remedy=f"look at {os.fsdecode(OURS + b'/' + _MARKER)} in it; remove that to begin anew",
        )
    return identity


def open_half(ground: Ground) -> int:
    """Open the directory of what is being written."""
    disk = ground.disk
    ours = disk.open(OURS, DIRECTORY, ground.root)
    try:
        return _made(disk, ours, _HALF)
    finally:
        disk.close(ours)


@contextlib.contextmanager
def alone_with(ground: Ground, key: str, sleep: Callable[[float], None]) -> Iterator[None]:
    """Be the only one, of all threads and processes, that changes what a key names.

    Who holds this and meets an about without its object knows that nobody is about to publish it.
    """
    disk = ground.disk
    ours = disk.open(OURS, DIRECTORY, ground.root)
    try:
        locks = disk.create(_LOCKS, ours, alone=False)
    finally:
        disk.close(ours)
    try:
        byte = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> 2
        for _ in range(_PAUSES):
            if disk.lock(locks, byte):
                break
            sleep(_PAUSE)
        else:
            raise StoreUnavailable(
                "a key is held by another", where=key, why="for too long", remedy="is it stopped?"
            )
        yield
    finally:
        disk.close(locks)


def split(key: str) -> tuple[bytes, bytes]:
    """Return the directory and the name that a key has on the disk."""
    directory, _, name = key.encode().rpartition(b"/")
    return directory, name


def open_way(ground: Ground, directory: bytes) -> int | None:
    """Open a directory below a store, None when there is none."""
    try:
        return ground.disk.open_below(ground.root, directory)
    except FileNotFoundError:
        return None
    except NotADirectoryError:  # an object bears the name of a directory on the way
        return None


def make_way(ground: Ground, directory: bytes) -> int:
    """Open a directory below a store, made where it is missing; durable but for what is in it.

    Every directory on the way is synced, not only a new one: another may have made it a moment
    ago and not have come to syncing it. One that is clean takes 60 µs on ext4.
    """
    disk = ground.disk
    here = disk.open(b".", DIRECTORY, ground.root)
    try:
        for name in filter(None, directory.split(b"/")):
            above, here = here, _made(disk, here, name)
            disk.close(above)
    except BaseException:
        disk.close(here)
        raise
    return here


def take_away_empty(ground: Ground, directory: bytes) -> None:
    """Remove a directory and those above it, as far as they are empty."""
    disk = ground.disk
    with contextlib.suppress(OSError):  # not empty, as a rule
        while directory:
            directory, _, name = directory.rpartition(b"/")
            with contextlib.suppress(FileNotFoundError):  # not made yet, or taken away beside us
                above = disk.open_below(ground.root, directory)
                try:
                    disk.rmdir(name, above)
                finally:
                    disk.close(above)


def walk(here: Ground, prefix: str) -> Iterator[tuple[str, int, str]]:
    """Yield all names below the directory of a prefix that are no directories of keys.

    With each come its directory's part of the key and that directory, open; one that is
    empty comes with the name "".
    """
    start, slash, _ = prefix.rpartition("/")
    pending = [start + slash]
    if slash and not is_proper(start + "/x"):
        return
    while pending:
        directory = pending.pop()
        way = open_way(here, directory.rstrip("/").encode())
        if way is None:
            continue
        try:
            empty = True
            for entry in here.disk.scan(way):
                empty = False
                below = f"{directory}{entry.name}/"
                if not entry.is_dir(follow_symlinks=False):
                    yield directory, way, entry.name
                elif is_proper(below + "x") and (
                    below.startswith(prefix) or prefix.startswith(below)
                ):
                    pending.append(below)
            if empty:
                yield directory, way, ""
        finally:
            here.disk.close(way)


def _made(disk: Disk, above: int, name: bytes) -> int:
    """Open a directory, made if it is missing; that it is there is durable."""
    try:
        made = disk.open(name, DIRECTORY, above)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            disk.mkdir(name, above)
        made = disk.open(name, DIRECTORY, above)
    try:
        disk.sync_directory(above)
    except BaseException:
        disk.close(made)
        raise
    return made


def _open_root(disk: Disk, path: str, store: str) -> int:
    where = f"{store}: {path}"
    try:
        return disk.open_root(path)
    except FileNotFoundError as error:
        raise StoreUnavailable(
            "a store's directory is not there", where=where, remedy="mount its disk, or make it"
        ) from error
    except NotADirectoryError as error:
        raise StoreRefused(
            "a store is no directory", where=where, remedy="give the path of a directory"
        ) from error


def _read_marker(disk: Disk, root: int) -> str | None:
    try:
        ours = disk.open(OURS, DIRECTORY, root)
    except FileNotFoundError:
        return None
    try:
        told = json.loads(content(disk, ours, _MARKER, _LARGEST_MARKER))
        return str(uuid.UUID(told["store"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    finally:
        disk.close(ours)


def _write_marker(disk: Disk, ours: int, half: int) -> None:
    written = json.dumps({"storewarden": 1, "store": str(uuid.uuid4())}) + "\n"
    try:
        with Half(disk, half) as marker:
            marker.write(written.encode())
            marker.finish()
            marker.publish(ours, _MARKER)
    except FileExistsError:  # it is a store already, or becomes one beside us
        return
