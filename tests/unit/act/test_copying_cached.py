"""What applications have in the page cache stays there; what only we have read goes."""

import os
from pathlib import Path

import pytest

from storewarden.act import cached
from storewarden.act.cached import Wake, is_cached
from storewarden.act.copying import copy
from storewarden.store.memory import MemoryStore
from tests.archived import MADE, MARK, MIB, root_at

SIZE = 20 * MIB


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "root" / "file"
    path.parent.mkdir()
    path.write_bytes(os.urandom(SIZE))
    with path.open("rb") as written:
        os.fsync(written.fileno())
        if not is_cached(written.fileno(), SIZE):
            pytest.skip("this kernel does not tell what is in its page cache")
        os.posix_fadvise(written.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if is_cached(written.fileno(), SIZE):
            pytest.skip("this file system keeps everything in memory")
    return path


def in_the_cache(path: Path) -> bool:
    with path.open("rb") as file:
        return is_cached(file.fileno(), path.stat().st_size)


def archive(path: Path) -> None:
    with root_at(path.parent) as root:
        copy(root.source(b"file"), MemoryStore(), MARK, MADE)


def test_a_file_that_nobody_uses_is_not_in_the_cache_after_it_was_copied(file: Path) -> None:
    archive(file)

    assert not in_the_cache(file)


def test_nor_is_a_small_one(file: Path) -> None:
    os.truncate(file, Wake.STRETCH // 2)

    archive(file)

    assert not in_the_cache(file)


def test_a_file_that_is_in_use_is_in_the_cache_after_it_was_copied(file: Path) -> None:
    file.read_bytes()
    assert in_the_cache(file)

    archive(file)

    assert in_the_cache(file)


def test_a_large_file_never_fills_the_cache(file: Path) -> None:
    with file.open("rb") as read:
        wake = Wake(read.fileno(), SIZE)
        for at in range(0, SIZE, MIB):
            os.pread(read.fileno(), MIB, at)
            wake.passed(at + MIB)
        # All but the last stretch, and what the kernel reads ahead.
        assert not is_cached(read.fileno(), 2 * (Wake.STRETCH + 4 * MIB))
        wake.end()


def test_a_kernel_that_does_not_tell_keeps_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.read_bytes()
    monkeypatch.setattr(cached, "_CACHESTAT", 100_000)  # no such system call

    archive(file)
    monkeypatch.undo()

    assert not in_the_cache(file)


def test_advice_that_is_not_taken_is_no_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fadvise", refused)

    archive(file)
