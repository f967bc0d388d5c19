"""What a power cut may leave of whole acts: every state that a journalling file system allows.

As in ``powercut``, nothing is promised of what was not synced: a name may be given or taken away or
not, each by itself; of what was written there may be nothing, some, all, or zeros of its length.
But a rename is one thing, as on ext4, XFS and Btrfs: no program could trash a file without that.
A name in a directory that is not there itself is nowhere.

What is left is made on the real disk, with the real inodes: what was removed had only gone aside.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from storewarden.act.identity import Identity
from tests.syscalls import Call, Dying

Name = tuple[int, bytes]  # in a directory, by its inode
Names = dict[Name, int]
_stat, _fstat, _listdir, _lseek = os.stat, os.fstat, os.listdir, os.lseek
_open, _close, _rename, _pwrite, _ftruncate = os.open, os.close, os.rename, os.pwrite, os.ftruncate
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ENUMERATED: Final = 10  # names that are loose: all their subsets; of more, some by chance
_PARTS: Final = 150  # at whose ends what was written may end


class Moved(NamedTuple):
    """An inode lost a name, got one, or both at once."""

    inode: int
    taken: Name | None = None
    given: Name | None = None


class Wrote(NamedTuple):
    """Bytes came to a file; or, without any, it got a size."""

    inode: int
    at: int
    data: bytes | None


class Synced(NamedTuple):
    inode: int


class State(NamedTuple):
    """What may be on the disk after a cut."""

    names: Names
    contents: dict[int, bytes]  # of the files that were not wholly synced
    moved: frozenset[int]  # inodes that a rename or a new name is known of

    def reachable(self, tops: tuple[int, ...]) -> set[Name]:
        """Return the names that somebody finds who looks from the tops on."""
        found: set[Name] = set()
        pending, below = list(tops), self._below()
        while pending:
            for name in below.get(pending.pop(), ()):
                found.add(name)
                pending.append(self.names[name])
        return found

    def _below(self) -> dict[int, list[Name]]:
        below: dict[int, list[Name]] = {}
        for name in self.names:
            below.setdefault(name[0], []).append(name)
        return below


class Cutting(Dying):
    """Remembers what is done to some directories, until the power fails before the N-th call."""

    def __init__(self, at: int, tops: tuple[Path, ...], aside: Path) -> None:
        super().__init__(at)
        self.done: list[Moved | Wrote | Synced] = []
        self.before_all: Names = {}
        self.files: dict[int, bytes] = {}  # as they were before, durable
        self.times: dict[int, int] = {}
        self.held: dict[int, int] = {}  # directories, open
        self.tops = tuple(_stat(top).st_ino for top in tops)
        for top in tops:
            self._learn(os.fsencode(top))
        aside.mkdir()
        self.aside = _open(aside, _DIRECTORY)
        self._new = False

    def _learn(self, directory: bytes) -> None:
        here = _stat(directory).st_ino
        self.held[here] = _open(directory, _DIRECTORY)
        for name in os.listdir(directory):
            place = os.path.join(directory, name)
            status = _stat(place)
            self.before_all[here, name] = status.st_ino
            self.times[status.st_ino] = status.st_ctime_ns
            if stat.S_ISDIR(status.st_mode):
                self._learn(place)
            else:
                with open(place, "rb") as file:
                    self.files[status.st_ino] = file.read()

    def close(self) -> None:
        for descriptor in (*self.held.values(), self.aside):
            _close(descriptor)

    # -- while the act goes on ------------------------------------------------------------------

    def before(self, call: Call) -> Call:
        call = super().before(call)
        if call.name == "open" and call.changing:
            self._new = bool(call.arguments[1] & os.O_CREAT) and not _exists(call)
        return call

    def make(self, call: Call, done: Callable[..., Any]) -> Any:
        if call.name not in {"unlink", "rmdir"}:
            return super().make(call, done)
        name, directory = _place(call)
        status = _stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode) != (call.name == "rmdir"):
            raise OSError(errno.EISDIR if call.name == "unlink" else errno.ENOTDIR, "not that")
        if call.name == "rmdir" and _listdir(self.held[status.st_ino]):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        self.done.append(Moved(status.st_ino, (_fstat(directory).st_ino, name), None))
        _rename(name, b"%d" % status.st_ino, src_dir_fd=directory, dst_dir_fd=self.aside)
        return None

    def behind(self, call: Call, result: Any) -> None:
        if call.name == "open" and self._new:
            self._new = False
            self._named(*_place(call))
        elif call.name == "mkdir":
            name, directory = _place(call)
            self._named(name, directory)
            made = _open(name, _DIRECTORY, dir_fd=directory)
            self.held[_fstat(made).st_ino] = made
        elif call.name == "link":
            self._named(call.arguments[1], call.more["dst_dir_fd"])
        elif call.name == "rename":
            old_fd, old, new_fd, new = call.arguments
            inode = _stat(new, dir_fd=new_fd, follow_symlinks=False).st_ino
            taken, given = (_fstat(old_fd).st_ino, old), (_fstat(new_fd).st_ino, new)
            self.done.append(Moved(inode, taken, given))
        elif call.name == "fsync":
            self.done.append(Synced(_fstat(call.arguments[0]).st_ino))
        else:
            self._wrote(call, result)

    def _wrote(self, call: Call, result: Any) -> None:
        if call.name == "write":
            descriptor, data = call.arguments
            at = _lseek(descriptor, 0, os.SEEK_CUR) - result
        elif call.name == "pwrite":
            descriptor, data, at = call.arguments
        elif call.name == "ftruncate":
            descriptor, at = call.arguments
            data = result = None
        else:
            return
        inode = _fstat(descriptor).st_ino
        self.done.append(Wrote(inode, at, None if data is None else bytes(data[:result])))

    def _named(self, name: bytes, directory: int) -> None:
        inode = _stat(name, dir_fd=directory, follow_symlinks=False).st_ino
        self.done.append(Moved(inode, None, (_fstat(directory).st_ino, name)))

    # -- what is left ---------------------------------------------------------------------------

    def sure(self) -> tuple[Names, list[Moved], dict[int, list[Wrote]], dict[int, list[Wrote]]]:
        """Return the names that are durable, those that are loose, and so with what was written."""
        names, loose = dict(self.before_all), list[Moved]()
        kept: dict[int, list[Wrote]] = {}
        open_yet: dict[int, list[Wrote]] = {}
        for done in self.done:
            match done:
                case Moved():
                    loose.append(done)
                case Wrote():
                    open_yet.setdefault(done.inode, []).append(done)
                case Synced(inode):
                    kept.setdefault(inode, []).extend(open_yet.pop(inode, ()))
                    names, loose = _flushed(names, loose, inode)
        return names, loose, kept, open_yet

    def states(self, chance: random.Random, most: int) -> Iterator[State]:
        """Yield what may be left, each state once: what is likeliest first, at most so many."""
        names, loose, kept, open_yet = self.sure()
        variants = {
            inode: list(_variants(self.files.get(inode, b""), kept.get(inode, []), wrote))
            for inode, wrote in open_yet.items()
        }
        seen: set[tuple[object, object]] = set()
        tries = 0
        for subset in _subsets(loose, chance):
            given, moved = dict(names), set(self._known_moved(loose))
            for one in subset:
                if _apply(given, one):
                    moved.add(one.inode)
            which = frozenset(given.items())
            for number in range(max(map(len, variants.values()), default=1)):
                contents = {
                    inode: each[number] if number < len(each) else chance.choice(each)
                    for inode, each in variants.items()
                }
                tries += 1
                if len(seen) == most or tries > 3 * most:
                    return
                if (key := (which, frozenset(contents.items()))) not in seen:
                    seen.add(key)
                    yield State(given, contents, frozenset(moved))

    def _known_moved(self, loose: list[Moved]) -> Iterator[int]:
        for done in self.done:
            if isinstance(done, Moved) and done not in loose:
                yield done.inode

    def whole(self) -> dict[int, bytes]:
        """Return the contents of all files when nothing is lost of them."""
        wrote: dict[int, list[Wrote]] = {}
        for done in self.done:
            if isinstance(done, Wrote):
                wrote.setdefault(done.inode, []).append(done)
        return self.files | {
            inode: _written(self.files.get(inode, b""), each) for inode, each in wrote.items()
        }

    # -- on the disk ----------------------------------------------------------------------------

    @contextmanager
    def left(self, state: State) -> Iterator[None]:
        """Make the disk what is left, with the times that its files had."""
        now = dict(self.before_all)
        for done in self.done:
            if isinstance(done, Moved):
                _apply(now, done)
        lying = set(self._aside_now())
        for (directory, name), inode in now.items():
            if state.names.get((directory, name)) != inode:
                _rename(
                    *(name, b"%d" % inode), src_dir_fd=self.held[directory], dst_dir_fd=self.aside
                )
                lying.add(inode)
        times = {}
        for (directory, name), inode in state.names.items():
            if now.get((directory, name)) != inode:
                assert inode in lying, "a file can only be at one place"
                before = _stat(b"%d" % inode, dir_fd=self.aside, follow_symlinks=False)
                _rename(
                    *(b"%d" % inode, name), src_dir_fd=self.aside, dst_dir_fd=self.held[directory]
                )
                after = _stat(name, dir_fd=self.held[directory], follow_symlinks=False)
                known = before.st_ctime_ns if inode in state.moved else self.times.get(inode)
                times[inode, after.st_ctime_ns] = known or before.st_ctime_ns
        for (directory, name), inode in state.names.items():
            if inode in state.contents:
                self._fill(directory, name, state.contents[inode])
        with _timed(times):
            yield

    def _aside_now(self) -> Iterator[int]:
        for name in _listdir(self.aside):
            yield int(name)

    def _fill(self, directory: int, name: bytes, content: bytes) -> None:
        descriptor = _open(name, os.O_RDWR, dir_fd=self.held[directory])
        try:
            there = os.pread(descriptor, len(content) + 1, 0)
            if there != content:
                _ftruncate(descriptor, len(content))
                _pwrite(descriptor, content, 0)
        finally:
            _close(descriptor)


def _variants(base: bytes, kept: list[Wrote], wrote: list[Wrote]) -> Iterator[bytes]:
    """Yield what may be in a file of which something was not synced: all, nothing, some, zeros."""
    sure = _written(base, kept)
    whole = _written(sure, wrote)
    yield whole
    yield sure
    yield sure + bytes(max(len(whole) - len(sure), 0))
    for at, _ in enumerate(wrote):
        yield _written(sure, wrote[:at])
        yield _written(sure, wrote[:at] + wrote[at + 1 :])
    for part in range(1, _PARTS):
        cut = len(whole) * part // _PARTS
        yield whole[:cut]
        yield whole[:cut] + bytes(len(whole) - cut)
        yield bytes(cut) + whole[cut:]


def _written(base: bytes, wrote: list[Wrote]) -> bytes:
    content = bytearray(base)
    for one in wrote:
        end = one.at + len(one.data or b"")
        content.extend(bytes(max(end - len(content), 0)))
        if one.data is None:
            del content[one.at :]
        else:
            content[one.at : end] = one.data
    return bytes(content)


def _apply(names: Names, one: Moved) -> bool:
    """Do it, if what it is done to is there."""
    if one.taken is not None and names.get(one.taken) != one.inode:
        return False
    if one.given is not None and names.get(one.given, one.inode) != one.inode:
        return False
    if one.taken is not None:
        del names[one.taken]
    if one.given is not None:
        names[one.given] = one.inode
    return True


def _flushed(names: Names, loose: list[Moved], synced: int) -> tuple[Names, list[Moved]]:
    """Return what is sure, and what is loose, when a directory was synced, or a file.

    With a name comes what happened to the same file before.
    """
    met = {one.inode for one in loose if synced in _directories(one)}
    last = {
        inode: max(
            at for at, one in enumerate(loose) if one.inode == inode and synced in _directories(one)
        )
        for inode in met
    }
    left = []
    for at, one in enumerate(loose):
        if one.inode in last and at <= last[one.inode]:
            _apply(names, one)
        else:
            left.append(one)
    return names, left


def _directories(one: Moved) -> set[int]:
    return {place[0] for place in (one.taken, one.given) if place is not None}


def _subsets(loose: list[Moved], chance: random.Random) -> Iterator[list[Moved]]:
    """Yield what may have come to the disk of what is loose: all, nothing, and what is between."""
    yield loose
    yield []
    for at in range(1, len(loose)):
        yield loose[:at]
    if len(loose) <= _ENUMERATED:
        choices = list(itertools.product((False, True), repeat=len(loose)))
        chance.shuffle(choices)
        for chosen in choices:
            yield [one for one, kept in zip(loose, chosen, strict=True) if kept]
        return
    while True:
        yield [one for one in loose if chance.random() < 0.5]


@contextmanager
def _timed(times: dict[tuple[int, int], int]) -> Iterator[None]:
    """Let files have the times they had before the test put them where they are."""
    real = Identity.of

    def of(status: os.stat_result) -> Identity:
        found = real(status)
        return found._replace(
            changed_ns=times.get((found.inode, found.changed_ns), found.changed_ns)
        )

    Identity.of = of  # type: ignore[method-assign]
    try:
        yield
    finally:
        Identity.of = real  # type: ignore[method-assign]


def _place(call: Call) -> tuple[bytes, int]:
    return os.fsencode(call.arguments[0]), call.more["dir_fd"]


def _exists(call: Call) -> bool:
    name, directory = _place(call)
    try:
        _stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True
