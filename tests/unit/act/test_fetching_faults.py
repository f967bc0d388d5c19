"""Killed or failed at any call that changes something, no half file has a name; again works."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.copying import copy
from storewarden.act.fetching import fetch
from storewarden.act.kernel import Kernel
from storewarden.act.landing import tidy
from storewarden.errors import FileUnusable
from storewarden.store.memory import MemoryStore
from tests.archived import MADE, MARK, MIB, Root, noise, root_at
from tests.descriptors import held

NAME = b"new/place/file"
CONTENT = noise(2 * MIB + 7)
KILLED = 9
MUTATING = (
    *("mkdir", "pwrite", "ftruncate", "fchown", "fchmod", "setxattr", "removexattr", "utime"),
    *("fsync", "link"),
)
Call = Callable[..., Any]


class Calls:
    """Counts the calls that change something, and does something else at one of them."""

    def __init__(self, patch: pytest.MonkeyPatch, strike: Callable[[Call, Any, Any], Any]) -> None:
        self.made = 0
        self.at = -1
        self._strike = strike
        for name in MUTATING:
            patch.setattr(os, name, self._guarded(getattr(os, name)))
        for name in ("rename", "unlink"):
            patch.setattr(Kernel, name, self._guarded(getattr(Kernel, name)))
        patch.setattr(os, "open", self._opening(os.open))

    def _guarded(self, call: Call) -> Call:
        def guarded(*arguments: Any, **named: Any) -> Any:
            self.made += 1
            if self.made == self.at + 1:
                return self._strike(call, arguments, named)
            return call(*arguments, **named)

        return guarded

    def _opening(self, call: Call) -> Call:
        creating = self._guarded(call)

        def opening(name: bytes, flags: int, *arguments: Any, **named: Any) -> Any:
            creates = flags & os.O_CREAT or flags & os.O_TMPFILE == os.O_TMPFILE
            return (creating if creates else call)(name, flags, *arguments, **named)

        return opening


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for the disk: a process that is killed loses nothing that it wrote."""
    monkeypatch.setattr(os, "fsync", os.fstat)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    with root_at(tmp_path / "root") as root:
        yield root


@pytest.fixture(
    params=[
        *("unnamed", "named of a sparse file"),
        pytest.param("unnamed of a sparse file", marks=pytest.mark.soak),
        pytest.param("named", marks=pytest.mark.soak),
    ]
)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stand in for a file system that makes no files without a name."""
    real = os.open

    def refusing(name: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(name, flags, mode, dir_fd=dir_fd)

    if request.param.startswith("named"):
        monkeypatch.setattr(os, "open", refusing)
    way: str = request.param
    return way


@pytest.fixture
def key(way: str, root: Root, store: MemoryStore) -> str:
    path = root.path(root.write(b"file", CONTENT))
    if way.endswith("sparse file"):
        os.truncate(path, 6 * MIB)
    os.setxattr(path, b"user.rating", b"5")
    os.chmod(path, 0o640)
    os.utime(path, ns=(-7, 1_234_567_890_123_456_789))
    return copy(root.source(b"file"), store, MARK, MADE).stored.key


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("cold")


def whole(root: Root) -> bool:
    """Tell whether the file is at its place; fail if what is there is not it."""
    if NAME not in root.names():
        return False
    status, was = root.status(NAME), root.status(b"file")
    assert root.read(NAME) == root.read(b"file")
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert (status.st_mtime_ns, status.st_uid) == (was.st_mtime_ns, was.st_uid)
    assert os.getxattr(root.path(NAME), b"user.rating") == b"5"
    assert status.st_nlink == 1
    return True


def strangers(root: Root) -> list[bytes]:
    expected = {b"file", b"new", b"new/place", NAME, b".storewarden", b".storewarden/tmp"}
    return [name for name in root.names() if name not in expected]


def again(root: Root, store: MemoryStore, key: str) -> None:
    """Fetch once more, all being well, and take away what came of it."""
    fetch(store, key, root.place(NAME))
    assert whole(root)
    tidy(root.descriptor, 1 << 62)
    assert strangers(root) == []
    os.unlink(root.path(NAME))
    os.removedirs(root.path(b"new/place"))


def die_before(_call: Call, _arguments: Any, _named: Any) -> None:
    os._exit(KILLED)


def die_after(call: Call, arguments: Any, named: Any) -> None:
    try:
        call(*arguments, **named)
    finally:
        os._exit(KILLED)


def die_half_written(call: Call, arguments: Any, named: Any) -> None:
    if len(arguments) > 1 and isinstance(arguments[1], memoryview):
        call(arguments[0], arguments[1][: len(arguments[1]) // 2], *arguments[2:], **named)
    os._exit(KILLED)


@pytest.mark.parametrize("strike", [die_before, die_after, die_half_written])
def test_a_kill_at_any_call_leaves_no_half_file_under_a_name(
    root: Root,
    store: MemoryStore,
    way: str,
    key: str,
    strike: Callable[[Call, Any, Any], Any],
) -> None:
    points = 0
    while killed_at(points, strike, root, store, key):
        points += 1
        there = whole(root)
        left = strangers(root)
        assert left == [] or way.startswith("named")
        assert all(name.startswith(b".storewarden/tmp/.storewarden-coming-") for name in left)
        fetched = fetch(store, key, root.place(NAME))
        assert fetched.there_already == there
        again(root, store, key)
    assert points >= 15
    again(root, store, key)


def killed_at(
    point: int,
    strike: Callable[[Call, Any, Any], Any],
    root: Root,
    store: MemoryStore,
    key: str,
) -> bool:
    """Fetch in a child that is killed at its call of that number; false if it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            calls = Calls(pytest.MonkeyPatch(), strike)
            calls.at = point
            fetch(store, key, root.place(NAME))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}
    return code == KILLED


@pytest.mark.parametrize(
    "number",
    [
        *(errno.EIO, errno.EACCES),
        *(pytest.param(one, marks=pytest.mark.soak) for one in (errno.ENOSPC, errno.EDQUOT)),
        *(pytest.param(one, marks=pytest.mark.soak) for one in (errno.EROFS, errno.EMFILE)),
    ],
)
def test_an_error_at_any_call_leaves_no_half_file_and_is_told(
    root: Root,
    store: MemoryStore,
    way: str,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    def fail(_call: Call, _arguments: Any, _named: Any) -> None:
        raise OSError(number, os.strerror(number))

    descriptors = held()
    for point in range(1000):
        with monkeypatch.context() as patch:
            calls = Calls(patch, fail)
            calls.at = point
            told, lacking = outcome(root, store, key)
        if calls.made <= point:
            break
        assert told, f"call {point} failed and nobody was told"
        if NAME in root.names():
            assert root.read(NAME) == root.read(b"file")
        if lacking:
            os.unlink(root.path(NAME))
        assert held() == descriptors
        again(root, store, key)
    assert point >= 15
    again(root, store, key)


def outcome(root: Root, store: MemoryStore, key: str) -> tuple[bool, bool]:
    """Return whether a fetch told of trouble, and whether it made a file that lacks something."""
    try:
        fetched = fetch(store, key, root.place(NAME))
    except FileUnusable:
        return True, False
    assert fetched.lacking or whole(root)
    return bool(fetched.lacking), bool(fetched.lacking)


def test_short_writes_are_written_on(
    root: Root, store: MemoryStore, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[: 1 + at % 40_001], at))

    again(root, store, key)
