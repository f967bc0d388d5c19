"""What became of files by acts, and what the recorder makes of it, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from storewarden.catalogue import acts, copies, find, scrubbed, search, subjects
from storewarden.catalogue.acted_rows import Back
from storewarden.catalogue.acts import Act, Held
from storewarden.catalogue.copies import Copy, Stored
from storewarden.catalogue.digests import Digested
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.put_away import Rebuilt, Told, rebuild
from storewarden.errors import CatalogueBusy, CatalogueRefused
from tests.acting import DIGEST, Deeds, check_stores
from tests.catalogues import Place
from tests.recording import NOW, SECOND, check_totals, entry, listing

PICTURE = b"a.png"


@pytest.fixture
def deeds(place: Place) -> Iterator[Deeds]:
    """A catalogue with a picture; at the end all figures that are kept must equal a count."""
    deeds = Deeds(place.made())
    deeds.names(entry(PICTURE, 1))
    yield deeds
    check_totals(deeds.engine, deeds.counts)
    check_stores(deeds.engine)


def state(deeds: Deeds, file_id: int = 1) -> str:
    return deeds.row(file_id).state


def undecided(deeds: Deeds) -> set[int]:
    found = {row[0] for row in deeds.engine.execute("SELECT file_id FROM undecided")}
    with deeds.engine.transaction():
        deeds.engine.execute("DELETE FROM undecided")
    return found


def put_away(deeds: Deeds, how: str) -> None:
    """Bring the picture into a state."""
    if how == "purged":
        deeds.trash(deeds.row(1))
        deeds.purge(deeds.row(1), freed=5)
    else:
        {"archived": deeds.archive, "trashed": deeds.trash}[how](deeds.row(1))


AWAY = ["archived", "trashed", "purged"]


# -- states ------------------------------------------------------------------------------------


def test_what_is_archived_has_a_copy_and_a_digest_and_is_decided_anew(deeds: Deeds) -> None:
    undecided(deeds)
    deeds.now_ns += 5
    act = deeds.archive(deeds.one(PICTURE), policy="renders")
    row = deeds.row(1)

    assert (row.state, row.gone_ns, row.digest) == ("archived", NOW + 5, DIGEST)
    (copy,) = copies.of_files(deeds.engine, [1])[1]
    assert act.held is not None
    assert copy == Copy(1, "cloud", 5, DIGEST, NOW + 5, act.held.key, "zstd", 4, "v1", NOW + 5)
    assert copies.at(deeds.engine, "cloud", act.held.key) == copy
    assert undecided(deeds) == {1}
    (subject,) = subjects.subjects(deeds.engine, [1])
    assert (subject.state, subject.state_ns, subject.copies) == (
        "archived",
        NOW + 5,
        (("cloud", NOW + 5),),
    )
    (event,) = find.history(deeds.engine, 1)
    assert (event.event, event.detail["act"], event.detail["policy"]) == (
        "archived",
        act.id,
        "renders",
    )
    assert (act.state, act.ended_ns) == ("done", NOW + 5)


def test_what_is_moved_away_is_placed_there_and_comes_back(deeds: Deeds) -> None:
    act = deeds.hold(deeds.plan("move", deeds.one(PICTURE), store="cloud"))
    deeds.acted.moved(act, NOW)
    (subject,) = subjects.subjects(deeds.engine, [1])
    assert (subject.state, subject.placed, subject.placed_ns) == ("archived", "cloud", NOW)

    deeds.restore(deeds.row(1), entry(PICTURE, 50))
    (subject,) = subjects.subjects(deeds.engine, [1])
    assert (subject.state, subject.placed) == ("present", "local")


def test_what_is_copied_stays_where_it_is(deeds: Deeds) -> None:
    undecided(deeds)
    deeds.copy(deeds.one(PICTURE))
    assert (state(deeds), undecided(deeds)) == ("present", {1})
    deeds.copy(deeds.one(PICTURE), store="disk")

    assert copies.stored(deeds.engine, 1) == [Stored("cloud", 1, 5, 4), Stored("disk", 1, 5, 4)]
    assert deeds.history(1) == ["copied", "copied"]


def test_a_copy_that_takes_anothers_place_leaves_word_where_that_lies(deeds: Deeds) -> None:
    first = deeds.copy(deeds.one(PICTURE))
    deeds.copy(deeds.one(PICTURE))

    assert first.held is not None
    told = [event.detail for event in find.history(deeds.engine, 1) if "replaced" in event.event]
    assert told == [{"store": "cloud", "key": first.held.key}]
    assert copies.stored(deeds.engine, 1) == [Stored("cloud", 1, 5, 4)]


def test_the_way_of_a_file_to_its_end(deeds: Deeds) -> None:
    ended = [deeds.archive(deeds.row(1))]
    deeds.now_ns += 1
    ended.append(deeds.trash(deeds.row(1)))
    deeds.now_ns += 1
    ended.append(deeds.purge(deeds.row(1), removed=["cloud"]))
    assert [act.state for act in ended] == ["done"] * 3

    assert (state(deeds), deeds.row(1).gone_ns) == ("purged", NOW + 2)
    assert copies.of_files(deeds.engine, [1]) == {}
    assert deeds.history(1) == ["archived", "trashed", "purged"]
    assert [one.freed for one in acts.figures(deeds.engine, 1)] == [8 * 512, 0, 0]
    assert deeds.engine.execute("SELECT count(*) FROM schedule") == [(0,)]


def test_a_purge_leaves_the_copies_that_it_does_not_name(deeds: Deeds) -> None:
    deeds.copy(deeds.row(1), store="disk")
    deeds.archive(deeds.row(1))
    deeds.purge(deeds.row(1), removed=["cloud"])

    assert [one.store for one in copies.of_files(deeds.engine, [1])[1]] == ["disk"]


def test_a_bundle_goes_and_comes_together(deeds: Deeds) -> None:
    deeds.names(entry(b"a.txt", 2))
    with deeds.engine.transaction():
        deeds.engine.insert("sidecars", ("file_id", "of_id", "role"), [(2, 1, "caption")])
    act = deeds.archive(deeds.row(1), deeds.row(2))
    assert [state(deeds, 1), state(deeds, 2)] == ["archived"] * 2
    assert [one.held is not None for one in act.members] == [True, True]
    (sidecar,) = subjects.subjects(deeds.engine, [2])
    assert sidecar.sidecar_of == PICTURE  # what is decided of one is decided of both

    deeds.purge(deeds.row(1), deeds.row(2), removed=["cloud"])
    assert deeds.engine.execute("SELECT count(*) FROM sidecars") == [(0,)]


# -- what scans and looks make of it -----------------------------------------------------------


@pytest.mark.parametrize("how", AWAY)
def test_a_scan_takes_nothing_that_was_put_away_for_missing(deeds: Deeds, how: str) -> None:
    put_away(deeds, how)
    before = deeds.row(1)
    assert deeds.gone(PICTURE) == 0
    compared = deeds.listings(listing(b"", []))
    assert compared.absent == []
    with deeds.recorder.batch():
        assert deeds.departures.tree("r", b"", NOW).missing == 0
        assert deeds.departures.files("r", [1], NOW).missing == 0
        assert deeds.departures.absent("r", [1]) == []

    assert deeds.row(1) == before


@pytest.mark.parametrize("how", AWAY)
@pytest.mark.parametrize("inode", [1, 2])
@pytest.mark.parametrize("by", ["look", "scan"])
def test_a_new_file_in_its_place_is_a_new_file(deeds: Deeds, how: str, inode: int, by: str) -> None:
    """Even with its inode: that is handed out again at once."""
    put_away(deeds, how)
    before = deeds.row(1)
    new = entry(PICTURE, inode, size=9)
    if by == "look":
        deeds.names(new)
    else:
        deeds.listings(listing(b"", [new]))

    assert deeds.row(1) == before
    assert deeds.one(PICTURE).id == 2
    assert (deeds.one(PICTURE).size, deeds.history(2)) == (9, [])
    assert deeds.names(new).written() == 0
    deeds.gone(PICTURE)
    assert (state(deeds, 1), state(deeds, 2)) == (how, "missing")


@pytest.mark.parametrize("how", ["archived", "purged"])
def test_what_has_the_very_same_inode_size_and_time_is_still_not_what_is_gone(
    deeds: Deeds, how: str
) -> None:
    put_away(deeds, how)
    deeds.names(entry(PICTURE, 1), entry(b"b.png", 1, links=2))

    assert state(deeds) == how
    assert sorted(deeds.present()) == [PICTURE, b"b.png"]


@pytest.mark.parametrize("how", AWAY)
def test_a_listing_that_is_older_than_an_act_makes_no_ghost(deeds: Deeds, how: str) -> None:
    """It is looked at again; only what is there then is another file."""
    old = listing(b"", [entry(PICTURE, 1), entry(b"b.png", 2)], taken=1.0)
    put_away(deeds, how)
    compared = deeds.listings(old)
    assert compared.restless == {b"": [PICTURE]}
    assert list(deeds.present()) == [b"b.png"]

    deeds.names(entry(PICTURE, 1))
    again = deeds.listings(old)
    assert (again.restless, again.recorded.unchanged) == ({}, 2)
    if how == "trashed":  # it is no longer where it lay in the trash
        assert deeds.one(PICTURE).id == 1
    else:
        assert (state(deeds), deeds.one(PICTURE).id) == (how, 3)


def test_any_number_of_files_of_one_name_are_put_away(deeds: Deeds) -> None:
    for number in range(2, 5):
        deeds.archive(deeds.one(PICTURE))
        deeds.names(entry(PICTURE, number))

    rows = find.show(deeds.engine, b"/r/a.png")
    assert [row.state for row in rows] == ["present"] + ["archived"] * 3
    subject, *_ = subjects.subjects_at(deeds.engine, b"/r/a.png", None)
    assert (subject.state, subject.id) == ("present", 4)


def test_the_same_content_somewhere_else_is_another_file(deeds: Deeds) -> None:
    deeds.archive(deeds.one(PICTURE))
    deeds.names(entry(b"copy.png", 2))
    one = deeds.one(b"copy.png")
    with deeds.recorder.batch():
        told = [Digested(one.id, one.inode, one.size, one.modified_ns, DIGEST)]
        assert deeds.digests.store(told, NOW) == 0

    assert (state(deeds), deeds.row(one.id).state) == ("archived", "present")


# -- directories that move ---------------------------------------------------------------------


@pytest.mark.parametrize("how", ["archived", "trashed"])
@pytest.mark.parametrize("merged", [False, True])
def test_what_was_put_away_goes_with_its_directory(deeds: Deeds, how: str, *, merged: bool) -> None:
    """And keeps its facts: it cannot be looked into."""
    deeds.names(entry(b"b.png", 5), path=b"d")
    if merged:
        deeds.names(entry(b"b.png", 6), path=b"e")
    with deeds.engine.transaction():
        deeds.engine.execute("UPDATE files SET inspected_ns = 5")
    {"archived": deeds.archive, "trashed": deeds.trash}[how](deeds.present()[b"d/b.png"])
    (away,) = list(find.files(deeds.engine, [f"state={how}"], NOW))
    with deeds.recorder.batch():
        deeds.departures.moved("r", b"d", b"e", NOW)

    (now,) = list(find.files(deeds.engine, [f"state={how}"], NOW))
    assert (now.id, now.path, now.inspected_ns) == (away.id, b"e/b.png", 5)
    deeds.restore(deeds.row(away.id), entry(b"b.png", 77), b"e/b.png")
    assert deeds.present()[b"e/b.png"].id == away.id


# -- the trash, by hand ------------------------------------------------------------------------


def trashed(deeds: Deeds) -> tuple[Act, tuple[str, bytes, bytes, int]]:
    """Put the picture into the trash; where it lies there."""
    act = deeds.trash(deeds.one(PICTURE))
    assert act.place is not None
    place = ("r", act.place, b"0", 1)
    deeds.disk.add(place)
    return act, place


@pytest.mark.parametrize("name", [PICTURE, b"other.png"])
def test_what_somebody_takes_out_of_the_trash_is_known_again(deeds: Deeds, name: bytes) -> None:
    act, place = trashed(deeds)
    deeds.disk.remove(place)
    deeds.names(entry(name, 1, changed=NOW - SECOND))

    assert {path: one.id for path, one in deeds.present().items()} == {name: 1}
    assert deeds.history(1) == ["trashed", "returned"]
    left = acts.read(deeds.engine, act.id)
    assert left is not None
    assert left.state == "undone"
    assert acts.trashing(deeds.engine, 1) is None


def test_a_link_to_what_lies_in_the_trash_is_another_file(deeds: Deeds) -> None:
    trashed(deeds)
    deeds.names(entry(b"link.png", 1, links=2))

    assert (state(deeds), deeds.one(b"link.png").id) == ("trashed", 2)


def test_another_file_with_its_inode_is_not_taken_for_it(deeds: Deeds) -> None:
    _, place = trashed(deeds)
    deeds.disk.remove(place)
    deeds.names(entry(PICTURE, 1, modified=NOW - SECOND))

    assert (state(deeds), deeds.one(PICTURE).id) == ("trashed", 2)


# -- what comes back ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["archived", "trashed"])
@pytest.mark.parametrize("seen_first", [False, True])
def test_what_is_restored_is_as_it_lies_now(deeds: Deeds, how: str, *, seen_first: bool) -> None:
    """The recorder may see it before the act is at its end, and a scan after it changes nothing."""
    put_away(deeds, how)
    undone = acts.of_file(deeds.engine, 1)[0]
    back = entry(PICTURE, 50, changed=NOW - SECOND)
    undecided(deeds)
    if seen_first:
        deeds.names(back)
    act = deeds.restore(deeds.row(1), back, undoes=undone.id)

    row = deeds.one(PICTURE)
    assert (row.id, row.inode, row.state, row.gone_ns) == (1, 50, "present", None)
    assert (row.changed_ns, len(deeds.present())) == (NOW - SECOND, 1)
    assert deeds.history(1) == [how, "restored"]
    assert undecided(deeds) == {1}
    assert acts.of_file(deeds.engine, 1)[0] == act
    assert acts.of_file(deeds.engine, 1)[1].state == "undone"
    compared = deeds.listings(listing(b"", [back]))
    assert (compared.recorded.written(), compared.recorded.unchanged) == (0, 1)
    assert bool(copies.of_files(deeds.engine, [1])) == (how == "archived")


def test_what_is_restored_beside_goes_on_there(deeds: Deeds) -> None:
    deeds.archive(deeds.one(PICTURE))
    deeds.names(entry(PICTURE, 2))
    deeds.restore(deeds.row(1), entry(b"b.png", 3), b"new/b.png")

    assert {path: one.id for path, one in deeds.present().items()} == {
        PICTURE: 2,
        b"new/b.png": 1,
    }


def test_what_another_file_took_the_name_of_stays_in_its_store(deeds: Deeds) -> None:
    deeds.archive(deeds.one(PICTURE))
    deeds.names(entry(PICTURE, 2, size=99))
    act = deeds.restore(deeds.row(1), entry(PICTURE, 3))

    assert (act.state, state(deeds), deeds.one(PICTURE).id) == ("done", "archived", 2)
    assert deeds.history(1) == ["archived", "restored-elsewhere"]


def test_what_is_restored_out_of_its_root_stays_archived(deeds: Deeds) -> None:
    deeds.archive(deeds.one(PICTURE))
    act = deeds.plan("restore", deeds.row(1))
    deeds.acted.restored(act, [], NOW)

    assert (state(deeds), deeds.history(1)) == ("archived", ["archived", "restored-elsewhere"])


# -- acts and the recorder at once -------------------------------------------------------------


def test_what_an_act_has_in_hand_is_not_missing(deeds: Deeds) -> None:
    act = deeds.hold(deeds.plan("archive", deeds.one(PICTURE), store="cloud"))
    assert deeds.gone(PICTURE) == 0
    assert deeds.listings(listing(b"", [])).absent == [1]  # looked at again, and left
    deeds.acted.archived(act, NOW)

    assert deeds.history(1) == ["archived"]


def test_what_is_only_copied_may_go_missing(deeds: Deeds) -> None:
    act = deeds.hold(deeds.plan("copy", deeds.one(PICTURE), store="cloud"))
    assert deeds.gone(PICTURE) == 1
    deeds.acted.copied(act, NOW)

    assert (state(deeds), len(copies.of_files(deeds.engine, [1]))) == ("missing", 1)


@pytest.mark.parametrize("verb", ["archive", "trash"])
@pytest.mark.parametrize("from_elsewhere", [False, True])
def test_a_file_that_comes_while_the_old_one_goes_is_another_one(
    deeds: Deeds, verb: str, *, from_elsewhere: bool
) -> None:
    """Whoever saves in the moment in which the old file was taken away."""
    act = deeds.plan(verb, deeds.one(PICTURE), store="cloud")
    if from_elsewhere:
        deeds.names(entry(b"tmp", 2, size=9))
    deeds.names(entry(PICTURE, 2, size=9))
    if verb == "archive":
        deeds.acted.archived(deeds.hold(act), NOW)
    else:
        deeds.acted.trashed(act, NOW)

    assert (state(deeds), deeds.row(1).size) == (verb + "d" if verb == "archive" else "trashed", 5)
    assert (deeds.one(PICTURE).id, deeds.one(PICTURE).size) == (2, 9)


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("verb", ["archive", "trash", "purge"])
def test_where_a_row_tells_of_another_file_the_act_makes_one_of_its_own(
    deeds: Deeds, verb: str, *, gone: bool
) -> None:
    """Rewritten in place at the last moment, or its row went into another's."""
    act = deeds.plan(verb, deeds.one(PICTURE), store="cloud")
    if gone:
        deeds.names(entry(b"b.png", 2))
        deeds.names(entry(b"b.png", 1))
        assert PICTURE not in deeds.present()
    else:
        deeds.names(entry(PICTURE, 1, size=9))
    there = deeds.present()
    if verb == "archive":
        deeds.acted.archived(deeds.hold(act), NOW)
    elif verb == "trash":
        deeds.acted.trashed(act, NOW)
    else:
        deeds.acted.purged(act, NOW)

    assert {path: one.id for path, one in deeds.present().items()} == {
        path: one.id for path, one in there.items()
    }
    away = list(find.files(deeds.engine, ["state=archived,trashed"], NOW))
    if verb == "purge":
        assert away == []
        return
    (row,) = away
    assert (row.path, row.size, row.inode, row.modified_ns) == (
        *(PICTURE, 5, 1),
        NOW - 60 * SECOND,
    )
    (of_row, *_) = acts.of_file(deeds.engine, row.id)
    assert (of_row.id, of_row.file_id) == (act.id, row.id)
    assert bool(copies.of_files(deeds.engine, [row.id])) == (verb == "archive")


