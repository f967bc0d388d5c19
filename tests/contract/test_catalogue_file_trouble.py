"""What happens to a file system happens to a SQLite catalogue: each is named, and survived."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from storewarden.catalogue import find, keep_file, migrate, sqlite
from storewarden.catalogue.connect import open_catalogue, sqlite_path
from storewarden.catalogue.engine import Engine
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueUnavailable,
    ConfigError,
)
from tests.catalogues import COLUMNS, NOW, Place, file_row, names, sqlite_place
from tests.missing import missing


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with sqlite_place(tmp_path / "state") as place:
        yield place


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Place]:
    """A place on a file system of two megabytes."""
    if os.geteuid() != 0:
        missing("the right to mount", "run as root; the others try a limit on file size instead")
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", point], check=True)
    try:
        with sqlite_place(point / "state") as place:
            yield place
    finally:
        subprocess.run(["umount", "-l", point], check=True)


def insert(engine: Engine, *rows: bytes) -> None:
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(name) for name in rows])


def fill(engine: Engine) -> list[bytes]:
    """Insert until it no longer fits; return what was acknowledged."""
    kept: list[bytes] = []
    for number in range(200):
        batch = [b"%05d-%03d" % (number, each) for each in range(200)]
        try:
            insert(engine, *batch)
        except CatalogueFull:
            return kept
        kept += batch
    pytest.fail("it never was full")


def sound(path: Path) -> bool:
    return keep_file.damage(path) == ""


# -- full ----------------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing_that_was_acknowledged(mounted: Place) -> None:
    engine = mounted.furnished()
    kept = fill(engine)

    assert kept
    assert names(engine) == kept
    with pytest.raises(CatalogueFull):
        insert(engine, *(b"more-%d" % number for number in range(1000)))
    assert names(mounted.open(readonly=True)) == kept
    engine.close()
    assert sound(mounted.file)


def test_when_space_returns_writing_goes_on(mounted: Place) -> None:
    engine = mounted.furnished()
    ballast = mounted.state / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    kept = fill(engine)
    ballast.unlink()
    insert(engine, b"after")

    assert names(engine) == [*kept, b"after"]


def test_there_may_be_no_space_for_even_the_first_table(mounted: Place) -> None:
    mounted.state.mkdir()
    with contextlib.suppress(OSError), (mounted.state / "ballast").open("wb", 0) as file:
        for _ in range(2048):
            file.write(b"\0" * 1024)
    with pytest.raises(CatalogueFull):
        mounted.made()

    (mounted.state / "ballast").unlink()
    assert names(mounted.furnished()) == []


def test_a_full_disk_is_still_read(mounted: Place) -> None:
    engine = mounted.furnished()
    kept = fill(engine)
    reader = mounted.open(readonly=True)

    assert len(list(find.files(reader, ["kind=image"], NOW))) == len(kept)


LIMITED = """
import resource, sys
from pathlib import Path
from storewarden.errors import CatalogueFull
from tests.catalogues import COLUMNS, file_row, names, sqlite_place
soft = 1_200_000
with sqlite_place(Path(sys.argv[1])) as place:
    engine = place.furnished()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
    kept = 0
    try:
        for number in range(200):
            with engine.transaction():
                rows = [file_row(b"%d-%d" % (number, each)) for each in range(100)]
                engine.insert("files", COLUMNS, rows)
            kept += 100
    except CatalogueFull as error:
        assert "no space" in str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert len(names(engine)) == kept > 0
        with engine.transaction():
            engine.insert("files", COLUMNS, [file_row(b"after")])
        assert len(names(engine)) == kept + 1
        print("survived")
"""


def test_a_limit_on_file_size_is_a_full_disk(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )

    assert (ran.stdout, ran.stderr) == ("survived\n", "")
    assert sound(tmp_path / "catalogue.db")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# -- may not be written, may not be read ---------------------------------------------------------


def test_a_file_system_that_turned_read_only_is_said_so_and_heals(mounted: Place) -> None:
    engine = mounted.furnished()
    insert(engine, b"before")
    engine.close()
    point = mounted.state.parent
    subprocess.run(["mount", "-o", "remount,ro", point], check=True)
    with pytest.raises(CatalogueUnavailable, match="cannot be"):
        insert(engine, b"meanwhile")
    assert names(mounted.open(readonly=True)) == [b"before"]
    subprocess.run(["mount", "-o", "remount,rw", point], check=True)
    insert(engine, b"after")

    assert names(engine) == [b"before", b"after"]


AS_NOBODY = """
import sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
from storewarden.errors import StorewardenError
from tests.catalogues import names
try:
    readonly = sys.argv[2] == "read"
    engine = open_catalogue("sqlite", Path(sys.argv[1]), readonly=readonly, role="test")
    print(len(names(engine)))
    with engine.transaction():
        engine.execute("DELETE FROM files")
