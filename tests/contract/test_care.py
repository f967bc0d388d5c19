"""What is done for databases, and what is due, on both catalogues."""

from __future__ import annotations

import json

import pytest

from storewarden.catalogue import care, care_figures
from storewarden.catalogue.care import Stands
from storewarden.catalogue.databases import Named, align
from storewarden.catalogue.engine import Engine
from tests.catalogues import DAY, NOW

HOST = 1


@pytest.fixture(autouse=True)
def databases(engine: Engine) -> None:
    with engine.transaction():
        align(engine, HOST, [Named(n, b"/srv/" + n.encode(), "sqlite") for n in "abc"], NOW)


def ids(engine: Engine) -> list[int]:
    return [one.id for one in care.known(engine, HOST)]


def test_what_is_due_comes_in_the_order_in_which_it_waits_and_rests_after_failures(
    engine: Engine,
) -> None:
    a, b, c = ids(engine)
    rows = [
        Stands(a, "check", due_ns=NOW - 5),
        Stands(b, "backup", due_ns=NOW - 9),
        Stands(b, "drill", due_ns=NOW - 7, next_try_ns=NOW + 1, failures=2),
        Stands(c, "check", due_ns=NOW + 1),
        Stands(c, "vacuum", due_ns=None),
    ]
    care.write(engine, rows)

    assert [(one.database_id, one.what) for one in care.due(engine, HOST, NOW)] == [
        (b, "backup"),
        (a, "check"),
    ]
    assert len(care.due(engine, HOST, NOW + 1)) == 4
    assert care.due(engine, HOST + 1, NOW) == []
    waits = care_figures.waits(engine, HOST, NOW)
    assert (waits["drill"].due, waits["drill"].failing, waits["drill"].oldest_ns) == (1, 1, NOW - 7)
    assert (waits["vacuum"].due, waits["vacuum"].oldest_ns) == (0, None)


def test_what_stood_is_replaced_by_what_stands(engine: Engine) -> None:
    a, *_ = ids(engine)
    care.write(engine, [Stands(a, "check", 1, 1, None, 3, 5, "failed", "m", "{}")])
    care.write(engine, [Stands(a, "check", 2, 2, None, 0, 6, "done", "n", '{"why": ""}')])

    assert care.stands(engine, HOST) == {
        (a, "check"): Stands(a, "check", 2, 2, None, 0, 6, "done", "n", '{"why": ""}')
    }


def test_a_run_that_began_and_never_ended_is_seen(engine: Engine) -> None:
    a, b, _ = ids(engine)
    runs = care.begin(engine, [a, b], "backup", "p", "anna", NOW)
    care.end(engine, runs[a], "done", {"why": "", "facts": {"bytes": 7}}, NOW + 1)

    (left,) = care.left_open(engine, HOST)
    assert (left.id, left.database_id, left.what, left.began_ns) == (runs[b], b, "backup", NOW)
    assert care_figures.going_on(engine, HOST) == [("b", "backup", NOW)]


def test_runs_of_long_ago_are_forgotten_some_at_a_time(engine: Engine) -> None:
    a, *_ = ids(engine)
    for day in range(5):
        runs = care.begin(engine, [a], "check", None, "anna", NOW + day * DAY)
        care.end(engine, runs[a], "done", {}, NOW + day * DAY)

    assert care.forget(engine, NOW + 3 * DAY, 2) == 2
    assert care.forget(engine, NOW + 3 * DAY, 2) == 1
    assert care.forget(engine, NOW + 3 * DAY, 2) == 0


def test_very_much_that_is_told_is_cut_to_why() -> None:
    text = care.as_text({"why": "x" * 50_000, "facts": {"more": "y" * 50_000}})

    assert len(text) < 16_000
    assert json.loads(text)["why"].startswith("xxx")


def test_what_is_due_is_found_by_its_index(engine: Engine) -> None:
    a, *_ = ids(engine)
    rows = [Stands(a, f"kind {number}", due_ns=NOW + number) for number in range(3_000)]
    care.write(engine, rows)
    engine.learn()
    heard: list[str] = []

    def timed(sql: str, seconds: float, /, *, rows: int = 1) -> None:
        heard.append(sql)

    engine.timed = timed
    care.due(engine, HOST, NOW)

    plan = engine.explain(heard[0])
    assert "care_due" in plan or not plan, plan  # an old server tells no plan without values
