"""What is measured of disks: real files, read past the memory of the kernel, left as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.databases.child import run_job
from storewarden.databases.effect import Figures
from storewarden.databases.feel import figures, waiting


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "a.db").write_bytes(os.urandom(64 << 10))
    (tmp_path / "tiny.db").write_bytes(b"x")
    (tmp_path / "link.db").symlink_to("a.db")
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def felt(directory: int, *paths: bytes, writes: bool = False) -> Figures:
    arguments = {"reads": [(0, path) for path in paths], "writes": [0] if writes else []}
    return figures(run_job("feel", arguments, descriptors=[directory]))


def test_reads_and_synced_writes_are_timed_and_leave_nothing(
    directory: int, tmp_path: Path
) -> None:
    before = sorted(os.listdir(tmp_path))

    found = felt(directory, b"a.db", b"tiny.db", writes=True)

    assert (len(found.reads_ns), len(found.writes_ns)) == (5, 3)
    assert min(found.reads_ns + found.writes_ns) > 0
    assert sorted(os.listdir(tmp_path)) == before


def test_what_cannot_be_opened_is_left_out(directory: int) -> None:
    assert felt(directory, b"gone.db", b"link.db", b"../a.db").reads_ns == ()


def test_the_kernel_is_asked_for_how_much_of_the_time_something_waits(tmp_path: Path) -> None:
    told = tmp_path / "io"
    told.write_text("some avg10=12.50 avg60=1.00 avg300=0.10 total=9\nfull avg10=3.00 avg60=0\n")

    assert waiting(str(told)) == 0.125
    assert waiting(str(tmp_path / "none")) is None
    told.write_text("")
    assert waiting(str(told)) is None
