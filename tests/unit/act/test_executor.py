"""What becomes of an act that could not be carried out: it waits, is refused, or has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.act.carry.work import Halted, Tally, Verb, Work
from storewarden.act.execute import Executor, Outcome, Patience, outcome
from storewarden.act.leases import Quiet
from storewarden.act.refused import Reason, Refused, Stop
from storewarden.catalogue.acts import Act
from storewarden.errors import (
    CatalogueRefused,
    FileChanged,
    FileUnusable,
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    PermanentError,
    PlaceTaken,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from tests.catalogues import sqlite_place
from tests.executing import FIRST, Life, Lives, hasty

NS = 1_000_000_000
MINUTE = 60 * NS
ODD = b"data/n\xff"
Does = Callable[[Work], Act | None]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


def says(error: Exception) -> Does:
    def do(_work: Work) -> Act:
        raise error

    return do


def nothing(_work: Work) -> Act | None:
    """Settle what was not begun."""
    return None


def executor(
    life: Life, carry: Does, settle: Does = nothing, patience: Patience | None = None
) -> Executor:
    """Return one whose only verb does this."""

    def carried(work: Work) -> Act:
        done = carry(work)
        assert done is not None
        return done

    return Executor(life.executor().tools, {"trash": Verb(carried, settle)}, patience)


def ended(life: Life, error: Exception, settle: Does = nothing, attempts: int = 1) -> Act:
    """Return what becomes of an act that is stopped by an error and given up."""
    patience = Patience(attempts=attempts)
    return executor(life, says(error), settle, patience).carry_out(life.plan("trash", FIRST)).act


# -- refused, or failed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.CHANGED, "refused"),
        (Reason.GONE, "refused"),
        (Reason.OPEN_FOR_WRITING, "refused"),
        (Reason.IN_USE, "refused"),
        (Reason.LINKED, "refused"),
        (Reason.PARTED, "refused"),
        (Reason.BEHIND_A_LINK, "refused"),
        (Reason.OTHER_FILE_SYSTEM, "refused"),
        (Reason.NOT_REGULAR, "refused"),
        (Reason.TAKEN, "refused"),
        (Reason.OURS, "refused"),
        (Reason.UNPROVEN, "refused"),
        (Reason.TOO_EARLY, "refused"),
        (Reason.NOT_ALLOWED, "refused"),
        (Reason.READ_ONLY, "failed"),
        (Reason.NO_ROOM, "failed"),
        (Reason.TOO_LONG, "failed"),
        (Reason.NOT_OURS, "failed"),
        (Reason.BUSY, "failed"),
        (Reason.UNSUPPORTED, "failed"),
        (Reason.FAILING, "failed"),
    ],
)
def test_what_is_about_the_file_is_refused_and_all_else_has_failed(
    life: Life, reason: Reason, state: str
) -> None:
    halted = ended(life, Halted(Refused(reason, ODD, "as it is")))
    stopped = ended(life, Stop(reason, ODD, "as it is"))

    why = f"{reason.value.replace('_', ' ')}: {life.name}: data/n\\xff: as it is"
    assert (halted.state, halted.error) == (state, why)
    assert (stopped.state, stopped.error) == (state, why)


def test_a_reason_that_says_all_is_all_that_is_told(life: Life) -> None:
    assert ended(life, Stop(Reason.GONE, b"a/file")).error == f"gone: {life.name}: a/file"


@pytest.mark.parametrize("error", [FileChanged("the file changed"), PlaceTaken("it is taken")])
def test_a_file_that_changed_or_whose_place_is_taken_is_refused_at_once(
    life: Life, error: Exception
) -> None:
    act = ended(life, error, attempts=5)

    assert (act.state, act.error, act.attempts) == ("refused", str(error), 0)


@pytest.mark.parametrize(
    "error",
    [
        *(StoreRefused("no"), ObjectExists("it is there"), ObjectMissing("it is not there")),
        *(ObjectDamaged("it is broken"), PermanentError("never")),
    ],
)
def test_what_will_not_pass_has_failed_at_once(life: Life, error: Exception) -> None:
    act = ended(life, error, attempts=5)

    assert (act.state, act.error, act.attempts) == ("failed", str(error), 0)


PASSING = (StoreUnavailable("it is away"), StoreFull("it is full"), FileUnusable("not now"))


@pytest.mark.parametrize("error", PASSING)
def test_what_may_pass_is_waited_for_and_given_up_in_the_end(life: Life, error: Exception) -> None:
    waiting = ended(life, error, attempts=2)
    run = executor(life, says(error), patience=Patience(attempts=2))
    given_up = run.carry_out(waiting).act

    assert (waiting.state, waiting.error, waiting.attempts) == ("planned", str(error), 1)
    assert (given_up.state, given_up.error) == ("failed", str(error))


def test_a_file_in_use_is_waited_for(life: Life) -> None:
    waiting = ended(life, Stop(Reason.IN_USE, b"a/file"), attempts=2)

    assert (waiting.state, waiting.attempts) == ("planned", 1)


class Lost(PermanentError):
    """A permanent error of a sort of its own: the catalogue, say."""


@pytest.mark.parametrize("error", [CatalogueRefused("no"), Lost("no"), ValueError("no")])
def test_what_is_no_matter_of_one_act_goes_through(life: Life, error: Exception) -> None:
    act = life.plan("trash", FIRST)

    with pytest.raises(type(error), match="no"):
        executor(life, says(error)).carry_out(act)
    assert life.act(act) == act


# -- what was half done ----------------------------------------------------------------------------


def test_an_act_that_is_given_up_ends_as_what_became_of_its_files(life: Life) -> None:
    def settle(work: Work) -> Act:
        return work.tools.acted.trashed(work.act, work.now_ns)

    act = ended(life, Stop(Reason.CHANGED, b"a/file"), settle)

    assert (act.state, act.error) == ("done", "")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Halted(Refused(Reason.BUSY, b"a", "files")), "busy: {}: a: files"),
        (Stop(Reason.FAILING, b"a", "disk"), "failing: {}: a: disk"),
        *((error, str(error)) for error in PASSING),
        (StoreRefused("never"), "never"),
    ],
)
def test_while_it_is_not_known_where_its_files_lie_it_is_never_given_up(
    life: Life, error: Exception, why: str
) -> None:
    act = ended(life, Stop(Reason.CHANGED, b"a/file"), says(error))

    told = f"changed: {life.name}: a/file; and then: {why.format(life.name)}"
    assert (act.state, act.error, act.attempts) == ("planned", told, 1)


def test_the_same_is_told_once(life: Life) -> None:
    act = ended(life, StoreUnavailable("away"), says(StoreUnavailable("away")))

    assert (act.state, act.error) == ("planned", "away")


def test_an_act_that_nobody_wants_any_more_is_refused(life: Life) -> None:
    given_up = executor(life, says(ValueError())).give_up(life.plan("trash", FIRST), "not wanted")

    assert (given_up.act.state, given_up.act.error) == ("refused", "not wanted")


def test_an_act_that_nobody_wants_any_more_waits_for_its_root(life: Life) -> None:
    life.away = True

    waiting = executor(life, says(ValueError())).give_up(life.plan("trash", FIRST), "not wanted")

    assert (waiting.act.state, waiting.act.attempts) == ("planned", 1)
    assert waiting.act.error == f"a root is not there: {life.name}"


# -- how long is waited ----------------------------------------------------------------------------


def test_pauses_grow_from_a_minute_to_six_hours() -> None:
    pauses = [Patience().pause_ns(attempts) // MINUTE for attempts in range(8)]

    assert pauses == [1, 4, 16, 64, 256, 360, 360, 360]
    assert Patience().pause_ns(1_000_000) == 360 * MINUTE
    assert Patience(first=0.5, factor=1.0).pause_ns(0) == NS // 2
    assert Patience().attempts == 8


def test_an_act_waits_as_long_as_its_attempts_say(life: Life) -> None:
    act = life.plan("trash", FIRST)
    run = executor(life, says(StoreUnavailable("away")))

    for minutes in (1, 4, 16):
        act = run.carry_out(act).act
        assert act.next_try_ns == life.clock.wall_ns() + minutes * MINUTE


# -- what is told of an attempt --------------------------------------------------------------------


def test_all_that_an_attempt_did_is_told(life: Life) -> None:
    act = life.plan("trash", FIRST)
    tally = Tally(1, 2, 3, 4, [Quiet(by_lease=True)], ["its group"])

    assert outcome(act, tally) == Outcome(
        act,
        copied=1,
        verified=2,
        fetched=3,
        freed=4,
        quiet=(Quiet(by_lease=True),),
        lacking=("its group",),
    )


def test_of_what_was_not_tried_nothing_is_told(life: Life) -> None:
    done = life.done("trash").act

    assert life.carry_out(done) == (done, 0, 0, 0, 0, (), ())
    assert outcome(done, Tally()) == Outcome(done)


def test_what_was_done_before_an_error_is_told(life: Life) -> None:
    def carry(work: Work) -> Act:
        work.tally.copied = 7
        raise StoreUnavailable("away")

    told = executor(life, carry).carry_out(life.plan("trash", FIRST))

    assert told == Outcome(told.act, copied=7)
    assert told.act.error == "away"
