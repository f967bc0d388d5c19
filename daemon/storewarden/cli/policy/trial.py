"""``storewarden policy test``: the tests inside policy files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note
from storewarden.cli.policy import reading
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.policy.rules import PolicySet
    from storewarden.policy.trial import Outcome


@verb
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--at", metavar="TIME", help="What time it is taken to be: 2028-02-29T12:00Z.")
def command(session: Session, files: Sequence[str], at: str | None) -> int:
    """Run the tests in policy files: those of FILEs and directories, or of the configuration.

    Each says facts of a made-up file and what is to be decided of it. Exit code 1 when something
    else is decided. No catalogue is needed, and nothing is changed.

    In a pipe a line holds, between tabs: ok or fail, place, expected, decided, why.
    """
    from storewarden.errors import DONE, FAILED

    policy_set = reading.read(session, files)
    outcomes = _run(policy_set, at)
    _tell(session.output, outcomes)
    if not outcomes and not session.json:
        note(
            "there are no tests in these policies; docs/reference/policies.md says how to write one"
        )
    return DONE if all(outcome.passed for outcome in outcomes) else FAILED


def _run(policy_set: PolicySet, at: str | None) -> list[Outcome]:
    from storewarden.policy import trial

    if at is None:
        return trial.run(policy_set)
    from storewarden.cli.until import until

    return trial.run(policy_set, until(at, 0))


def _tell(output: Output, outcomes: Sequence[Outcome]) -> None:
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if output.json:
        output.document(
            {
                "ok": not failed,
                "passed": len(outcomes) - len(failed),
                "failed": len(failed),
                "tests": [_as_json(outcome) for outcome in outcomes],
            }
        )
    elif output.terminal:
        for outcome in outcomes:
            _for_people(output, outcome)
        passed = f"{len(outcomes) - len(failed)} passed"
        told = f"{passed}, {len(failed)} failed" if failed else passed
        output.text(told, "bad" if failed else "good")
    else:
        for one in outcomes:
            state = "ok" if one.passed else "fail"
            output.fields(state, _place(one), one.expected, one.decided, one.why)


def _place(outcome: Outcome) -> str:
    where = outcome.expectation.where
    return "" if where is None else str(where)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "passed": outcome.passed,
        "place": _place(outcome) or None,
        "expected": outcome.expected,
        "decided": outcome.decided,
        "wrong": list(outcome.wrong),
        "why": outcome.why,
    }


def _for_people(output: Output, outcome: Outcome) -> None:
    if outcome.passed:
        output.text(f"{output.styled(Cell('ok', 'good'))}    {_place(outcome)}: {outcome.decided}")
        return
    fail = output.styled(Cell("fail", "bad"))
    output.text(f"{fail}  {_place(outcome)}: expected {outcome.expected}")
    output.text(f"      decided {outcome.decided}")
    if outcome.why:
        output.text(f"      {outcome.why}", "dim")
