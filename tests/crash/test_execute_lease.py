"""A lease that is taken over between any two steps of an act: from then on nothing is touched."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.errors import LeaseLost
from tests.catalogues import sqlite_place
from tests.executing import SCENES, STORES, Life, Lives, hasty, play, states

_MOST = 1000
# What takes a file from its place or brings it there, or removes an object.
_TOUCHING = {"kernel.rename", "kernel.unlink", "store.remove"}


class _Held(NamedTuple):
    host_id: int
    epoch: int


class Taken:
    """Takes the lease over at a call, or behind it, or before all; notes what is done after."""

    def __init__(self, life: Life, at: int) -> None:
        self.calls, self.taken = 0, ""
        self.after: list[str] = []
        self._life, self._at = life, at
        if at == 0:
            self._take("the start")

    def __call__(self, name: str, behind: bool) -> None:  # noqa: FBT001
        if self.taken and not behind:
            self.after.append(name)
        self.calls += 1
        if self.calls == self._at:
            self._take(name)

    def _take(self, when: str) -> None:
        self.taken = when
        self._life.lives.engine._lease = _Held(1, 2)  # as if the row told another epoch


@pytest.fixture(autouse=True)
def _nothing_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("name", SCENES)
def test_whoever_lost_the_lease_writes_nothing_more_and_the_next_one_finishes(
    tmp_path: Path, name: str, kind: str
) -> None:
    scene = SCENES[name]
    with sqlite_place(tmp_path / "state") as place:
        engine = hasty(place)
        lives = Lives(engine, tmp_path)
        with engine.transaction():
            engine.execute(
                "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, 1, '', 0)",
                (lives.book.ground.host_id,),
            )
        ours = _Held(lives.book.ground.host_id, 1)
        for number in range(_MOST):
            life, act = play(lives, scene, kind)
            engine.hold(ours)
            taken = Taken(life, number)
            try:
                life.carry_out(act, taken)
            except LeaseLost:
                lost = True
            else:
                lost = False
            finally:
                engine.hold(None)
            if not taken.taken:
                break
            # A step that had begun may end; then comes a note of the journal, which is refused.
            steps = [one for one in taken.after if one.startswith(("journal.", "acted."))]
            assert len(steps) <= 1, taken.after
            assert lost or life.act(act).ended
            # The calls of one step on the disk are not interrupted: each is whole, or undone. And
            # when the journal says that all is done, an empty drawer may go.
            if not taken.taken.startswith(("kernel.", "acted.")):
                assert _TOUCHING.isdisjoint(taken.after)
            if not scene.gone:
                life.all_there()

            life.recover()
            assert life.act(act).state == "done"
            assert states(life, act) == {scene.state}
            life.agree()
    assert number > 4
