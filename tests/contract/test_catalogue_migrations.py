"""There and back again, each step whole or not at all; and models and migrations never drift."""

import threading
from pathlib import Path

import pytest

from storewarden.catalogue import lease, migrate, rehearsal, schema, version
from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.migrate import Migration
from storewarden.errors import (
    CatalogueRefused,
    CatalogueTooNew,
    CatalogueUnavailable,
    HeldByAnother,
    PermanentError,
    UsageError,
)
from tests.catalogues import COLUMNS, NOW, Place, file_row, furnish


def add_notes(engine: Engine) -> None:
    engine.execute(
        speak("CREATE TABLE notes (id {id}, text TEXT NOT NULL){strict}", engine.dialect)
    )


def drop_notes(engine: Engine) -> None:
    engine.execute("DROP TABLE notes")


def break_half_way(engine: Engine) -> None:
    add_notes(engine)
    engine.execute("ALTER TABLE nowhere ADD COLUMN more TEXT")


NEWEST = migrate.newest()
NEXT = NEWEST + 1
OURS = list(range(1, NEXT))
NAMES = [step.name for step in migrate.known()]
NOTES = Migration(NEXT, "notes", add_notes, drop_notes)
BROKEN = Migration(NEXT, "broken", break_half_way, drop_notes)


