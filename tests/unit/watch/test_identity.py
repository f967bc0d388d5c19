"""Is it still the same root: every way in which it can be another."""

import errno
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.model import Blindness
from storewarden.watch.identity import (
    Kind,
    RootIdentity,
    judge,
    new_marker,
    read_identity,
    read_marker,
    write_marker,
)
from storewarden.watch.mounts import Mount, MountTable

PATH = b"/srv/root"
MARK, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
DISK, USB = os.makedev(8, 1), os.makedev(8, 17)


def mount(device: str, point: bytes, fstype: str = "ext4", location: bytes = b"/") -> Mount:
    return Mount(1, 0, device, fstype, point, location, writable=True)


SYSTEM = mount("8:1", b"/")
ON_USB = mount("8:17", PATH)
# A root on a disk of its own, and the empty directory that its mount covers.
KNOWN = RootIdentity(USB, 2, "ext4:aa", b"/", MARK)
BARE = RootIdentity(DISK, 77, "ext4:01", PATH)
# A root that is a plain directory of the system's disk.
PLAIN = RootIdentity(DISK, 77, "ext4:01", PATH, MARK)


@pytest.mark.parametrize(
    ("known", "seen", "mounts", "kind", "reason", "again"),
    [
        (None, PLAIN, [SYSTEM], Kind.ADOPTED, None, True),
        (KNOWN, KNOWN, [SYSTEM, ON_USB], Kind.SAME, None, False),
        # The device's number changed over a reboot, the disk was copied: the marker says the same.
        (KNOWN, replace(KNOWN, device=99), [SYSTEM], Kind.SAME, None, True),
        (KNOWN, RootIdentity(DISK, 5, "xfs:bb", b"/", MARK), [SYSTEM], Kind.SAME, None, True),
        # No marker could ever be written: device, place and inode must do.
        (replace(KNOWN, marker=None), replace(KNOWN, marker=None), [], Kind.SAME, None, False),
        (PLAIN, replace(PLAIN, marker=None, hidden=True), [SYSTEM], Kind.SAME, None, False),
        # Deleted and made again; its inode number may well be the same.
        (PLAIN, replace(PLAIN, marker=None, inode=78), [SYSTEM], Kind.ADOPTED, None, True),
        (PLAIN, replace(PLAIN, marker=None), [SYSTEM], Kind.ADOPTED, None, True),
        # Not mounted: the empty directory in its place.
        (KNOWN, BARE, [SYSTEM], Kind.FROZEN, Blindness.NOT_MOUNTED, True),
        # Something is mounted over it.
        (
            PLAIN,
            RootIdentity(USB, 2, "tmpfs:cc", b"/"),
            [SYSTEM, mount("8:17", PATH, "tmpfs")],
            Kind.FROZEN,
            Blindness.MOUNTED_OVER,
            True,
        ),
        # A bind mount is gone: another directory of the same file system.
        (
            replace(PLAIN, location=b"/data/root"),
            replace(BARE, marker=None),
            [SYSTEM],
            Kind.FROZEN,
            Blindness.NOT_MOUNTED,
            True,
        ),
        # Its path is a link that leads elsewhere now.
        (
            PLAIN,
            RootIdentity(DISK, 9, "ext4:01", b"/elsewhere"),
            [SYSTEM],
            Kind.FROZEN,
            Blindness.REPLACED,
            True,
        ),
        # A tmpfs after a reboot is a new one, and right.
        (
            RootIdentity(USB, 2, "tmpfs:aa", b"/", MARK),
            RootIdentity(USB, 2, "tmpfs:bb", b"/"),
            [SYSTEM, mount("8:17", PATH, "tmpfs")],
            Kind.ADOPTED,
            None,
            True,
        ),
        # Another tmpfs over the one that is known.
        (
            RootIdentity(USB, 2, "tmpfs:aa", b"/", MARK),
            RootIdentity(DISK, 2, "tmpfs:bb", b"/"),
            [mount("8:17", PATH, "tmpfs"), mount("8:1", PATH, "tmpfs")],
            Kind.FROZEN,
            Blindness.MOUNTED_OVER,
            True,
        ),
    ],
)
def test_judgement(
    known: RootIdentity | None,
    seen: RootIdentity,
    mounts: list[Mount],
    kind: Kind,
    reason: Blindness | None,
    *,
    again: bool,
) -> None:
    verdict = judge(PATH, known, seen, mounts)

    assert (verdict.kind, verdict.reason, verdict.again) == (kind, reason, again)
    assert bool(verdict.remedy) == (kind is Kind.FROZEN)


