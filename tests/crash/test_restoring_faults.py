"""A database is put together of its backups and comes to its place, and a call fails or all ends.

Whatever call that is: at the place is nothing or all of it, never over anything; what lies in the
store is as it was; and the next try brings it back.
"""

import errno
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from blake3 import blake3

from storewarden.databases import objects, restoring
from storewarden.databases.about import About, Base
from storewarden.errors import PlaceTaken, StorewardenError
from storewarden.store.directory import DirectoryStore
from tests.applications import application, made
from tests.imaging import ground

CALLS: Final = (
    *("open", "read", "pread", "write", "pwrite", "ftruncate", "fsync", "link", "rename"),
    *("mkdir", "unlink", "stat", "fstat", "fchmod", "fchown", "utime", "listdir"),
)
NAME: Final = b"together"

# Brings a database back, and ends at one call.
ENDED: Final = """
import os, sys
from pathlib import Path
from tests.crash.test_restoring_faults import CALLS, bring_back, store_of
calls, at, top = 0, int(sys.argv[1]), Path(sys.argv[2])
def ending(call):
    def one(*arguments, **more):
        global calls
        calls += 1
        if calls == at:
            os._exit(9)
        return call(*arguments, **more)
    return one
for name in CALLS:
    setattr(os, name, ending(getattr(os, name)))
bring_back(store_of(top), sys.argv[3], top)
"""


class Backed:
    """A database with a whole backup and two increments in a store, and a place to come back to."""

    def __init__(self, top: Path) -> None:
        self.top = top
        (top / "store").mkdir()
        (top / "back").mkdir()
        self.store = store_of(top)
        self.store.prepare()
        base: Base | None = None
        with ground(top) as here:
            path = made(here.data / "a.db", "delete", rows=5000)
            for number in range(3):
                with application(path, f"UPDATE t SET text = {number} WHERE id % 90 = 7") as one:
                    one.close()
                taken = here.take(base=base.digest if base else None)
                about = About(
                    host="host",
                    name="a",
                    place=os.fsencode(path),
                    kind=taken.kind,
                    base=base,
                    taken_ns=taken.taken_ns,
                    page_size=taken.page_size,
                    pages=taken.pages,
                    digest=taken.digest,
                    schema_digest=taken.schema_digest,
                    codec="zstd",
                    packed_bytes=0,
                    content_digest=bytes(32),
                    content_bytes=0,
                    mode=0o640,
                    uid=os.getuid(),
                    gid=os.getgid(),
                    modified_ns=1_000_000_000,
                    mark="abcdefghijklmno" + "pqr"[number],
                )
                with here.backups[-1][0].open("rb") as image:
                    _, stored = objects.put(self.store, image.fileno(), about)
                base = Base(stored.key, taken.digest)
            assert base is not None
            self.key = base.key
            self.content = path.read_bytes()
        self.kept = self._kept()

    def _kept(self) -> dict[Path, bytes]:
        found = (self.top / "store").rglob("*")
        return {path: path.read_bytes() for path in found if path.is_file()}

    def require_nothing_half(self) -> bool:
        """Tell whether it came back; if not, nothing of it may bear a name."""
        assert self._kept() == self.kept
        back = self.top / "back"
        names = [path.name for path in back.iterdir() if not path.name.startswith(".storewarden")]
        assert names in ([], ["a.db"])
        if names:
            assert (back / "a.db").read_bytes() == self.content
        return bool(names)

    def require_it_can_come_back(self) -> None:
        """Bring it back, if it did not come; and clear all away for the next try."""
        for path in (self.top / "scratch").iterdir():
            path.unlink()  # as every start does
        if self.require_nothing_half():
            with pytest.raises(PlaceTaken):
                bring_back(self.store, self.key, self.top)
            (self.top / "scratch" / os.fsdecode(NAME)).unlink()
        else:
            bring_back(self.store, self.key, self.top)
        assert self.require_nothing_half()
        for path in (self.top / "back").iterdir():
            path.unlink()
        assert not list((self.top / "scratch").iterdir())


def store_of(top: Path) -> DirectoryStore:
    return DirectoryStore("store", str(top / "store"))


def bring_back(store: DirectoryStore, key: str, top: Path) -> None:
    scratch = os.open(top / "scratch", os.O_RDONLY | os.O_DIRECTORY)
    try:
        parts = restoring.chain(store, key)
        restoring.assemble(store, parts, scratch, NAME)
        restoring.land(scratch, NAME, os.fsencode(top / "back" / "a.db"), parts[-1].about)
        os.unlink(NAME, dir_fd=scratch)
    finally:
        os.close(scratch)


@pytest.fixture
def backed(tmp_path: Path) -> Backed:
    return Backed(tmp_path)


@contextmanager
def failing(at: int, error: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let one call fail; what is yielded is not empty afterwards if it was made."""
    struck: list[str] = []
    calls = 0

    def faulty(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                struck.append(name)
                raise OSError(error, os.strerror(error))
            return call(*arguments, **more)

        return one

    with monkeypatch.context() as patched:
        for name in CALLS:
            patched.setattr(os, name, faulty(name, getattr(os, name)))
        yield struck


def strike(backed: Backed, at: int, error: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Bring it back while one call fails; false when no call was left to fail."""
    with failing(at, error, monkeypatch) as struck:
        try:
            bring_back(backed.store, backed.key, backed.top)
        except (StorewardenError, OSError):
            assert struck
    backed.require_it_can_come_back()
    return bool(struck)


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_a_fault_at_some_calls_leaves_nothing_half(
    backed: Backed, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck = sum(strike(backed, at, error, monkeypatch) for at in range(1 + error % 7, 400, 14))
    assert struck > 5


@pytest.mark.soak
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EINTR])
def test_a_fault_at_each_call_leaves_nothing_half(
    backed: Backed, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1
    while strike(backed, at, error, monkeypatch):
        at += 1
    assert at > 100


def ended(backed: Backed, at: int) -> bool:
    """Bring it back in a process that ends at one call; false when it did not come to that."""
    command = [sys.executable, "-c", ENDED, str(at), str(backed.top), backed.key]
    code = subprocess.run(command, check=False).returncode
    assert code in {0, 9}
    backed.require_it_can_come_back()
    return code == 9


def test_whoever_is_ended_at_some_calls_leaves_nothing_half(backed: Backed) -> None:
    draw = random.Random(7)
    assert sum(ended(backed, at) for at in draw.sample(range(1, 160), 8)) > 3


@pytest.mark.soak
def test_whoever_is_ended_at_each_call_leaves_nothing_half(backed: Backed) -> None:
    at = 1
    while ended(backed, at):
        at += 1
    assert at > 100


def test_what_comes_back_is_what_was_backed_up(backed: Backed) -> None:
    bring_back(backed.store, backed.key, backed.top)
    back = backed.top / "back" / "a.db"
    assert blake3(back.read_bytes()).digest() == blake3(backed.content).digest()
    assert (back.stat().st_mode & 0o7777, back.stat().st_mtime) == (0o640, 1)
