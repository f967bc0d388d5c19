"""Which databases there are and how they grow, as people, pipes and programs see it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import samples
from storewarden.catalogue.databases import Named, align, known_databases
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.looks import Looked, Trouble, write_looked, write_trouble
from storewarden.catalogue.samples import Day, Sample
from storewarden.cli.db_growth import tell
from storewarden.cli.output import Output
from storewarden.databases.filled import System
from storewarden.databases.growth import full
from tests.conftest import Golden
from tests.sqlites import make
from tests.unit.cli.conftest import NOW, Run

DAY = 86_400 * 10**9
MIB = 1 << 20
HOSTILE = b"/srv/new\nline \xff\x1b[31m.db"


@pytest.fixture
def known(catalogue: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Databases of every sort, looked at two days ago, and how large they were."""
    now_ns = NOW
    monkeypatch.setattr("storewarden.clock.SystemClock.wall_ns", lambda _clock: NOW)
    today = now_ns // DAY
    named = [
        Named("app", b"/srv/app.db", "sqlite"),
        Named("gone", b"/srv/gone.db", "sqlite"),
        Named("new", b"/srv/new.db", "sqlite"),
        Named("odd", HOSTILE, "sqlite"),
        Named("sales", b"postgresql://me:***@db.example.org/sales", "postgresql"),
        Named("broken", b"/srv/broken.db", "sqlite"),
    ]
    with catalogue.transaction():
        align(catalogue, 1, named, NOW)
        ids = {one.name: one.id for one in known_databases(catalogue, 1)}
        using: dict[str, Any] = {"users": [[7, "app"], [8, "app"]], "users_whole": True}
        app = Looked(
            *("mark", 300 * MIB, 5 * MIB, 4096, 76_800, 7_680, "wal", 12, 1_234_567),
            *(b"\x01" * 32, "off", 2, {"rows_are": "rowid", "encoding": "utf-8", **using}),
        )
        odd = Looked(
            *("mark", 8192, 0, 4096, 2, 0, "rollback", 1, 3, b"\x02" * 32, "none", None),
            {"rows_are": "exact", "users": [], "users_whole": False},
        )
        sales = Looked(
            *("", 9 << 30, None, None, None, None, None, 40, 5_000_000, b"\x03" * 32, "on", 1),
            {"rows_are": "analyzed", "server_version": "17.2"},
        )
        looked = [(ids["app"], app), (ids["odd"], odd), (ids["sales"], sales)]
        write_looked(catalogue, looked, now_ns - 2 * DAY - 1800 * 10**9)
        trouble = Trouble("mark", "it is no SQLite database, or encrypted", 100, 0, 0)
        write_trouble(catalogue, [(ids["broken"], trouble)], now_ns - 2 * DAY - 1800 * 10**9)
        catalogue.execute("UPDATE databases SET there = 0 WHERE name = 'gone'")
        sizes = [(100 + number) * MIB for number in range(20)]
        sizes = sizes[:12] + [size + 180 * MIB for size in sizes[12:]]
        days = [Day(today - 19 + day, 1, size, size, size) for day, size in enumerate(sizes)]
        samples.replace(catalogue, {ids["app"]: days[:-1]}, 0)
        last = Sample(now_ns, sizes[-1])
        samples.add(catalogue, [(ids["app"], last), (ids["odd"], Sample(now_ns, 8192))])
    return catalogue


def test_people_see_a_table(known: Engine, run: Run, golden: Golden) -> None:
    ran = run("db", "list", terminal=True)

    golden("cli/db-list.txt", ran.out)
    assert ran.code == 1  # one cannot be looked at


def test_pipes_get_lines(known: Engine, run: Run, golden: Golden) -> None:
    ran = run("db", "list", "--gone")

    golden("cli/db-list-plain.txt", ran.out)
    assert {len(line.split("\t")) for line in ran.out.splitlines()} == {15}


def test_programs_get_everything(known: Engine, run: Run, golden: Golden) -> None:
    ran = run("db", "list", "--json")

    golden("cli/db-list-json.txt", json.dumps(ran.json, indent=1) + "\n")


def test_one_is_found_by_its_name_and_by_its_path(known: Engine, run: Run) -> None:
    names = [
        [one["name"] for one in run("db", "list", asked, "--json").json["databases"]]
        for asked in ("app", "/srv/app.db", "gone")
    ]

    assert names == [["app"], ["app"], ["gone"]]


def test_a_name_that_nobody_bears_is_told(known: Engine, run: Run) -> None:
    ran = run("db", "list", "ap\x1bp")

    assert ran.code == 2
    assert "no database is called so: ap\\x1bp" in ran.err