@pytest.mark.parametrize(
    ("known", "error", "mounts", "reason", "remedy"),
    [
        (None, errno.ENOENT, [SYSTEM], Blindness.NOT_THERE, "mkdir -p /srv/root"),
        (PLAIN, errno.ENOENT, [SYSTEM], Blindness.NOT_THERE, "put /srv/root back"),
        (KNOWN, errno.ENOENT, [SYSTEM], Blindness.NOT_MOUNTED, "mount what belongs at /srv/root"),
        (
            PLAIN,
            errno.EACCES,
            [SYSTEM],
            Blindness.UNREADABLE,
            f"sudo setfacl -m u:{pwd.getpwuid(os.geteuid()).pw_name}:rx /srv/root",
        ),
    ],
)
def test_a_root_that_cannot_be_opened(
    known: RootIdentity | None, error: int, mounts: list[Mount], reason: Blindness, remedy: str
) -> None:
    verdict = judge(PATH, known, OSError(error, os.strerror(error)), mounts)

    assert (verdict.kind, verdict.reason, verdict.remedy) == (Kind.FROZEN, reason, remedy)


def test_the_marker_of_another_root_freezes() -> None:
    verdict = judge(PATH, PLAIN, replace(PLAIN, marker=OTHER), [SYSTEM], {OTHER})

    assert (verdict.kind, verdict.reason) == (Kind.FROZEN, Blindness.REPLACED)
    assert "/srv/root/.storewarden/root" in verdict.remedy


def test_the_remedy_says_how_to_vouch_for_a_root() -> None:
    verdict = judge(b"/srv/a root", KNOWN, replace(BARE, location=b"/srv/a root"), [SYSTEM])

    assert f"echo {MARK} > '/srv/a root/.storewarden'/root" in verdict.remedy


def test_a_marker_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path)
    mounts = MountTable()
    before = read_identity(path, mounts)
    marker = new_marker()

    assert before.marker is None
    assert write_marker(path, marker)
    after = read_identity(path, mounts)
    assert after == replace(before, marker=marker)
    assert write_marker(path, OTHER)
    assert read_identity(path, mounts).marker == OTHER
    assert sorted(os.listdir(tmp_path / ".storewarden")) == ["root"]
    assert path.endswith(after.location)  # where its file system is mounted may come before it
    mounts.close()


@pytest.mark.parametrize("content", [b"", b"not a uuid", b"\xff\xfe", b"x" * 10_000])
def test_what_is_no_marker_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".storewarden").mkdir()
    (tmp_path / ".storewarden" / "root").write_bytes(content)

    assert marker_in(tmp_path) == (None, False)


def marker_in(path: Path) -> tuple[str | None, bool]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return read_marker(descriptor)
    finally:
        os.close(descriptor)


def test_a_marker_is_never_reached_through_a_link(tmp_path: Path) -> None:
    write_marker(os.fsencode(tmp_path), MARK)
    linked, fifo = tmp_path / "linked", tmp_path / "fifo"
    linked.mkdir()
    (linked / ".storewarden").symlink_to(tmp_path / ".storewarden")
    (fifo / ".storewarden").mkdir(parents=True)
    os.mkfifo(fifo / ".storewarden" / "root")

    assert marker_in(linked) == (None, False)
    assert write_marker(os.fsencode(linked), OTHER) is False
    assert marker_in(fifo)[0] is None
    assert marker_in(tmp_path) == (MARK, False)


def test_a_root_that_is_not_there_or_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    mounts = MountTable()

    for name, error in (("none", FileNotFoundError), ("file", NotADirectoryError)):
        with pytest.raises(error):
            read_identity(os.fsencode(tmp_path / name), mounts)
        assert write_marker(os.fsencode(tmp_path / name), MARK) is False
    mounts.close()
