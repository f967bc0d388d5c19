"""What the catalogue lies on fails while files arrive: watching goes on, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from tests.daemon import Daemon, pause
from tests.missing import missing, program
from tests.mounts import Namespace, namespace
from tests.servers import postgres, shared
from tests.trees import burst, write

ROOT = "uploads"
FAILS = "the catalogue cannot be written; what happens is kept and tried again"
HEALED = "the catalogue can be written again"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    burst(tmp_path / "root" / "before", 50)
    return tmp_path / "root"


def wait_for_failure(daemon: Daemon, reason: str) -> None:
    daemon.until(lambda: daemon.metric("catalogue_writable") == 0, f"cannot write: {reason}")
    errors = f'catalogue_errors_total{{reason="{reason}"}}'
    daemon.until(lambda: daemon.metric(errors) > 0, "errors are counted")
    assert daemon.get("/healthz")[0] == 200, "every part gets on"


def wait_for_health(daemon: Daemon, reason: str) -> None:
    daemon.settled(seconds=40)
    daemon.until(lambda: daemon.metric("catalogue_writable") == 1, "it can be written")
    assert len(daemon.told(FAILS, reason=reason)) == 1
    assert len(daemon.told(HEALED)) == 1
    said = [line for line in daemon.log() if line["level"] in {"warning", "error", "critical"}]
    assert len(said) <= 4, "a fault is told once, not again and again"


@contextlib.contextmanager
def full(place: Path) -> Iterator[None]:
    """Fill a file system to its last byte."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"." * size)
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def mounts() -> Iterator[Namespace]:
    with namespace() as lent:
        yield lent


def test_the_disk_of_the_catalogue_is_full(tmp_path: Path, root: Path, mounts: Namespace) -> None:
    state = tmp_path / "state"
    state.mkdir()
    mounts.tmpfs(state, "6m")
    with Daemon(
        tmp_path / "daemon",
        {ROOT: root},
        settings={"state": str(state)},
        inside=mounts,
    ) as daemon:
        daemon.settled()
        with full(daemon.seen(state)):
            burst(root / "during", 3000, size=1)
            wait_for_failure(daemon, "full")
            events = f'events_total{{root="{ROOT}",type="closed"}}'
            before = daemon.metric(events)
            burst(root / "before", 3000, size=1, stem="still")
            daemon.until(lambda: daemon.metric(events) > before + 2500, "watching goes on")
            (root / "before" / "f000001.png").unlink()
            (root / "during").rename(root / "renamed")
            assert daemon.metric("process_resident_memory_bytes") < 90e6
        wait_for_health(daemon, "full")
        daemon.assert_sound()
        assert daemon.count() == 6049


def test_the_disk_is_full_when_it_starts(tmp_path: Path, root: Path, mounts: Namespace) -> None:
    """It cannot begin, says what to do, and leaves nothing that hinders the next start."""
    state = tmp_path / "state"
    state.mkdir()
    mounts.tmpfs(state, "2m")
    daemon = Daemon(
        tmp_path / "daemon",
        {ROOT: root},
        settings={"state": str(state)},
        inside=mounts,
    )
    with daemon:
        daemon.kill()
        for path in daemon.seen(state).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with full(daemon.seen(state)):
            daemon.start(ready=False)
            assert daemon.ended() == 1
            assert "no space for the catalogue" in daemon.said()
        daemon.start()
        daemon.settled()


class Disk:
    """A small ext4 in a file, mounted where the state is, that can fail as disks do."""

    def __init__(self, top: Path, mounts: Namespace) -> None:
        self.image, self.place, self.mounts = top / "image", top / "state", mounts
        self.place.mkdir()
        with self.image.open("wb") as file:
            file.truncate(24 << 20)
        subprocess.run([program("mkfs.ext4", "e2fsprogs"), "-qF", self.image], check=True)
        if mounts.limited or not Path("/sys/fs/ext4").is_dir():
            pytest.skip("only the machine's own root may mount ext4: run as root outside of this")
        try:
            self.mount()
        except AssertionError as error:
            pytest.skip(f"no loop device is to be had here ({error}): run as root outside of this")
        source = subprocess.run(
            [*mounts.enter, "findmnt", "-no", "SOURCE", self.place], capture_output=True, check=True
        )
        self.device = Path(os.fsdecode(source.stdout.strip())).name

    def mount(self) -> None:
        self.mounts.run("mount", "-o", "loop,errors=remount-ro", self.image, self.place)

    def fail(self) -> None:
        """Let the kernel find an error: it makes the file system read-only at once."""
        self.mounts.run("sync", "-f", self.place)  # what was written long ago is on a real disk
        Path(f"/sys/fs/ext4/{self.device}/trigger_fs_error").write_text("a test")

    def unmounted(self) -> bool:
        try:
            self.mounts.unmount(self.place)
        except AssertionError:
            return False
        return True

    def mend(self) -> None:
        done = subprocess.run(
            [program("e2fsck", "e2fsprogs"), "-fy", self.image], capture_output=True, check=False
        )
        assert done.returncode in {0, 1}, done.stdout
        self.mount()


