"""Workflows and scenes appear by themselves, and files belong to those that they tell of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storewarden.catalogue import roots
from storewarden.model import Place
from tests.catalogues import Place as Catalogue
from tests.inspecting import Shelf
from tests.recording import NOW, SECOND, check_totals, entry

Told = tuple[str | None, str | None]


@pytest.fixture
def shelf(place: Catalogue) -> Iterator[Shelf]:
    """Files that have something in them; at the end the totals must equal a count."""
    shelf = Shelf(place.made())
    yield shelf
    check_totals(shelf.engine, shelf.counts)


def belongs(shelf: Shelf) -> dict[bytes, Told]:
    """Return workflow and scene of each file by its name."""
    rows = shelf.engine.execute(
        "SELECT f.name, w.name, c.name FROM facts t JOIN files f ON f.id = t.file_id"
        " LEFT JOIN workflows w ON w.id = t.workflow_id LEFT JOIN scenes c ON c.id = t.scene_id"
    )
    return {bytes(name): (workflow, scene) for name, workflow, scene in rows}


def scenes(shelf: Shelf) -> list[Told]:
    """Return all scenes with their workflows."""
    rows = shelf.engine.execute(
        "SELECT w.name, c.name FROM scenes c LEFT JOIN workflows w ON w.id = c.workflow_id"
        " ORDER BY coalesce(w.name, ''), c.name"
    )
    return [(workflow, scene) for workflow, scene in rows]


def test_a_workflow_and_its_scenes_appear_with_the_first_file_that_tells_them(shelf: Shelf) -> None:
    shelf.names(*(entry(name, inode) for inode, name in enumerate((b"a.png", b"b.png", b"c"), 1)))
    shelf.places[b"a.png"] = Place("w1", "1")
    shelf.places[b"b.png"] = Place("w1", "2")
    shelf.inspect()

    assert belongs(shelf) == {b"a.png": ("w1", "1"), b"b.png": ("w1", "2"), b"c": (None, None)}
    assert scenes(shelf) == [("w1", "1"), ("w1", "2")]
    assert shelf.engine.execute("SELECT name FROM workflows") == [("w1",)]


def test_scenes_of_one_name_are_others_in_each_workflow_and_without_one(shelf: Shelf) -> None:
    told = {b"a": ("w1", "1"), b"b": ("w2", "1"), b"c": (None, "1"), b"d": (None, "1")}
    for inode, (name, (workflow, scene)) in enumerate(told.items(), 1):
        shelf.names(entry(name, inode))
        shelf.places[name] = Place(workflow, scene)
    shelf.inspect()

    assert belongs(shelf) == told
    assert scenes(shelf) == [(None, "1"), ("w1", "1"), ("w2", "1")]


@pytest.mark.parametrize(
    ("path", "file", "sidecar", "wanted"),
    [
        (("p", "1"), ("f", "2"), ("s", "3"), ("p", "1")),
        ((None, None), ("f", "2"), ("s", "3"), ("f", "2")),
        ((None, None), (None, None), ("s", "3"), ("s", "3")),
        (("p", None), (None, "2"), ("s", "3"), ("p", "2")),
        (("p", None), (None, None), ("s", "3"), ("p", "3")),
        ((None, None), ("f", None), (None, "3"), ("f", "3")),
        ((None, None), (None, None), (None, None), (None, None)),
    ],
)
def test_the_path_goes_before_the_file_and_that_before_its_sidecars(
    shelf: Shelf, path: Told, file: Told, sidecar: Told, wanted: Told
) -> None:
    shelf.places[b"a.png"] = Place(*path)
    shelf.say(1, workflow=file[0], scene=file[1])
    shelf.say(2, workflow=sidecar[0], scene=sidecar[1])
    for order in ((1, 2), (2, 1)):
        for inode in order:
            shelf.names(entry(b"a.png" if inode == 1 else b"a.json", inode))
            shelf.inspect()
        assert belongs(shelf)[b"a.png"] == wanted
        shelf.gone(b"a.png", b"a.json")
        shelf.inspect()


def test_a_sidecar_that_says_something_else_moves_its_owner(shelf: Shelf) -> None:
    shelf.say(2, workflow="w1", scene="1")
    shelf.names(entry(b"a.png", 1), entry(b"a.json", 2))
    shelf.inspect()
    shelf.say(2, workflow="w2")
    shelf.names(entry(b"a.json", 2, size=9, changed=NOW))
    shelf.inspect()

    assert belongs(shelf) == {b"a.png": ("w2", None), b"a.json": ("w2", None)}


def test_a_file_that_moved_belongs_to_where_it_lies(shelf: Shelf) -> None:
    shelf.places[b"w1/a.png"] = Place("w1", "1")
    shelf.places[b"w2/a.png"] = Place("w2", "1")
    shelf.names(entry(b"a.png", 1), path=b"w1")
    shelf.inspect()
    shelf.names(entry(b"a.png", 1, changed=NOW), path=b"w2")
    shelf.inspect()

    assert belongs(shelf) == {b"a.png": ("w2", "1")}
    assert scenes(shelf) == [("w1", "1"), ("w2", "1")]


def test_a_workflow_was_seen_first_once_and_last_with_each_file(shelf: Shelf) -> None:
    shelf.places |= {b"a.png": Place("w1", "1"), b"b.png": Place("w1", "1")}
    shelf.names(entry(b"a.png", 1))
    shelf.inspect()
    shelf.now_ns += SECOND
    shelf.names(entry(b"b.png", 2))
    shelf.inspect()

    for table in ("workflows", "scenes"):
        seen = shelf.engine.execute(f"SELECT first_seen_ns, last_seen_ns FROM {table}")
        assert seen == [(NOW, NOW + SECOND)]


def test_workflows_of_one_name_on_two_machines_are_two(shelf: Shelf) -> None:
    other = roots.register_host(shelf.engine, roots.Machine("other", "other"), NOW)
    with shelf.engine.transaction():
        shelf.engine.insert(
            "workflows",
            ("host_id", "name", "first_seen_ns", "last_seen_ns"),
            [(other, "w1", 1, 1)],
        )
    shelf.places[b"a.png"] = Place("w1")
    shelf.names(entry(b"a.png", 1))
    shelf.inspect()

    rows = shelf.engine.execute("SELECT host_id, last_seen_ns FROM workflows ORDER BY id")
    assert rows == [(other, 1), (shelf.ground.host_id, NOW)]