def test_what_an_act_moves_away_did_not_move_elsewhere(deeds: Deeds) -> None:
    deeds.give_digest(deeds.one(PICTURE), DIGEST)
    act = deeds.hold(deeds.plan("archive", deeds.one(PICTURE), store="cloud"))
    deeds.names(entry(PICTURE, 2, size=9))  # so its row is missing for a moment
    deeds.names(entry(b"again.png", 3))
    one = deeds.one(b"again.png")
    with deeds.recorder.batch():
        told = [Digested(one.id, one.inode, one.size, one.modified_ns, DIGEST)]
        assert deeds.digests.store(told, NOW) == 0
    deeds.acted.archived(act, NOW)

    assert state(deeds) == "archived"


# -- copies of what changes --------------------------------------------------------------------


def test_copies_of_what_was_changed_are_copies_no_more_but_told_of(deeds: Deeds) -> None:
    act = deeds.copy(deeds.one(PICTURE))
    deeds.names(entry(PICTURE, 1, size=9))

    assert copies.of_files(deeds.engine, [1]) == {}
    assert act.held is not None
    (told,) = [one for one in find.history(deeds.engine, 1) if one.event == "copy-outdated"]
    assert told.detail == {"store": "cloud", "key": act.held.key}


def test_a_copy_that_a_digest_shows_to_be_of_something_else_is_none(deeds: Deeds) -> None:
    deeds.copy(deeds.one(PICTURE))
    deeds.names(entry(PICTURE, 1, changed=NOW - SECOND))  # may be rewritten, its time set back
    one = deeds.one(PICTURE)
    assert len(copies.of_files(deeds.engine, [1])) == 1
    for digest, left in ((DIGEST, 1), (b"o" * 32, 0)):
        with deeds.recorder.batch():
            told = [Digested(one.id, one.inode, one.size, one.modified_ns, digest)]
            deeds.digests.store(told, NOW)
        assert len(copies.of_files(deeds.engine, [1])) == left


