"""Stores that are paced and stores that are only read."""

import threading
from typing import Final

import pytest

from storewarden.clock import ManualClock
from storewarden.errors import ObjectDamaged, StoreFull, StoreRefused
from storewarden.store.contract import Stored
from storewarden.store.memory import MemoryStore
from storewarden.store.rate import Limited
from storewarden.store.readonly import ReadOnly
from storewarden.store.wrapped import Wrapped
from tests.stores import FUTURE_NS, MIB, Breaking, content_of, source_of, whole

KEY: Final = "root/a~abcdefgh234567aa"
CONTENT: Final = content_of(4 * MIB)


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore("m", capacity=100 * MIB)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def put(store: Wrapped | MemoryStore, key: str = KEY) -> Stored:
    return store.put(key, source_of(CONTENT), lambda: b"about")


def test_bytes_are_put_and_read_at_the_rate(memory: MemoryStore, clock: ManualClock) -> None:
    store = Limited(memory, MIB, clock=clock, sleep=clock.advance)
    begun = clock.monotonic()

    stored = put(store)
    assert clock.monotonic() - begun == pytest.approx(4)
    assert whole(store, KEY, MIB) == CONTENT[MIB:]
    assert clock.monotonic() - begun == pytest.approx(7)

    assert stored == memory.find(KEY)
    assert memory.about(KEY) == b"about"


def test_no_single_wait_is_long(memory: MemoryStore, clock: ManualClock) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)

    put(Limited(memory, MIB, clock=clock, sleep=sleep))

    assert max(waits) == pytest.approx(1 / 8)
    assert sum(waits) == pytest.approx(4)


def test_time_in_which_nothing_was_moved_is_not_saved_up(
    memory: MemoryStore, clock: ManualClock
) -> None:
    store = Limited(memory, MIB, clock=clock, sleep=clock.advance)
    clock.advance(3600)
    begun = clock.monotonic()

    put(store)

    assert clock.monotonic() - begun == pytest.approx(4)


def test_who_put_at_once_share_the_rate(memory: MemoryStore, clock: ManualClock) -> None:
    """Each sleeps on its own clock's behalf: what counts is what they were told to wait for."""
    longest = [0.0]
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            longest[0] = max(longest[0], seconds)

    store = Limited(memory, MIB, clock=clock, sleep=sleep)
    threads = [threading.Thread(target=put, args=(store, f"root/{n}")) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert longest == [pytest.approx(12)]  # of a clock that stands: all that was moved is owed


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_at_which_nothing_would_move_is_refused(
    memory: MemoryStore, clock: ManualClock, rate: int
) -> None:
    with pytest.raises(ValueError, match="nothing"):
        Limited(memory, rate, clock=clock, sleep=clock.advance)


def test_the_slowest_rate_moves_still(memory: MemoryStore, clock: ManualClock) -> None:
    store = Limited(memory, 1, clock=clock, sleep=clock.advance)
    begun = clock.monotonic()

    store.put(KEY, source_of(b"12345"), lambda: b"")

    assert clock.monotonic() - begun == pytest.approx(5)


def test_what_is_only_read_can_be_read(memory: MemoryStore) -> None:
    stored = put(memory)
    store = ReadOnly(memory)

    store.check()
    assert store.name == "m"
    assert store.find(KEY) == stored
    assert whole(store, KEY) == CONTENT
    assert store.about(KEY) == b"about"
    assert [entry.key for entry in store.list("root/")] == [KEY]
    assert store.space() == memory.space()
    store.close()


def test_what_is_only_read_is_never_changed(memory: MemoryStore) -> None:
    stored = put(memory)
    store = ReadOnly(memory)

    with pytest.raises(StoreRefused, match="only read"):
        store.put("root/b", Breaking(b"", AssertionError("was read")), lambda: b"")
    with pytest.raises(StoreRefused, match="only read"):
        store.remove(stored)
    with pytest.raises(StoreRefused, match="only read"):
        store.sweep(FUTURE_NS)

    assert [entry.key for entry in memory.list()] == [KEY]


def test_a_check_of_what_is_only_read_reads(memory: MemoryStore) -> None:
    store = ReadOnly(memory)
    store.check()  # of an empty one, too
    put(memory)
    memory.hurt(KEY, b"")

    with pytest.raises(ObjectDamaged):
        store.check()


def test_a_full_memory_says_so_and_keeps_what_it_has() -> None:
    store = MemoryStore("m", capacity=5 * MIB)
    put(store)

    with pytest.raises(StoreFull):
        put(store, "root/b")

    assert [entry.key for entry in store.list()] == [KEY]
    assert store.space() == (MIB, 5 * MIB)