def test_where_none_is_known_it_is_said_how_they_become_known(catalogue: Engine, run: Run) -> None:
    told = "no database is known up to now: storewarden db list --look\n"

    assert run("db", "list").out == ""
    assert run("db", "list", terminal=True).out == told


def test_people_see_how_they_grow(known: Engine, run: Run, golden: Golden) -> None:
    ran = run("db", "growth", "app", "odd", "new", terminal=True)

    golden("cli/db-growth.txt", ran.out)
    assert ran.code == 0


def test_pipes_and_programs_see_how_they_grow(known: Engine, run: Run, golden: Golden) -> None:
    plain = run("db", "growth", "app", "odd").out
    told = run("db", "growth", "app", "odd", "--json").json

    golden("cli/db-growth-plain.txt", plain)
    golden("cli/db-growth-json.txt", json.dumps(told, indent=1) + "\n")


def test_file_systems_are_full_on_a_day(
    run: Run, golden: Golden, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[tuple[str, float | None]] = [("app", 8.0 * MIB), ("new", None)]
    systems = [
        System(("uploads",), 800 * MIB, full(800 * MIB, rates, NOW)),
        System(("save_outputs", "b"), 9 << 40, full(9 << 40, rates, NOW)),
        System(("c",), 5, full(5, [], NOW)),
    ]
    output = Output(json=False)
    tell(output, [], systems)
    plain = capsys.readouterr().out
    output.terminal = True
    tell(output, [], systems)
    people = capsys.readouterr().out

    golden("cli/db-growth-systems.txt", f"{plain}\n{people}")


def test_file_systems_of_the_roots_are_told(here: Path, run: Run) -> None:
    (here / "data").mkdir()
    make(here / "data/app.db", rows=10)
    (here / "storewarden.yaml").write_text("roots: {data: ./data}\npolicies: []\n")
    assert run("scan").code == 0
    assert run("db", "list", "--look").code == 0

    (told,) = run("db", "growth", "--json").json["file_systems"]

    assert told["roots"] == ["data"]
    assert told["free_bytes"] > 0
    assert (told["full_ns"], told["why"]) == (None, "how fast it fills is not known yet")


def test_files_of_a_root_fill_it_but_not_those_of_its_first_scan(
    here: Path, catalogue: Engine, run: Run
) -> None:
    """Ten days ago 1,000 bytes came, on the day before all that was there already."""
    from storewarden.catalogue.filling import filling

    now_ns = time.time_ns()
    with catalogue.transaction():
        catalogue.execute("UPDATE files SET first_seen_ns = ?", (now_ns - 11 * DAY,))
        catalogue.execute(
            "UPDATE files SET first_seen_ns = ?, size = 1000 WHERE id = 1", (now_ns - 9 * DAY,)
        )
        catalogue.execute("UPDATE files SET gone_ns = ? WHERE id = 5", (now_ns - 2 * DAY,))

    found = filling(catalogue, 1, now_ns - 10 * DAY)

    assert found["save_outputs"] == (now_ns - 11 * DAY, 1000, 10)
    assert found["uploads"] == (now_ns - 11 * DAY, 0, 0)


def test_looking_first_shows_what_is(here: Path, run: Run) -> None:
    (here / "data").mkdir()
    make(here / "data/app.db", rows=10)
    (here / "data/bad.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    (here / "storewarden.yaml").write_text("roots: {data: ./data}\npolicies: []\n")
    assert run("scan").code == 0
    assert run("db", "list").out == ""

    ran = run("db", "list", "--look")

    assert ran.code == 1
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["app.db", "bad.db"]
    assert ran.err.startswith("bad.db: ")
    assert run("db", "list", "app.db", "--again").code == 0


def test_what_was_moved_to_a_store_is_told_to_be_there(known: Engine, run: Run) -> None:
    with known.transaction():
        known.execute("UPDATE files SET state = 'archived', gone_ns = ? WHERE id = 5", (NOW,))
        known.execute("DELETE FROM placed WHERE file_id = 5")
        known.execute("INSERT INTO placed (file_id, store, since_ns) VALUES (5, 'cloud', 1)")
        known.execute("UPDATE databases SET file_id = 5 WHERE name = 'gone'")

    for one in run("db", "list", "gone", "--json").json["databases"]:
        assert (one["there"], one["store"]) == (False, "cloud")
    assert "\tcloud\t" in run("db", "list", "--gone").out
    assert "in the store cloud" in run("db", "list", "--gone", terminal=True).out
