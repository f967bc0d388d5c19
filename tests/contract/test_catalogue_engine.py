"""One engine, two databases: rows go in whole or not at all, and come out as they were."""

import contextlib
import threading
from typing import Any

import pytest

from storewarden.catalogue import engine as engine_module
from storewarden.catalogue.declared import SECONDARY
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.migrate import migrate
from storewarden.catalogue.tables import File
from storewarden.errors import (
    CatalogueBusy,
    CatalogueRefused,
    CatalogueUnavailable,
    LeaseLost,
)
from tests.catalogues import COLUMNS, Place, file_row, names

HOSTILE = [b"\xff\xfe", b"new\nline", b"quote'\"\\", b" ", b"-rf", b"%s ? {in}", b"n" * 255]


class StopHereError(Exception):
    pass


def insert(engine: Engine, *rows: tuple[Any, ...]) -> None:
    with engine.transaction():
        engine.insert("files", COLUMNS, rows)


def test_what_a_transaction_wrote_is_there_for_others(engine: Engine, place: Place) -> None:
    insert(engine, file_row(b"a"), file_row(b"b"))

    assert names(place.open()) == [b"a", b"b"]


def test_a_transaction_that_fails_leaves_nothing(engine: Engine, place: Place) -> None:
    with contextlib.suppress(StopHereError), engine.transaction():
        engine.insert("files", COLUMNS, [file_row()])
        raise StopHereError

    insert(engine, file_row(b"next"))
    assert names(place.open()) == [b"next"]


def test_transactions_are_not_nested(engine: Engine) -> None:
    with (
        engine.transaction(),
        pytest.raises(RuntimeError, match="not nested"),
        engine.transaction(),
    ):
        pass


def test_joining_takes_part_in_the_open_transaction(engine: Engine) -> None:
    with contextlib.suppress(StopHereError), engine.transaction():
        with engine.joined():
            engine.insert("files", COLUMNS, [file_row()])
        raise StopHereError
    with engine.joined():
        engine.insert("files", COLUMNS, [file_row(b"alone")])

    assert names(engine) == [b"alone"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM directories",
        "UPDATE directories SET path = path",
        "INSERT INTO totals VALUES (1, 'image', 'present', 0, 0)",
        "DROP TABLE jobs",
        "CREATE TABLE more (id INTEGER)",
    ],
)
def test_nothing_is_changed_outside_a_transaction(engine: Engine, statement: str) -> None:
    with pytest.raises(CatalogueRefused, match="inside transaction"):
        engine.execute(statement)

    assert engine.execute("SELECT count(*) FROM directories") == [(1,)]


def test_bulk_verbs_refuse_to_work_outside_a_transaction(engine: Engine) -> None:
    told = "inside transaction"
    with pytest.raises(RuntimeError, match=told):
        engine.insert("files", COLUMNS, [file_row()])
    with pytest.raises(RuntimeError, match=told):
        engine.update("files", ("id",), ("size",), [(1, 1)])
    with pytest.raises(RuntimeError, match=told):
        engine.executemany("DELETE FROM files WHERE id = ?", [(1,)])
    with pytest.raises(RuntimeError, match=told):
        engine.no_time_limit()


def test_names_come_out_as_they_went_in(engine: Engine) -> None:
    insert(engine, *(file_row(name) for name in HOSTILE))

    assert names(engine) == HOSTILE
    rows = engine.fetch_in("SELECT name FROM files WHERE name IN ({in}) ", HOSTILE[:3])
    assert {bytes(name) for (name,) in rows} == set(HOSTILE[:3])


def test_numbers_of_64_bits_are_kept(engine: Engine) -> None:
    insert(engine, file_row(inode=-(2**63), modified_ns=2**63 - 1))

    assert engine.execute("SELECT inode, modified_ns FROM files") == [(-(2**63), 2**63 - 1)]


