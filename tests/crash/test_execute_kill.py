"""Acts whose process ends at each call that changes something; another one recovers, twice.

After every end: no content is lost; after the recovery the act is done, the catalogue tells the
truth of disk and store, and a second recovery changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acting import check_stores
from tests.catalogues import sqlite_place
from tests.executing import SCENES, STORES, Life, Lives, hasty, play, states
from tests.recording import check_totals
from tests.striking import Killed, Strike, Striking, kill

_MOST = 1000


@pytest.fixture(autouse=True)
def _nothing_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def survive(life: Life, scene_gone: bool) -> None:  # noqa: FBT001
    if not scene_gone:
        life.all_there()


def ends(life: Life, call: Strike, do: str, act: object = None) -> bool:
    """Tell whether the process ended."""
    try:
        life.recover(call) if do == "recover" else life.carry_out(act, call)  # type: ignore[arg-type]
    except Killed:
        return True
    return False


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("name", SCENES)
def test_whoever_is_killed_at_any_call_is_recovered_by_the_next(
    tmp_path: Path, name: str, kind: str
) -> None:
    scene = SCENES[name]
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        for number in range(1, _MOST):
            life, act = play(lives, scene, kind)
            if not ends(life, Striking(number, kill), "carry out", act):
                break
            survive(life, scene.gone)
            # The one that recovers is killed as well, at one of its calls.
            if ends(life, Striking(1 + number * 7 % 40, kill), "recover"):
                survive(life, scene.gone)
            life.recover()

            ended = life.act(act)
            assert (ended.state, ended.error) == ("done", ""), number
            assert states(life, ended) == {scene.state}
            survive(life, scene.gone)
            life.agree()
            assert life.ours() == [] or scene.state == "trashed"
            before = life.everything()
            assert life.recover()[0:3] == ((), (), 0)
            assert life.everything() == before
        check_totals(lives.engine, lives.book.counts)
        check_stores(lives.engine)
    assert number > 4
    print(f"{name} {kind}: {number - 1} points")  # noqa: T201  # pytest -s tells how many
