"""Which step in the life of a file comes next, and when: what ``phases`` says, as SQL.

All steps that policies can come to are numbered; a row is first told its number, then what that
means. What a step does is the rest of its number divided by eight, and what is left tells the store
in the same way: neither needs a look through all steps. The columns are those of the layers in
``verdict``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from storewarden.policy.phases import remaining, store_of
from storewarden.policy.rules import LOCAL, Force, Phase, Policy
from storewarden.policy.sql_pieces import Speech, Sql, put, sql

AWAY = "away"
"""What the state of a file is called here that was moved to another store."""

_EIGHT = 8  # more than there is to do
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
    several = list(policies)
    goals = _goals(phase for policy in several for phase in policy.phases)
    count = 0
    for policy in several:
        for state in _STATES:
            before: Step | None = None
            for phase in remaining(policy.phases, "present" if state == AWAY else state):
                count += 1
                goal = goals.index(store_of(phase))
                number = (count * len(goals) + goal) * _EIGHT + int(phase.do)
                before = Step(number, policy, state, phase, before)
                yield before
                if not before.may_be_done:
                    break


def _goals(phases: Iterable[Phase]) -> list[str | None]:
    """Return the stores that phases bring files to; first is none."""
    return list(dict.fromkeys([None, *map(store_of, phases)]))


def step(steps: Sequence[Step], ids: Mapping[str, int]) -> Sql:
    """Return the number of the step that a file comes to; ``ids`` are those of the policies.

    Cases are tried one after the other: most files are there, whatever policy they have.
    """
    by_state = []
    for state in _STATES:
        of_policy: dict[str, list[Step]] = {}
        for each in steps:
            if each.state == state:
                of_policy.setdefault(each.policy.id, []).append(each)
        cases = [
            put(f"WHEN {ids[policy]} THEN {{}}", _reached(several))
            for policy, several in of_policy.items()
        ]
        if cases:
            chain = put(f"CASE abs(phases) {' '.join(['{}'] * len(cases))} END", *cases)
            by_state.append(put(f"WHEN '{state}' THEN {{}}", chain))
    if not by_state:
        return sql("CAST(NULL AS BIGINT)")
    state = f"CASE WHEN placed <> '{LOCAL}' THEN '{AWAY}' ELSE state END"
    return put(f"CASE {state} {' '.join(['{}'] * len(by_state))} END", *by_state)


def _reached(steps: Sequence[Step]) -> Sql:
    """Return the number of the first of some steps that is not done."""
    *some, last = steps  # none comes behind one that cannot be done already
    cases = [put(f"WHEN {{}} THEN {each.number}", _open(each)) for each in some]
    if last.may_be_done:
        cases.append(put(f"WHEN {{}} THEN {last.number}", _open(last)))
    elif not some:
        return sql(str(last.number))
    otherwise = "" if last.may_be_done else f" ELSE {last.number}"
    return put(f"CASE {' '.join(['{}'] * len(cases))}{otherwise} END", *cases)


def _open(step: Step) -> Sql:
    """Return whether a file is not yet where a step would bring it."""
    if step.phase.do is Force.ARCHIVE:
        return sql("placed IS DISTINCT FROM CAST(? AS TEXT)", step.phase.to)
    return put("{} IS NULL", _copied(step.phase.to))


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
    return sql(f"step % {_EIGHT}") if steps else sql("CAST(NULL AS BIGINT)")


def stores(steps: Sequence[Step]) -> Sql:
    """Return where a step brings a file; NULL where it brings it nowhere."""
    _, *goals = all_ = _goals(phase for each in steps for phase in each.policy.phases)
    if not goals:
        return sql("CAST(NULL AS TEXT)")
    cases = [sql(f"WHEN {at} THEN CAST(? AS TEXT)", goal) for at, goal in enumerate(goals, 1)]
    of = f"step / {_EIGHT} % {len(all_)}"
    return put(f"CASE {of} {' '.join(['{}'] * len(cases))} END", *cases)


def dues(steps: Sequence[Step], speech: Speech, since: Sql) -> Sql:
    """Return when a step is due; NULL where its clock is unknown.

    ``since`` is when a file came to where it is now; NULL where nobody moved it.
    """
    by_due: dict[Sql, list[str]] = {}
    # Cases are tried one after the other, and most files are there.
    for each in sorted(steps, key=lambda each: each.state != "present"):
        by_due.setdefault(_due(each, speech, since), []).append(str(each.number))
    if not by_due:
        return sql("CAST(NULL AS BIGINT)")
    cases = [put(f"WHEN {_among(numbers)} THEN {{}}", due) for due, numbers in by_due.items()]
    return put(f"CASE {' '.join(['{}'] * len(cases))} END", *cases)


def _among(numbers: Sequence[str]) -> str:
    if len(numbers) <= _EIGHT:  # SQLite makes an index for a longer list, and looks into that
        return " OR ".join(f"step = {number}" for number in numbers)
    return f"step IN ({', '.join(numbers)})"


def _due(step: Step, speech: Speech, since: Sql) -> Sql:
    after = step.phase.after_ns
    if step.phase.after_previous:
        return put(f"{{}} + {after}", _done_before(step, speech, since))
    column = _CLOCKS.get(step.policy.clock)
    if column is None:
        return sql("CAST(NULL AS BIGINT)")  # a column of a table: files have none
    if step.state == "present":
        begins = _latest(sql(column), put(f"coalesce({{}}, {column})", since), speech)
        return put(f"{{}} + {after}", begins)
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
