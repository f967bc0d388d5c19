"""A catalogue that was lost is made again of what objects tell, and all of it can be restored."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from storewarden.catalogue import roots
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.lease import take
from storewarden.clock import SystemClock
from storewarden.store.directory import DirectoryStore
from tests.unit.cli.acting import NAMES, Yard
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_by_hand import figures


@pytest.fixture
def lost(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A root whose files are archived, and no catalogue."""
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.configure()
    yard.prepare()
    yard.fill()
    assert yard.run("archive", "--to", "cold", "root=save_outputs").code == 0
    for name in ("catalogue.db", "catalogue.db-wal", "catalogue.db-shm"):
        (here / "state" / name).unlink(missing_ok=True)
    return yard


def rebuilt(yard: Yard, *more: str) -> dict[str, int]:
    ran = yard.run("catalogue", "rebuild", "--from-store", "cold", *more)
    return {name: int(value) for name, value in figures(ran).items()}


def test_all_that_was_archived_can_be_restored(lost: Yard, run: Run) -> None:
    assert rebuilt(lost) == {
        "objects": 6,
        "added": 6,
        "linked": 0,
        "known": 0,
        "of_no_root": 0,
        "of_other_hosts": 0,
        "unreadable": 0,
    }
    assert lost.states() == dict.fromkeys(NAMES, "archived")
    lost.scan()
    ran = lost.run("restore", "root=save_outputs")
    assert (ran.code, figures(ran)["done"]) == (0, "6")
    for name, seen in lost.all().items():
        assert seen is not None, name
        assert seen[1:] == (0o640, 1_700_000_000_123_456_789, b"5\0\xff"), name


def test_what_is_no_file_of_a_root_is_left_to_those_whose_it_is(lost: Yard) -> None:
    store = DirectoryStore("cold", str(lost.here / "cold"))
    store.put("~databases/rack/chat/1.sqlite", io.BytesIO(b"x"), lambda: b"{}")

    found = rebuilt(lost)

    assert (found["objects"], found["added"], found["unreadable"]) == (6, 6, 0)


def test_a_second_time_changes_nothing_and_what_lies_here_is_told_by_a_scan(lost: Yard) -> None:
    assert rebuilt(lost)["added"] == 6
    again = rebuilt(lost)
    assert (again["added"], again["known"]) == (0, 6)

    lost.scan()
    assert lost.run("restore", "save_outputs/cat.png").code == 0
    for name in ("catalogue.db", "catalogue.db-wal", "catalogue.db-shm"):
        (lost.here / "state" / name).unlink(missing_ok=True)
    lost.scan()
    third = rebuilt(lost)
    assert (third["added"], third["linked"]) == (5, 1)
    assert lost.states()["cat.png"] == "present"


def test_what_another_machine_stored_is_left_alone_until_it_is_named(
    lost: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = roots.this_machine()
    other = ours._replace(name="new-machine")
    monkeypatch.setattr("storewarden.daemon.rebuilding.this_machine", lambda: other)
    ran = lost.run("catalogue", "rebuild", "--from-store", "cold", "--json")
    assert (ran.code, ran.json["added"], ran.json["hosts"]) == (0, 0, {ours.name: 6})
    assert f"--from-store cold --host {ours.name}\n" in ran.err
    assert rebuilt(lost, "--host", ours.name)["added"] == 6


def test_what_cannot_be_understood_is_told_and_left_alone(lost: Yard) -> None:
    objects = lost.objects()
    about = next((lost.here / "cold").rglob("*.about"))
    about.write_bytes(b"{}")

    ran = lost.run("catalogue", "rebuild", "--from-store", "cold", terminal=True)

    assert ran.code == 1
    assert "objects in cold: 6" in ran.out
    assert "known again, archived there: 5" in ran.out
    assert "an object does not tell of itself what it once did: cold: " in ran.err
    assert lost.objects() == objects


def test_objects_of_a_root_that_there_is_not_are_told(lost: Yard) -> None:
    lost.configure(roots={"uploads": {"path": str(lost.here / "uploads")}})
    (lost.here / "uploads").mkdir()
    ran = lost.run("catalogue", "rebuild", "--from-store", "cold", "--json")
    assert (ran.code, ran.json["of_no_root"]) == (1, 6)
    assert ran.json["roots_missing"] == {"save_outputs": 6}
    assert "6 objects are of a root that is not configured: save_outputs" in ran.err


def test_nobody_else_may_write_meanwhile(lost: Yard) -> None:
    lost.scan()
    engine = open_catalogue("sqlite", lost.here / "state", role="test")
    host = roots.host_id(engine, roots.this_machine())
    held = take(engine, host or 0, "storewarden run", SystemClock(), lambda _s: None)
    try:
        ran = lost.run("catalogue", "rebuild", "--from-store", "cold")
    finally:
        held.release()
        engine.close()
    assert (ran.code, ran.out) == (3, "")


def test_a_store_that_is_not_there_is_told(lost: Yard) -> None:
    ran = lost.run("catalogue", "rebuild", "--from-store", "clod")
    assert (ran.code, ran.err) == (
        *(2, "storewarden: there is no such store: clod; did you mean cold?\n"),
    )
    shutil.rmtree(lost.here / "cold")
    ran = lost.run("catalogue", "rebuild", "--from-store", "cold")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
