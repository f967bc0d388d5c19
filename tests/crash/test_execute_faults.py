"""Stores, disks and catalogues that fail at each call of an act, once or from there on.

Whatever fails: no content is lost, the act is put off or ended, and what the catalogue tells is
true. What only failed for a while does not keep an act from being done in the end.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.catalogue.acts import Act
from storewarden.errors import (
    CatalogueUnavailable,
    ObjectDamaged,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from tests.acting import check_stores
from tests.catalogues import sqlite_place
from tests.executing import SCENES, STORES, Life, Lives, hasty, play, states
from tests.recording import check_totals
from tests.striking import Striking

_MOST = 1000
fully = pytest.mark.parametrize(
    "stride", [3, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)


class Fault(NamedTuple):
    of: str  # which calls
    error: Callable[[], BaseException]
    lasting: bool = False
    passing: bool = False  # who tries later, succeeds


def _says(number: int) -> Callable[[], OSError]:
    return lambda: OSError(number, os.strerror(number))


FAULTS: Mapping[str, Fault] = {
    "store-away-once": Fault("store.", lambda: StoreUnavailable("away"), passing=True),
    "store-away": Fault("store.", lambda: StoreUnavailable("away"), lasting=True, passing=True),
    "store-full": Fault("store.put", lambda: StoreFull("full"), lasting=True, passing=True),
    "store-refuses": Fault("store.", lambda: StoreRefused("no")),
    "store-damages": Fault("store.", lambda: ObjectDamaged("broken")),
    "disk-fails-once": Fault("kernel.", _says(errno.EIO)),
    "disk-fails": Fault("kernel.", _says(errno.EIO), lasting=True),
    "disk-full": Fault("kernel.", _says(errno.ENOSPC)),
    "disk-read-only": Fault("kernel.", _says(errno.EROFS), lasting=True),
    "catalogue-away": Fault("journal.", lambda: CatalogueUnavailable("away"), passing=True),
    "catalogue-away-at-the-end": Fault(
        "acted.", lambda: CatalogueUnavailable("away"), passing=True
    ),
}


@pytest.fixture(autouse=True)
def _nothing_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def struck(life: Life, act: Act, at: int, fault: Fault) -> bool:
    """Carry out an act while something fails; tell whether it did."""
    strike = Striking(
        at,
        lambda _name: fault.error(),
        lasting=fault.lasting,
        only=lambda name: name.startswith(fault.of),
    )
    try:
        life.carry_out(act, strike)
    except CatalogueUnavailable:
        assert fault.of in {"journal.", "acted."}
    return strike.struck > 0


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("group", ["store", "disk", "catalogue"])
@pytest.mark.parametrize("name", SCENES)
@fully
def test_whatever_fails_nothing_is_lost_and_the_catalogue_tells_the_truth(
    tmp_path: Path, name: str, group: str, kind: str, stride: int
) -> None:
    scene = SCENES[name]
    points = 0
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        for which, (told, fault) in enumerate(FAULTS.items()):
            if not told.startswith(group):
                continue
            for number in range(1 + which % stride, _MOST, stride):
                life, act = play(lives, scene, kind)
                if not struck(life, act, number, fault):
                    break
                points += 1
                if not scene.gone:
                    life.all_there()
                ended = life.finish(act)
                if fault.passing:
                    assert (ended.state, ended.error) == ("done", ""), (told, number)
                    assert states(life, ended) == {scene.state}
                if not scene.gone:
                    life.all_there()
                life.agree()
                life.recover()
                before = life.everything()
                assert life.recover().outcomes == ()
                assert life.everything() == before
        check_totals(lives.engine, lives.book.counts)
        check_stores(lives.engine)
    print(f"{name} {group} {kind}: {points} points")  # noqa: T201  # pytest -s tells how many
