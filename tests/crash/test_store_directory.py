"""The directory store is killed, and fails, at every call: objects are whole or absent."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from storewarden.errors import (
    ObjectExists,
    ObjectMissing,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.contract import Stored
from storewarden.store.directory import DirectoryStore
from storewarden.store.disk import Disk
from storewarden.store.key import key_of
from tests.descriptors import held
from tests.disks import MUTATING, CountingDisk, FailingDisk, KillingDisk, ShortDisk, killed
from tests.stores import FUTURE_NS, MIB, DirectorySite, content_of, source_of, whole

KEY: Final = key_of("save_outputs", b"renders/2026/a.mp4", "abcdefgh234567aa")
NEAR: Final = key_of("save_outputs", b"renders/b.mp4", "abcdefgh234567bb")
CONTENT: Final = content_of(2 * MIB + 77)
ABOUT: Final = b'{"digest": "c0ffee"}'
NEVER: Final = 10**9


class Linking(Disk):
    """A file system that cannot rename without replacing, as NFS cannot."""

    def rename(self, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "store"
    place.mkdir()
    DirectoryStore("d", str(place)).prepare()
    return place


def put(place: Path, disk: Disk | None = None, key: str = KEY) -> Stored:
    store = DirectoryStore("d", str(place), disk=disk or Disk(), sleep=no_sleep)
    return store.put(key, source_of(CONTENT), lambda: ABOUT)


def remove(place: Path, stored: Stored, disk: Disk) -> bool:
    return DirectoryStore("d", str(place), disk=disk, sleep=no_sleep).remove(stored)


def no_sleep(_seconds: float) -> None:
    raise AssertionError("nobody else holds this key")


def is_whole(place: Path, key: str = KEY) -> bool:
    """Tell whether an object is there; if so it is all that was put, and if not nothing is."""
    store = DirectoryStore("d", str(place))
    listed = [entry for entry in store.list() if entry.key == key]
    found = store.find(key)
    if found is None:
        assert listed == []
        with pytest.raises(ObjectMissing):
            store.about(key)
        with pytest.raises(ObjectMissing):
            store.open(key)
        return False
    assert [entry.bytes for entry in listed] == [found.bytes] == [len(CONTENT)]
    assert whole(store, key) == CONTENT
    assert store.about(key) == ABOUT
    return True


def is_clean(place: Path) -> bool:
    return DirectorySite(place).leftovers() == 0


def calls_of(act: Callable[[Disk], object], disk: CountingDisk) -> int:
    act(disk)
    return disk.calls


@pytest.mark.parametrize("near", [False, True], ids=["in an empty store", "beside another"])
def test_a_put_that_is_killed_anywhere_leaves_the_object_whole_or_absent(
    place: Path, *, near: bool
) -> None:
    kept = put(place, key=NEAR) if near else None
    store = DirectoryStore("d", str(place))
    outcomes = []
    for at in range(1, NEVER):
        disk = KillingDisk(at=at)
        died = killed(lambda disk=disk: put(place, disk))  # type: ignore[misc]

        outcomes.append(is_whole(place))
        before = store.find(KEY)
        store.sweep(FUTURE_NS)
        assert is_whole(place) == outcomes[-1]
        assert store.find(KEY) == before  # a sweep makes no other object of it
        assert is_clean(place)
        assert store.sweep(FUTURE_NS) == 0
        if before is None:
            before = put(place)
        assert store.remove(before) is True
        assert is_clean(place)
        if not died:
            break

    assert len(outcomes) > 15
    assert outcomes == sorted(outcomes)  # absent until it is there
    assert outcomes[-1] is True
    assert kept is None or (store.find(NEAR) == kept and is_whole(place, NEAR))


def test_a_put_that_was_killed_anywhere_is_done_again_without_a_sweep(place: Path) -> None:
    store = DirectoryStore("d", str(place))
    for at in range(1, NEVER):
        disk = KillingDisk(at=at)
        died = killed(lambda disk=disk: put(place, disk))  # type: ignore[misc]

        if store.find(KEY) is None:
            stored = put(place)
        else:
            with pytest.raises(ObjectExists):
                put(place)
            found = store.find(KEY)
            assert found
            stored = found
        assert is_whole(place)
        store.sweep(FUTURE_NS)
        assert is_whole(place)
        assert is_clean(place)
        assert store.remove(stored)
        if not died:
            return


@pytest.mark.parametrize("again", ["sweep", "remove"])
@pytest.mark.parametrize("near", [False, True], ids=["the last", "beside another"])
def test_a_removal_that_is_killed_anywhere_is_finished(
    place: Path, *, near: bool, again: str
) -> None:
    kept = put(place, key=NEAR) if near else None
    store = DirectoryStore("d", str(place))
    outcomes = []
    for at in range(1, NEVER):
        stored = put(place)
        disk = KillingDisk(at=at)
        died = killed(lambda stored=stored, disk=disk: remove(place, stored, disk))  # type: ignore[misc]

        outcomes.append(is_whole(place))
        if again == "sweep":
            store.sweep(FUTURE_NS)
            assert is_whole(place) == outcomes[-1]
        if is_whole(place):
            assert store.remove(stored) is True
        else:
            assert store.remove(stored) is False
        if again == "remove":
            store.sweep(FUTURE_NS)
        assert is_clean(place)
        assert not is_whole(place)
        if not died:
            break

    assert len(outcomes) > 5
    assert outcomes == sorted(outcomes, reverse=True)
    assert kept is None or (store.find(NEAR) == kept and is_whole(place, NEAR))


def test_a_second_removal_takes_what_a_killed_one_left(place: Path) -> None:
    stored = put(place)
    assert killed(lambda: remove(place, stored, KillingDisk("unlink", 2)))
    assert not is_whole(place)
    assert not is_clean(place)

    assert DirectoryStore("d", str(place)).remove(stored) is False

    assert is_clean(place)


def test_where_renaming_may_replace_a_second_name_does_it(place: Path) -> None:
    """The same sweep over a file system that knows links only."""

    class Killing(KillingDisk):
        def __init__(self, at: int) -> None:
            super().__init__(tuple(name for name in MUTATING if name != "rename"), at)

        def rename(self, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    store = DirectoryStore("d", str(place))
    for at in range(1, NEVER):
        disk = Killing(at)
        died = killed(lambda disk=disk: put(place, disk))  # type: ignore[misc]

        there = is_whole(place)
        store.sweep(FUTURE_NS)
        assert is_whole(place) == there
        assert is_clean(place)
        if not there:
            put(place, Linking())
        with pytest.raises(ObjectExists):
            put(place, Linking())
        assert is_whole(place)
        found = store.find(KEY)
        assert found
        assert store.remove(found)
        if not died:
            assert there
            return


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errno.EIO, StoreUnavailable),
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreRefused),
        (errno.EACCES, StoreRefused),
        (errno.EMFILE, StoreUnavailable),
        (errno.ENOMEM, StoreUnavailable),
        (errno.ESTALE, StoreUnavailable),
        (errno.ENOLCK, StoreRefused),
        (errno.EINTR, StoreUnavailable),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_a_put_that_fails_anywhere_says_so_and_leaves_no_half(
    place: Path, error: int, kind: type[StorewardenError], *, lasting: bool
) -> None:
    store = DirectoryStore("d", str(place))
    total = calls_of(lambda disk: put(place, disk), CountingDisk())
    take_out(store)
    before = held()

    for at in range(1, total + 1):
        disk = FailingDisk(error, at, lasting=lasting)
        told = trouble(lambda disk=disk: put(place, disk))  # type: ignore[misc]

        assert held() == before, disk.met[at - 1]
        there = is_whole(place)
        if told is None:
            assert there
        else:
            assert (type(told), told.where) == (kind, f"d: {KEY}"), disk.met[at - 1]
            # Only a disk that lets nothing be taken back may keep what it did not say it has.
            assert lasting or not (there or visible(place)), disk.met[at - 1]
        store.sweep(FUTURE_NS)
        assert is_whole(place) == there
        assert is_clean(place)
        take_out(store)


def trouble(act: Callable[[], object]) -> StorewardenError | None:
    """Return what was wrong; what is not one of our errors goes through."""
    try:
        act()
    except StorewardenError as error:
        return error
    return None


def take_out(store: DirectoryStore) -> None:
    if found := store.find(KEY):
        assert store.remove(found)


def visible(place: Path) -> list[Path]:
    """Return what lies in a store beside its folder of ours."""
    return [path for path in place.iterdir() if path.name != ".storewarden"]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(
    "error", [errno.EIO, errno.EROFS, errno.EMFILE], ids=lambda value: errno.errorcode[value]
)
@pytest.mark.parametrize("verb", ["remove", "find", "about", "open", "list", "sweep", "check"])
def test_whatever_fails_anywhere_leaves_objects_whole_and_no_descriptor(
    place: Path, verb: str, error: int, *, lasting: bool
) -> None:
    put(place, key=NEAR)
    put(place)
    total = calls_of(lambda disk: use(place, verb, disk), CountingDisk())
    before = held()

    failed = 0
    for at in range(1, total + 1):
        if not is_whole(place):
            put(place)
        disk = FailingDisk(error, at, lasting=lasting)
        failed += trouble(lambda disk=disk: use(place, verb, disk)) is not None  # type: ignore[misc]

        assert held() == before, disk.met[at - 1]
        assert is_whole(place, NEAR)
        assert is_whole(place) or verb == "remove"
        DirectoryStore("d", str(place)).sweep(FUTURE_NS)
        assert is_clean(place)
    assert failed > 2


def use(place: Path, verb: str, disk: Disk) -> None:
    store = DirectoryStore("d", str(place), disk=disk, sleep=no_sleep)
    if verb == "remove":
        stored = DirectoryStore("d", str(place)).find(KEY)
        assert stored
        assert store.remove(stored)
    elif verb == "open":
        assert whole(store, KEY) == CONTENT
    elif verb == "list":
        assert len(list(store.list())) == 2
    elif verb == "sweep":
        store.sweep(FUTURE_NS)
    elif verb == "check":
        store.check()
    else:
        assert getattr(store, verb)(KEY)


def test_calls_that_take_and_give_little_are_repeated(place: Path) -> None:
    store = DirectoryStore("d", str(place), disk=ShortDisk())

    store.put(KEY, source_of(content_of(5000)), lambda: ABOUT)

    assert whole(store, KEY) == content_of(5000)
    assert store.about(KEY) == ABOUT
    store.check()


def test_a_disk_that_takes_nothing_more_does_not_hold_us_for_ever(place: Path) -> None:
    class Deaf(Disk):
        def write(self, descriptor: int, data: memoryview) -> int:
            return 0

    with pytest.raises(StoreUnavailable):
        put(place, Deaf())

    assert is_clean(place)


def test_what_shrank_before_it_was_published_is_not(place: Path) -> None:
    class Shrinking(Disk):
        def sync(self, descriptor: int) -> None:
            os.ftruncate(descriptor, 10)
            super().sync(descriptor)

    with pytest.raises(StoreUnavailable, match="10 bytes are there of"):
        put(place, Shrinking())

    assert is_clean(place)


def test_a_killed_preparation_is_done_again(tmp_path: Path) -> None:
    for at in range(1, NEVER):
        place = tmp_path / str(at)
        place.mkdir()
        disk = KillingDisk(at=at)
        died = killed(DirectoryStore("d", str(place), disk=disk).prepare)

        store = DirectoryStore("d", str(place))
        identity = store.prepare()
        assert DirectoryStore("d", str(place)).prepare() == identity
        put(place)
        store.sweep(FUTURE_NS)
        assert is_clean(place)
        if not died:
            return


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EMFILE])
def test_a_preparation_that_fails_anywhere_is_done_again(tmp_path: Path, error: int) -> None:
    before = held()
    for at in range(1, NEVER):
        place = tmp_path / str(at)
        place.mkdir()
        disk = FailingDisk(error, at)
        try:
            DirectoryStore("d", str(place), disk=disk).prepare()
        except (StoreFull, StoreUnavailable):
            assert disk.calls >= at  # each of a sweep
        assert held() == before
        identity = DirectoryStore("d", str(place)).prepare()
        assert DirectoryStore("d", str(place), identity=identity).find(KEY) is None
        if disk.calls < at:
            return
