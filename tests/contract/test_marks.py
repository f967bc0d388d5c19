"""What people say of files, and what guards keep until people say more, on both databases."""

from __future__ import annotations

import pytest

from storewarden.catalogue import find, held_back, marks, policy_sets, subjects
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.marks import Marks
from storewarden.errors import CatalogueRefused
from tests.acting import Deeds
from tests.catalogues import Place
from tests.recording import NOW, entry


@pytest.fixture
def deeds(place: Place) -> Deeds:
    """A catalogue with two files, of which all is decided."""
    deeds = Deeds(place.made())
    deeds.names(entry(b"a.png", 1), entry(b"b.png", 2))
    with deeds.engine.transaction():
        deeds.engine.execute("DELETE FROM undecided")
    return deeds


def undecided(deeds: Deeds) -> list[int]:
    return [row[0] for row in deeds.engine.execute("SELECT file_id FROM undecided ORDER BY 1")]


def last(deeds: Deeds, file_id: int) -> tuple[str, dict[str, object]]:
    *_, event = find.history(deeds.engine, file_id)
    return event.event, event.detail


def test_a_pin_is_told_and_asked_for_by_policies(deeds: Deeds) -> None:
    assert marks.pin(deeds.engine, [1, 2, 77], NOW, by="anna") == 2
    assert undecided(deeds) == [1, 2]
    assert [one.pinned for one in subjects.subjects(deeds.engine, [1, 2])] == [True, True]
    assert last(deeds, 1) == ("pinned", {"by": "anna"})

    assert marks.pin(deeds.engine, [1], NOW, by="anna") == 0
    assert marks.unpin(deeds.engine, [1], NOW, by="bert") == 1
    assert marks.unpin(deeds.engine, [1], NOW, by="bert") == 0
    assert deeds.history(1) == ["pinned", "unpinned"]
    assert marks.of_files(deeds.engine, [1, 2]) == {1: Marks(), 2: Marks(pinned=True)}


def test_a_rating_is_given_changed_and_taken(deeds: Deeds) -> None:
    for rating, changed in ((4.5, 1), (4.5, 0), (3, 1), (None, 1), (None, 0)):
        assert marks.rate(deeds.engine, [1], rating, NOW, by="anna") == changed
    assert deeds.history(1) == ["rated"] * 3
    assert last(deeds, 1) == ("rated", {"by": "anna", "rating": None})
    assert undecided(deeds) == [1]


def test_tags_are_a_set(deeds: Deeds) -> None:
    assert marks.tag(deeds.engine, [1, 2], NOW, by="anna", add=["sea", "dusk", "sea"]) == 2
    assert marks.tag(deeds.engine, [1], NOW, by="anna", add=["sea"], remove=["fog"]) == 0
    assert marks.tag(deeds.engine, [1], NOW, by="anna", add=["fog"], remove=["sea"]) == 1

    assert [one.tags for one in subjects.subjects(deeds.engine, [1, 2])] == [
        ("dusk", "fog"),
        ("dusk", "sea"),
    ]
    assert last(deeds, 1) == ("tagged", {"by": "anna", "added": ["fog"], "removed": ["sea"]})


def test_what_was_said_stays_beside_what_is_said(deeds: Deeds) -> None:
    with deeds.engine.transaction():
        deeds.engine.insert("marks", ("file_id", "owner"), [(1, "app")])
    marks.rate(deeds.engine, [1], 5, NOW, by="anna")
    marks.tag(deeds.engine, [1], NOW, by="anna", add=["x"])
    marks.pin(deeds.engine, [1], NOW, by="anna")

    assert marks.of_files(deeds.engine, [1, 2]) == {1: Marks(True, 5.0, ("x",), "app")}


def test_what_is_said_of_what_is_archived_comes_back_with_it(deeds: Deeds) -> None:
    deeds.archive(deeds.one(b"a.png"))
    marks.pin(deeds.engine, [1], NOW, by="anna")
    deeds.restore(deeds.row(1), entry(b"a.png", 9))

    assert marks.of_files(deeds.engine, [1]) == {1: Marks(pinned=True)}


# -- what is held back -------------------------------------------------------------------------


def kept(guard: str, files: int = 1, policy: str = "renders") -> HeldBack:
    return HeldBack(policy, guard, f"more than {files}", files, 10, 0)


def test_each_run_says_anew_what_is_kept_and_it_is_told_since_when(deeds: Deeds) -> None:
    engine = deeds.engine
    held_back.replace(engine, 1, "renders", [kept("observe"), kept("share")], NOW)
    held_back.replace(engine, 1, "videos", [kept("observe", policy="videos")], NOW + 1)
    held_back.replace(engine, 1, "renders", [kept("observe", 9), kept("bytes")], NOW + 2)
    assert held_back.read(engine, 1) == [
        HeldBack("renders", "observe", "more than 9", 9, 10, NOW),
        HeldBack("videos", "observe", "more than 1", 1, 10, NOW + 1),
        HeldBack("renders", "bytes", "more than 1", 1, 10, NOW + 2),
    ]
    assert held_back.read(engine, 2) == []
    held_back.replace(engine, 1, "renders", [], NOW)
    assert [one.policy for one in held_back.read(engine, 1)] == ["videos"]


def test_one_run_tells_of_a_guard_once(deeds: Deeds) -> None:
    with pytest.raises(CatalogueRefused):
        held_back.replace(deeds.engine, 1, "renders", [kept("a"), kept("a")], NOW)
    assert held_back.read(deeds.engine, 1) == []


def test_who_lets_a_policy_act_does_so_until_it_says_something_else(deeds: Deeds) -> None:
    engine = deeds.engine
    assert not held_back.approve(engine, 1, "renders", NOW)
    for mark, approved in (("f", NOW), ("f", NOW), ("g", None)):
        policy_sets.put_in_force(engine, 1, mark, [], {"renders": mark}, NOW)
        if mark == "f":
            assert held_back.approve(engine, 1, "renders", NOW)
            assert held_back.approve(engine, 1, "renders", NOW + 5)
        assert policy_sets.policies(engine, 1)["renders"].approved_ns == approved
