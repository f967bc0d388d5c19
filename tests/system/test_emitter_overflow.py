"""A queue that overflows costs one scan, never a watch, and never the peace afterwards."""

import os
import time
from pathlib import Path

import pytest

from storewarden.model import Blindness, RootDirty
from storewarden.watch.budget import Limit, WatchBudget, read_limit
from tests.watching import ROOT, Watching, tree

DIRECTORIES = 20_000
QUEUE = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def touch(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def overflow(watching: Watching, directory: Path) -> None:
    """Keep the reader away while more happens than the kernel's queue holds."""
    directory.mkdir(exist_ok=True)
    watching.settled()
    before = watching.emitter.figures().overflows
    with watching.emitter._lock:
        for count in range(QUEUE // 2 + 1000):
            touch(directory / f"f{count}")
    watching.until(lambda: watching.emitter.figures().overflows > before)


def test_an_overflow_is_one_message_and_a_scan_makes_up_for_it(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        overflow(watching, tmp_path / "burst")
        watching.settled()

        reason = Blindness.QUEUE_OVERFLOW.value
        assert watching.of(RootDirty) == [RootDirty(ROOT, reason)]
        assert watching.emitter.blind() == ()  # the consumer has scanned
        watching.assert_true()


def test_directories_made_while_events_were_lost_are_watched_after_the_scan(tmp_path: Path) -> None:
    for count in range(50):
        (tmp_path / f"old{count}" / "sub").mkdir(parents=True)
    with Watching(tmp_path) as watching:
        with watching.emitter._lock:
            for count in range(QUEUE // 2 + 1000):
                touch(tmp_path / f"f{count}")
            for count in range(50):
                (tmp_path / f"old{count}").rename(tmp_path / f"moved{count}")
                (tmp_path / f"old{count}" / "new" / "deep").mkdir(parents=True)
                touch(tmp_path / f"old{count}" / "new" / "deep" / "file")
            (tmp_path / "moved7").rename(tmp_path.parent / f"{tmp_path.name}-outside")
        watching.settled()
        touch(tmp_path.parent / f"{tmp_path.name}-outside" / "secret")

        watching.assert_true()
        assert not [path for path in watching.reported if path.endswith(b"secret")]


def test_blind_is_said_from_the_overflow_to_the_end_of_the_scan(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        watching.apply = False
        overflow(watching, tmp_path / "burst")

        assert watching.blind() == {(Blindness.QUEUE_OVERFLOW, b"")}
        watching.until(lambda: watching.of(RootDirty))
        watching.emitter.confirm_after_scan(lambda _: True)
        assert watching.blind() == set()


@pytest.mark.timeout(180)
def test_twenty_thousand_directories_are_at_peace_after_an_overflow(tmp_path: Path) -> None:
    for top in range(100):
        for sub in range(DIRECTORIES // 100 - 1):
            (tmp_path / f"t{top}" / f"s{sub}").mkdir(parents=True)
    plenty = WatchBudget(limit=lambda: Limit(max(read_limit().watches, 100_000)))
    with Watching(tmp_path, budget=plenty) as watching:
        overflow(watching, tmp_path / "t0")
        watching.settled()
        assert watching.emitter.figures().watches == DIRECTORIES + 1

        time.sleep(2)
        busy = time.process_time()
        time.sleep(4)
        assert time.process_time() - busy < 0.04

        assert watching.emitter.figures().overflows == 1
        assert watching.unseen(tree(watching.path)[1]) == set()
