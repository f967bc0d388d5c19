"""Files that are stored beside each other: each is done, put off or refused for itself alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.act.batch import carry_out_all
from storewarden.act.carry.beside import AT_ONCE, rounds
from storewarden.act.execute import Outcome
from storewarden.catalogue.acts import Act
from storewarden.errors import CatalogueRefused, LeaseLost, StoreRefused, StoreUnavailable
from tests.beside import ALL, GROUPS, begin, carry_out_beside, threads
from tests.catalogues import sqlite_place
from tests.executing import Life, Lives, hasty, states

VERBS = ("copy", "archive", "move")


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path)
    assert threads() == []


def what_came(outcomes: list[Outcome]) -> list[str]:
    return [outcome.act.state for outcome in outcomes]


@pytest.mark.parametrize("verb", VERBS)
def test_all_are_done_and_told_in_their_order(lives: Lives, verb: str) -> None:
    life, acts = begin(lives, verb)

    outcomes = carry_out_beside(life, acts)

    assert [outcome.act for outcome in outcomes] == [life.act(act) for act in acts]
    assert what_came(outcomes) == ["done"] * len(acts)
    for outcome, paths in zip(outcomes, GROUPS, strict=True):
        size = sum(len(ALL[path]) for path in paths)
        assert (outcome.copied, outcome.verified) == (size, size)
        assert (outcome.freed > 0) == (verb != "copy")
        assert states(life, outcome.act) == {"present" if verb == "copy" else "archived"}
    assert set(life.stored()) == set(ALL.values())
    # what was moved is for use in the store, what was archived is only kept there
    ((placed,),) = life.engine.execute("SELECT count(*) FROM placed")
    assert placed == (len(ALL) if verb == "move" else 0)
    life.agree()


def counted_notes(life: Life, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that grows with each transaction: whether a power cut leaves it."""
    durable: list[bool] = []
    transaction = life.engine.transaction

    def counting(**more: bool) -> object:
        durable.append(more.get("durable", False))
        return transaction(**more)

    monkeypatch.setattr(life.engine, "transaction", counting)
    return durable


