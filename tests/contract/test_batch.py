"""Acts that are carried out together, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batches import MANY, agree, carry_out_many, there_once
from tests.catalogues import Place
from tests.executing import Lives, states
from tests.recording import check_totals
from tests.striking import Killed, Striking, kill

_STEPS = ("journal.", "acted.")


@pytest.fixture
def lives(place: Place, tmp_path: Path) -> Iterator[Lives]:
    """Lend a catalogue in which lives begin; at the end all figures equal a count."""
    lives = Lives(place.made(), tmp_path)
    yield lives
    check_totals(lives.engine, lives.book.counts)


@pytest.mark.parametrize("name", MANY)
def test_many_come_to_what_each_would_come_to(lives: Lives, name: str) -> None:
    life = lives.begin("memory")
    acts = MANY[name].begin(life)

    for outcome in carry_out_many(life, acts):
        assert (outcome.act.state, outcome.act.error) == ("done", "")
        assert life.act(outcome.act) == outcome.act
        assert states(life, outcome.act) == {MANY[name].state}

    agree(life)
    assert MANY[name].gone or not there_once(life)
    before = life.everything()
    assert life.recover() == ((), (), 0, (), ())
    assert life.everything() == before


@pytest.mark.parametrize("name", MANY)
def test_whoever_is_killed_before_or_behind_a_note_of_the_journal_is_recovered(
    lives: Lives, name: str
) -> None:
    for number in range(1, 100):
        life = lives.begin("memory")
        acts = MANY[name].begin(life)
        at = Striking(number, kill, only=lambda one: one.startswith(_STEPS))
        try:
            carry_out_many(life, acts, at)
        except Killed:
            life.recover()
        assert {life.act(act).state for act in acts} == {"done"}
        agree(life)
        before = life.everything()
        assert life.recover() == ((), (), 0, (), ())
        assert life.everything() == before
        if not at.struck:
            break
    assert number > 2
