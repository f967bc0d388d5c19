"""Where policies are read from: files, directories of them, and those that are shipped.

What decides about removing files is read only where nobody but its owner and root could have
written it. A group is taken for its owner's own when both have the same number: so most systems
make users, and their usual mask leaves files writable by that group.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from storewarden.config.problems import Origin, Place, Problems, did_you_mean, printable
from storewarden.config.yamltext import LARGEST
from storewarden.errors import PolicyError

SHIPPED = "shipped:"
ENDINGS = (".yaml", ".yml")
MOST = 500  # files of one directory; nobody reads more

_HERE = Path(__file__).resolve().parents[1]


def read_sources(entries: Sequence[str]) -> tuple[tuple[str, bytes], ...]:
    """Return names and contents of all files that the configuration's `policies` come to.

    Raises PolicyError with everything that keeps one of them from being read.
    """
    problems = Problems()
    found: dict[str, bytes] = {}
    for entry in entries:
        for name, data in _entry(entry, problems):
            found.setdefault(name, data)
    if problems.found:
        raise PolicyError(problems.lines())
    return tuple(found.items())


def shipped() -> dict[str, Path]:
    """Return the policies that come with the program, by name: of a wheel, or of a checkout."""
    for directory in (_HERE / "shipped", _HERE.parents[1] / "policies"):
        files = sorted(directory.glob("*.yaml"))
        if files:
            return {file.stem: file for file in files}
    return {}


def _entry(entry: str, problems: Problems) -> Iterator[tuple[str, bytes]]:
    if entry.startswith(SHIPPED):
        yield from _shipped(entry, problems)
        return
    try:
        names = _listed(entry, problems)
    except OSError as error:
        _cannot(entry, error, problems)
        return
    for name in [entry] if names is None else names:
        data = _read(name, problems)
        if data is not None:
            yield printable(name), data


def _shipped(entry: str, problems: Problems) -> Iterator[tuple[str, bytes]]:
    known = shipped()
    name = entry.removeprefix(SHIPPED)
    if name in known:
        yield entry, known[name].read_bytes()
        return
    near = did_you_mean(name, list(known))
    hint = near or (f"there are {', '.join(known)}" if known else "install the program anew")
    _say(problems, entry, "there are no shipped policies of that name", hint)


def _listed(path: str, problems: Problems) -> list[str] | None:
    """Return the policy files of a directory by name; None when it is none."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        return None
    if not _trusted(path, status, problems):
        return []
    names = sorted(name for name in os.listdir(path) if _is_policy(name))
    if not names:
        _say(problems, path, "holds no *.yaml", "put a policy file into it, or leave it out")
    if len(names) > MOST:
        _say(problems, path, f"holds more than {MOST} files", "name the files that count")
        return []
    return [os.path.join(path, name) for name in names]


def _is_policy(name: str) -> bool:
    """Whether a name in a directory counts; what editors leave beside it does not."""
    return name.endswith(ENDINGS) and not name.startswith((".", "#"))


def _read(path: str, problems: Problems) -> bytes | None:
    """Return the content of a regular file that nobody else could have written."""
    try:
        # Not blocking: a pipe in the place of the file must not hold the daemon.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _content(path, descriptor, problems)
        finally:
            os.close(descriptor)
    except OSError as error:
        _cannot(path, error, problems)
        return None


def _content(path: str, descriptor: int, problems: Problems) -> bytes | None:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        _say(problems, path, "is a directory", "rename it, or name the files in it")
        return None
    if not stat.S_ISREG(status.st_mode):
        _say(problems, path, "is not a regular file", "name a file")
        return None
    if not _trusted(path, status, problems):
        return None
    with open(descriptor, "rb", closefd=False) as stream:
        return stream.read(LARGEST + 1)  # one more: the reader says that it is too long


def _trusted(path: str, status: os.stat_result, problems: Problems) -> bool:
    """Whether only its owner and root could have written it; else it is said."""
    if status.st_mode & stat.S_IWOTH and not _sticky(status):
        _say(problems, path, "can be written by everybody", f"chmod o-w {printable(path)}")
        return False
    if status.st_mode & stat.S_IWGRP and status.st_gid != status.st_uid and not _sticky(status):
        what = f"can be written by its group ({status.st_gid})"
        _say(problems, path, what, f"chmod g-w {printable(path)}")
        return False
    return True


def _sticky(status: os.stat_result) -> bool:
    """Whether it is a directory like /tmp: there nobody replaces what belongs to another."""
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)


def _cannot(path: str, error: OSError, problems: Problems) -> None:
    if isinstance(error, FileNotFoundError):
        _say(problems, path, "is not there", "name a file or directory that exists")
    elif isinstance(error, PermissionError):
        what = f"cannot be read: user {os.geteuid()} may not read it"
        _say(problems, path, what, "chown or chmod it")
    else:
        reason = error.strerror or str(error)
        _say(problems, path, f"cannot be read: {reason}", "name a file that can be read")


def _say(problems: Problems, path: str, what: str, hint: str) -> None:
    problems.add(Place(Origin(path, Path("/"))), "", what, hint)
