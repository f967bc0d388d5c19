"""The tests inside policy files: what they expect, and what is decided; pure.

The clock stands at a time that can be set, and the file is as old as the test says.
"""

from __future__ import annotations

from dataclasses import dataclass

from storewarden.policy.decide import decide
from storewarden.policy.decision import Decision
from storewarden.policy.made_up import make
from storewarden.policy.rules import Expectation, PolicySet

NOTHING = "nothing"
NOON_NS = 1_780_315_200 * 1_000_000_000  # 2026-06-01 12:00 UTC: no clock is changed near it


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test, what it expected and what was decided, both as people say it, and why."""

    expectation: Expectation
    expected: str
    decided: str
    why: str
    wrong: tuple[str, ...]  # of do, policy and category, which were decided otherwise
    decision: Decision

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.wrong


def run(policy_set: PolicySet, now_ns: int = NOON_NS) -> list[Outcome]:
    """Run every test of a set of policies as if it were ``now_ns``."""
    return [try_one(expectation, policy_set, now_ns) for expectation in policy_set.tests]


def try_one(expectation: Expectation, policy_set: PolicySet, now_ns: int = NOON_NS) -> Outcome:
    """Run one test."""
    made = make(expectation, policy_set, now_ns)
    decision = decide(made.subject, made.policy_set, now_ns)
    done = _done(decision, now_ns)
    deciding = _winners(decision)
    if done != NOTHING and decision.policy is not None:
        deciding = (decision.policy,)
    # who is asked only for a policy may mean any that counts for the file
    concerned = deciding if expectation.do else (*deciding, *_winners(decision))
    categories = _categories(policy_set, concerned)
    wrong = {
        "do": expectation.do not in (None, done),
        "policy": expectation.policy is not None and expectation.policy not in concerned,
        "category": expectation.category is not None and expectation.category not in categories,
    }
    return Outcome(
        expectation,
        _said(expectation.do, expectation.policy, expectation.category),
        _said(done, " and ".join(deciding), " and ".join(_categories(policy_set, deciding))),
        decision.reason,
        tuple(key for key, is_wrong in wrong.items() if is_wrong),
        decision,
    )


def _done(decision: Decision, now_ns: int) -> str:
    """Return what is done at a time: what is due and not kept back, or nothing."""
    if decision.action is None or decision.due_ns is None or decision.blocked:
        return NOTHING
    return decision.action.word if decision.due_ns <= now_ns else NOTHING


def _winners(decision: Decision) -> tuple[str, ...]:
    """Return the policies that are known to win, each once."""
    names = (decision.hold, decision.place, decision.phases, decision.care)
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith("?")))


def _categories(policy_set: PolicySet, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the categories that policies say, each once."""
    said = [policy.category for policy in policy_set.policies if policy.id in names]
    return tuple(dict.fromkeys(filter(None, said)))


def _said(do: str | None, policy: str | None, category: str | None) -> str:
    """Say what is expected or decided: `archive by renders (performance_critical)`."""
    said = do or "anything"
    if policy:
        said += f" by {policy}"
    return f"{said} ({category})" if category else said
