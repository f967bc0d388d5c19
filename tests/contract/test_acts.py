"""The journal: what is noted of acts is enough to go on after a kill, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from storewarden.act.carry.work import drawer_place
from storewarden.act.drawers import Room
from storewarden.catalogue import acts, lease
from storewarden.catalogue.acts import Act, Figure, Identity, Member, new_mark
from storewarden.catalogue.journal import Journal
from storewarden.errors import CatalogueRefused, LeaseLost
from storewarden.store.key import key_of
from tests.acting import Deeds, held, planned
from tests.catalogues import Place
from tests.recording import NOW, SECOND, File, check_totals, entry

DAY = 86_400 * SECOND


@pytest.fixture
def deeds(place: Place) -> Iterator[Deeds]:
    """A catalogue with three files and a journal; at the end its totals must equal a count."""
    deeds = Deeds(place.made())
    deeds.names(entry(b"a.png", 1), entry(b"a.txt", 2, size=7), entry(b"\xff", 3))
    yield deeds
    check_totals(deeds.engine, deeds.counts)


def read(deeds: Deeds, act: Act) -> Act:
    found = acts.read(deeds.engine, act.id)
    assert found is not None
    return found


def test_all_that_is_known_of_an_act_is_read_again_as_it_was_noted(deeds: Deeds) -> None:
    odd = Identity(2**63 + 5, 2**64 - 1, 0, -1, 2**62)
    files = deeds.one(b"\xff"), deeds.one(b"a.txt")
    one = planned(deeds.engine, "archive", files, store="cloud", policy="renders", undoes=3, job=4)
    one = replace(one, members=(one.members[0]._replace(identity=odd), one.members[1]))
    (act,) = deeds.journal.plan([one], NOW)
    assert act is not None

    assert act == read(deeds, act) == acts.marked(deeds.engine, act.mark)
    assert (act.path, act.file_id, act.members[0].identity) == (b"\xff", files[0].id, odd)
    assert (act.root, act.state, act.size, act.epoch) == ("r", "planned", 7, 7)
    assert (act.policy, act.asked_by, act.reason) == ("renders", "anna", "because")
    assert (act.store, act.undoes, act.job, act.held, act.ended) == ("cloud", 3, 4, None, False)


def test_what_was_found_out_goes_with_the_step(deeds: Deeds) -> None:
    act = deeds.hold(deeds.plan("archive", deeds.one(b"a.png"), deeds.one(b"a.txt"), store="cloud"))
    assert (act.state, act.stored_bytes) == ("copied", 4 + 6)
    again = deeds.journal.advance(act, "switched", NOW + 1, place=b".storewarden/leaving/\xff")

    assert read(deeds, act) == again
    assert again.members == act.members
    assert again.held is not None
    assert again.held.digest == b"d" * 32
    assert (again.place, again.changed_ns) == (b".storewarden/leaving/\xff", NOW + 1)


@pytest.mark.parametrize("to", ["verified", "switched"])
def test_who_is_not_where_he_thinks_he_is_is_refused(deeds: Deeds, to: str) -> None:
    act = deeds.plan("archive", deeds.one(b"a.png"), store="cloud")
    now = deeds.journal.advance(act, "copied", NOW)
    refused = pytest.raises(CatalogueRefused, match="it is copied, not planned")
    with refused:
        deeds.journal.advance(act, to, NOW)
    with refused:
        deeds.journal.put_off(act, "later", NOW, NOW)
    with refused:
        deeds.journal.refuse(act, "no", NOW)
    with refused:
        deeds.journal.fail(act, "no", NOW)

    assert read(deeds, act) == now


def test_an_act_never_goes_back_and_ends_with_what_it_did_to_files(deeds: Deeds) -> None:
    act = deeds.hold(deeds.plan("archive", deeds.one(b"a.png"), store="cloud"))
    for state in ("planned", "copied", "done", "refused", "undone"):
        with pytest.raises(ValueError, match=f"from copied to {state}|not in tuple"):
            deeds.journal.advance(act, state, NOW)


def test_a_file_is_in_one_act_that_goes_on(deeds: Deeds) -> None:
    picture, text, other = (deeds.one(name) for name in (b"a.png", b"a.txt", b"\xff"))
    first = deeds.plan("archive", picture, text, store="cloud")
    several = [
        planned(deeds.engine, "trash", [text]),
        planned(deeds.engine, "trash", [other]),
        planned(deeds.engine, "purge", [other]),
    ]
    begun = deeds.journal.plan(several, NOW)
    assert [act and act.path for act in begun] == [None, b"\xff", None]

    deeds.journal.refuse(first, "it changed", NOW)
    assert [act is None for act in deeds.journal.plan(several, NOW)] == [False, True, True]


def test_acts_that_go_on_come_in_order_and_when_their_time_has_come(deeds: Deeds) -> None:
    one, two, three = (deeds.plan("trash", deeds.one(n)) for n in (b"a.png", b"a.txt", b"\xff"))
    deeds.journal.fail(two, "the disk is gone", NOW)
    later = deeds.journal.put_off(one, "the store is away", NOW + 9, NOW)
    assert (later.attempts, later.error, later.state) == (1, "the store is away", "planned")

    def those(now_ns: int | None = None, root_id: int = 1) -> list[int]:
        return [act.id for act in acts.open_acts(deeds.engine, root_id, now_ns)]

    assert those() == [one.id, three.id]
    assert those(NOW + 8) == [three.id]
    assert those(NOW + 9) == [one.id, three.id]
    assert those(root_id=2) == []
    again = deeds.journal.advance(later, "switched", NOW)
    assert (again.attempts, again.error, again.next_try_ns) == (1, "", None)


@pytest.mark.parametrize("end", ["refuse", "fail"])
def test_what_is_given_up_has_its_files_decided_anew(deeds: Deeds, end: str) -> None:
    act = deeds.plan("archive", deeds.one(b"a.png"), store="cloud")
    with deeds.engine.transaction():
        deeds.engine.execute("DELETE FROM undecided")
    ended = getattr(deeds.journal, end)(act, "because", NOW + 5)

    assert (ended.ended_ns, ended.error, ended.ended) == (NOW + 5, "because", True)
    assert deeds.engine.execute("SELECT file_id FROM undecided") == [(act.file_id,)]
    assert acts.last(deeds.engine, 1) == acts.of_file(deeds.engine, act.file_id or 0) == [ended]
    assert acts.last(deeds.engine, 2) == []


def test_how_acts_ended_is_counted_and_stays_counted(deeds: Deeds) -> None:
    deeds.archive(deeds.one(b"a.png"), deeds.one(b"a.txt"), policy="renders")
    deeds.trash(deeds.one(b"\xff"))
    deeds.purge(deeds.row(3), freed=5)
    deeds.now_ns += DAY
    deeds.names(entry(b"new", 9))
    deeds.journal.fail(deeds.plan("trash", deeds.one(b"new"), policy="renders"), "no", deeds.now_ns)
    figures = [
        Figure(None, "purge", "done", 1, 5, 5),
        Figure(None, "trash", "done", 1, 5, 0),
        Figure("renders", "archive", "done", 1, 12, 2 * 4096),
        Figure("renders", "trash", "failed", 1, 5, 0),
    ]
    assert acts.figures(deeds.engine, 1) == figures

    assert acts.forget(deeds.engine, NOW + 1, 2) == 2
    assert acts.forget(deeds.engine, NOW + 1, 2) == 1
    assert acts.forget(deeds.engine, NOW + 1, 2) == 0
    assert acts.figures(deeds.engine, 1) == figures


def test_how_to_find_what_lies_in_the_trash_is_not_forgotten(deeds: Deeds) -> None:
    trashed = deeds.trash(deeds.one(b"a.png"))
    going_on = deeds.plan("trash", deeds.one(b"a.txt"))
    newest = deeds.trash(deeds.one(b"\xff"))

    assert acts.forget(deeds.engine, NOW + DAY, 9) == 0
    assert acts.trashing(deeds.engine, 1) == trashed
    deeds.purge(deeds.row(1))
    assert acts.forget(deeds.engine, NOW + DAY, 9) == 1
    assert [acts.read(deeds.engine, act.id) for act in (trashed, going_on)] == [None, going_on]
    assert acts.trashing(deeds.engine, 3) == newest


def test_what_had_to_stay_in_the_trash_is_found_again_whatever_put_it_there(deeds: Deeds) -> None:
    """What somebody wrote to while it was archived is in nobody's way, and lost to nobody."""
    deeds.copy(deeds.one(b"a.png"))
    act = deeds.plan("archive", deeds.one(b"a.png"), store="cloud")
    place = drawer_place(Room.TRASH, act.mark)
    lying = tuple(one._replace(lies=b"0") for one in act.members)
    kept = deeds.journal.advance(act, "switched", NOW, members=lying, place=place)
    kept = deeds.acted.trashed(kept, NOW)
    deeds.trash(deeds.one(b"\xff"))

    assert acts.trashing(deeds.engine, 1) == kept
    assert acts.forget(deeds.engine, NOW + DAY, 9) == 1  # the copy
    assert acts.read(deeds.engine, kept.id) == kept
    deeds.purge(deeds.row(1))
    assert acts.forget(deeds.engine, NOW + DAY, 9) == 1


