"""The places: the state directory and every root, as the daemon will find them."""

from __future__ import annotations

import os
import shlex
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from storewarden.cli.checks.finding import Finding, fail, ok, warn
from storewarden.config.schema import RootSettings
from storewarden.measure.shown import shown
from storewarden.units import format_size
from storewarden.watch.exclude import OURS, Exclusions
from storewarden.watch.identity import RootIdentity, read_identity
from storewarden.watch.mounts import POLLED, Mount, MountTable, mode_for, mount_of

LITTLE = 1 << 30  # bytes under the catalogue: a million files take about half of it
HARDLY_ANY = 100 << 20
COUNT_SECONDS = 5.0


class Counted(NamedTuple):
    """Directories that a walk found in the time it had."""

    directories: int
    unreadable: tuple[bytes, ...]
    whole: bool


def state_directory(path: Path, mounts: Sequence[Mount], *, sqlite: bool) -> Iterator[Finding]:
    """Check where the catalogue, its backups and our notes live."""
    subject, where = "state directory", shown(os.fsencode(path))
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if path.exists() and not path.is_dir():
        yield fail(
            subject, f"{where} is not a directory", f"mv {_quoted(path)} {_quoted(path)}.old"
        )
        return
    if not os.access(nearest, os.W_OK | os.X_OK):
        mend = f"sudo install -d -m 700 -o $(id -un) {_quoted(path)}"
        yield fail(subject, f"{where} cannot be written by this user", mend)
        return
    made = "" if nearest == path else " (will be made)"
    yield free_space(subject, f"{where}{made}", free_bytes(os.fsencode(nearest)))
    if path.is_dir() and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield warn(subject, f"{where} can be written by others", f"chmod 700 {_quoted(path)}")
    mount = mount_of(os.path.realpath(os.fsencode(nearest)), mounts)
    if sqlite and mount is not None and POLLED.fullmatch(mount.fstype):
        yield fail(
            subject,
            f"{where} is on {mount.fstype}, where SQLite's locks cannot be trusted",
            "set state: to a local directory, or catalogue: to postgresql://…",
        )


def free_space(subject: str, where: str, free: int) -> Finding:
    """Judge the space that is left for the catalogue."""
    told = f"{where}, {format_size(free)} free"
    if free < HARDLY_ANY:
        return fail(subject, told, "make room, or set state: to a larger disk")
    if free < LITTLE:
        return warn(subject, told, "make room, or set state: to a larger disk")
    return ok(subject, told)


def root(settings: RootSettings, mounts: MountTable, counted: Counted | None) -> Iterator[Finding]:
    """Check one root: there, readable, on what it is mounted, and how it will be watched."""
    subject, where = f"root {settings.name}", shown(settings.path)
    try:
        identity = read_identity(settings.path, mounts)
    except OSError as error:
        yield _not_there(subject, settings, error)
        return
    if not os.access(settings.path, os.R_OK | os.X_OK):
        mend = f"sudo setfacl -R -m u:$(id -un):rX {_quoted_bytes(settings.path)}"
        yield fail(subject, f"{where} cannot be read by this user", mend)
        return
    yield ok(subject, f"{where}: {_how(settings, identity)}")
    yield marker(subject, settings.path, identity, os.access(settings.path, os.W_OK | os.X_OK))
    if counted is not None:
        yield from below(subject, settings.path, counted)


def marker(subject: str, path: bytes, identity: RootIdentity, writable: bool) -> Finding:
    """Check that the root is known again when its disk is mounted elsewhere or replaced."""
    if identity.marker is not None:
        return ok(subject, f"marked as {identity.marker}")
    if writable:
        return ok(subject, "not marked yet: the daemon does so at its first start")
    return warn(
        subject,
        "may not be written to: it is known by its file system alone, and has no trash",
        f"sudo install -d -m 700 -o $(id -un) {_quoted_bytes(path + b'/' + OURS)}",
    )


def below(subject: str, path: bytes, counted: Counted) -> Iterator[Finding]:
    """Tell what a walk over the directories met."""
    more = "" if counted.whole else " or more"
    yield ok(subject, _directories(counted.directories, more))
    if counted.unreadable:
        first = shown(counted.unreadable[0])
        yield warn(
            subject,
            f"{_directories(len(counted.unreadable))} cannot be read, the first is {first}",
            f"sudo setfacl -R -m u:$(id -un):rX {_quoted_bytes(path)}",
        )


def count_directories(
    settings: RootSettings, now: Callable[[], float] = time.monotonic
) -> Counted | None:
    """Count what the watches are needed for, for some seconds; None when there is no root."""
    if not os.path.isdir(settings.path):
        return None
    exclude = Exclusions(settings.exclude)
    until, count = now() + COUNT_SECONDS, 0
    unreadable: list[bytes] = []
    waiting = [b""]
    while waiting:
        relative = waiting.pop()
        if now() > until:
            return Counted(count + len(waiting) + 1, tuple(unreadable), whole=False)
        count += 1
        try:
            with os.scandir(os.path.join(settings.path, relative)) as entries:
                inside = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        except OSError:
            unreadable.append(relative)
            continue
        prefix = relative + b"/" if relative else b""
        waiting += [prefix + name for name in inside if not exclude.directory(prefix + name)]
    return Counted(count, tuple(unreadable), whole=True)


def free_bytes(path: bytes) -> int:
    """Return the space that a user without privileges may still fill."""
    told = os.statvfs(path)
    return told.f_bavail * told.f_frsize


def _directories(count: int, more: str = "") -> str:
    return f"{count:,}{more} {'directory' if count == 1 else 'directories'}"


def _how(settings: RootSettings, identity: RootIdentity) -> str:
    mode = mode_for(identity.fstype, settings.watch)
    chosen = "" if settings.watch == "auto" else " (as configured)"
    free = format_size(free_bytes(settings.path))
    return f"{identity.fstype}, watched by {mode}{chosen}, {free} free"


def _not_there(subject: str, settings: RootSettings, error: OSError) -> Finding:
    where, quoted = shown(settings.path), _quoted_bytes(settings.path)
    if isinstance(error, FileNotFoundError):
        if settings.create:
            return ok(subject, f"{where} is not there; `storewarden run` makes it")
        remedy = f"mount its disk, or put it back; if it is a new one: mkdir -p {quoted}"
        return fail(subject, f"{where} is not there", remedy)
    if isinstance(error, NotADirectoryError):
        return fail(subject, f"{where} is not a directory", "set path: to a directory")
    why = os.strerror(error.errno) if error.errno else str(error)
    return fail(subject, f"{where}: {why}", f"sudo setfacl -m u:$(id -un):rX {quoted}")


def _quoted(path: Path) -> str:
    return _quoted_bytes(os.fsencode(path))


def _quoted_bytes(path: bytes) -> str:
    return shlex.quote(shown(path))
