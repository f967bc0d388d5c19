"""Backups are whole, of one moment, and come back as they were; nothing is overwritten."""

import errno
import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.catalogue import find, keep, keep_file, keep_server, lease, migrate, roots, schema
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.keep import BackupInfo
from storewarden.errors import (
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueTooNew,
    CatalogueUnavailable,
    HeldByAnother,
    UsageError,
)
from tests.catalogues import COLUMNS, NOW, Place, file_row, names
from tests.missing import missing

# A server's damage is for its administrator.
only_sqlite = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
S = (NOW, NOW)
HOSTILE = [b"\xff\\N\n", b"tab\t", b"\\.", b"a" * 255, b"\\x00", b"plain"]


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """A catalogue with files of all kinds of names, history and totals."""
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(name, digest=b"\xff" * 32) for name in HOSTILE])
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(1, NOW, "renamed", '{"was": "a\\tb"}')],
        )
        engine.insert(
            "totals", ("root_id", "kind", "state", "files", "bytes"), [(1, "x", "held", 1, 2)]
        )
        engine.execute("UPDATE roots SET last_scan_seconds = 0.1")
        find_out(engine)
    return engine


def find_out(engine: Engine) -> None:
    """Make rows of what is found in files, and of the words in them."""
    engine.insert("workflows", ("host_id", "name", "first_seen_ns", "last_seen_ns"), [(1, "w", *S)])
    engine.insert(
        "scenes",
        ("host_id", "workflow_id", "name", "first_seen_ns", "last_seen_ns"),
        [(1, 1, "3", *S)],
    )
    engine.insert(
        "facts",
        ("file_id", "inspector", "version", "outcome", "reason", "mime", "fps", "scene_id"),
        [(1, "png", 1, "read", "", "image/png", 23.976, 1)],
    )
    engine.insert(
        "prompts",
        ("file_id", "from_id", "tool", "understood", "prompt", "raw"),
        [(1, 2, "comfyui", 1, "a lighthouse\n\tat dusk \\N", b"\0\xff\\")],
    )
    engine.insert("sidecars", ("file_id", "of_id", "role"), [(2, 1, "metadata")])
    engine.execute(
        *{
            "sqlite": ("INSERT INTO words (rowid, prompt) VALUES (1, ?)", ("a lighthouse",)),
            "postgresql": ("INSERT INTO words VALUES (1, ?::tsvector, 0)", ("'lighthouse':2A",)),
        }[engine.dialect]
    )


