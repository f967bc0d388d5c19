"""``storewarden policy list``: each policy as one sentence, and whether it is in force."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note
from storewarden.cli.policy import reading
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.covered import Covered
    from storewarden.policy.rules import Policy, PolicySet

STATES = {
    "in force": "good",
    "observed": "odd",
    "not in force": "bad",
    "": "dim",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One policy: what it says, whether anybody acts by it, what it comes to here."""

    policy: Policy
    sentence: str
    state: str  # in force, observed, not in force; nothing where no daemon ever ran
    covered: Covered | None  # None for policies about rows, and where nothing was recorded

    @property
    def files(self) -> int | None:
        """How many files it matches here."""
        return None if self.covered is None else self.covered.matches.files


@verb
@click.argument("files", nargs=-1, metavar="[FILE]...")
def command(session: Session, files: Sequence[str]) -> int:
    """List policies in the order in which they count, each as one English sentence.

    Those of FILEs and directories, or those that the configuration names. A policy that may free
    bytes is observed at first: what it would do is planned and shown, and not done before a person
    has applied its first plan. `not in force` is what the daemon has not read yet, or reads
    otherwise.

    In a pipe a line holds, between tabs: policy, state, files and bytes that it matches, files that
    it decides of, place, sentence.
    """
    from storewarden.errors import DONE

    policy_set = reading.read(session, files)
    with reading.catalogue(session) as opened:
        listed = _listed(policy_set, opened)
    _tell(session.output, listed)
    return DONE


def _listed(policy_set: PolicySet, opened: tuple[Engine, int] | None) -> list[Listed]:
    from storewarden.cli.policy.measured import coverage
    from storewarden.clock import SystemClock
    from storewarden.policy.sentence import sentence

    states: dict[str, str] = {}
    covered: dict[str, Covered] = {}
    if opened is not None:
        engine, host = opened
        states = _states(engine, host, policy_set)
        covered = coverage(engine, host, policy_set, SystemClock().wall_ns()).policies
    return [
        Listed(policy, sentence(policy), states.get(policy.id, ""), covered.get(policy.id))
        for policy in policy_set.policies
    ]


def _states(engine: Engine, host: int, policy_set: PolicySet) -> dict[str, str]:
    """Return of each policy whether the daemon acts by it."""
    from storewarden.api.reading.in_force import observed
    from storewarden.catalogue.policy_sets import in_force, policies
    from storewarden.policy.fingerprints import fingerprint

    force = in_force(engine, host)
    if force is None:
        return {}
    whole = force.fingerprint == policy_set.fingerprint
    stored = {name: one.fingerprint for name, one in policies(engine, host).items()}
    watched = observed(engine, host, policy_set)
    states = {}
    for policy in policy_set.policies:
        if not whole and stored.get(policy.id) != fingerprint(policy):
            states[policy.id] = "not in force"
        else:
            states[policy.id] = "observed" if policy.id in watched else "in force"
    return states


def _tell(output: Output, listed: Sequence[Listed]) -> None:
    if output.json:
        output.document({"policies": [as_json(one) for one in listed]})
        return
    if not listed:
        note("there are no policies")
    for one in listed:
        if output.terminal:
            _for_people(output, one)
        else:
            output.fields(
                *(one.policy.id, one.state, "" if one.files is None else one.files),
                "" if one.covered is None else one.covered.matches.bytes,
                "" if one.covered is None else one.covered.won,
                *(_place(one), one.sentence),
            )


def _place(one: Listed) -> str:
    return "" if one.policy.where is None else str(one.policy.where)


def as_json(one: Listed) -> dict[str, Any]:
    """Return a policy as programs see it."""
    from storewarden.policy.analysis import KINDS, has

    covered = one.covered
    return {
        "id": one.policy.id,
        "sentence": one.sentence,
        "kinds": [kind for kind in KINDS if has(one.policy, kind)],
        "state": one.state or None,
        "destructive": one.policy.destructive,
        "category": one.policy.category or None,
        "reason": one.policy.reason or None,
        "place": _place(one) or None,
        "rows": one.policy.rows,
        "files": one.files,
        "bytes": None if covered is None else covered.matches.bytes,
        "decides_of": None if covered is None else covered.won,
    }


def _for_people(output: Output, one: Listed) -> None:
    from storewarden.units import format_size

    told = []
    if one.state:
        style: Any = STATES[one.state]
        told.append(output.styled(Cell(one.state, style)))
    if one.covered is not None:
        matches = one.covered.matches
        files = "1 file" if matches.files == 1 else f"{matches.files:,} files"
        told.append(f"{files}, {format_size(matches.bytes)}" if matches.files else "no files")
        if matches.files and one.covered.won < matches.files:
            told.append(f"decides of {one.covered.won:,}")
    head = output.styled(Cell(one.policy.id, "head"))
    output.text("  ".join([head, *told]))
    columns = min(shutil.get_terminal_size().columns, 100)
    for line in textwrap.wrap(one.sentence, columns - 4):
        output.text(f"    {line}")
