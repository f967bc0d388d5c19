"""``storewarden policy backtest``: what policies would have done in the past, and its regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, named, number
from storewarden.cli.policy import reading
from storewarden.cli.progress import Progress
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.config.schema import Settings
    from storewarden.policy.backtest import Backtest, Came, Replay, Window
    from storewarden.policy.rules import PolicySet

SHOWN = 3  # examples of each policy on a terminal
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much of the use in the window is recorded for a root."""

    root: str
    since_ns: int | None  # None where nobody counts
    share: float  # of the window


@dataclass(frozen=True, slots=True)
class Tested:
    """What policies would have come to, and how much is known to say so."""

    window: Window
    found: Backtest
    recorded: Sequence[Recorded]
    pressed: Sequence[str]  # policies that wait for pressure: left out


@verb
@click.argument("new", nargs=-1, metavar="[NEW]...")
@click.option(
    "--window",
    "length",
    default="90d",
    show_default=True,
    metavar="TIME",
    help="How far back to begin.",
)
def command(session: Session, new: Sequence[str], length: str) -> int:
    """Tell what policies would have done had they been in force for some time.

    The policies are those of NEW (files and directories), or those that the configuration names.
    The life of each file is gone through again, with its use as it was recorded: what would have
    been archived, moved, trashed or purged, how many bytes would be free now, and how many of those
    files were opened afterwards. What was opened on the very day counts as opened afterwards.

    Only use is recorded day by day. Of all else (names, sizes, facts, ratings) a file as it is now
    stands for the file then; what is gone by now is left out. Nothing is changed.

    In a pipe a line holds, between tabs: policy, action, files, bytes; or policy, freed, and bytes;
    or policy, regretted, files, bytes, opens; or root, since when use is counted, share of the
    window.
    """
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE
    from storewarden.policy.backtest import Window, waiting_for_pressure

    now_ns = SystemClock().wall_ns()
    window = Window(now_ns - _length(length), now_ns)
    policy_set = reading.read(session, new)
    with reading.here(session) as (engine, host):
        found = _replay(engine, host, policy_set, window)
        recorded = _recorded(engine, host, session.settings, window)
    tested = Tested(window, found, recorded, waiting_for_pressure(policy_set))
    _tell(session.output, tested)
    return DONE


def _length(text: str) -> int:
    from storewarden.errors import UsageError
    from storewarden.units import UnitError, parse_duration

    try:
        length = round(parse_duration(text) * SECOND_NS)
    except UnitError as error:
        raise UsageError(
            "no window can be read", where=text, why=error.reason, remedy=error.hint
        ) from error
    if not length:
        raise UsageError("the window has no length", where=text, remedy="write --window 90d")
    return length


def _replay(engine: Engine, host: int, policy_set: PolicySet, window: Window) -> Backtest:
    """Go through every file that the policies may ever have been about."""
    from storewarden.catalogue.verdicts import meeting
    from storewarden.pipeline.judging import subjects
    from storewarden.policy.backtest import backtest, concerned
    from storewarden.policy.sql import joins, render

    one = render(concerned(policy_set), engine.dialect, window.until_ns)
    tables = joins(one.joins, engine.dialect)
    with Progress("replaying") as bar:
        ids = meeting(engine, tables, f"({one.text}) IS NOT FALSE", tuple(one.params), host)
        for found in backtest(subjects(engine, ids), policy_set, window):
            bar.update(found.files, len(ids))
    return found


def _recorded(engine: Engine, host: int, settings: Settings, window: Window) -> list[Recorded]:
    """Return how much of the use in the window each root has kept."""
    from storewarden.catalogue.usage import counted_since

    kept = {root.name: round(root.usage_keep * SECOND_NS) for root in settings.roots}
    length = window.until_ns - window.from_ns
    told = []
    for root, since_ns in counted_since(engine, host).items():
        if since_ns is None:
            told.append(Recorded(root, None, 0.0))
            continue
        first = max(since_ns, window.until_ns - kept.get(root, length), window.from_ns)
        told.append(Recorded(root, first, max(0, window.until_ns - first) / length))
    return told


def _tell(output: Output, tested: Tested) -> None:
    if output.json:
        output.document(as_json(tested))
    elif output.terminal:
        _for_people(output, tested)
    else:
        _for_pipes(output, tested)


