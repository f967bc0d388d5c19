"""Any system call of an act fails, once or from there on: nothing is lost, nobody is told a lie.

When the disk is well again the act comes to an end, the catalogue tells what is so, and a recovery
finds nothing to do. Nothing hangs meanwhile.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from storewarden.act.batch import carry_out_all
from storewarden.catalogue.acts import Act
from tests.catalogues import sqlite_place
from tests.executing import BUNDLES, SCENES, Life, Lives, Scene, hasty, play, play_many
from tests.syscalls import Failing, Short, Stand, standing

STRIDE = 73  # of all calls one in so many, in a quick run
LONGEST = 5.0  # seconds
ERRORS = (
    *(errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EMFILE),
    errno.EINTR,  # never lasting: no signal comes at every call for ever
)
WAYS: tuple[dict[str, bool], ...] = ({}, {"lasting": True}, {"late": True})
fully = pytest.mark.parametrize(
    "stride", [STRIDE, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    """Lend a catalogue in which lives begin."""
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path, plain=True)
        yield lives


def faulted(life: Life, acts: list[Act], stand: Failing | Short) -> bool:
    """Carry out acts while calls fail; tell whether one did."""
    executor = life.executor()
    with standing(stand):
        began = time.monotonic()
        if len(acts) == 1:
            executor.carry_out(acts[0])
        else:
            list(carry_out_all(executor, acts))
        assert time.monotonic() - began < LONGEST
    return stand.failed > 0


def mended(life: Life, acts: list[Act], scene: Scene) -> list[str]:
    """Check that nothing was lost, let the acts end, check again; return their states."""
    with standing(Stand()):
        if not scene.gone:
            life.all_there()
        ended = [life.finish(act).state for act in acts]
        if not scene.gone:
            life.all_there()
        life.agree()
        life.recover()
        before = life.everything()
        assert life.recover().outcomes == ()
        assert life.everything() == before
    return ended


def stands(number: int) -> Iterator[Failing | Short]:
    """Yield what goes wrong at a call; over all calls every error meets every way."""
    for at, way in enumerate(WAYS):
        errors = ERRORS[:-1] if "lasting" in way else ERRORS
        yield Failing(number, errors[(number + 3 * at) % len(errors)], **way)
    yield Short(number)
    yield Short(number, lasting=True)


@fully
@pytest.mark.parametrize("name", SCENES)
def test_no_system_call_that_fails_loses_anything(lives: Lives, name: str, stride: int) -> None:
    points = {bundle: swept(lives, name, bundle, stride) for bundle in BUNDLES}

    print(f"{name}: {sum(points.values())} faults {points}")  # noqa: T201  # pytest -s tells how many


def swept(lives: Lives, name: str, bundle: str, stride: int) -> int:
    """Let an act fail at its calls, one in so many; return how often it did."""
    scene, points = SCENES[name], 0
    for number in count(1 + len(name + bundle) * 7 % stride, stride):
        failed = []
        for stand in stands(number):
            life, act = play(lives, scene, "directory", BUNDLES[bundle])
            failed.append(faulted(life, [act], stand))
            ended = mended(life, [act], scene)
            assert not isinstance(stand, Short) or ended == ["done"]
            life.end()
        points += sum(failed)
        if not any(failed):
            break
    return points


MANY = ("trash", "purge", "restore-trashed")
AT_ONCE = 9


@fully
@pytest.mark.parametrize("name", MANY)
def test_no_system_call_that_fails_in_many_acts_loses_anything(
    lives: Lives, name: str, stride: int
) -> None:
    scene, points = SCENES[name], 0
    for number in count(1 + stride // 2, stride):
        failed = []
        for stand in stands(number):
            life, acts = play_many(lives, name, AT_ONCE)
            failed.append(faulted(life, acts, stand))
            mended(life, acts, scene)
            life.end()
        points += sum(failed)
        if not any(failed):
            break
    print(f"{name} {AT_ONCE} at once: {points} faults")  # noqa: T201
