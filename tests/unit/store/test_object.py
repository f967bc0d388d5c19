"""An object store over a bucket in memory, as Google's and Azure's are used: without S3's parts."""

import io
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from obstore.store import MemoryStore as Bucket

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.blame import Place
from storewarden.store.contract import Reader
from storewarden.store.key import key_of
from storewarden.store.label import SMALL, Label, companion_label, read_label, whole_label
from storewarden.store.limits import Limits, Sizes
from storewarden.store.object import ObjectStore
from storewarden.store.ranged import Ranged
from storewarden.store.remote import Met, Remote
from storewarden.store.sending import parts_of, read_up_to

KEY = key_of("root", b"a.mp4", "abcdefgh234567aa")
SIZES = Sizes(whole=100, part=1000, flight=3000, range=300)


def quiet(_: float) -> None:
    """Not sleep."""


def store_over(bucket: Any) -> ObjectStore:
    return ObjectStore(Remote("m", bucket), None, sizes=SIZES, sleep=quiet)


def whole(store: ObjectStore, key: str = KEY) -> bytes:
    with store.open(key) as opened:
        return b"".join(iter(lambda: opened.read(70), b""))


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 999, 1000, 1001, 5000])
@pytest.mark.parametrize("told", [b"", b"about", bytes(SMALL), bytes(SMALL + 1)], ids=len)
def test_what_was_put_is_read_and_tells_of_itself(size: int, told: bytes) -> None:
    store = store_over(Bucket())
    content = bytes(range(256)) * 20

    stored = store.put(KEY, io.BytesIO(content[:size]), lambda: told)

    assert store.find(KEY) == stored
    assert whole(store) == content[:size]
    assert store.about(KEY) == told
    assert [(entry.key, entry.bytes) for entry in store.list()] == [(KEY, size)]
    assert store.sweep(1 << 62) == 0
    assert store.remove(stored)
    assert list(store._remote.list("")) == []


class Narrow(Remote):
    """A server that takes no header of more than 256 bytes, as Swift does, and counts."""

    def __init__(self, bucket: Any) -> None:
        super().__init__("m", bucket)
        self.added = 0

    def add(self, key: str, content: bytes, label: Label) -> Met | None:
        written = label.written()
        if any(len(value) > 256 for value in written.values()):
            raise StoreRefused("an object cannot be stored", why="it answered 400 InvalidRequest")
        assert sum(len(f"x-amz-meta-{name}{value}") for name, value in written.items()) <= 2048
        self.added += 1
        return super().add(key, content, label)


def test_what_is_told_stands_in_headers_as_long_as_it_is_small() -> None:
    remote = Narrow(Bucket())
    store = ObjectStore(remote, None, sizes=SIZES, sleep=quiet)
    told = {f"a/{size}": os.urandom(size) for size in (0, 100, 140, 700, SMALL, SMALL + 1)}
    for key, about in told.items():
        store.put(key, io.BytesIO(b"content"), lambda about=about: about)  # type: ignore[misc]

    assert {key: store.about(key) for key in told} == told
    assert remote.added == len(told) + 1  # only the largest has a companion
    assert store.sweep(1 << 62) == 0


@pytest.mark.parametrize("lost", range(7))
def test_a_header_that_was_lost_is_noticed(lost: int) -> None:
    headers = whole_label("abcdefghij234567", 7, os.urandom(SMALL)).written()
    del headers[list(headers)[lost]]

    label = read_label(headers)

    assert label is None or not label.genuine


def test_a_refusal_that_is_not_about_the_header_is_told_and_leaves_nothing() -> None:
    class Closed(Remote):
        def add(self, key: str, content: bytes, label: Label) -> None:
            raise StoreRefused("an object cannot be stored", why="the key may not do that")

    bucket = Bucket()
    store = ObjectStore(Closed("m", bucket), None, sizes=SIZES, sleep=quiet)

    with pytest.raises(StoreRefused, match="the key may not do that"):
        store.put(KEY, io.BytesIO(b"content"), lambda: bytes(700))

    assert list(store_over(bucket)._remote.list("")) == []


def test_there_is_no_receipt_where_the_answer_was_lost() -> None:
    class Losing(Remote):
        def add(self, key: str, content: bytes, label: Label) -> Met | None:
            super().add(key, content, label)
            raise StoreUnavailable("the answer was lost")

    store = ObjectStore(Losing("m", Bucket()), None, sizes=SIZES, receipts=True, sleep=quiet)
    stored = store.put(KEY, io.BytesIO(b"content"), lambda: b"told")

    assert store.receipt(stored) is None


def test_nothing_is_written_over() -> None:
    bucket = Bucket()
    first = store_over(bucket).put(KEY, io.BytesIO(b"first"), lambda: b"")

    for size in (10, 5000):
        with pytest.raises(ObjectExists):
            store_over(bucket).put(KEY, io.BytesIO(bytes(size)), lambda: b"")

    assert store_over(bucket).find(KEY) == first


