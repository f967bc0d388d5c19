"""Statistics on a screen, in a pipe, as JSON; currencies apart, nothing when nothing is known."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.reading.stats import Amount, Called, Made, OfStatus, Row, Stats, Took, amount
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import sums
from storewarden.catalogue.told.sums import Called as Once
from storewarden.cli.output import Output
from storewarden.cli.stats_told import bar, money, tell
from storewarden.clock import SystemClock
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

GB = 10**9
TODAY = date(2026, 11, 22)


def spent(**amounts: str) -> tuple[Amount, ...]:
    return tuple(Amount(currency=name, amount=Decimal(one)) for name, one in amounts.items())


def called(calls: int, *, errors: int = 0, tokens: int = 0, **more: Any) -> Called:
    priced = more.pop("priced", calls if more.get("cost") else 0)
    return Called(
        calls=calls,
        errors=errors,
        tokens_in=tokens * 3,
        tokens_out=tokens,
        told=calls,
        priced=priced,
        **{"cost": (), **more},
    )


def took(times: int, p50: float) -> Took:
    return Took(times=times, mean=p50 + 0.5, p50=p50, p90=p50 * 3, p99=p50 * 9, longest=p50 * 20)


def days(count: int) -> tuple[Row, ...]:
    """Rows of days on which more and more is made, and every third nothing."""
    return tuple(
        Row(
            name=(TODAY - timedelta(days=count - 1 - each)).isoformat(),
            files=Made(files=10 + each * each, bytes=each * GB),
            calls=called(
                each * 4,
                cost=spent(EUR=f"{each}.5", USD=f"0.0{each:02}"),
            ),
        )
        for each in range(count)
        if each % 3
    )


WHOLE = Stats(
    at="2026-11-22T06:00:00Z",
    files=Made(files=1_234_567, bytes=1_300 * GB),
    files_today=Made(files=1_203, bytes=4 * GB),
    calls=called(
        10_204,
        errors=12,
        tokens=411_523,
        cost=spent(EUR="1234.5", USD="0.004217"),
        priced=10_100,
        took=took(9_900, 1.25),
    ),
    calls_today=called(34, cost=spent(USD="0.000013")),
    workflows=(
        OfStatus(workflows=7),
        OfStatus(status="done", workflows=100),
        OfStatus(status="running", workflows=3),
    ),
    workflows_took=took(100, 260),
    files_took=took(800, 95),
    by="day",
    rows=days(40),
)
PROVIDERS = Stats(
    at=WHOLE.at,
    since="2026-10-23T00:00:00Z",
    files=WHOLE.files,
    files_today=WHOLE.files_today,
    calls=WHOLE.calls,
    calls_today=WHOLE.calls_today,
    workflows=(),
    by="provider",
    rows=(
        Row(
            name="openai",
            calls=called(8_000, tokens=300_000, cost=spent(USD="104.2"), took=took(8_000, 1.5)),
        ),
        Row(name="runway", calls=called(2_000, errors=12, cost=spent(EUR="3.1", USD="20"))),
        Row(name="ollama\x1b[2J", calls=called(204, tokens=12)),
    ),
)
MODELS = Stats(
    at=WHOLE.at,
    files=WHOLE.files,
    files_today=WHOLE.files_today,
    calls=WHOLE.calls,
    calls_today=WHOLE.calls_today,
    workflows=(),
    by="model",
    rows=(
        Row(name="flux1-dev", files=Made(files=900, bytes=2 * GB)),
        Row(name="gpt-4o", calls=called(51, cost=spent(USD="1"))),
        Row(files=Made(files=77, bytes=GB), calls=called(1)),
    ),
)


class Screen(Output):
    """A terminal without colours."""

    def __init__(self) -> None:
        super().__init__(json=False)
        self.terminal, self.colours = True, False


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)


@pytest.mark.parametrize(
    ("name", "found", "by"),
    [
        ("stats-people", WHOLE, None),
        ("stats-days", WHOLE, "day"),
        ("stats-provider", PROVIDERS, "provider"),
        ("stats-model", MODELS, "model"),
    ],
)
def test_a_screen(
    name: str, found: Stats, by: str | None, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(Screen(), found, by)

    golden(f"cli/{name}.txt", capsys.readouterr().out)


@pytest.mark.parametrize(("found", "by"), [(WHOLE, None), (PROVIDERS, "provider")])
def test_a_pipe(
    found: Stats, by: str | None, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(Output(json=False), found, by)

    golden(f"cli/stats-programs-{by or 'all'}.txt", capsys.readouterr().out)


def test_what_was_told_is_summed(catalogue: Engine, run: Run) -> None:
    now_ns = SystemClock().wall_ns()
    with catalogue.transaction():
        sums.add(
            catalogue,
            1,
            [
                Once(now_ns, "openai", "USD", 2, failed=False, model="gpt-4o", cost_nano=1),
                Once(now_ns, "ollama", "USD", 1, failed=True, duration_ns=2 * 10**9),
            ],
        )

    told = run("stats", "--json").json
    assert told["calls"]["cost"] == [{"currency": "USD", "amount": "0.000000001"}]
    assert (told["calls"]["calls"], told["calls"]["errors"]) == (3, 1)
    assert told["calls_today"] == told["calls"]
    assert told["files"]["files"] > 0
    assert told["rows"] == []
    by = run("stats", "--by", "provider", "--since", "2d", "--json").json
    assert [row["name"] for row in by["rows"]] == ["openai", "ollama"]
    assert by["rows"][1]["calls"]["took"]["longest"] == 2
    assert by["since"].endswith("T00:00:00Z")
    kinds = run("stats", "--by", "kind").out.splitlines()
    assert [line.split("\t")[0] for line in kinds].count("kind") == len(
        run("stats", "--by", "kind", "--json").json["rows"]
    )


def test_where_nothing_is_known_that_is_said(catalogue: Engine, run: Run) -> None:
    assert "nothing is known by provider" in run("stats", "--by", "provider", terminal=True).out
    assert run("stats", "--since", "soon").code == 2


@pytest.mark.usefixtures("here")
def test_without_a_catalogue_it_is_said_how_to_get_one(run: Run, tmp_path: Path) -> None:
    assert not (tmp_path / "state").exists()
    assert run("stats").code != 0


def test_amounts_are_shown_by_what_they_are() -> None:
    told = {
        "0": "0.00",
        "0.000042": "0.0000420",
        "0.5": "0.500",
        "12": "12.00",
        "1e6": "1,000,000.00",
    }
    for value, text in told.items():
        assert money(Amount(currency="USD", amount=Decimal(value))) == f"USD {text}"
    assert amount(1_500_000_000) == Decimal("1.5")
    assert str(amount(20 * 10**18)) == "20000000000"


def test_bars_show_what_is_not_nothing() -> None:
    assert [bar(value, 100) for value in (0, 1, 50, 100)] == ["", "▏", "██████", "█" * 12]
