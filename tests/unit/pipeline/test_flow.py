"""The recorder's rounds over real directories: what is told, looked at, listed, moved and gone."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.catalogue.digests import Digested
from storewarden.errors import CatalogueCorrupt, CatalogueRefused, LeaseLost
from storewarden.model import Blind, Blindness, DirectoryMoved, Hint, Listing, RootDirty
from storewarden.pipeline import listing as listing_module
from storewarden.pipeline.inbox import BlindnessChanged, DigestsReady
from storewarden.pipeline.state import RootState
from tests.descriptors import held
from tests.faults import Faults
from tests.recording import File, World, all_files, dump, history, prepared, settings_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One root, recorded; what is recorded must add up at the end."""
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


def recorded(world: World, top: Path, *paths: str) -> dict[bytes, int]:
    """Make files, have them recorded, and return their rows' ids."""
    fill(top, *paths)
    world.clock.advance(10)
    world.scan()
    world.settle()
    assert world.differences() == []
    return ids(world)


def ids(world: World) -> dict[bytes, int]:
    return {path: file.id for path, file in world.present().items()}


def row(world: World, path: bytes) -> File:
    return world.present()[path]


def missing(world: World) -> list[bytes]:
    return sorted(file.whole for file in all_files(world.engine) if file.state == "missing")


# -- names -----------------------------------------------------------------------------------


def test_a_closed_file_is_recorded_in_the_very_next_round(world: World, top: Path) -> None:
    fill(top, "a", "d/b")
    world.closed(b"a")
    world.closed(b"b", path=b"d")

    world.flow.step()

    assert world.differences() == []
    assert [done.recorded["r"].added for done in world.heard.committed_] == [2]


def test_an_open_file_is_recorded_when_it_was_quiet_for_the_settle_time(
    world: World, top: Path
) -> None:
    fill(top, "a")
    world.hint(Hint.OPENED, b"a")
    for _ in range(7):
        world.steps()
        assert world.present() == {}
        world.clock.advance(0.25)

    world.settle(3)

    assert row(world, b"a").growing == 0


def test_a_file_that_never_rests_is_recorded_as_growing_and_again_when_it_rests(
    world: World, top: Path
) -> None:
    world.hint(Hint.OPENED, b"log")
    for second in range(70):
        with (top / "log").open("ab") as file:
            file.write(b"line")
        world.clock.advance(1)
        world.steps()
        if second == 50:
            assert world.present() == {}
    assert row(world, b"log").growing == 1

    world.settle()

    assert row(world, b"log").growing == 0
    assert world.differences() == []


def test_a_file_that_is_gone_is_missing_within_the_settle_time(world: World, top: Path) -> None:
    recorded(world, top, "a", "b")
    (top / "a").unlink()
    world.hint(Hint.GONE, b"a")

    world.steps()
    assert missing(world) == []  # its new name may be told a moment later
    world.clock.advance(0.6)
    world.steps()

    assert missing(world) == [b"a"]


def test_a_hint_is_never_believed(world: World, top: Path) -> None:
    was = recorded(world, top, "a")
    world.hint(Hint.GONE, b"a")
    world.closed(b"never there")
    world.settle()

    assert ids(world) == was
    assert missing(world) == []


def test_a_name_that_became_a_directory_or_a_link_is_no_file(world: World, top: Path) -> None:
    recorded(world, top, "a", "b", "c")
    for name in "abc":
        (top / name).unlink()
    (top / "a").mkdir()
    (top / "b").symlink_to("/etc/passwd")
    os.mkfifo(top / "c")
    world.closed(b"a", b"b", b"c")
    world.settle()

    assert missing(world) == [b"a", b"b", b"c"]


