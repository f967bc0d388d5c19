"""Databases are looked at: all there are, each as it is, and only what somebody changed again."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import query_times, samples
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.databases import Database, align, known_databases
from storewarden.catalogue.looks import Looked, write_looked
from storewarden.catalogue.samples import Day, Sample
from storewarden.clock import ManualClock
from storewarden.config.schema import DatabaseSettings
from storewarden.daemon.tending import glimpse
from storewarden.daemon.tending.once import opened, tend_once
from storewarden.daemon.tending.wish import TendResult, TendWish, Told
from storewarden.databases.child import run_job
from tests.applications import application, lying, made
from tests.catalogues import DAY, Place, fresh_database
from tests.homes import Home

MANY = 10_000


class House(Home):
    """A root with databases, looked at without a daemon."""

    def __init__(self, base: Path, catalogue: str) -> None:
        super().__init__(base, catalogue)
        self.clock = ManualClock(time.time_ns() // DAY * DAY + DAY // 2)  # noon: no day ends
        self.asked: list[str] = []

    @property
    def root(self) -> Path:
        return self.roots["r"]

    def name(self, **databases: str | Path) -> None:
        """Name databases in the configuration."""
        named = tuple(
            DatabaseSettings(name, url=where)
            if isinstance(where, str)
            else DatabaseSettings(name, path=bytes(where))
            for name, where in databases.items()
        )
        self.settings = replace(self.settings, databases=named)

    def look(self, *names: str, **options: Any) -> TendResult:
        wish = TendWish("look", names, options, "anna")
        return tend_once(self.settings, wish, clock=self.clock)

    def opened(self, *names: str, **options: Any) -> list[str]:
        """Look, and return which databases were opened."""
        items = self.look(*names, **options).items
        return sorted(one.database for one in items if one.facts.get("opened"))

    def known(self, *, gone: bool = False) -> dict[str, Database]:
        engine = open_catalogue(self.settings.catalogue, self.settings.state, role="test")
        try:
            return {one.name: one for one in known_databases(engine, 1, gone=gone)}
        finally:
            engine.close()

    def samples(self, name: str) -> tuple[list[Sample], list[Day]]:
        engine = open_catalogue(self.settings.catalogue, self.settings.state, role="test")
        try:
            (id_,) = (one.id for one in known_databases(engine, 1) if one.name == name)
            days = samples.days(engine, [id_], 0).get(id_, {})
            return samples.samples(engine, [id_]).get(id_, []), sorted(days.values())
        finally:
            engine.close()


@pytest.fixture
def house(place: Place, tmp_path: Path) -> Iterator[House]:
    """A house; nothing of ours is left beside its databases in the end, or in scratch."""
    house = House(tmp_path, place.url)
    yield house
    scratch = house.settings.state / "scratch"
    assert not scratch.exists() or list(scratch.iterdir()) == []
    assert not [path for path in house.root.rglob("*") if path.name.endswith(("-shm", "-wal"))]


def outcomes(result: TendResult) -> dict[str, tuple[str, str]]:
    return {one.database: (one.outcome, one.why) for one in result.items}


def insert(path: Path, count: int = 1) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO t (text) VALUES (?)", [("more",)] * count)
        connection.commit()


def test_databases_are_known_with_all_that_is_seen_of_them(house: House) -> None:
    path = made(house.root / "app.db", "wal")
    house.write("picture.png")
    house.scan()
    before = lying(house.root)

    result = house.look()

    assert outcomes(result) == {"app.db": ("done", "")}
    assert lying(house.root) == before
    (app,) = house.known().values()
    assert (app.place, app.engine, app.there) == (bytes(path), "sqlite", True)
    assert (app.bytes, app.page_size, app.wal_bytes) == (path.stat().st_size, 4096, 0)
    assert app.pages == path.stat().st_size // 4096
    assert (app.free_pages, app.tables, app.rows, app.journal) == (0, 1, 100, "wal")
    assert (app.foreign_keys, app.connections, app.trouble) == ("none", 0, "")
    assert app.schema_digest is not None
    assert len(app.schema_digest) == 32
    assert app.told["rows_are"] == "exact"
    assert app.told["encoding"] == "utf-8"
    assert app.looked_ns == house.clock.wall_ns()
    assert house.samples("app.db") == (
        [Sample(house.clock.wall_ns(), path.stat().st_size, 0, 0, 100, 0)],
        [],
    )


def test_only_what_somebody_changed_is_opened_again(house: House) -> None:
    made(house.root / "a.db", "wal")
    made(house.root / "b.db", "delete")
    house.scan()

    assert house.opened() == ["a.db", "b.db"]
    assert house.opened() == []
    insert(house.root / "b.db")
    assert house.opened() == ["b.db"]
    assert house.known()["b.db"].rows == 101
    assert house.opened() == []
    assert house.opened("a.db", again=True) == ["a.db"]


def test_one_in_use_is_seen_with_its_log_and_its_users(house: House) -> None:
    path = made(house.root / "a.db", "wal")
    house.scan()
    with application(path, "INSERT INTO t (text) VALUES ('more')") as one:
        house.look()
        app = house.known()["a.db"]
        assert (app.rows, app.connections) == (101, 1)
        assert app.wal_bytes is not None
        assert app.wal_bytes > 0
        assert app.told["users"][0][0] == one._popen.pid
        assert house.opened() == []
        one.close()
        house.look()
    assert house.known()["a.db"].connections == 0


@pytest.mark.parametrize("noted", ["on", "off"])
def test_what_an_application_was_seen_to_do_with_foreign_keys_stays(
    house: House, noted: str
) -> None:
    with closing(sqlite3.connect(house.root / "app.db", isolation_level=None)) as app:
        app.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        app.execute("CREATE TABLE child (parent_id REFERENCES parent (id))")
        house.scan()
        seen = []
        for statement in (
            "INSERT INTO parent VALUES (1)",
            "INSERT INTO child VALUES (2)",
            "DELETE FROM child",
        ):
            app.execute(statement)
            house.look()
            seen.append(house.known()["app.db"].foreign_keys)
        assert seen == ["declared", "off", "declared"]

        engine = open_catalogue(house.settings.catalogue, house.settings.state, role="test")
        query_times.note_keys(engine, house.known()["app.db"].id, heeded=noted == "on")
        engine.close()
        app.execute("INSERT INTO parent VALUES (3)")
    assert house.opened() == ["app.db"]
    assert house.known()["app.db"].foreign_keys == noted


def test_named_ones_are_looked_at_wherever_they_are(
    house: House, tmp_path: Path, postgres_url: str
) -> None:
    made(tmp_path / "else.db", "delete")
    made(house.root / "app.db", "delete")
    house.scan()
    with fresh_database(postgres_url, "storewarden_sales") as url:
        house.name(other=tmp_path / "else.db", app=house.root / "app.db", sales=url)

        assert outcomes(house.look()) == dict.fromkeys(("other", "app", "sales"), ("done", ""))
    known = house.known()
    assert {name: one.engine for name, one in known.items()} == {
        "app": "sqlite",
        "other": "sqlite",
        "sales": "postgresql",
    }
    assert (known["other"].rows, known["other"].named) == (100, True)
    assert (known["sales"].tables, known["sales"].rows, known["sales"].page_size) == (0, 0, None)
    assert known["sales"].bytes is not None
    assert known["sales"].bytes > 1_000_000

    # the server's database is gone now
    told = outcomes(house.look("sales"))
    assert told["sales"][0] == "put_off"
    assert "does not exist" in told["sales"][1]
    assert "does not exist" in house.known()["sales"].trouble


def test_one_that_is_not_there_is_told_and_may_come(house: House, tmp_path: Path) -> None:
    house.name(other=tmp_path / "else.db")

    assert outcomes(house.look()) == {"other": ("failed", "it is not there")}
    assert house.known() == {}
    assert house.known(gone=True)["other"].trouble == "it is not there"

    made(tmp_path / "else.db", "delete")
    assert outcomes(house.look()) == {"other": ("done", "")}
    assert house.known()["other"].trouble == ""


def test_one_whose_file_went_before_it_is_recorded_is_put_off(house: House) -> None:
    made(house.root / "app.db", "delete")
    house.scan()
    (house.root / "app.db").unlink()

    ((outcome, why),) = outcomes(house.look()).values()

    assert (outcome, why) == ("put_off", "it is not there; its root is not recorded up to now")


def test_what_is_no_database_is_told_once_and_not_opened_again(house: House) -> None:
    house.write("bad.db", b"SQLite format 3\0" + b"\xff" * 5000)
    made(house.root / "good.db", "delete")
    house.scan()

    first, second = outcomes(house.look()), outcomes(house.look())

    assert first["good.db"] == second["good.db"] == ("done", "")
    assert first["bad.db"][0] == "failed"
    assert first == second
    assert house.known()["bad.db"].trouble == first["bad.db"][1] != ""


def test_names_of_any_bytes_are_known_by_harmless_ones(house: House) -> None:
    hostile = b"new\nline \xff\x1b[31m.db"
    os.rename(made(house.root / "a.db", "delete"), os.path.join(os.fsencode(house.root), hostile))
    house.scan()

    (item,) = house.look().items

    assert item.outcome == "done"
    assert item.database.isprintable()
    assert outcomes(house.look(item.database)) == {item.database: ("done", "")}
    place = os.fsdecode(os.path.join(os.fsencode(house.root), hostile))
    assert outcomes(house.look(place)) == {item.database: ("done", "")}


def test_a_name_that_nobody_bears_is_refused(house: House) -> None:
    house.scan()

    assert outcomes(house.look("nothing")) == {"nothing": ("refused", "no database is called so")}


def test_one_that_ends_the_process_costs_the_others_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file would that breaks SQLite: its process says that it begins, and then nothing."""
    names = ["a.db", "b.db", "c.db"]
    for name in names:
        made(house.root / name, "delete")
    house.scan()

    def breaking(kind: str, arguments: Any, **more: Any) -> Any:
        paths = [path for _, path in arguments["databases"]]
        if b"b.db" not in paths:
            return run_job(kind, arguments, **more)
        at = paths.index(b"b.db")
        good = {"databases": arguments["databases"][:at]}
        run_job(kind, good, **more)
        more["progress"]({"begun": at})
        return run_job("nothing is called so", {}, **more)

    monkeypatch.setattr(glimpse, "run_job", breaking)

    told = outcomes(house.look())

    assert (told["a.db"], told["c.db"]) == (("done", ""), ("done", ""))
    assert told["b.db"][0] == "failed"


