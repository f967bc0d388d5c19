"""Rewritten without its empty pages a database has every row under the number it had."""

import os
import struct
from pathlib import Path

import apsw
import pytest

from storewarden.databases.rewrite import analyze, counted, give_back, rewrite, take
from storewarden.errors import DatabaseBusy, DatabaseDamaged, DatabaseUnusable

ROWS = 3_000


def make(path: Path, journal: str = "delete", auto_vacuum: int = 0, page_size: int = 4096) -> None:
    """A database half of which is free, with what VACUUM by itself would number anew."""
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum}")
    connection.execute(f"PRAGMA journal_mode = {journal}").fetchall()
    connection.execute(
        f"""
        PRAGMA user_version = 7; PRAGMA application_id = 9;
        CREATE TABLE plain(a);
        CREATE TABLE keyed(id INTEGER PRIMARY KEY, t TEXT);
        CREATE TABLE without(a PRIMARY KEY, b) WITHOUT ROWID;
        CREATE INDEX by_text ON keyed(t);
        CREATE VIEW view AS SELECT t FROM keyed;
        CREATE TRIGGER trigger AFTER INSERT ON keyed BEGIN INSERT INTO plain VALUES (NEW.id); END;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
            INSERT INTO keyed SELECT i, hex(randomblob(50)) FROM n;
        INSERT INTO without SELECT id, t FROM keyed WHERE id < 100;
        DELETE FROM keyed WHERE id % 2; DELETE FROM plain WHERE rowid % 3;
        """
    )
    connection.close()


def opened(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)


def content(path: Path) -> dict[str, object]:
    connection = apsw.Connection(str(path))
    try:
        return {
            name: connection.execute(f"SELECT * FROM ({statement}) ORDER BY 1").fetchall()
            for name, statement in {
                "plain": "SELECT rowid, a FROM plain",
                "keyed": "SELECT * FROM keyed",
                "without": "SELECT * FROM without",
                "schema": "SELECT name || sql FROM sqlite_schema WHERE sql IS NOT NULL",
                "user_version": "SELECT * FROM pragma_user_version",
                "application_id": "SELECT * FROM pragma_application_id",
                "page_size": "SELECT * FROM pragma_page_size",
            }.items()
        }
    finally:
        connection.close()


def never() -> bool:
    return False


@pytest.mark.parametrize("page_size", [512, 4096])
@pytest.mark.parametrize("auto_vacuum", [0, 1, 2])
@pytest.mark.parametrize("journal", ["delete", "wal", "persist", "truncate"])
def test_every_row_keeps_its_number_and_nothing_stays_beside(
    tmp_path: Path, journal: str, auto_vacuum: int, page_size: int
) -> None:
    path, copy = tmp_path / "app.db", tmp_path / "private"
    make(path, journal, auto_vacuum, page_size)
    before, size, inode = content(path), path.stat().st_size, path.stat().st_ino
    head = path.read_bytes()[:100]

    connection = opened(path)
    take(connection)
    told = rewrite(connection, str(copy), came=never)
    give_back(connection)
    connection.close()

    assert content(path) == before
    assert path.stat().st_size == told.after < size == told.before
    assert path.stat().st_ino == inode
    assert told.rows == {"plain": 1_000, "keyed": 1_500, "without": 99}
    assert sorted(os.listdir(tmp_path)) == ["app.db", "private"]
    now = path.read_bytes()[:100]
    same = (slice(16, 24), slice(56, 72))  # sizes, versions of the format, encoding, marks
    assert [now[each] for each in same] == [head[each] for each in same]
    assert bool(struct.unpack_from(">I", now, 52)[0]) == bool(auto_vacuum)
    assert struct.unpack_from(">I", now, 64)[0] == (auto_vacuum == 2)
    connection = apsw.Connection(str(path))
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    assert connection.execute("PRAGMA freelist_count").get == 0
    connection.close()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_one_in_use_is_refused_at_once(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "app.db"
    make(path, journal)
    application = apsw.Connection(str(path))
    application.execute("BEGIN; SELECT count(*) FROM keyed").fetchall()

    connection = opened(path)
    with pytest.raises(DatabaseBusy, match=r"a database is in use: app\.db"):
        take(connection)
    connection.close()
    application.execute("COMMIT; INSERT INTO keyed(t) VALUES ('still here')")
    application.close()


@pytest.mark.parametrize("when", ["copy", "prove", "write", "written"])
def test_who_comes_meanwhile_gets_it_as_it_was(tmp_path: Path, when: str) -> None:
    path, copy = tmp_path / "app.db", tmp_path / "private"
    make(path, page_size=512)
    before = path.read_bytes()
    heard: list[str] = []

    def tell(what: str, done: int, total: int) -> None:
        heard.append("written" if what == "write" and done > total // 2 else what)

    connection = opened(path)
    take(connection)
    with pytest.raises(DatabaseBusy, match="somebody came"):
        rewrite(connection, str(copy), came=lambda: when in heard, tell=tell)
    give_back(connection)
    connection.close()

    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["app.db", "private"]


def test_a_damaged_one_is_not_touched_as_its_bytes_are_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path)
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = bytes(4096)
    path.write_bytes(data)

    connection = opened(path)
    take(connection)
    with pytest.raises(DatabaseDamaged, match="the database itself is not whole"):
        rewrite(connection, str(tmp_path / "private"), came=never)
    connection.close()

    assert path.read_bytes() == data


def test_what_only_its_application_can_order_it_has_to_rewrite_itself(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    connection = apsw.Connection(str(path))
    connection.create_collation("mine", lambda a, b: (a > b) - (a < b))
    connection.execute("CREATE TABLE t(x TEXT COLLATE mine UNIQUE); INSERT INTO t VALUES ('a')")
    connection.close()
    before = path.read_bytes()

    connection = opened(path)
    take(connection)
    with pytest.raises((DatabaseUnusable, DatabaseDamaged), match="no such collation sequence"):
        rewrite(connection, str(tmp_path / "private"), came=never)
    connection.close()

    assert path.read_bytes() == before


def test_the_planners_figures_are_renewed_for_every_table(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path)
    connection = opened(path)

    told = analyze(connection, lock_seconds=10)

    assert (told.tables, told.left) == (("keyed", "plain", "without"), {})
    found = connection.execute("SELECT tbl, idx FROM sqlite_stat1 ORDER BY 1").fetchall()
    assert ("keyed", "by_text") in found
    assert counted(connection)["keyed"] == ROWS // 2
    connection.close()


def test_no_table_is_locked_for_longer_than_it_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path)
    connection = opened(path)

    told = analyze(connection, lock_seconds=-1)

    assert "keyed" in told.left
    statement = "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'keyed'"
    assert connection.execute(statement).get == 0
    connection.close()


def test_while_somebody_writes_figures_are_put_off(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path)
    application = apsw.Connection(str(path))
    application.execute("BEGIN IMMEDIATE")
    connection = opened(path)

    with pytest.raises(DatabaseBusy, match="a database is in use"):
        analyze(connection, lock_seconds=10)

    connection.close()
    application.close()
