"""What is mounted where, and whether events can be trusted there.

Events come from the kernel that makes the change. A network or user-space file system is changed
by others too, of which inotify never tells: such a root is polled.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

MOUNTINFO: Final = "/proc/self/mountinfo"

Mode = Literal["inotify", "poll"]
Wanted = Literal["auto", "inotify", "poll"]

# Changed by other machines or by a process of its own, without this kernel knowing.
POLLED: Final = re.compile(
    r"(nfs\d*|cifs|smb\w*|9p|ceph|lustre|glusterfs|afs|virtiofs|vboxsf|vmhgfs|prl_fs|fuse(\..+)?"
    r"|fuseblk|fuse-overlayfs|beegfs|gpfs|ocfs2|gfs2|orangefs|coda|ncpfs|davfs|sshfs|drvfs)"
)
# Gone when unmounted: another one in its place is not another disk.
VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
# A directory's link count is 2 + its directories, so a count of 2 means "none to descend into".
COUNTING_LINKS: Final = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "tmpfs", "f2fs", "jfs", "reiserfs"}
)


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    number: int
    parent: int
    device: str  # "major:minor"
    fstype: str
    mountpoint: bytes
    location: bytes  # the directory of the file system that is mounted here; b"/" mostly
    writable: bool


def parse_mountinfo(text: bytes) -> tuple[Mount, ...]:
    """Return the mounts of a mountinfo file in its order; lines that are none are left out."""
    return tuple(mount for line in text.splitlines() if (mount := _parse_line(line)) is not None)


def _parse_line(line: bytes) -> Mount | None:
    fields = line.split(b" ")
    try:
        separator = fields.index(b"-", 6)
        number, parent, device, location, mountpoint, options = fields[:6]
        fstype, super_options = fields[separator + 1], fields[separator + 3]
        return Mount(
            number=int(number),
            parent=int(parent),
            device=device.decode("ascii"),
            fstype=unescape(fstype).decode("ascii", "backslashreplace"),
            mountpoint=unescape(mountpoint),
            location=unescape(location),
            writable=not _read_only(options) and not _read_only(super_options),
        )
    except (ValueError, IndexError):
        return None


def _read_only(options: bytes) -> bool:
    return b"ro" in options.split(b",")


def unescape(text: bytes) -> bytes:
    r"""Undo the kernel's octal escapes: ``\040`` is a space."""
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8) & 255]), text)


def mount_of(path: bytes, mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount that an absolute path without links is on: the innermost, latest one."""
    best: Mount | None = None
    for mount in mounts:
        point = mount.mountpoint
        inside = point in {path, b"/"} or path.startswith(point + b"/")
        if inside and (best is None or len(point) >= len(best.mountpoint)):
            best = mount
    return best


def mode_for(fstype: str, wanted: Wanted = "auto") -> Mode:
    """Return how to watch a file system of this type; the configuration's word is the last."""
    if wanted != "auto":
        return wanted
    return "poll" if POLLED.fullmatch(fstype) else "inotify"


class MountTable:
    """The present mounts; parsed again only when the kernel says that they changed.

    Any thread may ask: the kernel tells of a change once, and only one of them hears it.
    """

    def __init__(self, path: str = MOUNTINFO) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 -- open for as long as we are
        self._changed = select.poll()
        self._changed.register(self._file, select.POLLPRI | select.POLLERR)
        self._mounts: tuple[Mount, ...] | None = None
        self._lock = threading.Lock()

    def current(self) -> tuple[Mount, ...]:
        """Return all mounts of this mount namespace."""
        # The kernel reports a change to each open file once, by POLLERR, until it is read again.
        with self._lock:
            if self._changed.poll(0) or self._mounts is None:
                self._file.seek(0)
                self._mounts = parse_mountinfo(self._file.read())
            return self._mounts

    def of(self, descriptor: int) -> Mount | None:
        """Return the mount that an open file is on."""
        number = _mount_number(descriptor)
        found = next((mount for mount in self.current() if mount.number == number), None)
        if found is not None:
            return found
        with contextlib.suppress(OSError):
            path = os.readlink(b"/proc/self/fd/%d" % descriptor)
            return mount_of(path, self.current())
        return None

    def close(self) -> None:
        self._file.close()


def _mount_number(descriptor: int) -> int:
    with (
        contextlib.suppress(OSError, ValueError),
        open(f"/proc/self/fdinfo/{descriptor}", "rb", buffering=0) as fields,
    ):
        for line in fields.read().splitlines():
            if line.startswith(b"mnt_id:"):
                return int(line.split()[1])
    return -1
