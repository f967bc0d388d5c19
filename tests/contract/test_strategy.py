"""The whole strategy: a folder with all its forty names and some more ends as it says it should."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.gone_by import of_command
from storewarden.daemon.acting.once import act_once
from storewarden.daemon.acting.wish import Wanted, Wish
from storewarden.databases.recommend import named, read_strategy
from tests.objects import Bench
from tests.servers import swift
from tests.sqlites import holding, killed, make
from tests.strategy import REASON, Strategy, outcomes

LOCAL = (
    *("automation_performance.db", "content_automation.db", "model_generator.db"),
    *("ollama_cache.db", "performance_metrics.db", "quality_metrics.db", "runtime.db"),
)
USED = ("intelligence.db", "trae_ai.db")
UNUSED = ("content_agent.db", "master_orchestrator.db")
UNKNOWN = ("accounts.db", "sub/notes.sqlite", "letters.sqlite3")
OPEN = ("analytics.db", "test.db", "channels.db")
KILLED = ("marketing.db", "api_integration.db")
SCALE = {"analytics_dashboard.db": 9_000, "trae_production.db": 6_000, "runtime.db": 700}


def fill(home: Strategy) -> None:
    """Make all databases: of different sizes, some in WAL mode, some left by killed programs."""
    (home.root / "sub").mkdir()
    for number, name in enumerate((*named(read_strategy("shipped:trae")), *UNKNOWN)):
        rows = SCALE.get(name, 5 + 37 * number % 400)
        path = home.root / name
        if name in KILLED:
            killed(path, rows=rows)
        else:
            make(path, rows=rows, journal="wal" if number % 3 else "delete")
    home.scan()
    for name in KILLED:
        home.link(name, *(path.name for path in home.root.glob(f"{name}-*")))
    for name in USED:
        home.used(name, opens=80)
    for name in UNUSED:
        home.used(name, opens=1)


def take_back(home: Strategy) -> int:
    """Take back all that the command did; return how many files came back."""
    engine = open_catalogue(home.settings.catalogue, home.settings.state, role="test")
    try:
        ((host,),) = engine.execute("SELECT id FROM hosts")
        wanted = tuple(
            Wanted(act.file_id, "restore", undoes=act.id)
            for act in of_command(engine, host, REASON.rpartition(" ")[2])
            if act.file_id is not None
        )
    finally:
        engine.close()
    return act_once(home.settings, Wish(wanted, "anna", "undo")).done


def follow(home: Strategy) -> None:
    """Carry the strategy out, in two goes, and take all of it back."""
    fill(home)
    before = home.here()
    forecast = home.plan()
    assert [len(forecast.phase(number)) for number in (1, 2, 3)] == [7, 29, 4]
    assert len(forecast.unnamed) == len(UNKNOWN)
    stays = {name for name in before if name in (*LOCAL, *USED, *UNKNOWN)}
    assert forecast.here == sum(map(len, before.values()))
    assert forecast.leaving == sum(len(before[name]) for name in before.keys() - stays)

    with ExitStack() as stack:
        for name in OPEN:
            stack.enter_context(holding(home.root / name))
        home.scan()
        first = outcomes(home.migrate(idle_ns=0))
    assert {name for name, outcome in first.items() if outcome == "put_off"} == {
        f"r/{name}" for name in OPEN
    }
    assert {name for name, how in first.items() if how not in {"done", "put_off"}} == set()
    assert sorted(home.here()) == sorted({*stays, *OPEN})

    assert home.query("SELECT count(*) FROM backups WHERE state = 'good'") == [(len(LOCAL),)]

    home.scan()
    then = outcomes(home.migrate(idle_ns=0))
    assert [name for name in then if name[2:] not in LOCAL] == [
        f"r/{name}" for name in sorted(OPEN)
    ]
    assert set(then.values()) == {"done"}
    after = home.plan()
    assert home.here() == {name: before[name] for name in stays}
    assert after.saved == pytest.approx(forecast.forecast)
    assert after.saved is not None
    assert after.saved > 0.7
    assert after.leaving == 0

    assert take_back(home) == len(before) - len(stays)
    assert home.here() == before


@pytest.mark.timeout(180)  # forty databases, and what else is done on the machine
def test_a_folder_with_all_forty_names_and_more_ends_as_the_strategy_says(tmp_path: Path) -> None:
    base = tmp_path / "home"
    base.mkdir()

    follow(Strategy(base, care=True))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_so_it_does_with_a_bucket(
    tmp_path: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in swift.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    base = tmp_path / "home"
    base.mkdir()

    follow(Strategy(base, care=True, cloud=Bench.at(s3_url).settings()))