def test_the_journal_is_written_once_for_each_step(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, acts = begin(lives, "copy")
    notes = counted_notes(life, monkeypatch)
    carry_out_beside(life, acts)

    assert notes.count(True) == 2  # copied, and done


# -- what stops one of them ------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_that_changed_is_refused_and_the_others_are_done(lives: Lives, verb: str) -> None:
    life, acts = begin(lives, verb)
    life.write(b"a/one", b"another one")

    outcomes = carry_out_beside(life, acts)

    assert what_came(outcomes) == ["done", "done", "refused", "done", "done"]
    assert "changed" in outcomes[2].act.error
    assert b"another one" in life.local()
    assert b"another one" not in life.stored()


def only(number: int, error: Exception, call: str) -> Callable[[str, bool], None]:
    """Return what fails one call of those with a name."""
    calls: list[str] = []

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name == call and not behind:
            calls.append(name)
            if len(calls) == number:
                raise error

    return strike


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("call", ["store.put", "store.look"])
def test_a_file_that_a_store_refuses_fails_and_the_others_are_done(
    lives: Lives, verb: str, call: str
) -> None:
    life, acts = begin(lives, verb)

    outcomes = carry_out_beside(life, acts, only(3, StoreRefused("no"), call))

    assert sorted(what_came(outcomes)) == ["done"] * 4 + ["failed"]
    (failed,) = (outcome.act for outcome in outcomes if outcome.act.state == "failed")
    assert "no" in failed.error
    assert states(life, failed) == {"present"}
    for member in failed.members:
        assert ALL[member.path] in life.local()
        assert ALL[member.path] not in life.stored()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("call", ["store.put", "store.look"])
def test_what_a_store_has_no_time_for_is_put_off_and_done_later(
    lives: Lives, verb: str, call: str
) -> None:
    life, acts = begin(lives, verb)
    away = False

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        nonlocal away
        away = away or (name == call and behind)
        if away and name.startswith("store.") and not behind:
            raise StoreUnavailable("it went away")

    outcomes = carry_out_beside(life, acts, strike)

    put_off = [outcome.act for outcome in outcomes if outcome.act.state != "done"]
    assert put_off
    assert {(act.attempts, act.error) for act in put_off} == {(1, "it went away")}
    life.all_there()
    assert {life.finish(act).state for act in acts} == {"done"}
    life.agree()


def test_a_root_that_is_not_there_puts_all_off(lives: Lives) -> None:
    life, acts = begin(lives, "copy")
    life.away = True

    outcomes = carry_out_beside(life, acts)

    assert what_came(outcomes) == ["planned"] * len(acts)
    assert {outcome.act.attempts for outcome in outcomes} == {1}


def test_a_store_that_is_not_known_fails_each_of_them(lives: Lives) -> None:
    life, _ = begin(lives, "copy")
    life, acts = begin(lives, "archive")
    acts = [act._replace(store="gone") for act in acts]

    assert what_came(carry_out_beside(life, acts)) == ["failed"] * len(acts)


@pytest.mark.parametrize("verb", VERBS)
def test_what_cannot_be_ended_together_is_ended_one_by_one(lives: Lives, verb: str) -> None:
    life, acts = begin(lives, verb)
    ends = {"copy": "acted.all_copied", "archive": "acted.all_archived", "move": "acted.all_moved"}

    outcomes = carry_out_beside(life, acts, only(1, CatalogueRefused("another"), ends[verb]))

    assert what_came(outcomes) == ["done"] * len(acts)
    assert {outcome.act.attempts for outcome in outcomes} == {0}
    for outcome, paths in zip(outcomes, GROUPS, strict=True):
        size = sum(len(ALL[path]) for path in paths)
        # nothing is stored twice; what is only copied is proven anew
        assert (outcome.copied, outcome.verified) == (0 if verb == "copy" else size, size)
    life.agree()


@pytest.mark.parametrize("verb", ["archive", "move"])
def test_nothing_leaves_before_it_is_noted_that_it_is_proven(lives: Lives, verb: str) -> None:
    life, acts = begin(lives, verb)
    stored = life.local()
    noted: list[str] = []

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if behind:
            return
        if name == "journal.advance":
            noted.append(name)
            if len(noted) == len(acts) + 1:  # the first that tells of a proof
                assert life.local() == stored
                raise CatalogueRefused("another")
        gone = {act.id for act in acts if not all(ALL[m.path] in life.local() for m in act.members)}
        for act in acts:
            if act.id in gone:
                assert life.act(act).state in {"verified", "switched", "done"}, name

    outcomes = carry_out_beside(life, acts, strike)

    assert len(noted) > len(acts)
    assert what_came(outcomes) == ["done"] * len(acts)
    life.agree()


@pytest.mark.parametrize("verb", ["archive", "move"])
def test_a_file_that_changes_after_it_was_proven_stays(lives: Lives, verb: str) -> None:
    life, acts = begin(lives, verb)
    looked: list[str] = []

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name == "store.look" and behind:
            looked.append(name)
            if len(looked) == len(ALL):
                life.write(b"a/two", b"rewritten")

    outcomes = carry_out_beside(life, acts, strike)

    assert what_came(outcomes) == ["done", "done", "done", "refused", "done"]
    assert b"rewritten" in life.local()


# -- what stops them all ---------------------------------------------------------------------------


class _Lost:
    host_id, epoch = 1, 7  # no row tells of it


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("call", ["store.put", "store.look"])
def test_whoever_loses_the_lease_notes_nothing_and_removes_nothing(
    lives: Lives, verb: str, call: str
) -> None:
    life, acts = begin(lives, verb)

    def strike(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name == call and behind:
            life.engine.hold(_Lost())

    with pytest.raises(LeaseLost):
        carry_out_beside(life, acts, strike)
    life.engine.hold(None)

    assert threads() == []
    noted = "planned" if call == "store.put" else "copied"
    assert {life.act(act).state for act in acts} == {noted}
    assert set(ALL.values()) <= set(life.local())
    life.recover()
    assert {life.act(act).state for act in acts} == {"done"}
    life.agree()


class Stopping(Exception):
    """We are to stop."""


@pytest.mark.parametrize("after", range(1, 9))
def test_whoever_is_to_stop_does_so_in_the_middle_and_goes_on_later(
    lives: Lives, after: int
) -> None:
    life, acts = begin(lives, "archive")
    executor = life.executor()
    told: list[int] = []

    def progress(size: int) -> None:
        told.append(size)
        if len(told) >= after:
            raise Stopping

    executor.tools = replace(executor.tools, progress=progress)
    with pytest.raises(Stopping):
        list(carry_out_all(executor, acts))

    assert len(told) == after  # nobody tells of more who was told to stop
    assert threads() == []
    life.all_there()
    life.recover()
    assert {life.act(act).state for act in acts} == {"done"}
    life.agree()


# -- how many at a time ----------------------------------------------------------------------------


def test_no_more_than_eight_are_on_their_way(lives: Lives) -> None:
    contents = {f"{number}".encode(): b"%d" % number * 50 for number in range(3 * AT_ONCE)}
    life = lives.begin("memory", contents)
    acts = [life.plan("copy", [path], store="cloud") for path in contents]
    lock, most, now = threading.Lock(), 0, 0
    full = threading.Event()

    class Counting:
        name = "cloud"

        def __getattr__(self, name: str) -> object:
            return getattr(life.store, name)

        def put(self, *arguments: object) -> object:
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
                if now == AT_ONCE:
                    full.set()
            assert full.wait(30)  # each waits until there are as many as there may be
            try:
                return life.store.put(*arguments)  # type: ignore[arg-type]
            finally:
                with lock:
                    now -= 1

    executor = life.executor()
    executor.tools = replace(executor.tools, stores={"cloud": Counting()})  # type: ignore[dict-item]
    outcomes = list(carry_out_all(executor, acts))

    assert what_came(outcomes) == ["done"] * len(acts)
    assert most == AT_ONCE == 8


def sized(*sizes: int, verb: str = "copy") -> list[Act]:
    class Sized:
        def __init__(self, size: int) -> None:
            self.size, self.verb = size, verb

    return [Sized(size) for size in sizes]  # type: ignore[misc]


MIB = 1 << 20


def test_what_is_large_is_alone_and_what_is_small_is_noted_soon() -> None:
    shared = [[act.size for act in some] for some in rounds(sized(1, 64 * MIB, 32 * MIB, 32 * MIB))]
    assert shared == [[1], [64 * MIB], [32 * MIB, 32 * MIB]]
    assert [len(some) for some in rounds(sized(*[1] * 450))] == [200, 200, 50]
    assert [len(some) for some in rounds(sized(65 * MIB, 64 * MIB, 65 * MIB))] == [1, 1, 1]
    # as much as there may be, in any round
    assert [len(some) for some in rounds(sized(*[32 * MIB] * 6))] == [2, 2, 2]
    assert list(rounds([])) == []


def test_what_leaves_begins_with_few_for_who_waits_for_the_first_bytes() -> None:
    some = rounds(sized(*[1] * 450, verb="archive"))
    assert [len(each) for each in some] == [AT_ONCE, 200, 200, 42]


# -- freed together --------------------------------------------------------------------------------


def test_what_leaves_is_noted_twice_for_all_and_then_its_drawers_are_gone(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, acts = begin(lives, "archive")
    notes = counted_notes(life, monkeypatch)
    carry_out_beside(life, acts)

    assert notes.count(True) == 3  # copied, proven, and done
    assert life.ours() == []


class _Stopped(Exception):
    """Somebody wants us to stop."""


def test_who_is_stopped_between_some_and_the_next_has_told_what_left(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, acts = begin(lives, "archive")
    monkeypatch.setattr("storewarden.act.batch.FREED_AT_ONCE", 2)
    told: list[Outcome] = []

    def progress(size: int) -> None:
        if size == 0 and life.act(acts[0]).ended:
            raise _Stopped

    executor = life.executor()
    executor.tools = replace(executor.tools, progress=progress)
    with pytest.raises(_Stopped):
        told.extend(carry_out_all(executor, acts))

    assert what_came(told) == ["done"] * 2
    assert [life.act(act).state for act in acts] == ["done"] * 2 + ["copied"] * 3
    assert {life.finish(act).state for act in acts} == {"done"}
    life.agree()