@pytest.mark.parametrize("beyond", [2**63, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused(engine: Engine, beyond: int) -> None:
    with pytest.raises(CatalogueRefused):
        insert(engine, file_row(inode=beyond))

    insert(engine, file_row())
    assert names(engine) == [b"a.png"]


def test_a_refused_row_takes_its_transaction_with_it_and_nothing_else(engine: Engine) -> None:
    insert(engine, file_row(b"before"))
    with pytest.raises(CatalogueRefused, match="has one row whose file is there"):
        insert(engine, file_row(b"with"), file_row(b"before"))
    insert(engine, file_row(b"after"))

    assert names(engine) == [b"before", b"after"]


def test_a_swallowed_error_never_ends_in_half_a_transaction(engine: Engine) -> None:
    """PostgreSQL would roll back and call it a commit."""
    committed = True
    try:
        with engine.transaction():
            engine.insert("files", COLUMNS, [file_row(b"first")])
            with pytest.raises(CatalogueRefused):
                engine.insert("files", COLUMNS, [file_row(b"first")])
    except CatalogueRefused:
        committed = False

    assert names(engine) == ([b"first"] if committed else [])
    assert committed == (engine.dialect == "sqlite")


def test_a_statement_that_makes_no_sense_is_refused(engine: Engine) -> None:
    with pytest.raises(CatalogueRefused, match="statement"):
        engine.execute("SELECT nothing FROM nowhere")


def test_question_marks_and_percents_in_literals_stay_what_they_are(engine: Engine) -> None:
    rows = engine.execute("SELECT 'a?b%c' || CAST(? AS TEXT) || '%s' -- ? %", ("x",))

    assert rows == [("a?b%cx%s",)]


# -- updating --------------------------------------------------------------------------------------


def test_update_sets_columns_by_key(engine: Engine) -> None:
    insert(engine, *(file_row(b"%d" % number) for number in range(3)))
    with engine.transaction():
        engine.update(
            "files",
            ("directory_id", "name"),
            ("size", "digest", "kind"),
            [(7, b"\0" * 32, "video", 1, b"0"), (8, None, "audio", 1, b"2")],
        )

    rows = engine.execute("SELECT name, size, digest, kind FROM files ORDER BY name")
    assert rows == [
        (b"0", 7, b"\0" * 32, "video"),
        (b"1", 10, None, "image"),
        (b"2", 8, None, "audio"),
    ]


def test_update_of_nothing_is_nothing(engine: Engine) -> None:
    with engine.transaction():
        engine.update("files", ("id",), ("size",), [])
        engine.insert("files", COLUMNS, [])
        engine.executemany("DELETE FROM files WHERE id = ?", [])


def test_a_column_can_be_emptied(engine: Engine) -> None:
    insert(engine, file_row(digest=b"\1" * 32))
    with engine.transaction():
        engine.update("files", ("name",), ("digest",), [(None, b"a.png")])

    assert engine.execute("SELECT digest FROM files") == [(None,)]


def test_more_rows_than_fit_into_one_statement(engine: Engine) -> None:
    count = 25_000
    insert(engine, *(file_row(b"%d" % number, inode=number) for number in range(count)))
    with engine.transaction():
        engine.update("files", ("inode",), ("size",), [(n + 1, n) for n in range(count)])

    assert engine.execute("SELECT count(*) FROM files WHERE size = inode + 1") == [(count,)]
    found = engine.fetch_in("SELECT inode FROM files WHERE inode IN ({in})", range(count))
    assert sorted(found) == [(number,) for number in range(count)]


# -- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65])
def test_fetch_in_finds_just_the_values(engine: Engine, count: int) -> None:
    insert(engine, *(file_row(b"%d" % number, inode=number) for number in range(70)))

    rows = engine.fetch_in(
        "SELECT inode FROM files WHERE size = ? AND inode IN ({in})", range(count), (10,)
    )
    assert sorted(rows) == [(number,) for number in range(count)]


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "SELECT 1 WHERE 1 IN ({in}) AND 2 IN ({in})", "SELECT 1 WHERE 1 IN ({in}) OR ?"],
)
def test_fetch_in_refuses_sql_that_it_would_read_wrongly(engine: Engine, sql: str) -> None:
    with pytest.raises(ValueError, match="no single, last"):
        engine.fetch_in(sql, [1])


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_fetch_each_answers_each_row_of_values_in_turn(engine: Engine, count: int) -> None:
    insert(engine, *(file_row(b"%d" % number, inode=number) for number in range(0, 300, 2)))
    wanted = [(number, number, 10) for number in range(count)]
    rows = engine.fetch_each(
        "SELECT CAST(? AS BIGINT), name FROM files WHERE inode = ? AND size = ?", wanted
    )

    assert [(number, bytes(name)) for number, name in rows] == [
        (number, b"%d" % number) for number in range(0, count, 2)
    ]


def test_a_stream_goes_on_while_the_same_thread_writes(engine: Engine) -> None:
    insert(engine, *(file_row(b"%05d" % number) for number in range(5000)))
    seen = 0
    for (_id,) in engine.stream("SELECT id FROM files WHERE size = ?", (10,), size=100):
        seen += 1
        if seen % 1000 == 0:
            with engine.transaction():
                engine.execute("UPDATE roots SET pending = ? WHERE id = 1", (seen,))

    assert seen == 5000
    assert engine.execute("SELECT pending FROM roots") == [(5000,)]


def test_a_stream_inside_a_transaction_sees_what_it_wrote(engine: Engine) -> None:
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"%d" % number) for number in range(10)])
        assert len(list(engine.stream("SELECT id FROM files"))) == 10


def test_a_query_of_peewee_takes_part_in_the_transaction(engine: Engine) -> None:
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"\xff")])
        query = File.select(File.name, File.size).where(File.name == b"\xff")
        assert engine.rows(query) == [(b"\xff", 10)]


# -- several threads, several processes ------------------------------------------------------------


def test_readers_see_what_is_committed_and_do_not_wait(engine: Engine, place: Place) -> None:
    insert(engine, file_row(b"old"))
    reader = place.open(readonly=True)
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"new")])
        assert names(reader) == [b"old"]

    assert names(reader) == [b"old", b"new"]


