"""Whoever stores facts is killed at any moment: a file has all that was found in it, or waits."""

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
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.words import Words
from storewarden.model import Provenance, Transcript
from tests.catalogues import Place
from tests.inspecting import Shelf
from tests.recording import check_totals, entry

TOP = Path(__file__).parents[2]
FILES = 600  # half of them pictures, each with a sidecar that says how it was made
KILLS = 6

STORES = """
import sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
from tests.crash.test_inspections_kill import shelf_of
shelf = shelf_of(open_catalogue(sys.argv[1], Path(sys.argv[2]), role="test"))
print("ready", flush=True)
shelf.inspect(at_once=7)
print("done", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


def shelf_of(engine: Engine) -> Shelf:
    """Return the files of this test, whose words are really indexed."""
    shelf = Shelf(engine, ("r",))
    shelf.words = Words(engine)  # type: ignore[assignment]  # any that indexes
    shelf.reopen()
    for inode in range(1, FILES + 1):
        if inode % 2:
            shelf.say(inode, kind="video", transcript=Transcript("summary", "It dawns."))
        else:
            shelf.say(inode, provenance=Provenance("comfyui", prompt="a lighthouse"), workflow="w")
    return shelf


def test_each_file_has_all_that_was_found_in_it_or_waits(place: Place) -> None:
    dice = random.Random(4711)
    shelf = shelf_of(place.made())
    numbers = range(1, FILES // 2 + 1)
    shelf.names(*(entry(b"%d.png" % each, 2 * each - 1) for each in numbers))
    shelf.names(*(entry(b"%d.json" % each, 2 * each) for each in numbers))
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", STORES, place.url, str(place.state)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=TOP,
        )
        with process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0, 0.1))
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        shelf.reopen()
        nothing_is_half_done(shelf)

    shelf.inspect()
    nothing_is_half_done(shelf)
    asked = "SELECT count(*) FROM prompts WHERE from_id IS NOT NULL"
    assert shelf.engine.execute(asked) == [(FILES // 2,)]
    assert shelf.engine.execute("SELECT count(*) FROM sidecars") == [(FILES // 2,)]


def nothing_is_half_done(shelf: Shelf) -> None:
    check_totals(shelf.engine, shelf.counts)
    inspected = ids(shelf, "SELECT id FROM files WHERE inspected_ns IS NOT NULL")
    known = ids(shelf, "SELECT file_id FROM facts")
    videos = ids(shelf, "SELECT id FROM files WHERE kind = 'video'")
    indexed = {
        "sqlite": "SELECT id FROM words_docsize",
        "postgresql": "SELECT file_id FROM words",
    }
    assert inspected <= known  # an owner may wait again for what its sidecar told since
    assert known <= ids(shelf, indexed[shelf.engine.dialect])
    assert ids(shelf, "SELECT file_id FROM transcripts") == videos
    assert ids(shelf, "SELECT file_id FROM prompts") <= known
    if shelf.engine.dialect == "sqlite":
        assert keep_file.damage(Path(shelf.engine.where)) == ""


def ids(shelf: Shelf, sql: str) -> set[int]:
    return {id_ for (id_,) in shelf.engine.execute(sql)}
