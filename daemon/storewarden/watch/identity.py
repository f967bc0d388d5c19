"""Is the directory at a root's path still the root it was? Read here, judged here, purely.

An unmounted disk leaves an empty directory in its place. Whoever takes that for the root declares
every file missing. So a root is known by its file system, its place in it, its inode, and a marker
of ours: a uuid in ``.storewarden/root``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import re
import secrets
import shlex
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

from storewarden.model import Blindness
from storewarden.watch.exclude import OURS
from storewarden.watch.mounts import VOLATILE, Mount, MountTable

MARKER: Final = b"root"
_MARKER_LIMIT: Final = 256
_UUID: Final = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What says that no marker of ours is there; any other error leaves it open.
_NO_MARKER: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR})
_OPEN_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class RootIdentity:
    """What a root is known by. Only the marker survives a copy to another disk."""

    device: int
    inode: int
    filesystem_id: str  # "ext4:b3d5…"; stable over reboots where the file system has a uuid
    location: bytes  # the root's path inside its file system, links resolved
    marker: str | None = None
    hidden: bool = False  # there may be a marker, but we may not read it

    @property
    def fstype(self) -> str:
        return self.filesystem_id.partition(":")[0]


class Kind(Enum):
    """What to do about a root."""

    SAME = "same"
    ADOPTED = "adopted"  # new, or made again in its place: take it, write a marker
    FROZEN = "frozen"  # not provably the same: believe nothing about it until the right one is back


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on a root; ``again`` says that watches on the earlier inode are worthless."""

    kind: Kind
    reason: Blindness | None = None
    detail: str = ""
    remedy: str = ""
    again: bool = False


def read_identity(path: bytes, mounts: MountTable) -> RootIdentity:
    """Return what the directory at an absolute path is now.

    Raises:
        OSError: it is not there, is no directory, or cannot be opened.
    """
    descriptor = os.open(path, _OPEN_DIRECTORY)
    try:
        return identity_of(descriptor, mounts)
    finally:
        os.close(descriptor)


def identity_of(descriptor: int, mounts: MountTable) -> RootIdentity:
    """Return the identity of an open directory."""
    status = os.fstat(descriptor)
    mount = mounts.of(descriptor)
    fstype = mount.fstype if mount is not None else "unknown"
    fsid = os.fstatvfs(descriptor).f_fsid & 0xFFFF_FFFF_FFFF_FFFF
    marker, hidden = read_marker(descriptor)
    return RootIdentity(
        device=status.st_dev,
        inode=status.st_ino,
        filesystem_id=f"{fstype}:{fsid:016x}",
        location=_location(os.readlink(b"/proc/self/fd/%d" % descriptor), mount),
        marker=marker,
        hidden=hidden,
    )


def _location(path: bytes, mount: Mount | None) -> bytes:
    """Return a path inside its file system, whatever it is mounted on."""
    if mount is None:
        return path
    inside = path.removeprefix(mount.mountpoint.rstrip(b"/")).lstrip(b"/")
    return mount.location.rstrip(b"/") + (b"/" + inside if inside else b"") or b"/"


# -- the marker -----------------------------------------------------------------------------------


def new_marker() -> str:
    """Return a marker no other root has."""
    return str(uuid.uuid4())


