"""What newer inspectors would understand is inspected again, and what lies elsewhere now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from storewarden.catalogue import roots
from storewarden.catalogue.sweep import (
    Progress,
    Sweeping,
    inspection_progress,
    note_places,
    sweeping,
    uninspected,
)
from storewarden.errors import CatalogueFull
from storewarden.model import Outcome
from tests.catalogues import Place as Catalogue
from tests.faults import Faults
from tests.inspecting import Shelf
from tests.recording import NOW, check_totals, entry


@pytest.fixture
def shelf(place: Catalogue) -> Iterator[Shelf]:
    """Two of each kind of file, inspected and swept."""
    shelf = Shelf(place.made())
    for number, name in enumerate((b"a.png", b"b.png", b"a.srt", b"b.srt", b"a.bin", b"b.bin"), 1):
        shelf.names(entry(name, number), path=b"d")
    shelf.inspect()
    settle(shelf)
    yield shelf
    check_totals(shelf.engine, shelf.counts)


def settle(shelf: Shelf) -> None:
    """Sweep to the end, inspecting what waits."""
    while shelf.sweep.pending(shelf.versions):
        shelf.sweep_on()
        shelf.inspect()


def names(shelf: Shelf) -> list[bytes]:
    return [one.name for one in shelf.waiting()]


def under_way(shelf: Shelf) -> Sweeping | None:
    return sweeping(shelf.engine, shelf.ground.host_id)


def test_as_long_as_nothing_is_newer_nothing_waits(shelf: Shelf) -> None:
    assert not shelf.sweep.pending(shelf.versions)
    assert shelf.sweep_on() == 0
    assert names(shelf) == []


def test_files_of_an_inspector_with_a_new_version_wait(shelf: Shelf) -> None:
    shelf.versions["png"] = 2

    assert shelf.sweep.pending(shelf.versions)
    assert shelf.sweep_on() == 2
    assert names(shelf) == [b"a.png", b"b.png"]
    assert shelf.inspect() == 2
    assert not shelf.sweep.pending(shelf.versions)
    assert shelf.engine.execute("SELECT count(*) FROM facts WHERE version = 2") == [(2,)]


def test_files_that_nobody_knew_wait_for_an_inspector_that_is_new(shelf: Shelf) -> None:
    shelf.versions["bin"] = 1
    shelf.sweep_on()

    assert names(shelf) == [b"a.bin", b"b.bin"]
    settle(shelf)
    assert not shelf.sweep.pending(shelf.versions)


def test_what_was_refused_waits_for_a_newer_inspector_and_not_before(shelf: Shelf) -> None:
    shelf.say(1, outcome=Outcome.REFUSED, reason="it ends in its header")
    shelf.names(entry(b"a.png", 1, size=9, changed=NOW), path=b"d")
    shelf.inspect()
    settle(shelf)
    assert names(shelf) == []

    shelf.versions["png"] = 2
    shelf.sweep_on()
    assert names(shelf) == [b"a.png", b"b.png"]


def test_files_of_an_inspector_that_is_no_longer_there_wait_for_the_one_in_its_place(
    shelf: Shelf,
) -> None:
    del shelf.versions["srt"]
    assert shelf.sweep_on() == 0
    shelf.versions["subtitle"] = 1
    shelf.sweep_on()

    assert names(shelf) == [b"a.srt", b"b.srt", b"a.bin", b"b.bin"]


def test_a_sweep_goes_by_slices_and_says_how_far_it_is(shelf: Shelf) -> None:
    assert under_way(shelf) is None
    shelf.versions |= {"png": 2, "srt": 2}

    assert shelf.sweep_on(limit=1) == 1
    assert names(shelf) == [b"a.png"]
    now = under_way(shelf)
    assert now is not None
    assert now.inspectors == ("png", "srt")
    assert 0 < now.share < 0.5
    settle(shelf)
    assert under_way(shelf) is None
    assert shelf.engine.execute("SELECT count(*) FROM facts WHERE version = 2") == [(4,)]


def test_a_sweep_goes_on_after_a_restart_where_it_was(shelf: Shelf) -> None:
    shelf.versions["png"] = 2
    shelf.sweep_on(limit=1)
    shelf.inspect()
    shelf.reopen()
    shelf.sweep_on(limit=1)

    assert names(shelf) == [b"b.png"]


def test_a_sweep_begins_again_when_versions_rise_meanwhile(shelf: Shelf) -> None:
    shelf.versions["png"] = 2
    shelf.sweep_on(limit=1)
    shelf.inspect()
    shelf.versions["png"] = 3
    shelf.sweep_on(limit=10)

    assert names(shelf) == [b"a.png", b"b.png"]


def test_a_program_that_is_older_again_takes_back_nothing(shelf: Shelf) -> None:
    shelf.versions["png"] = 2
    settle(shelf)
    shelf.versions["png"] = 1
    settle(shelf)
    assert shelf.engine.execute("SELECT count(*) FROM facts WHERE version = 2") == [(2,)]

    shelf.names(entry(b"c.png", 9), path=b"d")
    shelf.inspect()
    shelf.versions["png"] = 2
    shelf.sweep_on()
    assert names(shelf) == [b"c.png"]


def test_a_sweep_that_is_undone_has_marked_nothing(shelf: Shelf) -> None:
    shelf.versions["png"] = 2
    faults = Faults(shelf.engine)
    for calls in range(100):
        faults.after(calls)
        with contextlib.suppress(CatalogueFull):
            shelf.sweep_on()
        if faults.failed == calls:
            break
        assert names(shelf) == []
    faults.mend()

    assert faults.failed > 5
    assert names(shelf) == [b"a.png", b"b.png"]


def test_a_directory_whose_sweep_is_undone_is_as_stale_as_before(shelf: Shelf) -> None:
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"d", b"e", NOW)
    faults = Faults(shelf.engine)
    faults.after(4)
    with pytest.raises(CatalogueFull):
        shelf.sweep_on(limit=4)
    faults.mend()

    assert names(shelf) == []
    assert shelf.sweep_on() == 6


def test_files_of_other_machines_are_swept_by_these(shelf: Shelf) -> None:
    other = roots.register_host(shelf.engine, roots.Machine("other", "other"), NOW)
    with shelf.engine.transaction():
        shelf.engine.execute("UPDATE roots SET host_id = ? WHERE name = 'r'", (other,))
    del shelf.counts.names[shelf.counts.roots.pop("r")]
    shelf.versions["png"] = 2

    assert shelf.sweep_on() == 0
    waiting = shelf.engine.execute("SELECT count(*) FROM files WHERE inspected_ns IS NULL")
    assert waiting == [(0,)]


# -- paths ----------------------------------------------------------------------------------------


def test_files_below_a_renamed_directory_wait_slice_by_slice(shelf: Shelf) -> None:
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"d", b"e", NOW)

    assert shelf.sweep_on(limit=4) == 4
    assert shelf.inspect() == 4
    assert shelf.sweep.pending(shelf.versions)
    assert shelf.sweep_on(limit=4) == 2
    assert not shelf.sweep.pending(shelf.versions)


def test_a_directory_renamed_twice_is_gone_through_from_its_beginning(shelf: Shelf) -> None:
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"d", b"e", NOW)
    shelf.sweep_on(limit=4)
    shelf.inspect()
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"e", b"f", NOW)

    assert shelf.sweep_on(limit=10) == 6


def test_patterns_that_tell_something_else_of_paths_let_all_files_wait(shelf: Shelf) -> None:
    root_id = shelf.ground.roots["r"]
    assert note_places(shelf.engine, root_id, ["{workflow}/**"])
    assert shelf.sweep_on() == 6
    shelf.inspect()

    assert not note_places(shelf.engine, root_id, ["{workflow}/**"])
    assert shelf.sweep_on() == 0
    assert note_places(shelf.engine, root_id, [])
    assert shelf.sweep_on() == 6


def test_what_waits_already_is_not_counted_again(shelf: Shelf) -> None:
    note_places(shelf.engine, shelf.ground.roots["r"], ["{workflow}/**"])
    shelf.names(entry(b"a.png", 1, size=9, changed=NOW), path=b"d")

    assert shelf.sweep_on() == 5


# -- progress -------------------------------------------------------------------------------------


def test_progress_tells_what_waits_and_what_was_refused_by_root(shelf: Shelf) -> None:
    shelf.say(1, outcome=Outcome.REFUSED, reason="it ends in its header")
    shelf.names(entry(b"a.png", 1, size=9, changed=NOW), path=b"d")
    shelf.inspect()
    shelf.names(entry(b"new", 70), entry(b"grows", 71), root="s", growing=[b"grows"])

    progress = {"r": Progress(0, 1), "s": Progress(1, 0)}
    assert inspection_progress(shelf.engine, shelf.ground.host_id) == progress
    assert inspection_progress(shelf.engine) == progress
    assert inspection_progress(shelf.engine, 4711) == {}
    shelf.gone(b"a.png", path=b"d")
    assert inspection_progress(shelf.engine)["r"] == Progress(0, 0)


def test_files_wait_only_where_somebody_wants_them_looked_into(shelf: Shelf) -> None:
    shelf.names(entry(b"new", 70))
    shelf.names(entry(b"new", 71), root="s")

    assert shelf.ground.uninspected(["r"]) == {"r": 1, "s": 0}
    assert shelf.ground.uninspected([]) == {"r": 0, "s": 0}


def test_files_that_wait_are_counted_over_more_roots_than_one_query_has_columns(
    shelf: Shelf,
) -> None:
    shelf.names(entry(b"new", 70))

    counted = uninspected(shelf.engine, [*range(1000, 1250), shelf.ground.roots["r"]])

    assert sum(counted.values()) == counted[shelf.ground.roots["r"]] == 1
    assert len(counted) == 251
