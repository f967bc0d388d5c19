"""Files go into the trash and out of it for good, journal included, beside `mv` and `rm -r`."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.daemon import House, Unmeasured
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target, median
from storewarden.act.batch import AT_ONCE, carry_out_all
from storewarden.act.carry.verbs import VERBS
from storewarden.act.carry.work import Root, Tools
from storewarden.act.execute import Executor
from storewarden.catalogue import roots
from storewarden.catalogue.acted import Acted
from storewarden.catalogue.acts import Identity, Member, Planned
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from storewarden.clock import SystemClock

_OF_THEM = 4.0
_RUNS = 3
_SIZE = 20_000
_IN_A_DIRECTORY = 1_000
_FILES_OF_ALL = 10  # one file for so many of the large tree: 100,000 in a whole run
_SPACE = 3  # times the size of the files must be free


def run(ground: Ground) -> list[Figure]:
    """Trash and purge files that were recorded, in turns with who only moves and removes."""
    count = max(_IN_A_DIRECTORY, ground.files // _FILES_OF_ALL)
    if free(ground.directory)[0] < _SPACE * count * _SIZE:
        raise Unmeasured(f"{_SPACE * count * _SIZE / 1e9:.0f} GB of free space are needed")
    taken: dict[str, list[float]] = {name: [] for name in ("trash", "purge", "mv", "rm")}
    for number in range(_RUNS):
        ground.say(f"{count:,} files of 20 KB into the trash and out, run {number + 1} of {_RUNS}")
        theirs, ours = _theirs(ground, count), _ours(ground, count, number)
        for name, seconds in zip(taken, (*ours, *theirs), strict=True):
            taken[name].append(seconds)
    what = f"{count:,} files of 20 KB"
    return [
        _figure(f"trash of {what}, from the plan to the journal's last note", taken, "trash", "mv"),
        _figure(f"purge of {what}, likewise", taken, "purge", "rm"),
    ]


def _figure(what: str, taken: dict[str, list[float]], ours: str, theirs: str) -> Figure:
    of = {"mv": "mv into a folder, one process", "rm": "rm -r of the folder"}[theirs]
    measured, against = median(taken[ours]), median(taken[theirs])
    target = Target(f"≤ {_OF_THEM:.0f} ×", measured <= _OF_THEM * against)
    return Figure(what, Measured(measured, "s"), Measured(against, "s", of), target)


def _make(top: Path, count: int) -> None:
    """Write files, a thousand in each directory, and wait until they are on the disk."""
    top.mkdir()
    content = os.urandom(_SIZE)
    for number in range(count):
        directory = top / f"{number // _IN_A_DIRECTORY:03}"
        if number % _IN_A_DIRECTORY == 0:
            directory.mkdir()
        (directory / f"{number:06}.png").write_bytes(content)
    os.sync()


# -- who only moves and removes -------------------------------------------------------------------


def _theirs(ground: Ground, count: int) -> tuple[float, float]:
    place = ground.place("moved")
    source, folder = place / "source", place / "folder"
    _make(source, count)
    folder.mkdir()
    moved = _timed(["mv", "-t", str(folder), "--", *_files(source)], source)
    ground.settle()
    removed = _timed(["rm", "-r", str(folder)], source)
    ground.settle()
    return moved, removed


def _files(source: Path) -> list[str]:
    return sorted(str(path.relative_to(source)) for path in source.glob("*/*"))


def _timed(words: Sequence[str], where: Path) -> float:
    began = time.monotonic()
    subprocess.run(words, cwd=where, check=True, preexec_fn=_many_words)
    return time.monotonic() - began


def _many_words() -> None:
    """Let one process be given more words than usual: a quarter of its stack is for them."""
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))


# -- Storewarden ----------------------------------------------------------------------------------


class OneRoot:
    """Lends a root that is open all the time, as the daemon does while it carries out acts."""

    def __init__(self, root: Root) -> None:
        self._root = root

    @contextmanager
    def opened(self, name: str) -> Iterator[Root]:  # noqa: ARG002  # there is only one
        yield self._root


def _ours(ground: Ground, count: int, number: int) -> tuple[float, float]:
    place = ground.place("trashed")
    _make(place / "root", count)
    house = ground.house(f"trash-{number}", place / "root")
    house.scan(count)
    engine = open_catalogue("sqlite", house.state, role="bench")
    try:
        return _carried_out(ground, house, engine, count)
    finally:
        engine.close()


def _carried_out(ground: Ground, house: House, engine: Engine, count: int) -> tuple[float, float]:
    descriptor = os.open(house.root, os.O_RDONLY | os.O_DIRECTORY)
    ((root_id,),) = engine.execute("SELECT id FROM roots")
    journal = Journal(engine)
    tools = Tools(
        journal=journal,
        acted=Acted(journal, Counts(engine, {"bench": root_id})),
        roots=OneRoot(Root("bench", roots.this_machine().name, "", descriptor)),
        stores={},
        clock=SystemClock(),
    )
    executor = Executor(tools, VERBS)
    try:
        taken = []
        for verb in ("trash", "purge"):
            ground.settle()
            taken.append(_acted(executor, verb, root_id))
        left = list(house.root.glob("[!.]*/*"))
    finally:
        os.close(descriptor)
    if left or engine.execute("SELECT count(*) FROM files WHERE state = 'purged'") != [(count,)]:
        raise Unmeasured(f"not all of {count} files were purged")
    return taken[0], taken[1]


def _acted(executor: Executor, verb: str, root_id: int) -> float:
    """Plan acts on all files and carry them out, some at once, as the daemon does."""
    journal, clock = executor.tools.journal, executor.tools.clock
    wanted = planned(journal.engine, verb, root_id)
    began = time.monotonic()
    for start in range(0, len(wanted), AT_ONCE):
        some = journal.plan(wanted[start : start + AT_ONCE], clock.wall_ns())
        for outcome in carry_out_all(executor, [act for act in some if act is not None]):
            if outcome.act.state != "done":
                raise Unmeasured(f"{verb}: {outcome.act.error}")
    return time.monotonic() - began


def planned(engine: Engine, verb: str, root_id: int, store: str | None = None) -> list[Planned]:
    """Return an act for each recorded file."""
    rows = engine.execute(
        "SELECT d.path, f.name, d.device, f.inode, f.size, f.modified_ns, f.changed_ns, f.id"
        " FROM files f JOIN directories d ON d.id = f.directory_id ORDER BY f.id"
    )
    return [
        Planned(
            *(verb, root_id),
            (Member(b"%b/%b" % (path, name), Identity(*identity), file_id),),
            *("bench", "because it is measured"),
            store=store,
        )
        for path, name, *identity, file_id in rows
    ]
