"""What is mounted where, and how it is watched."""

from pathlib import Path

import pytest

from storewarden.watch.mounts import (
    Mount,
    MountTable,
    Wanted,
    mode_for,
    mount_of,
    parse_mountinfo,
    unescape,
)

MOUNTINFO = rb"""22 27 0:21 / /proc rw,nosuid shared:5 - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
31 27 8:1 /data/up\040loads /mnt/a\011b\134c ro,relatime - xfs /dev/sda1 rw,attr2
32 27 0:45 / /mnt/nfs rw - nfs4 server:/export ro,vers=4.2
33 31 0:46 / /mnt/a\011b\134c/deep rw - fuse.sshfs me@there: rw
broken line
34 27 x
"""


def test_lines_are_read_with_their_escapes() -> None:
    mounts = parse_mountinfo(MOUNTINFO)

    assert [mount.mountpoint for mount in mounts] == [
        b"/proc",
        b"/",
        b"/mnt/a\tb\\c",
        b"/mnt/nfs",
        b"/mnt/a\tb\\c/deep",
    ]
    assert mounts[2] == Mount(
        31, 27, "8:1", "xfs", b"/mnt/a\tb\\c", b"/data/up loads", writable=False
    )
    assert [mount.writable for mount in mounts] == [True, True, False, False, True]


@pytest.mark.parametrize(
    ("text", "plain"),
    [(rb"a\040b", b"a b"), (rb"\134", b"\\"), (rb"\12", rb"\12"), (rb"\377", b"\xff")],
)
def test_octal(text: bytes, plain: bytes) -> None:
    assert unescape(text) == plain


@pytest.mark.parametrize(
    ("path", "fstype"),
    [
        (b"/home", "ext4"),
        (b"/", "ext4"),
        (b"/mnt/nfs", "nfs4"),
        (b"/mnt/nfs/x", "nfs4"),
        (b"/mnt/nfsx", "ext4"),
        (b"/mnt/a\tb\\c/deep/er", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_holds_a_path(path: bytes, fstype: str) -> None:
    mount = mount_of(path, parse_mountinfo(MOUNTINFO))

    assert mount is not None
    assert mount.fstype == fstype


def test_of_two_mounts_at_one_place_the_later_holds_it() -> None:
    lower = Mount(1, 0, "8:1", "ext4", b"/m", b"/", writable=True)
    upper = Mount(2, 1, "8:2", "xfs", b"/m", b"/", writable=True)

    assert mount_of(b"/m/x", [lower, upper]) is upper


@pytest.mark.parametrize(
    ("fstype", "wanted", "mode"),
    [
        ("ext4", "auto", "inotify"),
        ("xfs", "auto", "inotify"),
        ("btrfs", "auto", "inotify"),
        ("overlay", "auto", "inotify"),
        ("tmpfs", "auto", "inotify"),
        ("unheard-of", "auto", "inotify"),
        ("nfs", "auto", "poll"),
        ("nfs4", "auto", "poll"),
        ("cifs", "auto", "poll"),
        ("smb3", "auto", "poll"),
        ("fuse", "auto", "poll"),
        ("fuse.sshfs", "auto", "poll"),
        ("9p", "auto", "poll"),
        ("ceph", "auto", "poll"),
        ("virtiofs", "auto", "poll"),
        ("vboxsf", "auto", "poll"),
        ("nfs4", "inotify", "inotify"),
        ("ext4", "poll", "poll"),
    ],
)
def test_how_a_file_system_is_watched(fstype: str, wanted: Wanted, mode: str) -> None:
    assert mode_for(fstype, wanted) == mode


def test_this_machine(tmp_path: Path) -> None:
    import os

    table = MountTable()
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        mount = table.of(descriptor)
        assert mount in table.current()
        assert mount is not None
        assert os.fsencode(tmp_path.resolve()).startswith(mount.mountpoint)
        assert table.current() is table.current()  # read again only after a change
    finally:
        os.close(descriptor)
        table.close()