def test_an_act_outlives_the_row_of_its_file(deeds: Deeds) -> None:
    """And the number of that row says nothing any more: SQLite gives it out again."""
    act = deeds.plan("copy", deeds.one(b"\xff"), store="cloud")
    deeds.disk.add(("r", b"", b"a.png", 1))
    deeds.names(entry(b"a.png", 3))  # saved over, from a file that was recorded beside it
    assert b"\xff" not in deeds.present()
    deeds.names(entry(b"new", 9))

    left = read(deeds, act)
    assert (left.file_id, left.path, left.state) == (None, b"\xff", "planned")
    assert [act.id for act in acts.open_acts(deeds.engine, 1)] == [act.id]


def test_who_lost_the_lease_notes_nothing(deeds: Deeds, place: Place) -> None:
    place.lease(deeds.engine)
    act = deeds.plan("trash", deeds.one(b"a.png"))
    place.clock.advance(60)
    other = place.open()
    lease.take(other, 1, "storewarden run", place.clock, place.clock.advance)
    with pytest.raises(LeaseLost):
        deeds.journal.advance(act, "switched", NOW)
    with pytest.raises(LeaseLost):
        deeds.acted.trashed(act, NOW)

    assert acts.read(other, act.id) == act
    deeds.engine.hold(None)
    deeds.names()  # takes up what is stored


