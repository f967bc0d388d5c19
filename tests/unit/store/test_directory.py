"""What only a store in a directory promises: the right disk, no links, files people can read."""

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store import half
from storewarden.store.contract import Stored
from storewarden.store.directory import DirectoryStore
from storewarden.store.disk import Disk
from storewarden.store.ground import alone_with, enter
from tests.mounts import namespace
from tests.stores import FUTURE_NS, MIB, content_of, source_of, whole

KEY: Final = "root/films/a.mp4~abcdefgh234567aa"
ABOUT: Final = b'{"size": 7}'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "store"
    place.mkdir()
    return place


@pytest.fixture
def store(place: Path) -> DirectoryStore:
    store = DirectoryStore("cold", str(place))
    store.prepare()
    return store


def put(store: DirectoryStore, key: str = KEY, content: bytes = b"content") -> Stored:
    return store.put(key, source_of(content), lambda: ABOUT)


def every_call(store: DirectoryStore) -> list[Callable[[], object]]:
    return [
        lambda: put(store),
        lambda: store.find(KEY),
        lambda: store.about(KEY),
        lambda: store.open(KEY),
        lambda: list(store.list()),
        lambda: store.remove(Stored(KEY, 7, "")),
        lambda: store.sweep(FUTURE_NS),
        store.space,
        store.check,
    ]


def refused(
    store: DirectoryStore, kind: type[StorewardenError], why: str, remedy: str = ""
) -> None:
    for call in every_call(store):
        with pytest.raises(kind, match=why) as caught:
            call()
        assert caught.value.where.startswith("cold: ")
        assert remedy in caught.value.remedy


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    store = DirectoryStore("cold", str(tmp_path / "gone"))

    refused(store, StoreUnavailable, "not there", "mount its disk")
    with pytest.raises(StoreUnavailable, match="not there"):
        store.prepare()

    assert os.listdir(tmp_path) == []


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    refused(DirectoryStore("cold", str(tmp_path / "file")), StoreRefused, "no directory")


def test_an_empty_directory_is_not_taken_for_a_store_whose_disk_is_away(place: Path) -> None:
    refused(DirectoryStore("cold", str(place)), StoreUnavailable, "marker", "mount its disk")

    assert os.listdir(place) == []


def test_a_store_whose_disk_went_away_is_not_made_anew(place: Path, store: DirectoryStore) -> None:
    put(store)
    place.rename(place.with_name("unmounted"))
    place.mkdir()

    refused(store, StoreUnavailable, "marker")
    with pytest.raises(StoreUnavailable, match="marker"):
        store.prepare()  # it knows that there was one
    assert os.listdir(place) == []

    place.rmdir()
    place.with_name("unmounted").rename(place)
    assert whole(store, KEY) == b"content"


def test_another_store_at_its_place_is_refused(place: Path, store: DirectoryStore) -> None:
    identity = store.prepare()
    place.rename(place.with_name("first"))
    place.mkdir()
    other = DirectoryStore("cold", str(place)).prepare()
    assert other != identity

    refused(store, StoreUnavailable, "another store", "mount the disk")
    known = DirectoryStore("cold", str(place), identity=identity)
    refused(known, StoreUnavailable, identity)
    with pytest.raises(StoreUnavailable, match="another store"):
        known.prepare()

    assert list(DirectoryStore("cold", str(place), identity=other).list()) == []


def test_a_store_is_prepared_once(place: Path, store: DirectoryStore) -> None:
    stored = put(store)

    assert {DirectoryStore("cold", str(place)).prepare() for _ in range(3)} == {store.prepare()}
    assert store.find(KEY) == stored


