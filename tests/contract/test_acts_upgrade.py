"""A catalogue that was filled before anything was done to files: there and back, on both."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from storewarden.catalogue import acts, copies, migrate, rehearsal, schema
from storewarden.catalogue.copies import Copy, Stored
from storewarden.catalogue.engine import Engine
from tests.acting import Deeds, check_stores
from tests.catalogues import COLUMNS, NOW, Place, file_row, furnish
from tests.recording import check_totals, entry

FILES = 500
COPIES = ("file_id", "store", "bytes", "digest", "verified_ns")
DIGEST = b"\1" * 32


@pytest.fixture
def old(place: Place) -> Engine:
    """Files of each state, with copies, marks and a place, as version 3 has them."""
    engine = place.open()
    migrate.migrate(engine, place.clock, to=3)
    furnish(engine)
    rows = [file_row(b"%04d.png" % number, inode=number) for number in range(FILES)]
    rows += [
        file_row(state.encode(), inode=FILES + at, state=state, gone_ns=NOW)
        for at, state in enumerate(("missing", "archived", "trashed", "purged"))
    ]
    with engine.transaction():
        engine.insert("files", COLUMNS, rows)
        engine.insert(
            "totals",
            ("root_id", "kind", "state", "files", "bytes"),
            [
                (1, "image", "present", FILES, 10 * FILES),
                *((1, "image", state, 1, 10) for state in ("missing", "archived", "trashed")),
                (1, "image", "purged", 1, 10),
            ],
        )
        engine.insert(
            "copies", COPIES, [(number, "cloud", 10, DIGEST, NOW) for number in range(1, 11)]
        )
        engine.insert("copies", COPIES, [(1, "disk", 10, DIGEST, NOW + 1)])
        engine.insert("placed", ("file_id", "store", "since_ns"), [(1, "cloud", NOW)])
        engine.insert("marks", ("file_id", "pinned"), [(2, 1)])
    return engine


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return the rows of version 3, whatever columns they have got since."""
    columns = {
        "files": ", ".join(("id", *COLUMNS)),
        "totals": "*",
        "copies": ", ".join(COPIES),
        "placed": "*",
        "marks": "*",
    }
    return {
        table: sorted(engine.execute(f"SELECT {wanted} FROM {table}"), key=repr)
        for table, wanted in columns.items()
    }


def test_every_row_is_there_before_and_after_and_back_again(
    place: Place, old: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    before, tables = rows(old), schema.read(old)
    for _ in range(2):
        migrate.migrate(old, place.clock)
        assert rows(old) == before
        assert schema.differences(schema.read(old), schema.declared(old)) == []
        with caplog.at_level(logging.WARNING):
            migrate.rollback(old, to=3)
        assert rows(old) == before
        assert schema.differences(schema.read(old), tables) == []

    assert not [one for one in caplog.records if "forgets" in one.message]  # nothing was lost


def test_copies_that_were_there_are_counted_and_due_for_a_scrub(place: Place, old: Engine) -> None:
    migrate.migrate(old, place.clock)

    assert copies.stored(old, 1) == [Stored("cloud", 10, 100, 100), Stored("disk", 1, 10, 10)]
    check_stores(old)
    assert copies.of_files(old, [1])[1] == [
        Copy(1, "cloud", 10, DIGEST, NOW, None, "", 10, "", NOW),
        Copy(1, "disk", 10, DIGEST, NOW + 1, None, "", 10, "", NOW + 1),
    ]


def test_names_are_free_once_it_was_migrated(place: Place, old: Engine) -> None:
    migrate.migrate(old, place.clock)
    with old.transaction():
        states = ("archived", "trashed", "purged", "missing")
        old.insert("files", COLUMNS, [file_row(state.encode()) for state in states])

    assert old.execute("SELECT count(*) FROM files") == [(FILES + 8,)]


def test_going_back_says_what_is_lost(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """And leaves what version 3 can have: one row for a name, and figures that are right."""
    deeds = Deeds(place.made())
    for number in (1, 2, 3):
        deeds.names(entry(b"a.png", number))
        deeds.archive(deeds.one(b"a.png"))
    deeds.names(entry(b"a.png", 4), entry(b"b.png", 5), entry(b"c.png", 6))
    deeds.archive(deeds.one(b"b.png"))
    deeds.trash(deeds.one(b"c.png"))
    deeds.names(entry(b"c.png", 7))
    deeds.archive(deeds.one(b"c.png"))
    deeds.plan("copy", deeds.one(b"a.png"), store="cloud")
    with caplog.at_level(logging.WARNING):
        migrate.rollback(deeds.engine, to=3)

    (told,) = [one for one in caplog.records if "forgets" in one.message]
    assert told.__dict__["facts"] == {
        "acts": 7,
        "acts_not_ended": 1,
        "keys_of_copies": 5,
        "held_back": 0,
        "put_away_files_now_missing": 4,
    }
    found = deeds.engine.execute("SELECT name, state FROM files ORDER BY id")
    assert found == [
        *[(b"a.png", "missing")] * 3,
        (b"a.png", "present"),
        (b"b.png", "archived"),
        (b"c.png", "missing"),
        (b"c.png", "archived"),
    ]
    migrate.migrate(deeds.engine, place.clock)
    deeds.reopen()
    check_totals(deeds.engine, deeds.counts)
    check_stores(deeds.engine)
    assert acts.open_acts(deeds.engine, 1) == []


def test_a_rehearsal_on_the_old_rows_says_that_it_will_do(place: Place, old: Engine) -> None:
    place.state.mkdir(exist_ok=True)
    before = rows(old)
    tried = rehearsal.rehearse(old, place.state, place.clock)

    assert tried.problems == ()
    assert rows(old) == before
    assert migrate.version(old) == 3
