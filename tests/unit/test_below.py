"""Opening below a root: never through a link, never out of it, however long the path."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden import below
from storewarden.below import open_below, open_directory
from tests.descriptors import held


@pytest.fixture(params=["openat2", "by component"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "by component":
        monkeypatch.setattr(below, "has_openat2", lambda: False)
    elif not below.has_openat2():
        pytest.skip("this kernel has no openat2")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").write_bytes(b"x")
    (tmp_path / "inner").symlink_to("a")
    (tmp_path / "outer").symlink_to("/")
    (tmp_path / "a" / "loop").symlink_to("loop")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def place(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    os.close(descriptor)
    return status.st_dev, status.st_ino


@pytest.mark.parametrize("relative", [b"", b"a", b"a/b", b"a//b", b"./a/b"])
def test_directories_are_opened(tmp_path: Path, root: int, relative: bytes) -> None:
    status = os.stat(os.fsencode(tmp_path) + b"/" + relative)

    assert place(open_directory(root, relative)) == (status.st_dev, status.st_ino)


@pytest.mark.parametrize(
    ("relative", "errors"),
    [
        (b"none", {errno.ENOENT}),
        (b"a/file", {errno.ENOTDIR}),
        (b"inner", {errno.ELOOP, errno.ENOTDIR}),
        (b"inner/b", {errno.ELOOP, errno.ENOTDIR}),
        (b"outer/etc", {errno.ELOOP, errno.ENOTDIR}),
        (b"a/loop", {errno.ELOOP, errno.ENOTDIR}),
        (b"..", {errno.EXDEV}),
        (b"a/../..", {errno.EXDEV}),
        (b"/etc", {errno.EXDEV}),
    ],
)
def test_everything_else_is_refused(root: int, relative: bytes, errors: set[int]) -> None:
    before = held()
    with pytest.raises(OSError) as caught:  # noqa: PT011 -- its number is asserted below
        open_directory(root, relative)

    assert caught.value.errno in errors
    assert held() == before


def test_a_file_is_opened_with_the_flags_that_are_asked_for(root: int) -> None:
    descriptor = open_below(root, b"a/file", os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert os.read(descriptor, 10) == b"x"
    finally:
        os.close(descriptor)
    with pytest.raises(OSError, match=r"links|loop"):
        open_below(root, b"a/loop", os.O_RDONLY)


def test_a_path_longer_than_the_kernel_takes(tmp_path: Path, root: int) -> None:
    name = b"n" * 250
    here = os.dup(root)
    for _ in range(40):
        os.mkdir(name, dir_fd=here)
        inside = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inside
    expected = place(here)
    before = held()

    assert place(open_directory(root, b"/".join([name] * 40))) == expected
    with pytest.raises(FileNotFoundError):
        open_directory(root, b"/".join([name] * 41))
    assert held() == before
    subprocess.run(["rm", "-rf", "--", tmp_path / os.fsdecode(name)], check=True)


def test_a_descriptor_does_not_survive_exec(root: int) -> None:
    descriptor = open_directory(root, b"a")

    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
