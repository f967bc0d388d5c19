"""A catalogue that was filled before anything was inspected: there and back, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from storewarden.catalogue import keep, migrate, rehearsal, schema
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.inspections import Inspections
from storewarden.catalogue.sweep import Sweep, inspection_progress
from storewarden.catalogue.words import Words
from storewarden.facts.sidecars import belongs
from tests.catalogues import COLUMNS, NOW, Place, file_row, furnish
from tests.inspecting import Shelf
from tests.recording import entry

FILES = 1_000
KEPT = ("hosts", "roots", "directories", "files", "totals", "history")


@pytest.fixture
def old(place: Place) -> Engine:
    """A thousand files as version 1 has them."""
    engine = place.open()
    migrate.migrate(engine, place.clock, to=1)
    furnish(engine)
    rows = [file_row(b"%04d.png" % number, inode=number) for number in range(FILES - 1)]
    gone = file_row(b"gone.png", inode=FILES, state="missing", gone_ns=NOW)
    with engine.transaction():
        engine.insert("files", COLUMNS, [*rows, gone])
        engine.insert(
            "totals",
            ("root_id", "kind", "state", "files", "bytes"),
            [(1, "image", "present", FILES - 1, 10 * (FILES - 1)), (1, "image", "missing", 1, 10)],
        )
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(number, NOW, "renamed", "{}") for number in range(1, FILES + 1)],
        )
    return engine


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return the rows of version 1, whatever columns they have got since."""
    columns = {
        "hosts": "*",
        "roots": "id, host_id, name, path, uuid, mode, state",
        "directories": "id, root_id, path, device, inode, digest",
        "files": f"id, {', '.join(COLUMNS)}",
        "totals": "*",
        "history": "*",
    }
    return {
        table: engine.execute(f"SELECT {columns[table]} FROM {table} ORDER BY 1, 2, 3")
        for table in KEPT
    }


def test_every_row_is_there_before_and_after_and_back_again(place: Place, old: Engine) -> None:
    before, tables = rows(old), schema.read(old)
    assert len(before["files"]) == FILES

    migrate.migrate(old, place.clock)
    assert rows(old) == before
    assert schema.differences(schema.read(old), schema.declared(old)) == []

    migrate.rollback(old, to=1)
    assert rows(old) == before
    assert schema.differences(schema.read(old), tables) == []

    migrate.migrate(old, place.clock)
    assert rows(old) == before


def test_what_was_recorded_before_waits_to_be_inspected(place: Place, old: Engine) -> None:
    migrate.migrate(old, place.clock)
    counts = Counts(old, {"uploads": 1})
    inspections = Inspections(old, counts, belongs, Words(old))

    assert inspection_progress(old)["uploads"].waiting == FILES - 1
    wanted = inspections.wanted(["uploads"], 0, 2 * FILES)
    assert [one.name for one in wanted] == [b"%04d.png" % number for number in range(FILES - 1)]
    with old.transaction():
        assert Sweep(old, counts).step({"none": 1, "png": 1}, FILES) == 0


def test_what_was_found_out_goes_with_its_tables(place: Place) -> None:
    shelf = Shelf(place.made())
    shelf.names(*(entry(b"%d.png" % number, number) for number in range(1, 50)))
    shelf.inspect()
    with shelf.engine.transaction():
        Words(shelf.engine).index(range(1, 50))
    migrate.rollback(shelf.engine, to=1)
    migrate.migrate(shelf.engine, place.clock)
    shelf.reopen()

    assert shelf.inspect() == 49
    assert shelf.engine.execute("SELECT count(*) FROM facts") == [(49,)]


def test_a_rehearsal_on_the_old_rows_says_that_it_will_do(place: Place, old: Engine) -> None:
    place.state.mkdir(exist_ok=True)
    before = rows(old)
    tried = rehearsal.rehearse(old, place.state, place.clock)

    assert tried.problems == ()
    assert rows(old) == before
    assert migrate.version(old) == 1


def test_a_backup_of_the_old_version_comes_back_and_is_migrated(place: Place, old: Engine) -> None:
    before = rows(old)
    info = keep.backup(old, place.state, place.clock)
    assert info.version == 1
    migrate.migrate(old, place.clock)
    old.close()
    keep.restore(place.url, place.state, info, place.clock, place.clock.advance)
    again, _ = keep.open_for_writing(place.url, place.state, place.clock, "test")
    place.opened.append(again)

    assert migrate.version(again) == migrate.newest()
    assert rows(again) == before
