"""How long statements take is heard of, kept and told, on both catalogues, without any value."""

import pytest

from storewarden.catalogue import query_times
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.query_times import CATALOGUE, MOST, Heard, QueryTimes, Slow, whole
from tests.catalogues import DAY, NOW

HOST = 1


def test_every_way_to_run_a_statement_is_heard_of(engine: Engine) -> None:
    times = QueryTimes()
    engine.timed = times
    engine.execute("SELECT 1")
    engine.fetch_in("SELECT id FROM hosts WHERE id IN ({in})", [1, 2, 3])
    engine.fetch_each("SELECT id FROM hosts WHERE id = ?", [(1,), (2,)])
    with engine.transaction():
        before = times.take().statements
        engine.executemany("DELETE FROM hosts WHERE id = ?", [(77,), (78,)])
        engine.insert("hosts", ("machine_id", "name", "first_seen_ns"), [("m", "h", NOW)])

    assert before >= 3
    assert times.take().statements == 2


def test_only_what_took_more_than_a_tenth_of_a_second_is_slow() -> None:
    seen: list[float] = []
    times = QueryTimes(seen.append)
    times("SELECT a", 0.05)
    times("SELECT b", 0.2)
    times("SELECT b", 0.4)
    times("INSERT INTO c", 5.0, rows=1000)  # each row was quick
    times("ANALYZE", 9.0)

    heard = times.take()

    assert (heard.statements, heard.slow) == (5, 2)
    assert heard.seconds == pytest.approx(14.65)
    (slow,) = heard.slowest
    assert slow == Slow("SELECT b", 2, 0.4, slow.total)
    assert slow.total == pytest.approx(0.6)
    assert seen == [0.05, 0.2, 0.4, 5.0, 9.0]
    assert times.take() == Heard()


def test_what_is_kept_adds_up_by_days_and_statements(engine: Engine) -> None:
    first = Heard(10, 1, 0.5, (Slow("SELECT b", 1, 0.2, 0.2, "SCAN b"),))
    then = Heard(5, 2, 0.7, (Slow("SELECT b", 2, 0.3, 0.5), Slow("SELECT c", 1, 0.1, 0.1)))
    query_times.keep(engine, HOST, CATALOGUE, first, NOW)
    query_times.keep(engine, HOST, CATALOGUE, then, NOW + DAY)
    query_times.keep(engine, HOST, "/srv/a.db", Heard(1, 0, 0.1), NOW)

    days = query_times.days(engine, HOST, NOW)
    assert {name: (day.statements, day.slow) for name, day in days.items()} == {
        CATALOGUE: (15, 3),
        "/srv/a.db": (1, 0),
    }
    b, c = query_times.slow(engine, HOST)
    assert (b.statement, b.times, b.plan) == ("SELECT b", 3, "SCAN b")
    assert b.worst == pytest.approx(0.3)
    assert b.total == pytest.approx(0.7)
    assert (b.first_ns, b.last_ns) == (NOW, NOW + DAY)
    assert c.statement == "SELECT c"
    assert query_times.slow(engine, HOST, ["/srv/a.db"]) == query_times.slow(engine, HOST, []) == []


def test_an_application_that_writes_values_into_its_statements_fills_nothing(
    engine: Engine,
) -> None:
    many = tuple(Slow(f"SELECT {number}", 1, 1.0, 1.0 + number) for number in range(MOST + 50))
    query_times.keep(engine, HOST, "/srv/a.db", Heard(1, 1, 1.0, many), NOW)

    kept = query_times.slow(engine, HOST, most=10_000)
    assert len(kept) == MOST
    assert kept[0].statement == f"SELECT {MOST + 49}"


def test_long_ago_is_forgotten(engine: Engine) -> None:
    query_times.keep(engine, HOST, CATALOGUE, Heard(1, 1, 1.0, (Slow("S", 1, 1.0, 1.0),)), NOW)
    query_times.forget(engine, HOST, NOW + DAY)

    assert query_times.days(engine, HOST, 0) == {}
    assert query_times.slow(engine, HOST) == []


def test_a_plan_tells_what_is_read_from_end_to_end(engine: Engine) -> None:
    scan = engine.explain("SELECT count(*) FROM facts WHERE reason = ?")
    found = engine.explain("SELECT state FROM files WHERE id IN ({in})")

    assert whole(scan) == ("facts",) or not scan  # a server before 16 tells no plan without values
    assert whole(found) == ()
    assert engine.explain("no statement") == ""


@pytest.mark.parametrize(
    ("plan", "tables"),
    [("SCAN files", ("files",)), ("SCAN f USING INDEX files_size", ()),
     ("SCAN f USING COVERING INDEX x", ()), ("SEARCH f USING INDEX i (a=?)\nSCAN d", ("d",)),
     ("SCAN CONSTANT ROW", ()), ("  ->  Seq Scan on files f\n      Filter: x", ("files",)),
     ("Index Scan using i on files", ()), ("", ())],
)  # fmt: skip
def test_plans_of_both_databases_are_understood(plan: str, tables: tuple[str, ...]) -> None:
    assert whole(plan) == tables