def read_marker(root_fd: int) -> tuple[str | None, bool]:
    """Return the marker in a root, None for none; and whether there may be one we cannot read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        ours = os.open(OURS, flags | os.O_DIRECTORY, dir_fd=root_fd)
        try:
            descriptor = os.open(MARKER, flags, dir_fd=ours)
        finally:
            os.close(ours)
        try:
            text = os.read(descriptor, _MARKER_LIMIT).strip()
        finally:
            os.close(descriptor)
    except OSError as error:
        return None, error.errno not in _NO_MARKER
    return (text.decode("ascii"), False) if _UUID.fullmatch(text) else (None, False)


def write_marker(path: bytes, marker: str) -> bool:
    """Put the marker into a root, whole or not at all; False when the root may not be written."""
    try:
        root = os.open(path, _OPEN_DIRECTORY)
    except OSError:
        return False
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(OURS, 0o755, dir_fd=root)
        ours = os.open(OURS, _OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
        try:
            _write_whole(ours, MARKER, marker.encode("ascii") + b"\n")
        finally:
            os.close(ours)
        os.fsync(root)
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _write_whole(directory_fd: int, name: bytes, content: bytes) -> None:
    temporary = b".%s.%s" % (name, secrets.token_hex(8).encode())
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=directory_fd)
    try:
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(errno.ENOSPC, "short write", temporary)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, name, src_dir_fd=directory_fd, dst_dir_fd=directory_fd)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory_fd)
        raise
    os.fsync(directory_fd)


# -- the judgement --------------------------------------------------------------------------------


def judge(
    path: bytes,
    known: RootIdentity | None,
    seen: RootIdentity | OSError,
    mounts: Collection[Mount] = (),
    foreign: Collection[str] = (),
) -> Verdict:
    """Say whether what is at a root's path now is the root that is known. Pure.

    Args:
        path: the root's absolute path.
        known: what the catalogue remembers; None for a root that was never seen.
        seen: what `read_identity` returned or raised.
        mounts: all present mounts, to tell an unmounted file system from a covered one.
        foreign: the markers of all other roots.
    """
    if isinstance(seen, OSError):
        return _judge_absent(path, known, seen, mounts)
    if seen.marker is not None and seen.marker in foreign:
        return Verdict(
            Kind.FROZEN,
            Blindness.REPLACED,
            "this directory bears the marker of another root",
            f"if it is a copy of that root: sudo rm {_quoted(path + b'/' + OURS + b'/root')}",
        )
    if known is None:
        return Verdict(Kind.ADOPTED, again=True)
    return _judge_seen(path, known, seen, mounts)


def _judge_seen(
    path: bytes, known: RootIdentity, seen: RootIdentity, mounts: Collection[Mount]
) -> Verdict:
    same_inode = (seen.device, seen.inode) == (known.device, known.inode)
    if known.marker is not None and seen.marker == known.marker:
        return Verdict(Kind.SAME, again=not same_inode)
    if not _same_place(path, known, seen, mounts):
        return _judge_displaced(path, known, seen, mounts)
    # Inode numbers are used again at once: an equal one proves something only where no marker can.
    if seen.inode == known.inode and (known.marker is None or seen.hidden):
        return Verdict(Kind.SAME, again=not same_inode)
    detail = "made again in the same place of the same file system"
    return Verdict(Kind.ADOPTED, None, detail, again=True)


def _same_place(
    path: bytes, known: RootIdentity, seen: RootIdentity, mounts: Collection[Mount]
) -> bool:
    if seen.location != known.location:
        return False
    if seen.filesystem_id == known.filesystem_id:
        return True
    # Another tmpfs at the same place is what a reboot or a remount leaves, unless the earlier
    # one is still there below it.
    remounted = seen.fstype == known.fstype and seen.fstype in VOLATILE
    return remounted and not _covered(path, known, seen, mounts)


def _covered(
    path: bytes, known: RootIdentity, seen: RootIdentity, mounts: Collection[Mount]
) -> bool:
    """Tell whether the known directory is still at its path, under something else."""
    return known.device != seen.device and _shown(path, known, mounts)


def _shown(path: bytes, root: RootIdentity, mounts: Collection[Mount]) -> bool:
    """Tell whether some mount, uppermost or not, puts this directory at this path."""
    return any(
        mount.device == _numbers(root.device)
        and (path + b"/").startswith(mount.mountpoint.rstrip(b"/") + b"/")
        and _location(path, mount) == root.location
        for mount in mounts
    )


def _numbers(device: int) -> str:
    return f"{os.major(device)}:{os.minor(device)}"


def let_us_read(path: bytes) -> str:
    """Return the command that lets us, a service's user perhaps, look into a directory."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return f"sudo setfacl -m u:{name}:rx {_quoted(path)}"


def _judge_absent(
    path: bytes, known: RootIdentity | None, error: OSError, mounts: Collection[Mount]
) -> Verdict:
    why = os.strerror(error.errno) if error.errno else str(error)
    if isinstance(error, PermissionError):
        return Verdict(Kind.FROZEN, Blindness.UNREADABLE, why, let_us_read(path))
    if known is not None and not _mounted(known, mounts):
        return Verdict(Kind.FROZEN, Blindness.NOT_MOUNTED, why, _mount_it(path))
    remedy = f"mkdir -p {_quoted(path)}" if known is None else f"put {_quoted(path)} back"
    return Verdict(Kind.FROZEN, Blindness.NOT_THERE, why, remedy)


def _mounted(root: RootIdentity, mounts: Collection[Mount]) -> bool:
    return not mounts or any(mount.device == _numbers(root.device) for mount in mounts)


def _judge_displaced(
    path: bytes, known: RootIdentity, seen: RootIdentity, mounts: Collection[Mount]
) -> Verdict:
    """Say what stands in the place of a root that is elsewhere."""
    reason, remedy = Blindness.REPLACED, f"put the right directory back at {_quoted(path)}"
    if _covered(path, known, seen, mounts):
        reason, remedy = Blindness.MOUNTED_OVER, f"sudo umount {_quoted(path)}"
    elif _shown(path, seen, mounts) or not _mounted(known, mounts):
        reason, remedy = Blindness.NOT_MOUNTED, _mount_it(path)
    detail = f"{seen.filesystem_id} stands where {known.filesystem_id} was"
    if seen.filesystem_id == known.filesystem_id:
        detail = f"another place of the same file system is here now: {_quoted(seen.location)}"
    if known.marker is not None:
        ours = _quoted(path + b"/" + OURS)
        remedy += (
            f"; if this is the right one: mkdir -p {ours} && echo {known.marker} > {ours}/root"
        )
    return Verdict(Kind.FROZEN, reason, detail, remedy, again=True)


def _mount_it(path: bytes) -> str:
    return f"mount what belongs at {_quoted(path)}"


def _quoted(path: bytes) -> str:
    return shlex.quote(path.decode("utf-8", "backslashreplace"))
