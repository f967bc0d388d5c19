"""Acts that are carried out together: each is done, or refused, for itself alone."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.act import batch
from storewarden.act.carry.work import PurgeRule
from storewarden.act.drawers import Room
from storewarden.act.entries import Entry, entries
from storewarden.catalogue.acts import Act, Member, figures
from storewarden.errors import LeaseLost
from tests.batches import (
    GROUPS,
    MORE,
    agree,
    carry_out_many,
    done,
    drawers,
    plan_each,
    there_once,
)
from tests.batches import furnish as more_files
from tests.catalogues import sqlite_place
from tests.descriptors import held
from tests.executing import Life, Lives, hasty
from tests.recording import check_totals

ONE, TWO, THREE = b"a/one", b"a/two", b"three"
SINGLES = ((ONE,), (TWO,), (THREE,))
NS = 1_000_000_000


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """Lend a root with its files; at the end the catalogue has to tell the truth."""
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        life = lives.begin("memory")
        more_files(life)
        yield life
        check_totals(lives.engine, lives.book.counts)


def carried(life: Life, acts: list[Act]) -> list[str]:
    """Carry acts out together; return what became of each."""
    return [outcome.act.state for outcome in carry_out_many(life, acts)]


def in_trash(life: Life) -> set[bytes]:
    """Return the paths of files that lie in the trash, as the disk alone tells."""
    root_fd = os.open(life.path, os.O_RDONLY)
    found = entries(root_fd, Room.TRASH)
    os.close(root_fd)
    assert all(isinstance(entry, Entry) for entry in found)
    here = [file for entry in found if isinstance(entry, Entry) for file in entry.here]
    return {file.noted.path for file in here if file.noted is not None}


def test_many_share_one_drawer_and_each_tells_what_it_is(life: Life) -> None:
    acts = plan_each(life, "trash")

    outcomes = carry_out_many(life, acts)

    assert [outcome.act.id for outcome in outcomes] == [act.id for act in acts]
    assert [life.act(act) for act in acts] == [outcome.act for outcome in outcomes]
    assert drawers(life) == [acts[0].mark]
    assert in_trash(life) == {path for paths in GROUPS for path in paths}
    names = [member.lies for outcome in outcomes for member in outcome.act.members]
    assert len(set(names)) == len(names) == 6
    agree(life)


def test_what_is_in_the_way_of_one_stops_that_one_only(life: Life) -> None:
    acts = plan_each(life, "trash", SINGLES)
    with open(life.at(ONE), "ab"):
        os.chmod(life.at(THREE), 0o600)
        assert carried(life, acts) == ["planned", "done", "refused"]

    assert "open for writing" in life.act(acts[0]).error
    assert "changed" in life.act(acts[2]).error
    assert in_trash(life) == {TWO}
    assert not there_once(life)
    # and he who wrote has closed it
    assert life.finish(acts[0]).state == "done"
    assert in_trash(life) == {ONE, TWO}


def test_a_bundle_of_which_one_file_is_in_use_stays_whole(life: Life) -> None:
    acts = plan_each(life, "trash", GROUPS[:2])
    with open(life.at(GROUPS[0][1]), "ab"):
        assert carried(life, acts) == ["planned", "done"]

    assert in_trash(life) == set(GROUPS[1])


def test_what_was_replaced_since_it_was_decided_is_not_taken(life: Life) -> None:
    acts = plan_each(life, "trash", SINGLES)
    os.rename(life.at(TWO), life.at(b"a/elsewhere"))
    life.write(TWO, b"a new file")

    assert carried(life, acts) == ["done", "refused", "done"]
    assert b"a new file" in life.local()
    assert not there_once(life)


def test_one_of_many_comes_back_alone(life: Life) -> None:
    done(life, plan_each(life, "trash"))

    life.done("restore", GROUPS[0])

    assert in_trash(life) == {path for paths in GROUPS[1:] for path in paths}
    assert len(drawers(life)) == 1
    agree(life)
    for paths in GROUPS[1:]:
        life.done("restore", paths)
    assert drawers(life) == []
    assert not there_once(life)


def test_a_drawer_goes_with_the_last_of_its_files(life: Life) -> None:
    done(life, plan_each(life, "trash"))
    done(life, plan_each(life, "purge", GROUPS[:3]))
    assert len(drawers(life)) == 1
    life.done("purge", GROUPS[3])
    assert len(drawers(life)) == 1

    done(life, plan_each(life, "purge", GROUPS[4:]))

    assert drawers(life) == []
    agree(life)


def test_what_has_not_lain_long_enough_stays_and_the_rest_goes(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES[:1]))
    life.clock.advance(100)
    done(life, plan_each(life, "trash", SINGLES[1:]))
    acts = plan_each(life, "purge", SINGLES)
    life.purge_rule = PurgeRule(at_least_ns=50 * NS)

    assert carried(life, acts) == ["done", "planned", "planned"]
    assert in_trash(life) == {TWO, THREE}


def test_what_somebody_changed_in_the_trash_is_not_purged_with_the_others(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    acts = plan_each(life, "purge", SINGLES)
    for place in (life.path / ".storewarden" / "trash").glob("*/1*1"):
        place.write_bytes(b"changed in the trash")

    assert carried(life, acts) == ["done", "refused", "done"]
    assert life.local()[b"changed in the trash"]


def test_what_is_open_for_writing_is_not_purged_with_the_others(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    acts = plan_each(life, "purge", SINGLES)
    (place,) = (life.path / ".storewarden" / "trash").glob("*/1*2")
    with place.open("ab"):
        assert carried(life, acts) == ["done", "done", "planned"]

    assert place.exists()


def test_what_has_another_name_is_trashed_and_frees_nothing(life: Life) -> None:
    os.link(life.at(ONE), life.at(b"a/linked"))
    life.record(ONE)
    done(life, plan_each(life, "trash", SINGLES))

    freed = [outcome.freed for outcome in carry_out_many(life, plan_each(life, "purge", SINGLES))]

    assert freed[0] == 0
    assert min(freed[1:]) > 0
    assert Path(os.fsdecode(life.at(b"a/linked"))).exists()


def test_what_is_only_archived_is_trashed_in_name_beside_the_others(life: Life) -> None:
    life.done("archive", (ONE,), store="cloud")

    done(life, plan_each(life, "trash", SINGLES))

    assert {life.row(path).state for path in (ONE, TWO, THREE)} == {"trashed"}
    assert in_trash(life) == {TWO, THREE}
    done(life, plan_each(life, "purge", SINGLES))
    assert life.stored() == {}
    assert {life.row(path).state for path in (ONE, TWO, THREE)} == {"purged"}


def test_many_are_counted_as_each_would_be(life: Life) -> None:
    done(life, plan_each(life, "trash"))
    done(life, plan_each(life, "purge"))

    (purged, trashed) = figures(life.engine, life.lives.book.ground.host_id)
    assert (trashed.verb, trashed.outcome, trashed.acts, trashed.freed) == ("trash", "done", 5, 0)
    assert (purged.verb, purged.outcome, purged.acts) == ("purge", "done", 5)
    assert purged.freed > 0
    assert purged.size == trashed.size


def test_each_file_tells_what_was_done_to_it(life: Life) -> None:
    (act, *_) = acts = plan_each(life, "trash", SINGLES)
    done(life, acts)

    rows = life.engine.execute(
        "SELECT event, detail FROM history WHERE file_id = ? ORDER BY id DESC LIMIT 1",
        (act.file_id,),
    )
    ((event, detail),) = rows
    assert event == "trashed"
    assert json.loads(detail) == {
        "act": act.id,
        "policy": None,
        "by": "anna",
        "reason": "because",
    }


def test_no_more_share_a_drawer_than_are_held_in_memory(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "AT_ONCE", 2)

    done(life, plan_each(life, "trash"))

    assert len(drawers(life)) == 3
    agree(life)


def test_files_of_many_directories_are_moved_with_few_of_them_open(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewarden.act.directories._OPEN_AT_ONCE", 2)
    open_before = held()

    done(life, plan_each(life, "trash"))

    assert held() == open_before
    agree(life)


def test_a_root_that_is_not_there_puts_all_off(life: Life) -> None:
    acts = plan_each(life, "trash", SINGLES)
    life.away = True
    assert carried(life, acts) == ["planned"] * 3
    assert all("not there" in life.act(act).error for act in acts)

    life.away = False
    life.clock.advance(86_400)
    assert carried(life, [life.act(act) for act in acts]) == ["done"] * 3
    assert len(drawers(life)) == 1


def test_a_disk_that_cannot_say_that_moves_last_gives_all_back(life: Life) -> None:
    """What fsync could not write may be lost without another word."""
    acts = plan_each(life, "trash", SINGLES)
    calls: list[str] = []

    def strike(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        calls.append(name)
        moved = calls.count("kernel.rename") == 4  # the note, and all files
        if name == "kernel.sync" and moved:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    outcomes = carry_out_many(life, acts, strike)

    assert [outcome.act.state for outcome in outcomes] == ["failed"] * 3
    assert not there_once(life)
    assert in_trash(life) == set()
    agree(life)


def test_whoever_was_stopped_past_his_lease_touches_no_further_file(life: Life) -> None:
    acts = plan_each(life, "trash", SINGLES)
    moved: list[str] = []

    def strike(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name == "kernel.rename":
            moved.append(name)
            if len(moved) == 2:  # behind the note, before the first file
                life.clock.advance(60)
                life.lives.engine.hold(_Lost())

    with pytest.raises(LeaseLost):
        carry_out_many(life, acts, strike)
    life.lives.engine.hold(None)

    assert len(moved) == 2
    assert not there_once(life)
    life.recover()
    assert {life.act(act).state for act in acts} == {"done"}
    agree(life)


class _Lost:
    host_id, epoch = 1, 7  # no row tells of it


def test_a_drawer_is_ours_alone(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))

    (drawer,) = (life.path / ".storewarden" / "trash").iterdir()
    assert stat.S_IMODE(drawer.stat().st_mode) == 0o700
    assert stat.S_IMODE((drawer / "note").stat().st_mode) == 0o600


# -- many come back -------------------------------------------------------------------------------


def in_drawers(life: Life, content: bytes) -> Path:
    """Return what lies in the trash with this content."""
    (place,) = (
        one
        for one in (life.path / ".storewarden" / "trash").glob("*/*[0-9]")
        if one.read_bytes() == content
    )
    return place


def test_many_come_back_together_and_each_tells_what_it_is(life: Life) -> None:
    done(life, plan_each(life, "trash"))
    acts = plan_each(life, "restore")
    calls: list[str] = []

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if not behind:
            calls.append(name)

    outcomes = carry_out_many(life, acts, strike)

    assert [outcome.act.id for outcome in outcomes] == [act.id for act in acts]
    assert [life.act(act) for act in acts] == [outcome.act for outcome in outcomes]
    assert {outcome.act.state for outcome in outcomes} == {"done"}
    assert not there_once(life)
    assert drawers(life) == []
    agree(life)
    # the journal once, each of four directories, the drawer, and the room that it leaves
    assert [one for one in calls if one.startswith(("acted.", "journal."))] == [
        "acted.all_restored"
    ]
    assert calls.count("kernel.sync") == 6


def test_each_act_that_is_taken_back_is_told_so(life: Life) -> None:
    trashed = plan_each(life, "trash", SINGLES)
    done(life, trashed)

    done(
        life,
        [
            life.plan("restore", paths, undoes=act.id)
            for act, paths in zip(trashed[:2], SINGLES[:2], strict=True)
        ],
    )

    assert [life.act(act).state for act in trashed] == ["undone", "undone", "done"]


def test_what_is_in_the_way_of_one_keeps_that_one_only_in_the_trash(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    life.write(TWO, b"somebody was here")

    outcomes = carry_out_many(life, plan_each(life, "restore", SINGLES))

    assert [outcome.act.state for outcome in outcomes] == ["done", "refused", "done"]
    assert outcomes[1].act.error == f"taken: {life.name}: a/two: something is there; {_NOTHING}"
    assert Path(os.fsdecode(life.at(TWO))).read_bytes() == b"somebody was here"
    assert in_trash(life) == {TWO}


_NOTHING = "nothing is replaced"


def test_what_somebody_took_out_of_the_trash_is_in_the_way_of_that_one_only(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    in_drawers(life, MORE[ONE]).unlink()

    outcomes = carry_out_many(life, plan_each(life, "restore", SINGLES))

    # it may be anywhere: it is looked for again, as for one alone
    assert [outcome.act.state for outcome in outcomes] == ["planned", "done", "done"]
    assert "gone" in outcomes[0].act.error


def test_what_somebody_changed_in_the_trash_comes_back_and_that_is_told(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    in_drawers(life, MORE[TWO]).write_bytes(b"changed in the trash")

    outcomes = carry_out_many(life, plan_each(life, "restore", SINGLES))

    assert [outcome.act.state for outcome in outcomes] == ["done"] * 3
    assert [outcome.lacking for outcome in outcomes] == [
        (),
        ("a/two: somebody changed it in the trash",),
        (),
    ]
    assert b"changed in the trash" in life.local()


def test_a_bundle_comes_back_whole_or_not_at_all(life: Life) -> None:
    done(life, plan_each(life, "trash"))
    life.write(GROUPS[0][0], b"another database")

    outcomes = carry_out_many(life, plan_each(life, "restore"))

    assert [outcome.act.state for outcome in outcomes] == ["refused", *["done"] * 4]
    assert in_trash(life) == set(GROUPS[0])


def test_half_of_what_was_trashed_together_does_not_come_back(life: Life) -> None:
    done(life, plan_each(life, "trash"))
    acts = [life.plan("restore", (GROUPS[0][1],)), life.plan("restore", GROUPS[1])]

    assert carried(life, acts) == ["refused", "done"]
    assert "not meant" in life.act(acts[0]).error
    assert set(GROUPS[0]) <= in_trash(life)


def test_files_come_back_elsewhere_and_directories_are_made(life: Life) -> None:
    os.chmod(life.at(b"a"), 0o750)
    done(life, plan_each(life, "trash", SINGLES))
    os.rmdir(life.at(b"a"))
    (three,) = life.members((THREE,))
    moved = Member(b"deep/below/three", three.identity, three.file_id)
    acts = [*plan_each(life, "restore", SINGLES[:2]), life.plan("restore", members=(moved,))]

    assert carried(life, acts) == ["done"] * 3

    assert stat.S_IMODE(os.stat(life.at(b"a")).st_mode) == 0o750
    assert Path(os.fsdecode(life.at(b"deep/below/three"))).read_bytes() == MORE[THREE]
    assert (life.row(moved.path).id, life.row(moved.path).state) == (three.file_id, "present")
    assert drawers(life) == []


def test_a_way_that_became_a_link_leads_nowhere(life: Life, tmp_path: Path) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    os.rmdir(life.at(b"a"))
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", life.at(b"a"))

    states = carried(life, plan_each(life, "restore", SINGLES))

    assert states == ["refused", "refused", "done"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert in_trash(life) == {ONE, TWO}


def test_a_disk_that_cannot_say_that_files_are_back_keeps_them_in_the_trash(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    acts = plan_each(life, "restore", SINGLES)
    calls: list[str] = []

    def strike(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        calls.append(name)
        if name == "kernel.sync" and calls.count("kernel.rename") == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    outcomes = carry_out_many(life, acts, strike)

    assert "done" not in {outcome.act.state for outcome in outcomes}
    assert not there_once(life)
    for act in acts:
        life.finish(act)
    agree(life)


def test_whoever_was_stopped_past_his_lease_brings_no_further_file_back(life: Life) -> None:
    done(life, plan_each(life, "trash", SINGLES))
    acts = plan_each(life, "restore", SINGLES)
    moved: list[str] = []

    def strike(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name == "kernel.rename":
            moved.append(name)
            if len(moved) == 1:
                life.clock.advance(60)
                life.lives.engine.hold(_Lost())

    with pytest.raises(LeaseLost):
        carry_out_many(life, acts, strike)
    life.lives.engine.hold(None)

    assert len(moved) == 1
    assert not there_once(life)
    life.recover()
    assert {life.act(act).state for act in acts} == {"done"}
    assert drawers(life) == []
    agree(life)
