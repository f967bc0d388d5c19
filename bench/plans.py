"""Asking before anything acts: `plan` beside `find` and organize, `why` over a million files."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.daemon import Daemon, House, Unmeasured, program
from bench.gallery import Gallery
from bench.ground import Ground
from bench.report import Figure, Measured, Target, median
from bench.tree import Tree, build
from storewarden.catalogue.connect import open_catalogue

# Another program that carries out rules, as its users start it; it is not needed to run this.
ORGANIZE = "STOREWARDEN_BENCH_ORGANIZE"
# What organize 3.3 took to simulate one rule over 200,000 files on two cores with ext4.
ORGANIZE_SECONDS, ORGANIZE_FILES = 358.0, 200_000
_FEW = 5_000  # files that organize is given here: its time grows with them
_SHARE = 500  # times as fast as organize
_MILLISECONDS = 150.0
_RUNS = 9
_TRIES = 3
_LOGS = """
version: 1
policies:
  - id: logs
    match: {name: "log-*"}
    clock: modified
    phases: [{after: 30d, do: trash}]
"""
_RULE = """
rules:
  - locations: [{path: "%s"}]
    subfolders: true
    filters:
      - name: {startswith: log-}
      - lastmodified: {days: 30, mode: older}
    actions: [trash]
"""


def run(ground: Ground) -> list[Figure]:
    """Ask for a plan of a tree, and for the reasons of one file of many."""
    return [*_plans(ground), *_whys(ground)]


# -- plan ---------------------------------------------------------------------------------------


def _plans(ground: Ground) -> Iterator[Figure]:
    files = min(ORGANIZE_FILES, ground.files)
    ground.say(f"making {files:,} files")
    tree = build(ground.place("planned"), files)
    house = ground.house("planning", tree.path)
    policies = ground.directory / "logs.yaml"
    policies.write_text(_LOGS)
    house = replace(house, policies=(str(policies),))
    house.write()
    house.scan(tree.files)
    ground.say("asking for a plan of what nobody decided yet")
    undecided = list(_beside_find(house, tree, "after a scan alone", asked=False))
    _decide(ground, house)
    figures = list(_beside_find(house, tree))
    found = figures[0].measured.value
    yield from figures
    yield from undecided
    if ground.files > files:  # where starting the program no longer weighs
        large = replace(ground.recorded, policies=house.policies)
        _decide(ground, large)
        yield from _beside_find(large, ground.tree)
    rival = _organize(ground, tree)
    times = Target(f"≤ 1/{_SHARE}", found <= rival.value / _SHARE)
    yield Figure(
        f"the same beside organize, {tree.files:,} files", Measured(found, "s"), rival, times
    )
    house.write()
    ahead = _timed([*program(), "plan", "--at", "+90d"], house, runs=3)
    yield Figure("plan --at +90d, with every step until then", Measured(ahead, "s"))


def _decide(ground: Ground, house: House) -> None:
    """Have a daemon put the policies in force and decide all files by them, and end it."""
    ground.say("deciding all files")
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        daemon.wait_decided()
    house.write()


def _beside_find(
    house: House, tree: Tree, how: str = "", *, asked: bool = True
) -> Iterator[Figure]:
    """Ask for the plan of a tree, and have find look for the same files, in turns."""
    plan, find = [*program(), "plan"], _find(tree.path)
    count = _same_files(house, tree, plan, find)
    ours, theirs = zip(
        *((_once(plan, house), _once(find, house)) for _ in range(_RUNS)), strict=True
    )
    what = f"plan: one rule over {tree.files:,} files, {count:,} of them due"
    for name, unit in (("", "seconds"), (", processor time", "processor")):
        found, by_find = (
            median([float(getattr(each, unit)) for each in some]) for some in (ours, theirs)
        )
        yield Figure(
            ", ".join(filter(None, (what, how))) + name,
            Measured(found, "s"),
            Measured(by_find, "s", "find with the same tests"),
            Target("≤ 1 × find", found <= by_find) if asked and not name else None,
        )


def _same_files(house: House, tree: Tree, plan: Sequence[str], find: Sequence[str]) -> int:
    """Return how many files both tell, which have to be the same; time goes on between them."""
    top = len(bytes(tree.path)) + 1
    for _ in range(_TRIES):
        ours = {line.split(b"\t")[1] for line in _said(plan, house).splitlines()}
        theirs = {line[top:] for line in _said(find, house).splitlines()}
        if ours == theirs:
            return len(ours)
    raise Unmeasured("a plan is not of the files that find finds")


def _find(top: Path) -> list[str]:
    return ["find", str(top), "-type", "f", "-name", "log-*", "-mmin", "+43200"]


class _Taken(NamedTuple):
    """What one run of a command took."""

    seconds: float
    processor: float


def _once(words: Sequence[str], house: House) -> _Taken:
    """Run a command once, into a pipe."""
    before, began = _of_children(), time.perf_counter()
    _said(words, house)
    return _Taken(time.perf_counter() - began, _of_children() - before)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _said(words: Sequence[str], house: House) -> bytes:
    done = subprocess.run(words, env=house.environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise Unmeasured(f"{' '.join(words)}: {done.stderr.decode()[-500:]}")
    return done.stdout


def _timed(words: Sequence[str], house: House, runs: int = _RUNS) -> float:
    """Return how long a command takes in the middle of some runs."""
    return median([_once(words, house).seconds for _ in range(runs)])


def _organize(ground: Ground, tree: Tree) -> Measured:
    """Return what organize takes: measured with fewer files where it is there, else as known."""
    organize = os.environ.get(ORGANIZE) or shutil.which("organize")
    share = tree.files / ORGANIZE_FILES
    if organize is None:
        return Measured(ORGANIZE_SECONDS * share, "s", "organize 3.3, as once measured")
    few = build(ground.place("organized"), _FEW)
    rules = ground.directory / "organize.yaml"
    rules.write_text(_RULE % few.path)
    ground.say(f"organize simulates {few.files:,} files")
    began = time.perf_counter()
    words = [organize, "sim", str(rules)]
    done = subprocess.run(words, capture_output=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise Unmeasured(f"organize: {done.stderr.decode()[-300:]}")
    whole = seconds * tree.files / few.files
    return Measured(whole, "s", f"organize, {seconds:.1f} s for {few.files:,}, times as many")


# -- why ----------------------------------------------------------------------------------------


def _whys(ground: Ground) -> Iterator[Figure]:
    house = replace(
        ground.house("asked", ground.place("root")),
        policies=(str(Path(__file__).parent / "policies.yaml"),),
    )
    house.write()
    house.state.mkdir(mode=0o700, exist_ok=True)
    ground.say(f"making a catalogue of {ground.files:,} files")
    engine = open_catalogue("sqlite", house.state, role="bench")
    Gallery(ground.files).fill(engine, words=False)
    engine.close()
    number = ground.files // 2
    path = f"/srv/uploads/2025/{number // 1000:04}/ComfyUI_{number:08}_.png"
    for shown, policies in (("30 policies", house.policies), ("one policy", (_one(ground),))):
        asked = replace(house, policies=policies)
        asked.write()
        seconds = _timed([*program(), "why", path], asked)
        target = Target(f"≤ {_MILLISECONDS:g} ms", 1000 * seconds <= _MILLISECONDS)
        yield Figure(
            f"why: one of {ground.files:,} files, {shown}",
            Measured(1000 * seconds, "ms"),
            target=target,
        )


def _one(ground: Ground) -> str:
    file = ground.directory / "one.yaml"
    file.write_text(_LOGS)
    return str(file)
