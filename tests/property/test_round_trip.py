"""Whatever a file is, what comes back from a store is that: nothing differs but what is said."""

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storewarden.act.attributes import Attributes, read_attributes
from storewarden.act.copying import copy, verify
from storewarden.act.fetching import fetch
from storewarden.act.proof import Proof
from storewarden.store.contract import Store
from storewarden.store.directory import DirectoryStore
from storewarden.store.memory import MemoryStore
from tests.archived import MADE, MARK, MIB, Root, noise, root_at, words

QUICK, LONG = 150, 50_000  # files, into each of two stores
SET_ID = stat.S_ISUID | stat.S_ISGID
NOT_GIVEN = "set-user-ID and set-group-ID are not given unless asked for"
EARLIEST, LATEST = (1 - 2**31) * 10**9, 2**33 * 10**9  # what ext4 holds
numbers = itertools.count()


@dataclass(frozen=True)
class Stretch:
    kind: str
    size: int

    def written(self) -> bytes:
        match self.kind:
            case "noise":
                return noise(self.size, self.size)
            case "words":
                return words(self.size)
            case _:
                return bytes(self.size)


@dataclass(frozen=True)
class Case:
    name: bytes
    stretches: list[Stretch]
    mode: int
    owner: tuple[int, int]
    accessed: int
    modified: int
    extended: dict[bytes, bytes]
    packed: bool


sizes = st.sampled_from([0, 1, 4095, 4096, 16 << 10, 65_537, MIB, 2 * MIB + 1]) | st.integers(
    0, 200_000
)
kinds = st.sampled_from(["noise", "words", "zeros", "hole", "hole"])
parts = st.binary(min_size=1, max_size=255).filter(
    lambda part: part not in {b".", b".."} and not set(part) & {0, 0x2F}
)
times = st.integers(EARLIEST, LATEST)
owners = st.integers(0, 2**32 - 2)
cases = st.builds(
    Case,
    name=st.lists(parts, min_size=1, max_size=3).map(b"/".join),
    stretches=st.lists(st.builds(Stretch, kinds, sizes), max_size=5),
    mode=st.integers(0, 0o7777),
    owner=st.tuples(owners, owners),
    accessed=times,
    modified=times,
    extended=st.dictionaries(
        st.binary(min_size=1, max_size=50).filter(lambda name: 0 not in name).map(b"user.".__add__),
        st.binary(max_size=200),
        max_size=4,
    ),
    packed=st.booleans(),
)


def made(root: Root, case: Case) -> bytes:
    """Make the file of a case, in a directory of its own."""
    name = root.write(b"%d/%s" % (next(numbers), case.name), b"")
    descriptor = os.open(root.path(name), os.O_RDWR)
    try:
        at = 0
        for stretch in case.stretches:
            if stretch.kind != "hole":
                os.pwrite(descriptor, stretch.written(), at)
            at += stretch.size
        os.ftruncate(descriptor, at)
        for one, value in case.extended.items():
            with contextlib.suppress(OSError):  # more than this file system holds
                os.setxattr(descriptor, one, value)
        if os.geteuid() == 0:
            os.fchown(descriptor, *case.owner)
        os.fchmod(descriptor, case.mode if os.geteuid() == 0 else case.mode | 0o600)
        os.utime(descriptor, ns=(case.accessed, case.modified))
    finally:
        os.close(descriptor)
    return name


def told(root: Root, name: bytes) -> Attributes:
    descriptor = os.open(root.path(name), os.O_RDONLY | os.O_NOATIME)
    try:
        return read_attributes(descriptor)
    finally:
        os.close(descriptor)


def goes_and_comes_back(root: Root, store: Store, case: Case) -> None:
    name = made(root, case)
    was, content = told(root, name), b"".join(part.written() for part in case.stretches)
    source = root.source(name)

    done = copy(source, store, MARK, MADE, "zstd" if case.packed else "none")
    proof = verify(store, done.stored, done.content)
    assert isinstance(proof, Proof)
    assert root.identity(name) == source.identity
    place = root.place(b"back/" + name)
    fetched = fetch(store, done.stored.key, place, done.content.digest)

    now = told(root, b"back/" + name)
    expected_mode = was.mode & ~SET_ID
    assert (now.size, now.mode, now.uid, now.gid) == (was.size, expected_mode, was.uid, was.gid)
    assert (now.modified_ns, now.accessed_ns) == (was.modified_ns, was.accessed_ns)
    assert now.extended == was.extended
    assert root.read(b"back/" + name) == content == root.read(name)
    assert all(lacking.endswith(NOT_GIVEN) for lacking in fetched.lacking)
    assert bool(fetched.lacking) == bool(was.mode & SET_ID)
    assert fetch(store, done.stored.key, place).there_already
    store.remove(done.stored)
    for path in (name, b"back/" + name):
        os.unlink(root.path(path))
        with contextlib.suppress(OSError):
            os.removedirs(os.path.dirname(root.path(path)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    with (
        root_at(tmp_path_factory.mktemp("round") / "root") as root,
        pytest.MonkeyPatch.context() as patch,
    ):
        root.write(b"stays", b"")
        patch.setattr(os, "fsync", os.fstat)  # nobody pulls the plug here
        yield root


@pytest.fixture(scope="module", params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    if request.param == "memory":
        return MemoryStore()
    path = tmp_path_factory.mktemp("store")
    store = DirectoryStore("cold", str(path))
    store.prepare()
    return store


unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))


@given(case=cases)
@settings(unhurried, max_examples=QUICK)
def test_nothing_differs_but_what_is_said(root: Root, store: Store, case: Case) -> None:
    goes_and_comes_back(root, store, case)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@given(case=cases)
@settings(unhurried, max_examples=LONG)
def test_nothing_differs_of_a_hundred_thousand_files(root: Root, store: Store, case: Case) -> None:
    goes_and_comes_back(root, store, case)


@pytest.mark.parametrize("kind", ["noise", "words", "zeros", "hole"])
def test_nothing_differs_of_a_file_of_20_mebibytes(root: Root, store: Store, kind: str) -> None:
    stretches = [Stretch(kind, 20 * MIB)]
    case = Case(b"large", stretches, 0o600, (1, 2), -1, 1, {b"user.a": b"b"}, packed=True)

    goes_and_comes_back(root, store, case)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_a_sparse_file_of_a_tebibyte_goes_and_comes_back(root: Root, store: Store) -> None:
    size = 1 << 40
    pieces = {at: noise(100_000, at) for at in (0, size // 3, size - 100_000)}
    with open(root.path(b"sparse"), "wb") as file:
        file.truncate(size)
        for at, piece in pieces.items():
            file.seek(at)
            file.write(piece)
    done = copy(root.source(b"sparse"), store, MARK, MADE)
    verify(store, done.stored, done.content)

    fetch(store, done.stored.key, root.place(b"back-again"))

    assert root.status(b"back-again").st_size == size
    assert root.status(b"back-again").st_blocks * 512 < MIB
    with open(root.path(b"back-again"), "rb") as file:
        for at, piece in pieces.items():
            file.seek(at)
            assert file.read(len(piece)) == piece
