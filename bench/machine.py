"""What the figures were measured on: they mean little without it."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def machine(directory: Path) -> dict[str, object]:
    """Return the machine, and the file system that ``directory`` is on."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": _system(),
        "kernel": platform.release(),
        "file_system": _file_system(directory),
        "python": platform.python_version(),
        "revision": _revision(),
        "load": round(os.getloadavg()[0], 2),
    }


def sentence(about: dict[str, object]) -> str:
    """Return the machine in one line."""
    return (
        "Measured on {date} at revision {revision}: {cores} cores, {memory_gib} GiB, {system}, "
        "Linux {kernel}, {file_system}, Python {python}; load before the first run {load}."
    ).format(**about)


def _system() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    return f"{release.get('ID', 'linux').capitalize()} {release.get('VERSION_ID', '')}".strip()


def _file_system(directory: Path) -> str:
    """Return the type of the file system, from the mount that holds the directory."""
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return "an unknown file system"


def _revision() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
