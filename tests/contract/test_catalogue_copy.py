"""A catalogue is copied whole into the other database and back, and what is unfinished is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from storewarden.catalogue import begun, carry, keep, lease, migrate, schema, version
from storewarden.catalogue.carry import Copied
from storewarden.catalogue.declared import MODELS
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.words import Words
from storewarden.errors import (
    CatalogueFull,
    CatalogueRefused,
    CatalogueTooNew,
    HeldByAnother,
    PermanentError,
    StorewardenError,
    UsageError,
)
from tests.catalogues import COLUMNS, NOW, Place, file_row
from tests.contract.test_catalogue_constraints import NUMBERED, SOUND
from tests.missing import missing

PAIRS = [("sqlite", "postgresql"), ("postgresql", "sqlite")]
FILES = ("sqlite", "sqlite")
NAMES = [b"\xff\\N\n", b"tab\t", b"\\.", b"a" * 255, b"\\x00", b"plain"]
TEXT = "a lighthouse\n\tat dusk \\N -0.0 \\x00 🗼"


@dataclass
class Pair:
    """A catalogue with a row in every table, and a place for its copy."""

    source: Place
    target: Place

    def copy(self, **how: Any) -> Copied:
        """Copy it as another process would."""
        clock = self.source.clock
        source, target = self.source.open(readonly=True), self.target.open()
        try:
            return carry.copy(source, target, clock, clock.advance, **how)
        finally:
            source.close()
            target.close()


@pytest.fixture(params=PAIRS, ids="-to-".join)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Two places, of which the second is empty."""
    places = []
    for dialect, name in zip(request.param, ("source", "target"), strict=True):
        server = dialect == "postgresql"
        url = request.getfixturevalue("postgres_database") if server else dialect
        places.append(Place(url, tmp_path / name))
    fill(places[0].furnished())
    yield Pair(*places)
    for place in places:
        place.close()


to_server, from_server, of_files = (
    pytest.mark.parametrize("pair", [names], ids="-to-".join, indirect=True)
    for names in (*PAIRS, FILES)
)


def fill(engine: Engine) -> None:
    """Put a row into every table, and words into the index."""
    with engine.transaction():
        for table in carry.tables():
            if table.name == begun.VERSIONS:
                continue
            row = {**SOUND[table.name], **NUMBERED.get(table.name, {})}
            if table.name == "leases":
                row["holder"] = "a process that was killed"
            if table.name == "prompts":
                row |= {"prompt": TEXT, "raw": b"\0\xff\\"}
            if table.name == "sidecars":
                beside = ("id", *COLUMNS)
                engine.insert("files", beside, [(20, *file_row(b"seven.srt"))])
                row["file_id"] = 20
            engine.insert(table.name, tuple(row), [tuple(row.values())])
        engine.insert("files", COLUMNS, [file_row(name, digest=b"\xff" * 32) for name in NAMES])
        for number, base in ((9, None), (3, 9)):  # one refers to another that comes later
            backup = {**SOUND["backups"], "id": number, "key": f"b/{number}", "base_id": base}
            engine.insert("backups", tuple(backup), [tuple(backup.values())])
        engine.execute("UPDATE roots SET last_scan_seconds = 0.1")
        Words(engine).index([7])


def content(engine: Engine) -> dict[str, list[str]]:
    """Return all rows as they are, but for the leases."""
    return {
        table.name: sorted(map(repr, engine.execute(table.selection)))
        for table in carry.tables()
        if table.name != "leases"
    }


def found(engine: Engine) -> list[int]:
    """Return the files that are found by a word of their prompt."""
    asked = {
        "sqlite": "SELECT rowid FROM words WHERE words MATCH 'lighthouse'",
        "postgresql": "SELECT file_id FROM words WHERE words @@ '''Plighthouse'''::tsquery",
    }
    return [file_id for (file_id,) in engine.execute(asked[engine.dialect])]


# -- what is copied -------------------------------------------------------------------------------


