"""The machine: versions, limits of the kernel, the clock, the service manager."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from storewarden.cli.checks.finding import Finding, fail, ok, warn

OLDEST_PYTHON = (3, 11)
NEEDED = ("apsw", "blake3", "click", "peewee", "prometheus-client", "PyYAML", "watchdog")
OPTIONAL = {
    "c2pa-python": "credentials",
    "psycopg": "postgres",
    "rich": "terminal",
    "systemd-python": "systemd",
}
INOTIFY = Path("/proc/sys/fs/inotify")
PERSIST = "/etc/sysctl.d/50-storewarden.conf"
QUEUE = 16_384  # the kernel's default; below it bursts overflow, and each costs a scan
INSTANCES_LEFT = 8  # an editor and a desktop want some, too
FILES = 1024
CAGED_SECONDS = 20.0  # a machine that is busy takes long to start a process
EARLIEST, LATEST = 2024, 2100
TIME_ERROR = 5  # adjtimex: the clock is not synchronized


def machine(directories: int, share: float, twice: int = 0) -> Iterator[Finding]:
    """Check everything that does not depend on a place.

    So many ``directories`` want to be watched, and some of them ``twice``: for their use as well.
    """
    yield python()
    yield libraries()
    yield watches(_limit("max_user_watches"), directories, share, twice)
    yield instances(_limit("max_user_instances"), instances_in_use())
    yield queue(_limit("max_queued_events"))
    yield inspection(walls())
    yield open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield clock(time.time(), synchronized())
    yield service_manager()


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Check the interpreter."""
    told = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return fail("python", f"{told} is too old", "install Python 3.11 or newer")
    return ok("python", told)


def libraries(version: Callable[[str], str] = metadata.version) -> Finding:
    """Check that every library is installed, and tell which."""
    here, lacking = [], []
    for name in (*NEEDED, *OPTIONAL):
        try:
            here.append(f"{name} {version(name)}")
        except metadata.PackageNotFoundError:
            lacking.append(name)
    needed = [name for name in lacking if name in NEEDED]
    if needed:
        return fail("libraries", f"missing: {', '.join(needed)}", "pip install storewarden")
    without = f"; without {', '.join(lacking)} (optional)" if lacking else ""
    return ok("libraries", ", ".join(here) + without)


def watches(limit: int | None, directories: int, share: float, twice: int = 0) -> Finding:
    """Check that each directory can have its watch, or two, within our share of the limit."""
    subject = "inotify watches"
    if limit is None:
        return fail(subject, "the kernel offers no inotify", "set watch: poll for every root")
    ours, wanted = int(limit * share), directories + twice
    counted = f", {twice:,} of them watched for their use as well" if twice else ""
    told = f"{directories:,} directories{counted}, {ours:,} of {limit:,} watches may be ours"
    if wanted > ours:
        return fail(subject, f"{told}: some roots will be polled", _raise(limit, wanted, share))
    if wanted > ours * 0.8:
        return warn(subject, told, _raise(limit, wanted, share))
    return ok(subject, told)


def instances(limit: int | None, used: int) -> Finding:
    """Check that there are inotify instances left."""
    subject = "inotify instances"
    if limit is None:
        return ok(subject, "not known")
    told = f"{used} of {limit} in use by this user"
    if used + INSTANCES_LEFT > limit:
        return warn(subject, told, _sysctl("max_user_instances", max(512, limit * 2)))
    return ok(subject, told)


def queue(limit: int | None) -> Finding:
    """Check that the event queue holds a burst."""
    subject = "inotify queue"
    if limit is None:
        return ok(subject, "not known")
    if limit < QUEUE:
        return warn(
            subject,
            f"{limit:,} events: bursts overflow it, and each overflow costs a scan",
            _sysctl("max_queued_events", QUEUE),
        )
    return ok(subject, f"{limit:,} events")


def inspection(standing: frozenset[str]) -> Finding:
    """Check which walls stand around the processes that look into strangers' files."""
    if not standing:
        return fail("inspection", "no process can be started that looks into files", "see the log")
    told = f"files are looked into behind {', '.join(sorted(standing))}"
    if "landlock" not in standing:
        mend = "start a kernel of 5.13 or newer with landlock in its lsm= list"
        return warn("inspection", f"{told}; nothing but those keeps them from writing", mend)
    if "seccomp" not in standing:
        return warn("inspection", f"{told}; no filter of system calls", "use x86-64 or arm64")
    return ok("inspection", told)


def walls() -> frozenset[str]:
    """Return the walls that stand in a process that raises them around itself."""
    program = "from storewarden.facts.cage import enter; print(*enter())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, timeout=CAGED_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(done.stdout.decode().split())


def open_files(limit: int) -> Finding:
    """Check how many files the process may hold open."""
    if limit == resource.RLIM_INFINITY:
        return ok("open files", "unlimited")
    if limit < FILES:
        return warn("open files", f"at most {limit}", f"ulimit -n {FILES}")
    return ok("open files", f"at most {limit:,}")


def clock(now: float, in_step: bool) -> Finding:
    """Check that the time is this century's and kept in step."""
    told = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    mend = "sudo timedatectl set-ntp true"
    if not EARLIEST <= int(told[:4]) < LATEST:
        return fail("clock", f"{told} cannot be right", mend)
    if not in_step:
        return warn("clock", f"{told}, not kept in step by anything", mend)
    return ok("clock", f"{told}, kept in step")


def synchronized() -> bool:
    """Whether the kernel's clock is disciplined by NTP or the like."""
    timex = ctypes.create_string_buffer(512)  # struct timex, all zero: only ask
    return ctypes.CDLL(None).adjtimex(timex) not in {TIME_ERROR, -1}


def service_manager() -> Finding:
    """Tell whether systemd runs here, and by what we speak to it."""
    if not Path("/run/systemd/system").is_dir():
        return ok("systemd", "does not run here; the daemon runs as well without it")
    try:
        told = f"runs here; systemd-python {metadata.version('systemd-python')}"
    except metadata.PackageNotFoundError:
        told = "runs here; without systemd-python we notify it ourselves"
    return ok("systemd", told)


def instances_in_use(proc: Path = Path("/proc")) -> int:
    """Count the inotify instances of this user's processes, as far as they can be seen."""
    count = 0
    for process in proc.iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if process.stat().st_uid != os.geteuid():
                continue
            for descriptor in os.listdir(process / "fd"):
                count += os.readlink(process / "fd" / descriptor) == "anon_inode:inotify"
        except OSError:  # it ended, or is not ours to look at
            continue
    return count


def _limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text())
    except (OSError, ValueError):
        return None


def _raise(limit: int, wanted: int, share: float) -> str:
    """Return the command that gives room for twice as many directories."""
    return _sysctl("max_user_watches", max(limit * 2, int(wanted * 2 / max(share, 0.01))))


def _sysctl(name: str, value: int) -> str:
    setting = f"fs.inotify.{name}={value}"
    return f"sudo sysctl -w {setting} && echo {setting} | sudo tee -a {PERSIST}"
