"""Whoever archives rows is killed at each of his calls: nothing is lost, doubled or half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from storewarden.catalogue.row_archives import Archive
from storewarden.databases.rows import copied, removed, restored
from storewarden.databases.rows.declared import Columns, check
from storewarden.databases.rows.picked import Picked
from tests.keeping import DAY, NOW, TALKS, Kill, Killed, Scene, recovered, scene

Deed = Callable[[Scene], Any]


def archive(made: Scene) -> None:
    made.keeper().archive(made.subject, made.wanted(100))


def restore(made: Scene) -> None:
    (done,) = made.archives("done")
    made.keeper().restore(done, restored.Wanted().facts())


def purge(made: Scene) -> None:
    (done,) = made.archives("done")
    made.keeper().purge(done)


def test_killed_at_each_call_of_archiving_nothing_is_lost(tmp_path: Path) -> None:
    with scene(tmp_path) as made:
        for point in range(200):
            made.anew()
            before = made.rows()
            made.kill = Kill(at=point)
            try:
                archive(made)
            except Killed:
                pass
            else:
                break
            there, away = made.rows(), made.archived()
            for name, rows in before.items():
                assert there[name] | away[name] == rows, (made.kill.names, name)
            _whole(there)
            recovered(made)
            archive(made)  # the next run finds nothing, or all that was to go
            assert not made.archives("planned", "written", "verified", "deleting")
            there, away = made.rows(), made.archived()
            for name, rows in before.items():
                assert there[name] | away[name] == rows
                assert not there[name] & away[name]
            assert {row[0] for row in there["talks"]} == {0, 1, 2, 3}
            assert len(list(made.store.list())) == len(made.archives("done"))
    assert point >= 20


def test_killed_at_each_call_of_bringing_back_all_or_nothing_came(tmp_path: Path) -> None:
    with scene(tmp_path) as made:
        for point in range(100):
            made.anew()
            before = made.rows()
            archive(made)
            without = made.rows()
            made.kill = Kill(at=point)
            try:
                restore(made)
            except Killed:
                assert made.rows() in (before, without)
            else:
                assert made.rows() == before
                break
            recovered(made)
            restore(made)
            assert made.rows() == before
    assert point >= 4


def test_killed_at_each_call_of_purging_the_next_run_ends_it(tmp_path: Path) -> None:
    with scene(tmp_path) as made:
        for point in range(100):
            made.anew()
            archive(made)
            made.kill = Kill(at=point)
            try:
                purge(made)
            except Killed:
                recovered(made)
                if made.archives("done"):  # nothing was begun
                    purge(made)
            else:
                break
            assert [one.state for one in made.archives()] == ["purged"]
            assert list(made.store.list()) == []
    assert point >= 3


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_ended_between_any_two_steps_of_removing_each_talk_is_whole(
    tmp_path: Path, journal: str
) -> None:
    """Steps of one talk at a time; the clock, asked before and after each, is where it ends."""
    with scene(tmp_path, journal=journal) as made:
        for point in range(200):
            made.anew()
            before = made.rows()
            made.kill = Kill(at=BEFORE_REMOVING)
            with pytest.raises(Killed):
                archive(made)
            (one,) = made.archives("deleting")
            ended = removed_until(made, one, point)
            _whole(made.rows())
            away = made.unpacked(one)
            for name, rows in before.items():
                assert made.rows()[name] | away[name] == rows
            recovered(made)
            assert {row[0] for row in made.rows()["talks"]} == {0, 1, 2, 3}
            (done,) = made.archives("done")
            assert done.rows == 8
            if ended:
                break
    assert point >= 16


BEFORE_REMOVING = 18  # counted: the calls of putting an archive into its store come before


def removed_until(made: Scene, one: Archive, point: int) -> bool:
    """Remove rows one by one until the clock was asked so often; tell whether that was the end."""
    asked = 0

    def monotonic() -> float:
        nonlocal asked
        asked += 1
        if asked > point:
            raise Killed
        return float(asked)  # a second for each step: so the next is as small as can be

    path = made.folder / "archive.db"
    made.unpack(one, path)
    connection = apsw.Connection(str(made.database))
    tree = check(connection, TALKS, Columns(("at",)), "here")
    try:
        with copied.attached(connection, str(path)):
            picked = Picked.of(one.told["picked"])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(removed, "_FIRST", 1)
                patch.setattr(removed, "_FEWEST", 1)
                removed.remove(connection, tree, picked, removed.Time(monotonic, lambda _s: None))
    except Killed:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_what_the_application_changed_or_added_meanwhile_stays_whole(
    tmp_path: Path, journal: str
) -> None:
    with scene(tmp_path, journal=journal) as made:
        made.kill = Kill(at=BEFORE_REMOVING)
        with pytest.raises(Killed):
            archive(made)
        assert made.archives("deleting")

        connection = apsw.Connection(str(made.database))
        connection.execute("UPDATE talks SET title = 'used again' WHERE id = 7")
        connection.execute("INSERT INTO messages VALUES (1000, 8, 'one more')")
        connection.execute("UPDATE messages SET said = said || '!' WHERE id = 91")
        connection.close()
        recovered(made)
        archive(made)

        assert {row[0] for row in made.rows()["talks"]} == {0, 1, 2, 3}
        away = made.archived()
        assert (7, fill_at(7), "used again") in away["talks"]
        assert (1000, 8, "one more") in away["messages"]
        assert (91, 9, "said 1!") in away["messages"]


def fill_at(number: int) -> int:
    return NOW - number * 30 * DAY


def _whole(rows: dict[str, set[tuple[Any, ...]]]) -> None:
    """A talk is there with all of its messages, or not at all."""
    talks = {row[0] for row in rows["talks"]}
    for talk in talks:
        assert len([row for row in rows["messages"] if row[1] == talk]) == 3
    assert {row[1] for row in rows["messages"]} <= talks
