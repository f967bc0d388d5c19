"""Acts that are carried out: the life of each verb, on both databases, on both kinds of stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acting import check_stores
from tests.catalogues import Place
from tests.executing import SCENES, STORES, Lives, play, states
from tests.recording import check_totals
from tests.striking import Killed, Striking, kill

_STEPS = ("journal.", "acted.")


@pytest.fixture
def lives(place: Place, tmp_path: Path) -> Iterator[Lives]:
    """Lend a catalogue in which lives begin; at the end all figures equal a count."""
    lives = Lives(place.made(), tmp_path)
    yield lives
    check_totals(lives.engine, lives.book.counts)
    check_stores(lives.engine)


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("name", SCENES)
def test_every_verb_does_what_it_says_and_a_recovery_finds_nothing_to_do(
    lives: Lives, name: str, kind: str
) -> None:
    scene = SCENES[name]
    life, act = play(lives, scene, kind)

    ended = life.carry_out(act).act

    assert (ended.state, ended.error) == ("done", "")
    assert states(life, ended) == {scene.state}
    life.agree()
    if not scene.gone:
        life.all_there()
    before = life.everything()
    recovered = life.recover()
    assert recovered == ((), (), 0, (), ())
    assert life.everything() == before


@pytest.mark.parametrize("name", SCENES)
def test_whoever_is_killed_before_or_behind_a_note_of_the_journal_is_recovered(
    lives: Lives, name: str
) -> None:
    scene = SCENES[name]
    for number in range(1, 100):
        life, act = play(lives, scene, "memory")
        at = Striking(number, kill, only=lambda one: one.startswith(_STEPS))
        try:
            life.carry_out(act, at)
        except Killed:
            life.recover()
        assert life.act(act).state == "done"
        assert states(life, act) == {scene.state}
        life.agree()
        before = life.everything()
        assert life.recover() == ((), (), 0, (), ())
        assert life.everything() == before
        if not at.struck:
            break
    assert number > 2
