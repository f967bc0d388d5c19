"""Whoever acts is killed at any instant: the journal tells how far each act was, and it goes on."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.catalogue import acts, copies, keep_file
from storewarden.catalogue.acts import Act
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import ENDED, OPEN
from tests.acting import Deeds, check_stores
from tests.catalogues import Place
from tests.recording import all_files, check_totals, entry

TOP = Path(__file__).parents[2]
FILES = 60
KILLS = 8
STEPS = (*OPEN, "done")

ACTOR = """
import sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
from tests.acting import Deeds
from tests.crash.test_acts_kill import go_on, plan_all
deeds = Deeds(open_catalogue(sys.argv[1], Path(sys.argv[2]), role="actor"))
print("ready", flush=True)
plan_all(deeds)
go_on(deeds, lambda act: print(act.id, act.state, flush=True))
"""


def plan_all(deeds: Deeds) -> None:
    """Plan what nobody has planned yet."""
    for file in list(deeds.present().values()):
        if not acts.of_file(deeds.engine, file.id):
            deeds.plan("archive", file, store="cloud")


def go_on(deeds: Deeds, said: Callable[[Act], object] = id) -> None:
    """Bring all acts to their end, from wherever they are."""
    for begun in acts.open_acts(deeds.engine, 1):
        act: Act = begun
        while not act.ended:
            if act.state == "planned":
                act = deeds.hold(act)
            elif act.state != "switched":
                following = OPEN[OPEN.index(act.state) + 1]
                act = deeds.journal.advance(act, following, deeds.now_ns)
            else:
                act = deeds.acted.archived(act, deeds.now_ns)
            said(act)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


def killed_after(place: Place, lines: int) -> list[str]:
    """Let somebody act and kill him after so many steps; return what he acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", ACTOR, place.url, str(place.state)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=TOP,
    )
    with process:
        assert process.stdout
        said = [line for _, line in zip(range(lines + 1), process.stdout, strict=False)]
        process.kill()
        said += list(process.stdout)
    return [line.strip() for line in said if line.endswith("\n") and line != "ready\n"]


def sound(engine: Engine, said: dict[int, str]) -> None:
    """Check that what was acknowledged is there, and that rows and journal tell the same."""
    for act_id, state in said.items():
        act = acts.read(engine, act_id)
        assert act is not None
        assert STEPS.index(act.state) >= STEPS.index(state)
    done = {act.file_id for act in acts.last(engine) if act.state == "done"}
    files = all_files(engine)
    assert {one.id for one in files if one.state == "archived"} == done
    assert set(copies.of_files(engine, [one.id for one in files])) == done
    check_totals(engine, Deeds(engine).counts)
    check_stores(engine)


def test_a_killed_actor_leaves_what_the_journal_tells(place: Place) -> None:
    deeds = Deeds(place.made())
    deeds.names(*(entry(b"%02d.png" % number, number) for number in range(1, FILES + 1)))
    dice = random.Random(4711)
    said: dict[int, str] = {}
    for _ in range(KILLS):
        for line in killed_after(place, dice.randrange(20)):
            act_id, state = line.split()
            said[int(act_id)] = state
        sound(deeds.engine, said)
    assert said
    deeds.reopen()
    plan_all(deeds)
    go_on(deeds)

    sound(deeds.engine, said)
    assert {one.state for one in all_files(deeds.engine)} == {"archived"}
    (figure,) = acts.figures(deeds.engine, 1)
    assert (figure.outcome, figure.acts, figure.freed) == (ENDED[0], FILES, 4096 * FILES)
    assert all(deeds.history(one.id) == ["archived"] for one in all_files(deeds.engine))
    deeds.engine.close()
    if deeds.engine.dialect == "sqlite":
        assert keep_file.damage(place.file) == ""
