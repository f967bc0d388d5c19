"""Killed at any instant of any act on local files: every byte is there once, under one name."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from storewarden.act.drawers import Room
from storewarden.act.entries import recover
from storewarden.act.giveback import PutBack, put_back
from storewarden.act.kernel import KERNEL, Kernel
from storewarden.act.refused import Refused
from tests.interfering import MARK, Ground, killed, nothing
from tests.localacts import DATABASE, SCENES, Scene, Where, all_there_once, lie, tidy

Prepare = Callable[[Ground], Scene]


def finish(ground: Ground, scene: Scene) -> None:
    """Call the act again, as the journal does after a restart; and again."""
    result = scene.act(KERNEL)
    if scene.meddle is nothing:
        assert isinstance(result, scene.done), result
    again = ground.names()
    scene.act(KERNEL)
    assert ground.names() == again
    missing = all_there_once(ground)
    if isinstance(result, Refused):
        assert missing == {DATABASE[path] for path in result.removed}
        lie(ground, scene.refused_is, but=missing)
    else:
        lie(ground, scene.done_is)
    tidy(ground)
    if scene.done_is is not Where.DRAWER and not isinstance(result, Refused):
        left = [name for name in ground.names() if name.endswith(MARK)]
        assert left == [] or scene.done is PutBack


def undo(ground: Ground, missing: set[bytes]) -> None:
    """Undo the act, as the journal does with what it cannot finish; and again."""
    for room in Room:
        put_back(ground.fd, room, MARK)
    lie(ground, Where.PLACE, but=missing)
    again = ground.names()
    assert put_back(ground.fd, Room.LEAVING, MARK).back == ()
    assert ground.names() == again
    found = recover(ground.fd, MARK)
    assert not isinstance(found, Refused)
    assert all(one.empty or one.entry.room is Room.TRASH for one in found)


@pytest.mark.parametrize("prepare", SCENES, ids=lambda one: one.__name__)
def test_nothing_is_lost_by_a_kill_at_any_call(prepare: Prepare, tmp_path: Path) -> None:
    points = 0
    for at in count(1):
        cut = False
        for turn in ("finish", "undo"):
            ground = Ground(tmp_path / f"{at}-{turn}")
            scene = prepare(ground)
            cut = killed(at, scene.act, scene.meddle)
            missing = all_there_once(ground)
            assert scene.removes or not missing
            if turn == "finish":
                finish(ground, scene)
            else:
                undo(ground, missing)
            ground.close()
            points += cut
        if not cut:
            break
    assert points >= 10


@pytest.mark.soak
@pytest.mark.parametrize("prepare", SCENES, ids=lambda one: one.__name__)
def test_nothing_is_lost_by_a_second_kill(prepare: Prepare, tmp_path: Path) -> None:
    """Killed at any call, and again at any call of finishing or undoing what was left."""
    points = 0
    for first in count(1):
        cut = False
        for second in count(1):
            again = []
            for turn in ("finish", "undo"):
                ground = Ground(tmp_path / f"{first}-{second}-{turn}")
                scene = prepare(ground)
                cut = killed(first, scene.act, scene.meddle)
                again.append(killed(second, repair(ground, scene, turn)))
                missing = all_there_once(ground)
                undo(ground, missing)
                ground.close()
            points += sum(again)
            if not any(again):
                break
        if not cut:
            break
    assert points >= 20


def repair(ground: Ground, scene: Scene, turn: str) -> Callable[[Kernel], object]:
    """Return what the journal does with what a kill left."""
    if turn == "finish":
        return scene.act
    return lambda kernel: [put_back(ground.fd, room, MARK, kernel=kernel) for room in Room]
