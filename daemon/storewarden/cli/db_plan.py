"""``storewarden db plan``: what moving databases to where they belong comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from storewarden.cli.db_known import policies_named, recorded, strategy
from storewarden.cli.output import Cell, Output, named, number
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.databases.migrate import Migration, Task
    from storewarden.databases.recommend import Step

SHOWN = 12  # names of a step, and reasons, on a terminal
_JUDGED = 3  # the step of those whose place depends on how they are used
_WHAT = {
    "secure": "to keep here",
    "move": "to move",
    "return": "to bring back",
    "there": "in place",
    "judge": "to be judged",
}


@verb
@strategy
def plan(session: Session, strategy: str | None) -> int:
    """Show the three steps of moving databases to where they belong; nothing is moved.

    Of the databases that are recorded here; where none is, of those that the policies name.
    """
    policies = policies_named(session, strategy)
    from storewarden.clock import SystemClock
    from storewarden.databases import migrate, recommend
    from storewarden.errors import DONE

    now_ns = SystemClock().wall_ns()
    there = recorded(session)
    if there:
        found = migrate.migration(policies, there, now_ns)
        tell(session.output, found, found.tasks)
    else:
        _tell_names(session.output, recommend.migration(policies, (), now_ns))
    return DONE


def tell(output: Output, found: Migration, tasks: Sequence[Task], *, brief: bool = False) -> None:
    """Tell of tasks of a migration; ``brief``: people want to know what moves and what waits."""
    if output.json:
        output.document(document(found, tasks))
    elif output.terminal:
        _for_people(output, found, tasks, brief=brief)
    else:
        for task in tasks:
            output.fields(*_fields(task))


def share(found: Migration) -> str:
    """Say which share of the databases left this machine, and which will have."""
    from storewarden.units import format_share, format_size

    every = format_size(found.here + found.away)
    if found.saved is None or found.forecast is None:
        return "no database takes any room here"
    done = f"{format_share(found.saved)} of {every} of databases left this machine"
    if not found.leaving:
        return done
    return f"{done}; {format_share(found.forecast)} once all is done"


# -- for programs -------------------------------------------------------------------------------


def document(found: Migration, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return a migration as an object of JSON."""
    from storewarden.databases.recommend import PHASES

    return {
        "steps": [
            _step(number, name, [task for task in tasks if task.phase == number])
            for number, (name, _) in enumerate(PHASES, 1)
        ],
        "unnamed": [
            {"root": one.subject.root, **named("path", one.subject.path), "bytes": one.size}
            for one in found.unnamed
        ],
        "totals": totals(found),
    }


def totals(found: Migration) -> dict[str, Any]:
    """Return the bytes of all databases, and which share of them leaves this machine."""
    return {
        "databases": len(found.tasks),
        "recorded": len(found.tasks) + len(found.unnamed),
        "bytes": found.here + found.away,
        "here_bytes": found.here,
        "moved_bytes": found.away,
        "moved_share": found.saved,
        "saved_bytes": found.away + found.leaving,
        "saved_share": found.forecast,
    }


def _step(phase: int, name: str, tasks: Sequence[Task]) -> dict[str, Any]:
    return {
        "phase": phase,
        "name": name,
        "count": len(tasks),
        "bytes": sum(task.database.size for task in tasks),
        "databases": [_document(task) for task in tasks],
    }


def _document(task: Task) -> dict[str, Any]:
    subject = task.database.subject
    return {
        "name": task.name,
        "root": subject.root,
        **named("path", subject.path),
        "bytes": task.database.size,
        "what": task.what,
        "store": task.belongs.recommendation,
        "lies": subject.lies,
        "policy": task.belongs.policy,
        "reason": task.belongs.reason,
        "later": task.later or None,
    }


def _fields(task: Task) -> tuple[object, ...]:
    subject = task.database.subject
    return (
        *(task.phase, task.what, subject.root, subject.path, task.database.size),
        *(task.belongs.recommendation, task.belongs.reason, task.later),
    )


# -- for people ---------------------------------------------------------------------------------