def test_threads_of_one_engine_do_not_see_each_other_unfinished(engine: Engine) -> None:
    seen: list[list[bytes]] = []
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"new")])
        thread = threading.Thread(target=lambda: seen.append(names(engine)))
        thread.start()
        thread.join()

    assert seen == [[]]


def test_writers_take_turns(engine: Engine) -> None:
    def write(number: int) -> None:
        for turn in range(20):
            with engine.transaction():
                before = engine.execute("SELECT pending FROM roots")[0][0]
                engine.execute("UPDATE roots SET pending = ?", (before + 1,))
                engine.insert("files", COLUMNS, [file_row(b"%d-%d" % (number, turn))])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert engine.execute("SELECT pending FROM roots") == [(80,)]
    assert len(names(engine)) == 80


def test_connections_are_counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine._pool, "_max_connections", 1)
    monkeypatch.setattr(engine._pool, "_wait_timeout", 0.05)
    engine.release_memory()
    outcome: list[BaseException | None] = []

    def read() -> None:
        try:
            engine.execute("SELECT 1")
            outcome.append(None)
        except CatalogueBusy as error:
            outcome.append(error)

    with engine.transaction():
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    read()

    assert isinstance(outcome[0], CatalogueBusy)
    assert outcome[1] is None


# -- the lease -------------------------------------------------------------------------------------


def test_an_older_epoch_writes_nothing(engine: Engine, place: Place) -> None:
    first = place.lease(engine)
    other = place.open()
    first.engine.hold(None)
    with engine.transaction():
        engine.execute("UPDATE leases SET holder = ''")
    engine.hold(first)
    second = place.lease(other)

    with pytest.raises(LeaseLost, match="its epoch is 2, ours was 1"):
        insert(engine, file_row(b"stale"))
    insert(other, file_row(b"fresh"))

    assert (first.epoch, second.epoch) == (1, 2)
    assert names(other) == [b"fresh"]


# -- reading only ----------------------------------------------------------------------------------


def test_a_reader_cannot_write(engine: Engine, place: Place) -> None:
    reader = place.open(readonly=True)

    with pytest.raises(RuntimeError, match="to read only"), reader.transaction():
        pass
    with pytest.raises(CatalogueRefused, match="inside transaction"):
        reader.execute("DELETE FROM directories")


# -- indexes that are made afterwards --------------------------------------------------------------


def indexes(engine: Engine) -> set[str]:
    return {name for (name,) in engine.execute(engine._index_query)}


def test_a_bulk_load_makes_its_indexes_at_the_end(engine: Engine) -> None:
    before = indexes(engine)
    with engine.bulk():
        assert before - indexes(engine) == set(SECONDARY)
        insert(engine, file_row())

    assert indexes(engine) == before


def test_a_bulk_load_that_fails_makes_them_as_well(engine: Engine) -> None:
    before = indexes(engine)
    with pytest.raises(StopHereError), engine.bulk():
        raise StopHereError

    assert indexes(engine) == before


def test_a_catalogue_with_files_keeps_its_indexes(engine: Engine) -> None:
    insert(engine, file_row())
    with engine.bulk():
        assert set(SECONDARY) <= indexes(engine)


def test_indexes_that_a_killed_load_left_out_are_made_at_the_next_start(
    engine: Engine, place: Place
) -> None:
    before = indexes(engine)
    with engine.transaction():
        for name in SECONDARY:
            engine.execute(f"DROP INDEX {name}")
    engine.close()

    again = place.open()
    migrate(again, place.clock)

    assert indexes(again) == before


# -- care ------------------------------------------------------------------------------------------


def test_care_can_be_taken_at_any_time(engine: Engine) -> None:
    insert(engine, *(file_row(b"%d" % number) for number in range(1000)))
    engine.checkpoint()
    engine.release_memory()
    engine.learn()

    assert engine.size() > 100_000
    assert len(names(engine)) == 1000


def test_an_engine_that_was_closed_connects_anew(engine: Engine) -> None:
    engine.close()
    insert(engine, file_row())

    assert names(engine) == [b"a.png"]


@pytest.fixture
def dead_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first transaction meets a connection that is dead."""
    begun: list[int] = []
    begin = type(engine)._begin

    def once(self: Any, connection: Any) -> None:
        begun.append(1)
        if len(begun) == 1:
            self._discard()
            raise CatalogueUnavailable("gone")
        begin(self, connection)

    monkeypatch.setattr(type(engine), "_begin", once)
    return begun


def test_a_dead_connection_is_replaced_before_anything_is_written(
    engine: Engine, dead_once: list[int]
) -> None:
    insert(engine, file_row())

    assert len(dead_once) == 2
    assert names(engine) == [b"a.png"]


def test_the_marker_for_values_is_what_the_message_says() -> None:
    assert engine_module.IN == "IN ({in})"
