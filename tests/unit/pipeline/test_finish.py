"""What may be concluded from what a scan did not meet, and what is not forgotten when it fails."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.errors import CatalogueBusy, CatalogueFull, CatalogueUnavailable, StorewardenError
from storewarden.model import Listing, Unreadable
from storewarden.pipeline import finish
from storewarden.pipeline.look import Looked
from tests.faults import Faults
from tests.recording import World, all_files, dump, prepared, settings_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One root; what is recorded must add up at the end."""
    top = tmp_path / "root"
    top.mkdir()
    world = World(prepared("sqlite", tmp_path / "state"), settings_of("r", top))
    world.steps()
    yield world
    world.check()
    world.die()
    world.engine.close()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "root"


def fill(top: Path, *paths: str) -> None:
    for path in paths:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(path.encode())


def recorded(world: World, top: Path, *paths: str) -> None:
    fill(top, *paths)
    world.clock.advance(10)
    world.scan()
    world.settle()
    assert world.differences() == []


def missing(world: World) -> list[bytes]:
    return sorted(file.whole for file in all_files(world.engine) if file.state == "missing")


def many(count: int) -> list[str]:
    return [f"d{number % 7}/{number:03}" for number in range(count)]


def remove(top: Path, paths: list[str]) -> None:
    for path in paths:
        (top / path).unlink()


# -- a whole scan ----------------------------------------------------------------------------


def test_what_no_event_told_of_is_missing_after_a_whole_scan(world: World, top: Path) -> None:
    recorded(world, top, "a", "d/b", "d/c", "e/f/g")
    (top / "a").unlink()
    (top / "d" / "b").unlink()
    shutil.rmtree(top / "e")

    tally = world.scan()

    assert missing(world) == [b"a", b"d/b", b"e/f/g"]
    assert (tally.recorded.missing, tally.held, tally.broken) == (3, 0, "")
    assert sum(done.recorded["r"].missing for done in world.heard.committed_) == 3


