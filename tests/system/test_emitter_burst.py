"""Bursts: no hint is lost, and a consumer that is slow costs neither memory nor the truth."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.model import DirectoryDirty, Hint, RootDirty
from storewarden.watch.fold import FoldLimits
from tests.watching import Watching

FILES, DIRECTORIES = 50_000, 10
BURST = Path(__file__).parents[1] / "burst.py"
STORM = Path(__file__).parents[1] / "storm.py"


@pytest.fixture(params=["/dev/shm", None], ids=["memory", "disk"])
def top(request: pytest.FixtureRequest) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=request.param, prefix="storewarden-") as name:
        for number in range(DIRECTORIES):
            (Path(name) / f"d{number}").mkdir()
        yield Path(name)


def burst(top: Path, files: int = FILES, directories: int = DIRECTORIES) -> None:
    subprocess.run([sys.executable, BURST, top, str(files), str(directories)], check=True)


def test_every_file_of_a_burst_is_told_as_closed(top: Path) -> None:
    """Whatever the machine has left for us: what is not told by name is told to be listed."""
    with Watching(top) as watching:
        watching.apply = False
        burst(top)
        watching.settled()

        hints = told(watching)
        listed = {one.path for one in watching.changes if isinstance(one, DirectoryDirty)}
        everything = bool(watching.of(RootDirty))
        assert everything == (watching.emitter.figures().overflows > 0)
        assert set(hints.values()) == {Hint.CLOSED} or everything
        untold = {
            name
            for path in top.rglob("file*")
            if (name := bytes(path.relative_to(top))) not in hints
            and name.rpartition(b"/")[0] not in listed
        }
        assert untold == set() or everything


def told(watching: Watching) -> dict[bytes, Hint]:
    hints: dict[bytes, Hint] = {}
    for change in watching.changes:
        for directory, names in getattr(change, "names", {}).items():
            hints |= {directory + b"/" + name: hint for name, hint in names.items()}
    return hints


def test_a_slow_consumer_is_told_to_list_instead(tmp_path: Path) -> None:
    for number in range(DIRECTORIES):
        (tmp_path / f"d{number}").mkdir()
    limits = FoldLimits(in_directory=500, names=20_000)
    go_on = threading.Event()
    with Watching(tmp_path, limits=limits, slow=lambda: go_on.wait(40)) as watching:
        burst(tmp_path, 30_000)
        figures = watching.emitter.figures()
        go_on.set()
        watching.settled(40)

        assert figures.pending < 10_000
        assert watching.of(DirectoryDirty)
        assert figures.overflows == 0
        watching.assert_true()
        assert len(watching.files) == 30_000 + DIRECTORIES + 1


def test_too_many_names_fold_into_directories_and_those_into_a_scan(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"d{number}").mkdir()
    limits = FoldLimits(in_directory=1000, names=2000, directories=50)
    go_on = threading.Event()
    with Watching(tmp_path, limits=limits, slow=lambda: go_on.wait(40)) as watching:
        burst(tmp_path, 20_000, 100)
        go_on.set()
        watching.settled(40)

        assert RootDirty("watched", "too-many-changes") in watching.changes
        watching.assert_true()


@pytest.mark.parametrize("seed", range(5))
def test_any_storm_ends_in_the_truth(tmp_path: Path, seed: int) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    with Watching(root) as watching:
        subprocess.run([sys.executable, STORM, root, outside, "8000", str(seed)], check=True)

        watching.assert_true()
        assert not [path for path in watching.reported if path.startswith(b"o")]
