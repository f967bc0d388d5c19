"""A file comes back just as it was, to where nothing is, or not at all."""

import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.act import landing
from storewarden.act.copying import Copied, copy
from storewarden.act.fetching import Fetched, fetch
from storewarden.act.kernel import Kernel
from storewarden.act.landing import Place, tidy
from storewarden.errors import (
    FileUnusable,
    ObjectDamaged,
    ObjectMissing,
    PlaceTaken,
    StorewardenError,
)
from storewarden.store.memory import MemoryStore
from tests.archived import MADE, MARK, MIB, Root, noise, root_at, words
from tests.descriptors import held

NAME = b"a/b\xff\n.png"
NEW = b"new/place/b\xff\n.png"
FOLDER = [b".storewarden", b".storewarden/tmp"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for the disk: a process that is killed loses nothing that it wrote."""
    monkeypatch.setattr(os, "fsync", os.fstat)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    with root_at(tmp_path / "root") as root:
        yield root


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("cold")


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stand in for a file system that makes no files without a name."""
    if request.param == "named":
        without_unnamed(monkeypatch)
    way: str = request.param
    return way


def without_unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refusing(name: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(name, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)


def kept(root: Root, store: MemoryStore, content: bytes, name: bytes = NAME) -> Copied:
    """Copy a file with everything a file can have, and take it away."""
    path = root.path(root.write(name, content))
    os.setxattr(path, b"user.rating", b"5")
    os.chmod(path, 0o640)
    os.utime(path, ns=(-7, 1_234_567_890_123_456_789))
    done = copy(root.source(name), store, MARK, MADE)
    os.unlink(path)
    return done


def right(root: Root, name: bytes, content: bytes) -> bool:
    status = root.status(name)
    return (
        root.read(name) == content
        and stat.S_ISREG(status.st_mode)
        and stat.S_IMODE(status.st_mode) == 0o640
        and status.st_mtime_ns == 1_234_567_890_123_456_789
        and status.st_nlink == 1
        and os.getxattr(root.path(name), b"user.rating") == b"5"
    )


def test_a_file_is_durable_before_it_has_a_name_and_its_name_when_it_is_said_to_be_there(
    root: Root, store: MemoryStore, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = kept(root, store, words(100_000))
    steps: list[object] = []

    def noted(call: Callable[..., object], what: Callable[..., object]) -> Callable[..., object]:
        def noting(*arguments: object, **named: object) -> object:
            steps.append(what(*arguments))
            return call(*arguments, **named)

        return noting

    def synced(descriptor: int) -> tuple[int, int]:
        status = os.fstat(descriptor)
        return status.st_ino, status.st_size if stat.S_ISREG(status.st_mode) else 0

    monkeypatch.setattr(os, "fsync", noted(os.fsync, synced))
    monkeypatch.setattr(os, "link", noted(os.link, lambda *_: "named"))
    monkeypatch.setattr(Kernel, "rename", noted(Kernel.rename, lambda *_: "named"))

    identity = fetch(store, done.stored.key, root.place(NEW)).identity

    above = [root.status(name).st_ino for name in (b"new/place", b"new", b"")]
    assert steps == [(identity.inode, 100_000), "named", *((inode, 0) for inode in above)]


@pytest.mark.parametrize("size", [0, 1, MIB, 5 * MIB + 3])
@pytest.mark.parametrize("kind", [words, noise, bytes])
def test_a_file_comes_back_just_as_it_was(
    root: Root, store: MemoryStore, way: str, kind: Callable[[int], bytes], size: int
) -> None:
    content = kind(size)
    done = kept(root, store, content)
    passed: list[int] = []

    fetched = fetch(store, done.stored.key, root.place(NAME), done.content.digest, passed.append)

    assert right(root, NAME, content)
    assert fetched == Fetched(done.about, root.identity(NAME), ())
    assert sum(passed) == size
    assert root.names() == sorted([*FOLDER, b"a", NAME])
    assert stat.S_IMODE(root.status(b".storewarden/tmp").st_mode) == 0o700


def test_directories_are_made_like_the_one_above_them(root: Root, store: MemoryStore) -> None:
    done = kept(root, store, b"content")
    os.chmod(root.directory, 0o2775)
    before = os.umask(0o077)
    try:
        fetch(store, done.stored.key, root.place(NEW))
    finally:
        os.umask(before)

    assert right(root, NEW, b"content")
    for made in (b"new", b"new/place"):
        assert stat.S_IMODE(root.status(made).st_mode) == 0o2775


def test_a_place_elsewhere_gets_the_file_and_nothing_of_ours(
    root: Root, store: MemoryStore, way: str, tmp_path: Path
) -> None:
    done = kept(root, store, b"content")
    with root_at(tmp_path / "elsewhere") as elsewhere:
        place = Place(elsewhere.descriptor, b"in/file", "elsewhere/in/file", own_folder=False)

        fetch(store, done.stored.key, place)

        assert right(elsewhere, b"in/file", b"content")
        assert elsewhere.names() == [b"in", b"in/file"]


def test_holes_are_made_again(root: Root, store: MemoryStore) -> None:
    size = 1 << 30
    with open(root.path(b"sparse"), "wb") as file:
        file.truncate(size)
        for at in (5 * MIB - 10, 5 * MIB + 70_000, size // 2):
            file.seek(at)
            file.write(noise(30_000))
    done = copy(root.source(b"sparse"), store, MARK, MADE)

    fetched = fetch(store, done.stored.key, root.place(b"back"), done.content.digest)

    assert fetched.identity.size == size
    assert root.status(b"back").st_blocks * 512 < MIB
    again = copy(root.source(b"back"), store, MARK, MADE)
    assert again.content.digest == done.content.digest


@pytest.mark.parametrize("tail", [0, 1, 16 << 10, (16 << 10) + 1, 100_000])
def test_zeros_anywhere_in_a_sparse_file_come_back_as_zeros(
    root: Root, store: MemoryStore, tail: int
) -> None:
    parts = [bytes(20_000), b"x", bytes(16 << 10), noise(50_000), bytes(40_000), b"y", bytes(tail)]
    content = b"".join(parts)
    with open(root.path(b"sparse"), "wb") as file:
        file.truncate(4 * MIB)
        file.seek(3)
        file.write(content)
        file.truncate(4 * MIB + tail)
    whole = root.read(b"sparse")
    done = copy(root.source(b"sparse"), store, MARK, MADE)

    fetch(store, done.stored.key, root.place(b"back"))

    assert root.read(b"back") == whole


def test_a_file_without_holes_gets_none(root: Root, store: MemoryStore) -> None:
    done = kept(root, store, bytes(3 * MIB))

    fetch(store, done.stored.key, root.place(NAME))

    assert root.status(NAME).st_blocks * 512 >= 3 * MIB


def test_what_is_lacking_is_said(root: Root, store: MemoryStore) -> None:
    os.chmod(root.path(root.write(NAME, b"content")), 0o4755)
    done = copy(root.source(NAME), store, MARK, MADE)

    (lacking,) = fetch(store, done.stored.key, root.place(b"one")).lacking
    assert lacking.startswith("mode 4755: it is 0755")
    assert fetch(store, done.stored.key, root.place(b"two"), rights=True).lacking == ()
    assert stat.S_IMODE(root.status(b"two").st_mode) == 0o4755


def test_a_place_on_another_file_system_in_the_root_is_reached(
    store: MemoryStore, root: Root, way: str
) -> None:
    done = kept(root, store, b"content")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as inside, root_at(Path("/")) as whole:
        if os.stat("/").st_dev == os.stat(inside).st_dev:
            pytest.skip("there is only one file system here")
        place = Place(whole.descriptor, os.fsencode(inside)[1:] + b"/in/file", "in a mount")

        fetch(store, done.stored.key, place)

        assert right(whole, place.path, b"content")
        assert os.listdir(inside) == ["in"]
    assert not os.path.lexists("/.storewarden")


def test_a_directory_that_cannot_be_like_the_one_above_it_is_said(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = kept(root, store, b"content")
    real_owner, real_mode = os.fchown, os.fchmod

    def denied(call: Callable[..., None]) -> Callable[..., None]:
        def denying(descriptor: int, *arguments: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise PermissionError(1, "Operation not permitted")
            call(descriptor, *arguments)

        return denying

    monkeypatch.setattr(os, "fchown", denied(real_owner))
    monkeypatch.setattr(os, "fchmod", denied(real_mode))

    fetched = fetch(store, done.stored.key, root.place(b"new/file"))

    assert fetched.lacking == (
        "owner of the directory new: Operation not permitted",
        "mode of the directory new: Operation not permitted",
    )
    assert right(root, b"new/file", b"content")


def test_a_directory_that_another_makes_at_the_same_time_is_used(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = kept(root, store, b"content")
    real = os.mkdir

    def beaten(name: bytes, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        real(name, mode, dir_fd=dir_fd)
        real(name, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", beaten)

    fetch(store, done.stored.key, root.place(NEW))

    assert right(root, NEW, b"content")


# -- never over something ---------------------------------------------------------------------


def other_file(root: Root) -> None:
    root.write(NAME, b"somebody's")


def other_file_of_its_size(root: Root) -> None:
    root.write(NAME, b"CONTENT")


def directory(root: Root) -> None:
    os.makedirs(root.path(NAME))


def link(root: Root) -> None:
    root.write(b"target", b"content")
    os.symlink(b"../target", root.path(NAME))


def dangling_link(root: Root) -> None:
    os.symlink(b"../target", root.path(NAME))


def linked_directory(root: Root) -> None:
    os.rmdir(root.path(b"a"))
    os.mkdir(root.path(b"real"))
    os.symlink(b"real", root.path(b"a"))


def file_for_a_directory(root: Root) -> None:
    os.rmdir(root.path(b"a"))
    root.write(b"a", b"file")


OBSTACLES = [
    *(other_file, other_file_of_its_size, directory, link, dangling_link),
    *(linked_directory, file_for_a_directory),
]


@pytest.mark.parametrize("make", OBSTACLES)
def test_what_is_there_stays(root: Root, store: MemoryStore, make: Callable[[Root], None]) -> None:
    done = kept(root, store, b"content")
    make(root)
    before = {name: root.status(name) for name in root.names()}

    with pytest.raises(PlaceTaken):
        fetch(store, done.stored.key, root.place(NAME))

    assert {name: root.status(name) for name in root.names()} == before


@pytest.mark.parametrize("make", OBSTACLES)
def test_what_comes_while_it_is_fetched_stays(
    root: Root, store: MemoryStore, way: str, make: Callable[[Root], None]
) -> None:
    done = kept(root, store, b"content")
    seen: dict[bytes, os.stat_result] = {}

    def interfere(_size: int) -> None:
        make(root)
        seen.update({name: root.status(name) for name in root.names() if name != NAME[:0]})

    with pytest.raises(PlaceTaken):
        fetch(store, done.stored.key, root.place(NAME), progress=interfere)

    now = {name: root.status(name) for name in root.names()}
    ours = {name for name in (*now, *seen) if name.startswith(b".storewarden")}
    assert {name: now[name] for name in now if name not in ours} == {
        name: seen[name] for name in seen if name not in ours
    }
    assert not [name for name in ours if name in now and name not in FOLDER]


def test_a_file_with_this_very_content_is_left_as_it_is(root: Root, store: MemoryStore) -> None:
    done = kept(root, store, b"content")
    root.write(NAME, b"content")
    before, descriptors = root.status(NAME), held()

    fetched = fetch(store, done.stored.key, root.place(NAME))

    assert fetched.there_already
    assert fetched.lacking == ("mode and times: it was there already, and was left alone",)
    assert root.status(NAME) == before
    assert fetched.identity == root.identity(NAME)
    assert held() == descriptors


def test_a_file_that_came_back_before_is_there_and_lacks_nothing(
    root: Root, store: MemoryStore
) -> None:
    done = kept(root, store, b"content")
    first = fetch(store, done.stored.key, root.place(NAME))

    again = fetch(store, done.stored.key, root.place(NAME))

    assert (again.there_already, again.lacking) == (True, ())
    assert again.identity == first.identity


@pytest.mark.parametrize(
    "path", [b"../out", b"a/../../out", b"/etc/out", b"a//b", b"./a", b"", b".storewarden/x"]
)
def test_a_place_that_is_none_below_its_root_is_refused(
    root: Root, store: MemoryStore, path: bytes
) -> None:
    done = kept(root, store, b"content")

    with pytest.raises(PlaceTaken):
        fetch(store, done.stored.key, root.place(path))

    assert root.names() == [b"a"]


# -- what is wrong with the object ------------------------------------------------------------


def cut(store: MemoryStore, key: str, whole: bytes) -> None:
    store.hurt(key, whole[: len(whole) // 2])


def flipped(store: MemoryStore, key: str, whole: bytes) -> None:
    store.hurt(key, whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])


def longer(store: MemoryStore, key: str, whole: bytes) -> None:
    store.hurt(key, whole + b"more")


def tells_nothing(store: MemoryStore, key: str, whole: bytes) -> None:
    store.spoil_about(key)


@pytest.mark.parametrize("hurt", [cut, flipped, longer, tells_nothing])
@pytest.mark.parametrize("kind", [words, noise])
def test_a_damaged_object_leaves_nothing(
    root: Root,
    store: MemoryStore,
    way: str,
    kind: Callable[[int], bytes],
    hurt: Callable[[MemoryStore, str, bytes], None],
) -> None:
    done = kept(root, store, kind(5 * MIB))
    with store.open(done.stored.key) as opened:
        whole = opened.read(-1)
    hurt(store, done.stored.key, whole)
    threads, descriptors = threading.active_count(), held()

    with pytest.raises(ObjectDamaged):
        fetch(store, done.stored.key, root.place(NEW))

    assert set(root.names()) <= {b"a", *FOLDER}
    assert threading.active_count() == threads
    assert held() == descriptors


def test_an_object_that_tells_of_another_content_leaves_nothing(
    root: Root, store: MemoryStore
) -> None:
    done = kept(root, store, b"content")

    with pytest.raises(ObjectDamaged, match="another content"):
        fetch(store, done.stored.key, root.place(NAME), bytes(32))

    assert root.names() == [b"a"]


def test_a_missing_object_leaves_nothing(root: Root, store: MemoryStore) -> None:
    with pytest.raises(ObjectMissing):
        fetch(store, f"renders/a~{MARK}", root.place(NAME))

    assert root.names() == []


class Stopped(Exception):
    pass


def test_it_can_be_stopped_between_pieces_and_leaves_nothing(
    root: Root, store: MemoryStore, way: str
) -> None:
    done = kept(root, store, noise(5 * MIB))
    threads = threading.active_count()

    def stop(_size: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        fetch(store, done.stored.key, root.place(NAME), progress=stop)

    assert root.names() == sorted([*FOLDER, b"a"])
    assert threading.active_count() == threads


# -- our folder -------------------------------------------------------------------------------


def test_a_folder_of_ours_that_others_may_write_to_is_not_used(
    root: Root, store: MemoryStore
) -> None:
    done = kept(root, store, b"content")
    os.makedirs(root.path(b".storewarden/tmp"))
    os.chmod(root.path(b".storewarden/tmp"), 0o777)

    with pytest.raises(FileUnusable, match="chmod go-w"):
        fetch(store, done.stored.key, root.place(NAME))


def test_a_folder_of_ours_that_is_a_link_is_not_used(
    root: Root, store: MemoryStore, tmp_path: Path
) -> None:
    done = kept(root, store, b"content")
    (tmp_path / "theirs").mkdir()
    os.symlink(tmp_path / "theirs", root.path(b".storewarden"))

    with pytest.raises(StorewardenError):
        fetch(store, done.stored.key, root.place(NAME))

    assert list((tmp_path / "theirs").iterdir()) == []


def test_what_never_came_to_its_place_is_removed_when_it_is_old(root: Root) -> None:
    assert tidy(root.descriptor, 1 << 62) == 0
    old, new = (
        root.write(b".storewarden/tmp/.storewarden-coming-" + name, b"") for name in (b"1", b"2")
    )
    root.write(b".storewarden/tmp/other", b"not ours to judge")
    os.utime(root.path(old), ns=(100, 100))

    assert tidy(root.descriptor, 1000) == 1
    assert root.names() == sorted([*FOLDER, new, b".storewarden/tmp/other"])
    assert landing.FOLDER == b"tmp"
