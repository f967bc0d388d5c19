"""Whoever records and decides is killed at any moment: the next one makes the schedule right."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.catalogue import keep_file
from tests.catalogues import Place
from tests.deciding import Desk
from tests.recording import entry

TOP = Path(__file__).parents[2]
KILLS = 8

WORKS = """
import sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
from tests.deciding import Anything, Desk
desk = Desk(open_catalogue(sys.argv[1], Path(sys.argv[2]), role="test"))
happen = Anything(desk, int(sys.argv[3]), same_day=True)
happen.inode = 10_000 * (1 + int(sys.argv[3]))
print("ready", flush=True)
while True:
    happen()
    happen.part()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


def test_the_schedule_becomes_right_after_a_kill_at_any_moment(place: Place) -> None:
    dice = random.Random(4711)
    desk = Desk(place.made())
    for path in (b"old", b"old/x", b"new"):
        desk.names(*(entry(b"%d" % number, number) for number in range(1, 40)), path=path)
    for turn in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKS, place.url, str(place.state), str(turn)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=TOP,
        )
        with process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0.02, 0.4))
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        next_one = Desk(desk.engine)  # the same policies: only what was noted is decided
        next_one.check()
        if place.url == "sqlite":
            assert keep_file.damage(place.file) == ""
