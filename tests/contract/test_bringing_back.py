"""A database that was moved comes back by its name to where it was, and is sound there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storewarden.clock import SystemClock
from storewarden.daemon.tending.bringing_back import bring_back
from storewarden.daemon.tending.once import opened
from storewarden.daemon.tending.wish import Item, TendWish
from storewarden.errors import PermanentError, UsageError
from tests.sqlites import killed, make
from tests.strategy import Strategy


@pytest.fixture
def home(tmp_path: Path) -> Strategy:
    base = tmp_path / "home"
    base.mkdir()
    return Strategy(base)


def back(home: Strategy, name: str) -> Item | None:
    wish = TendWish("restore", (name,), {}, "anna")
    with opened(home.settings, SystemClock()) as hands:
        return bring_back(hands, name, wish, lambda: False)


@pytest.mark.parametrize("word", ["analytics.db", "r/a/analytics.db", "{root}/a/analytics.db"])
def test_it_comes_back_by_its_name_its_place_or_its_path(home: Strategy, word: str) -> None:
    (home.root / "a").mkdir()
    killed(home.root / "a/analytics.db", rows=30)
    before = home.here()
    home.scan()
    home.link("a/analytics.db", *(name for name in before if name != "a/analytics.db"))
    home.migrate()
    assert home.here() == {}

    item = back(home, word.format(root=os.fsdecode(bytes(home.root))))

    assert item is not None
    assert (item.outcome, item.facts["rows"], item.facts["store"]) == ("done", 31, "cloud")
    assert home.here() == before
    home.scan()
    assert back(home, "analytics.db") is None  # it is back
    assert home.plan().away == 0


def test_nothing_is_written_over(home: Strategy) -> None:
    make(home.root / "analytics.db")
    home.scan()
    home.migrate()
    (home.root / "analytics.db").write_bytes(b"another")

    with pytest.raises(PermanentError, match="something is there"):
        back(home, "analytics.db")
    assert home.here() == {"analytics.db": b"another"}


def test_of_two_of_one_name_the_place_has_to_be_said(home: Strategy) -> None:
    for name in ("a", "b"):
        (home.root / name).mkdir()
        make(home.root / name / "test.db")
    home.scan()
    home.migrate()

    with pytest.raises(UsageError, match=r"r/a/test\.db, r/b/test\.db"):
        back(home, "test.db")
    assert back(home, "r/b/test.db") is not None
    assert list(home.here()) == ["b/test.db"]


def test_what_was_not_moved_is_none_of_ours(home: Strategy) -> None:
    make(home.root / "analytics.db")
    home.scan()

    assert back(home, "analytics.db") is None
    assert back(home, "nothing.db") is None
