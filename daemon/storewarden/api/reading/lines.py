"""What happened to files, as lines of one kind: acts with their outcome, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from storewarden.catalogue import find

if TYPE_CHECKING:
    from storewarden.catalogue.acts import Act
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.find import Event, FileRow


class Line(NamedTuple):
    """One thing that happened: an act, or what was seen of a file."""

    at_ns: int
    what: str  # an act's verb, or an event
    outcome: str  # an act's state; empty for an event
    root: str
    path: bytes
    files: int
    size: int
    store: str
    policy: str
    by: str
    why: str
    error: str
    act: int | None
    undoes: int | None


def of_file(engine: Engine, row: FileRow, *, seen: bool = True) -> Iterator[Line]:
    """Yield all that was done with a file, and unless ``seen`` is false what was seen of it."""
    from storewarden.catalogue import acts  # noqa: PLC0415  # milliseconds, for who asks of none

    whole = [act_line(act) for act in acts.of_file(engine, row.id, limit=1000)]
    yield from whole
    if seen:
        noted = {line.act for line in whole}
        yield from (_event(row.root, row.path, one) for one in _seen(engine, row.id, noted))


def newest_first(line: Line) -> tuple[int, int]:
    """Return what lines are sorted by."""
    return -line.at_ns, -(line.act or 0)


def _seen(engine: Engine, file_id: int, noted: set[int | None]) -> Iterator[Event]:
    """Yield what was noted of a file, but for what its acts tell of themselves."""
    for event in find.history(engine, file_id):
        if event.detail.get("act") not in noted or event.detail.get("act") is None:
            yield event


def act_line(act: Act) -> Line:
    """Return an act as a line."""
    at_ns = act.ended_ns if act.ended_ns is not None else act.changed_ns
    return Line(
        *(at_ns, act.verb, act.state, act.root, act.path, len(act.members), act.size),
        *(act.store or "", act.policy or "", act.asked_by, act.reason, act.error),
        *(act.id, act.undoes),
    )


def _event(root: str, path: bytes, event: Event) -> Line:
    told = dict(event.detail)
    by, why = str(told.pop("by", "") or ""), str(told.pop("reason", "") or "")
    policy, store = str(told.pop("policy", "") or ""), str(told.pop("store", "") or "")
    act = told.pop("act", None)
    rest = ", ".join(f"{key} {value}" for key, value in told.items() if value)
    return Line(
        *(event.at_ns, event.event, "", root, path, 1, 0, store, policy, by),
        *(": ".join(part for part in (why, rest) if part), "", act, None),
    )
