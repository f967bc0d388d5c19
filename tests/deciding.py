"""Deciding without a daemon: files over a catalogue, and a verdict that is written by hand.

A `Desk` is a `Shelf` whose files are decided. What the schedule should be is worked out from the
rows, one file at a time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storewarden.catalogue import due, policy_sets
from storewarden.catalogue.digests import Digested
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.schedule import COLUMNS
from storewarden.catalogue.usage import Usage
from storewarden.clock import ManualClock
from storewarden.model import UsageCount
from storewarden.pipeline.deciding import Deciding, InForce
from tests.inspecting import Shelf
from tests.recording import NOW, SECOND, entry, listing

DAY = 86_400 * SECOND
REFUSED = 666  # a file of this size gets an action that there is not
Decided = dict[int, tuple[Any, ...]]


@dataclass
class ByHand:
    """A verdict that asks for something of each source, with one policy for everything.

    Large files are placed, those below ``old`` have phases, what was inspected is cared for, what
    was used is held; after a day each gets an action.
    """

    policy: int
    now_ns: int

    @property
    def params(self) -> Sequence[Any]:
        return (b"old", b"old/", b"old0", self.now_ns)

    def query(self, where: str) -> str:
        def when(condition: str) -> str:
            return f"CASE WHEN {condition} THEN {self.policy} ELSE 0 END"

        young = f"f.first_seen_ns + {DAY}"
        return (
            "SELECT t.*, CASE WHEN t.phases <> 0 THEN t.phases END AS policy_id,"
            " CASE WHEN t.phases <> 0 THEN t.act END AS action,"
            " CASE WHEN t.phases <> 0 THEN t.since END AS due_ns,"
            " CASE WHEN t.phases <> 0 THEN 'cold' END AS store"
            f" FROM (SELECT f.id AS file_id, {when('u.opens > 0')} AS hold,"
            f" {when('f.size >= 100')} AS place,"
            f" {when('d.path = ? OR (d.path >= ? AND d.path < ?)')} AS phases,"
            f" {when('f.inspected_ns IS NOT NULL')} AS care,"
            f" CASE WHEN f.size = {REFUSED} THEN 77 ELSE 3 END AS act, {young} AS since,"
            " CASE WHEN x.file_id IS NOT NULL THEN 5 WHEN f.growing = 1 THEN 6 ELSE 0 END"
            f" AS blocked, CASE WHEN {young} > CAST(? AS BIGINT) THEN {young} END AS again_ns"
            " FROM files f JOIN directories d ON d.id = f.directory_id"
            " JOIN roots r ON r.id = d.root_id LEFT JOIN usage u ON u.file_id = f.id"
            f" LEFT JOIN sidecars x ON x.file_id = f.id WHERE {where}) t"
        )


class Desk(Shelf):
    """A shelf whose files are decided."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.clock = ManualClock(NOW)
        self.host = self.ground.host_id
        self.deciding = Deciding(engine, self.host, self.clock)
        self.usage = Usage(engine, self.counts, self.directories)
        self.asked: list[int] = []  # when verdicts were asked for
        self.use("first")

    def use(self, fingerprint: str, policy: str = "p") -> None:
        """Put a set of policies in force."""
        stored = policy_sets.put_in_force(
            self.engine, self.host, fingerprint, [], {policy: fingerprint}, self.clock.wall_ns()
        )
        self.policy = policy_sets.policies(self.engine, self.host)[policy].id
        self.deciding.put(InForce(stored.id, self.render))

    def render(self, now_ns: int) -> ByHand:
        self.asked.append(now_ns)
        return ByHand(self.policy, now_ns)

    def settle(self) -> int:
        """Decide until nothing waits; return how many transactions it took."""
        self.clock.advance(1.0)
        self.now_ns = self.clock.wall_ns()
        for step in range(10_000):
            if self.deciding.step() > 0.0:
                return step
        raise AssertionError("deciding has no end")

    def use_file(self, path: bytes, name: bytes) -> None:
        with self.recorder.batch():
            self.usage.store("r", [UsageCount(path, name, 1, 0, self.now_ns)])

    def schedule(self) -> Decided:
        rows = self.engine.execute(f"SELECT file_id, {', '.join(COLUMNS)} FROM schedule")
        return {file_id: tuple(rest) for file_id, *rest in rows}

    def expected(self) -> Decided:
        """Return what the schedule should be, worked out from the rows one by one."""
        now_ns = self.deciding._moment[1]
        found: Decided = {}
        for id_, path, size, seen_ns, inspected, growing, opens, linked in self.engine.execute(
            "SELECT f.id, d.path, f.size, f.first_seen_ns, f.inspected_ns, f.growing, u.opens,"
            " x.file_id FROM files f JOIN directories d ON d.id = f.directory_id"
            " LEFT JOIN usage u ON u.file_id = f.id LEFT JOIN sidecars x ON x.file_id = f.id"
            " WHERE f.state = 'present'"
        ):
            old = bytes(path) == b"old" or bytes(path).startswith(b"old/")
            kinds = (bool(opens), size >= 100, old, inspected is not None)
            again = seen_ns + DAY if seen_ns + DAY > now_ns else None
            if any(kinds) or again:
                found[id_] = (
                    *(self.policy if kind else 0 for kind in kinds),
                    *((self.policy, 3, seen_ns + DAY, "cold") if old else (None,) * 4),
                    5 if linked else 6 if growing else 0,
                    again,
                )
        return found

    def check(self) -> None:
        self.settle()
        have, want = self.schedule(), self.expected()
        wrong = {id_ for id_ in have.keys() | want.keys() if have.get(id_) != want.get(id_)}
        assert not wrong, [(id_, have.get(id_), want.get(id_)) for id_ in wrong]
        assert due.undecided(self.engine, self.host) == 0


