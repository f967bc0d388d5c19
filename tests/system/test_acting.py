"""A running daemon carries policies out, and wishes; nothing is lost, all is told."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from storewarden.daemon.acting.wish import Wanted, Wish
from tests.acted import ARCHIVE, NOTHING, TRASH, Acting
from tests.mounts import namespace

LATE = """
import time
from storewarden.store.directory import DirectoryStore
put = DirectoryStore.put
def late(self, *arguments):
    time.sleep(30)
    return put(self, *arguments)
DirectoryStore.put = late
"""
PRESSED = ARCHIVE.replace(
    "    observe: false",
    "    trigger: [{pressure: {high: 80%, low: 50%, order: [modified asc]}}]\n    observe: false",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest) -> str:
    url: str = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    return url


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
        assert (
            daemon.metric("freed_bytes_total") == 49 * 4096
        )  # what 200,000 bytes took on the disk
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


def test_what_failed_is_not_held_back_any_more_once_nothing_of_it_is_due(tmp_path: Path) -> None:
    acting = Acting(tmp_path, NOTHING)
    for number in range(8):
        acting.land(f"{number}.bin")
    never_prepared = {"path": str(tmp_path / "tape")}
    acting.daemon.settings["stores"]["tape"] = never_prepared
    acting.daemon.configure()
    with acting.daemon as daemon:
        daemon.settled()
        acting.reload(ARCHIVE.replace("cold", "tape"))
        held = "SELECT guard FROM held_back"
        acting.until(lambda: daemon.query(held) == [("max_errors",)], "the rest is held back")
        for number in range(8):
            (acting.root / f"{number}.bin").unlink()
        acting.until(lambda: daemon.query(held) == [], "nothing is, for nothing is due")


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


def test_it_stops_at_once_whatever_is_copied_and_goes_on_with_that_later(tmp_path: Path) -> None:
    acting = Acting(tmp_path, ARCHIVE, store={"rate": "1MiB"})
    content = os.urandom(8 << 20)
    with acting.daemon as daemon:
        path = acting.land("film.bin", content)
        acting.until(lambda: acting.acts() == [("archive", "planned")], "it is being copied")
        time.sleep(1)
        begun = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begun < 2.5
        assert path.read_bytes() == content
        assert acting.acts() == [("archive", "planned")]
        acting.configure(rate="100MiB")
        daemon.start()
        acting.until(lambda: acting.acts() == [("archive", "done")], "the same act is done")
        assert not path.exists()
        assert len(acting.objects()) == 1


def test_a_store_that_answers_late_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    acting = Acting(tmp_path, ARCHIVE)
    acting.daemon.preamble = LATE
    with acting.daemon as daemon:
        path = acting.land("film.bin")
        acting.until(acting.acts, "it is begun")
        time.sleep(0.5)
        begun = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begun < 3
        assert path.exists()
        daemon.preamble = ""
        daemon.start()
        acting.until(lambda: acting.acts() == [("archive", "done")], "the same act is done")
        assert len(acting.objects()) == 1


def test_what_is_too_much_for_a_disk_leaves_it_and_no_more(tmp_path: Path) -> None:
    with namespace() as mounts:
        acting = Acting(tmp_path, PRESSED, inside=mounts)
        mounts.tmpfs(acting.root)
        top = mounts.view / acting.root.relative_to("/")
        for number in range(12):
            (top / f"{number:02}.bin").write_bytes(os.urandom(1 << 20))
        with acting.daemon as daemon:
            daemon.until(lambda: daemon.count() == 12, "all are recorded")
            time.sleep(6)
            assert len(list(top.glob("*.bin"))) == 12  # below the mark nothing goes
            for number in range(12, 14):
                (top / f"{number:02}.bin").write_bytes(os.urandom(1 << 20))
            daemon.until(lambda: len(acting.objects()) >= 6, "room is made", 30.0)
            daemon.until(
                lambda: daemon.query("SELECT 1 FROM acts WHERE ended_ns IS NULL") == [], "at rest"
            )
            time.sleep(6)
            space = os.statvfs(top)
            used = (space.f_blocks - space.f_bavail) / space.f_blocks
            assert 0.5 - 1.2 / 16 < used <= 0.5
            left = sorted(path.name for path in top.glob("*.bin"))
            assert left == [f"{number:02}.bin" for number in range(14 - len(left), 14)]
            assert [line["cause"] for line in daemon.told("a policy ran")] == ["pressure"]


def test_what_acts_read_does_not_count_as_use(tmp_path: Path) -> None:
    copies = ARCHIVE.replace("do: archive", "do: copy")
    acting = Acting(tmp_path, copies, root={"usage": True})
    with acting.daemon as daemon:
        acting.land("film.bin", os.urandom(3 << 20))
        acting.until(lambda: acting.acts() == [("copy", "done")], "it is copied")
        used = acting.land("used.txt")
        acting.until(lambda: "used.txt" in acting.states(), "another one is recorded")
        time.sleep(1)
        used.read_bytes()
        acting.until(
            lambda: daemon.query("SELECT opens FROM usage WHERE opens > 0") == [(1,)],
            "its use is counted",
            40.0,
        )
        rows = daemon.query(
            "SELECT f.name FROM usage u JOIN files f ON f.id = u.file_id WHERE u.opens > 0"
        )
        assert [bytes(name) for (name,) in rows] == [b"used.txt"]