def test_every_row_of_every_table_is_copied_and_the_source_stays(pair: Pair) -> None:
    before = content(pair.source.open())
    copied = pair.copy()
    source, target = pair.source.open(), pair.target.open()

    assert copied.same
    assert content(target) == before == content(source)
    assert found(target) == found(source) == [7]
    assert {each.table: each.target.rows for each in copied.tables} == {
        **{name: len(rows) for name, rows in before.items() if name != begun.VERSIONS},
        "leases": 1,
        "words": 1,
    }
    assert all(each.source.rows for each in copied.tables)
    assert schema.differences(schema.read(target), schema.declared(target)) == []
    version.require_current(target)


def test_no_declared_table_is_forgotten() -> None:
    declared = {model._meta.table_name: model for model in MODELS}
    assert {table.name for table in carry.tables()} == set(declared)
    for table in carry.tables():
        fields = declared[table.name]._meta.sorted_fields
        assert table.columns == tuple(field.column_name for field in fields)


def test_no_table_comes_before_one_that_it_refers_to(pair: Pair) -> None:
    there = schema.read(pair.source.open()).tables
    order = [table.name for table in carry.tables()]
    for name in order:
        parents = {reference.table for reference in there[name].references} - {name}
        assert all(order.index(parent) < order.index(name) for parent in parents)


def test_nobody_holds_the_copy(pair: Pair) -> None:
    pair.copy()
    target = pair.target.open()
    assert [(held.free, held.epoch) for held in [lease.read(target, 1)] if held] == [(True, 1)]
    pair.target.lease(target).release()


def test_a_copy_gives_new_numbers(pair: Pair) -> None:
    last = max(file_id for (file_id,) in pair.source.open().execute("SELECT id FROM files"))
    pair.copy()
    target = pair.target.open()
    with target.transaction():
        target.insert("files", COLUMNS, [file_row(b"next")])
    assert target.execute("SELECT id FROM files WHERE name = ?", (b"next",)) == [(last + 1,)]


def test_it_comes_back_as_it_was(pair: Pair, tmp_path: Path) -> None:
    """There and back again: three copies, of which the last is a file as the first may be."""
    before = content(pair.source.open())
    pair.copy()
    pair.target.close()
    back = Pair(pair.target, Place("sqlite", tmp_path / "back"))
    assert back.copy().same
    assert content(back.target.open()) == before
    back.target.close()


def test_batches_are_small_and_many(pair: Pair) -> None:
    steps: list[tuple[int, str]] = []
    copied = pair.copy(at_once=2, heard=lambda *step: steps.append(step))
    assert copied.same
    assert len([what for _, what in steps if what == "files"]) == 4
    assert steps[-1][1] == "proving words"


@to_server
def test_a_nul_becomes_what_is_written_for_it_everywhere_and_is_counted(pair: Pair) -> None:
    source = pair.source.open()
    with source.transaction():
        source.execute("UPDATE transcripts SET text = ?", ("before\0after",))
    copied = pair.copy()
    assert (copied.same, copied.mended) == (True, 1)
    text = pair.target.open().execute("SELECT text FROM transcripts")
    assert text == [("before\ufffdafter",)]
    assert source.execute("SELECT text FROM transcripts") == [("before\0after",)]


@from_server
def test_minus_nought_is_nought(pair: Pair) -> None:
    source = pair.source.open()
    with source.transaction():
        source.execute("UPDATE query_days SET seconds = '-0'::float8")
    assert pair.copy().same


# -- refused --------------------------------------------------------------------------------------


def test_a_source_that_is_held_is_refused(pair: Pair) -> None:
    source = pair.source.open()
    held = pair.source.lease(source)
    with pytest.raises(HeldByAnother):
        pair.copy()
    assert version.version(pair.target.open()) == 0
    held.release()
    assert pair.copy().same


def test_a_source_that_was_written_meanwhile_makes_no_copy(pair: Pair) -> None:
    source = pair.source.open()

    def write(_rows: int, table: str) -> None:
        if table == "files":
            pair.source.lease(source).release()

    with pytest.raises(HeldByAnother, match="written while it was copied"):
        pair.copy(heard=write)
    with pytest.raises(PermanentError, match="unfinished copy"):
        version.require_current(pair.target.open())


def test_what_was_written_without_a_lease_is_not_mixed_in(pair: Pair) -> None:
    before = content(pair.source.open())
    source = pair.source.open()

    def write(_rows: int, table: str) -> None:
        if table == "files":
            with source.transaction():
                source.execute("DELETE FROM sidecars")

    assert pair.copy(heard=write).same
    assert content(pair.target.open()) == before


