"""A daemon that is killed leaves nobody behind."""

import contextlib
from pathlib import Path

from tests.daemon import Daemon

HOURS_OF_READING = 1 << 43


def children(pid: int, program: str) -> list[int]:
    """Return the processes of a daemon that run `program`."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        found = [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        return [int(one) for one in found if program in Path(f"/proc/{one}/cmdline").read_text()]
    return []


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody waits for has too."""
    try:
        return "Z (zombie)" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_the_digesting_process_ends_with_a_killed_daemon(tmp_path: Path) -> None:
    root = tmp_path / "uploads"
    root.mkdir()
    with (root / "endless.img").open("wb") as file:
        file.truncate(HOURS_OF_READING)
    with Daemon(tmp_path / "daemon", {"uploads": root}) as daemon:
        daemon.until(lambda: children(daemon.pid, ".digesting"), "a file is digested")
        (digesting,) = children(daemon.pid, ".digesting")
        daemon.kill()

        daemon.until(lambda: is_gone(digesting), "the digesting process has ended", ended=True)


def test_the_inspecting_process_ends_with_a_killed_daemon(tmp_path: Path) -> None:
    root = tmp_path / "uploads"
    root.mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": root}) as daemon:
        daemon.until(lambda: children(daemon.pid, ".inspecting"), "files can be looked into")
        (inspecting, *_) = children(daemon.pid, ".inspecting")
        daemon.kill()

        daemon.until(lambda: is_gone(inspecting), "the inspecting process has ended", ended=True)
