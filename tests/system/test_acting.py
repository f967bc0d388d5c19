"""A running daemon carries policies out, and wishes; nothing is lost, all is told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import requests
from storewarden.catalogue.connect import open_catalogue
from storewarden.config.schema import Settings, StoreSettings
from storewarden.daemon.acting.stores import prepare
from storewarden.daemon.acting.wish import Result, Wanted, Wish
from tests.daemon import Daemon

ARCHIVE = """\
version: 1
policies:
  - id: renders
    match: {name: "*.bin"}
    phases: [{after: 0s, do: archive, to: cold}]
    guard: {max_share: 100%, loosen: true}
    observe: false
"""
TRASH = """\
version: 1
policies:
  - id: drafts
    match: {name: "*.tmp.txt"}
    phases: [{after: 0s, do: trash}, {after_previous: 2s, do: purge}]
    guard: {max_share: 100%, loosen: true}
    observe: false
"""


NOTHING = """\
version: 1
policies:
  - id: keep
    match: {name: "*"}
    hold: true
"""


class Acting:
    """A daemon that acts on one root, by policies, with a directory store."""

    def __init__(self, base: Path, policies: str, catalogue: str = "sqlite") -> None:
        self.root, self.store = base / "uploads", base / "cold"
        for path in (self.root, self.store):
            path.mkdir()
        self.policies = base / "policies.yaml"
        self.policies.write_text(policies)
        self.daemon = Daemon(
            base / "d",
            {"uploads": {"path": str(self.root), "settle": "0.2s"}},
            catalogue=catalogue,
            settings={
                "policies": [str(self.policies)],
                "stores": {"cold": {"path": str(self.store)}},
            },
        )
        stores = (StoreSettings("cold", path=bytes(self.store)),)
        self.daemon.state.mkdir(parents=True, exist_ok=True)
        prepare(Settings(self.daemon.state, "sqlite", (), stores=stores), "cold")

    def land(self, name: str, content: bytes = b"content") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def objects(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.store))
            for path in self.store.rglob("*~*")
            if path.is_file() and path.suffix != ".about" and ".storewarden" not in path.parts
        )

    def states(self) -> dict[str, list[str]]:
        return {os.fsdecode(path): states for path, states in self.daemon.states().items()}

    def acts(self) -> list[tuple[Any, ...]]:
        return self.daemon.query("SELECT verb, state FROM acts ORDER BY id")

    def until(self, met: Callable[[], object], what: str, seconds: float = 20.0) -> float:
        return self.daemon.until(met, what, seconds)

    def ask(self, wish: Wish, seconds: float = 20.0) -> Result:
        """Ask the daemon, as a verb does."""
        engine = open_catalogue(self.daemon.catalogue, self.daemon.state, role="test")
        try:
            ((root_id,),) = engine.execute("SELECT id FROM roots")
            facts = wish.facts()
            job = requests.ask(
                engine, "act", root_id, facts, asked_by="anna", now_ns=time.time_ns()
            )

            def ended() -> bool:
                request = requests.read(engine, job)
                return request is not None and request.ended

            self.until(ended, "the wish is carried out", seconds)
            request = requests.read(engine, job)
            assert request is not None
            assert request.state == "done", request.outcome
            return Result.of(request.outcome)
        finally:
            engine.close()

    def id(self, name: str) -> int:
        rows = self.daemon.query(
            "SELECT id FROM files WHERE name = ? ORDER BY id DESC", (os.fsencode(name),)
        )
        found: int = rows[0][0]
        return found

    def reload(self, policies: str) -> None:
        self.policies.write_text(policies)
        self.daemon.signal(signal.SIGHUP)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest) -> str:
    url: str = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def acting(tmp_path: Path) -> Iterator[Acting]:
    acting = Acting(tmp_path, ARCHIVE)
    with acting.daemon:
        yield acting


def test_what_lands_is_archived_within_seconds_and_comes_back_when_asked(
    tmp_path: Path, catalogue: str
) -> None:
    acting = Acting(tmp_path, ARCHIVE, catalogue)
    content = os.urandom(200_000)
    with acting.daemon as daemon:
        path = acting.land("a/film.bin", content)
        other = acting.land("a/notes.txt")
        took = acting.until(lambda: not path.exists(), "it left")
        assert took < 8
        acting.until(lambda: acting.states()["a/film.bin"] == ["archived"], "the catalogue knows")
        assert len(acting.objects()) == 1
        acting.until(lambda: daemon.told("a policy ran"), "it is told")
        (told,) = daemon.told("a policy ran")
        assert (told["policy"], told["cause"], told["done"], told["held"]) == (
            *("renders", "event", 1, 0),
        )
        archived = 'actions_total{action="archive",outcome="done",policy="renders"}'
        acting.until(lambda: daemon.metric(archived) == 1, "and shown")
        assert daemon.metric("freed_bytes_total") == 200_000
        before = acting.id("film.bin")

        acting.reload(NOTHING)
        acting.until(lambda: len(daemon.told("policies are in force")) == 2, "it may come back")
        done = acting.ask(Wish((Wanted(before, "restore"),), "anna", "needed"))

        assert (done.done, done.troubles) == (1, ())
        assert path.read_bytes() == content
        daemon.settled()
        assert acting.states() == {"a/film.bin": ["present"], "a/notes.txt": ["present"]}
        assert acting.id("film.bin") == before
        assert other.exists()


def test_what_is_trashed_is_purged_when_its_time_has_come_and_not_before(tmp_path: Path) -> None:
    acting = Acting(tmp_path, TRASH.replace("2s", "4s"))
    trash = acting.root / ".storewarden" / "trash"
    with acting.daemon as daemon:
        path = acting.land("a.tmp.txt")
        acting.until(lambda: acting.states().get("a.tmp.txt") == ["trashed"], "it is in the trash")
        trashed = time.monotonic()
        assert not path.exists()
        size = 'trash_bytes{root="uploads"}'
        acting.until(lambda: daemon.metric(size) == len(b"content"), "its bytes are shown")
        acting.until(lambda: acting.states()["a.tmp.txt"] == ["purged"], "it is purged")
        assert time.monotonic() - trashed >= 3.5
        assert list(trash.iterdir()) == []
        assert acting.acts() == [("trash", "done"), ("purge", "done")]


def test_what_a_new_policy_would_do_waits_for_a_person_and_is_shown(tmp_path: Path) -> None:
    acting = Acting(tmp_path, TRASH.replace("    observe: false\n", ""))
    with acting.daemon as daemon:
        paths = [acting.land(f"{number}.tmp.txt") for number in range(3)]
        held = 'held_back_files{guard="observed",policy="drafts"}'
        acting.until(lambda: daemon.metric(held) == 3, "they are held back")
        assert all(path.exists() for path in paths)
        ((guard, files, command),) = daemon.query("SELECT guard, files, command FROM held_back")
        assert (guard, files, command) == ("observed", 3, "storewarden apply --policy drafts")
        assert len(daemon.told("work is held back", release=command)) == 1

        wanted = tuple(Wanted(acting.id(path.name), "trash", policy="drafts") for path in paths[:2])
        done = acting.ask(Wish(wanted, "anna", "applied", approves=("drafts",)))
        assert done.done == 2
        acting.until(lambda: not paths[2].exists(), "from then on it acts by itself")
        acting.until(lambda: daemon.query("SELECT 1 FROM held_back") == [], "nothing is held back")


def test_no_more_than_a_guard_allows_until_a_person_answers(tmp_path: Path) -> None:
    guarded = TRASH.replace("max_share: 100%", "max_share: 100%, max_objects: 2")
    acting = Acting(tmp_path, NOTHING)
    for number in range(6):
        acting.land(f"{number}.tmp.txt")
    with acting.daemon as daemon:
        daemon.settled()
        acting.reload(guarded.replace(", {after_previous: 2s, do: purge}", ""))
        held = 'held_back_files{guard="max_objects",policy="drafts"}'
        acting.until(lambda: daemon.metric(held) == 4, "the rest is held back")
        assert len(list(acting.root.glob("*.txt"))) == 4
        daemon.stop()
        daemon.start()
        time.sleep(3)
        assert len(list(acting.root.glob("*.txt"))) == 4  # a restart is no new run
        acting.ask(Wish((), "anna", "applied", approves=("drafts",)))
        acting.until(lambda: len(list(acting.root.glob("*.txt"))) == 2, "two more")


def test_a_store_that_is_away_keeps_files_here_and_work_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    acting = Acting(tmp_path, ARCHIVE)
    acting.store.rename(tmp_path / "unplugged")
    with acting.daemon as daemon:
        paths = [acting.land(f"{number}.bin", os.urandom(1000)) for number in range(5)]
        acting.until(lambda: daemon.metric("put_off_acts") >= 3, "they are put off")
        assert all(path.exists() for path in paths)
        assert len(daemon.told("an act is put off")) == 1
        (tmp_path / "unplugged").rename(acting.store)
        daemon.stop()
        with_time = daemon.query("SELECT count(*) FROM acts WHERE next_try_ns IS NOT NULL")
        assert with_time[0][0] >= 3
        daemon.start()
        acting.until(lambda: len(acting.objects()) == 5, "all are archived", 40.0)
        acting.until(lambda: not any(path.exists() for path in paths), "and gone from here")


def test_other_policies_end_a_run_and_nothing_more_is_done_by_the_old_ones(
    tmp_path: Path,
) -> None:
    acting = Acting(tmp_path, NOTHING)
    for number in range(300):
        acting.land(f"{number}.bin", os.urandom(20_000))
    with acting.daemon as daemon:
        daemon.settled()
        acting.reload(ARCHIVE)
        acting.until(lambda: len(acting.objects()) > 3, "it acts")
        acting.reload(NOTHING)
        acting.until(lambda: len(daemon.told("policies are in force")) == 3, "others are in force")
        acting.until(
            lambda: daemon.query("SELECT 1 FROM acts WHERE ended_ns IS NULL") == [], "at rest"
        )
        left = len(list(acting.root.glob("*.bin")))
        assert left > 0
        time.sleep(2)
        assert len(list(acting.root.glob("*.bin"))) == left
        assert left + len(acting.objects()) == 300


def test_what_somebody_took_out_of_the_trash_is_told_and_not_tried_for_ever(
    tmp_path: Path,
) -> None:
    acting = Acting(tmp_path, TRASH)
    with acting.daemon as daemon:
        acting.land("a.tmp.txt")
        acting.until(lambda: acting.states().get("a.tmp.txt") == ["trashed"], "it is in the trash")
        trash = acting.root / ".storewarden" / "trash"
        for drawer in trash.iterdir():
            drawer.rename(tmp_path / drawer.name)
        acting.until(lambda: acting.states()["a.tmp.txt"] == ["missing"], "it is missing")
        assert len(daemon.told("files were removed from the trash, and not by us")) == 1
        daemon.assert_totals()
