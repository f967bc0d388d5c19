"""A made-up year of conversations, kept by shipped policies: what is where equals a simulation."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import apsw
import pytest

from storewarden.catalogue import held_back, row_archives
from storewarden.catalogue.engine import Engine
from storewarden.clock import ManualClock
from storewarden.config.schema import RootSettings, Settings, TableSettings
from storewarden.daemon.tending import row_keeping, row_work
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import TendResult, TendWish, Told
from storewarden.errors import PermanentError
from storewarden.policy import load
from storewarden.policy.rules import PolicySet
from storewarden.store.contract import Store
from storewarden.store.memory import MemoryStore
from tests.catalogues import furnish, sqlite_place
from tests.rows import direct

DAY = 86_400
YEAR = 365
START = 1_700_000_000
SHIPPED = Path(__file__).resolve().parents[2] / "policies/j5.yaml"
TASK45 = SHIPPED.with_name("task45.yaml")
DELETED = """
version: 1
policies:
  - id: deleted-conversations
    match: {rows: app.conversations}
    clock: deleted_at
    phases: [{after: 7d, do: trash}, {after_previous: 7d, do: purge}]
    observe: false
    guard: {max_objects: never, max_share: never, loosen: true}
"""
SPAN = 51  # days: the fiftieth part of seven years, within which rows share an archive


@dataclass
class Talk:
    """What the simulation knows of a conversation."""

    id: int
    at: int  # days since the start
    deleted: int | None = None
    state: str = "there"
    archive: tuple[Any, ...] = ()


@dataclass
class Simulation:
    """What j5.yaml says, done by hand for each conversation; times are days."""

    talks: dict[int, Talk]
    archives: dict[tuple[Any, ...], list[Talk]] = field(default_factory=dict)
    deletions: bool = False

    def run(self, today: int) -> None:
        for name, talks in list(self.archives.items()):
            if name[0] == "old":
                over = max(talk.at for talk in talks) + 7 * YEAR <= today
            else:
                over = name[1] + 7 <= today
            if over:
                for talk in self.archives.pop(name):
                    talk.state = "gone"
        for talk in self.talks.values():
            if talk.state == "there" and talk.at + YEAR <= today:
                window = (START + talk.at * DAY) // (SPAN * DAY)
                self._away(talk, ("old", today, window))
        for talk in self.talks.values():
            due = self.deletions and talk.deleted is not None and talk.deleted + 7 <= today
            if talk.state == "there" and due:
                self._away(talk, ("deleted", today))

    def _away(self, talk: Talk, name: tuple[Any, ...]) -> None:
        talk.state = "archived"
        self.archives.setdefault(name, []).append(talk)

    def ids(self, state: str) -> set[int]:
        return {talk.id for talk in self.talks.values() if talk.state == state}


class World:
    """The application, and who keeps its rows."""

    def __init__(self, folder: Path, engine: Engine, policies: PolicySet) -> None:
        self.folder, self.engine = folder, engine
        self.clock = ManualClock(START * 10**9)
        self.store = MemoryStore("backups")
        table = TableSettings(
            *("app.conversations", bytes(folder / "app.db"), "conversations", ("id",)),
            clock="updated_at",
            children=(("messages", ("conversation_id",)),),
            deleted="deleted_at",
        )
        root = RootSettings("data", bytes(folder))
        settings = Settings(folder, "sqlite", (root,), tables=(table,))
        (folder / "scratch").mkdir()
        stores = cast("Any", {"backups": cast("Store", self.store)})
        nothing = cast("Any", None)
        self.hands = Hands(
            *(engine, 1, self.clock, settings, stores, nothing, folder / "scratch"),
            *(nothing, nothing, policies),
        )
        self.connection = apsw.Connection(str(folder / "app.db"))
        self.connection.execute(
            "PRAGMA synchronous = OFF; CREATE TABLE conversations"
            " (id INTEGER PRIMARY KEY, updated_at INTEGER, deleted_at);"
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, conversation_id INTEGER, body TEXT);"
            "CREATE INDEX of ON messages (conversation_id)"
        )

    def say(self, talk: Talk) -> None:
        with self.connection:
            deleted = None if talk.deleted is None else START + talk.deleted * DAY
            self.connection.execute(
                "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?)",
                (talk.id, START + talk.at * DAY, deleted),
            )
            self.connection.execute(
                "INSERT INTO messages (conversation_id, body) VALUES (?, 'hello')", (talk.id,)
            )

    def apply(self, *approves: str) -> TendResult:
        wish = TendWish("rows_apply", (), {"approves": list(approves)}, "schedule")
        return row_keeping.apply_rows(self.hands, wish, _hear, lambda: False)

    def ids(self) -> set[int]:
        return {row[0] for row in self.connection.execute("SELECT id FROM conversations")}

    def archived(self) -> int:
        return sum(one.rows for one in row_archives.archives(self.engine, 1, states=("done",)))


def _hear(_told: Told) -> None:
    pass


@pytest.mark.parametrize("deletions", [False, True], ids=["j5", "with what was deleted"])
def test_a_year_of_conversations_equals_a_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, deletions: bool
) -> None:
    monkeypatch.setattr(row_work, "run_job", direct)
    sources = [("j5.yaml", SHIPPED.read_bytes()), ("deleted.yaml", DELETED.encode())][
        : 2 if deletions else 1
    ]
    policies = load.read(sources, stores=(), tables=("app.conversations",))
    chance = random.Random(5)
    talks = {number: Talk(number, chance.randrange(YEAR)) for number in range(1, 200)}
    for talk in chance.sample(list(talks.values()), 40):
        talk.deleted = talk.at + chance.randrange(1, 300)
    simulation = Simulation(talks, deletions=deletions)
    with sqlite_place(tmp_path / "state") as place:
        engine = place.made()
        furnish(engine)
        world = World(tmp_path, engine, policies)
        for talk in talks.values():
            world.say(talk)
        days = [*range(YEAR, 2 * YEAR + 60, 23), *range(8 * YEAR - 40, 9 * YEAR + 60, 29)]
        for today in days:
            world.clock.jump((START + today * DAY) - world.clock.wall_ns() / 10**9)
            used = [one for one in talks.values() if one.state == "there"][:2]
            for talk in used if today < 2 * YEAR else []:
                talk.at = today  # somebody goes on with an old conversation
                world.say(talk)
            world.apply("old-conversations")
            simulation.run(today)
            assert world.ids() == simulation.ids("there"), today
            assert world.archived() == len(simulation.ids("archived")), today
            assert len(list(world.store.list())) == len(simulation.archives), today
        assert simulation.ids("gone") > simulation.ids("archived")
        world.connection.close()


def test_a_year_by_task45_archives_after_a_month_and_what_was_deleted_is_gone_in_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_work, "run_job", direct)
    policies = load.read(
        [("task45.yaml", TASK45.read_bytes())], stores=("archive",), tables=("app.conversations",)
    )
    chance = random.Random(45)
    talks = {number: Talk(number, chance.randrange(YEAR)) for number in range(1, 300)}
    for talk in chance.sample(list(talks.values()), 90):
        talk.deleted = talk.at + chance.randrange(0, 40)
    trashed: dict[int, list[Talk]] = {}
    with sqlite_place(tmp_path / "state") as place:
        engine = place.made()
        furnish(engine)
        world = World(tmp_path, engine, policies)
        said: set[int] = set()
        kept: list[Talk] = []
        for today in range(0, YEAR + 40, 3):
            for talk in talks.values():
                if (
                    talk.id not in said
                    and (talk.at if talk.deleted is None else talk.deleted) <= today
                ):
                    said.add(talk.id)
                    world.say(talk)
            world.clock.jump((START + today * DAY) - world.clock.wall_ns() / 10**9)
            world.apply("old-conversations", "deleted-conversations")
            there = [talk for talk in talks.values() if talk.id in said and talk.state == "there"]
            for talk in there:
                if talk.at + 30 <= today:
                    talk.state = "archived"
                elif talk.deleted is not None and talk.deleted + 6 <= today:
                    talk.state = "trashed"
                    trashed.setdefault(today, []).append(talk)
            for day in [day for day in trashed if day + 1 <= today]:
                for talk in trashed.pop(day):
                    talk.state = "gone"
            ids = {talk.id for talk in talks.values() if talk.id in said and talk.state == "there"}
            assert world.ids() == ids, today
            kept = [talk for talk in talks.values() if talk.state in ("archived", "trashed")]
            assert world.archived() == len(kept), today
        gone = [talk for talk in talks.values() if talk.state == "gone"]
        assert len(gone) > 30
        assert len(kept) > 150
        world.connection.close()


def test_what_is_only_observed_and_what_is_beyond_a_limit_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_work, "run_job", direct)
    policies = load.read(
        [("j5.yaml", SHIPPED.read_bytes())], stores=(), tables=("app.conversations",)
    )
    with sqlite_place(tmp_path / "state") as place:
        engine = place.made()
        furnish(engine)
        world = World(tmp_path, engine, policies)
        for number in range(20):
            world.say(Talk(number, -400 if number < 3 else 0))

        (item,) = world.apply().items
        assert item.outcome == "refused"
        assert "only observed" in item.why
        assert "15% of all rows, at most 10% in one run" in item.why
        assert len(world.ids()) == 20
        held = held_back.read(engine, 1)
        assert [(one.guard, one.files) for one in held] == [("max_share", 3), ("observed", 3)]
        assert held[0].command == "storewarden rows apply app.conversations --yes"

        (item,) = world.apply("old-conversations").items
        assert held_back.read(engine, 1) == []
        assert (item.outcome, item.facts["left"], len(world.ids())) == ("done", 3, 17)

        for number in range(20, 40):
            world.say(Talk(number, 0))
        world.say(Talk(99, -400))
        (item,) = world.apply().items  # approved, and within its limits
        assert (item.outcome, item.facts["left"]) == ("done", 1)
        figures = row_archives.figures(engine, 1)
        assert figures["app.conversations", "due.old-conversations.archive"][0] == 1
        world.connection.close()


def test_what_fails_leaves_others_their_turn_until_too_much_does_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = 2
    tried = 0

    def run(kind: str, *given: Any, **more: Any) -> Any:
        nonlocal tried
        if kind == "rows_archive":
            tried += 1
            if tried <= failing:
                raise PermanentError("this one cannot be archived")
        return direct(kind, *given, **more)

    monkeypatch.setattr(row_work, "run_job", run)
    policies = load.read(
        [("j5.yaml", SHIPPED.read_bytes())], stores=(), tables=("app.conversations",)
    )
    with sqlite_place(tmp_path / "state") as place:
        engine = place.made()
        furnish(engine)
        world = World(tmp_path, engine, policies)
        for number in range(8):  # each in an archive of its own
            world.say(Talk(number, -400 - number * 2 * SPAN))

        (item,) = world.apply("old-conversations").items

        assert (item.outcome, world.ids()) == ("failed", {7})  # the oldest; then a span without any
        assert "this one cannot be archived" in item.why
        (held,) = held_back.read(engine, 1)
        assert held.guard == "max_errors"
        assert "2 of 15 archives failed" in held.why

        failing, tried = 99, 0
        world.say(Talk(20, -400))
        world.say(Talk(21, -600))
        world.say(Talk(22, -800))
        world.apply("old-conversations")
        assert tried == 3  # three in a row: nothing more is tried

        failing, tried = 0, 0
        world.apply("old-conversations")
        assert (held_back.read(engine, 1), world.ids()) == ([], set())
        world.connection.close()
