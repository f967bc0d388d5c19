"""A writer is killed, or stopped and woken: no acknowledged row is lost, none is written twice."""

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.catalogue import keep, keep_file, lease, migrate, postgres, sqlite
from storewarden.catalogue.engine import Engine
from storewarden.clock import SystemClock
from storewarden.errors import HeldByAnother
from tests.catalogues import Place, furnish

TOP = Path(__file__).parents[2]
ROWS = 40

WRITER = """
import sys, time
from pathlib import Path
from storewarden.catalogue import lease
from storewarden.catalogue.connect import open_catalogue
from storewarden.clock import SystemClock
from storewarden.errors import LeaseLost
from tests.catalogues import COLUMNS, file_row
url, state, first, rows, waits = *sys.argv[1:3], *map(int, sys.argv[3:6])
engine = open_catalogue(url, Path(state), role="writer")
lease.take(engine, 1, "writer", SystemClock(), time.sleep)
print("ready", flush=True)
try:
    for batch in range(first, 10**9):
        with engine.transaction():
            names = [file_row(b"%d-%d" % (batch, row)) for row in range(rows)]
            engine.insert("files", COLUMNS, names)
            engine.execute("UPDATE roots SET pending = pending + 1")
            if waits:
                print("inside", flush=True)
                sys.stdin.readline()
        print(batch, flush=True)
except LeaseLost:
    print("lost", flush=True)
"""


class Ahead:
    """A clock whose monotonic time is ahead, so that nobody has to wait for a beat to be old."""

    def wall_ns(self) -> int:
        return SystemClock().wall_ns()

    def monotonic(self) -> float:
        return SystemClock().monotonic() + lease.STANDS_STILL + 1


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


@pytest.fixture
def engine(place: Place) -> Engine:
    engine = place.open()
    migrate.migrate(engine, place.clock)
    furnish(engine)
    return engine


