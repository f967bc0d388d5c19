"""An image holds what was committed when it was taken, whatever its application is doing."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.databases.found import How
from storewarden.databases.image.take import prune_marks
from storewarden.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseUnusable,
    ObjectDamaged,
    WorkStopped,
)
from tests.applications import application, lying, made
from tests.imaging import Ground, ground, rows_of

MORE = "INSERT INTO t (text) VALUES (hex(randomblob(2000)))"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as one:
        yield one


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_an_image_of_one_at_rest_is_the_file_itself(
    here: Ground, mode: str, page_size: int
) -> None:
    path = made(here.data / "a.db", mode, rows=5000, page_size=page_size)
    before = lying(here.data)

    taken = here.take()

    assert lying(here.data) == before
    image = here.backups[0][0].read_bytes()
    assert image == path.read_bytes()
    assert (taken.kind, taken.size, taken.written) == ("full", len(image), len(image))
    assert (taken.digest, taken.page_size) == (blake3(image).digest(), page_size)
    assert taken.lock_seconds < 1
    proved = here.prove(here.restored())
    assert proved.sound
    assert proved.counted == {"t": 5000}
    assert proved.schema_digest == taken.schema_digest


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist", "memory"])
def test_what_is_committed_is_in_it_and_what_is_not_is_not(here: Ground, mode: str) -> None:
    made(here.data / "a.db", mode)
    with application(here.data / "a.db", MORE, "BEGIN IMMEDIATE", "DELETE FROM t") as one:
        taken = here.take()
        assert one.tell("COMMIT") == []
        assert one.tell("PRAGMA integrity_check") == [["ok"]]
    assert taken.how is (How.WAL if mode == "wal" else How.ROLLBACK)
    assert here.prove(here.restored()).counted == {"t": 101}


@pytest.mark.parametrize("page_size", [512, 65536])
def test_pages_of_any_size_are_found_in_a_log(here: Ground, page_size: int) -> None:
    path = made(here.data / "a.db", "wal", rows=3000, page_size=page_size)
    with application(
        path,
        "PRAGMA wal_autocheckpoint = 0",
        "UPDATE t SET text = 'x' || text WHERE id % 7 = 0",
        "DELETE FROM t WHERE id > 2900",
    ):
        assert here.take().how is How.WAL
    restored = here.restored()
    assert here.backups[0][1].page_size == page_size
    assert here.prove(restored).counted == {"t": 2900}


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_increments_hold_what_changed_and_make_the_same_of_it(here: Ground, mode: str) -> None:
    path = made(here.data / "a.db", mode, rows=20_000)
    base = here.take().digest
    expected = []
    for statements in (
        ["UPDATE t SET text = 'new' WHERE id % 5000 = 0"],
        ["DELETE FROM t WHERE id > 10000", "VACUUM"],
        [MORE] * 20,
        [],
        ["CREATE TABLE u (a)", "INSERT INTO u VALUES (x'00ff')"],
    ):
        with application(path, *statements) as one:
            if mode == "wal" and statements:
                base = here.take(base=base).digest
            one.close()
        if mode == "delete" or not statements:
            base = here.take(base=base).digest
        expected.append((len(here.backups), rows_of(path)))

    assert [taken.kind for _, taken in here.backups] == ["full"] + ["increment"] * 5
    few = here.backups[1][1]
    assert few.written < 0.1 * few.size
    assert here.backups[4][1].changed <= 2  # of a log that was written back
    for backups, rows in expected:
        restored = here.restored(here.backups[:backups])
        assert rows_of(restored) == rows
        assert here.prove(restored).sound


def test_an_increment_of_what_nobody_knows_any_more_is_a_whole_one(here: Ground) -> None:
    made(here.data / "a.db", "delete")
    first = here.take()
    (marks,) = here.marks.iterdir()
    marks.write_bytes(marks.read_bytes()[:-1])
    assert here.take(base=first.digest).kind == "full"
    assert here.take(base=bytes(32)).kind == "full"
    assert here.take(base=first.digest).kind == "increment"
    assert prune_marks(here.marks_fd, [first.digest]) == 0
    assert prune_marks(here.marks_fd, []) == 1
    assert list(here.marks.iterdir()) == []


def test_another_page_size_needs_a_whole_one(here: Ground) -> None:
    path = made(here.data / "a.db", "delete")
    first = here.take()
    with application(path, "PRAGMA page_size = 8192", "VACUUM") as one:
        one.close()
    assert here.take(base=first.digest).kind == "full"


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_what_a_killed_program_left_is_taken_as_it_will_be_found(here: Ground, mode: str) -> None:
    path = made(here.data / "a.db", mode, rows=1000)
    with application(path, MORE, "PRAGMA cache_size = 10", "BEGIN", "UPDATE t SET text = 1") as one:
        one.kill()
    before = lying(here.data)

    assert here.take().how is How.COPY

    assert lying(here.data) == before
    assert list(here.scratch.iterdir()) == []
    restored = here.restored()
    assert rows_of(restored, "SELECT count(*), max(text = '1') FROM t") == [(1001, 0)]
    assert here.prove(restored).sound


def test_a_log_that_was_written_back_or_begun_anew_is_read_right(here: Ground) -> None:
    path = made(here.data / "a.db", "wal")
    rows = 100
    with application(path, "PRAGMA wal_autocheckpoint = 0") as one:
        for checkpoint in ("PASSIVE", "FULL", "RESTART", "TRUNCATE", "PASSIVE"):
            for _ in range(3):
                one.tell(MORE)
                rows += 1
            assert here.take().how is How.WAL
            assert here.prove(here.restored(here.backups[-1:])).counted == {"t": rows}
            one.tell(f"PRAGMA wal_checkpoint({checkpoint})")
            here.take()
            assert here.prove(here.restored(here.backups[-1:])).counted == {"t": rows}


def test_one_that_is_empty_has_an_empty_image(here: Ground) -> None:
    (here.data / "a.db").write_bytes(b"")
    assert here.take().size == 0
    with application(here.data / "a.db", "PRAGMA journal_mode = wal", "CREATE TABLE t (a)"):
        assert here.take(base=here.backups[0][1].digest).size > 0
    assert here.prove(here.restored()).counted == {"t": 0}


def test_what_is_no_database_or_held_is_told(here: Ground) -> None:
    (here.data / "text.db").write_text("text " * 1000)
    with pytest.raises(DatabaseUnusable, match=r"text\.db"):
        here.take("text.db")
    with pytest.raises(DatabaseUnusable, match=r"missing\.db"):
        here.take("missing.db")
    made(here.data / "a.db", "delete")
    with (
        application(here.data / "a.db", "BEGIN EXCLUSIVE"),
        pytest.raises(DatabaseBusy, match=r"a\.db"),
    ):
        here.take(patience=0.2)
    assert list(here.marks.iterdir()) == []


def test_it_is_given_up_when_somebody_wants_to_stop(here: Ground) -> None:
    made(here.data / "a.db", "delete")
    with application(here.data / "a.db", "BEGIN EXCLUSIVE"):
        began = time.monotonic()
        with pytest.raises(WorkStopped):
            here.take(patience=50, stopping=lambda: time.monotonic() - began > 0.5)
    assert list(here.marks.iterdir()) == []


def test_an_increment_is_not_laid_over_what_it_does_not_belong_to(here: Ground) -> None:
    path = made(here.data / "a.db", "delete", rows=1000)
    base = here.take().digest
    with application(path, "UPDATE t SET text = 1 WHERE id = 500") as one:
        one.close()
    here.take(base=base)
    whole, increment = (path for path, _ in here.backups)
    good, laid = whole.read_bytes(), increment.read_bytes()

    for wrong in (b"", laid[:-1], laid + b"x", b"x" + laid[1:], laid[:-1] + b"x"):
        increment.write_bytes(wrong)
        with pytest.raises(ObjectDamaged):
            here.restored()
    increment.write_bytes(laid)
    whole.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ObjectDamaged, match="not what it should be"):
        here.restored()


def test_an_image_that_is_not_sound_is_not_proven(here: Ground) -> None:
    made(here.data / "a.db", "delete", rows=5000)
    here.take()
    path = here.restored()
    image = bytearray(path.read_bytes())
    image[8192:12288] = os.urandom(4096)
    path.write_bytes(image)

    proved = here.prove(path)

    assert not proved.sound
    assert proved.counted == {}
    (here.scratch / "zeros").write_bytes(bytes(100))
    with pytest.raises((DatabaseUnusable, DatabaseDamaged)):
        here.prove(here.scratch / "zeros")


def test_names_and_keys_of_any_kind_are_counted(here: Ground) -> None:
    with application(
        here.data / "a.db",
        'CREATE TABLE "a ""b"" [c] \' d" (x PRIMARY KEY)',
        "CREATE TABLE child (x REFERENCES parent (x))",
        "INSERT INTO child VALUES (1)",
        "CREATE TABLE parent (x PRIMARY KEY) WITHOUT ROWID",
        "CREATE VIRTUAL TABLE words USING fts5 (text)",
        "INSERT INTO words VALUES ('one'), ('two')",
        "CREATE VIEW v AS SELECT 1",
    ) as one:
        one.close()
    here.take()

    proved = here.prove(here.restored())

    assert proved.sound
    assert proved.counted["child"] == 1
    assert proved.counted['a "b" [c] \' d'] == 0
    assert proved.broken_keys == 1
