"""Objects as files below a directory: on another disk, on a server that is mounted here.

An object lies at its key; beside it, with ``.about`` after its name, what it tells of itself. Both
are written out of sight in ``.storewarden/half``, synced, and only then named: the about first.
So what can be seen is whole, and an about without its object is something half done: of a put
that was killed, or of a removal, which takes the object first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StoreUnavailable,
)
from storewarden.store import ground
from storewarden.store.contract import Entry, Opened, Reader, Space, Store, Stored, Telling
from storewarden.store.disk import DISK, Disk, blamed
from storewarden.store.ground import Ground
from storewarden.store.half import LARGEST_TOLD, Half, Told
from storewarden.store.key import ABOUT, is_proper, refuse_improper, refuse_large
from storewarden.store.reading import OpenedFile, content, open_from

_ABOUT: Final = ABOUT.encode()
_PIECE: Final = 1 << 20
_ATTEMPTS: Final = 16  # a removal beside us may take away the directory that we just made
_TRIAL: Final = b"Every byte that is stored is read again before anything is removed."


class DirectoryStore(Store):
    """A store in a directory that `prepare` made one."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        identity: str = "",
        disk: Disk = DISK,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Touch nothing.

        Args:
            name: of the store, for messages.
            path: of its directory.
            identity: what `prepare` returned when it was first used. Without it the store that is
                met first is the one; another one there, later, is refused in any case.
            disk: what does the work.
            sleep: for waiting until another is done with the same key.
        """
        self.name = name
        self._path = path
        self._identity = identity
        self._disk = disk
        self._sleep = sleep

    def prepare(self) -> str:
        """Make the directory a store for ever, unless it is one, and return its identity.

        To be called when a person says that there shall be a store, and not at every start: a
        directory whose disk is not mounted would be made one.
        """
        with self._blamed("a store cannot be prepared"):
            if not self._identity:
                ground.prepare(self._disk, self._path, self.name)
            with self._entered() as here:
                return here.identity

    def identity(self) -> str:
        """Return what tells the store from any other, "" when its directory was made none yet."""
        with self._blamed("it cannot be seen which store it is"):
            return ground.identity(self._disk, self._path, self.name)

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        refuse_improper(key, self.name)
        with ExitStack() as stack:
            with self._blamed("an object cannot be stored", key):
                here = stack.enter_context(self._entered())
                self._refuse_taken(here, key)
                half = ground.open_half(here)
                stack.callback(self._disk.close, half)
                written = stack.enter_context(Half(self._disk, half))
            # What the source raises is its own, be it an OSError: it is not blamed on the store.
            while piece := source.read(_PIECE):
                with self._blamed("an object cannot be stored", key):
                    written.write(piece)
            telling = about()
            refuse_large(telling, key, self.name)
            with self._blamed("an object cannot be stored", key):
                written.finish()
                told = stack.enter_context(Half(self._disk, half))
                told.write(Told(telling, written.bytes).written())
                told.finish()
                return self._publish(here, key, written, told)

    def find(self, key: str) -> Stored | None:
        """Return an object, None when there is none; what is found is durable.

        Who put it may have been killed just before it was: without the directory being synced
        here, a power cut could take away what somebody relies on having found.
        """
        refuse_improper(key, self.name)
        with self._blamed("an object cannot be looked for", key), ExitStack() as stack:
            here = stack.enter_context(self._entered())
            way = self._way(here, key, stack)
            if way is None:
                return None
            found = self._look(way, key)
            self._disk.sync_directory(way)
            return found and _stored(key, found)

    def about(self, key: str) -> bytes:
        refuse_improper(key, self.name)
        with self._blamed("an object cannot be looked for", key), ExitStack() as stack:
            here = stack.enter_context(self._entered())
            way = self._way(here, key, stack)
            if way is None or self._look(way, key) is None:
                raise self._missing(key)
            told = self._told(way, key)
        if told is None:
            raise ObjectDamaged(
                "an object does not tell of itself what it once did",
                where=self._where(key),
                why=f"what lies beside it in {ABOUT} is missing or was changed",
            )
        return told.about

    def open(self, key: str, offset: int = 0) -> Opened:
        """Return an object for reading from its disk; it has to be as long as it was put."""
        refuse_improper(key, self.name)
        with self._blamed("an object cannot be opened", key), ExitStack() as stack:
            here = stack.enter_context(self._entered())
            way = self._way(here, key, stack)
            if way is None or self._look(way, key) is None:
                raise self._missing(key)
            told = self._told(way, key)
            try:
                descriptor = open_from(self._disk, way, ground.split(key)[1], offset)
            except FileNotFoundError as error:  # removed a moment ago
                raise self._missing(key) from error
            return OpenedFile(self._disk, descriptor, offset, told and told.size, self._where(key))

    def list(self, prefix: str = "") -> Iterator[Entry]:
        with self._blamed("a store cannot be listed"), self._entered() as here:
            for directory, way, name in ground.walk(here, prefix):
                key = directory + name
                if not key.startswith(prefix) or not is_proper(key):
                    continue
                found = self._status(way, name.encode())
                if found is not None and _is_file(found):
                    yield Entry(key, found.st_size, found.st_mtime_ns)

    def remove(self, stored: Stored) -> bool:
        key = stored.key
        refuse_improper(key, self.name)
        with self._blamed("an object cannot be removed", key), ExitStack() as stack:
            here = stack.enter_context(self._entered())
            stack.enter_context(ground.alone_with(here, key, self._sleep))
            way = self._way(here, key, stack)
            if way is None:
                return False
            found = self._look(way, key)
            if found is not None:
                if _stored(key, found) != stored:
                    raise ObjectExists(
                        "another object bears the key of one to remove", where=self._where(key)
                    )
                self._disk.unlink(ground.split(key)[1], way)
                self._disk.sync_directory(way)
            self._drop_about(way, key)
            self._disk.sync_directory(way)
            ground.take_away_empty(here, ground.split(key)[0])
            return found is not None

    def sweep(self, before_ns: int) -> int:
        with self._blamed("a store cannot be swept"), self._entered() as here:
            return self._sweep_half(here, before_ns) + self._sweep_abouts(here, before_ns)

    def space(self) -> Space | None:
        with self._blamed("the room in a store is not known"), self._entered() as here:
            told = self._disk.space(here.root)
        return Space(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize)

    def check(self) -> None:
        with self._blamed("a store cannot be used"), ExitStack() as stack:
            here = stack.enter_context(self._entered())
            half = ground.open_half(here)
            stack.callback(self._disk.close, half)
            self._disk.refuse_unwritable(here.root)
            if self._disk.fstat(half).st_dev != self._disk.fstat(here.root).st_dev:
                raise OSError(errno.EXDEV, "its .storewarden lies on another file system")
            trial = stack.enter_context(Half(self._disk, half))
            stack.callback(trial.take_back)
            stack.enter_context(ground.alone_with(here, trial.name.decode(), self._sleep))
            trial.write(_TRIAL)
            trial.finish()
            name = b"check-" + trial.name
            trial.publish(half, name)
            self._disk.sync_directory(half)
            if content(self._disk, half, name, len(_TRIAL) + 1) != _TRIAL:
                raise ObjectDamaged(
                    "a store gives back what was not put",
                    where=self._where(),
                    remedy="do not use it: its disk or its file system is broken",
                )

    def _publish(self, here: Ground, key: str, written: Half, told: Half) -> Stored:
        with ground.alone_with(here, key, self._sleep):
            try:
                for _ in range(_ATTEMPTS):
                    with contextlib.suppress(FileNotFoundError):
                        return self._name(here, key, written, told)
            except BaseException as error:
                ground.take_away_empty(here, ground.split(key)[0])
                if isinstance(error, FileExistsError):
                    raise self._taken(key) from error
                raise
        raise StoreUnavailable(
            "an object cannot be stored",
            where=self._where(key),
            why="what is written for it, or its directory, is taken away again and again",
            remedy="who else removes files there?",
        )

    def _name(self, here: Ground, key: str, written: Half, told: Half) -> Stored:
        """Name what an object tells and then the object, durably; or neither."""
        directory, name = ground.split(key)
        way = ground.make_way(here, directory)
        try:
            if self._status(way, name) is not None:
                raise self._taken(key)
            self._drop_about(way, key)  # of a put that was killed: nobody else is at this key
            told.publish(way, name + _ABOUT)
            self._disk.sync_directory(way)
            written.publish(way, name)
            self._disk.sync_directory(way)
            return _stored(key, self._disk.stat(name, way))
        except BaseException:
            # Not known to be durable, it must not be found: the object goes first.
            with contextlib.suppress(OSError):
                written.take_back()
                told.take_back()
            raise
        finally:
            self._disk.close(way)

    def _sweep_half(self, here: Ground, before_ns: int) -> int:
        half = ground.open_half(here)
        try:
            swept = 0
            for name in [os.fsencode(entry.name) for entry in self._disk.scan(half)]:
                found = self._status(half, name)
                if found is not None and _is_file(found) and _latest_ns(found) < before_ns:
                    self._disk.unlink(name, half)
                    swept += 1
            return swept
        finally:
            self._disk.close(half)

    def _sweep_abouts(self, here: Ground, before_ns: int) -> int:
        swept = 0
        for directory, way, name in ground.walk(here, ""):
            key = (directory + name).removesuffix(ABOUT)
            if not name:
                if directory and _latest_ns(self._disk.fstat(way)) < before_ns:
                    ground.take_away_empty(here, directory.rstrip("/").encode())
            elif key != directory + name and is_proper(key) and self._is_lone(way, key, before_ns):
                with ground.alone_with(here, key, self._sleep):
                    if not self._is_lone(way, key, before_ns):
                        continue
                    self._drop_about(way, key)
                    swept += 1
                ground.take_away_empty(here, directory.rstrip("/").encode())
        return swept

    def _is_lone(self, way: int, key: str, before_ns: int) -> bool:
        """Tell whether an old about of ours lies where nothing bears its object's name."""
        name = ground.split(key)[1]
        told = self._status(way, name + _ABOUT)
        return (
            self._status(way, name) is None
            and told is not None
            and _is_file(told)
            and _latest_ns(told) < before_ns
            and self._told(way, key) is not None  # a person may call a file so
        )

    @contextlib.contextmanager
    def _entered(self) -> Iterator[Ground]:
        with ground.enter(self._disk, self._path, self.name) as here:
            if self._identity not in {"", here.identity}:
                raise StoreUnavailable(
                    "another store lies where one was",
                    where=self._where(),
                    why=f"its marker says {here.identity} and not {self._identity}",
                    remedy="mount the disk of the one that is meant",
                )
            self._identity = here.identity
            yield here

    def _way(self, here: Ground, key: str, stack: ExitStack) -> int | None:
        way = ground.open_way(here, ground.split(key)[0])
        if way is not None:
            stack.callback(self._disk.close, way)
        return way

    def _status(self, way: int, name: bytes) -> os.stat_result | None:
        try:
            return self._disk.stat(name, way)
        except FileNotFoundError:
            return None

    def _look(self, way: int, key: str) -> os.stat_result | None:
        """Return what lies at a key's name; a directory there is none of ours to tell of."""
        found = self._status(way, ground.split(key)[1])
        if found is None or stat.S_ISDIR(found.st_mode):
            return None
        if not _is_file(found):
            raise ObjectDamaged(
                "a key is borne by what is no object",
                where=self._where(key),
                why="it is no regular file",
                remedy="look who put it there, and remove it",
            )
        return found

    def _refuse_taken(self, here: Ground, key: str) -> None:
        with ExitStack() as stack:
            way = self._way(here, key, stack)
            if way is not None and self._status(way, ground.split(key)[1]) is not None:
                raise self._taken(key)

    def _told(self, way: int, key: str) -> Told | None:
        name = ground.split(key)[1] + _ABOUT
        found = self._status(way, name)
        if found is None or not _is_file(found):
            return None
        with contextlib.suppress(FileNotFoundError):  # removed a moment ago
            return Told.read(content(self._disk, way, name, LARGEST_TOLD))
        return None

    def _drop_about(self, way: int, key: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._disk.unlink(ground.split(key)[1] + _ABOUT, way)

    def _blamed(self, what: str, key: str = "") -> contextlib.AbstractContextManager[None]:
        return blamed(what, self._where(key))

    def _where(self, key: str = "") -> str:
        return f"{self.name}: {key or self._path}"

    def _taken(self, key: str) -> ObjectExists:
        return ObjectExists("the key is taken", where=self._where(key))

    def _missing(self, key: str) -> ObjectMissing:
        return ObjectMissing("there is no such object", where=self._where(key))


def _stored(key: str, found: os.stat_result) -> Stored:
    """Tell an object from any other at its key.

    The number of the device is not among it: it is another one after many a mount, of network
    file systems and btrfs above all. That it is the same disk is told by the store's marker.
    """
    fields = found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return Stored(key, found.st_size, "-".join(f"{field:x}" for field in fields))


def _is_file(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode)


def _latest_ns(found: os.stat_result) -> int:
    return max(found.st_mtime_ns, found.st_ctime_ns)