def test_what_is_missing_but_has_a_copy_is_not_what_comes_to_lie_there(deeds: Deeds) -> None:
    deeds.copy(deeds.one(PICTURE))
    deeds.gone(PICTURE)
    deeds.names(entry(PICTURE, 2, size=9))

    assert (state(deeds), deeds.one(PICTURE).id) == ("missing", 2)
    assert list(copies.of_files(deeds.engine, [1, 2])) == [1]


def test_the_copy_goes_with_the_content_when_it_is_saved_over_another(deeds: Deeds) -> None:
    deeds.copy(deeds.one(PICTURE))
    deeds.names(entry(b"tmp", 2))
    fresh = deeds.copy(deeds.one(b"tmp"))
    deeds.names(entry(PICTURE, 2))

    (copy,) = copies.of_files(deeds.engine, [1])[1]
    assert fresh.held is not None
    assert copy.key == fresh.held.key
    assert "copy-outdated" in deeds.history(1)


def test_the_copy_goes_with_a_move_that_only_the_digest_shows(deeds: Deeds) -> None:
    deeds.give_digest(deeds.one(PICTURE), DIGEST)
    deeds.copy(deeds.one(PICTURE))
    deeds.names(entry(b"b.png", 2), root="s")
    deeds.gone(PICTURE)
    one = deeds.present("s")[b"b.png"]
    deeds.copy(one, store="disk")
    with deeds.recorder.batch():
        told = [Digested(one.id, one.inode, one.size, one.modified_ns, DIGEST)]
        assert deeds.digests.store(told, NOW) == 1

    assert [copy.store for copy in copies.of_files(deeds.engine, [1])[1]] == ["cloud", "disk"]


