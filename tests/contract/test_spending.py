"""What calls cost is counted from the sums: it never falls, outlives a daemon, and is bounded."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import slices, usage
from storewarden.catalogue.told.usage import Usage
from storewarden.clock import ManualClock
from storewarden.daemon.tending.counting import ANEW, PATIENCE, FileSums
from storewarden.daemon.tending.spending import CURRENCIES, PROVIDERS, Spending
from storewarden.measure.metrics import Metrics
from tests.catalogues import COLUMNS, DAY, NOW, file_row

Sample = tuple[str, ...]


def call(
    engine: Engine, provider: str, cost_nano: int | None = None, currency: str = "USD", **more: int
) -> None:
    """Tell of a call, as applications do."""
    row = Usage(
        host_id=1,
        at_ns=NOW + more.get("day", 0) * DAY,
        provider=provider,
        model=None,
        operation=None,
        calls=more.get("calls", 1),
        tokens_in=more.get("tokens_in"),
        tokens_out=None,
        cost_nano=cost_nano,
        currency=currency,
        duration_ns=more.get("duration_ns"),
        error="no" if more.get("failed") else None,
        workflow_id=None,
        scene_id=None,
        told_id=None,
        user_id=None,
        key=None,
        told_ns=NOW,
    )
    with engine.joined():
        usage.keep(engine, row, None, "")


class Life:
    """The counters of one life of a daemon."""

    def __init__(self, engine: Engine) -> None:
        self.metrics, self.clock = Metrics("0"), ManualClock()
        self.spending = Spending(engine, 1, self.metrics, self.clock)

    def of(self, name: str) -> dict[Sample, float]:
        self.clock.advance(60)
        self.spending.step()
        return {
            tuple(dict(sorted(sample.labels.items(), reverse=True)).values()): sample.value
            for family in text_string_to_metric_families(self.metrics.expose()[1].decode())
            for sample in family.samples
            if sample.name == f"storewarden_{name}"
        }


def test_calls_their_costs_and_errors_are_counted(engine: Engine) -> None:
    life = Life(engine)
    assert life.of("api_calls_total") == {}
    call(engine, "openai", 1_500_000_000, tokens_in=10, duration_ns=2 * 10**9)
    call(engine, "openai", 250_000_000, calls=3)
    call(engine, "runway", 10**9, "EUR", failed=1)

    assert life.of("api_cost_total") == {("openai", "USD"): 1.75, ("runway", "EUR"): 1}
    assert life.of("api_calls_total") == {("openai",): 4, ("runway",): 1}
    assert life.of("api_errors_total") == {("openai",): 0, ("runway",): 1}
    assert life.of("api_tokens_total")["openai", "in"] == 10
    assert life.of("api_call_seconds_total")["openai",] == 2
    assert life.of("api_timed_calls_total") == {("openai",): 1, ("runway",): 0}

    call(engine, "openai", 1_000_000)
    assert life.of("api_cost_total")["openai", "USD"] == pytest.approx(1.751)


def test_another_life_goes_on_where_the_one_before_was(engine: Engine) -> None:
    call(engine, "openai", 10**9)
    first = Life(engine)
    assert first.of("api_cost_total") == {("openai", "USD"): 1}

    with engine.transaction():
        engine.execute("DELETE FROM api_usage")  # they were kept long enough

    assert first.of("api_cost_total") == {("openai", "USD"): 1}
    assert Life(engine).of("api_cost_total") == {("openai", "USD"): 1}


def test_providers_are_bounded_and_the_first_keep_their_names(engine: Engine) -> None:
    for number in range(PROVIDERS + 3):
        call(engine, f"p{number:02}", 10**9, day=number)
    life = Life(engine)
    told = life.of("api_cost_total")

    assert len(told) == PROVIDERS + 1
    assert told["other", "USD"] == 3
    call(engine, "a-first-one-by-name", day=999)
    assert life.of("api_calls_total")["other",] == 4
    assert Life(engine).of("api_calls_total") == life.of("api_calls_total")


def test_currencies_are_bounded_and_never_added_together(engine: Engine) -> None:
    names = [f"A{chr(65 + number)}A" for number in range(CURRENCIES + 2)]
    for number, name in enumerate(names):
        call(engine, "bank", 10**9, name, day=number)

    told = Life(engine).of("api_cost_total")
    assert told == {("bank", name): 1 for name in names[:CURRENCIES]}


def test_no_label_acts_on_a_terminal_or_holds_a_path(engine: Engine) -> None:
    call(engine, "/srv/secret\x1b[2J")

    ((name,),) = Life(engine).of("api_calls_total")
    assert "/" not in name
    assert "\x1b" not in name


def test_files_are_counted_when_there_is_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SIZE", 2)
    with engine.transaction():
        rows = [file_row(b"%d.png" % number, inode=number) for number in range(1, 6)]
        engine.insert("files", COLUMNS, rows)
    clock = ManualClock()
    sums = FileSums(engine, clock)
    sums.step()
    assert slices.doubted(engine) == [2, 1, 0]

    clock.advance(PATIENCE)
    for left in ([1, 0], [0], []):
        sums.step()
        assert slices.doubted(engine) == left
        sums.step()  # it rests
        clock.advance(60)
    clock.advance(ANEW)
    sums.step()
    assert slices.doubted(engine) == [1, 0]