def test_of_many_that_prepare_at_once_all_get_the_same(place: Path) -> None:
    found: list[str] = []

    def prepare() -> None:
        found.append(DirectoryStore("cold", str(place)).prepare())

    threads = [threading.Thread(target=prepare) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert os.listdir(place / ".storewarden" / "half") == []


@pytest.mark.parametrize("marker", [b"", b"\xff", b"[]", b'{"store": 5}', b'{"store": "no"}'])
def test_a_damaged_marker_is_no_marker_and_is_not_replaced(
    place: Path, store: DirectoryStore, marker: bytes
) -> None:
    (place / ".storewarden" / "store").write_bytes(marker)

    refused(DirectoryStore("cold", str(place)), StoreUnavailable, "marker")
    with pytest.raises(StoreRefused, match="cannot be read"):
        DirectoryStore("cold", str(place)).prepare()

    assert (place / ".storewarden" / "store").read_bytes() == marker


def test_the_path_of_a_store_may_be_a_link(place: Path, store: DirectoryStore) -> None:
    (place.parent / "link").symlink_to(place)

    stored = put(DirectoryStore("cold", str(place.parent / "link")))

    assert store.find(KEY) == stored


def test_links_inside_lead_nowhere(place: Path, store: DirectoryStore) -> None:
    outside = place.parent / "outside"
    (outside / "films").mkdir(parents=True)
    (outside / "films" / "a.mp4~abcdefgh234567aa").write_bytes(b"secret")
    (place / "root").symlink_to(outside)

    for call in every_call(store)[:4]:
        with pytest.raises(StorewardenError) as caught:
            call()
        assert type(caught.value) in {StoreRefused, ObjectMissing}
    with pytest.raises(StoreRefused, match="link"):
        list(store.list("root/films/"))
    assert list(store.list()) == []
    store.sweep(FUTURE_NS)

    assert [path.name for path in outside.rglob("*")] == ["films", "a.mp4~abcdefgh234567aa"]
    assert os.listdir(place / ".storewarden" / "half") == []


@pytest.mark.parametrize("what", ["link", "fifo", "socket"])
def test_what_is_no_file_is_no_object_and_holds_nobody_up(
    place: Path, store: DirectoryStore, what: str
) -> None:
    stored = put(store)
    store.remove(stored)
    (place / "root" / "films").mkdir(parents=True)
    if what == "link":
        (place / KEY).symlink_to("/etc/passwd")
    else:
        os.mknod(place / KEY, stat.S_IFIFO if what == "fifo" else stat.S_IFSOCK)

    for call in (lambda: store.find(KEY), lambda: store.open(KEY), lambda: store.about(KEY)):
        with pytest.raises(ObjectDamaged, match="no regular file"):
            call()
    with pytest.raises(ObjectDamaged, match="no regular file"):
        store.remove(stored)
    with pytest.raises(ObjectExists):
        put(store)
    assert list(store.list()) == []
    assert os.path.lexists(place / KEY)


@pytest.mark.parametrize("what", ["link", "fifo"])
def test_an_about_that_is_no_file_is_damaged_and_holds_nobody_up(
    place: Path, store: DirectoryStore, what: str
) -> None:
    put(store)
    put(store, f"{KEY}x")
    (place / f"{KEY}.about").unlink()
    replace(place / f"{KEY}.about", what, place / f"{KEY}x.about")

    with pytest.raises(ObjectDamaged):
        store.about(KEY)
    assert whole(store, KEY) == b"content"


@pytest.mark.parametrize("what", ["link", "fifo"])
@pytest.mark.parametrize("ending", ["", ".about"])
def test_what_is_replaced_between_looking_and_opening_is_not_followed(
    place: Path, store: DirectoryStore, what: str, ending: str
) -> None:
    secret = place.parent / "secret"
    secret.write_bytes(half.Told(b"secret", 7).written())
    put(store)

    class Racing(Disk):
        def stat(self, name: bytes, directory: int) -> os.stat_result:
            found = super().stat(name, directory)
            if name == os.path.basename(f"{KEY}{ending}").encode():
                (place / f"{KEY}{ending}").unlink()
                replace(place / f"{KEY}{ending}", what, secret)
            return found

    racing = DirectoryStore("cold", str(place), disk=Racing())
    with pytest.raises((StoreRefused, StoreUnavailable)):
        racing.about(KEY) if ending else whole(racing, KEY)


def replace(path: Path, what: str, target: Path) -> None:
    if what == "link":
        path.symlink_to(target)
    else:
        os.mkfifo(path)


def test_a_directory_that_bears_a_key_is_no_object(place: Path, store: DirectoryStore) -> None:
    (place / KEY).mkdir(parents=True)

    assert store.find(KEY) is None
    assert list(store.list()) == []
    with pytest.raises(ObjectExists):
        put(store)


def test_an_object_on_the_way_refuses_what_would_lie_below_it(store: DirectoryStore) -> None:
    put(store)

    with pytest.raises(StoreRefused, match="directory"):
        put(store, f"{KEY}/below")

    assert store.find(f"{KEY}/below") is None
    assert whole(store, KEY) == b"content"


def test_what_others_put_there_is_not_listed_and_not_swept(
    place: Path, store: DirectoryStore
) -> None:
    put(store)
    strange = [place / "lost+found" / "#12", place / ".Trash" / "x", place / "root" / "a b.txt"]
    strange.append(Path(os.fsdecode(os.fsencode(place) + b"/root/\xff")))
    strange.append(place / "root" / "notes.about")
    for path in strange:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")

    store.sweep(FUTURE_NS)

    assert [entry.key for entry in store.list()] == [KEY]
    assert all(path.read_bytes() == b"mine" for path in strange)


def test_a_folder_that_only_root_may_read_is_not_looked_into(
    place: Path, store: DirectoryStore
) -> None:
    class Watching(Disk):
        def open_below(self, root: int, path: bytes) -> int:
            if b"lost+found" in path or path.startswith(b"."):
                raise PermissionError(13, "of root")
            return super().open_below(root, path)

    (place / "lost+found").mkdir()
    put(store)

    watching = DirectoryStore("cold", str(place), disk=Watching())
    assert [entry.key for entry in watching.list()] == [KEY]
    assert watching.sweep(FUTURE_NS) == 0


def test_people_find_an_object_and_what_it_tells_by_their_names(
    place: Path, store: DirectoryStore
) -> None:
    put(store)

    assert (place / KEY).read_bytes() == b"content"
    header, about = (place / f"{KEY}.about").read_bytes().splitlines()
    assert json.loads(header)["bytes"] == 7
    assert about == ABOUT


def test_nobody_else_can_read_what_is_stored(place: Path, store: DirectoryStore) -> None:
    put(store)

    for path in (place / "root").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_rewrite_of_the_same_length_and_time_is_another_object(
    place: Path, store: DirectoryStore
) -> None:
    stored = put(store)
    before = (place / KEY).stat()

    (place / KEY).write_bytes(b"CONTENT")
    os.utime(place / KEY, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert store.find(KEY) != stored
    with pytest.raises(ObjectExists):
        store.remove(stored)
    assert (place / KEY).read_bytes() == b"CONTENT"


def test_an_object_that_grew_is_damaged(place: Path, store: DirectoryStore) -> None:
    put(store)
    with (place / KEY).open("ab") as file:
        file.write(b"more")

    with pytest.raises(ObjectDamaged, match="longer"):
        whole(store, KEY)


def test_an_object_that_tells_nothing_is_there_still(place: Path, store: DirectoryStore) -> None:
    stored = put(store)
    (place / f"{KEY}.about").unlink()

    with pytest.raises(ObjectDamaged, match="missing"):
        store.about(KEY)
    assert store.find(KEY) == stored
    assert [entry.key for entry in store.list()] == [KEY]
    assert whole(store, KEY) == b"content"
    assert store.remove(stored) is True


@pytest.mark.parametrize("size", [0, 1, 40, -1])
def test_a_shortened_about_is_damaged(place: Path, store: DirectoryStore, size: int) -> None:
    put(store)
    about = place / f"{KEY}.about"
    about.write_bytes(about.read_bytes()[:size])

    with pytest.raises(ObjectDamaged):
        store.about(KEY)


def test_a_sweep_takes_what_is_old_and_leaves_what_is_young(
    place: Path, store: DirectoryStore
) -> None:
    (place / "root" / "films").mkdir(parents=True)
    left = [place / ".storewarden" / "half" / "0123", place / f"{KEY}.about"]
    for path in left:
        path.write_bytes(half.Told(b"about", 7).written())
    empty = place / "root" / "made" / "for" / "nothing"
    empty.mkdir(parents=True)
    youngest = max(path.stat().st_ctime_ns for path in (*left, empty))

    assert store.sweep(min(path.stat().st_ctime_ns for path in (*left, empty))) == 0
    assert all(path.exists() for path in (*left, empty))
    assert store.sweep(youngest + 1) == 2
    assert not (place / "root").exists()


def test_a_sweep_goes_on_past_what_is_no_file(place: Path, store: DirectoryStore) -> None:
    (place / "root").mkdir()
    for number, what in enumerate((stat.S_IFIFO, stat.S_IFSOCK)):
        os.mknod(place / "root" / f"{number}.about", what)
        os.mknod(place / "root" / f"{number}", what)
    (place / "root" / "link.about").symlink_to("/etc/passwd")
    (place / "root" / "directory.about").mkdir()
    (place / "root" / "directory.about" / "x").write_bytes(b"")
    (place / ".storewarden" / "half" / "link").symlink_to("/etc/passwd")
    before = set(place.rglob("*"))

    assert store.sweep(FUTURE_NS) == 0

    assert set(place.rglob("*")) == before


def test_room_is_that_of_the_disk(place: Path, store: DirectoryStore) -> None:
    told = os.statvfs(place)
    space = store.space()

    assert space is not None
    assert space.total == told.f_blocks * told.f_frsize
    assert abs(space.free - told.f_bavail * told.f_frsize) < 1 << 30


def test_a_key_that_another_holds_is_waited_for_but_not_for_ever(
    place: Path, store: DirectoryStore
) -> None:
    stored = put(store)
    waits: list[float] = []
    waiting = DirectoryStore("cold", str(place), sleep=waits.append)
    held = threading.Event()
    done = threading.Event()

    def hold() -> None:
        with enter(Disk(), str(place), "cold") as ground, alone_with(ground, KEY, waits.append):
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        with pytest.raises(StoreUnavailable, match="held"):
            waiting.remove(stored)
        assert 10 < sum(waits) < 60
        assert waiting.find(KEY) == stored
        put(waiting, f"{KEY}x")  # others are not held up
    finally:
        done.set()
        holder.join()

    assert waiting.remove(stored) is True


def test_reading_asks_the_disk_and_not_the_memory(place: Path, store: DirectoryStore) -> None:
    skip_unless_memory_is_told(place)
    put(store, content=content_of(4 * MIB))
    assert not is_in_memory(place / KEY)
    assert (place / KEY).read_bytes() == content_of(4 * MIB)
    assert is_in_memory(place / KEY)

    with store.open(KEY) as opened:
        assert not is_in_memory(place / KEY)
        while opened.read(MIB):
            pass
    assert not is_in_memory(place / KEY)


@pytest.mark.parametrize(("written", "in_memory"), [(3, True), (6, False)])
def test_a_large_object_does_not_push_out_what_others_work_with(
    place: Path,
    store: DirectoryStore,
    monkeypatch: pytest.MonkeyPatch,
    written: int,
    *,
    in_memory: bool,
) -> None:
    skip_unless_memory_is_told(place)
    monkeypatch.setattr(half, "SYNC_EVERY", 4 * MIB)

    class Source:
        pieces = 0
        found: bool | None = None

        def read(self, size: int, /) -> bytes:
            if self.pieces == written:  # once: asking makes the kernel read it again
                (path,) = (place / ".storewarden" / "half").iterdir()
                self.found = is_in_memory(path)
            self.pieces += 1
            return content_of(MIB) if self.pieces <= 8 else b""

    source = Source()
    store.put(KEY, source, lambda: ABOUT)

    assert source.found is in_memory


def skip_unless_memory_is_told(place: Path) -> None:
    if b"ext" not in filesystem(place):
        pytest.skip("only asked of ext4: others may know no better")


def is_in_memory(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.preadv(descriptor, [bytearray(4096)], 2 * MIB, os.RWF_NOWAIT) > 0
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def filesystem(path: Path) -> bytes:
    return subprocess.run(["stat", "-fc", "%T", path], stdout=subprocess.PIPE, check=True).stdout


IN_NAMESPACE: Final = """
import io, os, subprocess, sys
from storewarden.errors import *
from storewarden.store.directory import DirectoryStore
place = sys.argv[1]
def mount(*words):
    subprocess.run(["mount", *words], check=True)
def put(store, key, content=b"content"):
    return store.put(key, io.BytesIO(content), lambda: b"about")
def told(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind, error
        assert error.remedy, error
        assert not os.listdir(place + "/.storewarden/half"), os.listdir(place)
    else:
        raise AssertionError(f"{kind} was not raised")

mount("-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "none", place)
store = DirectoryStore("cold", place)
identity = store.prepare()
stored = put(store, "root/a~1")
told(StoreFull, lambda: put(store, "root/b~1", bytes(2 << 20)))
told(StoreFull, lambda: [put(store, f"root/many/{n}") for n in range(20)])  # of its inodes
assert [entry.key for entry in store.list("root/a")] == ["root/a~1"]
subprocess.run(["rm", "-r", place + "/root/many"], check=True)
store.check()

os.mkdir(place + "/inner")
mount("-t", "tmpfs", "none", place + "/inner")
told(StoreRefused, lambda: put(store, "inner/a~1"))
assert not os.listdir(place + "/inner")
subprocess.run(["umount", place + "/inner"], check=True)

mount("-o", "remount,ro", place)
told(StoreRefused, lambda: put(store, "root/b~1"))
told(StoreRefused, lambda: store.remove(stored))
told(StoreRefused, store.check)
assert store.find("root/a~1") == stored
with store.open("root/a~1") as opened:
    assert opened.read(100) == b"content"

mount("-o", "remount,rw", place)
store.check()
subprocess.run(["umount", place], check=True)
try:
    put(store, "root/b~1")
except StoreUnavailable as error:
    assert "marker" in str(error), error
else:
    raise AssertionError("it was stored on the disk below")
assert not os.listdir(place)
"""


def test_a_disk_that_is_full_read_only_or_unmounted(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.mkdir()
    with namespace() as inside:
        inside.run(sys.executable, "-c", IN_NAMESPACE, place)