def as_json(tested: Tested) -> dict[str, Any]:
    """Return it as programs see it."""
    found = tested.found
    return {
        "from_ns": tested.window.from_ns,
        "until_ns": tested.window.until_ns,
        "roots": [
            {"root": one.root, "counted_from_ns": one.since_ns, "share": round(one.share, 4)}
            for one in tested.recorded
        ],
        "waiting_for_pressure": list(tested.pressed),
        "files": found.files,
        "counted": found.counted,
        "left": found.taken,
        "freed_bytes": found.freed,
        "regretted": found.regretted,
        "opens": found.opens,
        "policies": [
            {
                "id": id_,
                "actions": _actions(came),
                "freed_bytes": came.freed,
                "regretted": {
                    "files": came.regretted,
                    "bytes": came.regretted_bytes,
                    "opens": came.opens,
                    "examples": [_example(one) for one in came.examples],
                },
            }
            for id_, came in found.policies.items()
        ],
    }


def _actions(came: Came) -> Mapping[str, Any]:
    return {word: {"files": files, "bytes": came.bytes[word]} for word, files in came.files.items()}


def _example(one: Replay) -> dict[str, Any]:
    gone = one.gone
    return {
        "root": one.subject.root,
        **named("path", one.subject.path),
        "bytes": one.subject.size,
        "action": gone.action.word if gone else None,
        "at_ns": gone.at_ns if gone else None,
        "opens": one.opens,
    }


def _for_pipes(output: Output, tested: Tested) -> None:
    for id_, came in tested.found.policies.items():
        for word, files in came.files.items():
            output.fields(id_, word, files, came.bytes[word])
        output.fields(id_, "freed", came.freed)
        output.fields(id_, "regretted", came.regretted, came.regretted_bytes, came.opens)
    for one in tested.recorded:
        output.fields(one.root, "" if one.since_ns is None else one.since_ns, f"{one.share:.4f}")


def _for_people(output: Output, tested: Tested) -> None:
    from storewarden.units import format_size

    found = tested.found
    _use(output, tested)
    output.text()
    rows = [
        (id_, word, files, came)
        for id_, came in found.policies.items()
        for word, files in came.files.items()
    ]
    if rows:
        output.table(
            ("POLICY", "WOULD HAVE DONE", "FILES", "BYTES"),
            [
                (
                    *(Cell(id_, "head"), Cell(word), number(files)),
                    Cell(format_size(came.bytes[word]), right=True),
                )
                for id_, word, files, came in rows
            ],
        )
        output.text()
    for id_, came in found.policies.items():
        if came.regretted:
            _regret(output, id_, came)
    _summary(output, tested)


def _use(output: Output, tested: Tested) -> None:
    """Say from when to when, and how much of the use in between is known."""
    from storewarden.cli.when import moment
    from storewarden.units import format_share

    output.text(f"Since {moment(tested.window.from_ns)}, as if in force since then", "head")
    for one in tested.recorded:
        if one.since_ns is None:
            told = Cell("use is not counted (usage: true counts it)", "odd")
        elif one.share < 1:
            share = format_share(one.share)
            told = Cell(f"use is known from {moment(one.since_ns)}: {share} of the time", "odd")
        else:
            told = Cell("use is known for all of the time", "good")
        output.text(f"  {one.root}: {output.styled(told)}")
    if tested.pressed:
        names = ", ".join(tested.pressed)
        output.text(f"  left out, because they wait until space is wanted: {names}", "odd")


def _regret(output: Output, id_: str, came: Came) -> None:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    files = "1 file" if came.regretted == 1 else f"{came.regretted:,} files"
    were = "was" if came.regretted == 1 else "were"
    size = format_size(came.regretted_bytes)
    head = f"{id_}: {files}, {size}, {were} opened afterwards, {_times(came.opens)}"
    output.text(head, "bad")
    for one in came.examples[:SHOWN]:
        if one.gone is not None:
            done = f"{one.gone.action.word} {moment(one.gone.at_ns)}, opened {_times(one.opens)}"
            output.text(f"    {one.subject.root}/{shown(one.subject.path)}: {done}", "dim")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _summary(output: Output, tested: Tested) -> None:
    from storewarden.units import format_share, format_size

    found = tested.found
    if not found.taken:
        output.text("Nothing would have been taken away", "good")
        return
    left = "1 file" if found.taken == 1 else f"{found.taken:,} files"
    share = format_share(found.regretted / found.taken)
    told = f"{left} would have left, {format_size(found.freed)} be free"
    output.text(f"{told}; {found.regretted:,} of them ({share}) opened afterwards", "head")
    unknown = found.files - found.counted
    if unknown:
        files = "1 file" if unknown == 1 else f"{unknown:,} files"
        output.text(f"Of {files} no use is recorded: whether they are missed is not known", "odd")
