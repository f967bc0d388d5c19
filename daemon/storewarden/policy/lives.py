"""Which step in the life of a file comes next, and when: what ``phases`` says, as SQL.

All steps that policies can come to are numbered; a row is first told its number, then what that
means. The columns are those of the layers in ``verdict``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from storewarden.policy.phases import remaining, store_of
from storewarden.policy.rules import LOCAL, Force, Phase, Policy
from storewarden.policy.sql_pieces import Speech, Sql, put, sql

AWAY = "away"
"""What the state of a file is called here that was moved to another store."""

_STATES = ("present", AWAY, "archived", "trashed")
LOOKED_UP = sql("(SELECT l.since_ns FROM placed l WHERE l.file_id = id)")
"""Since when a file is where it is, where no layer brings it along."""

_CLOCKS = {"created": "seen", "modified": "modified", "last_used": "last_used"}


@dataclass(frozen=True, slots=True)
class Step:
    """What may come next: a phase of a policy in a state, and what may be done before it."""

    number: int
    policy: Policy
    state: str
    phase: Phase
    before: Step | None

    @property
    def starts(self) -> bool:
        """Whether no phase was done yet that led to the state."""
        return self.state in {"present", AWAY}

    @property
    def may_be_done(self) -> bool:
        """Whether a file in that state may be already where the phase would bring it."""
        do = self.phase.do
        return do is Force.COPY or (do is Force.ARCHIVE and self.state == AWAY)


def steps(policies: Iterable[Policy]) -> Iterator[Step]:
    """Yield every step that a file can come to."""
    number = 0
    for policy in policies:
        for state in _STATES:
            before: Step | None = None
            for phase in remaining(policy.phases, "present" if state == AWAY else state):
                number += 1
                before = Step(number, policy, state, phase, before)
                yield before
                if not before.may_be_done:
                    break


def step(of_policy: Sequence[Step]) -> Sql:
    """Return the number of the step that a file of a policy comes to."""
    by_state = []
    for state in _STATES:
        cases = [_reached(each) for each in of_policy if each.state == state]
        if cases:
            chain = put(f"CASE {' '.join(['{}'] * len(cases))} END", *cases)
            by_state.append(put(f"WHEN '{state}' THEN {{}}", chain))
    state = f"CASE WHEN placed <> '{LOCAL}' THEN '{AWAY}' ELSE state END"
    return put(f"CASE {state} {' '.join(['{}'] * len(by_state))} END", *by_state)


def _reached(step: Step) -> Sql:
    if not step.may_be_done:
        return sql(f"WHEN TRUE THEN {step.number}")
    if step.phase.do is Force.ARCHIVE:
        other = "placed IS DISTINCT FROM CAST(? AS TEXT)"
        return sql(f"WHEN {other} THEN {step.number}", step.phase.to)
    return put(f"WHEN {{}} IS NULL THEN {step.number}", _copied(step.phase.to))


def _there(step: Step, since: Sql) -> Sql:
    """Return since when a file is where a step would bring it."""
    if step.phase.do is Force.ARCHIVE:
        return since
    return _copied(step.phase.to)


def _copied(store: str | None) -> Sql:
    """Return since when a store has a copy; of no store in particular, any but here."""
    which = sql("c.store = ?", store) if store else sql(f"c.store <> '{LOCAL}'")
    return put("(SELECT min(c.verified_ns) FROM copies c WHERE c.file_id = id AND {})", which)


def actions(steps: Sequence[Step]) -> Sql:
    """Return what a step does."""
    return _by_step(steps, lambda each: sql(str(int(each.phase.do))), "BIGINT")


def stores(steps: Sequence[Step]) -> Sql:
    """Return where a step brings a file; NULL where it brings it nowhere."""
    stored = [each for each in steps if store_of(each.phase)]
    return _by_step(stored, lambda each: sql("CAST(? AS TEXT)", store_of(each.phase)), "TEXT")


def dues(steps: Sequence[Step], speech: Speech, since: Sql) -> Sql:
    """Return when a step is due; NULL where its clock is unknown.

    ``since`` is when a file came to where it is now; NULL where nobody moved it.
    """
    return _by_step(steps, lambda each: _due(each, speech, since), "BIGINT")


def _by_step(steps: Sequence[Step], means: Callable[[Step], Sql], kind: str) -> Sql:
    """Return what the steps mean; steps that mean the same share a case."""
    by_meaning: dict[Sql, list[str]] = {}
    # Cases are tried one after the other, and most files are there.
    for each in sorted(steps, key=lambda each: each.state != "present"):
        by_meaning.setdefault(means(each), []).append(str(each.number))
    if not by_meaning:
        return sql(f"CAST(NULL AS {kind})")
    cases = [
        put(f"WHEN {_among(numbers)} THEN {{}}", meaning) for meaning, numbers in by_meaning.items()
    ]
    return put(f"CASE {' '.join(['{}'] * len(cases))} END", *cases)


def _among(numbers: Sequence[str]) -> str:
    if len(numbers) == 1:
        return f"step = {numbers[0]}"
    return f"step IN ({', '.join(numbers)})"


def _due(step: Step, speech: Speech, since: Sql) -> Sql:
    after = step.phase.after_ns
    if step.phase.after_previous:
        return put(f"{{}} + {after}", _done_before(step, speech, since))
    column = _CLOCKS.get(step.policy.clock)
    if column is None:
        return sql("CAST(NULL AS BIGINT)")  # a column of a table: files have none
    if step.state == "present":
        return _latest(
            sql(f"{column} + {after}"),
            put(f"coalesce({{}} + {after}, {column} + {after})", since),
            speech,
        )
    if step.starts:
        return sql(f"{column} + {after}")
    return _latest(sql(f"{column} + {after}"), sql(f"coalesce(gone, {column} + {after})"), speech)


def _done_before(step: Step, speech: Speech, since: Sql) -> Sql:
    """Return when the step before was done; NULL where that is not known."""
    before = step.before
    if before is None:
        return sql("CAST(NULL AS BIGINT)" if step.starts else "gone")
    return _latest(_due(before, speech, since), _there(before, since), speech)


def _latest(one: Sql, other: Sql, speech: Speech) -> Sql:
    """Return the later of two times; NULL where the first is, and the second never is alone."""
    if speech.lite:
        return put("max({}, {})", one, other)
    return put("CASE WHEN {} IS NOT NULL THEN greatest({}, {}) END", one, one, other)