@pytest.mark.parametrize("size", [0, 50, 2500])
def test_what_a_source_raises_goes_through_and_leaves_nothing(size: int) -> None:
    class Source:
        def __init__(self) -> None:
            self.stream = io.BytesIO(bytes(size))

        def read(self, size: int, /) -> bytes:
            if piece := self.stream.read(size):
                return piece
            raise ObjectDamaged("of the source")

    store = store_over(Bucket())
    source: Reader = Source()

    with pytest.raises(ObjectDamaged, match="of the source"):
        store.put(KEY, source, lambda: b"")

    assert list(store._remote.list("")) == []


@given(
    mark=some.text("abcdefghij234567", min_size=16, max_size=16),
    size=some.integers(0, 1 << 50),
    told=some.binary(max_size=SMALL),
)
def test_a_label_says_what_was_written_and_fits_into_headers(
    mark: str, size: int, told: bytes
) -> None:
    for label in (
        Label(mark),
        whole_label(mark, size, told),
        companion_label(mark, size, told, ""),
    ):
        headers = label.written()
        assert read_label({name.title(): text for name, text in headers.items()}) == label
        assert all(name.isalnum() for name in headers)
        assert all(text.isascii() and " " not in text for text in headers.values())
    assert whole_label(mark, size, told).genuine


@given(some.text(max_size=50))
def test_a_label_that_others_wrote_is_none_or_not_genuine(text: str) -> None:
    label = read_label({"storewarden": text})

    assert label is None or not label.genuine


@given(sizes=some.lists(some.integers(1, 40), max_size=20), step=some.integers(1, 7))
def test_parts_are_whole_but_the_last_and_together_the_source(sizes: list[int], step: int) -> None:
    content = b"".join(bytes([number]) * size for number, size in enumerate(sizes))

    class Dribbling(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, step))

    source = Dribbling(content)
    limits = Sizes(whole=4, part=10, large_part=20, small_parts=3, parts=100)
    first = read_up_to(source, 5)

    parts = list(parts_of(first, source, limits, "m"))

    assert b"".join(parts) == content
    assert [len(part) for part in parts[:-1]] == [10, 10, 10, *[20] * 100][: len(parts[:-1])]


class Line:
    """What fetches ranges, and does what it is told to first."""

    def __init__(self, content: bytes, *happens: StorewardenError | int) -> None:
        self.content, self.happens = content, list(happens)
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> tuple[memoryview, int]:
        self.asked.append((start, end))
        if self.happens:
            next_one = self.happens.pop(0)
            if isinstance(next_one, StorewardenError):
                raise next_one
            end = start + next_one
        return memoryview(self.content[start:end]), len(self.content)


def read_all(line: Line, size: int, limits: Limits) -> bytes:
    reading = Ranged(line, Place("m", KEY), range(0, size, 10), limits, sleep=quiet)
    return b"".join(iter(lambda: reading.read(4), b""))


def away() -> StorewardenError:
    return StoreUnavailable("away")


def test_what_breaks_is_taken_up_where_it_broke() -> None:
    line = Line(b"0123456789abcdefghij!", 3, away(), 2, away(), away())

    assert read_all(line, 21, Limits(attempts=3)) == b"0123456789abcdefghij!"

    assert line.asked[:4] == [(0, 10), (3, 13), (3, 13), (5, 15)]


def test_what_breaks_too_often_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        read_all(Line(b"0123456789", away(), away(), away()), 10, Limits(attempts=3))
    with pytest.raises(StoreUnavailable, match="sends nothing"):
        read_all(Line(b"0123456789", 0, 0, 0), 10, Limits(attempts=3))


def test_an_object_of_another_length_than_told_is_damaged() -> None:
    with pytest.raises(ObjectDamaged, match="10 bytes instead of 12"):
        read_all(Line(b"0123456789"), 12, Limits())


@pytest.fixture
def unsure() -> tuple[ObjectStore, list[str]]:
    """Lend a store whose server says that keys are taken, and shows nothing there."""
    store, asked = store_over(Bucket()), []

    def add(key: str, _content: bytes, _label: Label) -> None:
        asked.append(key)
        raise ObjectExists("taken")

    store._remote.add = add  # type: ignore[assignment,method-assign]
    return store, asked


def test_a_key_that_is_taken_by_nothing_is_tried_again_and_then_later(
    unsure: tuple[ObjectStore, list[str]],
) -> None:
    store, asked = unsure

    with pytest.raises(StoreUnavailable, match="shows nothing there"):
        store.put(KEY, io.BytesIO(b"x"), lambda: b"")

    assert asked == [KEY] * Limits().attempts


def test_a_server_that_writes_over_what_is_there_cannot_be_used() -> None:
    class Careless(Remote):
        def add(self, key: str, content: bytes, label: Label) -> None:
            self.remove(key)
            super().add(key, content, label)

    store = ObjectStore(Careless("m", Bucket()), None, sizes=SIZES, sleep=quiet)

    with pytest.raises(StoreRefused, match="it writes over what is there"):
        store.check()

    assert list(store._remote.list("")) == []


def test_a_check_leaves_nothing_behind() -> None:
    store = store_over(Bucket())

    store.check()

    assert list(store._remote.list("")) == []
