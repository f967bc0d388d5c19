"""What one run may do, and what is held back with the words and the command that release it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from storewarden.policy.rules import Force, Guard
from storewarden.policy.run import Due, Frozen, Ground, Held, Limit, Outcome, Run

GIB = 2**30
GUARD = Guard(max_objects=5, max_bytes=10 * GIB, max_share=0.5, max_errors=0.05)
GROUND = Ground("renders", GUARD, of_files=1000, of_bytes=1000 * GIB)
APPLY = "storewarden apply --policy renders"


def due(*sizes: int, action: Force = Force.TRASH, root: str = "r") -> list[Due]:
    return [Due(at, root, action, size) for at, size in enumerate(sizes, 1)]


def through(
    ground: Ground, some: Iterable[Due], outcomes: Iterable[Outcome] = ()
) -> tuple[list[int], list[Held]]:
    """Run to the end; what no outcome is given for is done."""
    run, told = Run(ground, some), iter(outcomes)
    done = []
    for each in run:
        done.append(each.file_id)
        run.note(next(told, Outcome.DONE))
    return done, run.held()


def test_what_stays_within_all_limits_is_done_in_its_order() -> None:
    assert through(GROUND, due(1, 2, 3)) == ([1, 2, 3], [])


@pytest.mark.parametrize(
    ("ground", "sizes", "done", "limit", "why"),
    [
        (GROUND, (1,) * 8, 5, Limit.OBJECTS, "8 files, at most 5 in one run"),
        (
            *(GROUND, (6 * GIB, 5 * GIB, 1), 1, Limit.BYTES),
            "11.0 GiB, at most 10.0 GiB in one run",
        ),
        (
            *(replace(GROUND, of_files=6), (1,) * 4, 3, Limit.SHARE),
            "66.7% of all there is, at most 50% in one run",
        ),
        (replace(GROUND, spent_files=4), (1, 1, 1), 1, Limit.OBJECTS, "7 files, at most 5"),
        (replace(GROUND, spent_bytes=10 * GIB), (1,), 0, Limit.BYTES, "10.0 GiB, at most"),
        (replace(GROUND, asked=Limit.BYTES), (7,), 0, Limit.BYTES, "nobody answered; 1 file, 7 B"),
        (replace(GROUND, observed=True), (1, 1), 0, Limit.OBSERVED, "has applied its first plan"),
        (replace(GROUND, jumped="the clock jumped"), (1, 1), 0, Limit.CLOCK, "the clock jumped:"),
        (
            replace(GROUND, frozen={"r": Frozen("not mounted")}),
            (1,),
            0,
            Limit.FROZEN,
            "not mounted",
        ),
    ],
)
def test_from_a_limit_on_everything_is_held_back_and_counted(
    ground: Ground, sizes: tuple[int, ...], done: int, limit: Limit, why: str
) -> None:
    went, (held,) = through(ground, due(*sizes))
    assert went == list(range(1, done + 1))
    assert (held.limit, held.files, held.bytes) == (limit, len(sizes) - done, sum(sizes[done:]))
    assert held.root == ("r" if limit is Limit.FROZEN else None)
    assert held.guard.partition(":")[0] == limit.value
    assert why in held.why
    assert held.command == {
        Limit.CLOCK: "storewarden policy accept-clock",
        Limit.FROZEN: "storewarden doctor",
    }.get(limit, APPLY)


def test_what_failed_or_was_observed_once_does_not_stop_the_next_run() -> None:
    for limit in (Limit.ERRORS, Limit.OBSERVED, Limit.CLOCK, Limit.FROZEN):
        assert through(replace(GROUND, asked=limit), due(1, 2)) == ([1, 2], [])


def test_nothing_small_slips_past_what_did_not_fit() -> None:
    went, (held,) = through(GROUND, due(11 * GIB, 1, 1))
    assert went == []
    assert (held.files, held.bytes) == (3, 11 * GIB + 2)


def test_files_that_go_together_count_one_by_one_and_are_not_parted() -> None:
    bundles = [Due(at, "r", Force.ARCHIVE, 10, files=3) for at in (1, 2)]
    went, (held,) = through(GROUND, bundles)
    assert went == [1]
    assert (held.limit, held.files, held.bytes) == (Limit.OBJECTS, 3, 10)


def test_copying_meets_no_limit_and_goes_on_beside_what_is_held_back() -> None:
    mixed = [Due(1, "r", Force.TRASH, 11 * GIB), *due(0, 50 * GIB, action=Force.COPY)[1:]]
    assert through(GROUND, mixed)[0] == [2]
    assert through(replace(GROUND, jumped="the clock jumped"), mixed)[0] == [2]
    assert through(replace(GROUND, observed=True), mixed)[0] == []


def test_the_work_of_other_roots_goes_on_while_one_is_frozen() -> None:
    ground = replace(
        GROUND,
        frozen={
            "b": Frozen("it is not mounted"),
            "c": Frozen("it was never scanned", "storewarden scan c"),
        },
    )
    some = [Due(at, root, Force.TRASH, 1) for at, root in enumerate("abcab", 1)]
    went, held = through(ground, some)
    assert went == [1, 4]
    assert [(each.guard, each.files, each.why, each.command) for each in held] == [
        ("frozen-root:b", 2, "the root b is frozen: it is not mounted", "storewarden doctor"),
        ("frozen-root:c", 1, "the root c is frozen: it was never scanned", "storewarden scan c"),
    ]


BAD, FINE, BUSY = Outcome.FAILED, Outcome.DONE, Outcome.REFUSED
MANY = replace(GROUND, guard=Guard(None, None, None, 0.05))


@pytest.mark.parametrize(
    ("outcomes", "tried", "why"),
    [
        ([BAD, BAD, BAD], 3, "3 acts failed one after the other"),
        ([BAD, BAD, FINE, BAD, BAD], 100, ""),
        ([BAD, BUSY, BAD, BUSY, BAD], 5, "3 acts failed one after the other"),
        ([BAD, BAD, BUSY, FINE], 100, ""),  # 2 of 20 and more
        ([BAD, FINE] * 10, 20, "10 of 20 acts failed, 50%, at most 5% may"),
        ([BUSY] * 50, 100, ""),
    ],
)
def test_a_run_in_which_too_much_fails_ends(outcomes: list[Outcome], tried: int, why: str) -> None:
    most = replace(MANY, guard=Guard(None, None, None, 0.2 if not why else 0.05))
    went, held = through(most, due(*(1,) * 100), outcomes)
    assert len(went) == tried
    assert [(each.limit, each.files) for each in held] == (
        [(Limit.ERRORS, 100 - tried)] if why else []
    )
    if why:
        assert why in held[0].why
        assert not held[0].limit.asks


def test_a_share_of_failures_is_of_all_that_the_run_tried_before_a_restart_too() -> None:
    went, held = through(replace(MANY, tried=19, failed=1), due(1, 1, 1), [BAD])
    assert went == [1]
    assert "2 of 20 acts failed" in held[0].why


def test_never_is_no_limit_for_failures_either() -> None:
    ground = replace(GROUND, guard=Guard(None, None, None, None))
    assert len(through(ground, due(*(1,) * 50), [BAD] * 50)[0]) == 50


@pytest.mark.parametrize(
    ("more", "done"),
    [
        ({}, 8),
        ({"observed": True, "asked": Limit.SHARE, "spent_files": 500}, 8),
        ({"frozen": {"r": Frozen("it was replaced")}}, 0),
        ({"jumped": "the clock jumped"}, 0),
    ],
)
def test_what_a_person_applies_is_beyond_limits_but_not_beyond_doubts(
    more: dict[str, object], done: int
) -> None:
    ground = replace(GROUND, by_person=True, **more)  # type: ignore[arg-type]  # fields of it
    assert len(through(ground, due(*(4 * GIB,) * 8))[0]) == done


def test_what_a_person_applies_ends_when_it_fails() -> None:
    went, (held,) = through(replace(GROUND, by_person=True), due(*(1,) * 9), [BAD] * 9)
    assert (went, held.limit) == ([1, 2, 3], Limit.ERRORS)


def test_due_work_is_read_as_it_is_done_and_never_kept() -> None:
    read = []

    def endless() -> Iterator[Due]:
        for at in range(1, 10**9):
            read.append(at)
            yield Due(at, "r", Force.TRASH, 1)

    run = iter(Run(GROUND, endless()))
    assert [next(run).file_id, next(run).file_id, read] == [1, 2, [1, 2]]
