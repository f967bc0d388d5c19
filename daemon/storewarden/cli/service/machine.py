"""What this machine is asked and told: systemd, users, and what a user may do with a path."""

from __future__ import annotations

import os
import pwd
import re
import stat
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storewarden.errors import PermanentError, UsageError

_SECONDS: Final = 90.0
_LOOKED_AT: Final = 2_000  # names of a root, to see whose they are


_OCTAL: Final = re.compile(rb"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class Said:
    """What a program answered."""

    code: int
    out: str
    err: str


def ask(*command: str) -> Said:
    """Run a program and return what it said, whatever that is."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            env={**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return Said(127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        return Said(124, "", f"no answer within {_SECONDS:.0f} s")
    return Said(done.returncode, done.stdout, done.stderr.strip())


def tell(*command: str) -> None:
    """Run a program that has to succeed.

    Raises:
        PermanentError: it did not; its own words say why.
    """
    said = ask(*command)
    if said.code != 0:
        raise PermanentError(
            f"{command[0]} failed",
            where=" ".join(command),
            why=said.err or f"exit code {said.code}",
        )


def require_systemd(verb: str) -> None:
    """Refuse to go on where no systemd runs, or we may not change it.

    Raises:
        PermanentError: no systemd runs this machine.
        UsageError: only root may.
    """
    if not Path("/run/systemd/system").is_dir():
        raise PermanentError(
            "no systemd runs this machine",
            remedy="run `storewarden run` by what starts programs here; it stays in the foreground",
        )
    if os.geteuid() != 0:
        raise UsageError(
            f"only root may {verb} a service", remedy=f"sudo storewarden service {verb}"
        )


def properties(unit: str) -> Mapping[str, str]:
    """Return what systemd knows of a unit."""
    said = ask("systemctl", "show", "--no-pager", unit)
    lines = (line.partition("=") for line in said.out.splitlines())
    return {name: value for name, equals, value in lines if equals}


def user(name: str) -> pwd.struct_passwd | None:
    """Return a user, None when there is no such one."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def may(who: pwd.struct_passwd, path: bytes, what: str, *, bound: bool = False) -> bool:
    """Tell whether a user may ``r``ead, ``w``rite and enter (``x``) a path; root asks.

    ``bound``: it is a directory that is bound in, so that what it lies in does not matter.
    """
    asked = "." if bound else os.fsdecode(path)
    words = [word for letter in what for word in ("-a", f"-{letter}", asked)][1:]
    groups = os.getgrouplist(who.pw_name, who.pw_gid)
    try:
        done = subprocess.run(
            ["/usr/bin/test", *words],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=path if bound else "/",  # entered before we become somebody else
            user=who.pw_uid,
            group=who.pw_gid,
            extra_groups=groups,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def others_in(path: bytes, uid: int) -> bool:
    """Tell whether files of other users lie in a directory; a look at its first names."""
    left = _LOOKED_AT
    for directory, directories, files in os.walk(path, followlinks=False):
        directories.sort()
        for name in (b".", *files):
            try:
                status = os.lstat(os.path.join(directory, name))
            except OSError:
                continue
            known = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
            if known and status.st_uid != uid:
                return True
            left -= 1
            if left == 0:
                return False
    return False


def mount_points() -> Sequence[bytes]:
    """Return where file systems are mounted, or are to be by /etc/fstab."""
    found: set[bytes] = set()
    for file, column in (("/proc/self/mountinfo", 4), ("/etc/fstab", 1)):
        try:
            lines = Path(file).read_bytes().splitlines()
        except OSError:
            continue
        fields = (line.split() for line in lines if not line.lstrip().startswith(b"#"))
        found |= {_unescaped(one[column]) for one in fields if len(one) > column}
    return sorted(point for point in found if point.startswith(b"/"))


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field)


def same_in(file: Path, content: str) -> bool:
    """Tell whether a file holds exactly this."""
    try:
        return file.read_text("utf-8", "backslashreplace") == content
    except OSError:
        return False


def write(file: Path, content: str) -> None:
    """Replace a file of the system's at one go.

    Raises:
        PermanentError: it cannot be written.
    """
    try:
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        half = file.with_name(f".{file.name}.half")
        half.write_text(content, "utf-8")
        half.chmod(0o644)
        half.replace(file)
    except OSError as error:
        why = error.strerror or str(error)
        raise PermanentError("cannot be written", where=str(file), why=why) from error


def names_in(directory: str) -> Sequence[str]:
    """Return the names in a directory, none when it is not there."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return ()


def is_private(directory: str) -> bool:
    """Tell whether a directory is there, and root's alone."""
    try:
        told = os.stat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(told.st_mode) and told.st_uid == 0 and not told.st_mode & 0o077


def without(paths: Iterable[Path]) -> None:
    """Remove files that may be gone already.

    Raises:
        PermanentError: one cannot be removed.
    """
    for path in paths:
        try:
            path.unlink(missing_ok=True)
            if path.parent.name.endswith(".service.d") and not os.listdir(path.parent):
                path.parent.rmdir()
        except OSError as error:
            why = error.strerror or str(error)
            raise PermanentError("cannot be removed", where=str(path), why=why) from error
