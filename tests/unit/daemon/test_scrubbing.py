"""What is stored is read again in its turn, gently; damage is told, and nothing is made worse."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import copies
from storewarden.catalogue.copies import Copy
from storewarden.clock import ManualClock
from storewarden.config.schema import RootSettings, Settings, StoreSettings
from storewarden.daemon.acting.rereading import Rereading
from storewarden.daemon.acting.scrubbing import Errand, Scrubbing
from storewarden.daemon.acting.stores import open_stores, prepare
from storewarden.errors import StorewardenError
from storewarden.measure.metrics import Metrics
from storewarden.store.contract import Opened, Store
from storewarden.store.readonly import ReadOnly
from storewarden.store.wrapped import Wrapped
from tests.archived import words
from tests.catalogues import sqlite_place
from tests.executing import Life, Lives, hasty

DAY = 86_400.0
KIB = 1 << 10


class Prompt(Errand):
    """An errand that is done when it is sent."""

    def __init__(self, call: Callable[[], int]) -> None:
        self.result, self.error = 0, None
        try:
            self.result = call()
        except StorewardenError as error:
            self.error = error

    @property
    def is_over(self) -> bool:
        return True


class Watch:
    """A root, its store, and who looks after it; time passes when the test says so."""

    def __init__(self, life: Life, path: Path, **how: Any) -> None:
        self.life, self.path = life, path
        self.clock = ManualClock(time.time_ns() + int(30 * DAY) * 10**9)
        self.metrics, self.busy = Metrics("test"), False
        self.place = path / f"{life.name}.store"
        self.second = path / "second"
        state = path / "state"
        state.mkdir()
        self.settings = Settings(
            state=state,
            catalogue="sqlite",
            roots=(RootSettings(life.name, bytes(life.path)),),
            stores=(
                StoreSettings("cloud", path=bytes(self.place), **how),
                StoreSettings("second", path=bytes(self.second), **how),
            ),
        )
        prepare(self.settings, "cloud")
        self.stores = open_stores(
            self.settings, {}, clock=self.clock, sleep=lambda _: None, chance=lambda: 0.0
        )
        self.scrubbing = self.another()

    def another(self, errand: Callable[[Callable[[], int]], Errand] = Prompt) -> Scrubbing:
        """Return who looks after it, as a daemon has it that was just started."""
        host = self.life.lives.book.ground.host_id
        scrubbing = Scrubbing(
            *(self.life.engine, host, self.stores, self.metrics, self.clock),
            roots=self.life,
            busy=lambda: self.busy,
        )
        scrubbing.send_off = errand
        return scrubbing

    def pass_days(self, days: float) -> None:
        until = self.clock.monotonic() + days * DAY
        while self.clock.monotonic() < until:
            wait = self.scrubbing.step()
            # nothing happens while it rests: one look in half an hour is enough
            self.clock.advance(wait if wait < 1 else 1800)

    def age(self) -> None:
        """Let the copies be of long ago."""
        with self.life.engine.transaction():
            self.life.engine.execute("UPDATE copies SET scrubbed_ns = file_id, verified_ns = 1")

    def copies(self) -> dict[int, list[Copy]]:
        return copies.of_files(self.life.engine, [one.id for one in self.life.files()])

    def copy_of(self, path: bytes, store: str = "cloud") -> Copy:
        there = self.copies()[self.life.row(path).id]
        return next(one for one in there if one.store == store)

    def flip(self, copy: Copy) -> None:
        place = (self.place if copy.store == "cloud" else self.second) / (copy.key or "")
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 4
        with place.open("r+b") as file:  # the very same file: its inode stays
            file.write(content)

    def store_twice(self) -> None:
        """Let every copy of the first store be in the second one as well."""
        shutil.copytree(self.place, self.second)
        prepare(self.settings, "second")
        both = [one._replace(store="second") for each in self.copies().values() for one in each]
        with self.life.engine.transaction():
            copies.put(self.life.engine, both)

    def figure(self, name: str, store: str = "cloud") -> float | None:
        return self.metrics.registry.get_sample_value(f"storewarden_{name}", {"store": store})


Begin = Callable[..., Watch]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    with sqlite_place(tmp_path) as place:
        lives = Lives(hasty(place), tmp_path)

        def watch(contents: Mapping[bytes, bytes], verb: str = "archive", **how: Any) -> Watch:
            life = lives.begin("directory", contents)
            for path in contents:
                life.done(verb, (path,), store="cloud")
            return Watch(life, tmp_path, **how)

        yield watch


def files(count: int) -> dict[bytes, bytes]:
    return {b"d/%d" % number: os.urandom(KIB) for number in range(count)}


def test_each_day_its_share_is_read_and_all_of_it_in_time(begin: Begin) -> None:
    watch = begin(files(20), scrub=0.1)
    watch.age()
    read = []
    for _ in range(11):
        watch.pass_days(1)
        read.append(
            sum(one.scrubbed_ns > 10**6 for each in watch.copies().values() for one in each)
        )

    daily = [after - before for before, after in zip([0, *read], read, strict=False)]
    assert max(daily) == 2
    assert read[-1] == 20
    assert watch.figure("scrubbed_bytes_total") == 11 * 2 * KIB
    assert watch.figure("scrub_damaged_total") == 0


def test_of_a_small_store_one_object_is_read_a_day(begin: Begin) -> None:
    watch = begin(files(3), scrub=0.01)
    watch.age()

    watch.pass_days(3.5)

    assert all(one.scrubbed_ns > 10**6 for each in watch.copies().values() for one in each)


@pytest.mark.parametrize("how", [{"scrub": 0.0}, {"busy": True}])
def test_nothing_is_read_that_is_not_wanted_or_while_there_is_work(
    begin: Begin, how: dict[str, Any]
) -> None:
    busy = how.pop("busy", False)
    watch = begin(files(3), **how)
    watch.age()
    watch.busy = busy

    watch.pass_days(2)

    assert watch.figure("scrubbed_bytes_total") == 0


def test_a_damaged_copy_of_a_file_that_is_here_is_told_and_made_anew(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    watch = begin(files(2), "copy", scrub=1.0)
    watch.age()
    damaged = watch.copy_of(b"d/1")
    watch.flip(damaged)

    watch.pass_days(1)

    left = watch.copies()
    assert list(left) == [watch.life.row(b"d/0").id]
    assert watch.figure("scrub_damaged_total") == 1
    assert watch.figure("store_objects") == 1
    (told,) = [one for one in caplog.records if "damaged" in one.message]
    assert told.levelno == logging.WARNING
    assert told.message == "a stored copy is damaged; its file is here and is copied anew"
    undecided = {row[0] for row in watch.life.engine.execute("SELECT file_id FROM undecided")}
    assert watch.life.row(b"d/1").id in undecided
    assert (watch.place / (damaged.key or "")).exists()


def test_the_last_copy_of_a_file_stays_and_is_told_once(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    watch = begin(files(2), scrub=1.0)
    watch.age()
    damaged = watch.copy_of(b"d/1")
    watch.flip(damaged)

    watch.pass_days(20)

    assert watch.copy_of(b"d/1").key == damaged.key
    assert (watch.place / (damaged.key or "")).exists()
    assert watch.figure("scrub_damaged_total") == 1
    assert watch.figure("store_damaged_copies") == 1
    assert watch.figure("store_unverified_copies") == 1
    (told,) = [one for one in caplog.records if "damaged" in one.message]
    assert told.levelno == logging.ERROR
    assert told.facts["remedy"] == (  # type: ignore[attr-defined]
        f"look for it elsewhere (backups of the store); storewarden why {watch.life.name}/d/1"
    )

    watch.flip(damaged)  # whatever it was that gave wrong bytes gives right ones now
    watch.pass_days(8)
    assert watch.figure("store_damaged_copies") == 0


def test_the_other_copy_is_read_at_once(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    watch = begin(files(30), scrub=0.01)
    watch.store_twice()
    watch.age()
    first = watch.copy_of(b"d/0")
    watch.flip(first)
    watch.flip(watch.copy_of(b"d/0", "second"))

    watch.pass_days(1)

    assert [one.store for one in watch.copies()[first.file_id]] == ["second"]
    told = [one.message for one in caplog.records if "damaged" in one.message]
    assert told == [
        "a stored copy is damaged; the file has another copy, which is read next",
        "the last copy of a file is damaged; it is left as it is",
    ]


class Wavering(Wrapped):
    """Gives back something else the first time."""

    wrong = 1

    def open(self, key: str, offset: int = 0) -> Opened:
        opened = super().open(key, offset)
        if self.wrong:
            self.wrong -= 1
            opened.read(1)
        return opened


def test_what_was_wrong_once_is_not_called_damaged(begin: Begin) -> None:
    watch = begin(files(1))
    copy = watch.copy_of(b"d/0")
    for wrong, damaged in ((1, False), (2, True)):
        store = Wavering(watch.stores["cloud"])
        store.wrong = wrong
        reading = Rereading(store, copy)
        while not reading.is_over:
            reading.go_on(KIB)
        assert bool(reading.why) is damaged


def test_a_store_that_is_away_says_nothing_of_its_objects(begin: Begin) -> None:
    watch = begin(files(2), scrub=1.0)
    watch.age()
    watch.place.rename(watch.path / "unplugged")
    watch.pass_days(1)
    assert watch.figure("store_up") == 0
    assert len(watch.copies()) == 2

    (watch.path / "unplugged").rename(watch.place)
    watch.pass_days(1)

    assert watch.figure("store_up") == 1
    assert watch.figure("scrub_damaged_total") == 0
    assert all(one.scrubbed_ns > 10**6 for each in watch.copies().values() for one in each)


@pytest.mark.parametrize("read_only", [False, True])
def test_what_was_never_finished_is_swept_away(begin: Begin, *, read_only: bool) -> None:
    watch = begin(files(1), read_only=read_only)
    half = watch.place / ".storewarden" / "half" / "0123"
    half.write_bytes(b"of a put that was killed")

    watch.pass_days(0.1)

    assert half.exists() is read_only
    assert isinstance(watch.stores["cloud"], ReadOnly) is read_only


def test_what_is_read_is_read_at_its_pace(begin: Begin) -> None:
    size = 8 << 20
    watch = begin({b"large": os.urandom(size)}, scrub=1.0)
    watch.age()
    begun = None
    while watch.figure("scrubbed_bytes_total") != size:
        began_with = watch.figure("scrubbed_bytes_total")
        watch.clock.advance(watch.scrubbing.step())
        if begun is None and watch.figure("scrubbed_bytes_total") != began_with:
            begun = watch.clock.monotonic()

    assert begun is not None
    assert watch.clock.monotonic() - begun >= 0.25  # the rest of 8 MiB at 20 MiB/s


def test_figures_tell_what_is_stored_and_how_old_its_proof_is(begin: Begin) -> None:
    watch = begin({b"a": words(900), b"b": words(800)}, scrub=0.01)

    watch.scrubbing.step()

    stored = [one for each in watch.copies().values() for one in each]
    assert watch.figure("store_bytes") == sum(one.stored_bytes for one in stored) < 1700
    assert watch.figure("store_objects") == 2
    assert watch.figure("store_objects", "second") == 0
    oldest = watch.figure("store_last_verified_timestamp_seconds")
    assert oldest == pytest.approx(min(one.scrubbed_ns for one in stored) / 1e9)
    assert watch.figure("store_unverified_copies") == 2  # 150 days: the test's clock is far ahead
    assert watch.figure("store_last_verified_timestamp_seconds", "second") is None


def test_no_step_waits_for_a_store(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = begin(files(1))
    asked, answer = threading.Event(), threading.Event()

    def slow(_self: Store, _key: str) -> None:
        asked.set()
        answer.wait(30)

    monkeypatch.setattr("storewarden.store.directory.DirectoryStore.find", slow)
    scrubbing = watch.another(Errand)
    scrubbing.step()
    assert asked.wait(30)

    assert scrubbing.step() < 1
    scrubbing.finish()
    answer.set()


@pytest.mark.parametrize("how", ["is here", "was changed", "is gone", "is held by a copy"])
def test_what_a_failed_act_left_is_removed_where_its_file_is_here(begin: Begin, how: str) -> None:
    """Where it is not, the object may be all that is left of the file."""
    watch = begin({b"kept": b"by an act that was done", b"left": words(900)}, "copy")
    life = watch.life
    copy = watch.copy_of(b"left")
    ((act_id,),) = life.engine.execute(
        "SELECT act_id FROM act_files WHERE file_id = ?", (copy.file_id,)
    )
    with life.engine.transaction():
        ended = watch.clock.wall_ns() - 2 * int(DAY) * 10**9
        told = "UPDATE acts SET state = 'failed', ended_ns = ? WHERE id = ?"
        life.engine.execute(told, (ended, act_id))
        if how != "is held by a copy":
            copies.drop(life.engine, [copy])
    if how == "was changed":
        life.write(b"left", b"something else")
    elif how == "is gone":
        os.unlink(life.at(b"left"))

    watch.pass_days(0.1)

    there = sorted(entry.key.partition("/")[2][:4] for entry in watch.stores["cloud"].list())
    assert there == (["kept"] if how == "is here" else ["kept", "left"])
