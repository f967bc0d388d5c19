"""Acts that store files beside each other, killed or failed at each call.

What holds for one act holds for each of many: nothing is lost, the next process brings each of them
to its end, the catalogue tells the truth, and a second recovery changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.errors import (
    CatalogueRefused,
    CatalogueUnavailable,
    FileUnusable,
    ObjectDamaged,
    StoreFull,
    StoreUnavailable,
)
from tests.acting import check_stores
from tests.beside import FEW, begin, carry_out_beside, threads
from tests.catalogues import sqlite_place
from tests.executing import Life, Lives, hasty, states
from tests.recording import check_totals
from tests.striking import Killed, Striking, kill

_MOST = 1000
# what follows the proofs is the same for archive and move
VERBS: Mapping[str, str] = {"copy": "present", "archive": "archived"}


@pytest.fixture(autouse=True)
def _nothing_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def settled(life: Life) -> None:
    """Check that all is true, and that a recovery finds nothing to do any more."""
    life.all_there()
    life.agree()
    before = life.everything()
    assert life.recover()[0:3] == ((), (), 0)
    assert life.everything() == before


@pytest.mark.parametrize("verb", VERBS)
def test_whoever_is_killed_at_any_call_is_recovered_by_the_next(tmp_path: Path, verb: str) -> None:
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        for number in range(1, _MOST):
            life, acts = begin(lives, verb, groups=FEW)
            try:  # from there on no thread does anything any more
                carry_out_beside(life, acts, Striking(number, kill, lasting=True))
            except Killed:
                pass
            else:
                break
            assert threads() == []
            life.all_there()
            try:  # the one that recovers is killed as well, at one of its calls
                life.recover(Striking(1 + number * 7 % 40, kill))
            except Killed:
                life.all_there()
            life.recover()
            for act in acts:
                ended = life.act(act)
                assert (ended.state, ended.error) == ("done", ""), number
                assert states(life, ended) == {VERBS[verb]}
            settled(life)
        check_totals(lives.engine, lives.book.counts)
        check_stores(lives.engine)
    assert number > 20
    print(f"{verb}: {number - 1} points")  # noqa: T201  # pytest -s tells how many


class Fault(NamedTuple):
    of: str  # which calls
    error: Exception
    lasting: bool = False
    passing: bool = False  # who tries later, succeeds


FAULTS: Mapping[str, Fault] = {
    "store-away-once": Fault("store.", StoreUnavailable("away"), passing=True),
    "store-away": Fault("store.", StoreUnavailable("away"), lasting=True),
    "store-full": Fault("store.put", StoreFull("full"), lasting=True),
    "object-damaged": Fault("store.look", ObjectDamaged("damaged")),
    "file-unreadable": Fault("store.putting", FileUnusable("broken"), passing=True),
    "catalogue-away": Fault("journal.", CatalogueUnavailable("away"), passing=True),
    "catalogue-away-at-the-end": Fault("acted.", CatalogueUnavailable("away"), passing=True),
    "catalogue-refuses": Fault("journal.advance", CatalogueRefused("another"), passing=True),
    "catalogue-refuses-the-end": Fault("acted.all_", CatalogueRefused("another"), passing=True),
}


@pytest.mark.parametrize("told", FAULTS)
@pytest.mark.parametrize("verb", VERBS)
def test_whatever_fails_nothing_is_lost_and_the_catalogue_tells_the_truth(
    tmp_path: Path, verb: str, told: str
) -> None:
    fault = FAULTS[told]
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        # what is refused did not happen: each call is struck before it is done, and then behind
        refuses = isinstance(fault.error, CatalogueRefused)
        for number in range(1, _MOST, 2 if refuses else 1):
            life, acts = begin(lives, verb, groups=FEW)
            strike = Striking(
                *(number, lambda _name: fault.error),
                lasting=fault.lasting,
                only=lambda call: call.startswith(fault.of),
            )
            try:
                carry_out_beside(life, acts, strike)
            except (CatalogueUnavailable, CatalogueRefused):
                assert fault.passing
            if not strike.struck:
                break
            assert threads() == []
            life.all_there()
            for act in acts:
                ended = life.finish(act)
                if fault.passing:
                    assert (ended.state, ended.error) == ("done", ""), number
                    assert states(life, ended) == {VERBS[verb]}
            life.recover()
            settled(life)
        check_totals(lives.engine, lives.book.counts)
        check_stores(lives.engine)
