"""Whatever breaks while many tell: what was acknowledged is there, and nothing is there twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.carry import Group, carry_groups
from storewarden.api.checked import Wrong
from storewarden.api.deeds import (
    Deed,
    Phase,
    Pin,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellUsage,
    TellWorkflow,
)
from storewarden.api.done import Done
from storewarden.api.teller import Teller
from storewarden.api.who import MACHINE
from storewarden.catalogue.engine import Engine
from storewarden.clock import ManualClock
from storewarden.errors import CatalogueUnavailable, StorewardenError
from tests.catalogues import NOW, Place

WRITES = ("_run", "_run_in", "_run_each", "_run_many", "_load", "_revise")
FILM: Sequence[Deed] = (
    TellWorkflow(workflow="film", status="running", phases=(Phase(name="script"),)),
    TellScene(workflow="film", scene="1", image="uploads/1.png"),
    TellFile(path="uploads/1.png", workflow="film", scene="1", rating=4, tags=("a",)),
    TellUsage(
        provider="fal", path="uploads/1.png", cost=Decimal("0.25"), duration=1.5, key="one call"
    ),
)
WRONG: Sequence[Deed] = (
    TellFile(path="uploads/wrong.png"),
    TellFile(path="/nowhere/wrong.png"),
)
TALK: Sequence[Deed] = (
    TellText(path="uploads/a.mp4", text="at dusk"),
    TellChat(path="uploads/a.mp4", question="When?", answer="At dusk.", key="one question"),
    Pin(path="uploads/a.mp4"),
)
GROUPS = [Group(deeds, MACHINE) for deeds in (FILM, WRONG, TALK)]
TABLES = (
    *("workflows", "workflow_phases", "scenes", "scene_images", "told_files", "told_texts"),
    *("chat_history", "api_usage", "api_usage_days", "api_usage_times"),
)


class FaultError(Exception):
    """What a test does to a statement."""


@contextmanager
def breaking(engine: Engine, at: int, fault: Callable[[], BaseException]) -> Iterator[list[int]]:
    """Break the statement of that number from now on; commits count as two: before and after."""
    count = [0]
    kept = {name: getattr(engine, name) for name in (*WRITES, "_commit")}

    def step() -> None:
        count[0] += 1
        if count[0] == at:
            raise fault()

    def stepping(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            step()
            return real(*given)

        return run

    def commit(connection: Any) -> None:
        step()
        kept["_commit"](connection)
        step()

    for name in WRITES:
        setattr(engine, name, stepping(kept[name]))
    engine._commit = commit  # type: ignore[method-assign]
    try:
        yield count
    finally:
        for name, real in kept.items():
            setattr(engine, name, real)


def unavailable() -> BaseException:
    return CatalogueUnavailable("the server went away")


def tell(engine: Engine) -> list[list[Done] | StorewardenError]:
    with engine.transaction(durable=True):
        return carry_groups(engine, 1, GROUPS, NOW)


def held(engine: Engine) -> dict[str, list[Any]]:
    """Return all that was told, but for numbers of rows, which may be others."""
    texts = {
        "workflows": "name, status, told_ns",
        "workflow_phases": "name, position",
        "scenes": "name, told_ns",
        "scene_images": "1",
        "told_files": "directory, name, waiting, rating, tags, pinned, cost_nano, cost_currency",
        "told_texts": "role, language, text",
        "chat_history": "question, answer, key",
        "api_usage": "provider, calls, cost_nano, key",
        "api_usage_days": "day, provider, times, calls, cost_nano",
        "api_usage_times": "day, provider, times",
    }
    return {
        table: engine.execute(f"SELECT {texts[table]} FROM {table} ORDER BY 1, 2")
        if "," in texts[table]
        else engine.execute(f"SELECT {texts[table]} FROM {table}")
        for table in TABLES
    }


def emptied(engine: Engine) -> None:
    with engine.transaction():
        for table in ("told_files", "workflows", "api_usage", "api_usage_days", "api_usage_times"):
            engine.execute(f"DELETE FROM {table}")


@pytest.fixture
def whole(engine: Engine) -> dict[str, list[Any]]:
    """All that shall be there at the end, whatever happened."""
    outcomes = tell(engine)
    assert [isinstance(outcome, Wrong) for outcome in outcomes] == [False, True, False]
    whole = held(engine)
    assert [len(whole[table]) for table in TABLES] == [1, 1, 1, 1, 2, 1, 1, 1, 1, 1]
    emptied(engine)
    return whole


def test_told_again_after_a_fault_at_any_statement_it_is_there_once(
    engine: Engine, whole: dict[str, list[Any]]
) -> None:
    nothing = held(engine)
    at = acknowledged = 0
    while not acknowledged:
        at += 1
        with breaking(engine, at, unavailable) as count:
            try:
                tell(engine)
                acknowledged = at
            except CatalogueUnavailable:
                pass
        if acknowledged:
            assert count[0] < at  # every statement was broken once
        after = held(engine)
        assert after in (nothing, whole)  # all of it, or nothing
        tell(engine)
        assert held(engine) == whole
        emptied(engine)
    assert at > 40


def test_one_bad_deed_harms_nobody_else(engine: Engine, whole: dict[str, list[Any]]) -> None:
    teller = Teller(engine, 1, ManualClock(NOW))
    together = threading.Barrier(9)
    outcomes: list[object] = []

    def go(deeds: Sequence[Deed]) -> None:
        together.wait()
        try:
            outcomes.append(teller.tell(deeds, MACHINE))
        except Wrong as wrong:
            outcomes.append(wrong.problems[0].pointer)

    threads = [
        threading.Thread(target=go, args=(deeds,)) for deeds in (FILM, WRONG, TALK) for _ in "123"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("/1/path") == 3
    assert len(outcomes) == 9
    assert held(engine) == whole


def test_who_waits_is_answered_when_the_catalogue_is_away(engine: Engine) -> None:
    teller = Teller(engine, 1, ManualClock(NOW))
    with breaking(engine, 3, unavailable), pytest.raises(CatalogueUnavailable):
        teller.tell(FILM, MACHINE)
    (done, *_) = teller.tell(FILM, MACHINE)

    assert done.created


def test_a_mistake_of_ours_leaves_nobody_waiting(engine: Engine) -> None:
    teller = Teller(engine, 1, ManualClock(NOW))
    with breaking(engine, 3, FaultError), pytest.raises(FaultError):
        teller.tell(FILM, MACHINE)

    assert len(teller.tell(FILM, MACHINE)) == 4


def test_what_goes_along_is_kept_with_the_deeds_or_not_at_all(engine: Engine) -> None:
    teller = Teller(engine, 1, ManualClock(NOW))

    def note(there: Engine, done: Sequence[Done]) -> None:
        assert [one.what for one in done] == ["text", "chat", "pin"]
        there.execute("UPDATE hosts SET name = 'noted'")

    with pytest.raises(Wrong):
        teller.tell(WRONG, MACHINE, note)
    assert engine.execute("SELECT name FROM hosts") != [("noted",)]
    teller.tell(TALK, MACHINE, note)
    assert engine.execute("SELECT name FROM hosts") == [("noted",)]


def test_a_teller_that_stops_takes_nothing_in(engine: Engine) -> None:
    teller = Teller(engine, 1, ManualClock(NOW))
    teller.close()

    with pytest.raises(CatalogueUnavailable, match="stopping"):
        teller.tell(FILM, MACHINE)
    assert engine.execute("SELECT count(*) FROM told_files") == [(0,)]


KILLED = """
import json, os, sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
from tests.contract.test_told_faults import breaking, held, tell

