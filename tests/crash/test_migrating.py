"""A migration whose process ends, or whose calls fail, at each call: nothing lost, and it goes on.

After every end each content is in its root, in a drawer of ours, or in the store. Asked again, the
next one brings all to where it belongs, once, and it comes back as it was.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.about import from_bytes
from storewarden.act.carry.work import Tools
from storewarden.act.copying import quiet, unpacking
from storewarden.daemon.acting import hands
from storewarden.daemon.tending.feeling import Feeler
from storewarden.databases.effect import Figures
from storewarden.store.directory import DirectoryStore
from tests.sqlites import killed, make
from tests.strategy import Strategy, outcomes
from tests.striking import Killed, Strike, Striking, StruckStore, kill, stand, struck_kernel

_MOST = 1000
_JOURNAL = ("plan", "advance", "put_off", "refuse", "fail")
_ACTED = ("moved",)
LOGS = ("analytics.db-shm", "analytics.db-wal")
MOVED = ("analytics.db", *LOGS, "test.db")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sync nothing, and feel no disk: what is tried is what becomes of contents."""
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)
    monkeypatch.setattr(Feeler, "feel", lambda _self: Figures())


def strike_at(monkeypatch: pytest.MonkeyPatch, strike: Strike) -> None:
    """Let each call that an act makes be told of."""

    def struck(**parts: Any) -> Tools:
        stores = parts["stores"]
        stand(parts["journal"], _JOURNAL, "journal", strike)
        stand(parts["acted"], _ACTED, "acted", strike)
        parts["stores"] = {name: StruckStore(stores[name], strike) for name in stores}
        return Tools(**parts, kernel=struck_kernel(strike))

    monkeypatch.setattr(hands, "Tools", struck)


def filled(base: Path) -> Strategy:
    """Two that move, one of them with the log of a killed program, and one that stays."""
    base.mkdir()
    home = Strategy(base)
    killed(home.root / "analytics.db", rows=30)
    for name in ("test.db", "runtime.db"):
        make(home.root / name)
    home.scan()
    home.link("analytics.db", "analytics.db-shm", "analytics.db-wal")
    return home


def digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def everything(home: Strategy) -> set[bytes]:
    """Return the digests of all contents that are to be had, wherever they lie."""
    found = {digest(path.read_bytes()) for path in home.root.rglob("*") if path.is_file()}
    store = DirectoryStore("cloud", str(home.store))
    for entry in store.list():
        about = from_bytes(store.about(entry.key), entry.key)
        with store.open(entry.key) as opened:
            found.add(digest(b"".join(unpacking(about, entry.key, quiet)(opened))))
    return found


def tried(base: Path, strike: Striking, *, fails: bool) -> bool:
    """Migrate with a strike, and then without; false when the strike hit nothing."""
    home = filled(base)
    before = home.here()
    whole = {digest(content) for content in before.values()}
    with pytest.MonkeyPatch.context() as patch:
        strike_at(patch, strike)
        with suppress(Killed):
            home.migrate()
    if not strike.struck:
        return False
    assert whole <= everything(home)

    home.migrate(phase=1)  # what was begun is gone on with, or taken back
    home.scan()  # what was taken back has another time of change
    again = outcomes(home.migrate())
    assert set(again.values()) <= {"done"}, again
    # a disk that fails between two files of one database lets one go and keeps the others
    assert set(home.here()) <= ({"runtime.db", *LOGS} if fails else {"runtime.db"})
    assert fails or home.stored() == len(MOVED)
    assert whole <= everything(home)

    for name in ("analytics.db", "test.db"):
        assert home.act("restore", name).done
    assert home.here() == before
    return True


def broken(_name: str) -> OSError | None:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def points(tmp_path: Path, numbers: Iterable[int], error: Any, **more: Any) -> int:
    """Try some points, each in a place of its own; return at how many something was struck."""
    struck = 0
    for number in numbers:
        strike = Striking(number, error, **more)
        if not tried(tmp_path / str(number), strike, fails=error is broken):
            break
        struck += 1
    return struck


def test_whoever_is_killed_at_some_call_loses_nothing_and_the_next_goes_on(
    tmp_path: Path,
) -> None:
    first = random.randrange(1, 12)

    assert points(tmp_path, range(first, 100, 24), kill) >= 3, first


def test_a_call_that_fails_costs_nothing_but_time(tmp_path: Path) -> None:
    first = random.randrange(1, 8)
    only = {"only": lambda name: name.startswith("kernel.")}

    assert points(tmp_path, range(first, 50, 12), broken, **only) >= 2, first


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_whoever_is_killed_at_any_call_loses_nothing_and_the_next_goes_on(tmp_path: Path) -> None:
    struck = points(tmp_path, range(1, _MOST), kill)
    print(f"migrate, killed: {struck} points")  # noqa: T201  # pytest -s tells how many

    assert struck > 50


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_any_call_that_fails_costs_nothing_but_time(tmp_path: Path) -> None:
    only = {"only": lambda name: name.startswith("kernel.")}
    struck = points(tmp_path, range(1, _MOST), broken, **only)
    print(f"migrate, failing: {struck} points")  # noqa: T201

    assert struck > 20