def _for_people(output: Output, found: Migration, tasks: Sequence[Task], *, brief: bool) -> None:
    _tell_steps(output, tasks)
    for phase in (1, 2, 3):
        some = [task for task in tasks if task.phase == phase and (task.moves or not brief)]
        if some:
            output.text()
            output.text(f"{phase}  {_names([task.name for task in some])}")
    _tell_reasons(output, tasks, brief=brief)
    output.text()
    if found.unnamed and not brief:
        count, size = len(found.unnamed), sum(one.size for one in found.unnamed)
        _tell_unnamed(output, count, size)
    output.text(share(found))


def _tell_steps(output: Output, tasks: Sequence[Task]) -> None:
    from storewarden.databases.recommend import PHASES
    from storewarden.units import format_size

    rows = []
    for phase, (name, _) in enumerate(PHASES, 1):
        some = [task for task in tasks if task.phase == phase]
        size = format_size(sum(task.database.size for task in some))
        words = Cell("; ".join(_counts(some)) or "–")
        rows.append([_head(phase, name), number(len(some)), Cell(size, right=True), words])
    output.table(("step", "databases", "bytes", "of them"), rows)


def _counts(tasks: Sequence[Task]) -> Iterator[str]:
    for what, words in _WHAT.items():
        some = [task for task in tasks if task.what == what]
        now = sum(1 for task in some if not task.later)
        if now:
            yield f"{now:,} {words}"
        if len(some) > now:
            yield f"{len(some) - now:,} {words}, later"


def _tell_reasons(output: Output, tasks: Sequence[Task], *, brief: bool) -> None:
    """Say why some wait, and by what those were judged that are judged by their use."""
    from storewarden.measure.shown import shown

    told = [(task, task.later) for task in tasks if task.later]
    judged = (task for task in tasks if task.phase == _JUDGED and (task.moves or not brief))
    told += [(task, task.belongs.reason) for task in judged]
    if told:
        output.text()
    for task, why in told[:SHOWN]:
        output.text(f"{shown(task.place)}: {shown(why)}")
    if len(told) > SHOWN:
        output.text(f"… and {len(told) - SHOWN:,} more: storewarden db plan --json", "dim")


def _tell_unnamed(output: Output, count: int, size: int) -> None:
    from storewarden.units import format_size

    what = "1 database belongs" if count == 1 else f"{count:,} databases belong"
    line = f"no policy says where {what} ({format_size(size)}): storewarden policy coverage"
    output.text(line, "odd")


def _head(phase: int, name: str) -> Cell:
    return Cell(f"{phase} {name.replace('_', ' ')}")


def _names(names: Sequence[str]) -> str:
    from storewarden.measure.shown import shown

    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(map(shown, names[:SHOWN])) or '–'}{more}"


# -- where nothing is recorded ------------------------------------------------------------------


def _tell_names(output: Output, steps: Sequence[Step]) -> None:
    """Tell of the names that stand in policies: nothing is known of any size."""
    if output.json:
        output.document(
            {
                "steps": [_step_of_names(step) for step in steps],
                "unnamed": [],
                "totals": {
                    "databases": sum(len(step.databases) for step in steps),
                    "recorded": 0,
                    **dict.fromkeys(("bytes", "here_bytes", "moved_bytes", "saved_bytes"), 0),
                    **dict.fromkeys(("moved_share", "saved_share")),
                },
            }
        )
    elif output.terminal:
        rows = [
            [_head(step.phase, step.name), number(len(step.databases)), Cell(step.about)]
            for step in steps
        ]
        output.table(("step", "databases", "they"), rows)
        for step in steps:
            output.text()
            output.text(f"{step.phase}  {_names([name for name, _ in step.databases])}")
        output.text()
        output.text("no database is recorded here: these are the names in the policies")
    else:
        for step in steps:
            for name, _ in step.databases:
                output.fields(step.phase, step.name, name, "")


def _step_of_names(step: Step) -> dict[str, Any]:
    databases = [{"name": name, "bytes": None} for name, _ in step.databases]
    count = len(step.databases)
    return {"phase": step.phase, "name": step.name, "count": count, "bytes": 0} | {
        "databases": databases
    }