@pytest.fixture
def future(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that knows one step more."""
    steps = (*migrate.known(), NOTES)
    monkeypatch.setattr(migrate, "known", lambda: steps)


def tables(engine: Engine) -> set[str]:
    return set(schema.read(engine).tables)


def steps(states: list[migrate.MigrationState]) -> list[tuple[int, bool]]:
    return [(state.version, state.applied_ns is not None) for state in states]


def test_models_and_migrations_do_not_drift(place: Place) -> None:
    engine = place.made()

    assert schema.differences(schema.read(engine), schema.declared(engine)) == []


def test_looking_for_drift_leaves_no_trace(place: Place) -> None:
    engine = place.made()
    before = schema.read(engine)
    schema.declared(engine)

    assert schema.read(engine) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DROP INDEX files_inode", "index files_inode is missing"),
        ("CREATE INDEX more ON files (kind)", "index more is not declared"),
        ("DROP TABLE totals", "table totals is missing"),
        ("DROP VIEW generated_files", "table, view or trigger generated_files is missing"),
        ("ALTER TABLE files ADD COLUMN more TEXT", "files: column more is not declared"),
        ("ALTER TABLE jobs DROP COLUMN progress", "jobs: column progress is missing"),
    ],
)
def test_drift_is_seen(place: Place, change: str, told: str) -> None:
    engine = place.made()
    with engine.transaction():
        engine.execute(change)

    assert schema.differences(schema.read(engine), schema.declared(engine)) == [told]


def test_an_empty_catalogue_has_version_nought(place: Place) -> None:
    engine = place.open()

    assert migrate.version(engine) == 0
    assert steps(migrate.status(engine)) == [(version, False) for version in OURS]


def test_migrating_says_what_it_did_and_does_it_once(place: Place) -> None:
    engine = place.open()

    done = migrate.migrate(engine, place.clock)
    assert [(state.version, state.name, state.applied_ns) for state in done] == [
        (version, name, NOW) for version, name in zip(OURS, NAMES, strict=True)
    ]
    assert NAMES[:2] == ["recording", "facts"]
    assert migrate.migrate(engine, place.clock) == []
    assert migrate.version(engine) == NEWEST
    assert steps(migrate.status(engine)) == [(version, True) for version in OURS]


def test_rolling_back_leaves_only_the_table_of_versions(place: Place) -> None:
    engine = place.furnished()
    done = migrate.rollback(engine, to=0)

    assert [state.version for state in done] == OURS[::-1]
    assert tables(engine) == {"schema_version"}
    migrate.migrate(engine, place.clock)
    assert schema.differences(schema.read(engine), schema.declared(engine)) == []


def test_who_only_reads_knows_the_newest_version_without_loading_any_step(place: Place) -> None:
    assert version.NEWEST == NEWEST
    engine = place.made()
    version.require_current(engine)
    with engine.transaction():
        engine.execute("DELETE FROM schema_version WHERE version = ?", (NEWEST,))
    with pytest.raises(PermanentError, match="older than this program"):
        version.require_current(engine)


@pytest.mark.usefixtures("future")
def test_going_to_a_version_and_back(place: Place) -> None:
    engine = place.open()
    assert [s.version for s in migrate.migrate(engine, place.clock, to=NEWEST)] == OURS
    assert steps(migrate.status(engine))[-2:] == [(NEWEST, True), (NEXT, False)]
    with pytest.raises(PermanentError, match="older than this program"):
        migrate.require_current(engine)
    assert [s.version for s in migrate.migrate(engine, place.clock)] == [NEXT]
    migrate.require_current(engine)
    assert "notes" in tables(engine)
    assert [s.version for s in migrate.rollback(engine)] == [NEXT]
    migrate.migrate(engine, place.clock, to=NEXT)
    assert [s.version for s in migrate.rollback(engine, to=0)] == [NEXT, *OURS[::-1]]
    assert migrate.rollback(engine) == []


@pytest.mark.parametrize("version", [-1, NEXT, 99])
def test_a_version_that_nobody_knows_is_refused(place: Place, version: int) -> None:
    engine = place.made()
    with pytest.raises(UsageError, match=f"knows 0 to {NEWEST}"):
        migrate.migrate(engine, place.clock, to=version)
    with pytest.raises(UsageError, match=f"knows 0 to {NEWEST}"):
        migrate.rollback(engine, to=version)


def test_a_newer_catalogue_is_not_touched(place: Place) -> None:
    engine = place.made()
    with engine.transaction():
        engine.insert("schema_version", ("version", "name", "applied_ns"), [(77, "later", NOW)])
    told = f"version 77, this program knows versions up to {NEWEST}"
    with pytest.raises(CatalogueTooNew, match=told):
        migrate.migrate(engine, place.clock)
    with pytest.raises(CatalogueTooNew, match=told):
        migrate.rollback(engine)
    with pytest.raises(CatalogueTooNew, match=told):
        migrate.require_current(engine)

    assert steps(migrate.status(engine))[-2:] == [(NEWEST, True), (77, True)]


def test_a_step_that_fails_leaves_nothing_and_the_steps_before_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (*migrate.known(), BROKEN)
    monkeypatch.setattr(migrate, "known", lambda: steps)
    engine = place.open()
    with pytest.raises(CatalogueRefused):
        migrate.migrate(engine, place.clock)

    assert migrate.version(engine) == NEWEST
    assert "notes" not in tables(engine)


def test_rows_survive_the_way_there_and_back(place: Place, future: None) -> None:
    engine = place.open()
    migrate.migrate(engine, place.clock, to=NEWEST)
    furnish(engine)
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"\xff")])
    migrate.migrate(engine, place.clock)
    migrate.rollback(engine)

    assert engine.execute("SELECT name FROM files") == [(b"\xff",)]


def test_two_programs_that_migrate_at_once(place: Place) -> None:
    engines = [place.open() for _ in range(3)]
    done: list[int] = []

    def go(engine: Engine) -> None:
        done.append(len(migrate.migrate(engine, place.clock)))

    threads = [threading.Thread(target=go, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(done) == NEWEST


@pytest.mark.usefixtures("future")
def test_nobody_migrates_under_a_running_daemon(place: Place) -> None:
    engine = place.open()
    migrate.migrate(engine, place.clock, to=NEWEST)
    furnish(engine)
    held = lease.take(engine, 1, "storewarden run", place.clock, place.clock.advance)
    held.beat(place.clock)

    other = place.open()
    with pytest.raises(HeldByAnother):
        migrate.migrate(other, place.clock, sleep=place.clock.advance)
    held.release()
    assert [s.version for s in migrate.migrate(other, place.clock)] == [NEXT]


# -- rehearsing -----------------------------------------------------------------------------------


def test_a_rehearsal_goes_there_and_back_and_leaves_everything_as_it_was(place: Place) -> None:
    engine = place.furnished()
    before = schema.read(engine)
    tried = rehearsal.rehearse(engine, place.state, place.clock)

    assert tried.problems == ()
    numbered = [f"{version:04} {name}" for version, name in zip(OURS, NAMES, strict=True)]
    there_and_back = [f"{step} down" for step in numbered[::-1]] + [
        f"{step} up" for step in numbered
    ]
    assert list(tried.steps[-2 * NEWEST :]) == there_and_back
    assert schema.read(engine) == before
    assert engine.execute("SELECT count(*) FROM directories") == [(1,)]
    assert [path.name for path in place.state.glob(".rehearsal-*")] == []


@pytest.mark.usefixtures("future")
def test_a_rehearsal_tells_of_tables_that_are_not_declared(place: Place) -> None:
    place.state.mkdir(exist_ok=True)
    tried = rehearsal.rehearse(place.made(), place.state, place.clock)

    assert tried.problems == (f"version {NEXT}: table notes is not declared",) * 2


def test_a_rehearsal_tells_of_a_step_that_fails(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = place.furnished()
    steps = (*migrate.known(), BROKEN)
    monkeypatch.setattr(migrate, "known", lambda: steps)
    tried = rehearsal.rehearse(engine, place.state, place.clock)

    assert len(tried.problems) == 1
    assert "nowhere" in tried.problems[0]
    assert engine.execute("SELECT count(*) FROM directories") == [(1,)]


def test_a_rehearsal_needs_room_to_be_held(place: Place, tmp_path: Path) -> None:
    engine = place.furnished()
    if engine.dialect == "postgresql":
        return  # it is held on the server
    with pytest.raises(CatalogueUnavailable, match="make a copy to rehearse on"):
        rehearsal.rehearse(engine, tmp_path / "nowhere", place.clock)
