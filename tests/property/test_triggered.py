"""Runs come when a plan says that due work is carried out, however often somebody looks."""

from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.rules import Timer, Triggers
from storewarden.policy.timing import carried_out
from storewarden.policy.triggered import Cause, Known, Last, asked
from tests.policies import DAY, NOW, SECOND

HOUR = 3600 * SECOND
timers = st.lists(
    st.builds(Timer, st.sampled_from((HOUR, 7 * HOUR, DAY, 9 * DAY)), st.none())
    | st.builds(
        Timer,
        st.none(),
        st.sampled_from(("0 3 * * *", "*/10 * * * *", "30 2 * * 1", "0 0 1 * *")),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
triggers = st.just(Triggers()) | st.builds(Triggers, st.just(value=False), timers)
moments = st.integers(-40 * DAY, 40 * DAY).map(lambda off: NOW + off)


@given(triggers, moments, st.integers(1, 30 * DAY))
def test_due_work_is_taken_up_when_plans_say_so(told: Triggers, due_ns: int, before: int) -> None:
    known = Known(due_ns, due_ns - before)
    now_ns = due_ns - before
    while (found := asked(told, known, now_ns)).cause is None:
        assert found.again_ns is not None
        assert found.again_ns > now_ns  # it is looked at then, and not oftener
        now_ns = found.again_ns
    assert now_ns == carried_out(told, due_ns)


@given(triggers, moments, moments, moments)
def test_a_run_starts_only_on_what_is_due_and_only_once_for_what_was_missed(
    told: Triggers, due_ns: int, last_ns: int, now_ns: int
) -> None:
    known = Known(due_ns, 0, Last(Cause.TIMER, last_ns, last_ns))
    found = asked(told, known, now_ns)
    assert found.again_ns is not None
    assert found.again_ns >= now_ns
    if found.cause is not None:
        assert due_ns <= now_ns
    if found.cause is Cause.TIMER:
        again = asked(told, Known(due_ns, 0, Last(Cause.TIMER, now_ns, now_ns)), now_ns)
        assert again.cause is None
