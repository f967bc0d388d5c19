"""What an index says of a log is checked against the log: whatever stands there, it ends."""

import os
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storewarden.databases.image.frames import Snapshot, Unsteady, snapshot
from tests.applications import application, made


@contextmanager
def log_of(tmp_path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Lend the index and the log of a database in use: 100 rows, then three commits more."""
    path = made(tmp_path / "a.db", "wal")
    changes = [f"UPDATE t SET text = {number} WHERE id = 1" for number in range(3)]
    with application(path, *changes):
        yield (tmp_path / "a.db-shm").read_bytes(), (tmp_path / "a.db-wal").read_bytes()


def seen(tmp_path: Path, shm: bytes, log: bytes) -> Snapshot:
    (tmp_path / "shm").write_bytes(shm)
    (tmp_path / "log").write_bytes(log)
    descriptors = [os.open(tmp_path / name, os.O_RDONLY) for name in ("shm", "log")]
    try:
        return snapshot(*descriptors)
    finally:
        for one in descriptors:
            os.close(one)


def test_the_last_frame_of_a_page_counts(tmp_path: Path) -> None:
    with log_of(tmp_path) as (shm, log):
        found = seen(tmp_path, shm, log)
    (at,) = set(found.places.values())
    assert found.page_size == 4096
    assert at == 32 + 2 * (24 + 4096) + 24
    assert found.pages * 4096 == (tmp_path / "a.db").stat().st_size


def test_a_log_that_was_written_back_is_not_read(tmp_path: Path) -> None:
    with log_of(tmp_path) as (shm, log):
        back = shm[:96] + struct.pack("=I", 3) + shm[100:]
        assert seen(tmp_path, back, log).places == {}


def test_an_index_that_is_being_written_or_a_log_of_another_is_not_believed(
    tmp_path: Path,
) -> None:
    with log_of(tmp_path) as (shm, log):
        for wrong_shm, wrong_log in (
            (b"", log),
            (shm[:90], log),
            (b"\1" + shm[1:], log),  # its two copies differ
            (bytes(len(shm)), log),
            (shm, log[:32]),
            (shm, log[:40] + b"\0" * 8 + log[48:]),  # the salts of another log
            (shm, log[: 32 + 2 * 4120 + 4] + bytes(4) + log[32 + 2 * 4120 + 8 :]),  # no commit
        ):
            with pytest.raises(Unsteady):
                seen(tmp_path, wrong_shm, wrong_log)


def test_whatever_stands_in_them_it_ends(tmp_path: Path) -> None:
    draw = random.Random(5)
    with log_of(tmp_path) as (shm, log):
        for _ in range(300):
            odd = bytearray(shm[:48])
            for _ in range(draw.randrange(1, 6)):
                odd[draw.randrange(48)] = draw.randrange(256)
            try:
                seen(tmp_path, bytes(odd) * 2 + shm[96:], log)
            except Unsteady:
                continue
