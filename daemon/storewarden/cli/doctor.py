"""``storewarden doctor``: what will go wrong on this machine, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storewarden.cli.checks.finding import Finding, Level
from storewarden.cli.output import Cell, Output, Style
from storewarden.cli.session import Session, verb
from storewarden.config.schema import Settings
from storewarden.errors import DONE, FAILED
from storewarden.measure.shown import shown

STYLES: dict[Level, Style] = {Level.OK: "good", Level.WARN: "odd", Level.FAIL: "bad"}


@verb
def doctor(session: Session) -> int:
    """Say what will go wrong on this machine, and the command that mends it.

    Looks at limits, mounts, permissions, space, clocks and the catalogue; changes nothing.
    Exit code 1 when something is broken now.
    """
    return answer(session.output, list(examine(session.settings)))


def examine(settings: Settings) -> Iterator[Finding]:
    """Make every check."""
    from storewarden.cli.checks import finding, machine, places, services
    from storewarden.watch.mounts import MountTable

    yield finding.ok("configuration", shown(settings.source))
    mounts = MountTable()
    try:
        counted = {root.name: places.count_directories(root) for root in settings.roots}
        many = {name: found.directories for name, found in counted.items() if found is not None}
        twice = sum(many.get(root.name, 0) for root in settings.roots if root.usage)
        yield from machine.machine(sum(many.values()), settings.watch_share, twice)
        sqlite = settings.catalogue.startswith("sqlite")
        yield from places.state_directory(settings.state, mounts.current(), sqlite=sqlite)
        for root in settings.roots:
            yield from places.root(root, mounts, counted[root.name])
    finally:
        mounts.close()
    yield from services.catalogue(settings)
    yield services.listening(settings.http, served=services.served_by_us)


def answer(output: Output, findings: Sequence[Finding]) -> int:
    """Write the findings; 1 when one of them is a failure."""
    count = {level: sum(one.level is level for one in findings) for level in Level}
    if output.json:
        output.document(
            {
                "checks": [one._asdict() for one in findings],
                **{level.value: number for level, number in count.items()},
            }
        )
    elif output.terminal:
        _for_people(output, findings, count)
    else:
        for one in findings:
            output.fields(*one)
    return FAILED if count[Level.FAIL] else DONE


def _for_people(output: Output, findings: Sequence[Finding], count: dict[Level, int]) -> None:
    widest = max(len(one.subject) for one in findings)
    for one in findings:
        level = output.styled(Cell(f"{one.level.value:<4}", STYLES[one.level]))
        output.text(f"{level}  {one.subject:<{widest}}  {one.told}")
        if one.remedy:
            output.text(f"{'':<{widest + 6}}  {output.styled(Cell('→ ' + one.remedy, 'head'))}")
    output.text()
    if not count[Level.WARN] and not count[Level.FAIL]:
        output.text("All is well.", "good")
    else:
        output.text(f"{count[Level.FAIL]} broken, {count[Level.WARN]} to look after.", "head")
