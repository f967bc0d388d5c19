"""Killed before any system call that changes something, whoever makes it; the next one recovers.

Each verb, each sort of file, both sorts of stores that need no network, both databases. The journal
is killed before and behind each of its notes; within one, the databases' own tests hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from storewarden.act.batch import carry_out_all
from storewarden.catalogue.acts import Act
from storewarden.catalogue.engine import Engine
from tests.catalogues import Place
from tests.disks import killed
from tests.executing import (
    BUNDLES,
    SCENES,
    STORES,
    Life,
    Lives,
    Scene,
    hasty,
    play,
    play_many,
    states,
)
from tests.striking import Killed
from tests.syscalls import Dying, Killing, Stand, standing

STRIDE = 29  # of all calls one in so many, in a quick run
fully = pytest.mark.parametrize(
    "stride", [STRIDE, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


@pytest.fixture
def lives(place: Place, tmp_path: Path) -> Lives:
    """Lend a catalogue in which lives begin."""
    return Lives(hasty(place), tmp_path, plain=True)


def dies(life: Life, stand: Dying, act: Act | None) -> bool:
    """Carry out an act, or recover; tell whether the process ended."""
    executor = life.executor(stand.strike)
    try:
        with standing(stand):
            life.recover_by(executor) if act is None else executor.carry_out(act)
    except Killed:
        return True
    assert not stand.dead, "somebody caught the end of the process"
    return False


def recovered(life: Life, act: Act, scene: Scene) -> None:
    """Recover twice, and check that the act was done, and that the second one had nothing to do."""
    with standing(Stand()):
        life.recover()
        ended = life.act(act)
        assert (ended.state, ended.error) == ("done", "")
        assert states(life, ended) == {scene.state}
        if not scene.gone:
            life.all_there()
        life.agree()
        assert life.ours() == [] or scene.state == "trashed"
        before = life.everything()
        assert life.recover()[0:3] == ((), (), 0)
        assert life.everything() == before


def swept(lives: Lives, scene: Scene, kind: str, bundle: str, stride: int) -> int:
    """Kill an act at its calls, one in so many; return how often."""
    points = 0
    for number in count(1 + len(scene.state + bundle + kind) * 11 % stride, stride):
        life, act = play(lives, scene, kind, BUNDLES[bundle])
        if not dies(life, Dying(number), act):
            life.end()
            return points
        points += 1
        if not scene.gone:
            life.all_there()
        # Who recovers is killed as well, and who recovers after him.
        for most in (13, 29):
            if dies(life, Dying(1 + number * 7 % most), None):
                points += 1
                if not scene.gone:
                    life.all_there()
        recovered(life, act, scene)
        life.end()
    return points


@fully
@pytest.mark.parametrize("name", SCENES)
def test_whoever_is_killed_at_any_system_call_is_recovered_by_the_next(
    lives: Lives, name: str, stride: int
) -> None:
    points = {
        (bundle, kind): swept(lives, SCENES[name], kind, bundle, stride)
        for bundle in BUNDLES
        for kind in STORES
    }

    assert sum(points.values()) >= (len(points) if stride == 1 else 1)
    print(f"{name} {lives.engine.dialect}: {sum(points.values())} points")  # noqa: T201


# -- many acts at once ----------------------------------------------------------------------------

# So many of each: what is stored and freed makes many more calls than what goes into the trash.
MANY = {"trash": 9, "purge": 9, "restore-trashed": 9, "purge-archived": 9, "archive": 3}


@fully
@pytest.mark.parametrize("name", MANY)
def test_whoever_is_killed_at_any_system_call_of_many_acts_is_recovered(
    lives: Lives, name: str, stride: int
) -> None:
    scene, points = SCENES[name], 0
    for number in count(1 + stride // 2, stride):
        life, acts = play_many(lives, name, MANY[name])
        stand = Dying(number)
        executor = life.executor(stand.strike)
        try:
            with standing(stand):
                list(carry_out_all(executor, acts))
            break
        except Killed:
            points += 1
        if not scene.gone:
            life.all_there()
        for act in acts:
            recovered(life, act, scene)
        life.end()
    assert points >= 10 // stride
    print(f"{name} {lives.engine.dialect} {MANY[name]} at once: {points} points")  # noqa: T201


# -- for real -------------------------------------------------------------------------------------


@fully
@pytest.mark.parametrize("name", SCENES)
def test_who_is_killed_by_the_kernel_leaves_the_same(
    lives: Lives, place: Place, name: str, stride: int
) -> None:
    """That stands for the above: an end that is only played changes nothing more, either."""
    scene, points = SCENES[name], 0
    for number in count(1 + stride // 3, 11 * stride):
        life, act = play(lives, scene, "directory")
        stand = Killing(number)

        def alone(life: Life = life, act: Act = act, stand: Killing = stand) -> None:
            engine: Engine = place.open()
            life.engine = life.lives.engine = life.lives.book.engine = engine
            executor = life.executor(stand.strike)
            with standing(stand):
                executor.carry_out(act)

        if not killed(alone):
            break
        points += 1
        if not scene.gone:
            life.all_there()
        recovered(life, act, scene)
        life.end()

    print(f"{name} {lives.engine.dialect} for real: {points} points")  # noqa: T201
