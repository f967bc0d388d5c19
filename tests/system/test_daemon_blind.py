"""What hides a root, or a part of it, is seen, said once, and heals by itself when it ends."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon import Daemon, pause
from tests.missing import kernel_limits, program
from tests.mounts import namespace
from tests.trees import burst, write

ROOT = "uploads"
FROZEN = f'root_frozen{{root="{ROOT}"}}'
BLIND = f'root_blind{{root="{ROOT}"}}'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    burst(tmp_path / "root" / "kept", 30)
    return tmp_path / "root"


def test_renamed_away_and_put_back(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        root.rename(tmp_path / "elsewhere")
        write(tmp_path / "elsewhere" / "kept" / "outside.png")
        daemon.blinded("root-not-there")
        assert daemon.count() == 30
        (tmp_path / "elsewhere").rename(root)
        daemon.healed("root-not-there")
        assert daemon.count() == 31


def test_deleted_and_made_again(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        shutil.rmtree(root)
        daemon.blinded("root-not-there")
        burst(root / "new", 5)
        daemon.until(lambda: daemon.metric(BLIND) == 0, "healed", 10)
        daemon.until(lambda: b"new/f000000.png" in daemon.rows(), "the new root is recorded")
        # Whatever of the deletion no event told of waits for a person
        assert daemon.verb("scan", "--accept-missing", "--json").returncode == 0
        daemon.settled()
        write(root / "new" / "later.png")
        daemon.settled()


def test_replaced_by_another_directory(tmp_path: Path, root: Path) -> None:
    """The new one is taken over, and what was in the old one waits for a person's word."""
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        burst(tmp_path / "other", 5, stem="other")
        root.rename(tmp_path / "old")
        (tmp_path / "other").rename(root)
        daemon.until(lambda: b"other000000.png" in daemon.rows(), "the new one is recorded")
        held = f'missing_held_files{{root="{ROOT}"}}'
        daemon.until(lambda: daemon.metric(held) == 30, "the old files are held")
        assert daemon.count() == 35
        assert len(daemon.told("so many files are gone that a person has to say it is true")) == 1
        write(root / "event.png")
        daemon.until(lambda: b"event.png" in daemon.rows(), "events come from the new one")
        root.rename(tmp_path / "other")
        (tmp_path / "old").rename(root)
        daemon.until(lambda: daemon.rows() == daemon.tree(), "the old one is back", 30)


def test_not_there_yet(tmp_path: Path) -> None:
    """A root may come later than the daemon; another root is recorded meanwhile."""
    late, there = tmp_path / "late", tmp_path / "there"
    there.mkdir()
    with Daemon(tmp_path / "daemon", {"late": late, "there": there}) as daemon:
        daemon.blinded("root-not-there", root="late", state="blind")
        write(there / "a.png")
        daemon.settled("there")
        burst(late, 10)
        daemon.healed("root-not-there", root="late")
        assert daemon.count("late") == 10


def as_nobody_special() -> list[str]:
    """Return what runs a program without the right to read what its user may not."""
    if os.geteuid() != 0:
        return []
    rights = "-dac_override,-dac_read_search"
    # The inheritable ones too: where a container was given them, root keeps them over exec
    return [program("setpriv", "util-linux"), f"--inh-caps={rights}", f"--bounding-set={rights}"]


@pytest.mark.parametrize("where", ["a directory", "the root"])
def test_unreadable(tmp_path: Path, root: Path, where: str) -> None:
    place = root / "kept" if where == "a directory" else root
    with Daemon(tmp_path / "daemon", {ROOT: root}, before=as_nobody_special()) as daemon:
        daemon.settled()
        place.chmod(0o000)
        daemon.blinded("directory-unreadable", state="frozen" if place == root else "blind")
        assert daemon.verb("scan").returncode == 1
        assert daemon.count() == 30, "what cannot be seen is not missing"
        place.chmod(0o755)
        daemon.healed("directory-unreadable")
        write(root / "kept" / "later.png")
        daemon.settled()
        assert daemon.count() == 31


def test_a_directory_that_was_unreadable_before_the_start(tmp_path: Path, root: Path) -> None:
    (root / "kept").chmod(0o000)
    with Daemon(tmp_path / "daemon", {ROOT: root}, before=as_nobody_special()) as daemon:
        daemon.blinded("directory-unreadable", state="blind")
        (root / "kept").chmod(0o755)
        daemon.healed("directory-unreadable")
        write(root / "kept" / "later.png")
        daemon.settled()
        assert daemon.count() == 31


