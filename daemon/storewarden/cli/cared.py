"""What ``status`` tells of databases: how many are known, what is due, and what is not well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import Style

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine

FIRST = 3  # troubles that are told one by one


@dataclass(frozen=True, slots=True)
class Trouble:
    """A database with which something is wrong, or could not be done: ``failures`` times."""

    database: str
    what: str
    failures: int
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What is being done for a database."""

    database: str
    what: str
    since_ns: int


@dataclass(frozen=True, slots=True)
class Cared:
    """Databases as one screen shows them."""

    known: int = 0
    due: int = 0  # things that are to be done
    under_way: tuple[UnderWay, ...] = ()
    troubles: tuple[Trouble, ...] = ()


def read(engine: Engine, host: int | None, now_ns: int) -> Cared:
    """Read how a host's databases are."""
    import json

    from storewarden.catalogue import care_figures

    if host is None:
        return Cared()
    troubles = []
    for one in care_figures.troubles(engine, host):
        told = json.loads(one.detail)
        why, remedy = str(told.get("why", "")), str(told.get("remedy", ""))
        troubles.append(Trouble(one.database, one.what, one.failures, why, remedy))
    return Cared(
        known=len(care_figures.sizes(engine, host)),
        due=sum(one.due for one in care_figures.waits(engine, host, now_ns).values()),
        under_way=tuple(UnderWay(*one) for one in care_figures.going_on(engine, host)),
        troubles=tuple(troubles),
    )


def as_json(cared: Cared) -> dict[str, Any]:
    """Return it as an object."""
    return asdict(cared)


def fields(cared: Cared) -> Iterator[tuple[object, ...]]:
    """Yield it as lines for programs."""
    if cared.known:
        counts = (cared.known, cared.due, len(cared.under_way), len(cared.troubles))
        yield ("databases", *counts)
    for one in cared.troubles:
        yield "database", one.database, one.what, one.failures, one.why, one.remedy


def lines(cared: Cared, now_ns: int) -> Iterator[tuple[str, Style]]:
    """Yield what people read; one line where all is well."""
    from storewarden.cli.when import ago
    from storewarden.measure.shown import shown

    parts = [f"{cared.known:,} known", f"{cared.due:,} due" if cared.due else ""]
    parts += [
        f"{one.what} of {shown(one.database)} under way, begun {ago(one.since_ns, now_ns)}"
        for one in cared.under_way[:FIRST]
    ]
    count = len(cared.troubles)
    parts.append(f"{count:,} not well" if count else "all well" if not cared.due else "")
    style: Style = "bad" if count else ""
    yield f"databases  {', '.join(part for part in parts if part)}", style
    for one in cared.troubles[:FIRST]:
        yield f"  {shown(one.database)}: {_said(one)}", "odd"
        if one.remedy:
            yield f"  → {shown(one.remedy)}", "head"
    if count > FIRST:
        yield f"  … and {count - FIRST:,} more: storewarden status --json", "dim"


def _said(one: Trouble) -> str:
    from storewarden.measure.shown import shown

    why = f": {shown(one.why)}" if one.why else ""
    if not one.failures:
        return f"{one.what} found it wrong{why}"
    times = "failed" if one.failures == 1 else f"failed {one.failures:,} times"
    return f"{one.what} {times}{why}"