except (StorewardenError, RuntimeError) as error:
    print(type(error).__name__, error)
"""


def as_nobody(state: Path, how: str) -> str:
    """Open a catalogue as somebody who has no rights."""
    if os.geteuid() != 0:
        missing("the right to become somebody else", "run as root")
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    ran = subprocess.run(
        [*become, sys.executable, "-c", AS_NOBODY, state, how],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.fixture
def open_to_all(place: Place) -> Place:
    """A catalogue that everybody may read and only its owner write, below directories likewise."""
    engine = place.furnished()
    insert(engine, b"a", b"b")
    directory = place.state
    while directory != directory.parent and str(directory).startswith("/tmp/"):
        directory.chmod(0o755)
        directory = directory.parent
        if directory == Path("/tmp"):
            break
    return place


def test_another_user_may_read_while_the_daemon_writes(open_to_all: Place) -> None:
    assert as_nobody(open_to_all.state, "read").startswith("2\n")


def test_another_user_may_read_what_nobody_has_open(open_to_all: Place) -> None:
    open_to_all.close()
    assert not Path(f"{open_to_all.file}-wal").exists()

    assert as_nobody(open_to_all.state, "read").startswith("2\n")
    assert sorted(path.name for path in open_to_all.state.iterdir()) == ["catalogue.db"]


def test_another_user_may_read_after_its_owner_did(open_to_all: Place) -> None:
    open_to_all.close()
    reader = open_to_all.open(readonly=True)
    assert names(reader) == [b"a", b"b"]
    reader.close()

    assert as_nobody(open_to_all.state, "read").startswith("2\n")


def test_another_user_may_read_what_a_killed_daemon_left(open_to_all: Place) -> None:
    """The newest rows are in the log only."""
    for suffix in ("", "-wal"):
        shutil.copy(f"{open_to_all.file}{suffix}", open_to_all.state.parent)
    open_to_all.close()
    for suffix in ("", "-wal"):
        shutil.copy(open_to_all.state.parent / f"catalogue.db{suffix}", open_to_all.state)
    assert Path(f"{open_to_all.file}-wal").stat().st_size

    assert "CatalogueUnavailable" in as_nobody(open_to_all.state, "read")
    assert names(open_to_all.open(readonly=True)) == [b"a", b"b"]


def test_another_user_may_not_write(open_to_all: Place) -> None:
    told = as_nobody(open_to_all.state, "write")

    assert "CatalogueUnavailable the catalogue cannot be" in told
    assert names(open_to_all.open()) == [b"a", b"b"]


def test_a_catalogue_that_may_not_be_read_says_so(open_to_all: Place) -> None:
    open_to_all.file.chmod(0o600)
    told = as_nobody(open_to_all.state, "read")

    assert told.startswith("CatalogueUnavailable the catalogue cannot be opened")
    assert "ls -ld" in told


# -- not there -------------------------------------------------------------------------------------


def test_reading_a_catalogue_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnavailable) as caught:
        open_catalogue("sqlite", tmp_path / "state", readonly=True, role="test")

    assert str(caught.value) == (
        f"no catalogue yet at {tmp_path}/state/catalogue.db; start the daemon with"
        " 'storewarden run' or run 'storewarden scan'"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogueUnavailable, match="directory of the catalogue cannot be made"):
        open_catalogue("sqlite", tmp_path / "file" / "state", role="test")


def test_a_directory_in_its_place_is_told(place: Place) -> None:
    place.file.mkdir(parents=True)
    with pytest.raises(CatalogueUnavailable, match="cannot be opened"):
        place.open()


@pytest.mark.parametrize("away", ["removed", "replaced", "moved"])
def test_rows_are_not_written_into_a_file_that_is_gone(place: Place, away: str) -> None:
    engine = place.furnished()
    insert(engine, b"before")
    aside = place.state / "aside"
    if away == "replaced":
        shutil.copy(place.file, aside)
        os.replace(aside, place.file)
    elif away == "moved":
        place.file.rename(aside)
    else:
        place.file.unlink()
    with pytest.raises(CatalogueUnavailable, match="removed or replaced while it was open"):
        insert(engine, b"lost")
    if away == "moved":
        aside.rename(place.file)
        insert(engine, b"after")
        assert names(engine) == [b"before", b"after"]
    else:
        assert away == "replaced" or not place.file.exists()


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "sqlite:///", "", "postgres"])
def test_an_address_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError):
        sqlite_path(url, tmp_path)


def test_the_file_may_be_anywhere(tmp_path: Path) -> None:
    assert sqlite_path("sqlite", tmp_path) == tmp_path / "catalogue.db"
    assert sqlite_path("sqlite:///var/x.db", tmp_path) == Path("/var/x.db")


# -- busy ------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)


@pytest.mark.usefixtures("impatient")
def test_another_writer_is_told_of_and_waited_for(place: Place) -> None:
    engine, other = place.furnished(), place.open()
    with other.transaction():
        with pytest.raises(CatalogueBusy, match="another program holds the catalogue"):
            insert(engine, b"too early")
        assert names(engine) == []
    insert(engine, b"now")

    assert names(engine) == [b"now"]


def test_a_short_wait_is_not_told(place: Place) -> None:
    engine, other = place.furnished(), place.open()
    held = threading.Event()

    def hold() -> None:
        with other.transaction():
            held.set()
            threading.Event().wait(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    insert(engine, b"waited")
    thread.join()

    assert names(engine) == [b"waited"]


@pytest.mark.usefixtures("impatient")
def test_a_program_that_locks_the_whole_file_is_told_of(place: Place) -> None:
    engine = place.furnished()
    engine.close()
    stranger = apsw.Connection(str(place.file))
    stranger.pragma("locking_mode", "exclusive")
    stranger.execute("BEGIN EXCLUSIVE; DELETE FROM jobs").fetchall()
    with pytest.raises(CatalogueBusy):
        insert(engine, b"a")
    with pytest.raises(CatalogueBusy):
        engine.execute("SELECT 1 FROM files")
    stranger.close()
    insert(engine, b"a")


# -- damaged ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"not a database, but long enough to be taken for one" * 100, b"\0" * 8192, os.urandom(20000)],
)
def test_a_file_that_is_no_catalogue_is_damaged(place: Place, content: bytes) -> None:
    place.state.mkdir()
    place.file.write_bytes(content)
    with pytest.raises(CatalogueCorrupt, match="damaged"):
        place.made()
    assert place.file.read_bytes() == content


def test_an_empty_file_is_an_empty_catalogue(place: Place) -> None:
    place.state.mkdir()
    place.file.touch()

    assert migrate.version(place.made()) == migrate.newest()


def spoil(path: Path, first: int, last: int) -> None:
    with path.open("r+b") as file:
        file.seek(first * 4096)
        file.write(b"\x5a" * (last - first) * 4096)


def test_damage_is_told_when_it_is_met(place: Place) -> None:
    engine = place.furnished()
    insert(engine, *(b"%06d" % number for number in range(20_000)))
    engine.close()
    pages = place.file.stat().st_size // 4096
    spoil(place.file, pages // 2, pages)

    with pytest.raises(CatalogueCorrupt):
        list(find.files(place.open(readonly=True), ["size>0B"], NOW))
    with pytest.raises(CatalogueCorrupt):
        insert(engine, *(b"%06d" % number for number in range(5_000, 50_000)))
    assert not sound(place.file)


def test_a_file_cut_short_is_damaged(place: Place) -> None:
    engine = place.furnished()
    insert(engine, *(b"%06d" % number for number in range(5000)))
    engine.close()
    os.truncate(place.file, place.file.stat().st_size // 2)

    with pytest.raises(CatalogueCorrupt):
        find.count(place.open(), ["state=any"], NOW)


def test_a_log_that_is_garbage_costs_only_what_was_in_it(place: Place) -> None:
    engine = place.furnished()
    insert(engine, b"kept")
    engine.close()
    Path(f"{place.file}-wal").write_bytes(os.urandom(100_000))

    again = place.open()
    assert names(again) == [b"kept"]
    insert(again, b"more")
    again.close()
    assert sound(place.file)