def test_watches_run_out(tmp_path: Path) -> None:
    """The kernel grants no more: the root is polled, and events come again when it does."""
    kernel_limits()
    root = tmp_path / "root"
    root.mkdir()
    with namespace(limited=True) as limits:
        limit = "/proc/sys/user/max_inotify_watches"
        limits.run("sh", "-c", f"echo 12 > {limit}")
        roots = {ROOT: {"path": str(root), "poll": "1s"}}
        with Daemon(tmp_path / "daemon", roots, inside=limits) as daemon:
            daemon.settled()
            for number in range(25):
                burst(root / f"d{number}", 2)
            daemon.blinded("watches-exhausted", state="blind")
            assert daemon.status_of()["mode"] == "poll"
            assert daemon.metric(f'watch_mode{{mode="poll",root="{ROOT}"}}') == 1
            assert "sysctl" in daemon.status_of()["blind"][0]["remedy"]
            daemon.settled()  # by polling
            for number in range(25):
                write(root / f"d{number}" / "by-polling.png")
            daemon.settled()
            limits.run("sh", "-c", f"echo 1000 > {limit}")
            daemon.healed("watches-exhausted")
            assert daemon.status_of()["mode"] == "inotify"
            daemon.until(lambda: daemon.metric(f'watches{{root="{ROOT}"}}') == 26, "all watched")


def test_not_even_one_watch(tmp_path: Path, root: Path) -> None:
    kernel_limits()
    with namespace(limited=True) as limits:
        limit = "/proc/sys/user/max_inotify_watches"
        limits.run("sh", "-c", f"echo 0 > {limit}")
        roots = {ROOT: {"path": str(root), "poll": "1s"}}
        with Daemon(tmp_path / "daemon", roots, inside=limits) as daemon:
            daemon.blinded("watches-exhausted", state="polling")
            daemon.settled()
            write(root / "polled.png")
            daemon.settled()
            limits.run("sh", "-c", f"echo 1000 > {limit}")
            daemon.healed("watches-exhausted")


def test_an_emitter_dies(tmp_path: Path, root: Path) -> None:
    trigger = tmp_path / "die"
    poison = f"""
import os
from storewarden.watch.emitter import InotifyEmitter
whole = InotifyEmitter.queue_events
def queue_events(self, timeout):
    whole(self, timeout)
    if os.path.exists({str(trigger)!r}):
        os.unlink({str(trigger)!r})
        raise RuntimeError("poisoned")
InotifyEmitter.queue_events = queue_events
"""
    with Daemon(tmp_path / "daemon", {ROOT: root}, preamble=poison) as daemon:
        daemon.settled()
        write(trigger)
        burst(root / "during", 20)
        died = "a watching thread died and is replaced"
        daemon.until(lambda: daemon.told(died), "its death is seen", 5)
        daemon.settled()
        burst(root / "after", 20)
        daemon.settled()
        assert len(daemon.told(died)) == 1
        assert daemon.metric('worker_restarts_total{worker="emitter"}') == 1
        assert not trigger.exists()
        assert daemon.status_of()["state"] == "watching"


def test_the_event_queue_overflows(tmp_path: Path, root: Path) -> None:
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if queue > 100_000:
        pytest.skip(f"fs.inotify.max_queued_events is {queue}: too many files for this test")
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        pause(daemon)
        for number in range(8):
            (root / f"d{number}").mkdir()
        for number in range(queue // 2 + 500):  # each file is at least two events
            write(root / "kept" / f"{number % 200}-{number}.png")
        (root / "kept" / "f000001.png").unlink()
        daemon.signal(signal.SIGCONT)
        overflows = f'overflows_total{{root="{ROOT}"}}'
        daemon.until(lambda: daemon.metric(overflows) == 1, "the overflow is counted", 8)
        daemon.settled(seconds=30)
        daemon.until(lambda: daemon.metric(BLIND) == 0, "healed", 12)
        lost = daemon.told("events were lost, the whole root is scanned")
        assert len(lost) == 1
        assert daemon.status_of()["overflows"] == 1
        for number in range(8):
            write(root / f"d{number}" / "probe.png")
        daemon.settled()
        assert daemon.scans() == 2, "one scan made up for it, and events come again"


@pytest.mark.parametrize("kind", ["a file", "a link"])
def test_something_else_in_the_place_of_a_root(tmp_path: Path, root: Path, kind: str) -> None:
    kinds: dict[str, Callable[[], None]] = {
        "a file": lambda: write(root),
        "a link": lambda: root.symlink_to("/nowhere"),
    }
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        root.rename(tmp_path / "elsewhere")
        kinds[kind]()
        daemon.until(lambda: daemon.metric(FROZEN) == 1, "frozen", 8)
        assert daemon.count() == 30
        root.unlink()
        (tmp_path / "elsewhere").rename(root)
        daemon.until(lambda: daemon.metric(BLIND) == 0, "healed", 12)
        daemon.settled()