def test_a_rename_between_roots_keeps_the_row(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    roots = [settings_of(name, tmp_path / name) for name in ("one", "two")]
    world = World(prepared("sqlite", tmp_path / "state"), *roots)
    fill(tmp_path, "one/a")
    world.closed(b"a", root="one")
    world.settle()
    was = world.present("one")[b"a"].id

    (tmp_path / "one" / "a").rename(tmp_path / "two" / "b")
    world.closed(b"b", root="two")
    world.hint(Hint.GONE, b"a", root="one")
    world.settle()

    assert world.present("two")[b"b"].id == was
    assert world.present("one") == {}
    world.check()
    world.engine.close()


# -- the order of the stages -------------------------------------------------------------------


def test_what_moved_goes_before_what_is_gone_settled_or_listed(world: World, top: Path) -> None:
    """All of it in one delivery: everything is told by the paths of the end."""
    was = recorded(world, top, "old/keep", "old/gone/x", "old/changed")
    (top / "old").rename(top / "new")
    shutil.rmtree(top / "new" / "gone")
    fill(top, "new/changed", "new/fresh/y")

    world.moved(b"old", b"new")
    world.gone(b"new/gone")
    world.closed(b"changed", path=b"new")
    world.found(b"new/fresh")
    world.settle()

    assert world.differences() == []
    assert row(world, b"new/keep").id == was[b"old/keep"]
    assert row(world, b"new/changed").id == was[b"old/changed"]
    assert missing(world) == [b"new/gone/x"]


def test_a_directory_looked_for_between_a_rename_and_its_event_is_not_lost(
    world: World, top: Path
) -> None:
    """It was told to be looked for at its old path, for another reason, when it had left it."""
    was = recorded(world, top, "d/a", "d/sub/b")
    (top / "d").rename(top / "e")
    world.gone(b"d")
    world.steps()
    assert missing(world) == [b"d/a", b"d/sub/b"]

    world.moved(b"d", b"e")
    world.settle()

    assert world.differences() == []
    assert set(ids(world).values()) == set(was.values())


def test_what_is_gone_below_a_directory_that_then_moved_is_gone(world: World, top: Path) -> None:
    recorded(world, top, "old/keep", "old/gone/x")
    shutil.rmtree(top / "old" / "gone")
    (top / "old").rename(top / "new")

    world.gone(b"old/gone")
    world.moved(b"old", b"new")
    world.settle()

    assert world.differences() == []
    assert missing(world) == [b"new/gone/x"]


def test_blindness_and_digests_are_written_with_the_round(world: World, top: Path) -> None:
    recorded(world, top, "a")
    file = row(world, b"a")
    blind = Blind("r", Blindness.UNREADABLE, b"d", "", "")
    taken = Digested(file.id, file.inode, file.size, file.modified_ns, b"d" * 32)
    world.stages.inbox.put(BlindnessChanged("r", (blind,)))
    world.stages.inbox.put(DigestsReady((taken,)))

    world.steps()

    assert world.heard.blind == [("r", (blind,))]
    assert row(world, b"a").digest == b"d" * 32
    assert world.heard.committed_[-1].digested == file.size


def test_lost_events_are_told_to_who_orders_scans(world: World) -> None:
    world.tell(RootDirty("r", "event-queue-overflow"))

    world.steps()

    assert world.heard.lost == [("r", "event-queue-overflow")]


# -- directories -----------------------------------------------------------------------------


def test_a_directory_that_is_found_is_listed_with_all_below_it(world: World, top: Path) -> None:
    fill(top, "d/a", "d/e/f/b", "beside")
    world.clock.advance(10)
    world.found(b"d")
    world.steps()

    assert sorted(world.present()) == [b"d/a", b"d/e/f/b"]


def test_a_dirty_directory_is_listed_alone(world: World, top: Path) -> None:
    recorded(world, top, "d/gone", "d/stays")
    (top / "d" / "gone").unlink()
    fill(top, "d/new", "d/e/below")
    world.clock.advance(10)

    world.dirty(b"d")
    world.settle()

    assert sorted(world.present()) == [b"d/new", b"d/stays"]
    assert missing(world) == [b"d/gone"]


def test_a_directory_that_moved_keeps_ids_and_writes_no_history(world: World, top: Path) -> None:
    was = recorded(world, top, "d/a", "d/e/b")
    (top / "d").rename(top / "moved")
    world.moved(b"d", b"moved")
    world.settle()

    assert ids(world) == {b"moved/a": was[b"d/a"], b"moved/e/b": was[b"d/e/b"]}
    assert [history(world.engine, file_id) for file_id in was.values()] == [[], []]
    assert world.differences() == []


def test_one_that_moved_without_being_known_is_listed(world: World, top: Path) -> None:
    fill(top, "new/a", "new/e/b")
    world.moved(b"old", b"new")
    world.settle()

    assert world.differences() == []


def test_two_directories_that_exchange_their_names(world: World, top: Path) -> None:
    was = recorded(world, top, "d/a", "e/b")
    for old, new in (("d", "x"), ("e", "d"), ("x", "e")):
        (top / old).rename(top / new)
        world.moved(old.encode(), new.encode())
    world.settle()

    assert ids(world) == {b"e/a": was[b"d/a"], b"d/b": was[b"e/b"]}


def test_a_directory_is_called_gone_only_after_a_look(world: World, top: Path) -> None:
    was = recorded(world, top, "d/a", "d/e/b")
    world.gone(b"d")
    world.settle()
    assert ids(world) == was

    shutil.rmtree(top / "d")
    world.gone(b"d")
    world.settle()
    assert missing(world) == [b"d/a", b"d/e/b"]


def test_one_that_was_made_again_keeps_nothing_of_before(world: World, top: Path) -> None:
    recorded(world, top, "d/a", "d/e/f/b")
    shutil.rmtree(top / "d")
    fill(top, "d/a", "d/g/c")

    world.gone(b"d")
    world.found(b"d")
    world.settle()

    assert world.differences() == []
    assert missing(world) == [b"d/e/f/b"]


def test_a_link_in_its_place_does_not_keep_it(world: World, top: Path) -> None:
    recorded(world, top, "d/a", "e/a")
    shutil.rmtree(top / "d")
    (top / "d").symlink_to("e")

    world.gone(b"d")
    world.settle()

    assert missing(world) == [b"d/a"]


def test_one_that_vanishes_before_it_is_listed(world: World, top: Path) -> None:
    recorded(world, top, "d/a")
    shutil.rmtree(top / "d")

    world.found(b"d")
    world.settle()

    assert missing(world) == [b"d/a"]


def test_a_hard_link_that_goes_with_a_tree_shows_at_its_other_names(
    world: World, top: Path
) -> None:
    fill(top, "d/a")
    os.link(top / "d" / "a", top / "b")
    recorded(world, top)
    assert row(world, b"b").links == 2

    shutil.rmtree(top / "d")
    world.gone(b"d")
    world.settle()

    assert row(world, b"b").links == 1


def test_a_large_directory_is_listed_over_several_rounds(
    world: World, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_module, "ROUND_LISTED", 3)
    fill(top, *(f"d{number}/a" for number in range(9)))
    world.clock.advance(10)
    world.found(b"")

    world.flow.step()
    assert len(world.present()) < 9
    world.steps()

    assert len(world.present()) == 9


# -- scans -----------------------------------------------------------------------------------


def taken_before(world: World, root: str = "r") -> list[Listing]:
    return [found for found in world.walk(root) if isinstance(found, Listing)]


def test_a_change_recorded_after_a_listing_was_taken_is_not_undone_by_it(
    world: World, top: Path
) -> None:
    recorded(world, top, "d/a", "d/b", "e/x")
    tally = world.scan_begins()
    world.steps()
    listings = taken_before(world)

    fill(top, "d/new")
    (top / "d" / "a").write_bytes(b"longer than before")
    (top / "d" / "b").unlink()
    world.closed(b"a", b"new", path=b"d")
    world.hint(Hint.GONE, b"b", path=b"d")
    world.settle()
    assert world.differences() == []
    before = dump(world.engine, digests=False)

    world.scan_found(tally, *listings)
    world.scan_ends(tally)
    world.settle()

    assert dump(world.engine, digests=False) == before
    assert tally.recorded.missing == 0


def test_a_listing_of_a_directory_that_moved_meanwhile_makes_no_ghosts(
    world: World, top: Path
) -> None:
    was = recorded(world, top, "d/a", "d/e/b")
    tally = world.scan_begins()
    world.steps()
    listings = taken_before(world)

    (top / "d").rename(top / "moved")
    world.moved(b"d", b"moved")
    world.steps()
    world.scan_found(tally, *listings)
    world.scan_ends(tally)
    world.settle()

    assert world.differences() == []
    assert sorted(ids(world).values()) == sorted(was.values())


def test_a_scan_that_was_ahead_of_the_event_is_not_undone_by_it(world: World, top: Path) -> None:
    """The scan saw the directory at its new path before the emitter told that it moved."""
    recorded(world, top, "d/a", "d/e/b")
    (top / "d").rename(top / "moved")
    status = (top / "moved").stat()
    world.clock.advance(10)
    world.scan()

    world.tell(DirectoryMoved("r", b"d", b"moved", status.st_dev, status.st_ino))
    world.settle()

    assert world.differences() == []


def test_a_scan_that_ends_between_a_rename_and_its_event_loses_nothing(
    world: World, top: Path
) -> None:
    """What it did not meet was looked for at a path that was no longer true."""
    tally = world.scan_begins()
    world.steps()
    listings = taken_before(world)
    fill(top, "d/e/new")
    world.found(b"d")
    world.clock.advance(3)
    world.settle()

    (top / "d").rename(top / "moved")
    world.scan_found(tally, *listings)
    world.scan_ends(tally)
    world.steps()
    world.moved(b"d", b"moved")
    world.settle()

    assert world.differences() == []


def test_a_name_looked_for_between_a_rename_and_its_event_is_not_lost(
    world: World, top: Path
) -> None:
    recorded(world, top, "d/a", "d/b")
    (top / "d").rename(top / "moved")
    world.closed(b"a", path=b"d")
    world.steps()
    world.clock.advance(2)
    world.steps()
    assert missing(world) == [b"d/a"]

    world.moved(b"d", b"moved")
    world.settle()

    assert world.differences() == []


def test_a_listing_of_a_tree_that_is_gone_meanwhile_makes_no_ghosts(
    world: World, top: Path
) -> None:
    recorded(world, top, "d/a", "d/e/b")
    tally = world.scan_begins()
    world.steps()
    listings = taken_before(world)

    shutil.rmtree(top / "d")
    world.gone(b"d")
    world.steps()
    world.scan_found(tally, *listings)
    world.scan_ends(tally)
    world.settle()

    assert missing(world) == [b"d/a", b"d/e/b"]


def test_a_listing_taken_while_names_were_looked_at_is_suspect(world: World, top: Path) -> None:
    """The look came after it, within one round: what it lists may be older than the row."""
    recorded(world, top, "a")
    tally = world.scan_begins()
    world.steps()
    world.closed(b"a")
    look = world.flow._settling.look

    def look_later(*arguments: object) -> None:
        world.scan_found(tally, *taken_before(world))
        (top / "a").write_bytes(b"newer")
        look(*arguments)  # type: ignore[arg-type]  # as it was called

    world.flow._settling.look = look_later  # type: ignore[assignment,method-assign]
    world.flow.step()
    world.flow._settling.look = look  # type: ignore[method-assign]

    assert row(world, b"a").size == 5


def test_a_scan_of_a_root_that_is_not_up_is_given_up(world: World) -> None:
    world.down()
    world.steps()

    tally = world.scan()

    assert tally.broken


def test_a_root_that_goes_down_in_a_scan_ends_it_without_conclusions(
    world: World, top: Path
) -> None:
    was = recorded(world, top, "a", "d/b")
    tally = world.scan_begins()
    world.steps()
    (top / "a").unlink()
    world.down()
    world.scan_found(tally)
    world.scan_ends(tally)
    world.steps()

    assert world.heard.ended[-1] is tally
    assert tally.broken
    assert ids(world) == was


def test_a_first_scan_of_an_empty_catalogue_beside_events(world: World, top: Path) -> None:
    fill(top, "a", "d/b", "d/c")
    tally = world.scan_begins()
    world.steps()
    assert tally.fresh
    listings = taken_before(world)
    world.closed(b"b", path=b"d")
    world.steps()

    world.scan_found(tally, *listings)
    world.scan_ends(tally)
    world.settle()

    assert world.differences() == []


# -- what the root is ----------------------------------------------------------------------------


def test_another_directory_in_the_roots_place_is_not_believed_and_told(
    world: World, top: Path
) -> None:
    was = recorded(world, top, "a")
    top.rename(top.with_name("away"))
    top.mkdir()
    fill(top, "b")

    world.closed(b"a", b"b")
    world.steps()

    assert world.heard.doubted == ["r"]
    assert ids(world) == was
    assert not world.state().up


def test_what_settled_meanwhile_goes_on_when_the_root_is_back(world: World, top: Path) -> None:
    recorded(world, top, "a")
    top.rename(top.with_name("away"))
    (top.with_name("away") / "a").write_bytes(b"new content")
    world.closed(b"a")
    world.steps()

    top.with_name("away").rename(top)
    world.up()
    world.settle()

    assert world.differences() == []


def test_a_root_with_new_settings_begins_anew_and_gives_back_what_it_held(
    world: World, top: Path
) -> None:
    fill(top, *(f"d{number}/a" for number in range(5)))
    before = held()
    relist = world.flow._listings._begin_relist
    world.steps()
    world.state().want_listed(b"", recursive=True)
    world.state().relist = relist(world.state())

    world.settings["r"] = replace(world.settings["r"], settle=1.0)
    world.up()
    world.steps()

    assert world.state().settings.settle == 1.0
    assert held() == before


def test_an_unreadable_directory_that_went_away_is_not_blind_for_ever(
    world: World, top: Path
) -> None:
    fill(top, "closed/a")
    state = world.state()
    state.unreadable[b"closed"] = 13
    shutil.rmtree(top / "closed")
    world.gone(b"closed")
    world.settle()
    assert state.unreadable == {}

    state.unreadable[b"gone unseen"] = 13
    world.scan()
    assert state.unreadable == {}


# -- more than fits ------------------------------------------------------------------------------


def little_room(root: RootState) -> None:
    root.settle._most = 3


def test_names_that_found_no_room_are_listed_wherever_they_came_from(
    world: World, top: Path
) -> None:
    little_room(world.state())
    fill(top, *(f"d/{number}" for number in range(12)))

    world.found(b"d")
    world.settle()

    assert world.differences() == []


def test_links_that_found_no_room_are_listed(world: World, top: Path) -> None:
    fill(top, "a")
    for number in range(8):
        os.link(top / "a", top / f"link{number}")
    recorded(world, top)
    little_room(world.state())

    (top / "a").chmod(0o400)
    world.closed(b"a")
    world.settle()

    assert world.differences() == []


def test_files_from_the_future_are_recorded_however_many_they_are(world: World, top: Path) -> None:
    """The clock was put back: their ctime stays ahead of us for an hour."""
    fill(top, *(f"d/{number}" for number in range(12)))
    world.clock.ahead -= 3600
    little_room(world.state())

    world.found(b"d")
    world.settle()

    assert world.differences() == []


# -- failure -------------------------------------------------------------------------------------


def test_nothing_is_tried_again_before_its_time(world: World, top: Path) -> None:
    faults = Faults(world.engine)
    fill(top, "a")
    with faults.lasting():
        world.closed(b"a")
        wait = world.flow.step()
        assert wait > 0
        for _ in range(5):
            world.closed(b"a")
            assert world.flow.step() > 0
        assert faults.failed == 1
        pauses = []
        for _ in range(8):
            world.clock.advance(11)
            pauses.append(world.flow.step())
        assert world.flow.failing()

    assert pauses == sorted(pauses)
    assert pauses[-1] == 10
    world.clock.advance(11)
    world.settle()
    assert world.differences() == []
    assert not world.flow.failing()


def test_what_grows_is_recorded_as_growing_also_when_that_failed_at_first(
    world: World, top: Path
) -> None:
    faults = Faults(world.engine)
    world.hint(Hint.OPENED, b"log")
    for second in range(80):
        with (top / "log").open("ab") as file:
            file.write(b"line")
        if second == 55:
            faults.after(0, lasting=True)
        if second == 68:
            faults.mend()
        world.clock.advance(1)
        world.flow.step()
        world.flow.step()

    assert faults.failed
    assert row(world, b"log").growing == 1


def test_what_settled_without_a_close_is_still_looked_at_after_a_failure(
    world: World, top: Path
) -> None:
    """A memory map or a writer that keeps the file open: no event tells of what it writes."""
    faults = Faults(world.engine)
    with (top / "a").open("wb", buffering=0) as file:
        file.write(b"first")
        world.hint(Hint.OPENED, b"a")
        faults.after(0, lasting=True)
        for _ in range(20):
            world.clock.advance(0.5)
            world.flow.step()
        assert faults.failed
        faults.mend()
        for _ in range(40):
            world.clock.advance(0.5)
            world.flow.step()
        assert row(world, b"a").size == 5

        file.write(b"second")
        for _ in range(80):
            world.clock.advance(0.5)
            world.flow.step()

    assert row(world, b"a").size == 11


def test_digests_are_not_hoarded_while_nothing_can_be_written(world: World) -> None:
    faults = Faults(world.engine)
    with faults.lasting():
        for _ in range(50):
            many = tuple(Digested(1, 1, 1, 1, b"d" * 32) for _ in range(1000))
            world.stages.inbox.put(DigestsReady(many))
            world.clock.advance(11)
            world.flow.step()

    assert len(world.flow._digested) <= 10_000


def test_moves_are_not_hoarded_either(world: World) -> None:
    faults = Faults(world.engine)
    with faults.lasting():
        for _ in range(3):
            world.tell(*(DirectoryMoved("r", b"a%d" % n, b"b%d" % n) for n in range(6000)))
            world.clock.advance(11)
            world.flow.step()

    assert len(world.flow._moved) <= 10_000
    assert world.heard.lost == [("r", "too-many-moves")]


def test_a_lost_lease_and_a_damaged_catalogue_end_the_recorder(world: World, top: Path) -> None:
    faults = Faults(world.engine)
    fill(top, "a")
    for error in (LeaseLost("taken over"), CatalogueCorrupt("damaged")):
        world.clock.advance(11)
        world.closed(b"a")
        faults.after(0, error=lambda error=error: error)  # type: ignore[misc]  # bound now
        with pytest.raises(type(error)):
            world.flow.step()

    world.clock.advance(11)
    world.settle()
    assert world.differences() == []


# -- what the catalogue refuses ------------------------------------------------------------------


@pytest.fixture
def refusing(world: World) -> World:
    """A catalogue that refuses every row of a file called "bad"."""
    for name in ("_load", "_revise"):
        write = getattr(world.engine, name)

        def guarded(*arguments: object, write=write) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            *before, rows = arguments
            wanted = list(rows)  # type: ignore[call-overload]  # rows
            if any(b"bad" in row_ for row_ in wanted):
                raise CatalogueRefused("refused", why="a test")
            write(*before, wanted)

        setattr(world.engine, name, guarded)
    return world


OTHERS = [f"{letter}{number}" for letter in "az" for number in range(20)]


def bounded_steps(world: World) -> None:
    for _ in range(600):
        if world.flow.step() > 0:
            world.clock.advance(0.5)


@pytest.mark.parametrize("way", ["looks", "found", "scan", "dirty"])
def test_a_file_that_is_refused_does_not_keep_others_out(
    refusing: World, top: Path, way: str
) -> None:
    fill(top, *OTHERS, "bad", "d/bad", "d/good", "e/good")
    refusing.clock.advance(10)
    if way == "looks":
        refusing.closed(*(name.encode() for name in OTHERS), b"bad")
        refusing.closed(b"bad", b"good", path=b"d")
        refusing.closed(b"good", path=b"e")
    elif way == "found":
        refusing.found(b"")
    elif way == "dirty":
        for path in (b"", b"d", b"e"):
            refusing.dirty(path)
    else:
        assert refusing.scan().broken
        tally = refusing.scan()  # as the scanner does, after a pause
        assert (tally.broken, tally.errors) == ("", 0)
    bounded_steps(refusing)

    assert sorted(refusing.present()) == sorted(
        [*(name.encode() for name in OTHERS), b"d/good", b"e/good"]
    )
    assert not refusing.state().busy()
    assert refusing.state().settle.next_due() is None or refusing.flow.step() > 0


def test_a_file_that_is_refused_under_its_new_name_stays_what_it_was(
    refusing: World, top: Path
) -> None:
    recorded(refusing, top, "a", "b")
    (top / "a").rename(top / "bad")
    (top / "b").write_bytes(b"changed")
    refusing.closed(b"bad", b"b")
    bounded_steps(refusing)

    assert row(refusing, b"b").size == 7


# -- the end -------------------------------------------------------------------------------------


def test_at_the_end_what_has_not_settled_is_recorded_as_growing(world: World, top: Path) -> None:
    recorded(world, top, "gone")
    (top / "gone").unlink()
    fill(top, "open", "closed")
    world.hint(Hint.OPENED, b"open")
    world.hint(Hint.GONE, b"gone")
    world.closed(b"closed")

    world.flow.finish()

    assert {path: file.growing for path, file in world.present().items()} == {
        b"open": 1,
        b"closed": 0,
    }
    assert missing(world) == [b"gone"]


def test_the_next_start_finds_what_was_growing_and_lets_it_rest(world: World, top: Path) -> None:
    fill(top, "open")
    world.hint(Hint.OPENED, b"open")
    world.flow.finish()
    world.die()

    world.start()
    world.clock.advance(10)
    world.scan()
    world.settle()

    assert row(world, b"open").growing == 0
    assert row(world, b"open").generation == 1


def test_the_end_does_not_wait_for_what_a_scan_makes_up_for(
    world: World, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_module, "ROUND_LISTED", 1)
    fill(top, *(f"d{number}/a" for number in range(50)))
    world.found(b"")
    world.flow.step()
    rounds = len(world.heard.committed_)

    world.flow.finish(seconds=0)

    assert len(world.heard.committed_) - rounds == 1


def test_an_end_while_nothing_can_be_written_loses_nothing(world: World, top: Path) -> None:
    faults = Faults(world.engine)
    fill(top, "a", "d/b")
    world.closed(b"a")
    with faults.lasting():
        world.flow.finish()
    world.die()

    world.start()
    world.clock.advance(10)
    world.scan()
    world.settle()

    assert world.differences() == []
