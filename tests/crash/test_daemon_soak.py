"""Hours of load, kills and pauses: the catalogue equals the disk whenever it is asked.

`make soak` runs it for STOREWARDEN_SOAK_MINUTES (10). The seed is printed: the same seed does the
same to the files, in the same order.
"""

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon import Daemon

MINUTES = float(os.environ.get("STOREWARDEN_SOAK_MINUTES", "10"))
SEED = int(os.environ.get("STOREWARDEN_SOAK_SEED", str(time.time_ns() % 1_000_000)))
ROUND = 30.0  # seconds of load between two comparisons
NAMES = [b"plain.png", b"new\nline", b"\xff\xfe", b"x" * 255, b"-dash", b"a.part", b" space"]


class Load(threading.Thread):
    """Does what applications do to files, at random, until told to stop."""

    def __init__(self, root: bytes, seed: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        deeds: list[Callable[[], None]] = [
            *(self.save, self.save, self.save, self.append, self.save_over),
            *(self.rename, self.link, self.remove, self.make_directory, self.rename_directory),
            *(self.remove_directory, self.touch_back),
        ]
        try:
            while not self.over.wait(0.002):
                try:
                    self.random.choice(deeds)()
                except (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError):
                    continue
                except OSError as error:
                    if error.errno != 39:  # a directory renamed onto one that is not empty
                        raise
        except BaseException as error:  # noqa: BLE001 -- told by the test, which owns the thread
            self.failure = error

    def directories(self) -> list[bytes]:
        found = [self.root]
        with os.scandir(self.root) as names:
            found += [
                entry.path
                for entry in names
                if entry.is_dir(follow_symlinks=False) and entry.name != b".storewarden"
            ]
        return found

    def place(self) -> bytes:
        number = b"%d" % self.random.randrange(200)
        name = self.random.choice(NAMES)
        return os.path.join(self.random.choice(self.directories()), (number + name)[:255])

    def save(self) -> None:
        Path(os.fsdecode(self.place())).write_bytes(self.random.randbytes(100))

    def append(self) -> None:
        with open(self.place(), "ab") as file:
            file.write(b"more")

    def save_over(self) -> None:
        temporary = self.place() + b"~"
        with open(temporary[:255] if len(temporary) < 255 else self.place(), "wb") as file:
            file.write(self.random.randbytes(50))
            name = file.name
        os.replace(name, self.place())

    def rename(self) -> None:
        os.rename(self.place(), self.place())

    def link(self) -> None:
        os.link(self.place(), self.place())

    def remove(self) -> None:
        os.unlink(self.place())

    def make_directory(self) -> None:
        os.mkdir(os.path.join(self.root, b"d%d" % self.random.randrange(12)))

    def rename_directory(self) -> None:
        first, second = self.random.randrange(12), self.random.randrange(12)
        os.rename(os.path.join(self.root, b"d%d" % first), os.path.join(self.root, b"d%d" % second))

    def remove_directory(self) -> None:
        if self.random.random() < 0.1:
            shutil.rmtree(os.path.join(self.root, b"d%d" % self.random.randrange(12)))

    def touch_back(self) -> None:
        os.utime(self.place(), ns=(10**18, 10**18 + self.random.randrange(10**9)))


def status_of(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def difference_without_links(daemon: Daemon) -> set[bytes]:
    """Return what is recorded wrongly, files that have or had several names left out.

    What is done through a name that is gone before it was looked at shows in the other names, and
    no event tells of it; the next scan does.
    """
    rows, tree = daemon.rows(), daemon.tree()
    return {
        path
        for path in rows.keys() | tree.keys()
        if rows.get(path) != tree.get(path)
        and all(side[path][-1] == 1 for side in (rows, tree) if path in side)
    }


@pytest.mark.soak
def test_kills_and_pauses_under_load(tmp_path: Path) -> None:
    print(f"seed {SEED}, {MINUTES:g} minutes")  # noqa: T201 -- a soak is watched
    root = tmp_path / "uploads"
    root.mkdir()
    chance = random.Random(SEED)
    ends = time.monotonic() + MINUTES * 60
    rounds = kills = 0
    with Daemon(
        tmp_path / "daemon", {"uploads": {"path": str(root), "missing_share": "100%"}}
    ) as daemon:
        while time.monotonic() < ends:
            load = Load(os.fsencode(root), SEED + rounds)
            load.start()
            until = time.monotonic() + ROUND
            while time.monotonic() < until:
                time.sleep(chance.uniform(0.5, 4))
                deed = chance.random()
                if deed < 0.3:
                    daemon.kill()
                    kills += 1
                    daemon.start(ready=False)
                elif deed < 0.5:
                    daemon.signal(signal.SIGSTOP)
                    time.sleep(chance.uniform(0.1, 2))
                    daemon.signal(signal.SIGCONT)
                elif deed < 0.6:
                    daemon.stop()
                    daemon.start(ready=False)
            load.over.set()
            load.join()
            assert load.failure is None
            daemon.until(lambda: daemon.told("ready"), "it is ready", 60)
            took = daemon.until(
                lambda: not difference_without_links(daemon),
                "every file with one name is recorded as it is",
                60,
            )
            assert daemon.verb("scan").returncode == 0
            daemon.settled(seconds=60)
            daemon.assert_sound()
            rounds += 1
            descriptors = len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))
            print(  # noqa: T201
                f"round {rounds}: {daemon.count()} files, right {took:.1f} s after the load,"
                f" {kills} kills, {status_of(daemon.pid, 'VmRSS') / 1024:.0f} MB, {descriptors} fds"
            )
            assert status_of(daemon.pid, "VmRSS") < 100 * 1024
            assert descriptors < 64
