"""Acts that are carried out together, killed, failed or robbed of their lease at each call.

What holds for one act holds for each of many: nothing is lost, the next process brings each of them
to its end, the catalogue tells the truth, and a second recovery changes nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.errors import CatalogueRefused, CatalogueUnavailable, LeaseLost
from tests.batches import MANY, agree, carry_out_many, drawers, there_once
from tests.catalogues import sqlite_place
from tests.executing import Life, Lives, hasty, states
from tests.recording import check_totals
from tests.striking import Killed, Striking, kill

_MOST = 1000
_LEAVING_SOME = {"purge-some", "restore-some"}
_TOUCHING = {"kernel.rename", "kernel.unlink"}


@pytest.fixture(autouse=True)
def _nothing_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def settled(life: Life) -> None:
    """Check that a recovery finds nothing to do any more."""
    agree(life)
    before = life.everything()
    assert life.recover()[0:3] == ((), (), 0)
    assert life.everything() == before


@pytest.mark.parametrize("name", MANY)
def test_whoever_is_killed_at_any_call_is_recovered_by_the_next(tmp_path: Path, name: str) -> None:
    many = MANY[name]
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        for number in range(1, _MOST):
            life = lives.begin("memory")
            acts = many.begin(life)
            try:
                carry_out_many(life, acts, Striking(number, kill))
            except Killed:
                pass
            else:
                break
            assert many.gone or not there_once(life)
            try:  # the one that recovers is killed as well, at one of its calls
                life.recover(Striking(1 + number * 7 % 40, kill))
            except Killed:
                assert many.gone or not there_once(life)
            life.recover()

            for act in acts:
                ended = life.act(act)
                assert (ended.state, ended.error) == ("done", ""), number
                assert states(life, ended) == {many.state}
            assert many.gone or not there_once(life)
            assert drawers(life) == [] or many.state == "trashed" or name in _LEAVING_SOME
            settled(life)
        check_totals(lives.engine, lives.book.counts)
    assert number > 10
    print(f"{name}: {number - 1} points")  # noqa: T201  # pytest -s tells how many


class Fault(NamedTuple):
    of: str  # which calls
    error: BaseException
    lasting: bool = False
    passing: bool = False  # who tries later, succeeds


FAULTS: Mapping[str, Fault] = {
    "disk-fails-once": Fault("kernel.", OSError(errno.EIO, os.strerror(errno.EIO))),
    "disk-fails": Fault("kernel.", OSError(errno.EIO, os.strerror(errno.EIO)), lasting=True),
    "disk-full": Fault("kernel.", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
    "disk-read-only": Fault("kernel.", OSError(errno.EROFS, os.strerror(errno.EROFS)), True),
    "catalogue-away": Fault("journal.", CatalogueUnavailable("away"), passing=True),
    "catalogue-away-at-the-end": Fault("acted.", CatalogueUnavailable("away"), passing=True),
    "catalogue-refuses": Fault("journal.share", CatalogueRefused("another"), passing=True),
    "catalogue-refuses-the-end": Fault("acted.all_", CatalogueRefused("another"), passing=True),
}


@pytest.mark.parametrize("told", FAULTS)
@pytest.mark.parametrize("name", MANY)
def test_whatever_fails_nothing_is_lost_and_the_catalogue_tells_the_truth(
    tmp_path: Path, name: str, told: str
) -> None:
    many, fault = MANY[name], FAULTS[told]
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        # what is refused did not happen: each call is struck before it is done, and then behind
        refuses = isinstance(fault.error, CatalogueRefused)
        for number in range(1, _MOST, 2 if refuses else 1):
            life = lives.begin("memory")
            acts = many.begin(life)
            strike = Striking(
                *(number, lambda _name: fault.error),
                lasting=fault.lasting,
                only=lambda call: call.startswith(fault.of),
            )
            try:
                carry_out_many(life, acts, strike)
            except CatalogueUnavailable:
                assert fault.passing
            if not strike.struck:
                break
            assert many.gone or not there_once(life)
            for act in acts:
                ended = life.finish(act)
                if fault.passing:
                    assert (ended.state, ended.error) == ("done", ""), number
                    assert states(life, ended) == {many.state}
            assert many.gone or not there_once(life)
            agree(life)
            life.recover()
            settled(life)
        check_totals(lives.engine, lives.book.counts)


class _Held(NamedTuple):
    host_id: int
    epoch: int


class Taken:
    """Takes the lease over at a call; notes what is done after."""

    def __init__(self, life: Life, at: int) -> None:
        self.calls, self.taken = 0, ""
        self.after: list[str] = []
        self._life, self._at = life, at

    def __call__(self, name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if self.taken and not behind:
            self.after.append(name)
        self.calls += 1
        if self.calls == self._at:
            self.taken = name
            self._life.lives.engine._lease = _Held(1, 2)  # as if the row told another epoch
            self._life.clock.advance(60)  # we were stopped, and go on now


@pytest.mark.parametrize("name", MANY)
def test_whoever_lost_the_lease_ends_the_act_in_hand_at_most(tmp_path: Path, name: str) -> None:
    many = MANY[name]
    with sqlite_place(tmp_path / "state") as place:
        engine = hasty(place)
        lives = Lives(engine, tmp_path)
        with engine.transaction():
            engine.execute(
                "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, 1, '', 0)",
                (lives.book.ground.host_id,),
            )
        ours = _Held(lives.book.ground.host_id, 1)
        for number in range(1, _MOST):
            life = lives.begin("memory")
            acts = many.begin(life)
            engine.hold(ours)
            taken = Taken(life, number)
            try:
                carry_out_many(life, acts, taken)
            except LeaseLost:
                pass
            finally:
                engine.hold(None)
            if not taken.taken:
                break
            # the files of the bundle in hand, and not those of the next one
            touched = [one for one in taken.after if one in _TOUCHING]
            assert len(touched) <= 3, (number, taken.taken, taken.after)
            if not taken.taken.startswith(("kernel.", "acted.")):
                assert _TOUCHING.isdisjoint(touched)
            assert many.gone or not there_once(life)
            life.recover()
            assert {life.act(act).state for act in acts} == {"done"}
            settled(life)
    assert number > 10
