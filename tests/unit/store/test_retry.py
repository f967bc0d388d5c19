"""A store that is away for a moment is asked again: nothing is put twice, nothing is left out."""

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pytest

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.contract import Entry, Opened, Reader, Stored, Telling
from storewarden.store.memory import MemoryStore
from storewarden.store.retry import Patience, Retrying
from storewarden.store.wrapped import Wrapped
from tests.stores import Breaking, content_of, source_of, whole

KEY: Final = "root/a~abcdefgh234567aa"
CONTENT: Final = content_of(3 << 20)
ABOUT: Final = b"about"


class Again(io.BytesIO):
    """A source that can be read again."""

    times = 1

    def again(self) -> None:
        self.seek(0)
        self.times += 1


class Changed(Again):
    def again(self) -> None:
        raise ObjectDamaged("changed while it was read")


class Flaky(Wrapped):
    """A store whose calls fail as often as a test says, before or after they did their work."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.memory = store
        self.before = 0
        self.midway = 0
        self.after = 0
        self.late = 0
        self.asked: list[str] = []
        self.error: Callable[[], StorewardenError] = away

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        self._asked("put")
        if self.midway:
            self.midway -= 1
            source.read(1000)
            raise self.error()
        stored = super().put(key, source, about)
        if self.after:
            self.after -= 1
            raise self.error()
        return stored

    def find(self, key: str) -> Stored | None:
        self._asked("find")
        if self.late:
            self.late -= 1
            return None
        return super().find(key)

    def about(self, key: str) -> bytes:
        self._asked("about")
        return super().about(key)

    def open(self, key: str, offset: int = 0) -> Opened:
        self._asked(f"open {offset}")
        return Stopping(super().open(key, offset), self)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        self._asked("list")
        return super().list(prefix)

    def remove(self, stored: Stored) -> bool:
        self._asked("remove")
        return super().remove(stored)

    def sweep(self, before_ns: int) -> int:
        self._asked("sweep")
        return super().sweep(before_ns)

    def check(self) -> None:
        self._asked("check")

    def _asked(self, what: str) -> None:
        self.asked.append(what)
        if self.before:
            self.before -= 1
            raise self.error()


class Stopping(Opened):
    """Fails at every other piece, while there are failures left."""

    def __init__(self, opened: Opened, flaky: Flaky) -> None:
        self._opened = opened
        self._flaky = flaky
        self._pieces = 0

    def read(self, size: int, /) -> bytes:
        self._pieces += 1
        if self._pieces == 2 and self._flaky.midway:
            self._flaky.midway -= 1
            raise self._flaky.error()
        return self._opened.read(size)

    def close(self) -> None:
        self._opened.close()


def away() -> StorewardenError:
    return StoreUnavailable("away")


@pytest.fixture
def flaky() -> Flaky:
    return Flaky(MemoryStore("m"))


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(flaky: Flaky, pauses: list[float]) -> Retrying:
    return Retrying(flaky, Patience(5, 1.0, 5.0), sleep=pauses.append, chance=lambda: 1.0)


def put(store: Retrying, source: Reader | None = None) -> Stored:
    return store.put(KEY, source or source_of(CONTENT), lambda: ABOUT)


def is_put_once(flaky: Flaky) -> bool:
    assert whole(flaky.memory, KEY) == CONTENT
    assert flaky.memory.about(KEY) == ABOUT
    return len(list(flaky.memory.list())) == 1


def test_what_works_is_asked_once(flaky: Flaky, store: Retrying, pauses: list[float]) -> None:
    stored = put(store)

    assert (stored, flaky.asked, pauses) == (flaky.memory.find(KEY), ["put"], [])


def test_a_store_that_is_away_before_anything_was_read_gets_any_source(
    flaky: Flaky, store: Retrying
) -> None:
    flaky.before = 1

    put(store)

    assert flaky.asked == ["put", "find", "put"]
    assert is_put_once(flaky)


def test_a_source_that_can_be_read_again_is(flaky: Flaky, store: Retrying) -> None:
    flaky.midway = 3
    source = Again(CONTENT)

    stored = put(store, source)

    assert stored == flaky.memory.find(KEY)
    assert source.times == 4
    assert flaky.asked == ["put", "find"] * 3 + ["put"]
    assert is_put_once(flaky)


def test_a_source_that_can_be_read_once_is_not_read_again(flaky: Flaky, store: Retrying) -> None:
    flaky.midway = 1

    with pytest.raises(StoreUnavailable):
        put(store)

    assert flaky.asked == ["put", "find"]
    assert flaky.memory.find(KEY) is None


def test_a_source_that_changed_gives_the_put_up(flaky: Flaky, store: Retrying) -> None:
    flaky.midway = 1

    with pytest.raises(ObjectDamaged, match="changed"):
        put(store, Changed(CONTENT))

    assert flaky.memory.find(KEY) is None


@pytest.mark.parametrize("source", [source_of(CONTENT), Again(CONTENT)], ids=["once", "again"])
def test_what_was_put_and_not_answered_is_not_put_twice(
    flaky: Flaky, store: Retrying, source: Reader
) -> None:
    flaky.after = 1

    stored = put(store, source)

    assert stored == flaky.memory.find(KEY)
    assert flaky.asked == ["put", "find", "about"]
    assert is_put_once(flaky)


def test_what_was_put_at_the_last_attempt_and_not_answered_is_found(
    flaky: Flaky, store: Retrying
) -> None:
    flaky.midway, flaky.after = 4, 1

    assert put(store, Again(CONTENT)) == flaky.memory.find(KEY)
    assert is_put_once(flaky)


def test_what_comes_into_sight_late_is_known_when_its_key_is_taken(
    flaky: Flaky, store: Retrying
) -> None:
    flaky.after, flaky.late = 1, 1

    stored = put(store, Again(CONTENT))

    assert stored == flaky.memory.find(KEY)
    assert flaky.asked == ["put", "find", "put", "find", "about"]
    assert is_put_once(flaky)


def test_another_object_under_the_key_is_not_taken_for_ours(flaky: Flaky, store: Retrying) -> None:
    for content, about in ((CONTENT[:-1], ABOUT), (CONTENT, b"another")):
        stored = flaky.memory.put(KEY, source_of(content), partial(bytes, about))
        flaky.before, flaky.asked = 1, []
        with pytest.raises(ObjectExists):
            put(store)

        assert flaky.memory.find(KEY) == stored
        flaky.memory.remove(stored)


def test_a_taken_key_is_told_at_once(flaky: Flaky, store: Retrying, pauses: list[float]) -> None:
    put(store)

    with pytest.raises(ObjectExists):
        put(store)

    assert (flaky.asked, pauses) == (["put", "put"], [])


@pytest.mark.parametrize("error", [StoreFull, StoreRefused, ObjectDamaged, ObjectMissing])
def test_what_waiting_does_not_help_is_told_at_once(
    flaky: Flaky, store: Retrying, pauses: list[float], error: type[StorewardenError]
) -> None:
    flaky.error = lambda: error("not now")
    calls: list[Callable[[], object]] = [lambda: put(store), lambda: store.find(KEY), store.check]
    for call in calls:
        flaky.before = 1
        with pytest.raises(error):
            call()

    assert pauses == []


def test_what_the_source_raises_goes_through_at_once(
    flaky: Flaky, store: Retrying, pauses: list[float]
) -> None:
    for error in (StoreUnavailable("of the source"), OSError(5, "x"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught:
            put(store, Breaking(CONTENT, error))
        assert caught.value is error

    def tell() -> bytes:
        raise StoreUnavailable("of who tells")

    with pytest.raises(StoreUnavailable, match="of who tells"):
        store.put(KEY, Again(CONTENT), tell)
    assert pauses == []
    assert flaky.asked == ["put"] * 4


def test_pauses_grow_to_a_bound_and_attempts_have_an_end(
    flaky: Flaky, store: Retrying, pauses: list[float]
) -> None:
    flaky.before = 100

    with pytest.raises(StoreUnavailable):
        store.find(KEY)

    assert flaky.asked == ["find"] * 5
    assert pauses == [1.0, 2.0, 4.0, 5.0]


def test_a_put_into_a_store_that_stays_away_ends_after_one_patience(
    flaky: Flaky, store: Retrying, pauses: list[float]
) -> None:
    flaky.before = 10**6

    with pytest.raises(StoreUnavailable):
        put(store, Again(CONTENT))

    assert flaky.asked == ["put", *["find"] * 5]
    assert len(pauses) == 5

    flaky.before, flaky.midway, flaky.asked = 0, 10**6, []
    with pytest.raises(StoreUnavailable):
        put(store, Again(CONTENT))
    assert flaky.asked == ["put", "find"] * 5


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 4.0), (0.5, 6.0), (1.0, 8.0)])
def test_chance_takes_up_to_half_of_a_pause_away(chance: float, pause: float) -> None:
    assert Patience(9, 2.0, 100.0).pause(3, chance) == pause


def test_every_other_call_is_asked_again(flaky: Flaky, store: Retrying) -> None:
    stored = put(store)

    def fails(times: int = 4) -> None:
        flaky.before, flaky.asked = times, []

    fails()
    assert store.find(KEY) == stored
    fails()
    assert store.about(KEY) == ABOUT
    fails()
    assert [entry.key for entry in store.list()] == [KEY]
    fails()
    assert store.sweep(0) == 0
    fails()
    store.check()
    assert store.space() is None
    fails()
    assert store.remove(stored) is True
    assert list(store.list("none")) == []


def test_a_listing_that_fails_later_is_not_begun_again(flaky: Flaky, store: Retrying) -> None:
    class Breaks(Flaky):
        def list(self, prefix: str = "") -> Iterator[Entry]:
            self.asked.append("list")
            yield Entry(KEY, 1, 1)
            raise away()

    breaks = Breaks(flaky.memory)
    listing = Retrying(breaks, sleep=lambda _: None, chance=lambda: 0.0).list()

    assert next(listing).key == KEY
    with pytest.raises(StoreUnavailable):
        next(listing)
    assert breaks.asked == ["list"]


@pytest.mark.parametrize("offset", [0, 7, 1 << 20])
def test_reading_goes_on_where_it_was_cut(flaky: Flaky, store: Retrying, offset: int) -> None:
    put(store)
    flaky.midway, flaky.asked = 20, []

    assert whole(store, KEY, offset, piece=100_000) == CONTENT[offset:]

    assert flaky.asked == [f"open {offset + 100_000 * turn}" for turn in range(21)]


def test_reading_that_gets_nowhere_ends(flaky: Flaky, store: Retrying) -> None:
    put(store)
    with store.open(KEY) as opened:
        assert opened.read(10)
        flaky.midway, flaky.before, flaky.asked = 1, 10**6, []
        with pytest.raises(StoreUnavailable):
            opened.read(10)
        assert len(flaky.asked) == 4  # and the read itself
        flaky.before = 0

        assert opened.read(10) == CONTENT[10:20]


def test_what_was_closed_is_not_opened_again(flaky: Flaky, store: Retrying) -> None:
    put(store)
    opened = store.open(KEY)
    opened.close()
    opened.close()

    with pytest.raises(ValueError, match="closed"):
        opened.read(1)


def test_a_missing_object_is_told_when_it_is_opened(store: Retrying) -> None:
    with pytest.raises(ObjectMissing):
        store.open(KEY)
