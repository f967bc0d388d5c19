"""A root that is not there, or is not what it was, is said to be; nothing is declared missing."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon import SEEN, Daemon
from tests.mounts import Namespace, namespace
from tests.trees import burst, write

ROOT = "uploads"


@pytest.fixture
def mounts() -> Iterator[Namespace]:
    with namespace() as lent:
        yield lent


class Disk:
    """A directory that is mounted where the root is, as a disk would be."""

    def __init__(self, top: Path, mounts: Namespace) -> None:
        self.content = top / "disk" / "content"
        self.root = top / "root"
        self.content.mkdir(parents=True)
        self.root.mkdir()
        self.mounts = mounts
        self.mount()
        burst(self.content / "kept", 30)

    def mount(self) -> None:
        self.mounts.run("mount", "--bind", self.content, self.root)

    def daemon(self, top: Path) -> Daemon:
        return Daemon(
            top / "daemon",
            {ROOT: self.root},
            inside=self.mounts,
        )


def assert_nothing_missing(daemon: Daemon, files: int) -> None:
    assert daemon.count() == files
    assert daemon.metric(f'files{{kind="image",root="{ROOT}",state="missing"}}') <= 0
    assert daemon.status_of()["missing"] == 0


def test_unmounted_and_mounted_again(tmp_path: Path, mounts: Namespace) -> None:
    disk = Disk(tmp_path, mounts)
    with disk.daemon(tmp_path) as daemon:
        daemon.settled()
        unmount(mounts, disk.root, daemon)
        write(disk.root / "stray.png")  # lands in the empty directory below the mount
        daemon.blinded("root-not-mounted")
        assert_nothing_missing(daemon, 30)
        burst(disk.content / "meanwhile", 10)
        disk.mount()
        daemon.healed("root-not-mounted")
        assert daemon.count() == 40


def test_gone_before_the_daemon_starts(tmp_path: Path, mounts: Namespace) -> None:
    disk = Disk(tmp_path, mounts)
    with disk.daemon(tmp_path) as daemon:
        daemon.settled()
        assert daemon.stop() == 0
        mounts.unmount(disk.root)
        daemon.start()
        daemon.blinded("root-not-mounted")
        scanned = daemon.verb("scan", "--json")
        assert scanned.returncode == 1, scanned
        assert_nothing_missing(daemon, 30)
        assert daemon.get("/readyz")[0] == 200, "it is ready: it said why not"
        disk.mount()
        daemon.healed("root-not-mounted")


def test_a_scan_without_a_daemon_refuses_as_well(tmp_path: Path, mounts: Namespace) -> None:
    disk = Disk(tmp_path, mounts)
    with disk.daemon(tmp_path) as daemon:
        daemon.settled()
        assert daemon.stop() == 0
        mounts.unmount(disk.root)
        scanned = daemon.verb("scan", "--json")
        assert scanned.returncode == 1
        assert "root-not-mounted" in scanned.stdout + scanned.stderr
        assert daemon.count() == 30


def test_mounted_over(tmp_path: Path, mounts: Namespace) -> None:
    root = tmp_path / "root"
    burst(root, 30)
    with Daemon(tmp_path / "daemon", {ROOT: root}, inside=mounts) as daemon:
        daemon.settled()
        mounts.tmpfs(root)
        write(daemon.seen(root) / "on-top.png")
        daemon.blinded("root-mounted-over")
        assert_nothing_missing(daemon, 30)
        write(root / "below.png")  # seen from outside the namespace, the root is not covered
        daemon.until(lambda: daemon.metric(f'root_blind{{root="{ROOT}"}}') == 1, "still blind")
        assert daemon.count() == 30
        mounts.unmount(root)
        daemon.healed("root-mounted-over")
        assert daemon.count() == 31


def test_another_file_system_in_its_place(tmp_path: Path, mounts: Namespace) -> None:
    disk = Disk(tmp_path, mounts)
    other = tmp_path / "other"
    burst(other, 5, stem="other")
    with disk.daemon(tmp_path) as daemon:
        daemon.settled()
        unmount(mounts, disk.root, daemon)
        mounts.run("mount", "--bind", other, disk.root)
        daemon.until(lambda: daemon.metric(f'root_frozen{{root="{ROOT}"}}') == 1, "frozen")
        assert_nothing_missing(daemon, 30)
        mounts.unmount(disk.root)
        disk.mount()
        daemon.until(lambda: daemon.metric(f'root_blind{{root="{ROOT}"}}') == 0, "healed")
        daemon.settled()
        assert daemon.count() == 30


def test_a_file_system_inside_the_root_goes_away(tmp_path: Path, mounts: Namespace) -> None:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    burst(root / "own", 200)
    mounts.tmpfs(root / "inner")
    with Daemon(tmp_path / "daemon", {ROOT: root}, inside=mounts) as daemon:
        burst(daemon.seen(root) / "inner", 30)
        daemon.settled()
        assert daemon.count() == 230
        unmount(mounts, root / "inner", daemon)
        daemon.blinded("root-not-mounted", state="blind")
        for _ in range(2):
            assert daemon.verb("scan").returncode == 1, "they are held"
        assert daemon.count() == 230, "nobody can know what became of them, however few they are"
        assert daemon.status_of()["missing_held"] == 30
        assert daemon.verb("scan", "--accept-missing").returncode == 0
        assert daemon.count() == 200


def mount_over(mounts: Namespace, how: str, place: Path, top: Path) -> None:
    """Mount something at a place: another file system, or a directory of the same one."""
    if how == "tmpfs":
        mounts.tmpfs(place)
    else:
        (top / "elsewhere").mkdir()
        mounts.run("mount", "--bind", top / "elsewhere", place)


@pytest.mark.parametrize("how", ["tmpfs", "bind"])
def test_a_file_system_mounted_inside_is_seen_within_seconds(
    tmp_path: Path, mounts: Namespace, how: str
) -> None:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    burst(root / "own", 20)
    with Daemon(tmp_path / "daemon", {ROOT: root}, inside=mounts) as daemon:
        daemon.settled()
        scans = daemon.scans()
        mount_over(mounts, how, root / "inner", tmp_path)
        burst(daemon.seen(root) / "inner" / "deep", 30)  # maybe before anybody noticed
        daemon.settled(seconds=SEEN)
        write(daemon.seen(root) / "inner" / "later.png")
        daemon.settled(seconds=SEEN)
        assert daemon.count() == 51
        assert daemon.scans() == scans, "no scan of the whole root was needed"
        assert daemon.status_of()["blind"] == []


@pytest.mark.parametrize("how", ["tmpfs", "bind"])
def test_what_a_mount_covers_is_never_called_missing_without_a_word(
    tmp_path: Path, mounts: Namespace, how: str
) -> None:
    root = tmp_path / "root"
    burst(root / "own", 200)
    burst(root / "covered" / "deep", 5)
    with (
        ExitStack() as opened,
        Daemon(tmp_path / "daemon", {ROOT: root}, inside=mounts) as daemon,
    ):
        # Never seen closed, they are looked at again and again after they were recorded.
        for path in (daemon.seen(root) / "covered" / "deep").iterdir():
            opened.enter_context(path.open("ab"))
            os.utime(path)
        daemon.settled()
        mount_over(mounts, how, root / "covered", tmp_path)
        burst(daemon.seen(root) / "covered", 3, stem="on-top")
        daemon.blinded("root-mounted-over", state="blind")
        daemon.until(lambda: daemon.count() == 208, "what lies on top is recorded as well")
        for _ in range(4):
            assert daemon.verb("scan").returncode == 1, "they are held"
        assert daemon.count() == 208
        assert daemon.status_of()["missing_held"] == 5

        assert daemon.stop() == 0
        daemon.start()
        daemon.blinded("root-mounted-over", state="blind")
        daemon.until(lambda: daemon.status_of()["missing_held"] == 5, "held after a restart, too")
        assert daemon.count() == 208

        unmount(mounts, root / "covered", daemon)
        write(daemon.seen(root) / "covered" / "deep" / "new.png")
        daemon.blinded("root-not-mounted", state="blind")
        daemon.until(lambda: daemon.count() == 209, "what was covered is watched again")
        assert daemon.verb("scan").returncode == 1, "now those on top are held"
        assert daemon.count() == 209
        assert daemon.verb("scan", "--accept-missing").returncode == 0
        daemon.settled()
        assert daemon.count() == 206
        daemon.until(lambda: daemon.status_of()["blind"] == [], "a person said that it is true")


def unmount(mounts: Namespace, place: Path, daemon: Daemon) -> None:
    """Unmount, however often it is refused: the daemon must not hold it up for long."""

    def unmounted() -> bool:
        try:
            mounts.unmount(place)
        except AssertionError:
            return False
        return True

    daemon.until(unmounted, "the daemon lets go", 5)
