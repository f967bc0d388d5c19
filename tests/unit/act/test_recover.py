"""After a restart: what was begun goes on, and what lies in our folder is put right or told."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.act.batch import carry_out_all
from storewarden.act.drawers import Room
from storewarden.act.execute import Patience
from storewarden.act.giveback import put_back
from storewarden.act.recover import Recovered
from storewarden.act.refused import Reason, Refused
from storewarden.catalogue.acts import Act
from storewarden.catalogue.journal import Journal
from storewarden.errors import LeaseLost, StoreUnavailable
from tests.catalogues import sqlite_place
from tests.executing import CONTENTS, DAY, FIRST, Life, Lives, hasty, states
from tests.striking import Killed, Striking

NS = 1_000_000_000
PATHS = tuple(CONTENTS)
PATH = FIRST[0]
CONTENT = CONTENTS[PATH]
NOTHING = Recovered()


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


def room(life: Life, name: Room = Room.TRASH) -> Path:
    return life.path / ".storewarden" / name.value


def killed_at(life: Life, act: Act, call: str, number: int = 1) -> None:
    with pytest.raises(Killed):
        life.carry_out(act, Striking(number, lambda _name: Killed(), only=lambda one: one == call))


def put_off(life: Life, act: Act, seconds: int = 3600) -> Act:
    """Let an act wait."""
    now_ns = life.clock.wall_ns()
    return Journal(life.engine, 7).put_off(life.act(act), "later", now_ns + seconds * NS, now_ns)


def emptied(life: Life) -> Act:
    """Purge a file, and end before its drawer was forgotten."""
    life.done("trash", FIRST)
    act = life.plan("purge", FIRST)
    killed_at(life, act, "acted.purged", 2)  # behind it
    return act


def test_where_nothing_was_done_nothing_is_told(life: Life) -> None:
    assert life.recover() == NOTHING == ((), (), 0, (), ())


# -- acts that go on -------------------------------------------------------------------------------


def test_all_that_waits_is_carried_out_once_however_much_it_is(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewarden.act.recover._PAGE", 1)
    planned = [life.plan("copy", (path,), store="cloud").id for path in PATHS]
    away = Striking(
        *(1, lambda _name: StoreUnavailable("away")),
        lasting=True,
        only=lambda name: name.startswith("store."),
    )
    at_once = life.executor(away, Patience(first=0.0))  # who waits for nothing is due at once

    first = life.recover_by(at_once)
    second = life.recover_by(life.executor())

    assert [one.act.id for one in first.outcomes] == planned
    assert {(one.act.state, one.act.attempts) for one in first.outcomes} == {("planned", 1)}
    assert [(one.act.id, one.act.state) for one in second.outcomes] == [
        (number, "done") for number in planned
    ]


def test_what_is_to_wait_is_left_to_wait(life: Life) -> None:
    act = put_off(life, life.plan("trash", FIRST))

    assert life.recover() == NOTHING
    life.clock.advance(DAY)
    assert [one.act.id for one in life.recover().outcomes] == [act.id]


# -- drawers that are empty ------------------------------------------------------------------------


def test_the_drawer_of_an_act_that_ended_is_forgotten(life: Life) -> None:
    emptied(life)

    assert life.recover() == Recovered(forgotten=1)
    assert life.ours() == []
    assert life.recover() == NOTHING


def test_a_drawer_that_an_act_may_still_ask_is_kept_until_it_has_ended(life: Life) -> None:
    life.done("trash", FIRST)
    act = life.plan("restore", FIRST)
    killed_at(life, act, "acted.restored")
    put_off(life, act)

    assert life.recover() == NOTHING
    assert life.ours() != []
    life.clock.advance(DAY)
    (outcome,) = life.recover().outcomes
    assert outcome.act.state == "done"
    assert life.ours() == []
    assert life.local()[CONTENT] == [PATH]


def test_the_drawer_of_an_act_that_waits_is_kept(life: Life) -> None:
    life.done("trash", FIRST)
    act = life.plan("purge", FIRST)
    killed_at(life, act, "acted.purged")
    put_off(life, act)

    assert life.recover() == NOTHING
    assert life.ours() != []


def test_a_drawer_that_cannot_be_forgotten_is_told(life: Life) -> None:
    act = emptied(life)
    (drawer,) = room(life).iterdir()
    (drawer / "strange").touch()

    why = "it still holds 1 files"
    refused = Refused(Reason.TAKEN, drawer.name.encode(), why)
    assert life.recover() == Recovered(unreadable=(refused,))
    assert life.act(act).state == "done"


def test_an_empty_drawer_that_no_act_knows_is_told(life: Life) -> None:
    act = emptied(life)
    with life.engine.transaction():
        life.engine.execute("DELETE FROM acts")

    recovered = life.recover()

    assert [(one.room, one.here) for one in recovered.unknown] == [(Room.TRASH, ())]
    assert recovered == Recovered(unknown=recovered.unknown)
    assert room(life).joinpath(recovered.unknown[0].mark).is_dir()
    assert act.members[0].path == PATH


# -- drawers with files ----------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["state = 'refused'", "place = x'616161'", "place = NULL"])
def test_files_in_the_trash_of_which_their_act_does_not_tell_are_told(
    life: Life, change: str
) -> None:
    act = life.done("trash", FIRST).act
    with life.engine.transaction():
        life.engine.execute(f"UPDATE acts SET {change} WHERE id = ?", (act.id,))

    recovered = life.recover()

    assert [one.mark for one in recovered.unknown] == [act.mark]
    assert recovered == Recovered(unknown=recovered.unknown)
    assert life.local()[CONTENT][0].startswith(b".storewarden/trash/")


def test_files_in_the_trash_of_an_act_that_waits_are_its_own(life: Life) -> None:
    act = life.plan("trash", FIRST)
    killed_at(life, act, "journal.advance")
    put_off(life, act)

    assert life.recover() == NOTHING
    assert life.local()[CONTENT][0].startswith(b".storewarden/trash/")


def leaving(life: Life) -> Act:
    """Let a file lie on its way out, with an act that waits."""
    act = life.plan("archive", FIRST, store="cloud")
    killed_at(life, act, "kernel.unlink")
    return put_off(life, act)


def test_what_lies_on_its_way_out_goes_back(life: Life) -> None:
    act = leaving(life)
    calls: list[str] = []

    recovered = life.recover(lambda name, _behind: calls.append(name))

    assert recovered == Recovered(put_back=(act.mark,))
    assert life.local()[CONTENT] == [PATH]
    assert "kernel.rename" in calls
    assert life.recover() == NOTHING


def test_what_cannot_go_back_is_not_told_as_back(life: Life) -> None:
    act = leaving(life)
    life.write(PATH, b"a new one")

    assert life.recover() == NOTHING
    assert life.local()[CONTENT] == [f".storewarden/trash/{act.mark}/0".encode()]
    life.clock.advance(DAY)
    life.recover()
    assert states(life, act) == {"trashed"}


# -- who may not act any more ----------------------------------------------------------------------


class Held(NamedTuple):
    """A lease that another process has taken over since."""

    host_id: int
    epoch: int


@pytest.mark.parametrize("begin", [leaving, emptied])
def test_who_lost_the_lease_tidies_nothing(life: Life, begin: Callable[[Life], Act]) -> None:
    begin(life)
    with life.engine.transaction():
        life.engine.execute(
            "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, 2, '', 0)",
            (life.lives.book.ground.host_id,),
        )
    executor = life.executor()
    before = life.everything()
    life.engine._lease = Held(life.lives.book.ground.host_id, 1)

    with pytest.raises(LeaseLost):
        life.recover_by(executor)

    life.engine._lease = None
    assert life.everything() == before


# -- a drawer that acts share ----------------------------------------------------------------------


def shared(life: Life) -> tuple[list[Act], Path, list[Path]]:
    """Return acts that share a drawer, the drawer, and what lies in it in their order."""
    acts = [life.plan("trash", (path,)) for path in PATHS]
    done = [one.act for one in carry_out_all(life.executor(), acts)]
    (drawer,) = room(life).iterdir()
    by_content = {path.read_bytes(): path for path in drawer.iterdir() if path.name.isdigit()}
    return done, drawer, [by_content[CONTENTS[path]] for path in PATHS]


def test_a_shared_drawer_is_forgotten_when_nobody_has_a_file_in_it(life: Life) -> None:
    acts, drawer, files = shared(life)
    for file in files[:2]:
        file.unlink()

    assert life.recover() == NOTHING
    files[2].unlink()
    assert life.recover() == Recovered(forgotten=1)
    assert not drawer.exists()
    assert {one.state for one in acts} == {"done"}


def test_of_a_shared_drawer_only_what_lies_there_unknown_is_told(life: Life) -> None:
    acts, drawer, files = shared(life)
    files[0].unlink()
    with life.engine.transaction():
        for act in acts[:2]:
            life.engine.execute("DELETE FROM acts WHERE id = ?", (act.id,))

    recovered = life.recover()

    assert [(one.drawer, one.mark) for one in recovered.unknown] == [(drawer.name, acts[1].mark)]
    assert recovered == Recovered(unknown=recovered.unknown)
    for file in files[1:]:
        file.unlink()
    assert life.recover() == Recovered(forgotten=1)


def test_what_changed_in_a_shared_drawer_before_its_act_ended_goes_back(life: Life) -> None:
    acts = [life.plan("trash", (path,)) for path in PATHS]
    executor = life.executor()

    def die(*_: object, **__: object) -> object:
        raise Killed

    for name in ("trashed", "all_trashed"):
        setattr(executor.tools.acted, name, die)
    with pytest.raises(Killed):
        list(carry_out_all(executor, acts))
    (drawer,) = room(life).iterdir()
    (mine,) = (path for path in drawer.iterdir() if path.read_bytes() == CONTENTS[PATHS[1]])
    mine.write_bytes(b"changed")

    life.recover()

    assert [life.act(act).state for act in acts] == ["done", "refused", "done"]
    assert "since it was moved" in life.act(acts[1]).error
    assert life.local()[b"changed"] == [PATHS[1]]


def test_a_shared_drawer_stays_when_its_last_file_goes_back(life: Life) -> None:
    """It tells of the other acts until each of them was told to be over."""
    acts, drawer, files = shared(life)
    for file in files[:2]:
        file.unlink()

    with life.opened(life.name) as root:
        done = put_back(root.descriptor, Room.TRASH, acts[2].mark, shared=drawer.name)

    assert done.back == (PATHS[2],)
    assert (drawer / "note").exists()


# -- what cannot be read ---------------------------------------------------------------------------


def test_a_room_that_is_not_ours_alone_is_told_and_acts_go_on(life: Life) -> None:
    life.done("trash", FIRST)
    room(life).chmod(0o777)
    act = life.plan("copy", PATHS[1:], store="cloud")

    recovered = life.recover()

    refused = Refused(Reason.NOT_OURS, b"trash", "others may write into it: chmod go-w")
    assert recovered == Recovered(recovered.outcomes, unreadable=(refused,))
    assert [one.act.id for one in recovered.outcomes] == [act.id]


def test_a_room_that_the_disk_does_not_show_is_told(life: Life) -> None:
    life.done("trash", FIRST)
    executor = life.executor()
    kernel = executor.tools.kernel

    def names(_directory: int) -> list[bytes]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    kernel.names = names  # type: ignore[assignment, method-assign]

    recovered = life.recover_by(executor)

    refused = Refused(Reason.FAILING, b"", "Input/output error")
    assert recovered == Recovered(unreadable=(refused,))


def test_a_drawer_that_cannot_be_read_keeps_no_other_from_being_tidied(life: Life) -> None:
    emptied(life)
    for mark in ("a" * 16, "z" * 16):
        (room(life) / mark).mkdir()
        (room(life) / mark).chmod(0o777)

    recovered = life.recover()

    assert [one.path for one in recovered.unreadable] == [b"a" * 16, b"z" * 16]
    assert recovered == Recovered(forgotten=1, unreadable=recovered.unreadable)


def test_what_bears_no_name_of_ours_is_nobodys_business(life: Life) -> None:
    emptied(life)
    for name in (b"A note of somebody", b"z\xff"):
        os.mkdir(os.path.join(os.fsencode(room(life)), name))

    assert life.recover() == Recovered(forgotten=1)
    assert len(list(room(life).iterdir())) == 2
