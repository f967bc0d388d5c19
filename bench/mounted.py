"""A file system of its own, in a file without substance, that goes with whoever uses it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench.daemon import Unmeasured

_NEW_MOUNTS = 0x20000  # CLONE_NEWNS


@contextmanager
def mounted(place: Path, size: int, inodes: int) -> Iterator[Path]:
    """Lend an empty ext4 of so many bytes, below ``place``, where what is written takes space.

    Only we and our children see the mount. Linux ends it, and the loop device with it, when the
    last of us is gone, whatever became of us; the file may be removed at any time.
    """
    _among_ourselves()
    image, top = place / "image", place / "mounted"
    top.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    lazily = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    _do("mkfs.ext4", "-q", "-F", "-m", "0", "-N", str(inodes), "-E", lazily, str(image))
    _do("mount", "-o", "loop,noinit_itable", str(image), str(top))
    try:
        yield top
    finally:
        _do("umount", "--lazy", str(top))


@cache
def _among_ourselves() -> None:
    """Have mounts of our own from now on; those of others come to us, ours not to them."""
    if os.geteuid() != 0:
        raise Unmeasured("only root may mount a file system: sudo")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS) != 0:
        raise Unmeasured(f"no mounts of our own: {os.strerror(ctypes.get_errno())}")
    _do("mount", "--make-rslave", "/")


def _do(*words: str) -> None:
    if not shutil.which(words[0]):
        raise Unmeasured(f"{words[0]} is missing")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unmeasured(f"{' '.join(words)}: {done.stderr.strip()[-300:]}")
