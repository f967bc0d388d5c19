"""The power fails before any call of an act: whatever is left of it, nothing is lost of any file.

Every state is looked at for what is lost. Of each cut some states are made on the disk as well, and
recovered from, twice; the journal has what it was told to keep, which its own tests hold it to.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.batch import carry_out_all
from storewarden.catalogue.acts import Act
from tests.catalogues import sqlite_place
from tests.crash.test_syscalls_kill import recovered
from tests.cutting import Cutting, Name, State
from tests.executing import BUNDLES, SCENES, Life, Lives, Scene, hasty, play, play_many
from tests.striking import Killed
from tests.syscalls import Call, Stand, standing

# Of all calls one in so many is cut before; states that are looked at, and recovered from, of each.
QUICK, FULL = (37, 60, 1), (1, 4_000, 2)
fully = pytest.mark.parametrize(
    ("stride", "looked_at", "recovered_from"),
    [QUICK, pytest.param(*FULL, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    """Lend a catalogue in which lives begin."""
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path, plain=True)


class Cut:
    """A life whose power failed, and what may be left of it."""

    def __init__(self, life: Life, acts: Sequence[Act], at: int) -> None:
        self.life, self.acts, lives = life, acts, life.lives
        store = lives.directory / f"{self.life.name}.store"
        aside = lives.directory / f"{self.life.name}.aside"
        self.stand = self.standing(at, (self.life.path, store), aside)
        self.died = self._dies()
        self.whole = self.stand.whole()
        self.objects = dict(self._objects(store))

    def _dies(self) -> bool:
        executor = self.life.executor(self.stand.strike)
        try:
            with standing(self.stand):
                if len(self.acts) == 1:
                    executor.carry_out(self.acts[0])
                else:
                    list(carry_out_all(executor, self.acts))
        except Killed:
            return True
        return False

    def standing(self, at: int, tops: tuple[Path, ...], aside: Path) -> Cutting:
        return Cutting(at, tops, aside)

    def _objects(self, store: Path) -> Iterator[tuple[bytes, tuple[Name, Name]]]:
        """Yield of each content the object that holds it, and what lies beside that."""
        with standing(Stand()):
            for content, keys in self.life.stored().items():
                place = os.fsencode(store / keys[0])
                directory, name = os.path.split(place)
                above = os.stat(directory).st_ino
                yield content, ((above, name), (above, name + b".about"))

    def lost(self, state: State) -> list[bytes]:
        """Return the contents that neither the root nor the store has any more."""
        found = state.reachable(self.stand.tops)
        inside = state.reachable(self.stand.tops[:1])

        def is_whole(inode: int) -> bool:
            return state.contents.get(inode, self.whole.get(inode)) == self.whole.get(inode)

        there = {
            self.whole[state.names[name]]
            for name in inside
            if state.names[name] in self.whole and is_whole(state.names[name])
        }
        stored = {
            content
            for content, names in self.objects.items()
            if all(name in found and is_whole(state.names[name]) for name in names)
        }
        return [one for one in self.life.contents.values() if one not in there | stored]

    def explained(self, state: State, lost: list[bytes]) -> bool:
        """Tell whether the journal, or a drawer of ours, tells that contents were removed."""
        ended = {
            self.life.contents[member.path]
            for act in self.acts
            if self.life.act(act).ended
            for member in act.members
        }
        names = {name for _, name in state.reachable(self.stand.tops[:1])}
        return set(lost) <= ended or any(name.startswith(b"going") for name in names)

    def recover(self, scene: Scene, state: State) -> None:
        """Make the disk what is left, and recover twice."""
        with self.stand.left(state):
            if not scene.gone:
                self.life.all_there()
            for act in self.acts:
                recovered(self.life, act, scene)

    def end(self) -> None:
        self.stand.close()
        self.life.end()


class Tally:
    """Cuts an act, or many at once, before its calls; counts the states that were looked at."""

    def __init__(self, scene: Scene, begin: Callable[[], tuple[Life, Sequence[Act]]]) -> None:
        self.scene, self.begin = scene, begin
        self.looked = self.recoveries = 0
        # What a purge of objects took away is told by the journal alone.
        self.checked = not scene.gone or scene is SCENES["purge"]

    def cut(self, at: int, chance: random.Random, looked_at: int, recovered_from: int) -> bool:
        """Cut at a call, as often as is recovered from; tell whether there was such a call."""
        died = True
        for turn in range(recovered_from):
            cut = Cut(*self.begin(), at)
            states = list(cut.stand.states(chance, looked_at if turn == 0 else 40))
            if self.checked:
                for one in states:
                    lost = cut.lost(one)
                    assert not lost or (self.scene.gone and cut.explained(one, lost))
                self.looked += len(states) if turn == 0 else 0
            # First what is left when nothing of what is loose came to the disk.
            cut.recover(self.scene, states[1 % len(states)] if turn == 0 else chance.choice(states))
            self.recoveries += 1
            died = cut.died
            cut.end()
        return died


@fully
@pytest.mark.parametrize("name", SCENES)
def test_no_power_cut_loses_anything(
    lives: Lives, name: str, stride: int, looked_at: int, recovered_from: int
) -> None:
    looked = recoveries = 0
    for bundle, contents in BUNDLES.items():
        tally = Tally(SCENES[name], lambda contents=contents: beginning(lives, name, contents))  # type: ignore[misc]
        chance = random.Random(name + bundle)
        for at in count(1 + len(name + bundle) * 5 % stride, stride):
            if not tally.cut(at, chance, looked_at, recovered_from):
                break
        looked, recoveries = looked + tally.looked, recoveries + tally.recoveries
    print(f"{name}: {looked} states, {recoveries} recoveries")  # noqa: T201  # pytest -s tells


def beginning(
    lives: Lives, name: str, contents: Mapping[bytes, bytes]
) -> tuple[Life, Sequence[Act]]:
    life, act = play(lives, SCENES[name], "directory", contents)
    return life, (act,)


MANY = ("trash", "purge", "restore-trashed")
AT_ONCE = 9


@fully
@pytest.mark.parametrize("name", MANY)
def test_no_power_cut_loses_anything_of_many_acts(
    lives: Lives, name: str, stride: int, looked_at: int, recovered_from: int
) -> None:
    scene, chance = SCENES[name], random.Random(name)

    def begin() -> tuple[Life, Sequence[Act]]:
        return play_many(lives, name, AT_ONCE)

    tally = Tally(scene, begin)
    for at in count(1 + stride // 2, stride):
        if not tally.cut(at, chance, looked_at, recovered_from):
            break
    told = f"{tally.looked} states, {tally.recoveries} recoveries"
    print(f"{name} {AT_ONCE} at once: {told}")  # noqa: T201  # pytest -s tells how many


class Careless(Cutting):
    """Who leaves out one kind of sync."""

    def behind(self, call: Call, result: Any) -> None:
        if call.name == "fsync":
            return
        super().behind(call, result)


def test_the_cuts_find_syncs_that_are_left_out(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test: who syncs nothing loses something."""
    monkeypatch.setattr(Cut, "standing", lambda _cut, *arguments: Careless(*arguments))
    chance, lost = random.Random(1), list[State]()
    for number in count(1, 5):
        life, act = play(lives, SCENES["archive"], "directory")
        cut = Cut(life, (act,), number)
        lost = [one for one in cut.stand.states(chance, 100) if cut.lost(one)]
        cut.stand.close()
        if lost or not cut.died:
            break
    assert lost
