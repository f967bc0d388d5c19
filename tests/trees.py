"""Trees of files for a daemon to watch, and a plain walk of them to hold its catalogue against."""

import contextlib
import os
import stat
from pathlib import Path

OURS = b".storewarden"

Facts = tuple[int, int, int, int, int]  # inode, size, modified_ns, mode, links
Rows = dict[bytes, Facts]


def walk(top: bytes) -> Rows:
    """Return all regular files below a directory, at any depth, without following links."""
    rows: Rows = {}
    stack = [(b"", os.open(top, os.O_RDONLY | os.O_DIRECTORY))]
    while stack:
        path, descriptor = stack.pop()
        try:
            for name in map(os.fsencode, os.listdir(descriptor)):
                if not path and name == OURS:
                    continue
                with contextlib.suppress(FileNotFoundError):
                    _meet(descriptor, path + b"/" + name if path else name, name, rows, stack)
        finally:
            os.close(descriptor)
    return rows


def _meet(
    descriptor: int, whole: bytes, name: bytes, rows: Rows, stack: list[tuple[bytes, int]]
) -> None:
    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        with contextlib.suppress(PermissionError):
            stack.append((whole, os.open(name, flags, dir_fd=descriptor)))
    elif stat.S_ISREG(status.st_mode):
        rows[whole] = (
            *(status.st_ino, status.st_size, status.st_mtime_ns),
            *(status.st_mode, status.st_nlink),
        )


def difference(rows: Rows, tree: Rows) -> str:
    """Tell in what a catalogue and a tree differ."""
    lacking, ghosts = sorted(tree.keys() - rows.keys()), sorted(rows.keys() - tree.keys())
    other = [
        f"{path!r}: row {rows[path]}, file {tree[path]}"
        for path in sorted(rows.keys() & tree.keys())
        if rows[path] != tree[path]
    ]
    return (
        f"{len(tree)} files, {len(rows)} rows; not recorded {len(lacking)}: {lacking[:5]};"
        f" not there {len(ghosts)}: {ghosts[:5]}; otherwise {len(other)}: {other[:5]}"
    )


def write(path: Path | bytes, content: bytes = b"x") -> None:
    """Write a file as a program does: open, write, close."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def burst(directory: Path, count: int, *, size: int = 100, stem: str = "f") -> None:
    """Write many files into one directory as fast as one process can."""
    directory.mkdir(parents=True, exist_ok=True)
    content = b"." * size
    for number in range(count):
        write(directory / f"{stem}{number:06d}.png", content)
