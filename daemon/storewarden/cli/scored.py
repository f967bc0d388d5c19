"""How healthy all of it is, for verbs: what the daemon says, and without one what is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from storewarden.cli.output import Style
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.health_history import Was
    from storewarden.clock import Clock
    from storewarden.health.probes import Disk
    from storewarden.health.score import Deduction

FRESH_NS = 180 * 10**9
"""What a daemon noted is how it is for so long; it notes it once a minute."""

STYLES: dict[str, Style] = {"healthy": "good", "warning": "odd", "critical": "bad"}


class Scored(NamedTuple):
    """A score, what it means, what was lost, and who says so."""

    score: int
    status: str
    profile: str
    deductions: tuple[Deduction, ...]
    live: bool  # a daemon watches; else what cannot be seen and what waits is not known
    at_ns: int  # when this was so


def read(session: Session, engine: Engine, clock: Clock, *, growth: bool) -> Scored:
    """Return how healthy all of it is.

    Without a daemon to say so it is judged here; with ``growth`` also when disks will be full,
    for which all files are gone through.
    """
    from storewarden.catalogue import health_history
    from storewarden.catalogue.lease import live_holder
    from storewarden.cli.listing import our_host
    from storewarden.health.profiles import profile_of
    from storewarden.health.score import from_facts, score

    host, now_ns = our_host(engine), clock.wall_ns()
    live = host is not None and live_holder(engine, host, clock) is not None
    was = health_history.last(engine, host) if host is not None and live else None
    if was is not None and now_ns - was.until_ns < FRESH_NS:
        told = from_facts(json.loads(was.deductions))
        return Scored(was.score, was.status, was.profile, told, live, was.until_ns)
    from storewarden.health.probes import Probes

    probes = Probes(disks=_disks(session, engine, host, now_ns, growth=growth))
    if host is not None:
        from storewarden.health.gather import gather

        probes = gather(engine, host, _outside(session, probes.disks, live=live), now_ns)
    judged = score(probes, profile_of(session.settings.health), now_ns)
    shown = (judged.score, judged.status, judged.profile, judged.deductions)
    return Scored(*shown, live, now_ns)


def _outside(session: Session, disks: tuple[Disk, ...], *, live: bool) -> Any:
    from storewarden.cli.policies import policies_of
    from storewarden.errors import PolicyError
    from storewarden.health.gather import Outside
    from storewarden.policy.timing import machine_zone

    try:
        policies = policies_of(session)
    except PolicyError:
        policies = None  # that they are wrong is told by `status` and `policy check`
    return Outside(session.settings.roots, policies, disks, live, zone=machine_zone())


def _disks(
    session: Session, engine: Engine, host: int | None, now_ns: int, *, growth: bool
) -> tuple[Disk, ...]:
    from storewarden.databases.disks import disks

    settings = session.settings
    tops = {root.name: root.path for root in settings.roots}
    if not growth or host is None:
        return disks(tops, settings.state, (), now_ns)
    from storewarden.catalogue.databases import known_databases
    from storewarden.databases.filled import growths, systems

    grown = growths(engine, known_databases(engine, host), now_ns)
    return disks(tops, settings.state, systems(engine, host, tops, grown, now_ns), now_ns)


def history(engine: Engine, since_ns: int) -> list[Was]:
    """Return what was noted since a time."""
    from storewarden.catalogue import health_history
    from storewarden.cli.listing import our_host

    host = our_host(engine)
    return [] if host is None else health_history.since(engine, host, since_ns)


def document(one: Scored) -> dict[str, Any]:
    """Return it as DESIGN.md's object."""
    from storewarden.health.score import as_facts

    return {
        "score": one.score,
        "status": one.status,
        "profile": one.profile,
        "daemon": one.live,
        "at_ns": one.at_ns,
        "deductions": as_facts(one.deductions),
    }


def brief(one: Scored) -> Iterator[tuple[str, Style]]:
    """Yield what one screen says of it: a line, and a line for each reason."""
    from storewarden.measure.shown import shown

    yield f"health     {one.score} of 100, {one.status}", STYLES[one.status]
    for lost in one.deductions:
        if lost.points:
            yield (
                f"  −{lost.points} {lost.reason}: {shown(lost.object)}, {shown(lost.detail)}",
                "odd",
            )
    if one.deductions:
        yield "  → storewarden health", "head"


def lost(one: Deduction) -> tuple[str, str]:
    """Return what is lost as it is told: how many points, and for what."""
    from storewarden.measure.shown import shown

    more = f" (and {one.more:,} more)" if one.more else ""
    return f"−{one.points}" if one.points else "", f"{shown(one.object)}: {shown(one.detail)}{more}"
