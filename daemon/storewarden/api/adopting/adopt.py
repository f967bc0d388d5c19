"""A database of an application is taken over, from its first table to the report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storewarden.api.adopting.fitting import Plan, fit, shapes
from storewarden.api.adopting.kinds import Map
from storewarden.api.adopting.matching import Hints, Places
from storewarden.api.adopting.report import Report
from storewarden.api.adopting.rows import Turner, source_of
from storewarden.api.adopting.shipped import by_name, fitting
from storewarden.api.adopting.taking import Taker
from storewarden.api.adopting.values import Maker, zone
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.roots import RootRow
from storewarden.catalogue.told.away import away
from storewarden.clock import Clock
from storewarden.databases.child import run_job
from storewarden.errors import FileUnusable, UsageError
from storewarden.measure.shown import shown

_SECONDS: Final = 3600.0
_MOST_LINE: Final = 256 << 20  # bytes; longer ones are cut, and then make no sense
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

Progress = Callable[[str, int, int | None], None]
"""Hears what is being done, how many rows are, and of how many."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be taken over, and how."""

    database: bytes  # absolute
    map: str | None = None
    hints: Hints = field(default_factory=Hints)
    source: str | None = None  # what the database is called, where it lay elsewhere before
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What an adoption stands on."""

    engine: Engine
    host_id: int
    host: str
    roots: tuple[RootRow, ...]
    scratch: Path  # a directory of ours
    clock: Clock


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of it."""

    map: str
    source: str
    report: Report


def adopt(
    wish: Wish,
    ground: Ground,
    report: Report,
    progress: Progress = lambda _what, _done, _total: None,
) -> Adopted:
    """Take over what a database holds, or only tell what that would come to.

    Raises:
        UsageError: there is no such database, or no map for it.
        MapError: the map, or how it fits the tables.
        StorewardenError: the database cannot be read, or the catalogue cannot be written.
    """
    with ExitStack() as stack:
        database = stack.enter_context(_opened(wish.database, ground.scratch))
        plan, map_ = database.plan(wish.map)
        report.expect(plan)
        total = sum(database.spool(plan, lambda rows: progress("reading", rows, None)))
        places = stack.enter_context(
            Places(
                {root.name: root.path for root in ground.roots},
                _hints(wish),
                lambda root, path: _kept(ground, root, path),
            )
        )
        source = source_of(wish.database, wish.source, ground.host)
        turner = Turner(plan, Maker(zone(map_.zone)), places, source)
        engine = None if wish.dry_run else ground.engine
        taker = Taker(engine, ground.host_id, report, ground.clock.wall_ns)
        lines = stack.enter_context(database.lines())
        taker.take(turner, lines, lambda rows: progress("adopting", rows, total))
        return Adopted(map_.name, source, report)


def _hints(wish: Wish) -> Hints:
    """Return where paths may begin: where a person says, else where the database lies or above."""
    if wish.hints.bases:
        return wish.hints
    beside = os.path.dirname(wish.database)
    return Hints((beside, os.path.dirname(beside)), wish.hints.moved)


def _kept(ground: Ground, root: str, path: bytes) -> str | None:
    """Return how a file is kept that was put away and can come back."""
    (root_id,) = [one.id for one in ground.roots if one.name == root]
    state = away(ground.engine, root_id, path)
    return None if state is None else f"is {state}"


@dataclass(frozen=True, slots=True)
class _Database:
    """A database that other processes read for us, by the directory in which it lies."""

    parent: int
    name: bytes
    scratch: int
    out: int

    def plan(self, word: str | None) -> tuple[Plan, Map]:
        """Return what is to be read of it, by which map."""
        map_ = None if word is None else by_name(word)  # wrong maps are told first
        asked = {"file": self.name}
        told = run_job("shape", asked, descriptors=[self.parent], scratch=self.scratch)
        tables = shapes(told["tables"])
        map_ = map_ or fitting(tables)
        return fit(map_, tables), map_

    def spool(self, plan: Plan, passed: Callable[[int], None]) -> list[int]:
        """Read all rows into a file of ours; return how many of each table."""
        told = run_job(
            "spool",
            {
                "file": self.name,
                "tables": [reading.asked() for reading in plan.readings],
                "seconds": _SECONDS,
            },
            descriptors=[self.parent, self.out],
            scratch=self.scratch,
            progress=lambda word: passed(int(word.get("rows", 0))),
            seconds=_SECONDS,
        )
        return [int(rows) for rows in told["rows"]]

    @contextmanager
    def lines(self) -> Iterator[Iterator[bytes]]:
        """Lend what was read, line by line."""
        os.lseek(self.out, 0, os.SEEK_SET)
        with open(self.out, "rb", closefd=False, buffering=1 << 20) as file:
            yield iter(lambda: file.readline(_MOST_LINE), b"")


@contextmanager
def _opened(path: bytes, scratch: Path) -> Iterator[_Database]:
    """Lend a database by its directory, with a file and a directory of ours for what is read.

    Nothing of this process opens the database itself.
    """
    with ExitStack() as stack:
        above, name = os.path.split(path)
        try:
            parent = os.open(above, _DIRECTORY)
            stack.callback(os.close, parent)
            os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            raise UsageError(
                "no such database", where=shown(path), why=error.strerror or ""
            ) from error
        try:
            scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            ours = stack.enter_context(tempfile.TemporaryDirectory(dir=scratch))
            out = stack.enter_context(tempfile.TemporaryFile(dir=scratch, buffering=0))
            lent = os.open(ours, _DIRECTORY)
            stack.callback(os.close, lent)
        except OSError as error:
            raise FileUnusable(
                "a database cannot be read", where=shown(scratch), why=error.strerror or ""
            ) from error
        yield _Database(parent, name, lent, out.fileno())