def test_the_disk_of_the_catalogue_becomes_read_only(
    tmp_path: Path, root: Path, mounts: Namespace
) -> None:
    disk = Disk(tmp_path, mounts)
    with Daemon(
        tmp_path / "daemon",
        {ROOT: root},
        # a socket that lies on a disk holds it, as long as somebody listens there
        settings={"state": str(disk.place), "api": {"socket": str(tmp_path / "api.sock")}},
        inside=mounts,
    ) as daemon:
        daemon.settled()
        disk.fail()
        burst(root / "during", 1000)
        wait_for_failure(daemon, "unavailable")
        daemon.until(disk.unmounted, "it lets go of the broken disk", 30)
        burst(root / "unmounted", 1000)
        disk.mend()
        wait_for_health(daemon, "unavailable")
        daemon.assert_sound()
        assert daemon.count() == 2050


def test_another_program_holds_the_catalogue(tmp_path: Path, root: Path) -> None:
    """For longer than the five seconds that a writer waits."""
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        other = apsw.Connection(str(daemon.state / "catalogue.db"))
        other.execute("BEGIN IMMEDIATE")
        burst(root / "during", 500)
        wait_for_failure(daemon, "busy")
        burst(root / "still", 500)
        other.execute("ROLLBACK")
        other.close()
        wait_for_health(daemon, "busy")
        assert daemon.count() == 1050


def spoil(path: Path) -> None:
    """Write garbage over all but the first page, as a bad disk would."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


def behead(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(4096))


def cut(path: Path) -> None:
    os.truncate(path, 10_000)


def asides(daemon: Daemon) -> list[str]:
    return [path.name for path in daemon.state.glob("catalogue.db.damaged-*Z")]


@pytest.mark.parametrize("damage", [spoil, behead, cut])
@pytest.mark.parametrize("backup", [False, True], ids=["rebuilt", "from a backup"])
def test_a_damaged_catalogue_is_set_aside(
    tmp_path: Path, root: Path, damage: Callable[[Path], None], *, backup: bool
) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        if backup:
            assert daemon.verb("catalogue", "backup").returncode == 0
        burst(root / "later", 500)
        daemon.settled()
        assert daemon.stop() == 0
        damage(daemon.state / "catalogue.db")
        for number in range(50):  # rows are read of what changed
            write(root / "before" / f"f{number:06d}.png", b"changed")
        (root / "later" / "f000001.png").unlink()
        daemon.start(ready=False)
        daemon.until(lambda: daemon.told("ready"), "it is ready")
        daemon.settled(seconds=30)
        daemon.assert_sound()
        assert len(asides(daemon)) == 1
        told = daemon.told("the damaged catalogue was set aside; a scan makes the new one right")
        assert len(told) == 1
        assert told[0]["level"] == "critical"
        assert ("backups" in told[0]["restored"]) == backup


def test_the_catalogue_is_damaged_while_it_runs(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        burst(root / "many", 3000, size=1)
        daemon.settled()
        # What another program wrote makes the daemon read its pages again
        pause(daemon)
        other = apsw.Connection(str(daemon.state / "catalogue.db"))
        other.execute("UPDATE leases SET beat = beat")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        spoil(daemon.state / "catalogue.db")
        daemon.signal(signal.SIGCONT)
        for number in range(0, 3000, 100):
            os.utime(root / "many" / f"f{number:06d}.png")
        daemon.until(lambda: asides(daemon), "it is set aside")
        daemon.until(lambda: len(daemon.told("ready")) == 2, "it goes on in the same process")
        daemon.settled(seconds=30)
        daemon.assert_sound()
        assert daemon.stop() == 0


class Server:
    """A PostgreSQL server of one test alone, that can be stopped and started."""

    def __init__(self) -> None:
        self.started = postgres.start()
        self.data = Path(self.started.directory) / "data"
        # Else a server that is killed forgets what it acknowledged, as nobody's should
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write("synchronous_commit = on\n")
        self.control("reload")

    @property
    def url(self) -> str:
        return self.started.url

    def control(self, *words: str) -> None:
        programs = postgres.find_programs()
        if programs is None:
            missing("PostgreSQL", "apt install postgresql")
        become = postgres.other_user(Path(self.started.directory))
        command = [*become, f"{programs}/pg_ctl", "-D", str(self.data), "-w", *words]
        subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
        )

    def start(self) -> None:
        self.control("start", "-l", f"{self.started.directory}/log")

    def stop(self, how: str = "fast") -> None:
        self.control("stop", "-m", how)


@pytest.fixture
def server() -> Iterator[Server]:
    if "STOREWARDEN_TEST_POSTGRES" in os.environ:
        pytest.skip("needs a server that it may stop: unset STOREWARDEN_TEST_POSTGRES")
    lent = Server()
    yield lent
    with contextlib.suppress(subprocess.CalledProcessError):
        lent.stop("immediate")
    shared.stop(lent.started)


def test_the_server_of_the_catalogue_goes_and_comes(
    tmp_path: Path, root: Path, server: Server
) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}, catalogue=server.url) as daemon:
        daemon.settled()
        writing = threading.Thread(target=burst, args=(root / "during", 4000), kwargs={"size": 1})
        writing.start()
        daemon.until(lambda: daemon.count() > 200, "rows come")
        server.stop("immediate")  # in the middle of whatever transaction
        writing.join()
        wait_for_failure(daemon, "unavailable")
        burst(root / "still", 200)
        server.start()
        wait_for_health(daemon, "unavailable")
        assert daemon.count() == 4250
        for _ in range(3):  # and while nothing happens
            server.stop()
            server.start()
        write(root / "last.png")
        daemon.settled(seconds=30)
