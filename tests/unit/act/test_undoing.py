"""Before anything is undone it is asked whether we may still act; what cannot be told is told."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.act.copying import copy
from storewarden.act.fetching import fetch
from storewarden.act.kernel import Kernel
from storewarden.act.refused import Refused
from storewarden.act.together import survey
from storewarden.act.trash import Trashed, restore, trash
from storewarden.errors import CatalogueUnavailable, FileUnusable, LeaseLost
from storewarden.store.memory import MemoryStore
from tests.archived import MADE, MARK, root_at
from tests.catalogues import sqlite_place
from tests.executing import FIRST, Life, Lives, hasty
from tests.interfering import MARK as DRAWER
from tests.interfering import Failing, Ground, Standing


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    ground.put(b"a", b"one")
    ground.put(b"b", b"two")
    yield ground
    ground.close()


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


def lost() -> None:
    raise LeaseLost("another process acts")


def failing_at_rename(number: int) -> Kernel:
    renames: list[str] = []

    def before(_number: int, name: str) -> None:
        if name == "rename":
            renames.append(name)
            if len(renames) == number:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    return Standing(before)


def test_whoever_lost_the_lease_puts_nothing_back(ground: Ground) -> None:
    bundle = ground.bundle(b"a", b"b")

    with pytest.raises(LeaseLost):
        trash(ground.fd, bundle, kernel=failing_at_rename(3).asking(lost))

    assert ground.census()[b"one"] == [b".storewarden/trash/%s/0" % DRAWER.encode()]


def test_whoever_has_it_puts_back_what_he_moved(ground: Ground) -> None:
    asked: list[None] = []
    kernel = failing_at_rename(3).asking(lambda: asked.append(None))

    assert isinstance(trash(ground.fd, ground.bundle(b"a", b"b"), kernel=kernel), Refused)

    assert ground.census()[b"one"] == [b"a"]
    assert asked == [None]


def test_whoever_lost_the_lease_puts_nothing_into_the_trash_again(ground: Ground) -> None:
    assert isinstance(trash(ground.fd, ground.bundle(b"a", b"b"), kernel=Standing()), Trashed)

    with pytest.raises(LeaseLost):
        restore(ground.fd, DRAWER, kernel=failing_at_rename(2).asking(lost))

    assert ground.census()[b"two"] == [b"b"]


def test_many_are_refused_where_the_root_cannot_be_looked_at(ground: Ground) -> None:
    bundle = ground.bundle(b"a")

    (told,) = survey(ground.fd, [bundle], Failing(1, errno.EIO))

    assert isinstance(told, Refused)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(LeaseLost("taken over"), True), (CatalogueUnavailable("away"), False)],
    ids=["lost", "not to be told"],
)
def test_a_catalogue_that_cannot_be_asked_stops_nobody(
    life: Life, monkeypatch: pytest.MonkeyPatch, error: Exception, *, raised: bool
) -> None:
    kernel = life.executor().tools.kernel

    def refuse() -> Callable[[], None]:
        raise error

    monkeypatch.setattr(life.engine, "transaction", refuse)
    told = ""
    try:
        kernel.require_ours()
    except LeaseLost as lost_:
        told = str(lost_)

    assert bool(told) == raised


def test_nothing_more_is_stored_by_whoever_lost_the_lease(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = life.plan("copy", FIRST, store="cloud")

    monkeypatch.setattr(life.engine, "_check_lease", lost)
    with pytest.raises(LeaseLost):
        life.carry_out(act)

    assert list(life.store.list()) == []


def test_a_file_that_cannot_be_looked_at_last_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with root_at(tmp_path / "root") as root:
        store = MemoryStore()
        stored = copy(root.source(root.write(b"a", b"content")), store, MARK, MADE).stored
        real, links = os.fstat, os.link
        named: list[None] = []

        def link(*arguments: object, **more: object) -> None:
            links(*arguments, **more)  # type: ignore[arg-type]
            named.append(None)

        def fstat(descriptor: int) -> os.stat_result:
            status = real(descriptor)
            if named and stat.S_ISREG(status.st_mode):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return status

        with monkeypatch.context() as patch:
            patch.setattr(os, "link", link)
            patch.setattr(os, "fstat", fstat)
            with pytest.raises(FileUnusable, match="a file cannot be made"):
                fetch(store, stored.key, root.place(b"back"))
