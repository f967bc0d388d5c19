"""A store that is away costs no time and hides no reason, and is asked again."""

import io
from collections.abc import Callable

import pytest

from storewarden.clock import ManualClock
from storewarden.errors import (
    FileUnusable,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.configured import FIRST_PAUSE, LONGEST_PAUSE, Configured
from storewarden.store.contract import Opened, Store, Stored
from storewarden.store.memory import MemoryStore
from storewarden.store.wrapped import Wrapped

AWAY = StoreUnavailable("an object cannot be looked for", where="m", why="nobody listens there")


class Moody(Wrapped):
    """Raises what it is told to."""

    def __init__(self) -> None:
        super().__init__(MemoryStore("m"))
        self.error: StorewardenError | None = None
        self.asked = 0

    def find(self, key: str) -> Stored | None:
        self.fail()
        return super().find(key)

    def open(self, key: str, offset: int = 0) -> Opened:
        return _MoodyOpened(super().open(key, offset), self.fail)

    def fail(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


class _MoodyOpened(Opened):
    def __init__(self, opened: Opened, fail: Callable[[], None]) -> None:
        self._opened, self._fail = opened, fail

    def read(self, size: int, /) -> bytes:
        self._fail()
        return self._opened.read(size)

    def close(self) -> None:
        self._opened.close()


class Table:
    """One store, its clock, and how often it was made."""

    def __init__(self) -> None:
        self.moody, self.clock, self.made = Moody(), ManualClock(1_000), 0
        self.store = Configured("m", self.make, self.clock)

    def make(self) -> Store:
        self.made += 1
        return self.moody

    def put(self, key: str) -> None:
        self.store.put(key, io.BytesIO(b"content"), lambda: b"told")


def test_nothing_is_made_before_it_is_used_and_then_once() -> None:
    table = Table()
    assert (table.made, table.store.state.up) == (0, None)

    table.put("a")
    table.put("b")

    assert (table.made, table.store.state.up) == (1, True)
    assert sorted(entry.key for entry in table.store.list()) == ["a", "b"]


def test_what_failed_is_left_alone_and_says_why_and_is_asked_again() -> None:
    table = Table()
    table.moody.error = AWAY
    with pytest.raises(StoreUnavailable, match="an object cannot be looked for"):
        table.store.find("a")

    for _ in range(1000):
        with pytest.raises(StoreUnavailable, match=r"nobody listens there; it is asked again in"):
            table.store.find("a")
    assert table.moody.asked == 1
    assert table.store.state.up is False

    table.moody.error = None
    table.clock.advance(FIRST_PAUSE)
    assert table.store.find("a") is None
    assert table.store.state.up is True


def test_the_pause_grows_up_to_a_minute_and_begins_anew_after_a_success() -> None:
    table = Table()
    table.moody.error = AWAY
    for pause in (FIRST_PAUSE, 10, 20, 40, LONGEST_PAUSE, LONGEST_PAUSE):
        assert _is_asked(table)
        table.clock.advance(pause - 1)
        assert not _is_asked(table)
        table.clock.advance(1)

    table.moody.error = None
    assert table.store.find("a") is None
    table.moody.error = AWAY
    assert _is_asked(table)
    table.clock.advance(FIRST_PAUSE)
    assert _is_asked(table)


def test_since_when_it_is_away_is_told_by_the_first_failure() -> None:
    table = Table()
    table.moody.error = AWAY
    assert _is_asked(table)
    since = table.store.state.since_ns
    table.clock.advance(FIRST_PAUSE)
    assert _is_asked(table)

    assert table.store.state.since_ns == since == 1_000


def test_what_is_refused_is_asked_anew_with_what_is_configured_then() -> None:
    table = Table()
    table.moody.error = StoreRefused("an object cannot be read", where="m", why="the key is wrong")
    with pytest.raises(StoreRefused, match="the key is wrong"):
        table.store.find("a")
    table.moody.error = None

    assert table.store.find("a") is None
    assert table.made == 2


def test_a_store_that_cannot_even_be_made_is_asked_again_too() -> None:
    wanted: list[StorewardenError | None] = [StoreRefused("obstore is not installed"), AWAY, None]

    def make() -> Store:
        error = wanted.pop(0)
        if error is not None:
            raise error
        return MemoryStore("m")

    clock = ManualClock()
    store = Configured("m", make, clock)
    with pytest.raises(StoreRefused):
        store.find("a")
    with pytest.raises(StoreUnavailable):
        store.find("a")
    clock.advance(FIRST_PAUSE)

    assert store.find("a") is None


def test_reading_tells_as_well_that_a_store_is_away() -> None:
    table = Table()
    table.put("a")
    with table.store.open("a") as opened:
        table.moody.error = AWAY
        with pytest.raises(StoreUnavailable):
            opened.read(10)

    assert table.store.state.up is False


def test_a_source_that_fails_is_not_blamed_on_the_store_that_reads_it() -> None:
    class Source:
        def read(self, size: int, /) -> bytes:
            raise AWAY

    table = Table()
    with pytest.raises(StoreUnavailable):
        table.store.put("a", Source(), lambda: b"")
    with pytest.raises(FileUnusable):
        table.store.put("a", io.BytesIO(b""), _unusable)

    assert table.store.find("a") is None


def test_an_answer_that_one_does_not_like_is_an_answer() -> None:
    table = Table()

    with pytest.raises(ObjectMissing):
        table.store.about("a")

    assert table.store.state.up is True


def _is_asked(table: Table) -> bool:
    """Call a store that is away; tell whether the call came through to it."""
    asked = table.moody.asked
    with pytest.raises(StoreUnavailable):
        table.store.find("a")
    return table.moody.asked > asked


def _unusable() -> bytes:
    raise FileUnusable("a file cannot be read")
