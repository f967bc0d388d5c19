"""A first scan: every file of a tree gets its row, with every index, against those who do less."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.daemon import House
from bench.ground import Ground
from bench.report import Figure, Measured, Target, median
from bench.tree import Tree

_RUNS = 3
_OF_FIND, _OF_GUFI = 4.0, 1.2
_ONE_PROCESS = Path(__file__).parent / "rivals" / "one_process.py"
# What the catalogue records of a file.
_COLUMNS = r"%h\t%f\t%i\t%m\t%n\t%U\t%G\t%s\t%b\t%A@\t%T@\t%C@\n"
_GUFI = "gufi_dir2index"


def run(ground: Ground) -> list[Figure]:
    """Scan into an empty catalogue, in turns with the others."""
    tree = ground.tree
    house = ground.house("first-scan", tree.path)
    ways: dict[str, Callable[[], float]] = {
        "find": lambda: find(tree),
        "storewarden": lambda: _storewarden(ground, house, tree),
        "one process": lambda: _one_process(ground, tree),
    }
    if shutil.which(_GUFI):
        ways["gufi"] = lambda: _gufi(ground, tree)
    find(tree)  # once for nothing: the cache is warm from here on
    taken = in_turns(ground, f"first scan of {tree.files:,} files", ways)
    ground.remove(house.state)
    ours = Measured(taken["storewarden"], "s")
    return [
        Figure(
            f"first scan of {tree.files:,} files",
            ours,
            Measured(taken["find"], "s", "find -printf"),
            Target(f"≤ {_OF_FIND:.0f} ×", ours.value <= _OF_FIND * taken["find"]),
        ),
        Figure("first scan", ours, Measured(taken["one process"], "s", "one process with apsw")),
        _against_gufi(ours, taken.get("gufi")),
    ]


def _against_gufi(ours: Measured, seconds: float | None) -> Figure:
    if seconds is None:
        return Figure("first scan", ours, f"{_GUFI}: not installed")
    met = ours.value <= _OF_GUFI * seconds
    return Figure(
        "first scan",
        ours,
        Measured(seconds, "s", f"{_GUFI} -n 2"),
        Target(f"≤ {_OF_GUFI} ×", met),
    )


def in_turns(ground: Ground, what: str, ways: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Go each way several times, A B A B, and return each one's median seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(_RUNS):
        ground.say(f"{what}, run {number + 1} of {_RUNS}")
        for name, way in ways.items():
            ground.settle()
            seconds[name].append(way())
    return {name: median(values) for name, values in seconds.items()}


def timed(words: Sequence[str]) -> float:
    """Run a command and return its seconds."""
    began = time.monotonic()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def find(tree: Tree) -> float:
    """Let find print the columns that we record."""
    return timed(["find", str(tree.path), "-type", "f", "-printf", _COLUMNS])


def _storewarden(ground: Ground, house: House, tree: Tree) -> float:
    ground.remove(house.state)
    ground.settle()
    return house.scan(tree.files)


def _one_process(ground: Ground, tree: Tree) -> float:
    database = ground.place("one-process") / "files.db"
    seconds = timed([sys.executable, str(_ONE_PROCESS), str(tree.path), str(database)])
    ground.remove(database.parent)
    return seconds


def _gufi(ground: Ground, tree: Tree) -> float:
    index = ground.place("gufi") / "index"
    return timed([_GUFI, "-n", "2", str(tree.path), str(index)])