def content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    tables = set(schema.read(engine).tables) - {"leases", "schema_version"}
    found = {name: sorted(engine.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}
    asked = {
        "sqlite": "SELECT rowid FROM words WHERE words MATCH 'lighthouse'",
        "postgresql": "SELECT file_id FROM words WHERE words @@ 'lighthouse'::tsquery",
    }
    return {**found, "found by words": engine.execute(asked[engine.dialect])}


def restore(place: Place, info: BackupInfo) -> keep.Restored:
    return keep.restore(place.url, place.state, info, place.clock, place.clock.advance)


def end(info: BackupInfo) -> str:
    return ".db" if info.dialect == "sqlite" else ".copy.gz"


def test_a_backup_comes_back_as_it_was(filled: Engine, place: Place) -> None:
    before = content(filled)
    assert before["found by words"] == [(1,)]
    info = keep.backup(filled, place.state, place.clock)
    with filled.transaction():
        filled.execute("DELETE FROM files")
        filled.insert("files", COLUMNS, [file_row(b"later")])
    filled.close()
    done = restore(place, info)
    again = place.open()

    assert done.backup == info
    assert content(again) == before
    assert schema.differences(schema.read(again), schema.declared(again)) == []
    assert migrate.version(again) == migrate.newest()


def test_a_restored_catalogue_gives_new_numbers(filled: Engine, place: Place) -> None:
    info = keep.backup(filled, place.state, place.clock)
    filled.close()
    restore(place, info)
    again = place.open()
    with again.transaction():
        again.insert("files", COLUMNS, [file_row(b"next")])
    root = roots.register_root(again, 1, "more", b"/more")

    assert names(again) == [*HOSTILE, b"next"]
    assert root.id == 2


def test_what_was_there_is_set_aside(filled: Engine, place: Place) -> None:
    info = keep.backup(filled, place.state, place.clock)
    with filled.transaction():
        filled.insert("files", COLUMNS, [file_row(b"later")])
    filled.close()
    done = restore(place, info)

    assert done.aside
    if info.dialect == "sqlite":
        assert done.aside == f"{place.file}.aside-20261121T073001Z"
        os.replace(done.aside, place.file)
        assert b"later" in names(place.open())
    else:
        again = place.open()
        table = f"{done.aside.removeprefix('schema ')}.files"
        assert (b"later",) in again.execute(f"SELECT name FROM {table}")
        assert restore(place, info).aside == f"{done.aside}_2"


def test_a_backup_restores_into_nothing(filled: Engine, place: Place, tmp_path: Path) -> None:
    before = content(filled)
    info = keep.backup(filled, place.state, place.clock)
    filled.close()
    if info.dialect == "sqlite":
        place.file.unlink()
    else:
        migrate.rollback(filled, to=0)
        with filled.transaction():
            filled.execute("DROP TABLE schema_version")
    done = restore(place, info)

    assert done.aside is None
    assert content(place.open()) == before


def test_a_backup_tells_what_it_is(filled: Engine, place: Place) -> None:
    steps: list[tuple[int, int]] = []
    info = keep.backup(filled, place.state, place.clock, lambda *step: steps.append(step))

    assert info.path == place.state / "backups" / f"catalogue-20261121T073001Z{end(info)}"
    assert (info.at_ns, info.version, info.dialect) == (NOW, migrate.newest(), filled.dialect)
    assert info.bytes == info.path.stat().st_size > 500
    assert steps
    assert steps[-1][0] == steps[-1][1]
    assert [path.name for path in info.path.parent.iterdir()] == [info.path.name]


def test_backups_are_listed_newest_first_and_pruned_oldest_first(
    filled: Engine, place: Place
) -> None:
    assert keep.backups(place.state) == []
    made = []
    for _ in range(3):
        made.append(keep.backup(filled, place.state, place.clock))
        place.clock.advance(1)
    made.append(keep.backup(filled, place.state, place.clock))
    same_second = keep.backup(filled, place.state, place.clock)
    assert same_second.path.name == f"catalogue-20261121T073004Z-2{end(same_second)}"
    (place.state / "backups" / "notes.txt").touch()

    listed = keep.backups(place.state)
    assert set(listed) == {*made, same_second}
    assert [info.at_ns for info in listed] == sorted((i.at_ns for i in listed), reverse=True)
    assert set(keep.prune(place.state, 2)) == {info.path for info in made[:3]}
    assert len(keep.prune(place.state, 0)) == 1
    assert len(keep.backups(place.state)) == 1
    assert (place.state / "backups" / "notes.txt").exists()


def test_a_backup_is_chosen_by_name_by_path_or_as_the_newest(
    filled: Engine, place: Place, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no backup yet"):
        keep.choose(place.state, None)
    old = keep.backup(filled, place.state, place.clock)
    place.clock.advance(60)
    new = keep.backup(filled, place.state, place.clock)
    elsewhere = tmp_path / old.path.name
    elsewhere.write_bytes(old.path.read_bytes())

    assert keep.choose(place.state, None) == new
    assert keep.choose(place.state, old.path.name) == old
    assert keep.choose(place.state, str(old.path)) == old
    assert keep.choose(place.state, str(elsewhere)).path == elsewhere
    with pytest.raises(UsageError, match="no such backup"):
        keep.choose(place.state, "catalogue-of-yesterday")


# -- refused ---------------------------------------------------------------------------------------


def test_nothing_is_restored_under_a_running_daemon(filled: Engine, place: Place) -> None:
    info = keep.backup(filled, place.state, place.clock)
    held = place.lease(filled)
    with pytest.raises(HeldByAnother):
        restore(place, info)
    held.release()
    filled.close()
    restore(place, info)


def test_after_a_restore_a_paused_holder_stays_out(filled: Engine, place: Place) -> None:
    info = keep.backup(filled, place.state, place.clock)
    for _ in range(3):
        held = place.lease(filled)
        held.release()
    filled.close()
    with_lease = place.open()
    place.lease(with_lease)
    place.clock.advance(lease.STANDS_STILL + 1)
    restore(place, keep.backup(with_lease, place.state, place.clock))
    restored = place.lease(place.open())

    assert restored.epoch > 4
    assert info.version == migrate.newest()


@pytest.mark.parametrize("damage", ["cut", "flipped", "longer", "garbage", "empty"])
def test_a_damaged_backup_is_refused_and_nothing_changed(
    filled: Engine, place: Place, damage: str
) -> None:
    before = content(filled)
    info = keep.backup(filled, place.state, place.clock)
    data = bytearray(info.path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        half = len(data) // 2
        data[half : half + 4000] = bytes(byte ^ 0x55 for byte in data[half : half + 4000])
    elif damage == "longer":
        data = data[: len(data) // 3] + data
    else:
        data = bytearray(b"garbage" * 1000 if damage == "garbage" else b"")
    info.path.write_bytes(data)
    filled.close()
    with pytest.raises((CatalogueCorrupt, CatalogueTooNew)):
        restore(place, info)

    assert content(place.open()) == before
    assert list(place.state.glob("*aside*")) == []


def test_a_backup_of_a_newer_program_is_refused(filled: Engine, place: Place) -> None:
    with filled.transaction():
        filled.insert("schema_version", ("version", "name", "applied_ns"), [(9, "later", NOW)])
    info = keep.backup(filled, place.state, place.clock)
    with pytest.raises(CatalogueTooNew, match="version 9"):
        restore(place, info)


def test_a_backup_of_the_other_database_is_refused(filled: Engine, place: Place) -> None:
    info = keep.backup(filled, place.state, place.clock)
    other = "sqlite" if place.url != "sqlite" else "postgresql://nobody@nowhere/nothing"
    with pytest.raises(UsageError, match="another kind of database"):
        keep.restore(other, place.state, info, place.clock)


def test_a_place_that_cannot_be_written_is_told(filled: Engine, place: Place) -> None:
    place.state.mkdir(exist_ok=True)
    (place.state / "backups").touch()
    with pytest.raises(CatalogueUnavailable, match="directory of backups"):
        keep.backup(filled, place.state, place.clock)


def test_a_backup_needs_its_space(
    filled: Engine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if filled.dialect == "postgresql":
        return  # nobody knows how small it will be
    real = os.statvfs(place.state)
    full = os.statvfs_result((*tuple(real)[:4], 0, *tuple(real)[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    with pytest.raises(CatalogueFull, match="no space for a copy"):
        keep.backup(filled, place.state, place.clock)
    assert list((place.state / "backups").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a file system of 64 KiB."""
    if os.geteuid() != 0:
        missing("the right to mount", "run as root")
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", point], check=True)
    yield point
    subprocess.run(["umount", "-l", point], check=True)


@only_sqlite
def test_a_backup_that_runs_out_of_space_leaves_nothing(
    filled: Engine, place: Place, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_file, "_require_space", lambda *_: None)
    (place.state / "backups").symlink_to(small_disk)
    with pytest.raises(CatalogueFull, match="no space for a copy"):
        keep.backup(filled, place.state, place.clock)
    assert list(small_disk.iterdir()) == []
    assert names(filled) == HOSTILE


@only_sqlite
def test_a_damaged_catalogue_makes_no_backup(filled: Engine, place: Place) -> None:
    with filled.transaction():
        filled.insert("files", COLUMNS, [file_row(b"%d" % number) for number in range(5000)])
    filled.close()
    data = bytearray(place.file.read_bytes())
    data[-20 * 4096 :] = b"\x5a" * (20 * 4096)
    place.file.write_bytes(data)
    with pytest.raises(CatalogueCorrupt, match="and so would be its backup"):
        keep.backup(place.open(readonly=True), place.state, place.clock)
    assert keep.backups(place.state) == []
    assert list((place.state / "backups").iterdir()) == []


@only_sqlite
def test_a_file_system_without_hard_links_will_do(
    filled: Engine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, "not here")

    info = keep.backup(filled, place.state, place.clock)
    filled.close()
    monkeypatch.setattr(os, "link", refuse)
    done = restore(place, info)

    assert done.aside
    assert Path(done.aside).exists()
    assert names(place.open()) == HOSTILE


@only_sqlite
def test_a_place_that_turned_read_only_keeps_its_catalogue(
    filled: Engine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    info = keep.backup(filled, place.state, place.clock)
    filled.close()
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(CatalogueUnavailable, match="Read-only file system"):
        restore(place, info)
    monkeypatch.undo()

    assert names(place.open()) == HOSTILE


# -- while it is in use ----------------------------------------------------------------------------


def test_a_backup_is_of_one_moment_while_the_daemon_writes(filled: Engine, place: Place) -> None:
    """Each transaction adds a file and counts it: a backup that mixes moments would not add up."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with filled.transaction():
                filled.insert("files", COLUMNS, [file_row(b"w%d" % number)])
                filled.execute("UPDATE totals SET files = files + 1")
            number += 1

    before = len(names(filled)) - 1
    thread = threading.Thread(target=write)
    thread.start()
    reader = place.open(readonly=True)
    made = [keep.backup(reader, place.state, place.clock) for _ in range(3)]
    stop.set()
    thread.join()
    filled.close()

    for info in made:
        restore(place, info)
        again = place.open()
        ((counted,),) = again.execute("SELECT files FROM totals")
        assert len(names(again)) - before == counted
        again.close()


def test_a_backup_is_made_while_the_daemon_is_in_the_middle_of_writing(
    filled: Engine, place: Place
) -> None:
    reader = place.open(readonly=True)
    with filled.transaction():
        filled.insert("files", COLUMNS, [file_row(b"uncommitted")])
        info = keep.backup(reader, place.state, place.clock)
    filled.close()
    restore(place, info)

    assert names(place.open()) == HOSTILE


# -- damaged catalogues ----------------------------------------------------------------------------


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 : 20 * 4096] = b"\x5a" * (19 * 4096)
    path.write_bytes(data)


def reopen(place: Place) -> tuple[Engine, keep.Healed | None]:
    engine, healed = keep.open_for_writing(place.url, place.state, place.clock, "test")
    place.opened.append(engine)
    return engine, healed


def test_a_sound_catalogue_is_opened_and_migrated(place: Place) -> None:
    engine, healed = reopen(place)

    assert healed is None
    assert migrate.version(engine) == migrate.newest()


@only_sqlite
def test_a_damaged_catalogue_is_set_aside_and_the_newest_sound_backup_taken(
    place: Place, filled: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    good = keep.backup(filled, place.state, place.clock)
    place.clock.advance(10)
    bad = keep.backup(filled, place.state, place.clock)
    spoil(bad.path)
    filled.close()
    spoil(place.file)
    engine, healed = reopen(place)

    assert healed
    assert healed.restored == good
    assert names(engine) == HOSTILE
    assert healed.aside == place.state / "catalogue.db.damaged-20261121T073011Z"
    assert healed.aside.exists()
    assert "a scan makes the new one right" in caplog.text
    assert "a backup cannot be used" in caplog.text


@only_sqlite
def test_without_a_backup_it_begins_anew(place: Place, filled: Engine) -> None:
    filled.close()
    spoil(place.file)
    damaged = place.file.read_bytes()
    engine, healed = reopen(place)

    assert healed
    assert healed.restored is None
    assert healed.aside
    assert healed.aside.read_bytes() == damaged
    assert engine.execute("SELECT count(*) FROM hosts") == [(0,)]


@only_sqlite
def test_the_log_of_a_damaged_catalogue_goes_with_it(place: Place, filled: Engine) -> None:
    filled.close()
    spoil(place.file)
    log = Path(f"{place.file}-wal")
    log.write_bytes(b"what is left of the log")
    engine, healed = reopen(place)

    assert healed
    assert b"what is left" not in log.read_bytes()
    assert names(engine) == []


@only_sqlite
def test_damage_that_is_met_while_running_is_healed_at_the_next_start(
    place: Place, filled: Engine
) -> None:
    keep.backup(filled, place.state, place.clock)
    with filled.transaction():
        filled.insert("files", COLUMNS, [file_row(b"after the backup")])
    filled.close()
    keep.condemn(place.file)
    engine, healed = reopen(place)
    assert healed
    assert names(engine) == HOSTILE
    engine.close()

    assert reopen(place)[1] is None


@only_sqlite
def test_a_catalogue_of_a_newer_program_is_not_healed(place: Place, filled: Engine) -> None:
    with filled.transaction():
        filled.insert("schema_version", ("version", "name", "applied_ns"), [(9, "later", NOW)])
    filled.close()
    with pytest.raises(CatalogueTooNew):
        reopen(place)


def test_an_older_catalogue_is_backed_up_before_it_is_migrated(
    place: Place, filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = migrate.newest()
    step = migrate.Migration(older + 1, "nothing", lambda _engine: None, lambda _engine: None)
    steps = (*migrate.known(), step)
    monkeypatch.setattr(migrate, "known", lambda: steps)
    filled.close()
    engine, _ = reopen(place)

    assert migrate.version(engine) == older + 1
    (info,) = keep.backups(place.state)
    assert info.version == older
    assert find.count(engine, [], NOW)[0] == len(HOSTILE)


# -- the file of a server's backup -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no copy of a catalogue"),
        (b"something else altogether", "no copy of a catalogue"),
        (keep_server.MAGIC, "damaged"),
        (keep_server.MAGIC + b"[]\n", "damaged"),
        (keep_server.MAGIC + b'{"version": 1}\n', "damaged"),
        (keep_server.MAGIC + b'{"version": 1, "at_ns": 1, "columns": {"a": ["b"]}}\n', "middle"),
        (
            keep_server.MAGIC + b'{"version": 1, "at_ns": 1, "columns": {"a": ["b"]}}\n\0\0\0\5abc',
            "middle",
        ),
        (keep_server.MAGIC + b'{"version": 1, "at_ns": 1, "columns": {}}\nmore', "follows its end"),
    ],
)
def test_a_file_that_is_no_copy_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "catalogue-20261121T073001Z.copy.gz"
    path.write_bytes(gzip.compress(data))
    with pytest.raises(CatalogueCorrupt, match=told):
        keep_server.check(path)