def test_a_root_that_is_not_the_one_that_is_known_is_left_alone(house: House) -> None:
    made(house.root / "app.db", "delete")
    house.scan()
    os.rename(house.root, house.base / "away")
    house.root.mkdir()
    made(house.root / "app.db", "delete")

    ((outcome, why),) = outcomes(house.look()).values()

    assert outcome == "put_off"
    assert why
    assert house.known()["app.db"].looked_ns is None


def test_samples_are_folded_to_days(house: House) -> None:
    made(house.root / "app.db", "delete")
    house.scan()
    clock = house.clock
    assert isinstance(clock, ManualClock)
    for _ in range(9):
        house.look()
        clock.advance(24 * 3600)
    house.look()
    clock.advance(1)
    house.look()  # of the same day, and the same: not kept

    kept, days = house.samples("app.db")

    assert (len(kept), len(days)) == (8, 2)
    assert len({one.at_ns // DAY for one in kept} | {one.day for one in days}) == 10


def test_how_far_it_is_is_told(house: House) -> None:
    for number in range(3):
        made(house.root / f"{number}.db", "delete", rows=1)
    house.scan()
    told: list[Told] = []

    tend_once(house.settings, TendWish("look", (), {}, "anna"), clock=house.clock, told=told.append)

    assert [one.done for one in told] == [1, 2, 3]
    assert {one.total for one in told} == {3}


def test_many_are_opened_once_and_then_left_alone(house: House) -> None:
    """More than one child looks at, in more directories than one is handed."""
    first = made(house.root / "first.db", "delete", rows=1)
    content = first.read_bytes()
    for number in range(glimpse.AT_ONCE + 29):
        house.write(f"d{number % 20}/{number}.db", content)
    house.scan()

    assert len(house.opened()) == glimpse.AT_ONCE + 30
    assert house.opened() == []


def test_ten_thousand_that_nobody_changed_are_left_alone(tmp_path: Path) -> None:
    house = House(tmp_path, "sqlite")
    content = made(house.root / "0.db", "wal", rows=1).read_bytes()
    for number in range(1, MANY):
        house.write(f"d{number % 100}/{number}.db", content)
    house.scan()
    with opened(house.settings, house.clock) as hands:
        align(hands.engine, hands.host_id, [], house.clock.wall_ns())
        places, wrong = glimpse.place_all(hands, known_databases(hands.engine, hands.host_id))
        looked = [
            (one.database.id, Looked(one.seen.mark, one.seen.bytes, one.seen.wal_bytes))
            for one in places
            if one.seen is not None
        ]
        with hands.engine.transaction():
            write_looked(hands.engine, looked, house.clock.wall_ns())
    assert (len(looked), wrong) == (MANY, [])

    result = house.look()  # three seconds on a machine with nothing else to do

    assert len(result.items) == MANY
    assert {one.facts["opened"] for one in result.items} == {False}
    assert len(house.known()) == MANY
