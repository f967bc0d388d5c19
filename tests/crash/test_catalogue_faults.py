"""The N-th call to the file system fails, for every N: no acknowledged row is lost.

A virtual file system in front of SQLite's own lets each read, write, sync and cut of one run fail
in turn, once or from then on, as a bad disk, a full one, or a power cut that nobody noticed does.
"""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from storewarden.catalogue import migrate, sqlite
from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueFull, CatalogueUnavailable, StorewardenError
from tests.catalogues import COLUMNS, Place, file_row, names, sqlite_place

BATCHES, ROWS = 4, 60


class Faults:
    """Which call fails, and how; counted from ``start``."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails_at = 0
        self.for_good = False
        self.error: type[apsw.Error] = apsw.IOError
        self.fired = 0

    def start(self, fails_at: int, error: type[apsw.Error], *, for_good: bool) -> None:
        self.calls, self.fired = 0, 0
        self.fails_at, self.error, self.for_good = fails_at, error, for_good

    def stop(self) -> None:
        self.fails_at = 0

    def pass_by(self) -> None:
        if not self.fails_at:
            return
        self.calls += 1
        if self.calls == self.fails_at or (self.for_good and self.calls > self.fails_at):
            self.fired += 1
            raise self.error("a fault of this test")


FAULTS = Faults()
CONNECT = apsw.Connection  # the tests open theirs past the faults


def sound(path: Path) -> bool:
    with contextlib.closing(CONNECT(str(path))) as connection:
        return bool(connection.pragma("integrity_check") == "ok")


class FaultyFile(apsw.VFSFile):
    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if FAULTS.error is not apsw.FullError:
            FAULTS.pass_by()
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        FAULTS.pass_by()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        FAULTS.pass_by()
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        FAULTS.pass_by()
        super().xTruncate(size)


class FaultyFiles(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("faulty", "unix")

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:  # noqa: N802
        return FaultyFile("unix", name, flags)


@pytest.fixture(scope="module")
def file_system() -> Iterator[str]:
    files = FaultyFiles()
    yield "faulty"
    files.unregister()


@pytest.fixture
def place(tmp_path: Path, file_system: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place whose files are opened through it, with a log that is brought in often."""

    def through(name: str, **settings: Any) -> apsw.Connection:
        return CONNECT(name, vfs=file_system, **settings)

    monkeypatch.setattr(apsw, "Connection", through)
    monkeypatch.setattr(sqlite, "WAL_PAGES", 8)
    with sqlite_place(tmp_path / "state") as place:
        yield place
    FAULTS.stop()


def work(engine: Engine) -> tuple[list[int], list[StorewardenError]]:
    """Write batches one after another; return which were acknowledged, and what went wrong."""
    kept: list[int] = []
    errors: list[StorewardenError] = []
    for batch in range(BATCHES):
        try:
            with engine.transaction():
                rows = [file_row(b"%d-%d" % (batch, row)) for row in range(ROWS)]
                engine.insert("files", COLUMNS, rows)
                engine.execute("UPDATE roots SET pending = pending + 1")
            kept.append(batch)
        except StorewardenError as error:
            errors.append(error)
    with contextlib.suppress(StorewardenError):
        engine.checkpoint()
    return kept, errors


def batches(engine: Engine) -> list[int]:
    """Return the batches that are there; each is whole or not there at all."""
    there = [int(name.split(b"-")[0]) for name in names(engine)]
    found = sorted(set(there))
    assert len(there) == len(found) * ROWS
    assert engine.execute("SELECT pending FROM roots") == [(len(found),)]
    return found


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError])
def test_no_fault_loses_what_was_acknowledged(
    place: Place, error: type[apsw.Error], *, for_good: bool
) -> None:
    clean = place.furnished()
    clean.close()
    pristine = place.file.read_bytes()
    fails_at = 0
    while True:
        fails_at += 1
        place.file.write_bytes(pristine)
        FAULTS.stop()
        engine = place.open()
        FAULTS.start(fails_at, error, for_good=for_good)
        kept, errors = work(engine)
        fired = FAULTS.fired
        FAULTS.stop()

        for told in errors:
            assert isinstance(told, CatalogueFull | CatalogueUnavailable), told
        assert batches(engine) == kept
        with engine.transaction():
            engine.insert("files", COLUMNS, [file_row(b"9-%d" % row) for row in range(ROWS)])
            engine.execute("UPDATE roots SET pending = pending + 1")
        assert batches(engine) == [*kept, 9]
        engine.close()
        assert sound(place.file)
        if not fired:
            assert len(kept) == BATCHES
            break
    assert fails_at > 50


@pytest.mark.parametrize(
    "stride", [11, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
@pytest.mark.parametrize(("error", "first"), [(apsw.IOError, 1), (apsw.FullError, 3)])
def test_no_fault_while_it_is_made_keeps_it_from_being_made_later(
    place: Place, error: type[apsw.Error], first: int, stride: int
) -> None:
    for fails_at in itertools.count(min(first, stride), stride):
        for path in place.state.glob("catalogue*"):
            path.unlink()
        FAULTS.start(fails_at, error, for_good=True)
        with contextlib.suppress(StorewardenError):
            place.furnished()
        fired = FAULTS.fired
        FAULTS.stop()
        for engine in place.opened:
            engine.close()

        again = place.made()
        assert migrate.version(again) == migrate.newest()
        place.close()
        place.opened.clear()
        assert sound(place.file)
        if not fired:
            break
    assert fails_at > 50
