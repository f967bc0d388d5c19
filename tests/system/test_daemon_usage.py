"""How often files are used, as a real daemon counts it: others' use and not its own."""

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from storewarden.watch.own import SOON
from tests import trees
from tests.daemon import Daemon
from tests.sqlites import make

ROOT = "uploads"


class Use(NamedTuple):
    opens: int
    writes: int


def daemon_on(tmp_path: Path, **more: object) -> Daemon:
    (tmp_path / "root").mkdir(exist_ok=True)
    return Daemon(
        tmp_path / "daemon", {ROOT: {"path": str(tmp_path / "root"), "usage": True, **more}}
    )


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    trees.write(path, content)


def read(path: Path, times: int = 1) -> None:
    for _ in range(times):
        path.read_bytes()


def used(daemon: Daemon) -> dict[bytes, Use]:
    """Return what the catalogue knows of present files; totals and days agree."""
    rows = daemon.query(
        "SELECT d.path, f.name, u.opens, u.writes, (SELECT sum(y.opens) FROM usage_days y"
        " WHERE y.file_id = f.id), (SELECT sum(y.writes) FROM usage_days y"
        " WHERE y.file_id = f.id) FROM usage u JOIN files f ON f.id = u.file_id"
        " JOIN directories d ON d.id = f.directory_id WHERE f.state = 'present'"
    )
    assert [row for row in rows if row[2:4] != row[4:6]] == []
    return {
        bytes(path) + b"/" + bytes(name) if path else bytes(name): Use(opens, writes)
        for path, name, opens, writes, *_ in rows
    }


def looked_into(daemon: Daemon) -> bool:
    """Tell whether we have read all files ourselves, for their digests and for their facts."""
    return daemon.query(
        "SELECT count(*) FROM files WHERE state = 'present'"
        " AND (digest IS NULL OR inspected_ns IS NULL)"
    ) == [(0,)]


def own(daemon: Daemon) -> float:
    return daemon.metric(f'usage_events_total{{kind="own",root="{ROOT}"}}')


def test_opens_and_writes_are_counted_across_a_restart_and_our_own_reads_never(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    before, later = root / "before.bin", root / "deep" / "er" / "later.bin"
    write(before, b"before")
    later.parent.mkdir(parents=True)  # what is written before the watch stands is not seen
    with daemon_on(tmp_path) as daemon:
        daemon.until(lambda: looked_into(daemon), "what was there is digested")
        read(before, 3)
        with before.open("ab") as file:
            file.write(b"more")
        write(later, b"later")
        daemon.settled()
        assert daemon.stop() == 0
        assert used(daemon) == {b"before.bin": Use(3, 1), b"deep/er/later.bin": Use(0, 1)}

        daemon.start()
        read(before, 2)
        read(later)
        daemon.until(lambda: used(daemon)[b"before.bin"].opens == 5, "they are told in time")
        assert daemon.stop() == 0
        assert used(daemon) == {b"before.bin": Use(5, 1), b"deep/er/later.bin": Use(1, 1)}
        assert daemon.query("SELECT usage_since_ns IS NOT NULL FROM roots") == [(1,)]


def test_counts_stay_with_files_that_are_renamed_and_directories_that_are_moved(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    for name in ("a/one", "a/b/two", "c/three"):
        write(root / name, b"x")
    with daemon_on(tmp_path) as daemon:
        daemon.until(lambda: looked_into(daemon), "what was there is digested")
        read(root / "a/one", 2)
        read(root / "a/b/two", 3)
        read(root / "c/three", 4)
        (root / "a/one").rename(root / "c/first")
        (root / "a").rename(root / "c/moved")
        read(root / "c/moved/b/two")
        (root / "c/new").write_bytes(b"y")
        (root / "c/new").rename(root / "c/three")  # as an editor saves
        daemon.settled()
        assert daemon.stop() == 0

        assert used(daemon) == {
            b"c/first": Use(2, 0),
            b"c/moved/b/two": Use(4, 0),
            b"c/three": Use(4, 1),
        }


def test_what_is_counted_is_shown_and_nothing_is_counted_where_nobody_asked(
    tmp_path: Path,
) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    write(root / "a", b"x")
    write(other / "b", b"x")
    with daemon_on(tmp_path) as daemon:
        daemon.roots = {**daemon.roots, "other": other}
        daemon.kill()
        daemon.configure()
        daemon.start()
        daemon.until(lambda: looked_into(daemon), "they are digested")
        read(root / "a", 2)
        read(other / "b", 2)
        shown = f'usage_events_total{{kind="open",root="{ROOT}"}}'
        daemon.until(lambda: daemon.metric(shown) == 2, "the opens are shown")
        daemon.until(lambda: own(daemon) >= 1, "our own reads are shown")
        assert daemon.metric(f'usage_lost_total{{root="{ROOT}"}}') == 0
        assert [
            name for name in daemon.metrics() if "usage_events" in name and "other" in name
        ] == []
        assert daemon.stop() == 0
        assert used(daemon) == {b"a": Use(2, 0)}


def test_counting_begins_and_ends_with_a_reload(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "a", b"x")
    with daemon_on(tmp_path, usage=False) as daemon:
        daemon.until(lambda: looked_into(daemon), "it is digested")
        read(root / "a")
        daemon.roots = {ROOT: {"path": str(root), "usage": True}}
        daemon.configure()
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.scans() >= 2, "it is watched anew")
        read(root / "a")
        daemon.roots = {ROOT: {"path": str(root), "usage": False}}
        daemon.configure()
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.scans() >= 3, "it is watched anew")
        read(root / "a")
        daemon.until(lambda: used(daemon), "what was counted is stored")
        assert daemon.stop() == 0
        assert used(daemon) == {b"a": Use(1, 0)}
        assert daemon.query("SELECT usage_since_ns FROM roots") == [(None,)]


def test_a_file_that_is_being_watched_by_nobody_else_stays_unused(tmp_path: Path) -> None:
    """Leases and digests of a hundred files, none of which anybody opened after it was made."""
    root = tmp_path / "root"
    for number in range(7):
        (root / f"d{number}").mkdir(parents=True)
    with daemon_on(tmp_path) as daemon:
        for number in range(100):
            write(root / f"d{number % 7}" / f"f{number}", os.urandom(2000))
        daemon.settled()
        daemon.until(lambda: looked_into(daemon), "all are digested")
        daemon.until(lambda: own(daemon) >= 200, "our own reads are seen")
        assert daemon.stop() == 0
        assert set(used(daemon).values()) == {Use(0, 1)}
        assert len(used(daemon)) == 100


def test_what_we_read_of_databases_while_we_look_after_them_is_nobodys_use(
    tmp_path: Path,
) -> None:
    path = tmp_path / "root" / "chat.db"
    path.parent.mkdir()
    make(path, rows=200)
    daemon = daemon_on(tmp_path)
    daemon.configure(policies=[])  # nothing is due but looks
    with daemon:
        daemon.until(lambda: looked_into(daemon), "it is digested")
        for words in (("db", "check", "chat.db"), ("db", "backup", "chat.db")):
            ran = daemon.verb(*words)
            assert ran.returncode == 0, ran.stdout + ran.stderr
        daemon.until(lambda: own(daemon) > 3, "our reads are seen")
        time.sleep(SOON)  # what comes right behind our own reads is taken for them
        read(path, 2)
        daemon.settled()
        assert daemon.stop() == 0

        assert used(daemon) == {b"chat.db": Use(2, 0)}
