"""When file systems are full: by databases and by all other files, but not by a first scan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import samples
from storewarden.catalogue.databases import Database, Named, align, known_databases
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.samples import Day
from storewarden.databases.filled import growths, of_roots, systems
from tests.catalogues import COLUMNS, DAY, NOW, file_row

MIB = 1 << 20


def file(engine: Engine, number: int, days_ago: float, **columns: Any) -> None:
    seen = NOW - int(days_ago * DAY)
    row = file_row(b"%d" % number, inode=number, first_seen_ns=seen, **columns)
    with engine.transaction():
        engine.insert("files", ("id", *COLUMNS), [(number, *row)])


def database(engine: Engine, place: Path, per_day: int) -> Database:
    """Make a database known that grows so much."""
    align(engine, 1, [Named("app", bytes(place), "sqlite")], NOW)
    (one,) = known_databases(engine, 1)
    today = NOW // DAY
    sizes = [(number, per_day * number) for number in range(10)]
    with engine.transaction():
        days = [Day(today - 9 + number, 1, size, size, size) for number, size in sizes]
        samples.replace(engine, {one.id: days}, 0)
    return one


def test_files_that_came_fill_a_root_and_those_that_went_empty_it(engine: Engine) -> None:
    file(engine, 1, 100, size=7_000)
    file(engine, 2, 10, size=60 * MIB)
    file(engine, 3, 5, size=60 * MIB, state="held")
    file(engine, 4, 90, size=30 * MIB, state="purged", gone_ns=NOW - DAY)
    file(engine, 5, 9, size=80 * MIB, state="missing", gone_ns=NOW - 2 * DAY)
    file(engine, 6, 9, size=80 * MIB, kind="database")

    assert of_roots(engine, 1, NOW) == {"uploads": 3.0 * MIB}


def test_what_the_first_scan_found_is_no_growth(engine: Engine) -> None:
    file(engine, 1, 9, size=900 * MIB)
    file(engine, 2, 4, size=16 * MIB)

    assert of_roots(engine, 1, NOW) == {"uploads": 2.0 * MIB}


@pytest.mark.parametrize("days", [0, 1, 3.9])
def test_of_a_root_that_is_new_nothing_is_told(engine: Engine, days: float) -> None:
    file(engine, 1, days, size=900 * MIB)

    assert of_roots(engine, 1, NOW) == {"uploads": None}


def test_both_fill_the_file_system_that_they_are_on(engine: Engine, tmp_path: Path) -> None:
    file(engine, 1, 100, size=1)
    file(engine, 2, 10, size=60 * MIB)
    grown = growths(engine, [database(engine, tmp_path / "app.db", 5 * MIB)], NOW)
    tops = {"uploads": bytes(tmp_path), "other": bytes(tmp_path), "away": b"/nowhere/at/all"}

    (system,) = systems(engine, 1, tops, grown, NOW)

    assert system.roots == ("other", "uploads")
    assert system.full.per_day == 7.0 * MIB
    assert "most by app" in system.full.why
    space = os.statvfs(tmp_path)
    assert abs(system.free - space.f_bavail * space.f_frsize) < 1 << 30


def test_where_no_root_is_here_nothing_is_told(engine: Engine) -> None:
    assert systems(engine, 1, {"away": b"/nowhere/at/all"}, [], NOW) == []
