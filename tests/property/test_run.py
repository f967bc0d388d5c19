"""Whatever is due and however much fails: never more than the limits, in order, and all counted."""

from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.rules import Force, Guard
from storewarden.policy.run import IN_A_ROW, JUDGED_FROM, Due, Frozen, Ground, Limit, Outcome, Run

some_due = st.lists(
    st.builds(
        Due,
        st.integers(1, 10**6),
        st.sampled_from(("a", "b", "frozen")),
        st.sampled_from(tuple(Force)),
        st.integers(0, 100),
        st.integers(1, 3),
    ),
    max_size=60,
)
guards = st.builds(
    Guard,
    st.none() | st.integers(0, 40),
    st.none() | st.integers(0, 2000),
    st.none() | st.sampled_from((0.0, 0.1, 0.5, 1.0)),
    st.none() | st.sampled_from((0.0, 0.05, 0.5, 1.0)),
)
grounds = st.builds(
    Ground,
    st.just("p"),
    guards,
    st.integers(0, 200),
    st.integers(0, 5000),
    frozen=st.sampled_from(({}, {"frozen": Frozen("it is not mounted")})),
    jumped=st.sampled_from(("", "", "the clock jumped")),
    observed=st.sampled_from((False, False, True)),
    asked=st.sampled_from((None, None, Limit.BYTES)),
    by_person=st.booleans(),
    spent_files=st.integers(0, 10),
    spent_bytes=st.integers(0, 500),
    tried=st.just(0),
    failed=st.just(0),
)
outcomes = st.lists(st.sampled_from(tuple(Outcome)), min_size=60, max_size=60)


@given(grounds, some_due, outcomes)
def test_never_more_than_its_limits_and_everything_is_counted(
    ground: Ground, due: list[Due], told: list[Outcome]
) -> None:
    run = Run(ground, due)
    went: list[Due] = []
    results: list[Outcome] = []
    for each in run:
        went.append(each)
        results.append(told[len(results)])
        run.note(results[-1])
    held = run.held()

    rest = iter(due)  # the order is kept
    assert all(any(one is each for one in rest) for each in went)
    assert sum(each.files for each in held) == sum(e.files for e in due) - sum(
        e.files for e in went
    )
    assert sum(each.bytes for each in held) == sum(e.bytes for e in due) - sum(
        e.bytes for e in went
    )
    assert all(each.files and each.why and each.command for each in held)

    assert not any(each.root in ground.frozen for each in went)
    freed = [each for each in went if each.action.destructive]
    assert not (ground.jumped and freed)
    if not ground.by_person:
        assert not (ground.observed and went)
        assert not (ground.asked and freed)
        _within(ground, freed)
    _stops(ground, results)


def _within(ground: Ground, freed: list[Due]) -> None:
    if not freed:
        return
    files = ground.spent_files + sum(each.files for each in freed)
    size = ground.spent_bytes + sum(each.bytes for each in freed)
    guard = ground.guard
    assert guard.max_objects is None or files <= guard.max_objects
    assert guard.max_bytes is None or size <= guard.max_bytes
    if guard.max_share is not None:
        assert not ground.of_files or files / ground.of_files <= guard.max_share
        assert not ground.of_bytes or size / ground.of_bytes <= guard.max_share


def _stops(ground: Ground, results: list[Outcome]) -> None:
    """Nothing was tried after so much had failed, or so many in a row."""
    most = ground.guard.max_errors
    if most is None:
        return
    counted = [each for each in results[:-1] if each is not Outcome.REFUSED]
    failed = row = 0
    for tried, each in enumerate(counted, 1):
        failed += each is Outcome.FAILED
        row = row + 1 if each is Outcome.FAILED else 0
        assert row < IN_A_ROW
        assert tried < JUDGED_FROM or failed <= most * tried
