"""A process is stopped in the middle of an act, past its lease; another one acts; it is resumed.

Both are real processes on one catalogue. The first one stops itself before one of its calls, of the
system or of the journal; whoever comes second takes the lease, finds a beat that stands still, and
recovers. From then on the first one changes nothing any more, whichever call it was about to make.
"""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.catalogue import lease
from storewarden.catalogue.acts import Act
from storewarden.clock import SystemClock
from storewarden.errors import LeaseLost
from tests.catalogues import Place
from tests.executing import SCENES, Life, Lives, hasty, play, states
from tests.syscalls import Dying, Stand, standing

STRIDE = 41  # of all calls one in so many, in a quick run
PAST = 60.0  # seconds, more than a lease lasts without a beat
LOST, DONE, WRONG = 7, 0, 1
fully = pytest.mark.parametrize(
    "stride", [STRIDE, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)


class Stopping(Dying):
    """Stops its process before its N-th changing call, and goes on when that is resumed."""

    def end(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        self.dead = False


class Later(SystemClock):
    """The clock of somebody who comes when a beat has stood still for long."""

    def monotonic(self) -> float:
        return super().monotonic() + PAST


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


def beside(act: Callable[[], int]) -> int:
    """Do something in a process of its own; return its number."""
    with warnings.catch_warnings():
        # The other threads of this process are not in the copy, which needs none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        code = WRONG
        try:
            code = act()
        except BaseException:  # noqa: BLE001  # whatever it is, the copy of the test ends here
            traceback.print_exc()
        os._exit(code)
    return process


def first(place: Place, life: Life, act: Act, at: int) -> int:
    """Take the lease, begin the act, and be stopped before its N-th call."""
    engine = place.open()
    life.engine = life.lives.engine = life.lives.book.engine = engine
    host = life.lives.book.ground.host_id
    lease.take(engine, host, "storewarden run", SystemClock(), lambda _seconds: None)
    stand = Stopping(at)
    executor = life.executor(stand.strike)
    try:
        with standing(stand):
            executor.carry_out(act)
    except LeaseLost:
        return LOST
    return DONE


def second(life: Life) -> None:
    """Take over, and recover."""
    host = life.lives.book.ground.host_id
    held = lease.take(life.engine, host, "storewarden run", Later(), lambda _seconds: None)
    with standing(Stand()):
        life.recover()
    held.release()


class Told(NamedTuple):
    """What anybody can see of an act."""

    journal: object
    rows: object
    places: Mapping[bytes, list[bytes]]
    objects: Mapping[bytes, list[str]]

    @classmethod
    def of(cls, life: Life) -> Told:
        with standing(Stand()):
            return cls(*life.everything()[:4])  # type: ignore[arg-type]

    def unchanged(self, later: Told) -> bool:
        """Tell whether nothing was done since, but to the one object that was in hand.

        Its key is locked by whoever was stopped, and the next one waits for that: it comes whole to
        its store, or goes from there, as the act wants it that is still open.
        """
        one, other = self._keys(), later._keys()
        return len(one ^ other) <= 1 and self._replace(objects={}) == later._replace(objects={})

    def _keys(self) -> set[str]:
        return {key for keys in self.objects.values() for key in keys}


@fully
@pytest.mark.parametrize("name", SCENES)
def test_whoever_is_resumed_past_his_lease_changes_nothing(
    place: Place, tmp_path: Path, name: str, stride: int
) -> None:
    lives, scene = Lives(hasty(place), tmp_path, plain=True), SCENES[name]
    handovers = 0
    for number in count(1 + len(name) % stride, stride):
        life, act = play(lives, scene, "directory")
        process = beside(lambda life=life, act=act, at=number: first(place, life, act, at))  # type: ignore[misc]
        _, status = os.waitpid(process, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            assert os.waitstatus_to_exitcode(status) == DONE
            break
        handovers += 1
        was_over = life.act(act).ended
        try:
            second(life)
            before = Told.of(life)
        finally:
            os.kill(process, signal.SIGCONT)
        _, status = os.waitpid(process, 0)
        # Behind the last note of the journal nobody asks any more: all is done but sweeping.
        assert os.waitstatus_to_exitcode(status) == (DONE if was_over else LOST), number
        assert before.unchanged(Told.of(life)), number

        with standing(Stand()):
            life.finish(act)
            life.recover()
            assert states(life, act) == {scene.state}
            if not scene.gone:
                life.all_there()
            life.agree()
        life.end()
    print(f"{name} {lives.engine.dialect}: {handovers} handovers")  # noqa: T201
