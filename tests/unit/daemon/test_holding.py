"""What users have is counted on and shown, and costs one question where nobody has anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.api import users
from storewarden.api.quota import Quota
from storewarden.catalogue.told import holdings
from storewarden.clock import ManualClock
from storewarden.daemon.telling.holding import HoldingTally
from storewarden.measure.metrics import Metrics
from tests.catalogues import NOW, Place, sqlite_place
from tests.telling import own, user


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with sqlite_place(tmp_path) as place:
        yield place


@pytest.fixture
def tally(place: Place) -> HoldingTally:
    return HoldingTally(place.furnished(), Metrics("1"), place.clock)


def shown(tally: HoldingTally, name: str) -> dict[str, float]:
    (family,) = [
        one for one in tally._metrics.registry.collect() if one.name == f"storewarden_{name}"
    ]
    return {sample.labels["user"]: sample.value for sample in family.samples}


def again(tally: HoldingTally, clock: ManualClock) -> None:
    clock.advance(5)
    tally.step()


def test_where_nobody_has_anything_a_step_asks_one_question(
    tally: HoldingTally, place: Place
) -> None:
    tally.step()
    asked: list[str] = []

    def hear(sql: str, _seconds: float, /, *, rows: int = 1) -> None:
        asked.append(sql)

    tally._engine.timed = hear
    tally.step()
    assert asked == ["SELECT 1 FROM uncounted LIMIT 1"]


def test_what_users_have_and_may_have_is_shown(tally: HoldingTally, place: Place) -> None:
    engine = tally._engine
    ada = user(engine, "ada", Quota(1000, 5))
    user(engine, "bob", Quota())
    told = own(engine, b"a.png", ada)
    with engine.transaction():
        engine.execute("INSERT INTO uncounted (told_id) VALUES (?)", (told,))
    again(tally, place.clock)
    assert shown(tally, "user_files") == {"ada": 1, "bob": 0}
    assert shown(tally, "user_bytes") == {"ada": 0, "bob": 0}
    assert shown(tally, "user_quota_bytes") == {"ada": 1000}
    assert shown(tally, "user_quota_files") == {"ada": 5}
    users.set_quota(engine, "ada", Quota(), NOW)
    again(tally, place.clock)
    assert shown(tally, "user_quota_bytes") == {}


def test_of_many_users_those_who_have_most_are_named(tally: HoldingTally, place: Place) -> None:
    engine = tally._engine
    everybody = [user(engine, f"user{number}") for number in range(60)]
    holdings.count(engine, [own(engine, b"%d" % at, one) for at, one in enumerate(everybody)])
    with engine.transaction():
        engine.execute("UPDATE user_totals SET bytes = user_id")
    again(tally, place.clock)
    files = shown(tally, "user_files")
    assert len(files) == 11
    assert files["other"] == 50
    assert "user59" in files
    assert "user0" not in files


def test_when_tokens_were_used_is_written_now_and_then(tally: HoldingTally, place: Place) -> None:
    times: list[int] = []
    tally.uses = lambda: times.append(1)
    tally.step()
    tally.step()
    assert len(times) == 1
    again(tally, place.clock)
    assert len(times) == 2