def test_a_lost_copy_is_told_and_what_remains(deeds: Deeds) -> None:
    deeds.copy(deeds.one(PICTURE), store="disk")
    deeds.archive(deeds.one(PICTURE))
    undecided(deeds)
    (left,) = deeds.acted.copy_lost(1, "cloud", "it is damaged", NOW)
    assert (left.store, undecided(deeds)) == ("disk", {1})
    assert deeds.acted.copy_lost(1, "disk", "it is not there", NOW) == []

    assert copies.stored(deeds.engine, 1) == []
    assert deeds.history(1)[-2:] == ["copy-lost", "copy-lost"]
    assert state(deeds) == "archived"


def test_copies_are_scrubbed_those_of_long_ago_first(deeds: Deeds) -> None:
    deeds.names(entry(b"b", 2), entry(b"c", 3), entry(b"d", 4))
    for number in (3, 1, 2, 4):
        deeds.now_ns += SECOND
        deeds.copy(deeds.row(number))
    with deeds.engine.transaction():
        deeds.engine.execute("UPDATE copies SET key = NULL WHERE file_id = 4")

    def due(limit: int = 9) -> list[int]:
        found = copies.to_scrub(deeds.engine, 1, "cloud", NOW + 9 * SECOND, limit)
        return [one.file_id for one in found]

    assert due() == [3, 1, 2]
    assert due(1) == [3]
    (read,) = copies.of_files(deeds.engine, [3])[3]
    scrubbed.sound(deeds.engine, [(read, "")], NOW + 9 * SECOND)
    assert due() == [1, 2]
    assert copies.to_scrub(deeds.engine, 2, "cloud", NOW + 9 * SECOND, 9) == []


