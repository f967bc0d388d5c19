"""``storewarden policy coverage``: what each policy comes to here, and what no policy names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, named, number
from storewarden.cli.policy import reading
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.cli.policy.measured import Measured
    from storewarden.policy.covered import Missing, Sum

SCREENFUL = 50  # databases and names on a terminal; pipes and JSON have all


@verb
@click.argument("files", nargs=-1, metavar="[FILE]...")
def command(session: Session, files: Sequence[str]) -> int:
    """Tell what each policy comes to on this machine, and what is left out.

    How many files and bytes each policy matches, of how many it decides (others may come first),
    and of how many it is not known whether it matches. Which policies say otherwise about the same
    files. Files of which no policy says where they belong or how long they stay; every database
    among them by its path. Names in lists that no file bears.

    Exit code 1 when a policy matches nothing, a database is left out, or a name is in vain.

    In a pipe a line begins with policy, overlap, uncovered, unknown, database or name.
    """
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    policy_set = reading.read(session, files)
    from storewarden.cli.policy.measured import measure

    with reading.here(session) as (engine, host):
        found = measure(engine, host, policy_set, SystemClock().wall_ns())
    _tell(session.output, found)
    return FAILED if found.idle or found.databases or found.missing else DONE


def _tell(output: Output, found: Measured) -> None:
    if output.json:
        output.document(as_json(found))
    elif output.terminal:
        _for_people(output, found)
    else:
        _for_pipes(output, found)


def as_json(found: Measured) -> dict[str, Any]:
    """Return it as programs see it."""
    whole = found.coverage
    return {
        **_sum(whole.files),
        "policies": [
            {
                "id": id_,
                **_sum(one.matches),
                "unknown": _sum(one.unknown),
                "wins": {kind: _sum(won) for kind, won in one.wins.items()},
            }
            for id_, one in whole.policies.items()
        ],
        "matching_nothing": list(found.idle),
        "overlaps": [
            {"kind": pair.kind, "wins": pair.first, "other": pair.second, **_sum(total)}
            for pair, total in whole.meetings.items()
        ],
        "uncovered": _places(whole.uncovered),
        "unknown": _places(whole.undecided),
        "databases": {
            "all": whole.all_databases,
            "uncovered": [
                {
                    "root": where.root,
                    **named("path", where.path),
                    "bytes": where.size,
                    "cared": cared,
                }
                for where, cared in found.databases
            ],
        },
        "names_in_vain": [
            {"policy": one.policy, "name": one.name, "kinds": list(one.kinds)}
            for one in found.missing
        ],
    }


def _sum(total: Sum) -> dict[str, int]:
    return {"files": total.files, "bytes": total.bytes}


def _places(sums: Mapping[tuple[str, str], Sum]) -> list[dict[str, Any]]:
    return [
        {"root": root, "kind": kind, **_sum(total)} for (root, kind), total in sorted(sums.items())
    ]


def _for_pipes(output: Output, found: Measured) -> None:
    whole = found.coverage
    for id_, covered in whole.policies.items():
        matches = covered.matches
        output.fields(
            "policy", id_, matches.files, matches.bytes, covered.won, covered.unknown.files
        )
    for pair, total in whole.meetings.items():
        output.fields("overlap", pair.kind, pair.first, pair.second, total.files, total.bytes)
    for word, sums in (("uncovered", whole.uncovered), ("unknown", whole.undecided)):
        for (root, kind), total in sorted(sums.items()):
            output.fields(word, root, kind, total.files, total.bytes)
    for where, cared in found.databases:
        output.fields("database", where.root, where.path, where.size, "cared" if cared else "")
    for one in found.missing:
        output.fields("name", one.policy, one.name, ",".join(one.kinds))


def _for_people(output: Output, found: Measured) -> None:
    from storewarden.units import format_size

    whole = found.coverage
    output.table(
        ("POLICY", "MATCHES", "BYTES", "DECIDES OF", "NOT KNOWN"),
        [
            (
                Cell(id_, "bad" if id_ in found.idle else "head"),
                number(one.matches.files),
                Cell(format_size(one.matches.bytes), right=True),
                number(one.won),
                number(one.unknown.files),
            )
            for id_, one in whole.policies.items()
        ],
    )
    if whole.meetings:
        _head(output, "Files that match two policies which say otherwise; the first one wins")
        for pair, total in whole.meetings.items():
            told = f"{pair.first} before {pair.second}"
            output.text(f"  {told}: {_count(total)} ({pair.kind})")
    _left(output, "No policy says where these belong or how long they stay", whole.uncovered)
    _left(output, "Of these it is not known yet which policy matches", whole.undecided)
    _databases(output, found)
    _names(output, found.missing)
    _summary(output, found)


def _left(output: Output, head: str, sums: Mapping[tuple[str, str], Sum]) -> None:
    if not sums:
        return
    from storewarden.units import format_size

    _head(output, head)
    output.table(
        ("ROOT", "KIND", "FILES", "BYTES"),
        [
            (
                *(Cell(root), Cell(kind), number(total.files)),
                Cell(format_size(total.bytes), right=True),
            )
            for (root, kind), total in sorted(sums.items())
        ],
    )


def _databases(output: Output, found: Measured) -> None:
    if not found.databases:
        return
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    count, every = len(found.databases), found.coverage.all_databases
    _head(output, f"Databases that no policy names: {count:,} of {every:,}")
    lines = (
        f"{format_size(where.size):>10}  {where.root}/{shown(where.path)}"
        + (output.styled(Cell("  (cared for)", "dim")) if cared else "")
        for where, cared in found.databases
    )
    _some(output, lines, count)


def _names(output: Output, missing: Sequence[Missing]) -> None:
    if not missing:
        return
    from storewarden.measure.shown import shown

    _head(output, f"Names that no file of their policy bears: {len(missing):,}")
    lines = (
        f"  {one.policy}: {shown(one.name)}"
        + (f" (there is one of kind {' and '.join(one.kinds)})" if one.kinds else "")
        for one in missing
    )
    _some(output, lines, len(missing))


def _some(output: Output, lines: Iterable[str], count: int) -> None:
    """Write a screenful."""
    for at, line in enumerate(lines):
        if at == SCREENFUL and count > SCREENFUL + 1:
            output.text(f"  … and {count - SCREENFUL:,} more; --json has all", "dim")
            return
        output.text(line)


def _head(output: Output, line: str) -> None:
    output.text()
    output.text(line, "head")


def _count(total: Sum) -> str:
    from storewarden.units import format_size

    files = "1 file" if total.files == 1 else f"{total.files:,} files"
    return f"{files}, {format_size(total.bytes)}"


def _summary(output: Output, found: Measured) -> None:
    from storewarden.policy.covered import Sum

    left = Sum()
    for total in found.coverage.uncovered.values():
        left.files += total.files
        left.bytes += total.bytes
    output.text()
    decides = f"of {_count(left)} no policy decides" if left.files else "policies decide of all"
    output.text(f"{_count(found.coverage.files)}; {decides}", "head")
