"""Policies run when they should and do no more than they say; people come first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from storewarden.catalogue import clocks, held_back, marks
from storewarden.daemon.acting.hands import GivenUp, Seen
from storewarden.daemon.acting.wish import Result, Wanted, Wish
from storewarden.errors import CatalogueUnavailable
from storewarden.policy.pressure import Space
from tests.catalogues import Place
from tests.stages import SECOND, Stage

POLICY = """\
version: 1
policies:
  - id: p
    match: {{name: "*.bin"}}
    phases: [{phases}]
    guard: {{max_share: 100%, loosen: true{guard}}}
    observe: false
"""
ARCHIVE = POLICY.format(phases="{after: 0s, do: archive, to: cold}", guard="")
TRASH = POLICY.format(phases="{after: 0s, do: trash}", guard="")
TWO = POLICY.format(phases="{after: 0s, do: trash}", guard=", max_objects: 2")
PRESSED = ARCHIVE.replace(
    "    observe: false",
    "    trigger: [{pressure: {high: 80%, low: 50%, order: [modified asc]}}]\n    observe: false",
)
LIVES = POLICY.format(phases="{after: 0s, do: trash}, {after_previous: 10d, do: purge}", guard="")
NOTHING = 'version: 1\npolicies: [{id: other, match: {name: "*"}, hold: true}]\n'


@pytest.fixture
def stage(place: Place, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "home", place.url)
    yield stage
    stage.close()


def put(stage: Stage, *names: str, size: int = 100) -> None:
    for name in names:
        stage.home.write(name, os.urandom(size))
    stage.scan()


def here(stage: Stage) -> list[str]:
    return sorted(path.name for path in stage.home.roots["r"].rglob("*.bin"))


def test_what_is_due_is_done_once_and_the_run_is_remembered(stage: Stage) -> None:
    put(stage, "a.bin", "b.bin", "c.txt")
    stage.policies(ARCHIVE)
    stage.step(3)

    assert stage.acts() == [("archive", "done")] * 2
    assert stage.states() == {"a.bin": "archived", "b.bin": "archived", "c.txt": "present"}
    last = stage.last("p")
    assert (last.cause, last.files, last.size, last.tried, last.failed, last.fruitless) == (
        *("event", 2, 200, 2, 0, 0),
    )
    assert sorted(stage.hinted) == ["a.bin", "b.bin"]
    asked = stage.engine.execute("SELECT DISTINCT policy, asked_by FROM acts")
    assert asked == [("p", "storewarden")]


def test_what_is_pinned_in_the_last_moment_stays(stage: Stage) -> None:
    put(stage, "a.bin", "b.bin")
    stage.policies(TRASH)
    marks.pin(stage.engine, [stage.id("a.bin")], stage.clock.wall_ns(), by="anna")
    with stage.engine.transaction():  # it is due still, as far as the schedule knows
        stage.engine.execute("DELETE FROM undecided")
    stage.actor.step()

    assert here(stage) == ["a.bin"]
    assert stage.acts() == [("trash", "done")]


def test_a_limit_holds_over_restarts_until_a_person_answers(stage: Stage) -> None:
    put(stage, *(f"{number}.bin" for number in range(5)))
    stage.policies(TWO)
    stage.step(2)
    assert (len(here(stage)), stage.held()) == (3, {"max_objects": 3})

    stage.again()
    stage.pass_time(7200)
    stage.step(3)
    assert (len(here(stage)), stage.held()) == (3, {"max_objects": 3})
    stage.actor.ask(1, Wish((), "anna", "yes", approves=("p",)))
    stage.step(3)
    assert (len(here(stage)), stage.held()) == (1, {"max_objects": 1})


def test_a_new_policy_waits_and_says_with_what_it_goes_on(stage: Stage) -> None:
    put(stage, "a.bin")
    stage.policies(TRASH.replace("    observe: false\n", ""))
    stage.step(3)
    (held,) = held_back.read(stage.engine, stage.host_id)
    assert (held.guard, held.files, held.command) == ("observed", 1, "storewarden apply --policy p")

    wanted = Wanted(stage.id("a.bin"), "trash", policy="p")
    stage.actor.ask(4, Wish((wanted,), "anna", "yes", approves=("p",)))
    stage.step(3)
    ((job, outcome, failed),) = stage.answers
    assert (job, failed, Result.of(outcome).done) == (4, False, 1)
    assert stage.held() == {}
    assert stage.engine.execute("SELECT policy, asked_by, job FROM acts") == [("p", "anna", 4)]


def test_nobody_approves_what_he_did_not_see(stage: Stage) -> None:
    """Between the plan that was shown and the answer other policies may have come into force."""
    put(stage, "a.bin")
    stage.policies(TRASH.replace("    observe: false\n", ""))
    stage.step(3)
    wanted = Wanted(stage.id("a.bin"), "trash", policy="p")

    stage.actor.ask(4, Wish((wanted,), "anna", "yes", approves=("p",), policies="of others"))
    stage.step(3)

    ((job, outcome, failed),) = stage.answers
    assert (job, failed) == (4, True)
    assert "other policies came into force" in str(outcome["error"])
    assert (here(stage), stage.held()) == (["a.bin"], {"observed": 1})


def test_a_clock_that_jumped_holds_until_it_is_accepted(stage: Stage) -> None:
    put(stage, "a.bin")
    jumped = clocks.Clocks(stage.clock.wall_ns(), 1, "b", 10**15, stage.clock.wall_ns())
    clocks.note(stage.engine, stage.host_id, jumped)
    stage.policies(TRASH)
    stage.step(3)
    assert (here(stage), stage.held()) == (["a.bin"], {"clock": 1})

    clocks.accept(stage.engine, stage.host_id)
    stage.pass_time(6)
    stage.step(2)
    assert (here(stage), stage.held()) == ([], {})


def test_a_frozen_root_is_told_and_nothing_is_done_there(stage: Stage) -> None:
    put(stage, "a.bin")
    root = stage.home.roots["r"]
    root.rename(stage.home.base / "away")
    root.mkdir()
    stage.policies(TRASH)
    stage.step(3)
    assert stage.held() == {"frozen-root:r": 1}
    assert stage.acts() == []
    root.rmdir()
    (stage.home.base / "away").rename(root)
    stage.pass_time(6)
    stage.step(3)
    assert (stage.acts(), stage.held()) == ([("trash", "done")], {})


def test_timers_that_were_missed_are_one_run(stage: Stage) -> None:
    put(stage, "a.bin")
    stage.policies(TRASH.replace("    observe", "    trigger: {every: 1d}\n    observe"))
    stage.step(5)
    assert here(stage) == ["a.bin"]
    stage.pass_time(5 * 86_400)
    stage.step(3)
    assert here(stage) == []
    assert stage.last("p").cause == "timer"


def test_what_somebody_uses_is_put_off_and_goes_later_as_the_same_row(stage: Stage) -> None:
    put(stage, "a.bin")
    stage.policies(ARCHIVE)
    with (stage.home.roots["r"] / "a.bin").open("r+b"):
        stage.step(3)
        assert here(stage) == ["a.bin"]
        assert stage.last("p").fruitless == 1
    row = stage.id("a.bin")
    stage.pass_time(400)
    stage.step(3)
    assert here(stage) == []
    assert (stage.id("a.bin"), stage.states()) == (row, {"a.bin": "archived"})


def test_what_was_put_back_is_decided_anew_and_goes(stage: Stage) -> None:
    """Putting back changes when a file was changed last: the act in hand is of no more use."""
    put(stage, "a.bin")
    stage.policies(ARCHIVE)
    path = stage.home.roots["r"] / "a.bin"
    with path.open("r+b"):
        stage.step(2)
    os.chmod(path, 0o640)  # another time of change, as renaming there and back leaves
    stage.pass_time(400)
    stage.step(2)
    assert here(stage) == ["a.bin"]
    assert {state for _, state in stage.acts()} == {"refused"}
    stage.scan()  # as the recorder sees to it, that is told of the name
    stage.pass_time(400)
    stage.step(3)
    assert here(stage) == []
    assert stage.acts()[-1] == ("archive", "done")
    assert stage.states() == {"a.bin": "archived"}


def test_an_act_that_waits_is_given_up_when_its_policy_is_gone(stage: Stage) -> None:
    put(stage, "a.bin", "b.bin")
    stage.home.store.rename(stage.home.base / "unplugged")
    stage.policies(ARCHIVE)
    stage.step(3)
    assert {state for _, state in stage.acts()} == {"planned"}
    (stage.home.base / "unplugged").rename(stage.home.store)
    stage.policies(NOTHING)
    stage.pass_time(400)
    stage.step(3)

    assert {state for _, state in stage.acts()} == {"refused"}
    assert (here(stage), stage.home.stored()) == (["a.bin", "b.bin"], 0)


def test_a_person_comes_first_and_a_burst_before_policies(stage: Stage) -> None:
    put(stage, "a.bin", "b.bin", "mine.txt")
    stage.policies(TRASH)
    stage.busy = True
    stage.actor.ask(1, Wish((Wanted(stage.id("mine.txt"), "trash"),), "anna", "now"))
    stage.step(5)
    assert stage.acts() == [("trash", "done")]
    assert here(stage) == ["a.bin", "b.bin"]
    stage.busy = False
    stage.step(2)
    assert here(stage) == []


def test_a_burst_comes_before_what_is_left_of_many_files(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewarden.act.carry.beside._MOST_BYTES", 300)
    put(stage, *(f"{number:02}.bin" for number in range(12)))
    stage.policies(ARCHIVE)
    left: list[int] = []

    def burst() -> None:
        if len(here(stage)) <= 7 and not left:
            stage.busy = True
        if stage.busy:
            left.append(len(here(stage)))
            stage.busy = len(left) < 20

    stage.actor.beat = burst
    stage.step(2)

    assert min(left[-3:]) >= 4  # at most the three that were on their way
    assert here(stage) == []


def test_in_a_burst_a_large_file_is_stored_slowly(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stage, "a.bin", size=6 << 20)
    stage.policies(ARCHIVE)
    waited: list[list[str]] = []

    def burst(size: int) -> None:
        stage.busy = size > 0

    def wait(_seconds: float) -> None:
        waited.append(here(stage))
        stage.busy = False

    with stage.acting.under(Seen(burst)):
        monkeypatch.setattr(stage.acting, "under", lambda _seen: nullcontext())
        monkeypatch.setattr(stage.actor._stopping, "wait", wait)
        stage.actor.step()

    assert waited[:6] == [["a.bin"]] * 6  # once for each piece
    assert here(stage) == []


def test_nothing_waits_for_a_burst_where_a_disk_is_too_full(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stage, *(f"{number}.bin" for number in range(6)), size=10_000)
    stage.policies(PRESSED)
    stage.busy = True
    spaces = {"r": Space(100_000, 60_000)}
    monkeypatch.setattr(stage.acting.roots, "spaces", lambda: spaces)
    stage.step(3)
    assert len(here(stage)) == 6
    spaces["r"] = Space(100_000, 95_000)
    stage.actor.step()
    assert len(here(stage)) < 6


def test_a_wish_goes_on_when_the_catalogue_is_back_and_nothing_is_done_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.bin" for number in range(6)]
    put(stage, *names)
    wish = Wish(tuple(Wanted(stage.id(name), "trash") for name in names), "anna", "")
    plan, away = stage.acting.journal.plan, [False, True, True]

    def fails(*arguments: object) -> object:
        if away and away.pop(0):
            raise CatalogueUnavailable("the catalogue is away", where="a test")
        return plan(*arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(stage.acting.journal, "plan", fails)
    stage.actor.ask(9, wish)
    waits = [stage.actor.step() for _ in range(4)]
    assert waits[:2] == [5.0, 5.0]
    ((job, outcome, failed),) = stage.answers
    assert (job, failed) == (9, False)
    assert Result.of(outcome).done == 6
    assert stage.acts() == [("trash", "done")] * 6


def test_a_wish_that_was_stopped_goes_on_in_the_next_process(stage: Stage) -> None:
    names = [f"{number}.bin" for number in range(10)]
    put(stage, *names, size=3 << 20)
    wanted = tuple(Wanted(stage.id(name), "archive", "cold") for name in names)
    wish = Wish(wanted, "anna", "")
    ended = stage.actor._ended

    def stop_soon(outcome: object) -> None:
        ended(outcome)  # type: ignore[arg-type]  # what it was called with
        stage.actor.give_up()

    stage.actor._ended = stop_soon  # type: ignore[method-assign]  # stopped in it
    stage.acting.hear(stage.acting._always._replace(ended=stop_soon))
    stage.actor.ask(3, wish)
    stage.actor.step()
    assert stage.answers == []
    assert 0 < len(here(stage)) < 10  # some go together

    stage.again()
    stage.actor.ask(3, wish)
    stage.step(2)
    ((_, outcome, _),) = stage.answers
    assert Result.of(outcome).done == 10
    assert (here(stage), stage.home.stored()) == ([], 10)
    assert stage.acts() == [("archive", "done")] * 10


def test_what_lies_in_the_trash_is_purged_when_it_lay_there_long_enough(stage: Stage) -> None:
    put(stage, "a.bin")
    stage.policies(LIVES)
    stage.step(2)
    stage.pass_time(9 * 86_400)
    stage.step(2)
    assert stage.states() == {"a.bin": "trashed"}
    stage.pass_time(86_400)
    stage.step(2)
    assert stage.states() == {"a.bin": "purged"}


def test_a_copy_that_a_policy_also_makes_is_proven_before_the_last_is_purged(stage: Stage) -> None:
    phases = "{after: 0s, do: copy, to: cold}, {after: 1s, do: trash}, "
    stage.home.write("a.bin", b"x" * 1000)
    stage.scan()
    stage.policies(POLICY.format(phases=phases + "{after_previous: 1d, do: purge}", guard=""))
    stage.step(4)
    assert stage.states() == {"a.bin": "trashed"}
    (stored,) = [path for path in stage.home.store.rglob("*~*") if path.suffix != ".about"]
    stored.chmod(0o600)
    stored.write_bytes(b"y" * stored.stat().st_size)
    stage.pass_time(2 * 86_400)
    stage.step(3)
    assert stage.states() == {"a.bin": "trashed"}
    assert stage.acts()[-1][1] != "done"


def test_what_is_gone_from_the_trash_is_not_tried_for_ever(stage: Stage) -> None:
    put(stage, "a.bin")
    stage.policies(LIVES)
    stage.step(2)
    trash = stage.home.roots["r"] / ".storewarden" / "trash"
    for drawer in trash.iterdir():
        drawer.rename(stage.home.base / drawer.name)
    stage.pass_time(11 * 86_400)
    stage.step(3)
    assert stage.states() == {"a.bin": "missing"}
    ((total,),) = stage.engine.execute("SELECT sum(files) FROM totals WHERE state = 'missing'")
    assert total == 1
    stage.pass_time(86_400)
    stage.step(2)
    assert len(stage.acts()) == 2


def test_nothing_is_done_in_a_root_before_it_was_recovered(stage: Stage) -> None:
    put(stage, *(f"{number}.bin" for number in range(10)), size=2 << 20)
    stage.policies(ARCHIVE)
    stage.acting.stopping = lambda: bool(stage.hinted)
    with pytest.raises(GivenUp):
        stage.actor._step()
    assert 0 < len(here(stage)) < 10  # some went together
    stage.again()
    stage.step(2)
    assert here(stage) == []
    assert stage.home.stored() == 10


def test_what_a_policy_began_that_is_gone_does_not_go_on_with_the_next_start(stage: Stage) -> None:
    put(stage, *(f"{number}.bin" for number in range(6)), size=2 << 20)
    stage.policies(ARCHIVE)
    stage.acting.stopping = lambda: (
        stage.home.stored() > 0
    )  # in the middle of some that go together
    with pytest.raises(GivenUp):
        stage.actor._step()
    begun = [state for _, state in stage.acts()]
    done = begun.count("done")
    assert done < len(begun)
    stage.replace(NOTHING)
    stage.again()
    stage.step(2)
    states = sorted(state for _, state in stage.acts())
    assert states == ["done"] * done + ["refused"] * (len(begun) - done)
    assert (len(here(stage)), stage.home.stored()) == (6 - done, done)


def test_figures_go_on_while_many_files_do(stage: Stage) -> None:
    put(stage, *(f"{number:02}.bin" for number in range(20)))
    stage.policies(ARCHIVE)
    seen: set[float] = set()
    figure = 'action_bytes_total{action="archive"} '

    def beat() -> None:
        stage.clock.advance(1.0)
        text = stage.metrics.expose()[1].decode()
        seen.add(float(text.partition(figure)[2].partition("\n")[0] or 0))

    stage.actor.beat = beat
    stage.actor.step()
    assert here(stage) == []
    assert len(seen - {0.0, 2000.0}) >= 2


def test_figures_tell_what_was_done_by_whom(stage: Stage) -> None:
    put(stage, "a.bin", "b.txt")
    stage.policies(TRASH)
    stage.actor.ask(1, Wish((Wanted(stage.id("b.txt"), "trash"),), "anna", ""))
    stage.step(5)
    stage.clock.advance(10)
    stage.step(3)
    text = stage.metrics.expose()[1].decode()
    for policy in ("p", "person"):
        told = f'actions_total{{action="trash",outcome="done",policy="{policy}"}} 1.0'
        assert f"storewarden_{told}" in text
    assert "storewarden_open_acts 0.0" in text
    assert 'storewarden_jobs{state="running"} 0.0' in text
    last = float(text.split("storewarden_last_act_timestamp_seconds ")[-1].split()[0])
    assert last * SECOND > 0