class Anything:
    """Whatever can happen to files, at random."""

    def __init__(self, desk: Desk, seed: int, *, same_day: bool = False) -> None:
        """``same_day``: neither do days pass, nor do other policies come."""
        self.desk = desk
        self.same_day = same_day
        self.pick = random.Random(seed)
        self.inode = 1

    def __call__(self) -> None:
        self.at = self.pick.choice([b"", b"old", b"old/x", b"new", b"new/x"])
        acts = [self.land] * 3 + [self.move_file, self.rename, self.leave, self.scan, self.use]
        acts += [self.digest, self.part, self.part, self.look]
        if not self.same_day:
            acts += [self.time_passes, self.change_set]
        self.pick.choice(acts)()

    def land(self) -> None:
        self.inode += 1
        name = self.pick.choice([b"a", b"b", b"c.mp4", b"c.srt"])
        self.desk.names(entry(name, self.inode, size=self.pick.choice([5, 100])), path=self.at)

    def move_file(self) -> None:
        if files := list(self.desk.present("r").values()):
            one, name = self.pick.choice(files), b"%d.png" % self.pick.randrange(4)
            changed = self.desk.now_ns
            self.desk.names(entry(name, one.inode, size=one.size, changed=changed), path=self.at)

    def rename(self) -> None:
        ways = [(b"old/x", b"away"), (b"away", b"old/x"), (b"new", b"old/new")]
        with self.desk.recorder.batch():
            self.desk.departures.moved("r", *self.pick.choice(ways), self.desk.now_ns)

    def leave(self) -> None:
        self.desk.gone(self.pick.choice([b"a", b"b", b"c.mp4", b"0.png"]), path=self.at)

    def scan(self) -> None:
        self.desk.listings(listing(self.at, [entry(b"a", 900 + len(self.at), size=100)]))

    def use(self) -> None:
        self.desk.use_file(self.at, self.pick.choice([b"a", b"b", b"c.mp4"]))

    def digest(self) -> None:
        same = [
            Digested(one.id, one.inode, one.size, one.modified_ns, b"%032d" % one.size)
            for one in self.desk.present("r").values()
        ]
        with self.desk.recorder.batch():
            self.desk.digests.store(same, self.desk.now_ns)

    def time_passes(self) -> None:
        self.desk.clock.advance(self.pick.choice([3600.0, 86_400.0]))
        self.desk.now_ns = self.desk.clock.wall_ns()

    def part(self) -> None:
        self.desk.clock.advance(1.0)
        self.desk.deciding._limit = self.pick.randint(1, 3)
        self.desk.deciding.step()

    def look(self) -> None:
        self.desk.inspect()

    def change_set(self) -> None:
        self.desk.use(str(self.pick.random()), self.pick.choice("pq"))