state, told = Path(sys.argv[1]), []

def die():
    os._exit(9)

for at in range(1, 400):
    pid = os.fork()
    if not pid:  # a connection of its own: none goes through a fork
        engine = open_catalogue("sqlite", state, role="test")
        with breaking(engine, at, die):
            tell(engine)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    engine = open_catalogue("sqlite", state, role="test")
    rows = {table: len(rows) for table, rows in held(engine).items()}
    with engine.transaction():
        for table in ("told_files", "workflows", "api_usage", "api_usage_days", "api_usage_times"):
            engine.execute(f"DELETE FROM {table}")
    engine.close()
    told.append((os.waitstatus_to_exitcode(status), sorted(set(rows.values()))))
    if told[-1][0] == 0:
        break
print(json.dumps(told))
"""


def test_a_kill_at_any_statement_leaves_all_or_nothing(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path / "state")
    place.furnished()
    place.close()
    command = [sys.executable, "-c", KILLED, str(place.state)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=50, text=True)
    *killed, acknowledged = json.loads(done.stdout)

    assert len(killed) > 40
    assert {status for status, _ in killed} == {9}
    # all but the last were killed before the commit was over
    assert [rows for _, rows in killed] == [[0]] * (len(killed) - 1) + [[1, 2]]
    assert acknowledged == [0, [1, 2]]
