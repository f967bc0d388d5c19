"""What a file is besides its content is told of it, and given back; what is not, is said."""

import errno
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.act.attributes import Extended, give_attributes, read_attributes
from tests.archived import MIB

BILLION = 1_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT, 0o600)
    yield descriptor
    os.close(descriptor)


def test_what_a_file_is_can_be_given_to_another(file: int, other: int) -> None:
    os.write(file, b"content")
    os.setxattr(file, b"user.rating", b"\x00\xff")
    os.setxattr(file, "user.größe".encode(), b"")
    os.fchmod(file, 0o1640)
    os.utime(file, ns=(-5 * BILLION - 1, 4 * BILLION * BILLION // 1000 + 123_456_789))
    found = read_attributes(file)

    assert give_attributes(other, found) == []

    given = read_attributes(other)
    assert given == replace(found, size=0, allocated=0)
    assert (given.mode, given.accessed_ns) == (0o1640, -5 * BILLION - 1)
    assert sorted(given.extended) == list(given.extended)
    assert Extended(b"user.rating", b"\x00\xff") in given.extended


@pytest.mark.parametrize(
    "seconds", [1 - 2**31, -1, 0, 1, 2**31, 2**33], ids=lambda seconds: f"at {seconds}"
)
def test_times_are_given_to_the_nanosecond(file: int, seconds: int) -> None:
    wanted = replace(
        read_attributes(file),
        modified_ns=seconds * BILLION + 987_654_321,
        accessed_ns=seconds * BILLION + 1,
    )

    assert give_attributes(file, wanted) == []
    assert read_attributes(file) == wanted


@pytest.mark.parametrize("far", [2**80, -(2**80), 2**62 * BILLION, 2**93])
def test_times_that_no_file_system_holds_are_said(file: int, far: int) -> None:
    wanted = replace(read_attributes(file), modified_ns=far)

    (lacking,) = give_attributes(file, wanted)

    assert lacking.startswith("times: ")


def test_holes_are_known(file: int) -> None:
    os.pwrite(file, b"x", 64 * MIB)
    os.fsync(file)
    assert read_attributes(file).sparse

    os.ftruncate(file, 0)
    os.pwrite(file, bytes(8192), 0)
    os.fsync(file)
    assert not read_attributes(file).sparse


def test_programs_are_not_made_powerful_unless_asked_for(file: int) -> None:
    wanted = replace(read_attributes(file), mode=0o6755)

    (lacking,) = give_attributes(file, wanted)

    assert "mode 6755: it is 0755" in lacking
    assert "unless asked for" in lacking
    assert stat.S_IMODE(os.fstat(file).st_mode) == 0o755
    assert give_attributes(file, wanted, rights=True) == []
    assert stat.S_IMODE(os.fstat(file).st_mode) == 0o6755


def test_attributes_of_the_system_are_not_given_unless_asked_for(file: int) -> None:
    rights = Extended(b"security.capability", b"\1\0\0\2" + bytes(16))
    wanted = replace(read_attributes(file), extended=(rights,))

    assert give_attributes(file, wanted) == ["security.capability: not given unless asked for"]
    assert os.listxattr(file) == []


def denied(*_arguments: object, **_named: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_who_may_not_give_an_owner_makes_nobody_powerful(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = replace(read_attributes(file), uid=12345, mode=0o4755)
    monkeypatch.setattr(os, "fchown", denied)

    owner, mode = give_attributes(file, wanted, rights=True)

    us = f"{os.getuid()}:{os.getgid()}"
    assert owner == f"owner 12345:{wanted.gid}: Operation not permitted; it is {us}"
    assert mode.startswith("mode 4755: it is 0755")


@pytest.mark.parametrize(
    ("call", "told"), [("fchmod", "mode 0640: "), ("utime", "times: "), ("setxattr", "user.x: ")]
)
def test_what_cannot_be_given_is_said_and_the_rest_is_given(
    file: int, monkeypatch: pytest.MonkeyPatch, call: str, told: str
) -> None:
    os.setxattr(file, b"user.x", b"1")
    os.fchmod(file, 0o600)
    wanted = replace(read_attributes(file), mode=0o640, modified_ns=1)
    monkeypatch.setattr(os, call, denied)

    assert give_attributes(file, wanted) == [f"{told}Operation not permitted"]

    given = os.fstat(file)
    assert call == "utime" or given.st_mtime_ns == 1
    assert call == "fchmod" or stat.S_IMODE(given.st_mode) == 0o640


@pytest.mark.parametrize("call", ["fchown", "fchmod", "utime", "setxattr"])
def test_a_failing_disk_is_no_want_of_a_right(
    file: int, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    os.setxattr(file, b"user.x", b"1")
    wanted = replace(read_attributes(file), uid=12345)
    monkeypatch.setattr(os, call, fail)

    with pytest.raises(OSError, match="Input/output error"):
        give_attributes(file, wanted)


def access_list(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_rights_that_a_directory_hands_down_are_not_kept(tmp_path: Path, file: int) -> None:
    nobody = 2**32 - 1
    owner, user, group, mask, other = 1, 2, 4, 16, 32
    handed_down = access_list(
        *((owner, 7, nobody), (user, 7, 4321), (group, 5, nobody)),
        *((mask, 7, nobody), (other, 0, nobody)),
    )
    try:
        os.setxattr(tmp_path, "system.posix_acl_default", handed_down)
    except OSError:
        pytest.skip("this file system has no access control lists")
    descriptor = os.open(tmp_path / "made", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        assert "system.posix_acl_access" in os.listxattr(descriptor)

        assert give_attributes(descriptor, replace(read_attributes(file), mode=0o640)) == []
        assert os.listxattr(descriptor) == []
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o640
        other_file = replace(read_attributes(descriptor), mode=0o770)
        listed = replace(other_file, extended=(Extended(b"system.posix_acl_access", handed_down),))
        assert give_attributes(descriptor, listed) == []
        assert read_attributes(descriptor).extended == listed.extended
    finally:
        os.close(descriptor)


def test_an_attribute_that_is_removed_while_they_are_read_was_never_there(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listxattr", lambda _descriptor: ["user.gone"])

    found = read_attributes(file)

    assert (found.extended, found.left_out) == ((), 0)


def test_what_was_not_kept_is_said(file: int) -> None:
    wanted = replace(read_attributes(file), left_out=3)

    assert give_attributes(file, wanted) == ["3 extended attributes were not kept"]


def test_attributes_that_may_not_be_read_are_counted(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.setxattr(file, b"user.a", b"1")
    monkeypatch.setattr(os, "getxattr", denied)

    assert read_attributes(file).left_out == 1


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EIO])
def test_a_file_system_without_attributes_has_none_and_a_failing_disk_is_no_such_thing(
    file: int, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(_descriptor: int) -> list[str]:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "listxattr", fail)

    if number == errno.ENOTSUP:
        assert read_attributes(file).extended == ()
    else:
        with pytest.raises(OSError, match="Input/output error"):
            read_attributes(file)


def test_more_attributes_than_an_object_tells_of_are_counted(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"user.{number:04}" for number in range(100)]
    monkeypatch.setattr(os, "listxattr", lambda _descriptor: names)
    monkeypatch.setattr(os, "getxattr", lambda _descriptor, _name: bytes(4000))

    found = read_attributes(file)

    assert (len(found.extended), found.left_out) == (16, 84)