# -- faults ------------------------------------------------------------------------------------


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    tables = (
        *("files", "copies", "placed", "totals", "store_totals", "history", "acts", "act_files"),
        *("act_totals", "sidecars", "undecided"),
    )
    return {table: sorted(engine.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def come_back(deeds: Deeds, act: Act) -> Act:
    back = Back(1, PICTURE, (7, 2), entry(PICTURE, 50), NOW)
    return deeds.acted.restored(act, [back], NOW)


def rewritten(deeds: Deeds) -> None:
    deeds.names(entry(PICTURE, 1, size=9))


ENDS: dict[str, tuple[str, Callable[[Deeds, Act], Act], Callable[[Deeds], object]]] = {
    "archive": ("archive", lambda deeds, act: deeds.acted.archived(act, NOW), lambda _: None),
    "move": ("move", lambda deeds, act: deeds.acted.moved(act, NOW), lambda _: None),
    "copy": ("copy", lambda deeds, act: deeds.acted.copied(act, NOW), lambda _: None),
    "trash": ("trash", lambda deeds, act: deeds.acted.trashed(act, NOW), lambda _: None),
    "purge": (
        "purge",
        lambda deeds, act: deeds.acted.purged(act, NOW, removed=["cloud"], freed=5),
        lambda _: None,
    ),
    "changed": ("archive", lambda deeds, act: deeds.acted.archived(act, NOW), rewritten),
    "restore": ("restore", come_back, lambda _: None),
    "seen": ("restore", come_back, lambda deeds: deeds.names(entry(PICTURE, 50))),
    "refused": ("trash", lambda deeds, act: deeds.journal.refuse(act, "no", NOW), lambda _: None),
}


@pytest.mark.parametrize("what", list(ENDS))
def test_a_failure_before_any_statement_leaves_all_as_it_was(
    deeds: Deeds, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the same end, tried again with the same act, is reached."""
    verb, end, before = ENDS[what]
    deeds.copy(deeds.one(PICTURE), store="disk")
    if verb in {"restore", "purge"}:
        deeds.archive(deeds.one(PICTURE))
    act = deeds.hold(deeds.plan(verb, deeds.row(1), store="cloud"))
    before(deeds)
    engine, whole, fails = deeds.engine, everything(deeds.engine), 0
    connected = engine._connected
    left = 0

    @contextmanager
    def failing() -> Iterator[Any]:
        nonlocal left
        if engine.inside_transaction():
            left -= 1
            if left < 0:
                raise CatalogueBusy("as the test wants it")
        with connected() as connection:
            yield connection

    monkeypatch.setattr(engine, "_connected", failing)
    ended: Act | None = None
    while ended is None:
        left = fails
        try:
            ended = end(deeds, act)
        except CatalogueBusy:
            fails += 1
        left = 1000
        if ended is not None:
            break
        assert everything(engine) == whole, fails
        deeds.names()  # the recorder's next turn takes up what is stored
        check_totals(engine, deeds.counts)

    assert fails > (5 if what == "refused" else 9)
    assert ended.ended
    assert acts.open_acts(engine, 1) == []
    assert engine.execute("SELECT count(*) FROM act_files WHERE open = 1") == [(0,)]
    with pytest.raises(CatalogueRefused, match="an act is not where it was thought to be"):
        end(deeds, act)


def test_who_tells_no_store_or_no_object_ends_nothing(deeds: Deeds) -> None:
    act = deeds.plan("archive", deeds.one(PICTURE), store="cloud")
    with pytest.raises(CatalogueRefused, match="does not tell what holds"):
        deeds.acted.archived(act, NOW)
    deeds.journal.refuse(act, "no", NOW)
    act = deeds.hold(deeds.plan("archive", deeds.one(PICTURE)))
    with pytest.raises(CatalogueRefused, match="does not tell its store"):
        deeds.acted.archived(act, NOW)

    assert (state(deeds), copies.of_files(deeds.engine, [1])) == ("present", {})


# -- made anew from stores ---------------------------------------------------------------------


def told(path: bytes = b"d/b.png", **changed: Any) -> Told:
    values: dict[str, Any] = {
        "root": "r",
        "path": path,
        "size": 5,
        "mode": 0o100640,
        "uid": 5,
        "gid": 6,
        "modified_ns": NOW - 60 * SECOND,
        "changed_ns": NOW - 60 * SECOND,
        "kind": "image",
        "store": "cloud",
        "held": Held(f"r/{path.hex()}~1", "zstd", DIGEST, 4, "v"),
        "stored_ns": NOW - SECOND,
        **changed,
    }
    return Told(**values)


def rebuilt(deeds: Deeds, *objects: Told) -> Rebuilt:
    return rebuild(deeds.engine, deeds.counts, deeds.ground.roots, objects, NOW)


def test_a_catalogue_is_made_anew_from_what_objects_tell(deeds: Deeds) -> None:
    objects = [told(), told(b"\xff"), told(b"e/f", root="s"), told(b"g", root="unknown")]
    assert rebuilt(deeds, *objects) == Rebuilt(added=3, of_no_root=1)
    assert rebuilt(deeds, *objects) == Rebuilt(known=3, of_no_root=1)

    (row,) = find.files(deeds.engine, ["path=d/b.png", "state=archived"], NOW)
    assert (row.size, row.mode, row.uid, row.digest, row.gone_ns) == (
        *(5, 0o100640, 5, DIGEST),
        NOW - SECOND,
    )
    due = copies.to_scrub(deeds.engine, 1, "cloud", 1, 9)
    assert len(due) == 3  # nobody here has read them yet
    found = search.search(deeds.engine, "b", [], NOW)
    assert [one.file.id for one in found.hits] == [row.id]
    act = deeds.restore(deeds.row(row.id), entry(b"b.png", 9), b"d/b.png")
    assert (act.state, deeds.present()[b"d/b.png"].id) == ("done", row.id)


@pytest.mark.parametrize("digested", [False, True])
def test_an_object_that_holds_what_is_there_is_its_copy(deeds: Deeds, *, digested: bool) -> None:
    if digested:
        deeds.give_digest(deeds.one(PICTURE), DIGEST)
    assert rebuilt(deeds, told(PICTURE)) == Rebuilt(linked=1)
    assert len(copies.of_files(deeds.engine, [1])) == 1


@pytest.mark.parametrize("other", [{"size": 6}, {"modified_ns": NOW}])
def test_an_object_that_holds_something_else_is_a_file_of_its_own(
    deeds: Deeds, other: dict[str, Any]
) -> None:
    assert rebuilt(deeds, told(PICTURE, **other)) == Rebuilt(added=1)
    assert len(deeds.present()) == 1


@pytest.mark.parametrize("digested", [False, True])
def test_a_missing_file_that_an_object_holds_is_archived_and_stays_one_row(
    deeds: Deeds, *, digested: bool
) -> None:
    """As it is after a catalogue of before its archiving was put back, and a scan."""
    if digested:
        deeds.give_digest(deeds.one(PICTURE), DIGEST)
    deeds.gone(PICTURE)
    assert state(deeds) == "missing"

    assert rebuilt(deeds, told(PICTURE)) == Rebuilt(added=1)
    assert rebuilt(deeds, told(PICTURE)) == Rebuilt(known=1)

    (row,) = find.files(deeds.engine, ["path=a.png", "state=any"], NOW)
    assert (row.id, row.state, row.digest) == (1, "archived", DIGEST)
    assert find.history(deeds.engine, 1)[-1].event == "found"
    act = deeds.restore(deeds.row(1), entry(PICTURE, 9), PICTURE)
    assert (act.state, deeds.present()[PICTURE].id) == ("done", 1)


def test_a_missing_file_with_other_content_is_another_one(deeds: Deeds) -> None:
    deeds.give_digest(deeds.one(PICTURE), b"o" * 32)
    deeds.gone(PICTURE)
    assert rebuilt(deeds, told(PICTURE)) == Rebuilt(added=1)
    assert [deeds.row(number).state for number in (1, 2)] == ["missing", "archived"]


def test_two_objects_of_one_name_are_two_files(deeds: Deeds) -> None:
    other = told(held=Held("r/b~2", "", b"o" * 32, 5))
    assert rebuilt(deeds, told(), other) == Rebuilt(added=2)


def test_what_two_stores_hold_is_one_file(deeds: Deeds) -> None:
    assert rebuilt(deeds, told(), told(store="disk")) == Rebuilt(added=1, linked=1)
