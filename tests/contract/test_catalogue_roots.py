"""Rows of hosts and roots: made once, found again, and told apart."""

from pathlib import Path

import pytest

from storewarden.catalogue import hosts, roots
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.roots import Figures, Identity, LastScan, Machine
from storewarden.errors import CatalogueRefused
from storewarden.model import Blind, Blindness
from tests.catalogues import NOW, Place

HERE = Machine("here", "0123456789abcdef")


@pytest.fixture
def empty(place: Place) -> Engine:
    return place.made()


def test_a_machine_is_known_by_its_id_whatever_its_name(empty: Engine) -> None:
    number = roots.register_host(empty, HERE, NOW)
    again = roots.register_host(empty, Machine("renamed", HERE.machine_id), NOW + 1)
    other = roots.register_host(empty, Machine("renamed", "other"), NOW + 2)

    assert again == number != other
    assert roots.host_id(empty, HERE) == number
    assert roots.host_id(empty, Machine("here", "unknown")) is None
    assert empty.execute("SELECT name, first_seen_ns FROM hosts ORDER BY id") == [
        ("renamed", NOW),
        ("renamed", NOW + 2),
    ]


def test_this_machine_has_a_name_and_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MACHINE_ID", tmp_path / "machine-id")
    assert roots.this_machine().machine_id == f"name:{roots.this_machine().name}"
    (tmp_path / "machine-id").write_text("0123\n")
    assert roots.this_machine().machine_id == "0123"


def test_a_root_is_made_once_and_its_path_kept_up_to_date(empty: Engine) -> None:
    host = roots.register_host(empty, HERE, NOW)
    made = roots.register_root(empty, host, "uploads", b"/srv/\xff\n")
    moved = roots.register_root(empty, host, "uploads", b"/mnt/uploads")

    assert (made.path, made.figures.state, made.figures.mode) == (
        b"/srv/\xff\n",
        "starting",
        "none",
    )
    assert (moved.id, moved.identity.uuid) == (made.id, made.identity.uuid)
    assert roots.roots(empty) == [moved]
    assert moved.path == b"/mnt/uploads"


def test_a_root_renamed_in_the_configuration_keeps_its_rows(empty: Engine) -> None:
    host = roots.register_host(empty, HERE, NOW)
    made = roots.register_root(empty, host, "uploads", b"/srv")
    renamed = roots.register_root(empty, host, "incoming", b"/srv", made.identity.uuid)

    assert (renamed.id, renamed.name) == (made.id, "incoming")
    assert roots.register_root(empty, host, "uploads", b"/new").id != made.id


def test_a_name_that_is_known_counts_more_than_a_marker(empty: Engine) -> None:
    host = roots.register_host(empty, HERE, NOW)
    one = roots.register_root(empty, host, "one", b"/1")
    two = roots.register_root(empty, host, "two", b"/2")

    assert roots.register_root(empty, host, "two", b"/2", one.identity.uuid).id == two.id
    assert [root.name for root in roots.roots(empty)] == ["one", "two"]


def test_hosts_have_roots_of_the_same_name(empty: Engine) -> None:
    first = roots.register_host(empty, HERE, NOW)
    second = roots.register_host(empty, Machine("there", "2"), NOW)
    roots.register_root(empty, first, "uploads", b"/a")
    roots.register_root(empty, second, "uploads", b"/b")

    assert [(root.host, root.path) for root in roots.roots(empty)] == [
        ("here", b"/a"),
        ("there", b"/b"),
    ]
    assert [root.path for root in roots.roots(empty, second)] == [b"/b"]


@pytest.mark.parametrize(("name", "path"), [("", b"/a"), ("a", b"relative"), ("a", b"/nul\0")])
def test_a_root_that_cannot_be_is_refused(empty: Engine, name: str, path: bytes) -> None:
    host = roots.register_host(empty, HERE, NOW)
    with pytest.raises(CatalogueRefused, match="a row of roots cannot be kept"):
        roots.register_root(empty, host, name, path)


def test_what_is_known_of_a_root_is_read_as_it_was_written(engine: Engine) -> None:
    identity = Identity("u-1", 2**63 + 5, 2**64 - 1, "ext4:00ff", b"/loc\xff")
    figures = Figures("inotify", "watching", 12, 3, NOW - 5, 1)
    scan = LastScan(NOW, 2.5, 1_000_000, 7)
    with engine.transaction():
        roots.write_identity(engine, 1, identity)
        roots.write_figures(engine, {1: figures}, NOW + 9)
        roots.write_scan(engine, 1, scan)

    (root,) = roots.roots(engine)
    assert (root.figures, root.figures_ns, root.last_scan) == (figures, NOW + 9, scan)
    assert root.identity == identity


def test_an_unseen_root_has_no_identity_but_its_uuid(engine: Engine) -> None:
    roots.write_identity(engine, 1, Identity("u-2", None, None, None, None))

    assert roots.roots(engine)[0].identity == Identity("u-2", None, None, None, None)


def test_a_state_that_is_none_is_refused(engine: Engine) -> None:
    with pytest.raises(CatalogueRefused, match="is one of starting, watching"):
        roots.write_figures(engine, {1: Figures("inotify", "asleep", 0, 0, None, 0)}, NOW)


# -- blindness ------------------------------------------------------------------------------------


def blind(reason: Blindness, path: bytes = b"", detail: str = "") -> Blind:
    return Blind("uploads", reason, path, detail, "mend it")


def test_blindness_keeps_the_time_it_began(engine: Engine) -> None:
    gone, shut = blind(Blindness.NOT_THERE), blind(Blindness.UNREADABLE, b"a\xff", "EACCES")
    roots.write_blindness(engine, 1, [shut], NOW)
    roots.write_blindness(engine, 1, [shut, gone], NOW + 1)
    changed = blind(Blindness.UNREADABLE, b"a\xff", "EPERM")
    roots.write_blindness(engine, 1, [gone, changed], NOW + 2)

    rows = roots.blindness(engine)
    assert [(row.reason, row.path, row.since_ns, row.detail) for row in rows] == [
        ("directory-unreadable", b"a\xff", NOW, "EPERM"),
        ("root-not-there", b"", NOW + 1, ""),
    ]
    assert {(row.root, row.remedy) for row in rows} == {("uploads", "mend it")}
    assert roots.blindness(engine, 1) == rows
    assert roots.blindness(engine, 2) == []


def test_what_is_seen_again_is_no_longer_blind(engine: Engine) -> None:
    roots.write_blindness(engine, 1, [blind(Blindness.NOT_THERE)], NOW)
    roots.write_blindness(engine, 1, [], NOW + 1)

    assert roots.blindness(engine) == []