def test_a_note_is_there_after_a_power_cut(deeds: Deeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite is told to wait for the disk, and only for such notes; a server waits anyway."""
    asked = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}
    lasting = {"sqlite": (2,), "postgresql": ("on",)}[deeds.engine.dialect]
    seen: list[tuple[Any, ...]] = []
    engine = deeds.engine
    commit = engine._commit

    def looking(connection: Any) -> None:
        seen.append(engine._run(connection, asked[engine.dialect], ())[0])
        commit(connection)

    monkeypatch.setattr(engine, "_commit", looking)
    act = deeds.plan("archive", deeds.one(b"a.png"), store="cloud")
    deeds.acted.archived(deeds.hold(act), NOW)
    assert seen == [lasting] * 3
    if engine.dialect == "sqlite":
        deeds.names(entry(b"b", 8))
        assert seen[3:] == [(1,)]
        with pytest.raises(ZeroDivisionError), engine.transaction(durable=True):
            _ = 1 / 0
        assert engine.execute("PRAGMA synchronous") == [(1,)]


def test_marks_are_by_chance_and_may_stand_in_keys() -> None:
    marks = {new_mark() for _ in range(1000)}

    assert len(marks) == 1000
    assert all(key_of("r", b"a", mark).endswith(mark) for mark in marks)


@pytest.mark.parametrize(
    "wrong", [{"verb": "burn"}, {"mark": "short"}, {"asked_by": ""}, {"members": ()}]
)
def test_what_makes_no_sense_is_not_planned(deeds: Deeds, wrong: dict[str, Any]) -> None:
    good = planned(deeds.engine, "trash", [deeds.one(b"a.png")])
    with pytest.raises((CatalogueRefused, ValueError)):
        deeds.journal.plan([good, replace(good, **wrong)], NOW)

    assert acts.open_acts(deeds.engine, 1) == []


def test_a_file_may_be_a_member_without_a_row(deeds: Deeds) -> None:
    one = planned(deeds.engine, "trash", [deeds.one(b"a.png")])
    stranger = Member(b"a.xmp", Identity(7, 99, 1, NOW, NOW))
    (act,) = deeds.journal.plan([replace(one, members=(*one.members, stranger))], NOW)
    assert act is not None

    assert act.members[1] == stranger
    assert act.size == 6


def files(deeds: Deeds) -> list[File]:
    return list(deeds.present().values())


def test_a_thousand_acts_are_planned_at_once(deeds: Deeds) -> None:
    deeds.names(*(entry(b"%04d" % number, number) for number in range(1000, 2000)))
    wanted = [planned(deeds.engine, "archive", [one], store="cloud") for one in files(deeds)]
    begun = Journal(deeds.engine).plan(wanted, NOW)

    assert [act and act.mark for act in begun] == [one.mark for one in wanted]
    assert len({act.id for act in begun if act}) == 1003
    going = acts.open_acts(deeds.engine, 1, limit=10)
    assert [act.id for act in going] == sorted(act.id for act in begun if act)[:10]
    assert held(going[0].members[0]).key
