"""Whatever is recorded in whatever transactions, whoever reads it in whatever steps hears all."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import cursor, feed, rounds
from storewarden.catalogue.events.cursor import Cursor
from tests.catalogues import COLUMNS, NOW, file_row, sqlite_place

HISTORY = ("file_id", "at_ns", "event", "detail")
DEEDS = ["see", "see", "change", "change", "describe", "delete", "fail"]

deeds = some.tuples(some.sampled_from(DEEDS), some.integers(0, 99))
lives = some.lists(some.lists(deeds, min_size=1, max_size=4), min_size=1, max_size=12)


class Failed(Exception):
    """Ends a transaction."""


@dataclass
class Life:
    """A catalogue, what is expected of the files that are there, and what was heard."""

    engine: Engine
    steps: Iterator[int]
    expected: dict[int, list[str]] = field(default_factory=dict)  # by the number of the file
    heard: list[tuple[int, str]] = field(default_factory=list)
    at: Cursor = field(default_factory=Cursor)
    made: int = 0

    def __post_init__(self) -> None:
        times = itertools.count(NOW, 1000)
        self.journal = rounds.follow(self.engine, 1, lambda: next(times))

    def transaction(self, each: list[tuple[str, int]]) -> None:
        """Do all of it, or nothing."""
        before = {file_id: list(events) for file_id, events in self.expected.items()}
        try:
            with self.engine.transaction():
                for what, which in each:
                    self._do(what, which)
        except Failed:
            self.expected = before

    def _do(self, what: str, which: int) -> None:
        if what == "fail":
            raise Failed
        if what == "see":
            self.made += 1
            name = f"n{self.made}".encode()
            self.engine.insert("files", COLUMNS, [file_row(name)])
            ((file_id,),) = self.engine.execute("SELECT id FROM files WHERE name = ?", (name,))
            self.expected[file_id] = ["created"]  # it may be the number of one that went
        elif self.expected:
            self._change(what, sorted(self.expected)[which % len(self.expected)])

    def _change(self, what: str, file_id: int) -> None:
        if what == "change":
            self.engine.insert("history", HISTORY, [(file_id, NOW, "changed", "{}")])
            self.expected[file_id].append("changed")
        elif what == "describe":
            self.journal.describe([file_id])
        elif what == "delete":
            self.engine.execute("DELETE FROM files WHERE id = ?", (file_id,))
            rounds.recede(self.engine)
            del self.expected[file_id]

    def read(self) -> bool:
        """Read a step, the cursor through its text; true while there is more."""
        told = feed.read(self.engine, self.at, next(self.steps))
        self.heard += [(one.file_id or 0, one.event) for one in told.happenings]
        self.at = cursor.read(str(told.cursor))
        return bool(told.happenings) or told.more


@given(lives, some.lists(some.integers(1, 5), min_size=1, max_size=8), some.booleans())
@settings(max_examples=40, deadline=None)
def test_nothing_is_passed_by_and_all_comes_in_its_order(
    each: list[list[tuple[str, int]]],
    steps: list[int],
    along: bool,  # noqa: FBT001  # whether it is read while it is written
) -> None:
    with tempfile.TemporaryDirectory() as state, sqlite_place(Path(state)) as place:
        life = Life(place.furnished(), itertools.cycle(steps))
        for transaction in each:
            life.transaction(transaction)
            if along:
                life.read()
        while life.read():
            pass
        assert "missed" not in {event for _, event in life.heard}
        for file_id, events in life.expected.items():
            told = [event for one, event in life.heard if one == file_id and event != "described"]
            rest = iter(told)
            assert all(any(event == one for one in rest) for event in events), (events, told)
