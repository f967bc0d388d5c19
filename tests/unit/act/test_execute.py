"""What an executor does when something is in the way, and what it tells of what it did."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.act.carry.work import PurgeRule
from storewarden.act.execute import Patience
from storewarden.catalogue.acts import Act, figures
from storewarden.errors import CatalogueRefused, FileUnusable, StoreRefused, StoreUnavailable
from storewarden.store.memory import MemoryStore
from tests.acting import check_stores
from tests.catalogues import sqlite_place
from tests.executing import CONTENTS, DAY, FIRST, STORES, Life, Lives, elsewhere, hasty, states
from tests.recording import check_totals
from tests.striking import Killed, Striking

NS = 1_000_000_000
SIZE = sum(map(len, CONTENTS.values()))
PATH = FIRST[0]
CONTENT = CONTENTS[PATH]


@pytest.fixture(params=STORES)
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Life]:
    """Lend a root with its files; at the end the catalogue has to tell the truth."""
    with sqlite_place(tmp_path / "state") as place:
        lives = Lives(hasty(place), tmp_path)
        life = lives.begin(request.param)
        yield life
        life.agree()
        check_totals(lives.engine, lives.book.counts)
        check_stores(lives.engine)


def away(name: str) -> BaseException | None:
    return StoreUnavailable("the store is away") if name.startswith("store.") else None


def nobody(at: int = 1) -> Striking:
    """Return what lets no call of the store through."""
    return Striking(at, away, lasting=True, only=lambda name: name.startswith("store."))


def killed_at(life: Life, act: Act, call: str, number: int = 1) -> None:
    """Carry out an act whose process ends at the N-th call of a name."""
    with pytest.raises(Killed):
        life.carry_out(act, Striking(number, lambda _name: Killed(), only=lambda one: one == call))


def overwrite(life: Life, path: bytes, content: bytes) -> None:
    with open(life.at(path), "r+b") as file:
        file.write(content)


# -- what is told of what was done -----------------------------------------------------------------


def test_an_archive_tells_what_was_copied_read_back_and_freed(life: Life) -> None:
    outcome = life.done("archive", store="cloud")

    assert (outcome.copied, outcome.verified) == (SIZE, SIZE)
    assert outcome.freed >= 3 * 512
    assert len(outcome.quiet) == 3
    assert life.ours() == []
    assert all(one.held is not None for one in outcome.act.members)


def test_what_is_restored_from_a_store_is_told_and_lies_where_it_was(life: Life) -> None:
    life.done("archive", store="cloud")

    outcome = life.done("restore")

    assert outcome.fetched == SIZE
    assert outcome.lacking == ()
    assert {content: [path] for path, content in CONTENTS.items()}.items() <= life.local().items()


def test_an_undo_is_a_restore_that_names_what_it_takes_back(life: Life) -> None:
    trashed = life.done("trash").act

    life.done("restore", undoes=trashed.id)

    assert life.act(trashed).state == "undone"
    assert states(life, trashed) == {"present"}
    assert life.ours() == []


def test_a_restore_to_another_place_leaves_the_old_one_empty(life: Life) -> None:
    life.done("trash")

    life.done("restore", members=elsewhere(life))

    assert {b"put/" + path for path in CONTENTS} <= {
        one for each in life.local().values() for one in each
    }


def test_moving_tells_where_files_are_for_use(life: Life) -> None:
    life.done("move", store="cloud")
    placed = life.engine.execute("SELECT DISTINCT store FROM placed")
    life.done("move", store="local")

    assert placed == [("cloud",)]
    assert life.engine.execute("SELECT DISTINCT store FROM placed") == [("local",)]
    assert set(CONTENTS.values()) <= life.stored().keys()


# -- copies ----------------------------------------------------------------------------------------


def test_what_was_copied_before_is_not_copied_again_but_read_again(life: Life) -> None:
    life.done("copy", store="cloud")

    outcome = life.done("archive", store="cloud")

    assert (outcome.copied, outcome.verified) == (0, SIZE)
    assert all(len(keys) == 1 for keys in life.stored().values())


def test_a_copy_of_what_the_file_was_before_is_not_taken_for_one(life: Life) -> None:
    life.done("copy", FIRST, store="cloud")
    was = os.lstat(life.at(PATH))
    overwrite(life, PATH, CONTENT[::-1])  # of the same size, and nobody has looked since
    os.utime(life.at(PATH), ns=(was.st_atime_ns, was.st_mtime_ns))
    (member,) = life.members(FIRST)
    changed_ns = os.lstat(life.at(PATH)).st_ctime_ns
    now = member._replace(identity=member.identity._replace(changed_ns=changed_ns))

    outcome = life.done("copy", members=(now,), store="cloud")

    assert outcome.copied == len(CONTENT)
    assert CONTENT[::-1] in life.stored()
    overwrite(life, PATH, CONTENT)
    forget_copies(life)


def test_a_copy_that_vanished_keeps_the_file_and_the_next_act_makes_another(life: Life) -> None:
    life.done("copy", FIRST, store="cloud")
    for entry in list(life.store.list()):
        met = life.store.find(entry.key)
        assert met is not None
        life.store.remove(met)

    failed = life.carry_out(life.plan("archive", FIRST, store="cloud")).act
    assert (failed.state, states(life, failed)) == ("failed", {"present"})
    assert "not there any more" in failed.error

    assert life.done("archive", FIRST, store="cloud").copied == len(CONTENT)


def test_a_file_that_changes_after_it_was_copied_stays_and_its_copy_goes(life: Life) -> None:
    act = life.plan("archive", FIRST, store="cloud")
    killed_at(life, act, "journal.advance", 4)  # behind the second one: it is verified
    assert life.act(act).state == "verified"
    overwrite(life, PATH, b"something else")

    (outcome,) = life.recover().outcomes

    assert (outcome.act.state, states(life, act)) == ("refused", {"present"})
    assert outcome.act.error.startswith(f"changed: {life.name}: data/app.db")
    life.record(PATH)
    assert not life.ours()


def test_the_copy_of_a_file_that_was_deleted_meanwhile_is_never_dropped(life: Life) -> None:
    act = life.plan("archive", FIRST, store="cloud")
    killed_at(life, act, "journal.advance", 4)
    os.unlink(life.at(PATH))

    (outcome,) = life.recover().outcomes

    assert outcome.act.state == "refused"
    assert CONTENT in life.stored()
    life.write(PATH, CONTENT)  # for the check of the fixture
    life.record(PATH)


def test_an_object_that_is_not_ours_under_our_key_is_left_alone(life: Life) -> None:
    act = life.plan("archive", FIRST, store="cloud")
    killed_at(life, act, "journal.advance")  # it is stored, but not noted
    (key,) = life.stored()[CONTENT]
    twin = CONTENT[::-1]
    life.write(b"twin", twin)
    life.record(b"twin")
    life.done("copy", [b"twin"], store="cloud")
    about = life.store.about(life.stored()[twin][0])
    met = life.store.find(key)
    assert met is not None
    life.store.remove(met)
    with life.store.open(life.stored()[twin][0]) as opened:
        put(life, key, opened.read(1 << 20), about)

    (outcome,) = life.recover().outcomes

    assert (outcome.act.state, states(life, act)) == ("failed", {"present"})
    assert "the key is taken" in outcome.act.error
    assert life.local()[CONTENT] == [PATH]
    forget_copies(life)


def forget_copies(life: Life) -> None:
    """Let nothing be stored: the check of the fixture knows one content for each path."""
    with life.engine.transaction():
        life.engine.execute("DELETE FROM store_totals")
        life.engine.execute("DELETE FROM copies")


def put(life: Life, key: str, content: bytes, about: bytes) -> None:
    pieces = [content, b""]

    class Pieces:
        def read(self, _size: int, /) -> bytes:
            return pieces.pop(0)

    life.store.put(key, Pieces(), lambda: about)


def test_a_copy_that_was_replaced_before_it_was_read_back_frees_nothing(life: Life) -> None:
    act = life.plan("archive", FIRST, store="cloud")
    killed_at(life, act, "journal.advance", 2)
    (key,) = life.stored()[CONTENT]
    about, met = life.store.about(key), life.store.find(key)
    assert met is not None
    with life.store.open(key) as opened:
        content = opened.read(met.bytes)
    life.store.remove(met)
    put(life, key, content, about)

    (outcome,) = life.recover().outcomes

    assert (outcome.act.state, states(life, act)) == ("failed", {"present"})
    assert "a copy was replaced" in outcome.act.error


def test_a_copy_that_is_damaged_before_it_was_read_back_frees_nothing(life: Life) -> None:
    if not isinstance(life.store, MemoryStore):
        pytest.skip("others are hurt in the tests of stores")
    act = life.plan("archive", FIRST, store="cloud")
    killed_at(life, act, "journal.advance", 2)
    (entry,) = life.store.list()
    life.store.hurt(entry.key, b"\0" * entry.bytes)

    (outcome,) = life.recover().outcomes

    assert (outcome.act.state, states(life, act)) == ("failed", {"present"})
    assert life.local()[CONTENT] == [PATH]
    assert list(life.store.list()) == []  # nobody would ever use it


# -- what may work later ---------------------------------------------------------------------------


def test_a_store_that_is_away_is_tried_with_growing_pauses_and_then_given_up(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    pauses = []
    while not (act := life.carry_out(act, nobody()).act).ended:
        assert act.next_try_ns is not None
        pauses.append((act.next_try_ns - life.clock.wall_ns()) // NS)
        assert "the store is away" in act.error
        assert life.recover().outcomes == ()  # its time has not come
        life.clock.advance(pauses[-1])

    assert pauses == [60, 240, 960, 3840, 15360, 21600, 21600]
    assert (act.state, act.attempts) == ("failed", 7)
    assert states(life, act) == {"present"}


def test_patience_can_be_given(life: Life) -> None:
    act = life.plan("copy", store="cloud")

    outcome = life.executor(nobody(), Patience(attempts=1)).carry_out(act)

    assert outcome.act.state == "failed"


def test_a_file_that_is_being_written_waits(life: Life) -> None:
    act = life.plan("trash", FIRST)
    with open(life.at(PATH), "ab"):
        waiting = life.carry_out(act).act
        assert waiting.error.startswith("open for writing")
        assert not waiting.ended
    assert life.finish(act).state == "done"


def test_a_root_that_is_not_there_is_waited_for_however_long(life: Life) -> None:
    act = life.plan("trash", FIRST)
    life.away = True
    for _ in range(20):
        act = life.carry_out(act).act
        assert not act.ended
        life.clock.advance(DAY)
    life.away = False

    assert life.carry_out(act).act.state == "done"


def test_what_waits_to_leave_goes_back_while_its_copy_cannot_be_proven(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    killed_at(life, act, "kernel.unlink")  # all lie in the drawer, the first is about to go
    assert life.local()[CONTENT][0].startswith(b".storewarden/leaving/")

    life.recover(nobody())

    assert not life.act(act).ended
    assert life.local()[CONTENT] == [PATH]
    assert states(life, act) == {"present"}
    # To put it back changed the time of its last change: it is decided anew.
    assert life.finish(act).state == "refused"
    assert life.local()[CONTENT] == [PATH]


def test_whoever_goes_on_without_a_proof_puts_back_what_waits_to_leave(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    killed_at(life, act, "kernel.unlink")

    waiting = life.carry_out(life.act(act), nobody()).act

    assert not waiting.ended
    assert all(life.local()[content] == [path] for path, content in CONTENTS.items())
    life.finish(act)


def test_what_has_waited_in_a_drawer_is_put_back_even_if_its_act_waits(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    killed_at(life, act, "kernel.unlink")
    journal = life.executor().tools.journal
    journal.put_off(life.act(act), "not now", life.clock.wall_ns() + NS, life.clock.wall_ns())

    recovered = life.recover()

    assert recovered.put_back == (act.mark,)
    assert life.local()[CONTENT] == [PATH]
    assert life.recover()[:3] == ((), (), 0)
    life.finish(act)


def test_no_file_of_a_bundle_leaves_before_all_are_copied(life: Life) -> None:
    act = life.plan("archive", store="cloud")
    third = Striking(3, lambda _name: StoreRefused("no"), only=lambda one: one == "store.put")

    failed = life.carry_out(act, third).act  # "before" and "behind" count: within the second put

    assert (failed.state, states(life, failed)) == ("failed", {"present"})
    assert all(life.local()[content] == [path] for path, content in CONTENTS.items())
    assert list(life.store.list()) == []  # what was stored of it is of no use


def test_a_database_that_somebody_only_reads_waits_with_all_its_files(life: Life) -> None:
    with life.engine.transaction():
        life.engine.execute("UPDATE files SET kind = 'database'")
        life.engine.execute("UPDATE totals SET kind = 'database'")
    act = life.plan("trash")

    with open(life.at(b"data/app.db-wal"), "rb"):
        waiting = life.carry_out(act).act
        assert waiting.error.startswith("in use")
        assert states(life, act) == {"present"}

    assert life.finish(act).state == "done"


def test_a_root_that_is_not_there_at_the_start_costs_no_attempt(life: Life) -> None:
    act = life.plan("trash", FIRST)
    life.away = True

    with pytest.raises(FileUnusable):
        life.recover()

    assert life.act(act).attempts == 0


# -- never over something --------------------------------------------------------------------------


@pytest.mark.parametrize("taken", CONTENTS)
@pytest.mark.parametrize("verb", ["trash", "archive"])
def test_nothing_is_restored_over_something_nor_in_part(
    life: Life, verb: str, taken: bytes
) -> None:
    act = life.done(verb, store="cloud" if verb == "archive" else None).act
    life.write(taken, b"a new one")

    refused = life.carry_out(life.plan("restore", members=act.members)).act

    assert refused.state == "refused"
    assert states(life, act) == {f"{verb}ed" if verb == "trash" else "archived"}
    assert life.local()[b"a new one"] == [taken]
    places = [path for content in CONTENTS.values() for path in life.local().get(content, ())]
    assert all(path.startswith(b".storewarden/trash/") for path in places)


def test_a_file_whose_place_is_taken_while_it_leaves_is_kept_in_the_trash(life: Life) -> None:
    act = life.plan("archive", FIRST, store="cloud")

    def take(name: str) -> BaseException | None:
        if name == "kernel.unlink":
            life.write(PATH, b"a new one")
            return OSError(errno.EIO, "the disk fails")
        return None

    ended = life.carry_out(act, Striking(1, take, only=lambda one: one == "kernel.unlink")).act

    assert (ended.state, states(life, ended)) == ("done", {"trashed"})
    (kept,) = life.local()[CONTENT]
    assert kept.startswith(b".storewarden/trash/")
    assert life.local()[b"a new one"] == [PATH]
    assert life.recover()[1:] == ((), 0, (), ())


# -- purge -----------------------------------------------------------------------------------------


def test_what_has_not_lain_in_the_trash_long_enough_stays(life: Life) -> None:
    life.done("trash")
    life.purge_rule = PurgeRule(at_least_ns=30 * int(DAY) * NS)
    act = life.plan("purge")

    waiting = life.carry_out(act).act

    assert waiting.error.startswith("too early")
    assert CONTENT in life.local()


def test_where_a_copy_must_stay_nothing_without_one_is_purged(life: Life) -> None:
    life.done("copy", FIRST, store="cloud")  # of one of three
    life.done("trash")
    life.purge_rule = PurgeRule(copy_stays=True)

    refused = life.carry_out(life.plan("purge")).act

    assert (refused.state, states(life, refused)) == ("refused", {"trashed"})
    assert refused.error.startswith("unproven")
    assert set(CONTENTS.values()) <= life.local().keys()


def test_what_a_purge_freed_before_a_kill_is_counted(life: Life) -> None:
    life.done("trash")
    act = life.plan("purge")
    killed_at(life, act, "acted.purged")

    life.recover()

    assert life.act(act).state == "done"
    (figure,) = [one for one in figures(life.engine, act.host_id) if one.verb == "purge"]
    assert (figure.acts, figure.freed) == (1, SIZE)


def test_a_part_of_what_was_trashed_together_is_neither_purged_nor_restored(life: Life) -> None:
    life.done("trash")

    for verb in ("purge", "restore"):
        refused = life.carry_out(life.plan(verb, FIRST)).act
        assert refused.state == "refused"
        assert "trashed together" in refused.error
    assert set(CONTENTS.values()) <= life.local().keys()


def test_what_lies_in_its_root_is_not_purged(life: Life) -> None:
    life.done("copy", store="cloud")

    refused = life.carry_out(life.plan("purge")).act

    assert (refused.state, states(life, refused)) == ("refused", {"present"})
    assert set(CONTENTS.values()) <= life.local().keys() & life.stored().keys()


def test_an_archived_file_of_which_another_object_has_the_key_is_not_purged(life: Life) -> None:
    act = life.done("archive", FIRST, store="cloud").act
    assert act.held is not None
    about, met = life.store.about(act.held.key), life.store.find(act.held.key)
    assert met is not None
    with life.store.open(met.key) as opened:
        content = opened.read(met.bytes)
    life.store.remove(met)
    put(life, met.key, content, about)

    failed = life.carry_out(life.plan("purge", FIRST)).act

    assert failed.state == "failed"
    assert "replaced" in failed.error
    assert CONTENT in life.stored()


# -- recovery --------------------------------------------------------------------------------------


def test_a_drawer_that_no_act_knows_is_reported_and_left_alone(life: Life) -> None:
    act = life.done("trash").act
    with life.engine.transaction():
        life.engine.execute("DELETE FROM acts WHERE id = ?", (act.id,))

    first, second = life.recover(), life.recover()

    assert [entry.mark for entry in first.unknown] == [act.mark]
    assert first == second
    assert set(CONTENTS.values()) <= life.local().keys()


def test_an_act_that_ended_is_not_carried_out_again(life: Life) -> None:
    act = life.done("trash").act

    assert life.carry_out(act).act == act


def test_an_act_as_it_was_before_touches_nothing(life: Life) -> None:
    act = life.plan("copy", store="cloud")
    life.carry_out(act)

    with pytest.raises(CatalogueRefused, match="not where it was thought to be"):
        life.carry_out(act)


def test_acts_of_a_store_that_is_not_configured_any_more_fail(life: Life) -> None:
    act = life.plan("archive", store="gone")

    failed = life.carry_out(act).act

    assert failed.state == "failed"
    assert "a store is not known: gone" in failed.error
