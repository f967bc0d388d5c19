"""The databases of a machine wherever they are, with their logs, on both catalogues."""

from __future__ import annotations

from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.movable import Movable, movable
from tests.catalogues import Place
from tests.homes import Home


@pytest.fixture
def home(place: Place, tmp_path: Path) -> Home:
    base = tmp_path / "home"
    base.mkdir()
    return Home(base, place.url)


def found(home: Home) -> list[Movable]:
    engine = open_catalogue(home.settings.catalogue, home.settings.state, role="test")
    try:
        ((host,),) = engine.execute("SELECT id FROM hosts")
        return movable(engine, host)
    finally:
        engine.close()


def test_a_database_counts_with_its_log_here_and_where_it_was_moved(home: Home) -> None:
    home.write("film.mp4")
    home.write("a.db-wal", b"l" * 50)
    home.write("a.db", b"d" * 100)
    home.scan()
    home.link("a.db", "a.db-wal")

    (here,) = found(home)
    assert [one.path for one in here.files] == [b"a.db", b"a.db-wal"]
    assert (here.row.state, here.size, here.damaged) == ("present", 150, False)
    assert (here.database_id, here.sound_ns) == (None, None)
    assert here.written_ns == max(
        (home.roots["r"] / name).stat().st_mtime_ns for name in ("a.db", "a.db-wal")
    )

    assert home.act("move", "a.db", store="cold").done == 2
    (away,) = found(home)
    assert (away.row.state, away.row.placed, away.size) == ("archived", "cold", 150)


def test_what_was_archived_by_its_life_or_trashed_is_not_moved_to_and_fro(home: Home) -> None:
    home.write("a.db", b"d" * 100)
    home.write("b.db", b"d" * 100)
    home.scan()

    home.act("archive", "a.db", store="cold")
    home.act("trash", "b.db")

    assert found(home) == []


def test_what_its_last_check_found_damaged_is_told(home: Home) -> None:
    home.write("a.db", b"d" * 100)
    home.scan()
    engine = open_catalogue(home.settings.catalogue, home.settings.state, role="test")
    with engine.transaction():
        engine.execute(
            "INSERT INTO databases (host_id, file_id, name, place, engine, first_seen_ns)"
            " SELECT h.id, f.id, 'a', ?, 'sqlite', 1 FROM hosts h, files f",
            (b"/r/a.db",),
        )
        engine.execute(
            "INSERT INTO care (database_id, what, outcome, good_ns)"
            " SELECT id, 'check', 'found', 7 FROM databases"
        )
    engine.close()

    ((number,),) = home.query("SELECT id FROM databases")
    assert [one[2:] for one in found(home)] == [(number, True, 7)]
