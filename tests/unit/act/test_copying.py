"""A copy holds exactly what the file was, or there is none."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.act import copying
from storewarden.act.about import from_bytes
from storewarden.act.copying import Copied, Progress, Source, copy, keys, verify
from storewarden.act.proof import Content
from storewarden.below import open_below
from storewarden.errors import (
    FileChanged,
    FileUnusable,
    ObjectDamaged,
    ObjectExists,
    StoreFull,
)
from storewarden.store.contract import Reader, Stored, Telling
from storewarden.store.memory import MemoryStore
from tests.archived import MADE, MARK, MIB, Root, noise, root_at, words
from tests.descriptors import held

NAME = b"a/b\xff\n.png"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    with root_at(tmp_path / "root") as root:
        yield root


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("cold")


def copied(root: Root, store: MemoryStore, name: bytes = NAME, **named: object) -> Copied:
    return copy(root.source(name), store, MARK, MADE, **named)  # type: ignore[arg-type]


# -- what is copied ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 4096, MIB, 2 * MIB + 1, 20 * MIB])
@pytest.mark.parametrize("kind", [words, noise, bytes])
def test_a_copy_is_proven_and_tells_all_of_its_file(
    root: Root, store: MemoryStore, size: int, kind: Callable[[int], bytes]
) -> None:
    content = kind(size)
    root.write(NAME, content)
    identity = root.identity(NAME)

    done = copied(root, store)
    proof = verify(store, done.stored, done.content)

    assert done.content == Content(identity, blake3(content).digest())
    assert proof.copies == (("cold", done.stored),)
    assert from_bytes(store.about(done.stored.key), "") == done.about
    about = done.about
    assert (about.host, about.root, about.root_uuid, about.path) == (
        "host",
        "renders",
        "uuid",
        NAME,
    )
    assert (about.mark, about.made_ns, about.size) == (MARK, MADE, size)
    with store.open(done.stored.key) as opened:
        stored = opened.read(-1)
    assert (about.stored_bytes, about.stored_digest) == (len(stored), blake3(stored).digest())
    assert about.stored_bytes == done.stored.bytes
    assert root.read(NAME) == content
    assert root.identity(NAME) == identity


def test_what_packing_saves_is_packed_and_called_so(root: Root, store: MemoryStore) -> None:
    packed = copied(root, store, root.write(b"text", words(100_000)))
    plain = copied(root, store, root.write(b"noise", noise(100_000)))
    unasked = copied(root, store, root.write(b"other", words(100_000)), wanted="none")

    assert (packed.about.codec, plain.about.codec, unasked.about.codec) == ("zstd", "none", "none")
    assert packed.stored.key == f"renders/text~{MARK}.zst"
    assert plain.stored.key == f"renders/noise~{MARK}"
    assert packed.stored.bytes < 60_000
    for done in (packed, plain, unasked):
        assert done.stored.key == keys("renders", done.about.path, MARK)[done.about.codec]


def test_what_can_be_packed_only_in_its_middle_is_packed(root: Root, store: MemoryStore) -> None:
    content = noise(5 * MIB) + bytes(3 * MIB) + noise(2 * MIB)

    assert copied(root, store, root.write(NAME, content)).about.codec == "zstd"


def test_a_file_with_holes_is_copied_without_reading_them(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 4 << 30
    with open(root.path(b"sparse"), "wb") as file:
        file.truncate(size)
        file.seek(3 * MIB)
        file.write(noise(100))
        file.seek(size - 5)
        file.write(b"right")
    read = 0
    real = os.pread

    def counted(descriptor: int, length: int, at: int) -> bytes:
        nonlocal read
        piece = real(descriptor, length, at)
        read += len(piece)
        return piece

    monkeypatch.setattr(os, "pread", counted)

    done = copied(root, store, b"sparse")
    verify(store, done.stored, done.content)

    assert read < 16 * MIB
    assert done.stored.bytes < MIB
    assert done.about.attributes.sparse


def test_a_file_system_that_does_not_tell_of_holes_has_its_zeros_read(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(root.path(b"sparse"), "wb") as file:
        file.truncate(8 * MIB)

    def never(_descriptor: int, _at: int, what: int) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "lseek", never)

    assert copied(root, store, b"sparse").content.digest == blake3(bytes(8 * MIB)).digest()


def test_progress_tells_of_every_byte_of_the_content(root: Root, store: MemoryStore) -> None:
    passed: list[int] = []

    copied(root, store, root.write(NAME, words(5 * MIB + 3)), progress=passed.append)

    assert sum(passed) == 5 * MIB + 3
    assert max(passed) <= MIB


class Stopped(Exception):
    pass


def stopping_after(most: int) -> Progress:
    passed = 0

    def progress(size: int) -> None:
        nonlocal passed
        passed += size
        if passed > most:
            raise Stopped

    return progress


@pytest.mark.parametrize("size", [MIB, 20 * MIB])
@pytest.mark.parametrize("kind", [words, noise])
def test_a_copy_can_be_stopped_between_pieces_and_leaves_nothing(
    root: Root, store: MemoryStore, size: int, kind: Callable[[int], bytes]
) -> None:
    threads = threading.active_count()

    with pytest.raises(Stopped):
        copied(root, store, root.write(NAME, kind(size)), progress=stopping_after(size // 2))

    assert list(store.list()) == []
    assert threading.active_count() == threads


def test_reading_leaves_no_trace_but_what_the_kernel_keeps(root: Root, store: MemoryStore) -> None:
    root.write(NAME, words(100))
    os.utime(root.path(NAME), ns=(5, 6))
    before = root.status(NAME)

    copied(root, store)

    assert root.status(NAME) == before
    assert root.names() == [b"a", NAME]


# -- what is not ------------------------------------------------------------------------------


def rewritten(root: Root) -> None:
    with open(root.path(NAME), "r+b") as file:
        file.write(b"CHANGED")


def truncated(root: Root) -> None:
    os.truncate(root.path(NAME), 10)


def emptied(root: Root) -> None:
    os.truncate(root.path(NAME), 0)


def grown(root: Root) -> None:
    with open(root.path(NAME), "ab") as file:
        file.write(b"more")


def replaced(root: Root) -> None:
    size = root.status(NAME).st_size
    root.write(b"new", words(size)[::-1])
    os.rename(root.path(b"new"), root.path(NAME))


def removed(root: Root) -> None:
    os.unlink(root.path(NAME))


def renamed(root: Root) -> None:
    os.rename(root.path(NAME), root.path(b"elsewhere"))


def touched(root: Root) -> None:
    os.utime(root.path(NAME))


def rewritten_with_its_old_times(root: Root) -> None:
    status = root.status(NAME)
    rewritten(root)
    os.utime(root.path(NAME), ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES = [
    *(rewritten, truncated, emptied, grown, replaced, removed, renamed, touched),
    rewritten_with_its_old_times,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_before_is_not_copied(
    root: Root, store: MemoryStore, change: Callable[[Root], None]
) -> None:
    root.write(NAME, words(3 * MIB))
    os.utime(root.path(NAME), ns=(1, 1))  # a tick of the clock ago
    source = root.source(NAME)
    change(root)

    with pytest.raises(FileChanged) as refused:
        copy(source, store, MARK, MADE)

    assert not refused.value.transient
    assert "a/b\\xff" in str(refused.value)
    assert list(store.list()) == []


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [words, noise])
def test_a_file_that_changes_at_any_step_is_not_copied(
    root: Root,
    store: MemoryStore,
    kind: Callable[[int], bytes],
    change: Callable[[Root], None],
    step: int,
) -> None:
    root.write(NAME, kind(5 * MIB))
    os.utime(root.path(NAME), ns=(1, 1))
    seen = 0

    def progress(_size: int) -> None:
        nonlocal seen
        if seen == step:
            change(root)
        seen += 1

    with pytest.raises(FileChanged):
        copied(root, store, progress=progress)

    assert list(store.list()) == []


class Late(MemoryStore):
    """Lets a file change when all of it was read, before the object is told of."""

    change: Callable[[], None]

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        def told() -> bytes:
            self.change()
            return about()

        return super().put(key, source, told)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("size", [0, 100, 3 * MIB])
def test_a_file_that_changes_after_its_last_byte_was_read_is_not_copied(
    root: Root, change: Callable[[Root], None], size: int
) -> None:
    if size == 0 and change in {truncated, emptied}:
        pytest.skip("it is as short as it can be")
    root.write(NAME, words(size))
    os.utime(root.path(NAME), ns=(1, 1))
    store = Late()
    store.change = lambda: change(root)

    with pytest.raises(FileChanged):
        copied(root, store)

    assert list(store.list()) == []


def make_link(root: Root) -> None:
    os.symlink(b"target", root.path(b"odd"))


def make_fifo(root: Root) -> None:
    os.mkfifo(root.path(b"odd"))


def make_directory(root: Root) -> None:
    os.mkdir(root.path(b"odd"))


def make_socket(root: Root) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"/proc/self/fd/{root.descriptor}/odd")


@pytest.mark.parametrize("make", [make_link, make_fifo, make_directory, make_socket])
def test_only_a_regular_file_is_copied(
    root: Root, store: MemoryStore, make: Callable[[Root], None]
) -> None:
    root.write(b"target", b"content")
    make(root)

    with pytest.raises(FileChanged):
        copied(root, store, b"odd")

    assert list(store.list()) == []


def test_a_file_behind_a_link_is_not_copied(root: Root, store: MemoryStore) -> None:
    root.write(b"real/file", b"content")
    os.symlink(b"real", root.path(b"link"))
    source = root.source(b"link/file")

    with pytest.raises(FileChanged):
        copy(source, store, MARK, MADE)


def test_a_key_that_is_taken_is_not_written_over(root: Root, store: MemoryStore) -> None:
    first = copied(root, store, root.write(NAME, words(1000)))
    root.write(NAME, words(2000))

    with pytest.raises(ObjectExists):
        copied(root, store)

    verify(store, first.stored, first.content)


def test_a_full_store_keeps_nothing(root: Root) -> None:
    store = MemoryStore(capacity=MIB)
    threads = threading.active_count()

    with pytest.raises(StoreFull):
        copied(root, store, root.write(NAME, noise(9 * MIB)))

    assert list(store.list()) == []
    assert threading.active_count() == threads


class Hasty(MemoryStore):
    """Asks what an object tells of itself before it has read it."""

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        about()
        return super().put(key, source, about)


class Breaking(MemoryStore):
    """Takes the first bytes, and no more."""

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        source.read(7)
        raise StoreFull("no room", where=key)


def test_a_store_that_does_not_read_to_the_end_is_told_nothing(root: Root) -> None:
    root.write(NAME, noise(20 * MIB))
    threads, descriptors = threading.active_count(), held()

    with pytest.raises(ValueError, match="when all of it was read"):
        copied(root, Hasty())
    with pytest.raises(StoreFull):
        copied(root, Breaking())

    assert threading.active_count() == threads
    assert held() == descriptors


# -- what fails -------------------------------------------------------------------------------


def fails(source: Source, store: MemoryStore) -> bool:
    """Tell whether a copy says of an error that it is one of the file; false if none came."""
    try:
        copy(source, store, MARK, MADE)
    except FileUnusable as error:
        return error.transient and "Input/output error" in str(error)
    return False


@pytest.mark.parametrize("size", [1000, 5 * MIB])
@pytest.mark.parametrize("call", ["pread", "fstat", "lseek", "listxattr", "getxattr"])
def test_an_error_at_any_look_at_the_file_is_told_as_such_and_leaves_nothing(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, call: str, size: int
) -> None:
    root.write(NAME, words(size))
    with open(root.path(NAME), "r+b") as file:
        file.truncate(size + MIB)
    os.setxattr(root.path(NAME), "user.a", b"1")
    descriptors = held()
    real, fired = getattr(os, call), 0
    for step in range(100):
        calls = 0

        def failing(*arguments: object, step: int = step) -> object:
            nonlocal calls
            calls += 1
            if calls == step + 1:
                raise OSError(5, "Input/output error")
            return real(*arguments)

        source = root.source(NAME)
        with monkeypatch.context() as patched:
            patched.setattr(os, call, failing)
            if fails(source, store):
                fired += 1
            else:
                break
        assert list(store.list()) == []
    assert fired >= 1
    assert len(list(store.list())) == 1
    assert held() == descriptors


def test_short_reads_are_read_on(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = words(300_000)
    root.write(NAME, content)
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: real(fd, min(size, 1 + at % 4099), at))

    assert copied(root, store).content.digest == blake3(content).digest()


def test_a_file_that_may_not_be_read_is_told_as_such(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.write(NAME, b"content")

    def denied(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(copying, "open_below", denied)

    with pytest.raises(FileUnusable, match=r"Permission denied; .* runs as read it"):
        copied(root, store)


def test_where_the_access_time_is_not_ours_to_leave_the_file_is_read_all_the_same(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.write(NAME, b"content")

    def guarded(root_fd: int, path: bytes, flags: int) -> int:
        if flags & os.O_NOATIME:
            raise PermissionError(1, "Operation not permitted")
        return open_below(root_fd, path, flags)

    monkeypatch.setattr(copying, "open_below", guarded)

    assert copied(root, store).content.digest == blake3(b"content").digest()


# -- the proof --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3000, 5 * MIB])
@pytest.mark.parametrize("kind", [words, noise])
def test_no_copy_is_proven_that_differs_in_a_byte(
    root: Root, store: MemoryStore, kind: Callable[[int], bytes], size: int
) -> None:
    done = copied(root, store, root.write(NAME, kind(size)))
    with store.open(done.stored.key) as opened:
        whole = opened.read(-1)
    threads = threading.active_count()

    for position in range(0, len(whole), max(1, len(whole) // 50)):
        hurt = bytearray(whole)
        hurt[position] ^= 0x10
        store.hurt(done.stored.key, bytes(hurt))
        stored = store.find(done.stored.key)
        assert stored is not None
        with pytest.raises(ObjectDamaged):
            verify(store, stored, done.content)
    store.hurt(done.stored.key, whole)
    with pytest.raises(ObjectDamaged, match="replaced"):
        verify(store, done.stored, done.content)
    assert threading.active_count() == threads


@pytest.mark.parametrize("size", [MIB, 20 * MIB])
@pytest.mark.parametrize("kind", [words, noise])
def test_proving_tells_of_every_byte_and_can_be_stopped(
    root: Root, store: MemoryStore, size: int, kind: Callable[[int], bytes]
) -> None:
    done = copied(root, store, root.write(NAME, kind(size)))
    threads = threading.active_count()
    passed: list[int] = []

    with pytest.raises(Stopped):
        verify(store, done.stored, done.content, stopping_after(size // 2))
    verify(store, done.stored, done.content, passed.append)

    assert sum(passed) == size
    assert threading.active_count() == threads


def test_no_copy_is_proven_that_tells_of_another_file(
    root: Root, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = copied(root, store, root.write(NAME, words(1000)))
    other = copied(root, store, root.write(b"other", words(1000)[::-1]))
    told = store.about(other.stored.key)
    monkeypatch.setattr(store, "about", lambda _key: told)

    with pytest.raises(ObjectDamaged, match="another content"):
        verify(store, done.stored, done.content)


def test_no_copy_is_proven_that_tells_nothing(root: Root, store: MemoryStore) -> None:
    done = copied(root, store, root.write(NAME, words(1000)))
    store.spoil_about(done.stored.key)

    with pytest.raises(ObjectDamaged):
        verify(store, done.stored, done.content)
