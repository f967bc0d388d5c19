"""Whatever call fails in an act on local files, nothing is lost and nobody is told a lie."""

import errno
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from storewarden.act.drawers import Room
from storewarden.act.giveback import PutBack, put_back
from storewarden.act.refused import Refused
from tests.interfering import MARK, Failing, Ground, Standing
from tests.localacts import DATABASE, SCENES, Scene, Where, all_there_once, lie

Prepare = Callable[[Ground], Scene]
ERRORS = (
    *(errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE),
    *(errno.EPERM, errno.ENOMEM, errno.EINVAL, errno.EDQUOT, errno.ESTALE),
)
WAYS: tuple[dict[str, bool], ...] = ({}, {"lasting": True}, {"late": True})


def told_truly(ground: Ground, scene: Scene, result: object) -> set[bytes]:
    """Check that what an act returned is so; return which contents were removed."""
    missing = all_there_once(ground)
    if isinstance(result, PutBack | Refused):
        if not result.unsure:
            removed = {DATABASE[path] for path in result.removed}
            assert missing <= removed, (missing, result)
            assert not isinstance(result, Refused) or result.kept or removed or _at(ground, scene)
    else:
        assert isinstance(result, scene.done), result
        lie(ground, scene.done_is)
    return missing


def _at(ground: Ground, scene: Scene) -> bool:
    lie(ground, scene.refused_is)
    return True


def faulted(prepare: Prepare, path: Path, at: int, number: int, way: dict[str, bool]) -> bool:
    """Let one call fail, look at what is there, undo it without faults; did it fail?"""
    ground = Ground(path)
    scene = prepare(ground)
    kernel = Failing(at, number, meddle=scene.meddle, **way)
    result = scene.act(kernel)
    missing = told_truly(ground, scene, result)
    for room in Room:
        put_back(ground.fd, room, MARK, kernel=Standing())
    lie(ground, Where.PLACE, but=missing)
    ground.close()
    return bool(kernel.failed)


def sweep(prepare: Prepare, path: Path, errors: Callable[[int], Iterator[int]]) -> int:
    """Let every call fail, in every way, with these errors; return how often one did."""
    faults = 0
    for at in count(1):
        fired = [
            faulted(prepare, path / f"{at}-{number}-{way}", at, number, WAYS[way])
            for number in errors(at)
            for way in range(len(WAYS))
        ]
        faults += sum(fired)
        if not any(fired):
            return faults
    return faults


@pytest.mark.parametrize("prepare", SCENES, ids=lambda one: one.__name__)
def test_no_fault_loses_anything(prepare: Prepare, tmp_path: Path) -> None:
    faults = sweep(prepare, tmp_path, lambda at: iter((ERRORS[at % len(ERRORS)],)))

    assert faults >= 60


@pytest.mark.soak
@pytest.mark.parametrize("prepare", SCENES, ids=lambda one: one.__name__)
def test_no_fault_of_any_kind_loses_anything(prepare: Prepare, tmp_path: Path) -> None:
    faults = sweep(prepare, tmp_path, lambda _at: iter(ERRORS))

    assert faults >= 600
