"""A digest is that of a file that was the same before and after; nothing else is ever read."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storewarden.facts import digest
from storewarden.facts.digest import Taken, digest_of
from storewarden.facts.opened import CHANGED
from tests.descriptors import held

# What b3sum prints for these.
KNOWN = {
    b"": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    b"abc": "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
}
MIB = 1 << 20


def taken(path: Path) -> Taken:
    return digest_of(lambda flags: os.open(path, flags))


@pytest.mark.parametrize("content", KNOWN)
def test_the_digest_is_the_one_that_b3sum_prints(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)

    found = taken(path)

    status = path.stat()
    assert found.digest.hex() == KNOWN[content]
    assert found[:4] == (0, status.st_ino, len(content), status.st_mtime_ns)


def test_reading_leaves_the_access_time_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    os.utime(path, ns=(1, 2))

    taken(path)

    assert path.stat().st_atime_ns == 1


def test_a_file_of_another_is_read_without_that_courtesy(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    asked = []

    def as_a_stranger(flags: int) -> int:
        asked.append(bool(flags & os.O_NOATIME))
        if flags & os.O_NOATIME:
            raise PermissionError(errno.EPERM, "not the owner")
        return os.open(path, flags)

    assert digest_of(as_a_stranger).digest.hex() == KNOWN[b"abc"]
    assert asked == [True, False]


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    assert taken(tmp_path / "fifo").error == errno.EINVAL


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")

    assert taken(tmp_path / "link").error == errno.ELOOP


def test_a_directory_and_a_device_have_none(tmp_path: Path) -> None:
    assert taken(tmp_path).error in {errno.EISDIR, errno.EINVAL}
    assert taken(Path("/dev/null")).error == errno.EINVAL


def test_a_file_that_is_gone_or_closed_to_us_says_so(tmp_path: Path) -> None:
    def closed(flags: int) -> int:
        raise PermissionError(errno.EACCES, "closed")

    assert taken(tmp_path / "none").error == errno.ENOENT
    assert digest_of(closed).error == errno.EACCES


def test_an_error_while_reading_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_descriptor: int, _size: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "a"
    path.write_bytes(b"abc")
    monkeypatch.setattr(os, "read", broken)

    assert taken(path) == Taken(errno.EIO)


def test_a_descriptor_is_given_back_whatever_happens(tmp_path: Path) -> None:
    before = held()
    for name in ("fifo", "none", "a"):
        if name == "fifo":
            os.mkfifo(tmp_path / name)
        elif name == "a":
            (tmp_path / name).write_bytes(b"abc")
        taken(tmp_path / name)

    assert held() == before


def meanwhile(monkeypatch: pytest.MonkeyPatch, path: Path, change: str) -> None:
    """Let something happen to the file after its first piece was read."""
    read = os.read
    done: list[bool] = []

    def reading(descriptor: int, size: int) -> bytes:
        chunk = read(descriptor, size)
        if not done:
            done.append(True)
            DEEDS[change](path)
        return chunk

    monkeypatch.setattr(os, "read", reading)


def rewrite_and_set_the_time_back(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DEEDS: dict[str, Callable[[Path], object]] = {
    "grows": lambda path: path.open("ab").write(b"more"),
    "shrinks": lambda path: os.truncate(path, 1),
    "is rewritten": lambda path: path.open("r+b").write(b"x"),
    "is rewritten, its time set back": rewrite_and_set_the_time_back,
    "is given another mode": lambda path: path.chmod(0o600),
}


@pytest.mark.parametrize("change", DEEDS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_changes_while_it_is_read_is_to_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc" * MIB)
    os.utime(path, ns=(1, 2))
    meanwhile(monkeypatch, path, change)

    assert taken(path) == Taken(CHANGED)


def test_a_file_that_grows_as_fast_as_it_is_read_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    pieces = iter(range(1000))
    monkeypatch.setattr(os, "read", lambda _descriptor, _size: bytes(next(pieces) + 1))

    assert taken(path) == Taken(CHANGED)
    assert next(pieces) < 10


def test_times_and_inodes_come_as_they_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    fstat = os.fstat

    def from_a_strange_file_system(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        whole = (found.st_mode, 2**63 + 5, *tuple(found)[2:])
        times = (0.0, 0.0, 0.0, 0, 10**20, 0, 4096, 0)
        return os.stat_result((*whole, *times))

    monkeypatch.setattr(os, "fstat", from_a_strange_file_system)

    assert taken(path)[:4] == (0, 5 - 2**63, 0, 2**63 - 1)


def test_a_gibibyte_of_nothing_is_read_in_a_few_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    code = (
        "import os, re, sys\n"
        "from storewarden.facts.digest import digest_of\n"
        "taken = digest_of(lambda flags: os.open(sys.argv[1], flags))\n"
        # not ru_maxrss: that begins with what the process had that forked this one
        "peak = re.search('VmHWM:\\\\s*([0-9]+)', open('/proc/self/status').read())[1]\n"
        "print(taken.error, taken.size, peak)\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True
    )

    error, size, kibibytes = map(int, answer.stdout.split())
    assert (error, size) == (0, 1 << 30)
    assert kibibytes < 60 * 1024
    assert path.stat().st_blocks * 512 < MIB  # it is sparse


def test_who_may_not_be_nice_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hardened service is refused it."""

    def refused(_by: int) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(digest, "_IOPRIO_SET", {})
    monkeypatch.setattr(os, "nice", refused)

    digest.lowest_priority()
