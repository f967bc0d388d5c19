"""Walls around the process that looks at strangers' files: it can read, compute, answer, no more.

Each wall is the kernel's, and each is of use without the others: limits on memory, processor time
and open files; no capability but to read what others own; a filter of system calls (seccomp) that
knows no network, no other program and no change to any file; and Landlock, which takes every right
to write from whatever is opened.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
import time
from collections.abc import Collection
from typing import Final

from storewarden.facts.capabilities import COPYING, READING, keep_only

MEMORY: Final = 256 << 20
DESCRIPTORS: Final = 32
SECONDS: Final = 2  # of processor time for one file; the kernel counts whole seconds

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 4, 38, 22
_SECCOMP_MODE_FILTER: Final = 2
_libc = ctypes.CDLL(None, use_errno=True)

# What a reader of files has no business with. Numbers by architecture; None where it does not
# exist. open and openat stay, as Python needs them to import: Landlock and the limit on the size
# of files take the writing from them.
_REFUSED: Final[dict[str, tuple[int | None, int | None]]] = {
    # on x86_64, on aarch64
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kill": (62, 129),
    "tkill": (200, 130),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "truncate": (76, 45),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "creat": (85, None),
    "link": (86, None),
    "linkat": (265, 37),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),  # its requests pass by every filter
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "userfaultfd": (323, 282),
}
_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_CLONE: Final = {"x86_64": 56, "aarch64": 220}
_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x00010000

# Classic BPF: what seccomp programs are written in.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_X32: Final = 0x40000000  # calls of x86_64 under other numbers

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_BENEATH: Final = 1
_LANDLOCK_VERSION: Final = 1
# Rights of Landlock's versions; all are taken but the two of reading files and directories.
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_READING: Final = 1 << 2 | 1 << 3


# What a database's library does to files of its own, in a directory that it may write in.
WRITING: Final = frozenset(
    {"truncate", "ftruncate", "fallocate", "unlink", "unlinkat", "fchmod", "fchown", "utimensat"}
)


def enter(memory: int = MEMORY, writable: int | None = None, largest: int = 0) -> tuple[str, ...]:
    """Raise the walls around this process for ever; return the names of those that stand.

    To be called when everything is imported and before a stranger's byte is read.

    Args:
        memory: bytes of addresses it may use.
        writable: the descriptor of a directory below which it may make, change and remove files.
        largest: bytes that a file may have that it writes.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    limit(
        {
            resource.RLIMIT_AS: memory,
            resource.RLIMIT_NOFILE: DESCRIPTORS,
            resource.RLIMIT_FSIZE: largest,
            resource.RLIMIT_CORE: 0,
        }
    )
    standing = ["limits"]
    if keep_only(READING if writable is None else COPYING):
        standing.append("capabilities")
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        if _landlock(writable):
            standing.append("landlock")
        if _seccomp(frozenset() if writable is None else WRITING):
            standing.append("seccomp")
    return tuple(standing)


def limit(limits: dict[int, int]) -> None:
    """Set limits of this process for ever; one that is lower already stays."""
    for which, value in limits.items():
        _, hard = resource.getrlimit(which)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (most, most))


def end_with(parent: int) -> None:
    """End when the thread that started us ends, also by kill -9: a large file takes minutes."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before that
        sys.exit()


def allow_processor_time(seconds: int = SECONDS) -> None:
    """Have the kernel end this process when it computes for longer than this from now on."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    # one more: the present second is partly used
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))


def _seccomp(allowed: Collection[str]) -> bool:
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    program = _program(machine, allowed)
    filled = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    whole = Program(len(program) // 8, ctypes.addressof(filled))
    done = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(whole), 0, 0)
    return bool(done == 0)


def _program(machine: str, allowed: Collection[str]) -> bytes:
    """Return the filter: refused calls fail with EPERM, all others are let through."""
    audit, column = _ARCHITECTURES[machine]
    numbers = [both[column] for name, both in _REFUSED.items() if name not in allowed]
    refused = [number for number in numbers if number is not None]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    for number in refused:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    lines += [
        # a thread may be made, a process not; the newer call hides which, so it does not exist
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
        (_EQUAL, 0, 3, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _landlock(writable: int | None) -> bool:
    version = _libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False  # a kernel without it, or where it is switched off
    rights = (1 << _RIGHTS[min(version, max(_RIGHTS))]) - 1 & ~_READING
    handled = struct.pack("=Q", rights)
    rules = _libc.syscall(_LANDLOCK_CREATE, handled, len(handled), 0)
    if rules < 0:
        return False
    if writable is not None:
        beneath = struct.pack("=Qi", rights, writable)
        _libc.syscall(_LANDLOCK_ADD, rules, _LANDLOCK_BENEATH, beneath, 0)
    return bool(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
