"""In which store a file belongs, and when it may go there."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.policy.evaluate import evaluate, flips, hysteresis
from storewarden.policy.expression import Condition
from storewarden.policy.rules import LOCAL, Evaluate, Placement
from storewarden.policy.subject import Subject


class Removal(NamedTuple):
    """A file belongs in another store than the one it is in."""

    store: str
    due_ns: int


def removal(place: Placement, subject: Subject, now_ns: int) -> Removal | None:
    """Return where a file has to go and from when on, or nothing where it stays."""
    if subject.stage != "present":
        return None
    store = belongs(place, subject, now_ns)
    if store == subject.lies:
        return None
    stay = place.evaluate.min_stay_ns if place.evaluate else 0
    since = subject.first_seen_ns if subject.placed_ns is None else subject.placed_ns
    return Removal(store, max(subject.first_seen_ns, since + stay))


def belongs(place: Placement, subject: Subject, now_ns: int) -> str:
    """Return the store in which a file belongs: where it is, when that is not known."""
    if place.required:
        return subject.lies if subject.lies in place.required else place.required[0]
    if place.preferred:
        return place.preferred[0]
    if place.evaluate is None:
        return subject.lies
    here = judged(place.evaluate, subject, now_ns)
    if here is None:
        return subject.lies
    return LOCAL if here else place.evaluate.otherwise


def judged(how: Evaluate, subject: Subject, now_ns: int) -> bool | None:
    """Tell whether a file belongs here by its use; nothing where that is not counted."""
    condition = limits(how, local=subject.lies == LOCAL)
    return evaluate(condition, subject, now_ns, how.window_ns)


def requires_local(place: Placement | None) -> bool:
    """Tell whether a placement keeps files here whatever else is said."""
    return place is not None and LOCAL in place.required


def limits(how: Evaluate, *, local: bool) -> Condition:
    """Return ``local_if`` with its limits moved: what is near one shall not go to and fro.

    What is here stays until it is clearly below; what is elsewhere returns when clearly above.
    """
    if not how.hysteresis:
        return how.local_if
    return hysteresis(how.local_if, 1 - how.hysteresis if local else 1 + how.hysteresis)


def again(place: Placement, subject: Subject, now_ns: int) -> int | None:
    """Return when a file may belong elsewhere though nobody touches it."""
    how = place.evaluate
    if how is None or subject.stage != "present":
        return None
    return flips(limits(how, local=subject.lies == LOCAL), subject, now_ns, how.window_ns)
