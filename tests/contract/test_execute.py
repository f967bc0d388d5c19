"""Acts that are carried out: the life of each verb, on both databases, on both kinds of stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acting import check_stores
from tests.catalogues import Place
from tests.executing import SCENES, STORES, Lives, play, states
from tests.recording import check_totals


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
