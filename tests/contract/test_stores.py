"""One contract, every kind of store: what is put is whole or absent, and is never written over."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StoreRefused,
    StorewardenError,
)
from storewarden.store.contract import LARGEST_ABOUT, LONGEST_KEY, Store, Stored
from storewarden.store.key import key_of
from tests.stores import (
    FUTURE_NS,
    KINDS,
    MIB,
    Breaking,
    Dribbling,
    Site,
    content_of,
    site_of,
    source_of,
    whole,
)

ABOUT = b'{"path": "cmVuZGVycy9hLm1wNA=="}'
KEY = key_of("save_outputs", "renders/größe 1.mp4".encode(), "abcdefgh234567aa", ".zst")
OTHER = key_of("save_outputs", b"renders/b.mp4", "abcdefgh234567bb")


@pytest.fixture(params=sorted(KINDS))
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with site_of(request.param, request, tmp_path) as site:
        yield site


@pytest.fixture
def store(site: Site) -> Store:
    return site.store


def put(store: Store, key: str = KEY, content: bytes = b"content", about: bytes = ABOUT) -> Stored:
    return store.put(key, source_of(content), lambda: about)


def keys(store: Store, prefix: str = "") -> list[str]:
    return sorted(entry.key for entry in store.list(prefix))


@pytest.mark.parametrize("size", [0, 1, 4096, MIB - 1, MIB, MIB + 1, 20 * MIB])
def test_what_was_put_is_read(site: Site, size: int) -> None:
    content = content_of(size)

    stored = put(site.store, content=content)

    for reached in (site.store, site.another()):
        assert stored == Stored(KEY, size, stored.version)
        assert reached.find(KEY) == stored
        assert whole(reached, KEY) == content
        assert reached.about(KEY) == ABOUT
    assert site.leftovers() == 0


def test_a_source_may_hand_over_little_at_a_time(store: Store) -> None:
    content = content_of(5000)

    stored = store.put(KEY, Dribbling(content), lambda: ABOUT)

    assert stored.bytes == 5000
    assert whole(store, KEY) == content


@pytest.mark.parametrize("offset", [0, 1, 4096, 2 * MIB - 1, 2 * MIB, 2 * MIB + 5])
def test_reading_begins_where_it_is_asked_to(store: Store, offset: int) -> None:
    content = content_of(2 * MIB)
    put(store, content=content)

    assert whole(store, KEY, offset) == content[offset:]


def test_reading_gives_no_more_than_was_asked_for_and_at_least_one_byte(store: Store) -> None:
    put(store, content=content_of(3 * MIB))

    with store.open(KEY) as opened:
        pieces = list(iter(lambda: opened.read(1000), b""))
        assert opened.read(1000) == b""  # the end stays the end

    assert max(map(len, pieces)) <= 1000
    assert sum(map(len, pieces)) == 3 * MIB


@pytest.mark.parametrize("size", [0, 1, 1000, 2 * MIB + 5])
def test_a_look_is_at_exactly_one_object_and_at_what_it_tells(site: Site, size: int) -> None:
    content, about = content_of(size), b"t" * 2000
    stored = put(site.store, content=content, about=about)

    for store, offset in ((site.store, 0), (site.another(), size // 2)):
        with store.look(stored, offset) as looked:
            assert looked.about == about
            assert b"".join(iter(lambda: looked.read(300_000), b"")) == content[offset:]


def test_another_object_under_the_key_is_not_looked_at(site: Site) -> None:
    stored = put(site.store)
    site.store.remove(stored)
    with pytest.raises(ObjectMissing):
        site.store.look(stored)

    for content in (b"content", b"more content", b""):
        other = put(site.store, content=content)
        with pytest.raises(ObjectDamaged, match="replaced"):
            site.another().look(stored)
        site.store.remove(other)


def test_what_is_replaced_while_it_is_looked_at_was_not_read_to_its_end(site: Site) -> None:
    stored = put(site.store, content=content_of(20 * MIB))

    with pytest.raises(ObjectDamaged), site.another().look(stored) as looked:  # noqa: PT012
        assert looked.read(1)
        site.store.remove(stored)
        put(site.store, content=bytes(20 * MIB))
        while looked.read(MIB):
            pass


def test_what_is_open_can_be_closed_early_and_twice(store: Store) -> None:
    put(store, content=content_of(MIB))

    opened = store.open(KEY)
    assert opened.read(1)
    opened.close()
    opened.close()

    assert whole(store, KEY) == content_of(MIB)


@pytest.mark.parametrize("size", [0, 1, 140, 141, 700, 1350, 1351, 4096, LARGEST_ABOUT])
def test_an_object_tells_of_itself_what_it_was_given(site: Site, size: int) -> None:
    about = bytes(number * 7 % 256 for number in range(size))

    put(site.store, about=about)

    assert site.another().about(KEY) == about
    assert keys(site.store) == [KEY]


def test_more_than_an_object_may_tell_of_itself_is_refused(site: Site) -> None:
    with pytest.raises(StoreRefused, match="too much"):
        put(site.store, about=bytes(LARGEST_ABOUT + 1))

    assert site.store.find(KEY) is None
    assert keys(site.store) == []
    assert site.leftovers() == 0


def test_what_an_object_tells_is_asked_once_after_its_last_byte_and_before_it_is_seen(
    site: Site,
) -> None:
    source = Dribbling(content_of(100_000), 4096)
    asked: list[bytes] = []

    def tell() -> bytes:
        asked.append(source.read(1))
        assert site.another().find(KEY) is None
        return b"told"

    site.store.put(KEY, source, tell)

    assert asked == [b""]
    assert site.store.about(KEY) == b"told"


def test_who_cannot_tell_leaves_nothing(site: Site) -> None:
    error = ObjectDamaged("changed while it was read")

    def tell() -> bytes:
        raise error

    with pytest.raises(ObjectDamaged) as caught:
        site.store.put(KEY, source_of(content_of(2 * MIB)), tell)

    assert caught.value is error
    assert keys(site.store) == []
    assert site.leftovers() == 0


def test_a_taken_key_is_never_written_over(site: Site) -> None:
    first = put(site.store, content=b"first")

    with pytest.raises(ObjectExists):
        put(site.another(), content=b"second", about=b"other")

    assert site.store.find(KEY) == first
    assert whole(site.store, KEY) == b"first"
    assert site.store.about(KEY) == ABOUT
    assert site.leftovers() == 0


def test_what_is_not_there_is_missing(store: Store) -> None:
    put(store, OTHER)

    assert store.find(KEY) is None
    with pytest.raises(ObjectMissing):
        store.about(KEY)
    with pytest.raises(ObjectMissing):
        store.open(KEY)
    assert store.remove(Stored(KEY, 7, "1")) is False
    assert keys(store) == [OTHER]


def test_nothing_is_in_a_new_store(store: Store) -> None:
    assert keys(store) == []
    assert store.find(KEY) is None


def test_a_shortened_object_is_damaged_and_never_the_whole(site: Site) -> None:
    stored = put(site.store, content=content_of(3 * MIB))
    put(site.store, OTHER, content=content_of(MIB))

    site.shorten(KEY, 2 * MIB)
    site.shorten(OTHER, 0)

    for key in (KEY, OTHER):
        with pytest.raises(ObjectDamaged):
            whole(site.another(), key)
    with pytest.raises(ObjectDamaged):
        whole(site.another(), KEY, MIB)
    assert site.store.find(KEY) != stored


def test_what_an_object_tells_of_itself_is_what_it_once_did_or_damaged(site: Site) -> None:
    put(site.store)

    site.spoil_about(KEY)

    with pytest.raises(ObjectDamaged):
        site.another().about(KEY)
    assert whole(site.store, KEY) == b"content"  # which is not worse for it


def test_a_removed_object_is_gone_and_its_key_is_free(site: Site) -> None:
    stored = put(site.store)
    put(site.store, OTHER)

    assert site.another().remove(stored) is True

    assert site.store.find(KEY) is None
    assert keys(site.store) == [OTHER]
    with pytest.raises(ObjectMissing):
        site.store.about(KEY)
    assert site.store.remove(stored) is False
    assert put(site.store).version != stored.version
    assert site.leftovers() == 0


def test_another_object_under_its_key_is_not_removed(site: Site) -> None:
    old = put(site.store, content=b"one")
    site.store.remove(old)
    new = put(site.store, content=b"two")

    for met in (old, new._replace(version="none"), new._replace(bytes=7)):
        with pytest.raises(ObjectExists):
            site.another().remove(met)

    assert site.store.find(KEY) == new
    assert whole(site.store, KEY) == b"two"
    assert site.store.about(KEY) == ABOUT


def test_a_listing_has_what_begins_so(store: Store) -> None:
    made = [
        key_of(root, path, mark)
        for root, path, mark in [
            ("uploads", b"a", "aaaaaaaaaaaaaaaa"),
            ("uploads", b"ab", "aaaaaaaaaaaaaaaa"),
            ("uploads", b"a/deep/down/below", "aaaaaaaaaaaaaaaa"),
            ("uploads2", b"a", "aaaaaaaaaaaaaaaa"),
            ("other", b"a", "aaaaaaaaaaaaaaaa"),
        ]
    ]
    for number, key in enumerate(made):
        put(store, key, bytes(number))

    for prefix in ("", "u", "uploads", "uploads/", "uploads/a", "uploads/a/", "uploads/a/deep/d"):
        assert keys(store, prefix) == sorted(key for key in made if key.startswith(prefix))
    assert keys(store, made[0]) == [made[0]]
    assert keys(store, "none") == keys(store, "none/such") == keys(store, made[0] + "/") == []
    assert keys(store, "../") == keys(store, "/") == keys(store, ".storewarden/") == []
    assert {entry.key: entry.bytes for entry in store.list()} == {
        key: number for number, key in enumerate(made)
    }


def test_a_listing_tells_when_an_object_was_put(store: Store) -> None:
    put(store)
    put(store, OTHER)

    first, second = store.list()

    assert first.modified_ns > 1_700_000_000 * 10**9
    assert abs(first.modified_ns - second.modified_ns) < 60 * 10**9


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "./a",
        "a/.",
        "a b",
        "a\0",
        "a\nb",
        "ä",
        "a\\b",
        "a.about",
        "a" * 241,
        "/".join(["a" * 100] * 9),
    ],
)
def test_a_key_that_not_every_store_takes_is_refused_by_all(site: Site, key: str) -> None:
    store = site.store
    for call in (
        lambda: put(store, key),
        lambda: store.find(key),
        lambda: store.about(key),
        lambda: store.open(key),
        lambda: store.remove(Stored(key, 0, "")),
    ):
        with pytest.raises(StoreRefused):
            call()
    assert keys(store) == []


def test_the_longest_key_is_taken(site: Site) -> None:
    longest = "/".join(["a" * 240] * 3 + ["b" * (LONGEST_KEY - 3 * 241)])
    assert len(longest) == LONGEST_KEY

    stored = put(site.store, longest)

    assert whole(site.another(), longest) == b"content"
    assert keys(site.store) == [longest]
    assert site.store.remove(stored) is True


@pytest.mark.parametrize("size", [0, 1, 3 * MIB])
@pytest.mark.parametrize(
    "error",
    [OSError(5, "of the source"), ObjectDamaged("of the source"), KeyboardInterrupt()],
    ids=lambda error: type(error).__name__,
)
def test_a_source_that_fails_leaves_nothing(site: Site, size: int, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        site.store.put(KEY, Breaking(content_of(size), error), lambda: ABOUT)

    assert caught.value is error
    assert site.store.find(KEY) is None
    assert keys(site.store) == []
    assert site.leftovers() == 0
    assert put(site.store).bytes == 7  # and the key is not burnt


Outcome = tuple[int, Stored | StorewardenError]


def race(site: Site, key: str, number: int, gate: threading.Barrier) -> Outcome:
    """Put a content that tells who put it, at once with others."""
    store = site.another() if number % 2 else site.store
    gate.wait()
    try:
        return number, put(store, key, bytes([number]) * (100_000 + number), bytes([number]))
    except StorewardenError as error:
        return number, error


def test_of_eight_that_put_one_key_at_once_one_wins(site: Site) -> None:
    for turn in range(5):
        key = key_of("root", b"%d" % turn, "abcdefgh234567aa")
        gate = threading.Barrier(8)
        with ThreadPoolExecutor(8) as pool:
            racing = [pool.submit(race, site, key, number, gate) for number in range(8)]
            outcomes = [each.result() for each in racing]

        ((winner, stored),) = [each for each in outcomes if isinstance(each[1], Stored)]
        losers = [each[1] for each in outcomes if each[0] != winner]
        assert [type(error) for error in losers] == [ObjectExists] * 7
        assert site.store.find(key) == stored
        assert whole(site.store, key) == bytes([winner]) * (100_000 + winner)
        assert site.store.about(key) == bytes([winner])
    assert site.leftovers() == 0


def test_many_objects_are_put_and_removed_by_many_at_once(site: Site) -> None:
    def one(number: int) -> None:
        store = site.another()
        for turn in range(8):
            key = key_of("r", b"same/directory/%d-%d" % (number, turn), "abcdefgh234567aa")
            stored = put(store, key, content_of(1000 + turn))
            assert whole(store, key) == content_of(1000 + turn)
            if turn % 2:
                assert store.remove(stored)

    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(one, number) for number in range(6)]:
            each.result()

    assert len(keys(site.store)) == 6 * 4
    assert site.leftovers() == 0


def test_what_a_killed_put_left_is_no_object_and_is_swept(site: Site) -> None:
    stored = put(site.store, OTHER)
    site.leave_half(KEY)
    left = site.leftovers()
    assert left > 0

    store = site.another()
    assert store.find(KEY) is None
    assert keys(store) == [OTHER]
    assert store.sweep(before_ns=1) == 0  # it is younger than that
    assert site.leftovers() == left
    assert store.sweep(FUTURE_NS) >= 1
    assert site.leftovers() == 0
    assert store.sweep(FUTURE_NS) == 0
    assert store.find(OTHER) == stored


def test_after_a_killed_put_the_same_can_be_put_without_a_sweep(site: Site) -> None:
    site.leave_half(KEY)

    stored = put(site.another())

    assert site.store.find(KEY) == stored
    assert site.store.about(KEY) == ABOUT
    site.store.sweep(FUTURE_NS)
    assert site.store.find(KEY) == stored
    assert whole(site.store, KEY) == b"content"


def test_a_sweep_touches_no_object(site: Site) -> None:
    kept = {key: put(site.store, key, key.encode()) for key in (KEY, OTHER)}

    assert site.store.sweep(FUTURE_NS) == 0

    for key, stored in kept.items():
        assert site.store.find(key) == stored
        assert whole(site.store, key) == key.encode()
        assert site.store.about(key) == ABOUT


def test_room_is_told_in_bytes_or_not_at_all(store: Store) -> None:
    space = store.space()

    assert space is None or 0 <= space.free <= space.total


def test_a_store_that_can_be_used_passes_its_check_and_nothing_is_left_of_it(site: Site) -> None:
    site.store.check()

    assert keys(site.store) == []
    assert site.leftovers() == 0


def test_a_store_may_be_used_after_it_was_closed(site: Site) -> None:
    stored = put(site.store)

    site.store.close()
    site.store.close()

    assert site.store.find(KEY) == stored