Writer = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def writer(place: Place) -> Iterator[Writer]:
    """Start processes that hold the lease and write batches as fast as they can."""
    with contextlib.ExitStack() as stack:

        def start(first: int = 0, *, waits: bool = False) -> subprocess.Popen[str]:
            arguments = [place.url, str(place.state), str(first), str(ROWS), str(int(waits))]
            process = subprocess.Popen(
                [sys.executable, "-c", WRITER, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=TOP,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            assert read(process) == "ready"
            return process

        yield start


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here waits for a lock."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    hasty = postgres._SESSION.replace("lock_timeout = '5s'", "lock_timeout = '20ms'")
    monkeypatch.setattr(postgres, "_SESSION", hasty)


def read(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> list[str]:
    """Return what a process that ends said last."""
    said, _ = process.communicate(timeout=30)
    return said.split()


def batches(engine: Engine) -> list[int]:
    rows = engine.execute("SELECT name FROM files")
    there = [int(bytes(name).split(b"-")[0]) for (name,) in rows]
    found = sorted(set(there))
    assert len(there) == len(found) * ROWS
    assert engine.execute("SELECT pending FROM roots") == [(len(found),)]
    return found


def test_a_killed_writer_loses_nothing_that_it_acknowledged(
    place: Place, engine: Engine, writer: Writer
) -> None:
    dice = random.Random(4711)
    said: list[int] = []
    first = 0
    for _ in range(8):
        process = writer(first)
        said += [int(read(process)) for _ in range(dice.randrange(1, 40))]
        process.kill()
        end(process)

        there = batches(engine)
        assert set(said) <= set(there)
        first = there[-1] + 1
    epochs = engine.execute("SELECT epoch FROM leases")
    engine.close()

    assert epochs == [(8,)]
    if engine.dialect == "sqlite":
        assert keep_file.damage(place.file) == ""


@pytest.mark.usefixtures("impatient")
def test_a_stopped_writer_is_taken_over_and_writes_nothing_when_it_wakes(
    place: Place, engine: Engine, writer: Writer
) -> None:
    process = writer(waits=True)
    assert read(process) == "inside"
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    assert read(process) == "0"
    # Whatever it is doing now; inside a transaction SQLite lets nobody else in
    assert read(process) == "inside"
    os.kill(process.pid, signal.SIGSTOP)
    other = place.open()
    if engine.dialect == "sqlite":
        with pytest.raises(HeldByAnother, match=f"writer, pid {process.pid} "):
            lease.take(other, 1, "other", Ahead(), lambda _seconds: None)
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()
        taken = lease.take(other, 1, "other", SystemClock(), lambda _seconds: None)
    else:
        # The server ends a transaction that stands still, and the takeover goes on
        other.execute("SELECT 1")
        with other.transaction():
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
        taken = lease.take(other, 1, "other", Ahead(), lambda _seconds: None)
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.write("\n")
        end(process)

    assert taken.epoch == 2
    assert batches(other) == [0]


@pytest.mark.usefixtures("impatient")
def test_a_writer_stopped_between_transactions_is_fenced(
    place: Place, engine: Engine, writer: Writer
) -> None:
    process = writer()
    for _ in range(5):
        read(process)
    other = place.open()
    taken = None
    while taken is None:
        os.kill(process.pid, signal.SIGSTOP)
        try:
            taken = lease.take(other, 1, "other", Ahead(), lambda _seconds: None)
        except HeldByAnother:  # it was in the middle of writing
            os.kill(process.pid, signal.SIGCONT)
            read(process)
    before = batches(other)
    os.kill(process.pid, signal.SIGCONT)
    said = end(process)

    assert said[-1] == "lost"
    assert process.returncode == 0
    assert batches(other) == before
    taken.beat(SystemClock())


KEEPER = """
import os, sys
from pathlib import Path
from storewarden.catalogue import keep, keep_file
from storewarden.clock import SystemClock
state, what, dies_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0
def deadly(function):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == dies_at:
            os.kill(os.getpid(), 9)
        return function(*arguments, **named)
    return call
os.rename, os.link, os.fsync = map(deadly, (os.rename, os.link, os.fsync))
keep_file.shutil.copyfile = deadly(keep_file.shutil.copyfile)
Path.unlink = deadly(Path.unlink)
clock = SystemClock()
if what == "restore":
    keep.restore("sqlite", state, keep.choose(state, None), clock)
elif what == "heal":
    keep.open_for_writing("sqlite", state, clock, "test")[0].close()
else:
    engine, _ = keep.open_for_writing("sqlite", state, clock, "test")
    keep.backup(engine, state, clock)
    engine.close()
print(calls)
"""


def die(state: Path, what: str, at: int) -> bool:
    """Run something that kills itself at one of its calls; tell whether it got that far."""
    ran = subprocess.run(
        [sys.executable, "-c", KEEPER, str(state), what, str(at)],
        capture_output=True,
        text=True,
        cwd=TOP,
        check=False,
    )
    assert ran.returncode in {0, -9}, ran.stderr
    return ran.returncode == -9


@pytest.mark.parametrize("what", ["restore", "heal", "backup"])
def test_killed_at_any_step_there_is_a_catalogue_and_nothing_was_lost(
    tmp_path: Path, what: str
) -> None:
    at = 0
    died = True
    while died:
        at += 1
        place = Place("sqlite", tmp_path / str(at))
        engine = place.furnished()
        keep.backup(engine, place.state, place.clock)
        with engine.transaction():
            engine.execute("UPDATE roots SET pending = 7")
        place.close()
        if what == "heal":
            keep.condemn(place.file)
        died = die(place.state, what, at)

        engine, _ = keep.open_for_writing("sqlite", place.state, SystemClock(), "test")
        ((pending,),) = engine.execute("SELECT pending FROM roots")
        engine.close()
        assert pending in {0, 7}
        assert what != "backup" or pending == 7
        asides = [*place.state.glob("*.aside-*"), *place.state.glob("*.damaged-*")]
        assert pending == 7 or asides
        assert all(keep_file.damage(info.path) == "" for info in keep.backups(place.state))
        keep.restore("sqlite", place.state, keep.choose(place.state, None), SystemClock())
    assert at > 3
