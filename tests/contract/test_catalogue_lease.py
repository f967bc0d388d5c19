"""One holder at a time, whatever happened to the one before."""

import dataclasses
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import lease, postgres, process, sqlite
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import STANDS_STILL, Lease
from storewarden.catalogue.process import Process, boot_id
from storewarden.errors import HeldByAnother, LeaseLost, StorewardenError
from tests.catalogues import Place

US = Process.current("storewarden run", 1_795_246_201_000_000_000)
# Processes that may be in the row; what distinguishes each is what a look at it tells.
ENDED = dataclasses.replace(US, pid_start=US.pid_start - 1)
BEFORE_A_REBOOT = dataclasses.replace(US, boot_id="another run of this machine")
IN_A_CONTAINER = dataclasses.replace(US, pid=1, pid_namespace=US.pid_namespace + 1)
ON_ANOTHER_MACHINE = dataclasses.replace(US, boot_id="elsewhere", host="elsewhere")


class Naps:
    """Sleeps by moving the clock, and lets things happen meanwhile."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.slept = 0.0
        self.meanwhile: Any = lambda: None

    def __call__(self, seconds: float) -> None:
        self.place.clock.advance(seconds)
        self.slept += seconds
        self.meanwhile()


@pytest.fixture
def naps(place: Place) -> Naps:
    return Naps(place)


def held_by(engine: Engine, place: Place, holder: Process | str, *, age: float = 0.0) -> None:
    """Write somebody into the row who last beat some seconds ago."""
    stored = holder if isinstance(holder, str) else json.dumps(holder.stored())
    beat = int((place.clock.monotonic() - age) * 1000)
    with engine.transaction():
        engine.execute("DELETE FROM leases")
        engine.insert("leases", ("host_id", "epoch", "holder", "beat"), [(1, 5, stored, beat)])


def take(engine: Engine, place: Place, naps: Naps) -> Lease:
    return lease.take(engine, 1, "storewarden run", place.clock, naps)


def test_the_first_holder_has_epoch_one(engine: Engine, place: Place, naps: Naps) -> None:
    held = take(engine, place, naps)
    there = lease.read(engine, 1)

    assert held.epoch == 1
    assert there
    assert there.holder == held.holder
    assert held.holder.pid == os.getpid()
    assert naps.slept == 0


def test_a_second_one_is_told_who_has_it(engine: Engine, place: Place, naps: Naps) -> None:
    take(engine, place, naps)
    with pytest.raises(HeldByAnother) as caught:
        take(place.open(), place, naps)

    assert f"storewarden run, pid {os.getpid()} on " in str(caught.value)
    assert "since 2026-11-21 07:30:01Z" in str(caught.value)
    assert f"kill {os.getpid()}" in str(caught.value)
    assert caught.value.exit_code == 3
    assert naps.slept == 0


def test_what_was_released_is_free_at_once(engine: Engine, place: Place, naps: Naps) -> None:
    first = take(engine, place, naps)
    first.release()
    second = take(place.open(), place, naps)

    assert second.epoch == 2
    assert naps.slept == 0
    first.release()  # once too often harms nobody
    second.beat(place.clock)


@pytest.mark.parametrize(
    ("holder", "age"),
    [(ENDED, 0.0), (BEFORE_A_REBOOT, -1.0), (BEFORE_A_REBOOT, STANDS_STILL)],
    ids=["ended", "before a reboot", "long before"],
)
def test_a_holder_that_ended_is_followed_at_once(
    engine: Engine, place: Place, naps: Naps, holder: Process, age: float
) -> None:
    held_by(engine, place, holder, age=age)

    assert take(engine, place, naps).epoch == 6
    assert naps.slept == 0


@pytest.mark.parametrize("holder", [US, IN_A_CONTAINER])
def test_a_holder_known_to_stand_still_is_followed_at_once(
    engine: Engine, place: Place, naps: Naps, holder: Process
) -> None:
    held_by(engine, place, holder, age=STANDS_STILL + 1)

    assert take(engine, place, naps).epoch == 6
    assert naps.slept == 0


@pytest.mark.parametrize(
    ("holder", "least"),
    [
        (IN_A_CONTAINER, STANDS_STILL - 3),
        (BEFORE_A_REBOOT, STANDS_STILL),
        (ON_ANOTHER_MACHINE, STANDS_STILL),
        ("?", STANDS_STILL),
    ],
)
def test_a_holder_that_cannot_be_looked_at_is_watched(
    engine: Engine, place: Place, naps: Naps, holder: Process | str, least: float
) -> None:
    held_by(engine, place, holder, age=3)

    assert take(engine, place, naps).epoch == 6
    assert least <= naps.slept <= least + 1


@pytest.mark.parametrize(
    "holder", [IN_A_CONTAINER, BEFORE_A_REBOOT, ON_ANOTHER_MACHINE, "?", '{"pid": 1}', "[]"]
)
def test_a_holder_whose_beat_moves_is_left_alone(
    engine: Engine, place: Place, naps: Naps, holder: Process | str
) -> None:
    held_by(engine, place, holder, age=1)

    def beat() -> None:
        with engine.transaction():
            engine.execute("UPDATE leases SET beat = beat + 1")

    naps.meanwhile = beat
    with pytest.raises(HeldByAnother):
        take(place.open(), place, naps)

    assert naps.slept < 1


def test_a_holder_that_lets_go_while_watched_is_followed(
    engine: Engine, place: Place, naps: Naps
) -> None:
    held_by(engine, place, ON_ANOTHER_MACHINE)

    def let_go() -> None:
        with engine.transaction():
            engine.execute("UPDATE leases SET holder = ''")

    naps.meanwhile = let_go

    assert take(place.open(), place, naps).epoch == 6
    assert naps.slept < 1


def test_who_was_taken_over_can_neither_beat_nor_write(
    engine: Engine, place: Place, naps: Naps
) -> None:
    paused = take(engine, place, naps)
    place.clock.advance(STANDS_STILL + 1)
    other = place.open()
    second = take(other, place, naps)

    with pytest.raises(LeaseLost):
        paused.beat(place.clock)
    with pytest.raises(LeaseLost), engine.transaction():
        engine.execute("UPDATE roots SET pending = 1")
    paused.release()
    second.beat(place.clock)
    assert other.execute("SELECT pending FROM roots") == [(0,)]
    assert lease.live_holder(other, 1, place.clock) == second.holder


def test_of_many_who_want_it_one_gets_it(place: Place, engine: Engine, naps: Naps) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(5)

    def want(each: Engine) -> None:
        start.wait()
        try:
            lease.take(each, 1, "storewarden run", place.clock, lambda _seconds: None)
            outcomes.append("has it")
        except StorewardenError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=want, args=(place.open(),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["HeldByAnother"] * 4 + ["has it"]
    assert engine.execute("SELECT epoch FROM leases") == [(1,)]


def test_a_holder_that_stands_still_inside_a_transaction_writes_nothing_afterwards(
    place: Place, engine: Engine, naps: Naps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer: nobody gets in. PostgreSQL: the takeover waits for its end."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    hasty = postgres._SESSION.replace("lock_timeout = '5s'", "lock_timeout = '50ms'")
    monkeypatch.setattr(postgres, "_SESSION", hasty)
    held = take(engine, place, naps)
    other = place.open()
    with engine.transaction():
        engine.execute("UPDATE roots SET pending = 7")
        place.clock.advance(STANDS_STILL + 1)
        with pytest.raises(HeldByAnother):
            take(other, place, naps)

    assert engine.execute("SELECT epoch, pending FROM leases, roots") == [(held.epoch, 7)]


def test_a_beat_does_not_wait_for_a_takeover_to_be_refused(
    place: Place, engine: Engine, naps: Naps
) -> None:
    held = take(engine, place, naps)
    for _ in range(3):
        place.clock.advance(2)
        held.beat(place.clock)
        with pytest.raises(HeldByAnother):
            take(place.open(), place, naps)


def test_each_host_has_a_lease_of_its_own(place: Place, engine: Engine, naps: Naps) -> None:
    with engine.transaction():
        engine.insert("hosts", ("id", "name", "machine_id", "first_seen_ns"), [(2, "b", "b", 1)])
    first = take(engine, place, naps)
    other = place.open()
    second = lease.take(other, 2, "storewarden run", place.clock, naps)
    first.beat(place.clock)
    second.beat(place.clock)

    assert lease.epochs(engine) == {first_machine(engine): 1, "b": 1}
    with pytest.raises(HeldByAnother):
        lease.refuse_if_held(place.open(), place.clock, naps)
    first.release()
    with pytest.raises(HeldByAnother):
        lease.refuse_if_held(place.open(), place.clock, naps)
    second.release()
    lease.refuse_if_held(place.open(), place.clock, naps)


def first_machine(engine: Engine) -> str:
    return str(engine.execute("SELECT machine_id FROM hosts WHERE id = 1")[0][0])


def test_looking_for_a_daemon(place: Place, engine: Engine, naps: Naps) -> None:
    reader = place.open(readonly=True)
    assert lease.live_holder(reader, 1, place.clock) is None
    held = take(engine, place, naps)
    assert lease.live_holder(reader, 1, place.clock) == held.holder
    place.clock.advance(STANDS_STILL + 1)
    assert lease.live_holder(reader, 1, place.clock) is None
    held.beat(place.clock)
    assert lease.live_holder(reader, 1, place.clock) == held.holder
    held.release()
    assert lease.live_holder(reader, 1, place.clock) is None


def test_a_daemon_that_is_told_another_number_of_the_boot_is_found(
    place: Place, engine: Engine
) -> None:
    """A service with a /proc of its own, in a container: verbs beside it took its lease away."""
    held_by(engine, place, BEFORE_A_REBOOT, age=1)
    reader = place.open(readonly=True)

    assert lease.live_holder(reader, 1, place.clock) == BEFORE_A_REBOOT
    place.clock.advance(STANDS_STILL)
    assert lease.live_holder(reader, 1, place.clock) is None


def test_this_process_is_known_to_itself() -> None:
    assert not US.is_gone()
    assert US.is_beside_us()
    assert ENDED.is_gone()
    assert not IN_A_CONTAINER.is_gone()
    assert not BEFORE_A_REBOOT.is_gone()
    assert BEFORE_A_REBOOT.is_of_another_boot()
    assert not ON_ANOTHER_MACHINE.is_of_another_boot()
    assert not ON_ANOTHER_MACHINE.is_gone()
    assert US.boot_id == boot_id() != ""


def test_a_process_that_is_hidden_from_us_is_not_taken_for_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a service is shown no process of others: the lease of a verb of root's looked free."""
    monkeypatch.setattr(process, "PROC", tmp_path)

    def kill(pid: int, _signal: int) -> None:
        raise (PermissionError if pid == US.pid else ProcessLookupError)

    monkeypatch.setattr(os, "kill", kill)
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "ns" / "pid").touch()
    ours = dataclasses.replace(US, boot_id=boot_id(), pid_namespace=process.namespace())

    assert not ours.is_gone()
    assert dataclasses.replace(ours, pid=US.pid + 1).is_gone()
