"""What is mounted inside a root while it is watched: what it hides is known, and when that ends."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from storewarden.config.schema import RootSettings
from storewarden.errors import CatalogueBusy, CatalogueCorrupt, StorewardenError
from storewarden.pipeline.nested import NestedMounts
from storewarden.watch.mounts import Mount

TOP = Mount(1, 0, "8:1", "ext4", b"/", b"/", writable=True)


class Table:
    """The kernel's list of mounts."""

    def __init__(self) -> None:
        self.mounts: tuple[Mount, ...] = (TOP,)

    def current(self) -> tuple[Mount, ...]:
        return self.mounts

    def mount(self, place: bytes, number: int) -> None:
        self.mounts = (*self.mounts, replace(TOP, number=number, mountpoint=place))

    def unmount(self, number: int) -> None:
        self.mounts = tuple(one for one in self.mounts if one.number != number)


class Catalogue:
    """Rows of files by path, in the order they were made."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.told: list[tuple[str, bytes]] = []
        self.error: StorewardenError | None = None

    def knows_below(self, root: str, path: bytes, after_id: int) -> bool:
        if self.error is not None:
            raise self.error
        return any(row.startswith(path + b"/") for row in self.rows[after_id:])

    def newest(self) -> int:
        if self.error is not None:
            raise self.error
        return len(self.rows)

    def hidden(self, root: str) -> Sequence[tuple[str, bytes]]:
        return self.told


class Scene:
    """A root below /srv/r, watched."""

    def __init__(self) -> None:
        self.table, self.catalogue = Table(), Catalogue()
        self.heard: list[tuple[bytes, str]] = []
        self.anew()
        self.nested.begin()

    def anew(self) -> None:
        self.nested = NestedMounts(
            RootSettings("r", b"/srv/r"),
            self.table,  # type: ignore[arg-type]  # all that is asked of it
            self.catalogue,
        )

    def mounts_changed(self, path: bytes, *, covered: bool, left: bool) -> None:
        self.heard.append((path, {(0, 0): "", (1, 0): "covered", (0, 1): "left"}[covered, left]))

    def look(self) -> list[tuple[bytes, str]]:
        """Return what was told since the last look."""
        self.heard = []
        self.nested.look(self)
        return self.heard


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_nothing_is_told_of_mounts_elsewhere_or_of_those_that_were_there(scene: Scene) -> None:
    scene.table.mount(b"/srv/r/in", 2)
    scene.nested.begin()
    scene.table.mount(b"/srv/r2/in", 3)
    scene.table.mount(b"/srv/r", 4)

    assert scene.look() == []


def test_what_is_mounted_at_an_empty_place_hides_nothing(scene: Scene) -> None:
    scene.catalogue.rows = [b"other/a"]
    scene.table.mount(b"/srv/r/in", 2)

    assert scene.look() == [(b"in", "")]
    assert scene.look() == []


def test_what_is_covered_comes_back_when_the_cover_goes(scene: Scene) -> None:
    scene.catalogue.rows = [b"in/a"]
    scene.table.mount(b"/srv/r/in", 2)
    assert scene.look() == [(b"in", "covered")]
    scene.table.unmount(2)
    assert scene.look() == [(b"in", "")]


def test_what_was_on_top_is_hidden_when_it_goes_until_it_is_back(scene: Scene) -> None:
    scene.catalogue.rows = [b"in/a"]
    scene.table.mount(b"/srv/r/in", 2)
    scene.look()
    scene.catalogue.rows += [b"in/on-top"]
    scene.table.unmount(2)
    assert scene.look() == [(b"in", "left")]
    scene.table.mount(b"/srv/r/in", 3)
    assert scene.look() == [(b"in", "")]


def test_another_mount_at_once_in_its_place_is_seen(scene: Scene) -> None:
    scene.catalogue.rows = [b"in/a"]
    scene.table.mount(b"/srv/r/in", 2)
    scene.nested.begin()
    scene.table.unmount(2)
    scene.table.mount(b"/srv/r/in", 5)

    assert scene.look() == [(b"in", "covered")]


def test_who_watches_anew_hears_what_is_hidden(scene: Scene) -> None:
    scene.catalogue.rows = [b"in/a", b"gone/b"]
    scene.table.mount(b"/srv/r/gone", 2)
    scene.nested.begin()
    scene.table.unmount(2)
    scene.table.mount(b"/srv/r/in", 3)
    scene.look()
    scene.heard = []
    scene.nested.begin()
    scene.nested.tell(scene)

    assert sorted(scene.heard) == [(b"gone", "left"), (b"in", "covered")]


def test_what_was_hidden_when_the_daemon_ended_still_is(scene: Scene) -> None:
    scene.catalogue.rows = [b"in/a"]
    scene.catalogue.told = [
        ("root-mounted-over", b"in"),
        ("root-mounted-over", b"uncovered"),
        ("root-mounted-over", b""),
        ("root-not-mounted", b"gone"),
        ("root-not-mounted", b"back"),
        ("directory-unreadable", b"x"),
    ]
    scene.table.mount(b"/srv/r/in", 2)
    scene.table.mount(b"/srv/r/back", 3)
    scene.anew()
    scene.nested.begin()
    scene.nested.tell(scene)

    assert sorted(scene.heard) == [(b"gone", "left"), (b"in", "covered")]


def test_while_the_catalogue_does_not_answer_everything_may_be_hidden(scene: Scene) -> None:
    scene.catalogue.error = CatalogueBusy("busy")
    scene.table.mount(b"/srv/r/in", 2)
    assert scene.look() == [(b"in", "covered")]

    scene.catalogue.error = CatalogueCorrupt("broken")
    scene.table.mount(b"/srv/r/on", 3)
    with pytest.raises(CatalogueCorrupt):
        scene.look()


def test_what_is_mounted_is_judged_only_when_who_watches_was_told(scene: Scene) -> None:
    """Until then nobody may take what is not there for gone: it may be hidden."""
    scene.nested.tell(scene)
    assert scene.nested.judged()
    scene.table.mount(b"/srv/elsewhere", 2)
    assert scene.nested.judged()
    scene.catalogue.rows = [b"in/a"]
    scene.table.mount(b"/srv/r/in", 3)
    assert not scene.nested.judged()
    judged_while_told: list[bool] = []
    scene.mounts_changed = lambda *_, **__: judged_while_told.append(scene.nested.judged())  # type: ignore[method-assign]

    scene.nested.look(scene)

    assert judged_while_told == [False]
    assert scene.nested.judged()
    scene.table.unmount(3)
    assert not scene.nested.judged()
