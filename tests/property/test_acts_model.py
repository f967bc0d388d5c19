"""Whatever is done to files, by whom, and in whatever order: rows and figures equal a model's.

The machine acts as the daemon does, and as people do: files come, change, go and are renamed by
others, are looked at late or by an old listing; acts are begun, go on, are given up or end while
that happens. The model is a dictionary of what lies in the root and a dictionary of what was put
away.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as run

from storewarden.catalogue import acts, copies
from storewarden.catalogue.acts import Act, Identity, Member, Planned
from storewarden.catalogue.engine import Engine
from storewarden.model import Entry
from tests.acting import Deeds, check_stores, held
from tests.recording import (
    NOW,
    SECOND,
    File,
    all_files,
    check_totals,
    clean,
    entry,
    listing,
    prepared,
)

PLACE = b".storewarden/trash/x"
NAMES = (b"a.png", b"b.png", b"\xff")
DEEDS = {
    "write": 2,
    "rewrite": 1,
    "remove": 1,
    "rename": 2,
    "look": 4,
    "list_all": 1,
    "record_listing": 1,
    "restart": 1,
    "plan": 4,
    "take": 4,
    "end": 4,
    "restore": 2,
    "purge": 1,
    "take_out": 1,
}
deed = some.tuples(
    some.sampled_from([what for what, often in DEEDS.items() for _ in range(often)]),
    *[some.integers(0, 5)] * 2,
)
_inodes = itertools.count(100)


@dataclass
class Going:
    """An act that goes on, and the file that it is about."""

    act: Act
    name: bytes
    seen: Entry
    taken: bool = False  # the file was taken from its name


class Acting(RuleBasedStateMachine):
    """Files come and go while acts take them away and bring them back."""

    engine: Engine

    @initialize()
    def begin(self) -> None:
        clean(self.engine)
        self.deeds = Deeds(self.engine)
        self.disk: dict[bytes, Entry] = {}
        self.away: dict[int, tuple[str, int, int]] = {}  # state, inode, size; by the row's number
        self.going: list[Going] = []
        self.old = listing(b"", [])
        self.looked = False  # since that was listed
        self.taken_out = 0  # the row of what somebody takes out of the trash
        for each in NAMES:
            self.disk[each] = entry(each, next(_inodes))
            self.look_at(each)

    # -- what others do ------------------------------------------------------------------------

    @rule(deeds=some.lists(deed, min_size=1, max_size=8))
    def something_happens(self, deeds: list[tuple[str, int, int]]) -> None:
        for what, at, more in deeds:
            getattr(self, what)(at, more)

    def write(self, at: int, more: int) -> None:
        name = NAMES[at % len(NAMES)]
        self.disk[name] = entry(name, next(_inodes), size=more)

    def rewrite(self, at: int, more: int) -> None:
        name = NAMES[at % len(NAMES)]
        if name in self.disk:
            self.disk[name] = entry(name, self.disk[name][1], size=10 + more)

    def remove(self, at: int, _: int) -> None:
        self.disk.pop(NAMES[at % len(NAMES)], None)

    def rename(self, at: int, more: int) -> None:
        one, other = NAMES[at % len(NAMES)], NAMES[more % len(NAMES)]
        if one in self.disk and one != other:
            self.disk[other] = (other, *self.disk.pop(one)[1:])

    # -- what the recorder does ------------------------------------------------------------------

    def look(self, at: int, _: int = 0) -> None:
        self.look_at(NAMES[at % len(NAMES)])

    def look_at(self, name: bytes) -> None:
        self.looked = True
        self.deeds.now_ns += SECOND
        self._show()
        if name in self.disk:
            self.deeds.names(self.disk[name])
        else:
            self.deeds.gone(name)

    def _show(self) -> None:
        """Let the recorder see what lies in the root and in the trash."""
        self.deeds.disk = {("r", b"", one, seen[1]) for one, seen in self.disk.items()}
        self.deeds.disk |= {
            ("r", PLACE, b"0", inode)
            for one, (state, inode, _) in self.away.items()
            if state == "trashed" and one != self.taken_out
        }

    def list_all(self, _: int, __: int) -> None:
        """Begin a scan; what it saw is recorded later."""
        self.old = listing(b"", list(self.disk.values()))
        self.looked = False

    def record_listing(self, _: int, __: int) -> None:
        self.deeds.now_ns += SECOND
        self._show()
        compared = self.deeds.listings(self.old, stale={b""} if self.looked else ())
        for path in compared.restless.get(b"", []):
            self.look_at(path)

    def restart(self, _: int, __: int) -> None:
        self.deeds.reopen()

    # -- what we do ----------------------------------------------------------------------------

    def wanted(self) -> list[tuple[File, Entry]]:
        """Return the rows that tell what lies there, which is what was decided on."""
        return [
            (row, seen)
            for path, row in self.deeds.present("r").items()
            if (seen := self.disk.get(path)) is not None
            and (row.inode, row.size, row.modified_ns) == (seen[1], seen[6], seen[8])
        ]

    def plan(self, at: int, more: int) -> None:
        rows = self.wanted()
        if not rows:
            return
        verb = ("archive", "trash", "move")[more % 3]
        row, seen = rows[at % len(rows)]
        identity = Identity(7, seen[1], seen[6], seen[8], seen[9])
        member = Member(row.name, identity, row.id)
        planned = Planned(verb, self.deeds.ground.roots["r"], (member,), "anna", "", store="cloud")
        (act,) = self.deeds.journal.plan([planned], self.deeds.now_ns)
        if act is not None:
            self.going.append(Going(act, row.name, seen))

    def waiting(self) -> list[Going]:
        return [one for one in self.going if not one.taken]

    def taken(self) -> list[Going]:
        return [one for one in self.going if one.taken]

    def take(self, at: int, _: int) -> None:
        """Take a file from its name: what cannot be done any more is refused."""
        waiting = self.waiting()
        if not waiting:
            return
        going = waiting[at % len(waiting)]
        if self.disk.get(going.name) != going.seen:
            self.deeds.journal.refuse(going.act, "it changed", self.deeds.now_ns)
            self.going.remove(going)
            return
        del self.disk[going.name]
        going.taken = True
        members = tuple(one._replace(held=held(one), lies=b"0") for one in going.act.members)
        going.act = self.deeds.journal.advance(
            going.act, "switched", self.deeds.now_ns, members=members, place=PLACE
        )

    def end(self, at: int, _: int) -> None:
        taken = self.taken()
        if not taken:
            return
        going = taken[at % len(taken)]
        self.going.remove(going)
        end = {
            "archive": self.deeds.acted.archived,
            "move": self.deeds.acted.moved,
            "trash": self.deeds.acted.trashed,
        }[going.act.verb]
        act = end(going.act, self.deeds.now_ns)
        assert act.file_id is not None
        state = "trashed" if act.verb == "trash" else "archived"
        assert act.file_id not in self.away
        self.away[act.file_id] = (state, going.seen[1], going.seen[6])

    def restore(self, at: int, more: int) -> None:
        """Bring a file back to its name, when that is free."""
        back = self._one_away(at)
        seen_first = bool(more % 2)
        if back is None:
            return
        file = self.deeds.row(back)
        if file.name in self.disk:
            return
        self.disk[file.name] = entry(file.name, next(_inodes), size=file.size)
        if seen_first:
            self.look_at(file.name)
        else:  # whoever has another file there has it no more
            self.deeds.gone(file.name)
        if file.name in self.deeds.present("r") and not seen_first:
            del self.disk[file.name]
            return  # an act has the old one in hand: its name is not free yet
        self.deeds.restore(file, self.disk[file.name])
        if self.deeds.row(back).state == "present":
            del self.away[back]
        else:
            assert file.name in self.deeds.present("r")

    def purge(self, at: int, _: int) -> None:
        gone = self._one_away(at)
        if gone is None:
            return
        self.deeds.purge(self.deeds.row(gone), removed=["cloud"])
        self.away[gone] = ("purged", *self.away[gone][1:])

    def take_out(self, at: int, _: int) -> None:
        """By hand, and under any name that is free."""
        trashed = self._trashed()
        if not trashed:
            return
        back = trashed[at % len(trashed)]
        file = self.deeds.row(back)
        free = [each for each in NAMES if each not in self.disk]
        if not free or self._in_hand(free[0]):
            return
        self.disk[free[0]] = entry(free[0], file.inode, size=file.size, changed=NOW)
        self.deeds.gone(free[0])
        self.taken_out = back
        self.look_at(free[0])
        self.taken_out = 0
        assert self.deeds.one(free[0]).id == back
        del self.away[back]

    def _trashed(self) -> list[int]:
        return sorted(one for one, (state, *_) in self.away.items() if state == "trashed")

    def _in_hand(self, name: bytes) -> bool:
        return any(one.name == name for one in self.going)

    def _one_away(self, at: int) -> int | None:
        kept = sorted(one for one, (state, *_) in self.away.items() if state != "purged")
        return kept[at % len(kept)] if kept else None

    # -- what holds ----------------------------------------------------------------------------

    @invariant()
    def what_was_put_away_is_as_it_was_put_away(self) -> None:
        found = {
            one.id: (one.state, one.inode, one.size)
            for one in all_files(self.engine)
            if one.state not in {"present", "missing"}
        }
        assert found == self.away

    @invariant()
    def figures_equal_what_is_counted(self) -> None:
        check_totals(self.engine, self.deeds.counts)
        check_stores(self.engine)

    @invariant()
    def acts_that_go_on_are_known(self) -> None:
        root_id = self.deeds.ground.roots["r"]
        known = {act.id for act in acts.open_acts(self.engine, root_id)}
        assert known == {one.act.id for one in self.going}

    @invariant()
    def what_is_archived_has_its_copy(self) -> None:
        archived = {one for one, (state, *_) in self.away.items() if state == "archived"}
        assert archived <= set(copies.of_files(self.engine, self.away))

    def teardown(self) -> None:
        """Once all has been looked at, what is there is what lies there."""
        if not hasattr(self, "deeds"):
            return
        for going in self.waiting():
            self.deeds.journal.refuse(going.act, "it is late", self.deeds.now_ns)
        self.going = self.taken()
        while self.going:
            self.end(0, 0)
        for each in NAMES:
            self.look_at(each)
        there = {path: (one.inode, one.size) for path, one in self.deeds.present("r").items()}
        assert there == {path: (seen[1], seen[6]) for path, seen in self.disk.items()}
        self.what_was_put_away_is_as_it_was_put_away()
        self.figures_equal_what_is_counted()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    with tempfile.TemporaryDirectory() as state:
        engine = prepared(url, Path(state))
        yield engine
        engine.close()


def test_rows_and_figures_equal_a_model(engine: Engine) -> None:
    machine = type("Acting", (Acting,), {"engine": engine})
    run(
        machine,
        settings=settings(max_examples=40, stateful_step_count=15, deadline=None),
    )
