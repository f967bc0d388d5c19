"""What the recorder knows of a root: pure, but for the directory that a listing holds open."""

import os
from pathlib import Path

import pytest

from storewarden.config.schema import RootSettings
from storewarden.model import Hint
from storewarden.pipeline.state import Relist, RootState, ScanTally, ScanWish, still_there, within
from tests.descriptors import held


@pytest.fixture
def root(tmp_path: Path) -> RootState:
    root = RootState(RootSettings("r", os.fsencode(tmp_path)))
    status = tmp_path.stat()
    root.place = (status.st_dev, status.st_ino)
    return root


def relisting(path: bytes, *, recursive: bool) -> Relist:
    return Relist(path, recursive, os.open("/", os.O_RDONLY), iter(()))


# -- a scan's tally ---------------------------------------------------------------------------


def test_a_tally_remembers_which_directories_were_met() -> None:
    tally = ScanTally("r", ScanWish("test"), 0.0)
    met = [1, 7, 8, 9, 4096 * 8, 1_000_003]

    for directory_id in met:
        tally.visit(directory_id)

    assert [one for one in range(1_000_100) if tally.met(one)] == met
    assert not tally.met(10**9)
    assert len(tally.visited) < 140_000  # a bit for each


# -- what is to be listed ---------------------------------------------------------------------


def test_an_order_for_all_below_includes_the_one_for_a_directory_alone(root: RootState) -> None:
    root.want_listed(b"d", recursive=True)
    root.want_listed(b"d", recursive=False)
    root.want_listed(b"e", recursive=False)

    assert root.relists == {b"d": True, b"e": False}
    assert root.busy()


def test_a_root_with_nothing_to_do_is_not_busy(root: RootState) -> None:
    assert root.up
    assert not root.busy()


@pytest.mark.parametrize(
    ("path", "directory", "inside"),
    [
        (b"d", b"d", True),
        (b"d/e", b"d", True),
        (b"d/e", b"", True),
        (b"", b"", True),
        (b"", b"d", False),
        (b"dd", b"d", False),
        (b"d", b"d/e", False),
    ],
)
def test_within(path: bytes, directory: bytes, *, inside: bool) -> None:
    assert within(path, directory) is inside


# -- a directory that was renamed -------------------------------------------------------------


def test_what_waits_below_a_renamed_directory_waits_at_its_new_path(root: RootState) -> None:
    root.gone = [b"d/gone", b"d", b"dd"]
    root.unreadable = {b"d/closed": 13, b"e": 13}
    root.want_listed(b"d/e", recursive=False)
    root.want_listed(b"x/e", recursive=True)
    root.want_listed(b"other", recursive=False)
    root.settle.note(b"d/e", b"name", Hint.CLOSED, 1.0)

    root.renamed(b"d", b"x")

    assert root.gone == [b"x/gone", b"x", b"dd"]
    assert root.unreadable == {b"x/closed": 13, b"e": 13}
    assert root.relists == {b"x/e": True, b"other": False}
    assert root.settle.due(1.0, 10) == [(b"x/e", b"name")]


@pytest.mark.parametrize(
    ("path", "recursive", "again"),
    [
        (b"", True, {b"x/y": True}),  # it may not have come to the directory yet
        (b"a", True, {b"x/y": True}),
        (b"a/d", True, {b"x/y": True}),
        (b"a/d/e", False, {b"x/y/e": False}),
        (b"a/d/e", True, {b"x/y/e": True}),
        (b"", False, {}),
        (b"a", False, {}),
        (b"elsewhere", True, {}),
    ],
)
def test_a_walk_that_a_rename_overtakes_is_made_up_for(
    root: RootState, path: bytes, *, recursive: bool, again: dict[bytes, bool]
) -> None:
    root.relist = relisting(path, recursive=recursive)

    root.renamed(b"a/d", b"x/y")
    root.end_relist()

    assert root.relists == again


# -- listings that are older than what was recorded -----------------------------------------------


def test_a_listing_is_stale_when_its_directory_changed_after_it_was_taken(root: RootState) -> None:
    root.live = {}
    root.touched(b"d", 10.0)

    assert root.stale(b"d", 9.0)
    assert root.stale(b"d", 10.0)
    assert not root.stale(b"d", 10.1)
    assert not root.stale(b"d/e", 9.0)
    assert not root.stale(b"", 9.0)


def test_a_directory_that_came_or_went_makes_all_below_it_stale(root: RootState) -> None:
    root.live = {}
    root.moved(b"d", 10.0)

    assert root.stale(b"d", 9.0)
    assert root.stale(b"d/e/f", 9.0)
    assert not root.stale(b"d/e/f", 10.1)
    assert not root.stale(b"dd", 9.0)
    assert not root.stale(b"", 9.0)


def test_without_a_scan_nothing_is_stale_and_nothing_is_kept(root: RootState) -> None:
    root.touched(b"d", 10.0)
    root.moved(b"e", 10.0)

    assert not root.stale(b"d", 9.0)
    assert root.live is None
    assert root.trees == {}


# -- going away -------------------------------------------------------------------------------


def test_a_root_that_goes_away_keeps_what_settles_and_nothing_else(root: RootState) -> None:
    before = held()
    root.want_listed(b"d", recursive=True)
    root.gone = [b"e"]
    root.relist = relisting(b"f", recursive=True)
    root.scan = tally = ScanTally("r", ScanWish("test"), 0.0)
    root.live = {}
    root.settle.note(b"d", b"name", Hint.OPENED, 1.0)

    root.down()

    assert not root.up
    assert not root.busy()
    assert tally.broken
    assert root.settle.pending() == 1
    assert held() == before


def test_what_other_threads_are_shown_is_at_most_a_second_old(root: RootState) -> None:
    root.settle.note(b"", b"a", Hint.OPENED, 1.0)
    root.show(1.0)
    root.settle.note(b"", b"b", Hint.OPENED, 1.2)
    root.show(1.2)
    assert (root.shown.pending, root.shown.oldest) == (1, 1.0)

    root.show(2.1)
    assert root.shown.pending == 2

    root.settle.drain()
    root.show(2.2)
    assert (root.shown.pending, root.shown.oldest) == (0, None)


# -- is a name still that file? ---------------------------------------------------------------


def test_a_name_is_still_there_only_with_the_same_inode(root: RootState, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"")
    inode = (tmp_path / "d" / "a").stat().st_ino
    roots = {"r": root}

    assert still_there(roots, "r", b"d", b"a", inode)
    assert not still_there(roots, "r", b"d", b"a", inode + 1)
    assert not still_there(roots, "r", b"d", b"b", inode)
    assert not still_there(roots, "r", b"gone", b"a", inode)


def test_where_nobody_can_look_it_counts_as_there(root: RootState, tmp_path: Path) -> None:
    roots = {"r": root}
    root.place = (0, 1)  # another directory is in the root's place
    assert still_there(roots, "r", b"", b"a", 1)

    root.down()
    assert still_there(roots, "r", b"", b"a", 1)
    assert still_there(roots, "unknown", b"", b"a", 1)
