"""``storewarden policy diff``: the files that other policies would treat differently."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, named
from storewarden.cli.policy import reading
from storewarden.cli.progress import Progress
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.coverage import Where
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.differences import Change, Changed, Differences, Judged
    from storewarden.policy.rules import PolicySet

BATCH = 1000  # files whose places are read at once
SHOWN = 3  # examples of each change on a terminal


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sets of policies, and what the second would do otherwise here."""

    policies: Sequence[str]  # by which they differ
    found: Differences
    places: Mapping[int, Where]


@verb
@click.argument("new", nargs=-1, required=True, metavar="NEW...")
@click.option(
    "--old", multiple=True, metavar="FILE", help="Compare with these; else the configuration's."
)
@click.option("--files", "each", is_flag=True, help="List every file, not only how many.")
def command(session: Session, new: Sequence[str], old: Sequence[str], each: bool) -> int:
    """Tell which files the policies of NEW would treat differently.

    NEW is one or more files or directories, all that shall be in force; they are compared with
    those that the configuration names. A file is treated differently when something else happens
    to it next, by another policy, to another store, at another time, or is kept back otherwise.
    Nothing is changed.

    Exit code 1 when there are such files.

    In a pipe a line holds, between tabs: before, after, sooner or later, files, bytes; with --files
    root, path, before, after, sooner or later.
    """
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    before, after = reading.read(session, old), reading.read(session, new)
    with reading.here(session) as (engine, host):
        judging = Judging(engine, host, before, after, SystemClock().wall_ns())
        if each:
            return FAILED if _list(session.output, engine, judging) else DONE
        compared = judging.whole()
    _tell(session.output, compared)
    return FAILED if compared.found.files else DONE


class Judging:
    """Has the database decide by both sets, of the files that may be treated otherwise."""

    def __init__(
        self, engine: Engine, host: int, old: PolicySet, new: PolicySet, now_ns: int
    ) -> None:
        from storewarden.policy.differences import changed_policies, numbers

        self._engine, self._host, self._now_ns = engine, host, now_ns
        self._sets = (old, new)
        self._changed = changed_policies(old, new)
        self._ids = numbers(old, new)
        self._names = {id_: name for name, id_ in self._ids.items()}

    def whole(self) -> Compared:
        """Compare all of them."""
        from storewarden.catalogue.coverage import places
        from storewarden.policy.differences import Differences

        found = Differences()
        for _, _, found in self.files():  # noqa: B007  # the last one is the sum
            pass
        wanted = [id_ for one in found.changes.values() for id_ in one.examples]
        policies = list(dict.fromkeys(policy.id for policy in self._changed))
        return Compared(policies, found, places(self._engine, wanted))

    def files(self) -> Iterator[tuple[int, Change | None, Differences]]:
        """Yield every file that may change, how it does, and the sum so far."""
        from storewarden.policy.differences import differences

        yield from differences(self._rows(), self._names, self._now_ns)

    def _rows(self) -> Iterator[tuple[int, int, Judged, Judged]]:
        from storewarden.catalogue.verdicts import decided, meeting
        from storewarden.policy.differences import Judged, concerned
        from storewarden.policy.sql import joins, render
        from storewarden.policy.verdict import verdict

        dialect = self._engine.dialect
        if not self._changed:
            return
        one = render(concerned(self._changed), dialect, self._now_ns)
        tables, condition = joins(one.joins, dialect), f"({one.text}) IS NOT FALSE"
        with Progress("comparing") as bar:
            ids = meeting(self._engine, tables, condition, tuple(one.params), self._host)
            made = [verdict(each, self._ids, dialect, self._now_ns) for each in self._sets]
            queries = [(each.query("f.id IN ({in})"), tuple(each.params)) for each in made]
            rows = decided(self._engine, queries, ids)
            for at, (id_, size, (before, after)) in enumerate(rows):
                if not at % 5000:
                    bar.update(at, len(ids))
                yield id_, size, Judged.of(before), Judged.of(after)


def _list(output: Output, engine: Engine, judging: Judging) -> int:
    """Write a line for each file that is treated differently; how many there were."""
    changed = ((id_, change) for id_, change, _ in judging.files() if change is not None)
    count = 0
    while batch := list(itertools.islice(changed, BATCH)):
        count += len(batch)
        _write(output, engine, batch)
    return count


def _write(output: Output, engine: Engine, batch: Sequence[tuple[int, Change]]) -> None:
    from storewarden.catalogue.coverage import places
    from storewarden.measure.shown import shown

    where = places(engine, [id_ for id_, _ in batch])
    for id_, change in batch:
        if (at := where.get(id_)) is None:
            continue
        if output.json:
            told = {"before": change.before, "after": change.after, "when": change.when or None}
            output.record({"root": at.root, **named("path", at.path), "bytes": at.size, **told})
        elif output.terminal:
            when = f", {change.when}" if change.when else ""
            output.text(f"{at.root}/{shown(at.path)}: {change.before} → {change.after}{when}")
        else:
            output.fields(at.root, at.path, change.before, change.after, change.when)


def _tell(output: Output, compared: Compared) -> None:
    found = compared.found
    changes = sorted(found.changes.items(), key=lambda pair: (-pair[1].files, str(pair[0])))
    if output.json:
        output.document(_document(compared, changes))
    elif output.terminal:
        _for_people(output, compared, changes)
    else:
        for change, one in changes:
            output.fields(change.before, change.after, change.when, one.files, one.bytes)


def _document(compared: Compared, changes: Sequence[tuple[Change, Changed]]) -> dict[str, Any]:
    found = compared.found
    return {
        "policies": list(compared.policies),
        "compared": found.compared,
        "files": found.files,
        "bytes": found.bytes,
        "due_now": {"before": _sum(found.due_before), "after": _sum(found.due_after)},
        "changes": [
            {
                "before": change.before,
                "after": change.after,
                "when": change.when or None,
                **_sum(one),
                "examples": [
                    {"root": where.root, **named("path", where.path), "bytes": where.size}
                    for where in _examples(compared, one)
                ],
            }
            for change, one in changes
        ],
    }


def _sum(one: Changed) -> dict[str, int]:
    return {"files": one.files, "bytes": one.bytes}


def _examples(compared: Compared, one: Changed) -> list[Where]:
    return [compared.places[id_] for id_ in one.examples if id_ in compared.places]


def _for_people(
    output: Output, compared: Compared, changes: Sequence[tuple[Change, Changed]]
) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    found = compared.found
    if not compared.policies:
        output.text("The policies say the same", "good")
        return
    output.text(f"The policies differ by: {', '.join(compared.policies)}")
    if not changes:
        output.text("Every file is treated as before", "good")
        return
    for change, one in changes:
        output.text()
        head = f"{_files(one.files)}, {format_size(one.bytes)}"
        after = f"{change.after}, {change.when}" if change.when else change.after
        output.text(f"{output.styled(Cell(head, 'head'))}: {change.before} → {after}")
        for where in _examples(compared, one)[:SHOWN]:
            output.text(f"    {where.root}/{shown(where.path)}", "dim")
    output.text()
    output.text(f"{_files(found.files)}, {format_size(found.bytes)} treated differently", "head")
    rows = [("before", found.due_before), ("after", found.due_after)]
    if any(one.files for _, one in rows):
        output.text("Of these, due now and not held:")
        for word, one in rows:
            output.text(f"    {word}: {_files(one.files)}, {format_size(one.bytes)}")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