@pytest.mark.parametrize("at_once", [1, 3, 4_000])
def test_conclusions_are_drawn_in_slices(
    world: World, top: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(finish, "_SLICE", at_once)
    paths = many(20)
    recorded(world, top, *paths)
    remove(top, paths[:9])
    shutil.rmtree(top / "d6")

    world.scan()

    assert world.differences() == []
    assert len(missing(world)) == len({*paths[:9], *(p for p in paths if p.startswith("d6"))})


def test_what_came_back_before_the_second_look_is_not_missing(world: World, top: Path) -> None:
    recorded(world, top, "a", "d/b")
    (top / "a").rename(top / "aside")
    (top / "d").rename(top / "elsewhere")
    tally = world.scan_begins()
    listings = [one for one in world.walk() if isinstance(one, Listing) and not one.path]
    (top / "aside").rename(top / "a")
    (top / "elsewhere").rename(top / "d")

    empty = replace(listings[0], entries=b"", accessed=b"", count=0, digest=b"another")
    world.scan_found(tally, empty)
    world.scan_ends(tally)
    world.settle()

    assert missing(world) == []


def test_what_was_renamed_unseen_keeps_its_row(world: World, top: Path) -> None:
    recorded(world, top, "a", "d/b")
    was = {path: file.id for path, file in world.present().items()}
    (top / "a").rename(top / "d" / "moved")
    (top / "d").rename(top / "x")
    world.clock.advance(10)

    tally = world.scan()

    assert {path: file.id for path, file in world.present().items()} == {
        b"x/moved": was[b"a"],
        b"x/b": was[b"d/b"],
    }
    assert tally.recorded.missing == 0


def test_what_is_recorded_between_two_slices_is_not_marked_by_the_later_one(
    world: World, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "_SLICE", 1)
    recorded(world, top, "a", "b", "c")
    remove(top, ["a", "b", "c"])
    tally = world.scan_begins()
    world.scan_found(tally, *world.walk())
    world.scan_ends(tally)
    while not missing(world):
        world.flow.step()

    fill(top, "c")
    world.closed(b"c")
    world.settle()

    assert missing(world) == [b"a", b"b"]
    assert world.differences() == []


# -- too many at once --------------------------------------------------------------------------


def test_too_many_at_once_are_held_and_nothing_is_marked(world: World, top: Path) -> None:
    paths = many(100)
    recorded(world, top, *paths)
    before = dump(world.engine)
    remove(top, paths[:25])

    tally = world.scan()

    assert (tally.held, tally.recorded.missing) == (25, 0)
    assert dump(world.engine, digests=False)["files"] == before["files"]
    assert world.scan().held == 25  # and the next scan says so again


def test_a_persons_word_marks_them(world: World, top: Path) -> None:
    paths = many(100)
    recorded(world, top, *paths)
    remove(top, paths[:60])

    tally = world.scan(accept_missing=True)

    assert (tally.held, tally.recorded.missing) == (0, 60)
    assert world.differences() == []


@pytest.mark.parametrize(
    ("gone", "share", "held"),
    [(20, 0.2, 0), (21, 0.2, 21), (20, 0.0, 0), (21, 0.0, 21), (50, 0.5, 0), (51, 0.5, 51)],
)
def test_the_share_is_the_roots_own_and_a_few_are_never_too_many(
    tmp_path: Path, gone: int, share: float, held: int
) -> None:
    top = tmp_path / "root"
    top.mkdir()
    settings = settings_of("r", top, missing_share=share)
    world = World(prepared("sqlite", tmp_path / "state"), settings)
    paths = many(100)
    recorded(world, top, *paths)
    remove(top, paths[:gone])

    assert world.scan().held == held
    assert len(missing(world)) == (0 if held else gone)
    world.engine.close()


def test_an_empty_directory_in_the_place_of_a_mount_takes_nothing_along(
    world: World, top: Path
) -> None:
    recorded(world, top, *(f"mount/{path}" for path in many(100)), "beside")
    shutil.rmtree(top / "mount")
    (top / "mount").mkdir()

    assert world.scan().held == 100


# -- a scan that cannot be believed ----------------------------------------------------------------


def ended(world: World, change: Callable[[World], None]) -> str:
    """Let a scan with absent files end after something happened; return why it is broken."""
    tally = world.scan_begins()
    world.scan_found(tally, *world.walk())
    world.steps()
    change(world)
    world.scan_ends(tally)
    world.steps()
    assert world.heard.ended[-1] is tally
    return tally.broken


def test_a_walk_that_did_not_come_to_its_end_concludes_nothing(world: World, top: Path) -> None:
    recorded(world, top, "a", "d/b")
    (top / "a").unlink()
    tally = world.scan_begins()
    world.scan_found(tally, next(iter(world.walk())))
    world.scan_ends(tally, whole=False)
    world.steps()

    assert missing(world) == []
    assert not tally.whole


def test_a_directory_that_could_not_be_listed_concludes_nothing_anywhere(
    world: World, top: Path
) -> None:
    recorded(world, top, "a", "d/b", "e/c")
    (top / "a").unlink()
    tally = world.scan_begins()
    seen = [one if one.path != b"d" else Unreadable("r", b"d", 13) for one in world.walk()]
    world.scan_found(tally, *seen)
    world.scan_ends(tally)
    world.steps()

    assert missing(world) == []
    assert (tally.errors, world.state().unreadable) == (1, {b"d": 13})


def test_a_directory_that_cannot_be_looked_into_again_concludes_nothing(
    world: World, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(world, top, "a", "d/b")
    (top / "a").unlink()
    monkeypatch.setattr(finish, "look", lambda *_: Looked(error=5))

    tally = world.scan()

    assert tally.broken
    assert missing(world) == []


def test_a_root_that_is_replaced_before_the_end_concludes_nothing(world: World, top: Path) -> None:
    recorded(world, top, "a", "d/b")
    (top / "a").unlink()

    def replaced(_: World) -> None:
        top.rename(top.with_name("away"))
        top.mkdir()

    assert ended(world, replaced)
    assert missing(world) == []


def test_a_root_that_goes_away_between_two_slices_stops_the_marking(
    world: World, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "_SLICE", 2)
    paths = many(20)
    recorded(world, top, *paths)
    remove(top, paths[:10])
    tally = world.scan_begins()
    world.scan_found(tally, *world.walk())
    world.scan_ends(tally)
    while not missing(world):
        world.flow.step()

    world.down()
    world.steps()

    assert world.heard.ended[-1] is tally
    assert tally.broken
    assert len(missing(world)) < 10
    world.up()
    world.scan()
    assert len(missing(world)) == 10


def test_a_catalogue_that_fails_in_the_middle_breaks_the_scan_and_the_next_one_mends_it(
    world: World, top: Path
) -> None:
    recorded(world, top, "a", "d/b")
    fill(top, "new", "e/new")
    (top / "a").unlink()
    world.clock.advance(10)
    faults = Faults(world.engine)

    tally = world.scan_begins()
    world.flow.step()
    faults.after(3)
    world.scan_found(tally, *world.walk())
    world.flow.step()
    assert faults.failed
    world.clock.advance(11)
    world.scan_ends(tally)
    world.steps()

    assert world.heard.ended == [*world.heard.ended[:-1], tally]
    assert tally.broken
    assert missing(world) == []
    world.scan()
    world.settle()
    assert world.differences() == []


# -- the sweep: a fault at every call of the catalogue --------------------------------------------


def a_day(world: World, top: Path) -> Iterator[None]:
    """Do a little of everything; the caller takes steps between."""
    fill(top, "new", "d/new", "fresh/deep/x")
    (top / "a").unlink()
    (top / "tmp").write_bytes(b"saved")
    (top / "tmp").rename(top / "b")
    (top / "d").rename(top / "moved")
    shutil.rmtree(top / "gone")
    os.link(top / "c", top / "moved" / "link")
    os.utime(top / "c", ns=(1, 2))
    world.moved(b"d", b"moved")
    world.gone(b"gone")
    world.found(b"fresh")
    world.closed(b"new", b"b", b"c", b"a", b"tmp")
    world.closed(b"new", b"link", path=b"moved")
    yield
    world.clock.advance(3)
    yield
    tally = world.scan_begins()
    world.scan_found(tally, *world.walk())
    yield
    (top / "c").unlink()
    world.clock.advance(3)
    yield
    world.scan_ends(tally)
    yield
    world.clock.advance(3)


def one_day(tmp_path: Path, name: str, fault: Callable[[Faults], None]) -> Faults:
    """Live through it with a fault, then let it end: nothing that was told may be forgotten."""
    top = tmp_path / name / "root"
    top.mkdir(parents=True)
    world = World(prepared("sqlite", tmp_path / name / "state"), settings_of("r", top))
    recorded(world, top, "a", "b", "c", "d/x", "d/e/y", "gone/z")
    faults = Faults(world.engine)
    fault(faults)
    for _ in a_day(world, top):
        for _ in range(4):
            world.flow.step()
    faults.mend()

    world.clock.advance(11)
    world.settle()
    assert [one for one in world.differences(links=False) if "'c'" not in one] == []
    world.clock.advance(10)
    world.scan()
    world.settle()
    assert world.differences() == []
    world.check()
    before = dump(world.engine, digests=False)
    world.clock.advance(10)
    world.scan()
    assert dump(world.engine, digests=False) == before
    world.die()
    world.engine.close()
    return faults


Fault = Callable[[], StorewardenError]
ERRORS: tuple[Fault, ...] = (
    lambda: CatalogueFull("no space"),
    lambda: CatalogueBusy("held"),
    lambda: CatalogueUnavailable("away"),
)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for a while"])
def test_whichever_call_fails_nothing_that_was_noted_is_forgotten(
    tmp_path: Path,
    lasting: bool,  # noqa: FBT001  # a case
) -> None:
    calls, failed = 0, 1
    while failed:
        error = ERRORS[calls % len(ERRORS)]

        def fault(faults: Faults, calls: int = calls, error: Fault = error) -> None:
            faults.after(calls, lasting=lasting, error=error)

        failed = one_day(tmp_path, f"{calls}", fault).failed
        shutil.rmtree(tmp_path / f"{calls}")
        calls += 3 if lasting else 1

    assert calls > 40
