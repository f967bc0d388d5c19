"""``storewarden policy check``: all mistakes, and what can never come to anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output
from storewarden.cli.policy import reading
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.policy.analysis import Finding
    from storewarden.policy.covered import Coverage
    from storewarden.policy.rules import PolicySet


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that there is to be said of policies that could be read."""

    policy_set: PolicySet
    findings: Sequence[Finding]
    coverage: Coverage | None  # None where nothing was recorded yet

    @property
    def problems(self) -> list[Finding]:
        """What is wrong."""
        return [finding for finding in self.findings if finding.wrong]

    @property
    def remarks(self) -> list[Finding]:
        """What may well be meant so."""
        return [finding for finding in self.findings if not finding.wrong]


@verb
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Exit with 1 for remarks as well.")
def command(session: Session, files: Sequence[str], strict: bool) -> int:
    """Say everything that is wrong with policies.

    Those of FILEs and directories, or those that the configuration names.

    First what cannot be read, each with its line (exit code 2). Then what can be known without
    looking at a file (exit code 1): policies that can never match, that wait for facts which no
    root tells, or that never get their turn because others come first. Then remarks: policies
    that say otherwise about the same files, classes that nobody uses, policies that match nothing
    on this machine.

    In a pipe a line holds, between tabs: problem or remark, sort, policy, kind, place, what, hint.
    """
    from storewarden.errors import DONE, FAILED, WRONG_USE, PolicyError

    try:
        policy_set = reading.read(session, files)
    except PolicyError as error:
        if not session.json:
            raise
        lines = [{"sort": "mistake", "what": line} for line in error.problems]
        session.output.document({"ok": False, "problems": lines, "remarks": []})
        return WRONG_USE
    found = _checked(session, policy_set)
    _tell(session.output, found)
    return FAILED if found.problems or (strict and found.remarks) else DONE


def _checked(session: Session, policy_set: PolicySet) -> Checked:
    """Analyse the policies, by themselves and by what this machine's files are."""
    from storewarden.cli.policy.measured import coverage
    from storewarden.clock import SystemClock
    from storewarden.policy.analysis import analyse

    findings = analyse(policy_set, reading.roots(session))
    with reading.catalogue(session) as opened:
        if opened is None:
            return Checked(policy_set, findings, None)
        engine, host = opened
        here = coverage(engine, host, policy_set, SystemClock().wall_ns())
    return Checked(policy_set, [*findings, *_here(policy_set, findings, here)], here)


def _here(policy_set: PolicySet, findings: Sequence[Finding], here: Coverage) -> list[Finding]:
    """Return which policies come to nothing on this machine, of those that might."""
    from storewarden.policy.analysis import Finding

    told = {finding.policy for finding in findings if finding.sort in {"never", "unknowable"}}
    useless = {finding.policy for finding in findings if finding.wrong}
    found = []
    for policy in reading.about_files(policy_set):
        one = here.policies[policy.id]
        if policy.id in told or not here.files.files:
            continue
        if not one.matches.files and not one.unknown.files:
            what = f"it matches none of the {here.files.files:,} files here"
            found.append(Finding("never", policy.id, what, wrong=False, place=policy.where))
        elif one.matches.files and not one.won and policy.id not in useless:
            number = f"{one.matches.files:,} files" if one.matches.files > 1 else "1 file"
            what = f"it matches {number} here and decides of none: others come first"
            found.append(Finding("shadowed", policy.id, what, wrong=False, place=policy.where))
    return found


def _tell(output: Output, found: Checked) -> None:
    if output.json:
        output.document(
            {
                "ok": not found.problems,
                "files": reading.names(found.policy_set),
                "policies": len(found.policy_set.policies),
                "problems": [as_json(one) for one in found.problems],
                "remarks": [as_json(one) for one in found.remarks],
                "looked_at": None if found.coverage is None else found.coverage.files.files,
            }
        )
    elif output.terminal:
        _for_people(output, found)
    else:
        for one in (*found.problems, *found.remarks):
            level = "problem" if one.wrong else "remark"
            place = "" if one.place is None else str(one.place)
            output.fields(level, one.sort, one.policy, one.kind, place, one.what, one.hint)


def as_json(one: Finding) -> dict[str, Any]:
    """Return a finding as programs see it."""
    return {
        "sort": one.sort,
        "policy": one.policy,
        "kind": one.kind or None,
        "others": list(one.others),
        "exception": one.nested,
        "place": None if one.place is None else str(one.place),
        "what": one.what,
        "hint": one.hint or None,
    }


def _for_people(output: Output, found: Checked) -> None:
    for one in found.problems:
        output.text(f"{output.styled(Cell('problem', 'bad'))}  {one}")
    shown = [one for one in found.remarks if not one.nested]
    for one in shown:
        output.text(f"{output.styled(Cell('remark', 'odd'))}   {one}")
    if exceptions := len(found.remarks) - len(shown):
        times = "1 policy is" if exceptions == 1 else f"{exceptions} policies are"
        output.text(f"{times} an exception to a later one; --json tells which", "dim")
    output.text(_summary(found), "bad" if found.problems else "good")


def _summary(found: Checked) -> str:
    policies = _number(len(found.policy_set.policies), "policy", "policies")
    files = _number(len(found.policy_set.sources), "file", "files")
    said = [_number(len(found.problems), "problem", "problems")] if found.problems else []
    if found.remarks:
        said.append(_number(len(found.remarks), "remark", "remarks"))
    verdict = " and ".join(said) or "nothing to remark"
    where = "" if found.coverage else "; nothing was recorded here yet to compare them with"
    return f"{policies} in {files}: {verdict}{where}"


def _number(count: int, one: str, several: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {several}"
