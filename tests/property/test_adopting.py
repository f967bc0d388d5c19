"""Whatever a database holds, each of its rows is told, or told why not: nothing is an accident."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64encode
from contextlib import closing
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storewarden.api.adopting.fitting import Plan, Shape, fit
from storewarden.api.adopting.kinds import AdoptUser
from storewarden.api.adopting.matching import Hints, Places
from storewarden.api.adopting.rows import Bad, Told, Turner, Unplaced
from storewarden.api.adopting.shipped import by_name
from storewarden.api.adopting.values import Maker
from storewarden.api.checked import check
from tests.adopting import VIDEOS, WORKFLOWS

TABLES = {"workflow-app": WORKFLOWS, "video-analyzer": VIDEOS}

WORDS = some.sampled_from(
    [
        *("", " ", "done", "completed", "true", "2026-01-02 10:00:00", "2026-01-02T10:00:00+99:00"),
        *("1767348400", "9" * 19, "NaN", "1e400", "-0", "ann", "save_outputs/a.png", "/a/../../b"),
        *("{}", "[]", '{"a": {"b": [null]}}', '[{"name": 1}, {}, null, [1]]', '"x"', "[" * 2000),
        *('{"name": "script", "status": {}}', '{"a": NaN}', '{"\\ud800": 1}', "file://", "http://"),
    ]
)
HELD = some.one_of(
    some.none(),
    some.integers(-(2**63), 2**63 - 1),
    some.floats(),
    WORDS,
    some.text(max_size=20),
    some.binary(max_size=9).map(lambda held: {"__bytes__": b64encode(held).decode()}),
    some.integers(0, 2**40).map(lambda long: {"__long__": long}),
)


@cache
def plan_of(name: str) -> Plan:
    """The tables of an application, as SQLite itself tells them."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES[name])
        names = [
            one
            for (one,) in connection.execute("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL")
        ]
        shapes = [
            Shape(
                one,
                tuple(row[1] for row in connection.execute(f"PRAGMA table_info({one})")),
                ("rowid",),
                ("id",),
            )
            for one in names
        ]
    return fit(by_name(name), shapes)


@pytest.mark.parametrize("name", TABLES)
@given(data=some.data())
def test_every_row_is_told_or_told_why_not(name: str, data: some.DataObject) -> None:
    plan = plan_of(name)
    number = data.draw(some.integers(0, len(plan.readings) - 1))
    row = [data.draw(HELD) for _ in plan.readings[number].columns]
    with Places({"save_outputs": b"/nowhere/save_outputs"}, Hints()) as places:
        turner = Turner(plan, Maker(), places, "source")
        _, came = turner.turn(json.dumps([number, [1], row]).encode())
        for one in came:
            assert isinstance(one, Told | Bad | Unplaced)
            if isinstance(one, Bad):
                assert one.why
            elif isinstance(one, Told) and not isinstance(one.deed, AdoptUser):
                check(one.deed)