def test_a_target_with_rows_is_refused_and_keeps_them(pair: Pair) -> None:
    target = pair.target.furnished()
    before = content(target)
    with pytest.raises(UsageError, match="not empty"):
        pair.copy()
    assert content(target) == before


def test_a_target_with_tables_of_others_is_refused(pair: Pair) -> None:
    target = pair.target.open()
    with target.transaction():
        target.execute("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(UsageError, match="somebody else"):
        pair.copy()
    assert target.execute("SELECT * FROM orders") == []
    assert version.version(target) == 0


def test_an_empty_target_of_an_older_program_is_migrated(pair: Pair) -> None:
    migrate.migrate(pair.target.open(), pair.target.clock, to=migrate.newest() - 1)
    assert pair.copy().same


def test_a_target_of_a_newer_program_is_refused(pair: Pair) -> None:
    target = pair.target.made()
    with target.transaction():
        target.insert("schema_version", ("version", "name", "applied_ns"), [(99, "later", NOW)])
    with pytest.raises(CatalogueTooNew):
        pair.copy()


def test_an_empty_source_is_refused(pair: Pair, tmp_path: Path) -> None:
    empty = Pair(Place("sqlite", tmp_path / "empty"), pair.target)
    empty.source.made()
    with pytest.raises(UsageError, match="nothing to copy"):
        empty.copy()
    empty.source.close()


def test_a_catalogue_is_not_copied_into_itself(pair: Pair) -> None:
    before = content(pair.source.open())
    with pytest.raises(UsageError, match="not empty"):
        Pair(pair.source, pair.source).copy()
    assert content(pair.source.open()) == before


@to_server
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_text_is_refused(
    pair: Pair, postgres_url: str, encoding: str
) -> None:
    name = f"storewarden_{os.getpid()}_{encoding.lower()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'"
            " LC_COLLATE 'C' LC_CTYPE 'C'".encode()
        )
        narrow = Place(urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}")), Path())
        try:
            with pytest.raises(UsageError, match="createdb --encoding UTF8"):
                Pair(pair.source, narrow).copy()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


# -- interrupted ----------------------------------------------------------------------------------


class Ended(BaseException):
    """The end of the process, as far as a catalogue can tell: nothing more is done."""


