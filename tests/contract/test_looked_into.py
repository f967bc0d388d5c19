"""What was looked into before it goes: just that goes into the store, or nothing does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.daemon.acting.wish import Content, Wanted, Wish
from tests.catalogues import Place
from tests.homes import Home


@pytest.fixture
def home(place: Place, tmp_path: Path) -> Home:
    base = tmp_path / "home"
    base.mkdir()
    return Home(base, place.url)


def content(name: str, held: bytes) -> Content:
    return Content(name.encode(), blake3(held).digest())


def test_what_holds_just_what_was_looked_into_goes(home: Home) -> None:
    path = home.write("a.db", b"content")
    home.scan()

    done = home.act("move", "a.db", store="cold", looked_into=(content("a.db", b"content"),))

    assert (done.done, done.troubles) == (1, ())
    assert not path.exists()
    assert home.act("restore", "a.db").done == 1
    assert path.read_bytes() == b"content"


def test_what_holds_anything_else_stays_and_leaves_nothing_in_the_store(home: Home) -> None:
    path = home.write("a.db", b"content")
    home.scan()

    refused = home.act("move", "a.db", store="cold", looked_into=(content("a.db", b"CONTENT"),))

    (trouble,) = refused.troubles
    assert (refused.refused, trouble.outcome) == (1, "refused")
    assert "does not hold any more what was looked into" in trouble.why
    assert (path.read_bytes(), home.stored()) == (b"content", 0)


def test_what_lies_beside_it_by_now_keeps_it_here(home: Home) -> None:
    home.write("a.db", b"content")
    home.write("a.db-wal", b"log")
    home.scan()
    home.link("a.db", "a.db-wal")

    alone = home.act("move", "a.db", store="cold", looked_into=(content("a.db", b"content"),))
    assert alone.troubles[0].why == "other files belong to it than when it was looked into"
    both = (content("a.db", b"content"), content("a.db-wal", b"log"))
    assert home.act("move", "a.db", store="cold", looked_into=both).done == 2


def test_a_wish_goes_through_json_with_what_was_looked_into() -> None:
    wanted = Wanted(7, "move", "cold", looked_into=(Content(b"caf\xe9.db", bytes(32)),))
    wish = Wish((wanted,), "anna", "because")

    assert Wish.of(json.loads(json.dumps(wish.facts()))) == wish
