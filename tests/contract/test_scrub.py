"""One bit that is not what it was is found in every object, and nothing else is called damaged."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.act.copying import copy
from storewarden.act.scrub import DAY, SLOWLY, Expected, Reading, pace, share_of_day
from storewarden.errors import ObjectDamaged, ObjectMissing, StoreUnavailable, StorewardenError
from storewarden.store.contract import Store
from storewarden.store.directory import DirectoryStore
from tests.archived import MADE, MIB, Root, words
from tests.executing import QuickDisk
from tests.objects import Bench
from tests.stores import DirectorySite, ObjectSite, Site, whole

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class Shelf(NamedTuple):
    """A store, a root to fill it from, and what lies in it."""

    root: Root
    site: Site
    store: Store
    flip: Callable[[str, int], None]  # a bit of the object under a key

    def fill(self, count: int, chance: random.Random, largest: int = 20_000) -> list[Expected]:
        """Store so many files, every other one of them packed."""
        stored = []
        for number in range(count):
            size = chance.randrange(1, largest)
            content = words(size) if number % 2 else chance.randbytes(size)
            stored.append(self.put(b"%d/file" % number, content, number))
        return stored

    def put(self, name: bytes, content: bytes, number: int = 0) -> Expected:
        self.root.write(name, content)
        mark = "".join(LETTERS[number >> 5 * at & 31] for at in range(16))
        done = copy(self.root.source(name), self.store, mark, MADE)
        about = done.about
        return Expected(done.stored.key, about.size, about.digest, about.codec, done.stored.bytes)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    place = tmp_path / "root"
    place.mkdir()
    root = Root(place)
    yield root
    root.close()


@pytest.fixture
def shelf(root: Root, tmp_path: Path) -> Shelf:
    """In a directory."""
    place = tmp_path / "store"
    place.mkdir()
    store = DirectoryStore("d", str(place), disk=QuickDisk())
    store.prepare()

    def flip(key: str, bit: int) -> None:
        with (place / key).open("r+b") as file:
            file.seek(bit // 8)
            (byte,) = file.read(1)
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))

    return Shelf(root, DirectorySite(place), store, flip)


@pytest.fixture
def bucket(root: Root, s3_url: str) -> Shelf:
    """On a real S3 server."""
    site = ObjectSite(Bench.at(s3_url))

    def flip(key: str, bit: int) -> None:
        content = bytearray(whole(site.store, key))
        content[bit // 8] ^= 1 << bit % 8
        site._replace(key, bytes(content))

    return Shelf(root, site, site.store, flip)


def verdict(store: Store, expected: Expected, most: int = MIB) -> StorewardenError | None:
    """Read an object to its end, so many bytes at a time; return what is wrong with it."""
    reading = Reading(store, expected)
    try:
        while not reading.is_over:
            reading.go_on(most)
    except (ObjectDamaged, ObjectMissing) as error:
        return error
    finally:
        reading.close()
    found = store.find(expected.key)
    assert found is not None
    assert (reading.read, reading.version) == (expected.stored_bytes, found.version)
    return None


def flip_one_in_each(shelf: Shelf, damaged: int, sound: int, seed: int) -> None:
    chance = random.Random(seed)
    stored = shelf.fill(damaged + sound, chance)
    chance.shuffle(stored)
    for one in stored[:damaged]:
        shelf.flip(one.key, chance.randrange(one.stored_bytes * 8))

    missed = [one for one in stored[:damaged] if verdict(shelf.store, one) is None]
    alarms = [told for one in stored[damaged:] if (told := verdict(shelf.store, one))]

    assert (missed, alarms) == ([], [])


def test_one_bit_in_each_of_many_objects_is_found_and_no_other_is_blamed(shelf: Shelf) -> None:
    flip_one_in_each(shelf, damaged=150, sound=150, seed=1)


def test_one_bit_is_found_in_a_bucket_too(bucket: Shelf) -> None:
    flip_one_in_each(bucket, damaged=4, sound=4, seed=2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 6))
def test_one_bit_in_each_of_a_thousand_objects(shelf: Shelf, seed: int) -> None:
    flip_one_in_each(shelf, damaged=1000, sound=1000, seed=seed)


@pytest.mark.soak
def test_one_bit_in_each_of_hundreds_of_objects_in_a_bucket(bucket: Shelf) -> None:
    flip_one_in_each(bucket, damaged=250, sound=250, seed=6)


def test_every_single_bit_of_a_packed_object_counts(shelf: Shelf) -> None:
    """Some of them change nothing in the content: a header has a bit that nobody reads."""
    one = shelf.put(b"file", words(300))
    for bit in range(one.stored_bytes * 8):
        shelf.flip(one.key, bit)
        assert isinstance(verdict(shelf.store, one), ObjectDamaged)
        shelf.flip(one.key, bit)

    assert verdict(shelf.store, one) is None


def test_every_single_bit_of_what_an_object_tells_counts(shelf: Shelf) -> None:
    one = shelf.put(b"file", b"content")
    about = f"{one.key}.about"
    assert isinstance(shelf.site, DirectorySite)
    size = (shelf.site.path / about).stat().st_size
    for bit in range(0, size * 8, 7):
        shelf.flip(about, bit)
        assert isinstance(verdict(shelf.store, one), ObjectDamaged)
        shelf.flip(about, bit)

    assert verdict(shelf.store, one) is None


def test_an_object_that_is_shorter_longer_or_gone_is_found(shelf: Shelf) -> None:
    shorter, longer, gone = (shelf.put(b"f%d" % at, words(5000), at) for at in range(3))
    shelf.site.shorten(shorter.key, shorter.stored_bytes - 1)
    assert isinstance(shelf.site, DirectorySite)
    with (shelf.site.path / longer.key).open("ab") as file:
        file.write(b"x")
    (shelf.site.path / gone.key).unlink()

    assert isinstance(verdict(shelf.store, shorter), ObjectDamaged)
    assert isinstance(verdict(shelf.store, longer), ObjectDamaged)
    assert isinstance(verdict(shelf.store, gone), ObjectMissing)


def test_another_object_under_the_key_is_not_taken_for_it(shelf: Shelf) -> None:
    one, other = shelf.put(b"a", words(900), 1), shelf.put(b"b", words(901), 2)

    told = verdict(shelf.store, other._replace(digest=one.digest))

    assert "it tells of another content than was stored" in str(told)


def test_a_disk_that_was_copied_holds_the_same_objects(shelf: Shelf) -> None:
    """Their versions are other ones, for those tell of inodes and times; their bytes are not."""
    one = shelf.put(b"a", words(900))
    assert isinstance(shelf.site, DirectorySite)
    place = shelf.site.path / one.key
    copied = place.with_name("copied")
    copied.write_bytes(place.read_bytes())
    copied.replace(place)

    assert verdict(shelf.store, one) is None


def test_an_object_is_read_in_small_steps_and_can_be_left_half_way(shelf: Shelf) -> None:
    chance = random.Random(4)
    one = shelf.put(b"large", chance.randbytes(8 * MIB))
    reading = Reading(shelf.store, one)
    steps = []
    while not reading.is_over:
        steps.append(reading.go_on(MIB))
    assert sum(steps) == one.stored_bytes
    assert max(steps) <= 2 * MIB

    half = Reading(shelf.store, one)
    half.go_on(MIB)
    half.close()
    assert not half.is_over


def test_a_store_that_is_away_says_nothing_of_its_objects(shelf: Shelf) -> None:
    one = shelf.put(b"a", words(900))
    assert isinstance(shelf.site, DirectorySite)
    shelf.site.path.rename(shelf.site.path.with_name("unplugged"))

    with pytest.raises(StoreUnavailable):
        verdict(shelf.store, one)


@pytest.mark.parametrize(
    ("share", "stored", "read", "left"),
    [
        (0.01, 100_000, 0, 1_000),
        (0.01, 100_000, 999, 1),
        (0.01, 100_000, 5_000, 0),
        (0.0, 100_000, 0, 0),
        (1.0, 7, 3, 4),
    ],
)
def test_each_day_has_its_share(share: float, stored: int, read: int, left: int) -> None:
    assert share_of_day(share, stored, read) == left


def test_a_share_that_does_not_fit_into_a_day_is_read_faster() -> None:
    assert pace(0.01, 10**9) == SLOWLY
    large = 10**15
    assert pace(0.01, large) * DAY / 2 >= 0.01 * large > SLOWLY * DAY / 2