def ending_after(steps: int) -> Callable[[int, str], None]:
    left = [steps]

    def heard(_rows: int, _what: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise Ended

    return heard


def unfinished(place: Place) -> None:
    engine = place.open()
    with pytest.raises(PermanentError, match="unfinished copy"):
        version.require_current(engine)
    engine.close()


def refused_by_everybody(place: Place) -> None:
    """Try whatever would use a catalogue."""
    unfinished(place)
    engine = place.open()
    with pytest.raises(PermanentError, match="unfinished copy"):
        migrate.migrate(engine, place.clock)
    with pytest.raises(PermanentError, match="unfinished copy"):
        migrate.rollback(engine)
    with pytest.raises(PermanentError, match="unfinished copy"):
        keep.open_for_writing(place.url, place.state, place.clock, "test")
    engine.close()


def interrupted_everywhere(pair: Pair, stride: int) -> int:
    """End copies after more and more steps, each begun over what the one before left."""
    steps = 1
    while True:
        try:
            copied = pair.copy(at_once=2, heard=ending_after(steps))
        except Ended:
            unfinished(pair.target)
            steps += stride
            continue
        assert copied.same
        return steps


@of_files
def test_a_copy_that_ends_at_any_batch_is_refused_until_begun_anew(pair: Pair) -> None:
    before = content(pair.source.open())
    assert interrupted_everywhere(pair, stride=1) > len(MODELS)
    assert content(pair.target.open()) == before


def test_a_copy_between_databases_that_ends_is_begun_anew(pair: Pair) -> None:
    before = content(pair.source.open())
    interrupted_everywhere(pair, stride=17)
    assert content(pair.target.open()) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from storewarden.catalogue import drivers
drivers.choose("postgresql://")
from storewarden.catalogue import carry
from storewarden.catalogue.connect import open_catalogue
from storewarden.clock import SystemClock
def heard(_rows, what):
    if what == "facts":
        os.kill(os.getpid(), signal.SIGKILL)
url, state, to, beside = sys.argv[1:]
source = open_catalogue(url, Path(state), readonly=True, role="test")
carry.copy(source, open_catalogue(to, Path(beside), role="test"), SystemClock(), heard=heard)
"""


def test_a_copy_that_is_killed_is_refused_until_begun_anew(pair: Pair) -> None:
    source = pair.source.open()
    with source.transaction():  # else its beat would be watched: who that is cannot be read
        source.execute("UPDATE leases SET holder = ''")
    places = (pair.source.url, str(pair.source.state), pair.target.url, str(pair.target.state))
    ran = subprocess.run([sys.executable, "-c", KILLED, *places], check=False, timeout=50)
    assert ran.returncode == -9
    assert pair.target.open().execute("SELECT count(*) FROM hosts") == [(2,)]
    refused_by_everybody(pair.target)
    assert pair.copy().same


def test_of_two_copies_the_later_goes_on(pair: Pair) -> None:
    later: list[Copied] = []

    def heard(_rows: int, table: str) -> None:
        if table == "files" and not later:
            later.append(pair.copy())

    with pytest.raises(PermanentError, match="another copy"):
        pair.copy(heard=heard)
    assert later[0].same
    version.require_current(pair.target.open())


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ("sidecars", "DELETE FROM sidecars"),
        ("files", "UPDATE files SET size = size + 1 WHERE id = 7"),
        ("words", "DELETE FROM words WHERE {key} = 7"),
    ],
)
def test_a_copy_that_is_not_the_same_is_not_finished(pair: Pair, table: str, wrong: str) -> None:
    target = pair.target.open()
    key = {"sqlite": "rowid", "postgresql": "file_id"}[target.dialect]

    def spoil(_rows: int, what: str) -> None:
        if what == "words":
            with target.transaction():
                target.execute(wrong.format(key=key))

    copied = pair.copy(heard=spoil)
    assert [each.table for each in copied.tables if not each.same] == [table]
    refused_by_everybody(pair.target)
    assert pair.copy().same


@of_files
def test_a_full_disk_is_told_and_leaves_what_is_refused(pair: Pair, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        missing("the right to mount", "run as root")
    source = pair.source.open()
    with source.transaction():
        source.insert("files", COLUMNS, [file_row(b"%d" % each) for each in range(20_000)])
    pair.target.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(pair.target.state)]
    subprocess.run(mount, check=True)
    try:
        with pytest.raises(CatalogueFull):
            pair.copy()
    finally:
        pair.target.close()
        subprocess.run(["umount", "-l", str(pair.target.state)], check=True)
    assert pair.copy().same


@to_server
def test_a_server_that_refuses_a_row_is_told_and_nothing_is_finished(pair: Pair) -> None:
    source = pair.source.open()
    with source.transaction():
        source.execute("PRAGMA ignore_check_constraints = ON")
        source.execute("UPDATE files SET size = -1 WHERE id = 7")
        source.execute("PRAGMA ignore_check_constraints = OFF")
    with pytest.raises(CatalogueRefused, match="files_size"):
        pair.copy()
    with pytest.raises(StorewardenError, match="unfinished copy"):
        version.require_current(pair.target.open())


def test_the_verb_copies_from_either_to_the_other(pair: Pair, tmp_path: Path) -> None:
    """In a process of its own: which drivers are loaded depends on both addresses."""
    source = pair.source.open()
    with source.transaction():
        source.execute("UPDATE leases SET holder = ''")
    there = pair.target.url if pair.target.url != "sqlite" else f"sqlite://{pair.target.file}"
    env = {
        **os.environ,
        "STOREWARDEN_STATE": str(pair.source.state),
        "STOREWARDEN_CATALOGUE": pair.source.url,
    }
    ran = subprocess.run(
        [sys.executable, "-m", "storewarden", "catalogue", "copy", "--to", there, "--json"],
        check=False,
        capture_output=True,
        cwd=tmp_path,
        env=env,
        timeout=50,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert json.loads(ran.stdout)["same"] is True
    assert content(pair.target.open()) == content(source)
