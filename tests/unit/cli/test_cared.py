"""Status says in one line how the databases are, and of those that are not well why."""

from __future__ import annotations

import json

import pytest

from storewarden.catalogue import care
from storewarden.catalogue.care import Stands
from storewarden.catalogue.databases import Named, align
from storewarden.catalogue.engine import Engine
from storewarden.cli import cared
from tests.conftest import Golden
from tests.unit.cli.conftest import MINUTE, NOW, Run


@pytest.fixture
def known(catalogue: Engine) -> Engine:
    with catalogue.transaction():
        names = ("app", "chat", "odd\x1b[31m", "runtime")
        align(catalogue, 1, [Named(n, b"/srv/" + n.encode(), "sqlite") for n in names], NOW)
    return catalogue


def told(engine: Engine) -> str:
    lines = cared.lines(cared.read(engine, 1, NOW), NOW)
    return "".join(f"{line}\n" for line, _ in lines)


def detail(why: str, remedy: str) -> str:
    return json.dumps({"why": why, "remedy": remedy, "facts": {}})


def test_where_all_is_well_it_is_one_line(known: Engine) -> None:
    done = Stands(1, "check", NOW, NOW, None, 0, NOW + MINUTE, "done")
    care.write(known, [done])

    assert told(known) == "databases  4 known, all well\n"


def test_what_is_due_under_way_and_wrong_is_told(known: Engine, golden: Golden) -> None:
    damage = detail("page 7 is used twice", "docs/runbooks/corrupt-database.md")
    away = detail("the store is away: nas", "mount it")
    care.write(
        known,
        [
            Stands(1, "check", NOW, None, None, 0, NOW + MINUTE, "found", "", damage),
            Stands(2, "backup", None, None, NOW + MINUTE, 4, NOW - MINUTE, "failed", "", away),
            Stands(3, "drill", None, None, NOW + MINUTE, 1, NOW - MINUTE, "failed", "", away),
            Stands(4, "analyze", None, None, None, 1, NOW - MINUTE, "failed", "", away),
            Stands(4, "vacuum", None, None, None, 1, None, "failed", "", away),
        ],
    )
    care.begin(known, [4], "backup", "p", "schedule", NOW - 2 * MINUTE)

    golden("cli/cared-people.txt", told(known))
    golden("cli/cared-json.txt", json.dumps(cared.as_json(cared.read(known, 1, NOW)), indent=2))
    lines = list(cared.fields(cared.read(known, 1, NOW)))
    assert lines[0] == ("databases", 4, 3, 1, 4)


def test_status_shows_it_in_each_form(known: Engine, run: Run) -> None:
    assert "databases  4 known, all well" in run("status", terminal=True).out


def test_programs_are_told_of_it(known: Engine, run: Run) -> None:
    assert "databases\t4\t0\t0\t0\n" in run("status").out
    assert run("status", "--json").json["databases"]["known"] == 4


def test_where_no_database_is_known_nothing_is_said(catalogue: Engine, run: Run) -> None:
    assert "databases" not in run("status").out
    assert cared.as_json(cared.read(catalogue, None, NOW))["known"] == 0
