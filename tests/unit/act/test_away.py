"""Files that leave once their copies are proven: what is told of a bundle that was half way out."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.act.batch import carry_out_all
from storewarden.act.execute import Patience
from storewarden.catalogue.acts import Act
from storewarden.errors import LeaseLost, StoreUnavailable
from tests.catalogues import sqlite_place
from tests.executing import CONTENTS, DAY, FIRST, Life, Lives, hasty
from tests.striking import Killed, Striking
from tests.working import decided, killed_at, undecided

PATHS = tuple(CONTENTS)
PATH = FIRST[0]
ONCE = Patience(attempts=1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


def failing(
    call: str, at: int, *, lasting: bool = False, do: Callable[[], None] = lambda: None
) -> Striking:
    """Let a call of the kernel fail; before that, something is done."""

    def fail(_name: str) -> OSError:
        do()
        return OSError(errno.EIO, os.strerror(errno.EIO))

    return Striking(at, fail, lasting=lasting, only=lambda name: name == f"kernel.{call}")


def given_up(life: Life, act: Act, strike: Striking) -> Act:
    """Carry out an act that has no second attempt."""
    decided(life)
    return life.executor(strike, ONCE).carry_out(act).act


def rows(life: Life) -> list[str]:
    return [life.row(path).state for path in PATHS]


def ids(life: Life, *paths: bytes) -> set[int]:
    return {life.row(path).id for path in paths}


# -- some are removed ------------------------------------------------------------------------------


def test_what_was_removed_is_archived_and_the_rest_is_decided_anew(life: Life) -> None:
    act = life.plan("archive", store="cloud")

    ended = given_up(life, act, failing("unlink", 2))

    assert (ended.state, [one.path for one in ended.members]) == ("done", [PATH])
    assert rows(life) == ["archived", "present", "present"]
    assert undecided(life) >= ids(life, *PATHS[1:])
    assert life.local().keys() >= {CONTENTS[path] for path in PATHS[1:]}
    assert life.ours() == []
    assert life.stored().keys() == set(CONTENTS.values())
    assert life.recover() == ((), (), 0, (), ())


def test_all_is_removed_and_a_disk_that_fails_then_changes_nothing_of_it(life: Life) -> None:
    act = life.plan("archive", store="cloud")

    ended = given_up(life, act, failing("unlink", 3))

    assert [one.path for one in ended.members] == [*PATHS[:2]]
    assert rows(life) == ["archived", "archived", "present"]


def test_nothing_was_removed_and_what_was_stored_in_vain_is_gone(life: Life) -> None:
    act = life.plan("archive", store="cloud")

    ended = given_up(life, act, failing("unlink", 1))

    assert (ended.state, rows(life)) == ("failed", ["present"] * 3)
    assert life.stored() == {}
    assert life.ours() == []


def test_a_new_file_in_the_place_of_a_removed_one_is_another_file(life: Life) -> None:
    """Killed half way; before the next start, the first file is made anew, of the same number."""
    act = life.plan("archive", store="cloud")
    act = killed_at(life, act, "kernel.unlink", 2)
    drawer = life.path / ".storewarden/leaving" / act.mark
    told = (drawer / "note").read_text()
    life.write(PATH, b"a new one")
    new, old = os.lstat(life.at(PATH)).st_ino, act.members[0].identity.inode
    (drawer / "note").write_text(told.replace(f'"inode": {old},', f'"inode": {new},'))
    with life.engine.transaction():
        life.engine.execute(
            "UPDATE acts SET members = replace(members, ?, ?)", (f" {old},", f" {new},")
        )

    away = Striking(
        *(1, lambda _name: StoreUnavailable("away")),
        lasting=True,
        only=lambda name: name.startswith("store."),
    )
    life.executor(away, ONCE).carry_out(life.act(act))

    assert rows(life)[0] == "archived"
    assert life.act(act).state == "done"
    assert life.local()[b"a new one"] == [PATH]


# -- some have to stay -----------------------------------------------------------------------------


def test_what_has_no_place_any_more_is_kept_in_the_trash(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    taking = failing("unlink", 1, do=lambda: life.write(PATH, b"a new one"))

    ended = given_up(life, act, taking)

    assert [(one.path, one.lies) for one in ended.members] == [(PATH, b"0")]
    assert ended.place == b".storewarden/trash/" + act.mark.encode()
    assert rows(life) == ["trashed", "present", "present"]
    assert undecided(life) >= ids(life, *PATHS[1:])
    assert life.local()[CONTENTS[PATH]] == [ended.place + b"/0"]
    life.agree()
    assert life.recover() == ((), (), 0, (), ())


def test_each_file_that_is_kept_is_found_by_its_own_number(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    taking = failing("unlink", 1, do=lambda: life.write(PATHS[2], b"a new one"))

    ended = given_up(life, act, taking)

    assert [(one.path, one.lies) for one in ended.members] == [(PATHS[2], b"2")]
    assert rows(life) == ["present", "present", "trashed"]


def test_what_is_kept_and_is_not_what_was_decided_on_is_no_file_of_ours(life: Life) -> None:
    act = life.plan("archive", store="cloud")

    def meddle() -> None:
        life.write(PATH, b"a new one")
        life.write(b"another", b"what somebody put into our drawer")
        inside = f".storewarden/leaving/{act.mark}/0".encode()
        os.replace(life.at(b"another"), life.at(inside))

    before = ids(life, *PATHS)
    ended = given_up(life, act, failing("unlink", 1, do=meddle))

    (member,) = ended.members
    assert (member.path, member.lies) == (PATH, b"0")
    assert member.identity.size == len(b"what somebody put into our drawer")
    assert member.file_id not in before  # a row of its own
    assert undecided(life) >= before


def test_who_is_killed_while_it_is_kept_ends_it_so(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    taking = failing("unlink", 1, do=lambda: life.write(PATH, b"a new one"))

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        taking(name, behind)
        if name == "acted.trashed":
            raise Killed

    with pytest.raises(Killed):
        life.executor(strike, ONCE).carry_out(act)
    life.recover()

    assert (life.act(act).state, rows(life)) == ("done", ["trashed", "present", "present"])


def test_without_a_note_nobody_says_what_lies_there(life: Life) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "kernel.unlink")
    (life.path / ".storewarden/leaving" / act.mark / "note").unlink()

    waiting = life.executor(patience=ONCE).carry_out(act).act

    assert (waiting.state, waiting.attempts) == ("verified", 1)
    assert f"changed: {life.name}: : no note tells what lies there" in waiting.error
    assert len(life.local()) == len(CONTENTS) + 1


# -- it cannot be seen, or not be done -------------------------------------------------------------


def test_while_it_lies_in_a_drawer_it_is_tried_however_often(life: Life) -> None:
    act = life.plan("archive", store="cloud")

    waiting = given_up(life, act, failing("rename", 3, lasting=True))

    assert (waiting.state, waiting.attempts) == ("verified", 1)
    assert f"busy: {life.name}: data/app.db: it lies in a drawer of ours" in waiting.error
    life.clock.advance(DAY)
    life.recover()
    assert rows(life) == ["archived"] * 3


def test_while_our_folder_is_open_to_others_nothing_is_ended(life: Life) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "kernel.unlink")
    (life.path / ".storewarden").chmod(0o777)

    waiting = life.executor(patience=ONCE).carry_out(act).act

    assert (waiting.state, waiting.attempts) == ("verified", 1)
    assert "not ours" in waiting.error
    (life.path / ".storewarden").chmod(0o700)
    life.clock.advance(DAY)
    life.recover()
    assert rows(life) == ["archived"] * 3


def test_what_has_left_needs_its_store_no_more(life: Life) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "acted.archived")
    away = Striking(
        *(1, lambda _name: StoreUnavailable("away")),
        lasting=True,
        only=lambda name: name.startswith("store."),
    )

    assert (act.state, life.carry_out(act, away).act.state) == ("switched", "done")


def test_the_journal_tells_where_they_lie_on_their_way_out(life: Life) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "kernel.unlink")

    assert act.place == b".storewarden/leaving/" + act.mark.encode()


def test_what_waits_goes_back_by_the_calls_that_ask_whether_we_may_act(life: Life) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "kernel.unlink")
    calls: list[str] = []

    def away(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        calls.append(name)
        if name in {"store.open", "store.look"}:
            raise StoreUnavailable("away")

    life.carry_out(act, away)

    assert calls.count("kernel.rename") == len(CONTENTS)
    assert set(life.local()) >= set(CONTENTS.values())
    assert life.ours() == []


# -- who may not act any more ----------------------------------------------------------------------


class Held(NamedTuple):
    """A lease that another process has taken over since."""

    host_id: int
    epoch: int


def taken_over(life: Life) -> Callable[[], None]:
    """Return what lets the lease be lost."""
    host_id = life.lives.book.ground.host_id
    with life.engine.transaction():
        life.engine.execute(
            "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, 2, '', 0)", (host_id,)
        )

    def lose() -> None:
        life.engine._lease = Held(host_id, 1)

    return lose


@pytest.mark.parametrize("error", [None, StoreUnavailable("away")])
def test_who_loses_the_lease_while_copies_are_read_leaves_all_as_it_is(
    life: Life, error: Exception | None
) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "kernel.unlink")
    lose = taken_over(life)
    reads: list[str] = []

    def read(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name in {"store.open", "store.look"} and not behind:
            reads.append(name)
            if len(reads) == len(CONTENTS):  # the last of them
                lose()
                if error is not None:
                    raise error

    executor = life.executor(read)
    before = life.everything()
    with pytest.raises(LeaseLost):
        executor.carry_out(act)
    life.engine._lease = None

    assert len(reads) == len(CONTENTS)
    assert life.everything() == before


def test_who_lost_the_lease_gives_nothing_up(life: Life) -> None:
    act = killed_at(life, life.plan("archive", store="cloud"), "kernel.unlink")
    lose = taken_over(life)
    executor = life.executor()
    before = life.everything()
    lose()

    with pytest.raises(LeaseLost):
        executor.give_up(act, "not wanted")
    life.engine._lease = None

    assert life.everything() == before


# -- a drawer that acts share ----------------------------------------------------------------------


def test_an_act_that_is_not_wanted_any_more_leaves_the_drawer_that_it_shares(life: Life) -> None:
    acts = [life.plan("trash", (path,)) for path in PATHS]

    def die(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name.startswith("acted."):
            raise Killed

    executor = life.executor()
    acted = executor.tools.acted
    for name in ("trashed", "all_trashed"):
        setattr(acted, name, lambda *_, **__: die("acted.", False))
    with pytest.raises(Killed):
        list(carry_out_all(executor, acts))
    assert all(one[0].startswith(b".storewarden") for c, one in life.local().items() if c in PLACED)

    last = life.executor().give_up(life.act(acts[2]), "not wanted").act

    assert (last.state, last.error) == ("refused", "not wanted")
    assert life.local()[CONTENTS[PATHS[2]]] == [PATHS[2]]
    life.recover()
    assert rows(life) == ["trashed", "trashed", "present"]


PLACED = set(CONTENTS.values())
