"""Statistics hold what there is, whatever happened to it, and only what is for who asks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from storewarden.api.carry import carry_all
from storewarden.api.deeds import Deed, TellChat, TellFile, TellUsage, TellWorkflow
from storewarden.api.reading.as_json import as_json
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.stats import Amount, Called, Made, Row, Stats, Took, stats
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import forgetting, slices
from storewarden.catalogue.told.slices import Asked, Files, Held
from storewarden.model import Provenance
from tests.acting import Deeds
from tests.catalogues import Place
from tests.inspecting import Shelf
from tests.recording import NOW, SECOND, File, check_totals, entry
from tests.telling import user

DAY_NS = 86_400 * SECOND


@pytest.fixture
def shelf(place: Place) -> Iterator[Shelf]:
    """A recorder that also inspects, over an empty catalogue."""
    shelf = Shelf(place.made())
    yield shelf
    check_totals(shelf.engine, shelf.counts)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SIZE", 4)


def tell(shelf: Shelf, *deeds: Deed, who: Who = MACHINE) -> None:
    with shelf.engine.transaction(durable=True):
        carry_all(shelf.engine, shelf.ground.host_id, deeds, who, shelf.now_ns)


def asked(shelf: Shelf, who: Who = MACHINE, **more: Any) -> Stats:
    return stats(Reader(shelf.engine, who, shelf.ground.host_id, shelf.now_ns), **more)


def rows(shelf: Shelf, by: str, who: Who = MACHINE, **more: Any) -> dict[str | None, Row]:
    return {row.name: row for row in asked(shelf, who, by=by, **more).rows}


def counted(engine: Engine) -> dict[str, Counter[str]]:
    """Count files in the plainest way."""
    found = engine.execute(
        "SELECT f.kind, coalesce(p.tool, ''), coalesce(p.model, ''), coalesce(w.name, ''),"
        " coalesce(u.name, '') FROM files f"
        " LEFT JOIN told_files t ON t.file_id = f.id LEFT JOIN users u ON u.id = t.owner_id"
        " LEFT JOIN facts x ON x.file_id = f.id"
        " LEFT JOIN workflows w ON w.id = coalesce(t.workflow_id, x.workflow_id)"
        " LEFT JOIN prompts p ON p.file_id = f.id WHERE f.state IN ('present', 'held')"
    )
    return {
        about: Counter(row[at] for row in found)
        for at, about in enumerate(("kind", "tool", "model", "workflow", "user"))
    }


def stored(engine: Engine) -> dict[str, dict[str, int]]:
    files = Files(engine, Asked())
    return {
        about: {name: held.files for name, held in files.by(about).items() if held.files}
        for about in slices.ABOUT
    }


# -- files --------------------------------------------------------------------------------------


class Chances:
    """What may happen to files, one thing after the other."""

    def __init__(self, shelf: Shelf, seed: int) -> None:
        self.shelf, self.chance, self.inode = shelf, random.Random(seed), 0
        self.users = [user(shelf.engine, name) for name in ("anna", "bert")]
        self.happen = (
            *(self.new, self.new, self.new, self.gone, self.changed, self.renamed, self.told),
            self.kept,
        )

    def step(self) -> None:
        if not self.shelf.present("r"):
            self.new()
        self.chance.choice(self.happen)()
        if self.chance.random() < 0.5:
            self.shelf.inspect()

    def one(self) -> File:
        return self.chance.choice(list(self.shelf.present("r").values()))

    def new(self) -> None:
        self.inode += 1
        if tool := self.chance.choice([Provenance("comfyui", model="flux"), None]):
            self.shelf.say(self.inode, provenance=tool)
        self.shelf.names(entry(b"%d.png" % self.inode, self.inode, size=self.inode))

    def gone(self) -> None:
        self.shelf.gone(self.one().name)

    def changed(self) -> None:
        one = self.one()
        self.shelf.names(entry(one.name, one.inode, size=one.size + 1, changed=NOW + self.inode))

    def renamed(self) -> None:
        one = self.one()
        self.shelf.names(entry(b"new-" + one.name[-20:], one.inode, size=one.size))

    def told(self) -> None:
        one, who = self.one(), self.chance.choice(self.users)
        if not self.shelf.engine.execute("SELECT 1 FROM told_files WHERE file_id = ?", (one.id,)):
            film = f"{who.name}'s film"
            tell(self.shelf, TellFile(path=f"r/{one.name.decode()}", workflow=film), who=who)

    def kept(self) -> None:
        for number in slices.doubted(self.shelf.engine)[: self.chance.randrange(4)]:
            slices.keep(self.shelf.engine, number)


@pytest.mark.parametrize("seed", range(3))
def test_files_are_counted_right_after_whatever_happened(shelf: Shelf, seed: int) -> None:
    chances = Chances(shelf, seed)
    for _ in range(40):
        chances.step()
        assert stored(shelf.engine) == counted(shelf.engine)
    for number in slices.doubted(shelf.engine):
        slices.keep(shelf.engine, number)

    assert slices.doubted(shelf.engine) == []
    assert stored(shelf.engine) == counted(shelf.engine)


def test_what_did_not_change_is_not_counted_again(shelf: Shelf) -> None:
    shelf.names(*(entry(b"%d.png" % number, number) for number in range(1, 19)))
    shelf.inspect()
    for number in slices.doubted(shelf.engine):
        slices.keep(shelf.engine, number)
    assert slices.doubted(shelf.engine) == []

    shelf.names(entry(b"19.png", 19))
    newest = slices.doubted(shelf.engine)
    assert newest[0] == 4
    assert 0 not in newest

    shelf.gone(b"1.png")
    assert slices.doubted(shelf.engine) == [*newest, 0]


def test_a_change_while_a_slice_is_counted_is_not_lost(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.names(entry(b"1.png", 1), entry(b"2.png", 2))
    count = slices.count

    def meanwhile(engine: Engine, number: int) -> Any:
        found = count(engine, number)
        shelf.gone(b"1.png")
        return found

    monkeypatch.setattr(slices, "count", meanwhile)
    slices.keep(shelf.engine, 0)
    monkeypatch.setattr(slices, "count", count)

    assert slices.doubted(shelf.engine) == [0]
    assert stored(shelf.engine)["kind"] == {"image": 1}


def test_what_was_missed_is_found_when_all_is_doubted(shelf: Shelf) -> None:
    shelf.names(entry(b"1.png", 1))
    slices.keep(shelf.engine, 0)
    with shelf.engine.transaction():
        shelf.engine.execute("UPDATE files SET first_seen_ns = 0")
    assert list(Files(shelf.engine, Asked()).by_day()) == [NOW // DAY_NS]

    slices.doubt_all(shelf.engine)

    assert list(Files(shelf.engine, Asked()).by_day()) == [0]


def test_an_archived_file_is_no_longer_there(place: Place) -> None:
    deeds = Deeds(place.made())
    deeds.names(entry(b"a.png", 1), entry(b"b.png", 2))
    slices.keep(deeds.engine, 0)

    deeds.archive(deeds.one(b"a.png"))

    assert stored(deeds.engine)["kind"] == {"image": 1}


def test_files_of_today_and_since_a_day_are_told_apart(shelf: Shelf) -> None:
    shelf.names(entry(b"1.png", 1, size=5))
    shelf.now_ns += 3 * DAY_NS
    shelf.names(entry(b"2.png", 2, size=7), entry(b"c.txt", 3, size=1))
    slices.keep(shelf.engine, 0)

    told = asked(shelf, by="kind")
    assert (told.files, told.files_today) == (Made(files=3, bytes=13), Made(files=2, bytes=8))
    assert [(row.name, row.files) for row in told.rows] == [
        ("image", Made(files=2, bytes=12)),
        ("other", Made(files=1, bytes=1)),
    ]
    since = asked(shelf, since_ns=NOW + 2 * DAY_NS)
    assert since.files == Made(files=2, bytes=8)
    assert [row.name for row in asked(shelf, by="day").rows] == ["2023-11-14", "2023-11-17"]


def test_how_long_after_its_workflow_a_file_came(shelf: Shelf) -> None:
    tell(shelf, TellWorkflow(workflow="film", status="running"))
    for number, minutes in enumerate((1, 2, 3, 60), 1):
        shelf.now_ns = NOW + minutes * 60 * SECOND
        tell(shelf, TellFile(path=f"r/{number}.png", workflow="film"))
        shelf.names(entry(b"%d.png" % number, number))
    slices.keep(shelf.engine, 0)

    took = asked(shelf).files_took
    assert took is not None
    assert took.times == 4
    assert took.p50 == pytest.approx(120, rel=1 / 30)
    assert took.p99 == pytest.approx(3600, rel=1 / 30)


# -- calls --------------------------------------------------------------------------------------


def call(provider: str = "openai", **more: Any) -> TellUsage:
    cost = more.pop("cost", None)
    return TellUsage(provider=provider, cost=None if cost is None else Decimal(cost), **more)


def test_amounts_are_exact_and_currencies_stay_apart(shelf: Shelf) -> None:
    tell(shelf, *(call(cost="0.1", key=f"k{number}") for number in range(30)))
    tell(shelf, call(cost="0.000000001", key="small"), call(cost="7", currency="EUR", key="euro"))
    tell(shelf, call(key="free", error="it timed out"))

    told = asked(shelf).calls
    assert told.cost == (
        Amount(currency="EUR", amount=Decimal(7)),
        Amount(currency="USD", amount=Decimal("3.000000001")),
    )
    assert (told.calls, told.errors, told.priced) == (33, 1, 32)
    assert as_json(asked(shelf))["calls"]["cost"] == [
        {"currency": "EUR", "amount": "7"},
        {"currency": "USD", "amount": "3.000000001"},
    ]


def test_a_call_that_is_told_again_counts_once(shelf: Shelf) -> None:
    for _ in range(3):
        tell(shelf, call(cost="0.5", tokens_in=10, duration=1.5, key="once"))

    told = asked(shelf).calls
    assert (told.calls, told.tokens_in) == (1, 10)
    assert told.cost == (Amount(currency="USD", amount=Decimal("0.5")),)
    assert told.took is not None
    assert told.took.times == 1


def test_sums_of_the_largest_amounts_do_not_overflow(shelf: Shelf) -> None:
    most: dict[str, Any] = {"calls": 10**12, "tokens_in": 10**12, "tokens_out": 10**12}
    for number in range(20):
        tell(shelf, call(**most, cost=10**9, duration=10**6, key=f"k{number}"))

    told = asked(shelf).calls
    assert told.cost == (Amount(currency="USD", amount=Decimal(20 * 10**9)),)
    assert told.tokens_in == 20 * 10**12
    assert told.took == Took(times=20, mean=1e6, longest=1e6, p50=1e6, p90=1e6, p99=1e6)


def test_calls_are_told_apart_by_what_they_have_in_common(shelf: Shelf) -> None:
    tell(shelf, TellWorkflow(workflow="film"))
    tell(shelf, call(model="gpt-4o", workflow="film", cost="1", duration=1), call(model="gpt-4o"))
    tell(shelf, call("runway", model="gen-4", workflow="film", cost="3", currency="EUR", calls=4))

    by = rows(shelf, "provider")
    assert list(by) == ["runway", "openai"]
    assert by["openai"].calls is not None
    assert (by["openai"].calls.calls, by["openai"].calls.told) == (2, 2)
    film = rows(shelf, "workflow")["film"].calls
    assert film is not None
    assert {each.currency: each.amount for each in film.cost} == {"USD": 1, "EUR": 3}
    assert {row.name for row in asked(shelf, by="model").rows} == {"gpt-4o", "gen-4"}
    (today,) = asked(shelf, by="day").rows
    assert today.name == "2023-11-14"


def test_percentiles_are_of_what_calls_took(shelf: Shelf) -> None:
    tell(shelf, *(call(duration=seconds, key=f"k{seconds}") for seconds in range(1, 101)))

    took = asked(shelf).calls.took
    assert took is not None
    assert took.mean == 50.5
    assert took.longest == 100
    assert took.p50 == pytest.approx(50, rel=1 / 30)
    assert took.p90 == pytest.approx(90, rel=1 / 30)
    assert took.p99 == pytest.approx(99, rel=1 / 30)


def test_workflows_are_told_by_status_and_how_long_they_took(shelf: Shelf) -> None:
    for number, minutes in enumerate((1, 2, 9)):
        tell(
            shelf,
            TellWorkflow(
                workflow=f"w{number}",
                status="done",
                started="2023-11-14T20:00:00Z",
                ended=f"2023-11-14T20:{minutes:02}:00Z",
            ),
        )
    tell(shelf, TellWorkflow(workflow="now", status="running"), TellWorkflow(workflow="bare"))

    told = asked(shelf)
    assert [(one.status, one.workflows) for one in told.workflows] == [
        *((None, 1), ("done", 3), ("running", 1)),
    ]
    assert told.workflows_took == Took(
        times=3, mean=240.0, longest=540.0, p50=120.0, p90=540.0, p99=540.0
    )


# -- who asks -----------------------------------------------------------------------------------


def test_a_users_sums_hold_what_the_user_may_see(shelf: Shelf) -> None:
    anna, bert = (user(shelf.engine, name) for name in ("anna", "bert"))
    names = [b"anna.png", b"bert.png", b"open.png", b"none.png"]
    shelf.names(*(entry(name, number, size=10**number) for number, name in enumerate(names, 1)))
    tell(shelf, TellFile(path="r/anna.png"), call(cost="1", duration=1), who=anna)
    tell(
        shelf,
        TellFile(path="r/bert.png"),
        TellFile(path="r/open.png", public=True),
        TellWorkflow(workflow="secret", status="done"),
        call("secret", cost="2", currency="EUR"),
        who=bert,
    )
    for kept in (False, True):
        if kept:
            for number in slices.doubted(shelf.engine):
                slices.keep(shelf.engine, number)
        told = asked(shelf, anna)
        assert told.files == Made(files=2, bytes=1010)
        assert told.calls.cost == (Amount(currency="USD", amount=Decimal(1)),)
        assert told.workflows == ()
        assert list(rows(shelf, "provider", anna)) == ["openai"]
        assert list(rows(shelf, "workflow", anna)) == [None]
        assert asked(shelf).files.files == 4
        assert asked(shelf).calls.calls == 2
        assert {row.name for row in asked(shelf, by="user").rows} == {"anna", "bert", None}
    nobody = Who(99, "nobody", frozenset({"read"}))
    assert asked(shelf, nobody).files == Made(files=1, bytes=1000)
    assert asked(shelf, nobody).calls == Called(
        calls=0, errors=0, tokens_in=0, tokens_out=0, told=0, priced=0, cost=()
    )


def test_what_is_too_much_is_said_to_be_left_out(shelf: Shelf) -> None:
    tell(shelf, *(call(f"p{number}", calls=number) for number in range(1, 8)))

    told = asked(shelf, by="provider", limit=3)
    assert [row.name for row in told.rows] == ["p7", "p6", "p5"]
    assert told.more == 4


def test_files_are_held_together() -> None:
    assert Held(1, 2).plus(Held(3, 4)) == Held(4, 6)


# -- what is let go of --------------------------------------------------------------------------


def kept(shelf: Shelf, table: str) -> int:
    ((rows,),) = shelf.engine.execute(f"SELECT count(*) FROM {table}")
    return int(rows)


def test_sums_stay_when_calls_are_let_go_of_and_none_counts_twice(shelf: Shelf) -> None:
    imported = [call(cost="1", duration=2, key=f"row {number}") for number in range(5)]
    tell(shelf, *imported, call(cost="1", key="f" * 32), call(cost="1"))
    told = asked(shelf)
    old = forgetting.before(NOW + 2 * DAY_NS, 86_400, 0)

    assert forgetting.forget(shelf.engine, shelf.ground.host_id, old, 3) == 3
    assert forgetting.forget(shelf.engine, shelf.ground.host_id, old, 100) == 4
    assert forgetting.forget(shelf.engine, shelf.ground.host_id, old, 100) == 0
    assert kept(shelf, "api_usage") == 0
    assert kept(shelf, "forgotten_usage") == 5  # those that an import may tell again
    tell(shelf, *imported)

    assert kept(shelf, "api_usage") == 0
    assert asked(shelf) == told
    assert told.calls.calls == 7


def test_what_is_kept_for_ever_and_what_is_not_yet_old_stays(shelf: Shelf) -> None:
    shelf.names(entry(b"film.mp4", 1))
    tell(
        shelf,
        call(at="2023-11-01T00:00:00Z"),
        call(at="2023-11-14T00:00:00Z"),
        *(
            TellChat(path="r/film.mp4", question="What?", answer="That.", at=f"2023-{month}T00:00Z")
            for month in ("01-01", "11-14")
        ),
    )
    host = shelf.ground.host_id

    assert forgetting.forget(shelf.engine, host, forgetting.before(NOW, 0, 0), 100) == 0
    assert forgetting.forget(shelf.engine, host, forgetting.before(NOW, 0, 30 * 86_400), 100) == 1
    assert (kept(shelf, "api_usage"), kept(shelf, "chat_history")) == (2, 1)
    assert forgetting.forget(shelf.engine, host, forgetting.before(NOW, 7 * 86_400, 0), 100) == 1
    assert kept(shelf, "api_usage") == 1


def test_what_is_told_of_a_counted_file_counts_at_once(shelf: Shelf) -> None:
    anna = user(shelf.engine, "anna")
    nobody = Who(99, "nobody", frozenset({"read"}))
    shelf.names(entry(b"a.png", 1))
    slices.keep(shelf.engine, 0)

    tell(shelf, TellFile(path="r/a.png", workflow="film"), who=anna)
    assert list(rows(shelf, "workflow")) == ["film"]
    assert list(rows(shelf, "user")) == ["anna"]
    slices.keep(shelf.engine, 0)
    assert asked(shelf, nobody).files.files == 0

    tell(shelf, TellFile(path="r/a.png", public=True), who=anna)
    assert asked(shelf, nobody).files.files == 1
