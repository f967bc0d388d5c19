"""What a backtest leaves out was never touched; what it says can be said of any file."""

from hypothesis import given

from storewarden.policy.backtest import Window, concerned, leaves, replay
from storewarden.policy.evaluate import evaluate
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Subject
from tests.policies import DAY, NOW, policy_sets, subjects

WINDOW = Window(NOW - 40 * DAY, NOW)


@given(policy_sets(4), subjects())
def test_files_that_are_left_out_were_never_touched(
    policy_set: PolicySet, subject: Subject
) -> None:
    found = replay(subject, policy_set, WINDOW)
    if found is not None and found.steps:
        assert evaluate(concerned(policy_set), subject, NOW) is not False


@given(policy_sets(4), subjects())
def test_steps_are_in_the_window_and_in_their_order(
    policy_set: PolicySet, subject: Subject
) -> None:
    found = replay(subject, policy_set, WINDOW)
    if found is None:
        return
    times = [step.at_ns for step in found.steps]
    assert times == sorted(times)
    assert all(WINDOW.from_ns <= time <= WINDOW.until_ns for time in times)
    assert (found.gone is None) == (not any(leaves(step) for step in found.steps))
    if found.gone is not None:
        assert all(day.day >= found.gone.at_ns // DAY for day in found.days)
