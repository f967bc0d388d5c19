"""An image is being taken, or laid over another, and a call fails or the process ends there.

Whatever call that is: the application's database is as it was, what was backed up before still
comes back, and the next image is whole.
"""

import errno
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from blake3 import blake3

from storewarden.databases.child import run_job
from storewarden.databases.image.increment import apply
from storewarden.errors import ObjectDamaged, StorewardenError
from tests.applications import application, lying, made
from tests.imaging import Ground, ground, rows_of

# The child, in which one call fails as told by its environment, or ends it.
FAULTY: Final = """
import os, sys, threading
from storewarden.databases import child
calls, at, how = 0, int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()
def faulty(name, call):
    def one(*arguments, **more):
        global calls
        with lock:
            calls += 1
            mine = calls == at
        if mine and how == "end":
            os._exit(9)
        if mine:
            raise OSError(int(how), os.strerror(int(how)))
        return call(*arguments, **more)
    return one
for name in ("open", "pread", "preadv", "pwrite", "ftruncate", "fsync", "stat", "fstat", "unlink"):
    setattr(os, name, faulty(name, getattr(os, name)))
try:
    child.main(int(sys.argv[3]))
finally:
    os.write(2, b"calls %d" % calls)
"""
HOWS: Final = (str(errno.EIO), str(errno.ENOSPC), "end")


@contextmanager
def at_rest(path: Path) -> Iterator[None]:
    yield


@contextmanager
def with_a_log(path: Path) -> Iterator[None]:
    with application(path, "PRAGMA journal_mode = wal", "UPDATE t SET text = 2 WHERE id < 9"):
        yield


@contextmanager
def with_a_journal(path: Path) -> Iterator[None]:
    with application(path, "BEGIN IMMEDIATE", "DELETE FROM t"):
        yield


@contextmanager
def left_with_a_log(path: Path) -> Iterator[None]:
    with application(
        path, "PRAGMA journal_mode = wal", "UPDATE t SET text = 2 WHERE id < 9"
    ) as one:
        one.kill()
    yield


@contextmanager
def left_with_a_journal(path: Path) -> Iterator[None]:
    with application(path, "PRAGMA cache_size = 5", "BEGIN", "UPDATE t SET text = 3") as one:
        one.kill()
    yield


Way = Callable[[Path], AbstractContextManager[None]]
WAYS: Final = (at_rest, with_a_log, with_a_journal, left_with_a_log, left_with_a_journal)


class Struck:
    """Images of one database, in each of which one call fails or the process ends."""

    def __init__(self, here: Ground, way: Way, stack: ExitStack) -> None:
        self.here = here
        path = made(here.data / "a.db", "delete", rows=20_000)
        self.base = here.take().digest
        stack.enter_context(way(path))
        self.expected = here.take().digest
        self.before = lying(here.data)

    def noticed(self, at: int, how: str, monkeypatch: pytest.MonkeyPatch) -> bool:
        """Strike at one call; tell whether that was noticed. If not, the image is whole."""
        here = self.here
        del here.backups[1:]
        command = (sys.executable, "-c", FAULTY, str(at), how)
        noticed = False
        with monkeypatch.context() as patched:
            patched.setitem(run_job.__kwdefaults__ or {}, "command", command)
            try:
                here.take(base=self.base if at % 2 else None)
            except StorewardenError:
                noticed = True
        assert lying(here.data) == self.before
        left = list(here.scratch.iterdir())
        assert how == "end" or len(left) <= 1  # where removing it was the call that failed
        for path in left:
            path.unlink()  # as every start does
        assert all(path.name.endswith(".marks") for path in here.marks.iterdir())
        if not noticed:
            whole = self.here.backups[-1][1].kind == "full"
            restored = here.restored(here.backups[1:] if whole else here.backups)
            assert blake3(restored.read_bytes()).digest() == self.expected
            restored.unlink()
        return noticed

    def require_calm(self) -> None:
        """What was backed up before still comes back, and the next image is whole."""
        del self.here.backups[1:]
        assert self.here.take(base=self.base).kind == "increment"
        restored = self.here.restored()
        assert blake3(restored.read_bytes()).digest() == self.expected
        assert self.here.prove(restored).sound


@pytest.mark.parametrize("way", WAYS)
def test_a_fault_at_some_calls_costs_that_image_only(
    tmp_path: Path, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(way.__name__)
    with ground(tmp_path) as here, ExitStack() as stack:
        struck = Struck(here, way, stack)
        points = [(at, how) for how in HOWS for at in draw.sample(range(1, 26), 3)]
        assert sum(struck.noticed(at, how, monkeypatch) for at, how in points) > 0
        struck.require_calm()


@pytest.mark.soak
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("way", WAYS)
def test_a_fault_at_each_call_costs_that_image_only(
    tmp_path: Path, way: Way, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ground(tmp_path) as here, ExitStack() as stack:
        struck = Struck(here, way, stack)
        noticed, at = [False] * 12, 0
        while any(noticed[-12:]) or at < 12:  # until nothing is struck any more
            at += 1
            noticed.append(struck.noticed(at, how, monkeypatch))
        assert sum(noticed) > 5
        struck.require_calm()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_an_increment_that_cannot_be_laid_over_is_laid_over_anew(
    tmp_path: Path, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ground(tmp_path) as here:
        path = made(here.data / "a.db", "delete", rows=20_000)
        base = here.take().digest
        with application(path, "UPDATE t SET text = 5 WHERE id % 500 = 0") as one:
            one.close()
        taken = here.take(base=base)
        (whole, _), (changes, _) = here.backups
        onto = tmp_path / "onto"
        at = 0
        while True:
            at += 1
            onto.write_bytes(whole.read_bytes())
            with onto.open("rb+") as file, changes.open("rb") as more:
                if not _fails_at(at, error, file.fileno(), more.fileno(), monkeypatch):
                    break
                with pytest.raises(ObjectDamaged):  # half of it is in: it is what neither was
                    apply(file.fileno(), more.fileno(), base=taken.digest)
                onto.write_bytes(whole.read_bytes())
                assert apply(file.fileno(), more.fileno(), base=base).digest == taken.digest
        assert at > taken.changed
        assert rows_of(onto) == rows_of(path)


def _fails_at(
    at: int, error: int, onto: int, changes: int, monkeypatch: pytest.MonkeyPatch
) -> bool:
    calls = 0

    def faulty(call: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                raise OSError(error, os.strerror(error))
            return call(*arguments)

        return one

    with monkeypatch.context() as patched:
        for name in ("pread", "pwrite", "ftruncate", "fstat"):
            patched.setattr(os, name, faulty(getattr(os, name)))
        try:
            apply(onto, changes)
        except OSError as raised:
            return raised.errno == error
    return False
