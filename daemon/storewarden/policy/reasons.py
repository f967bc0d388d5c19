"""Why something was decided, in words: what, counted from when, how long from now, what hinders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from storewarden.config.problems import printable
from storewarden.policy import terms as written
from storewarden.policy.decision import Blocked
from storewarden.policy.evaluate import evaluate
from storewarden.policy.expression import Term, terms
from storewarden.policy.known import UNKNOWN, rate
from storewarden.policy.phases import Next, back_ns, store_of
from storewarden.policy.placement import Removal, limits
from storewarden.policy.rules import LOCAL, Evaluate, Policy, PolicySet
from storewarden.policy.subject import Subject
from storewarden.units import format_duration

Names = Mapping[str, str | None]
"""The winner of each kind, as decisions name them."""

_SECOND = 1_000_000_000
_CLOCKS = {
    "created": "it was first seen",
    "modified": "it was last written",
    "last_used": "its last use",
}
_STATES = {
    "present": "its copy was due and made",
    "archived": "it was archived",
    "trashed": "it was trashed",
}
_MOVED = "the step before was due and done"
_SIDES = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "=": "equal to"}
_OTHER = {">": "not above", ">=": "below", "<": "not below", "<=": "above", "=": "not"}


def phase(policy: Policy, step: Next, subject: Subject) -> str:
    """Say what comes next in a file's life, and what its time is counted from."""
    do = step.phase.do
    to = store_of(step.phase)
    what = f"{policy.id}: {do.word}{f' to {to}' if to else ''}"
    after = duration(step.phase.after_ns)
    if step.phase.after_previous:
        since = _MOVED if subject.away else _STATES.get(subject.state, "the step before")
    else:
        since = _CLOCKS.get(policy.clock, policy.clock)
        if step.from_ns is not None and step.from_ns == back_ns(subject):
            since = "it was brought back"
    if step.from_ns is None:
        return f"{what} {after} after {since}, which is not known"
    return f"{what} {after} after {since}, which was {day(step.from_ns)}"


def removal(policy: Policy, away: Removal, subject: Subject, now_ns: int) -> str:
    """Say why a file belongs elsewhere than it is, with the figures where use decides."""
    place = policy.place
    where = "here" if away.store == LOCAL else f"in {away.store}"
    if place and place.required:
        return f"{policy.id}: required {where}"
    if place and place.evaluate:
        said = figures(place.evaluate, subject, now_ns)
        stay = place.evaluate.min_stay_ns
        if stay and subject.placed_ns is not None:
            said += f"; it stays {duration(stay)} where it was put on {day(subject.placed_ns)}"
        return f"{policy.id}: belongs {where}: {said}"
    return f"{policy.id}: belongs {where}"


def figures(how: Evaluate, subject: Subject, now_ns: int) -> str:
    """Say what was measured, and on which side of its limit: `0.2 opens a day in 30d, below 5`."""
    condition = limits(how, local=subject.lies == LOCAL)
    said = [_figure(term, how, subject, now_ns) for term in terms(condition)]
    return " and ".join(dict.fromkeys(said))


def whole(
    why: str,
    due_ns: int | None,
    now_ns: int,
    blocked: Blocked,
    subject: Subject,
    names: Names,
) -> str:
    """Join what is wanted, when that is, and what hinders it."""
    parts = [why]
    if due_ns is not None:
        parts.append(when(due_ns, now_ns))
    if blocked:
        parts.append(hindrance(blocked, subject, names))
    return "; ".join(parts)


def when(due_ns: int, now_ns: int) -> str:
    """Say how far a time is from now: `12d from now`, `now`, `due for 3d`."""
    seconds = (due_ns - now_ns) / _SECOND
    if abs(seconds) < 1:
        return "now"
    far = format_duration(abs(seconds))
    return f"{far} from now" if seconds > 0 else f"due for {far}"


def hindrance(blocked: Blocked, subject: Subject, names: Names) -> str:
    """Say what keeps an action from being done."""
    said: dict[Blocked, Callable[[], str]] = {
        Blocked.NO: lambda: "",
        Blocked.HELD: lambda: f"held by {_named(names['hold'])}",
        Blocked.PINNED: lambda: "it is pinned",
        Blocked.REQUIRED: lambda: f"{_named(names['place'])} requires it here",
        Blocked.UNKNOWN: lambda: _unsure(names),
        Blocked.SIDECAR: lambda: f"it goes where {_shown(subject.sidecar_of or b'')} goes",
        Blocked.GROWING: lambda: "somebody is writing it",
    }
    return said[blocked]()


def idle(subject: Subject, policy_set: PolicySet, names: Names, now_ns: int) -> str:
    """Say why nothing is going to happen to a file."""
    said = []
    if names["hold"]:
        said.append(f"held by {_named(names['hold'])}")
    if (place := _policy(policy_set, names["place"])) is not None and place.place:
        said.append(_stays(place, subject, now_ns))
    if (life := _policy(policy_set, names["phases"])) is not None:
        said.append(f"{life.id}: nothing follows{behind(subject)}")
    if names["care"]:
        said.append(f"cared for by {_named(names['care'])}")
    return "; ".join(said) or "no policy is about it"


def behind(subject: Subject) -> str:
    """Say what state a file is in after which nothing comes."""
    if subject.away:
        return f" once it is in {subject.lies}"
    return "" if subject.state == "present" else f" once it is {subject.state}"


def day(at_ns: int) -> str:
    """Return the day of a time, in UTC."""
    return datetime.fromtimestamp(at_ns // _SECOND, UTC).date().isoformat()


def duration(length_ns: int) -> str:
    """Return a length of time as people read it."""
    return format_duration(length_ns / _SECOND)


def _stays(policy: Policy, subject: Subject, now_ns: int) -> str:
    """Say why a file stays in the store it is in."""
    where = "here" if subject.lies == LOCAL else f"in {subject.lies}"
    if policy.place and policy.place.evaluate and subject.stage == "present":
        return f"{policy.id}: stays {where}: {figures(policy.place.evaluate, subject, now_ns)}"
    required = policy.place is not None and policy.place.required
    return f"{policy.id}: {'required' if required else 'stays'} {where}"


def _figure(term: Term, how: Evaluate, subject: Subject, now_ns: int) -> str:
    """Say of one term what was measured and where its limit is."""
    if term.name not in written.RATES or term.compare not in _SIDES:
        truth = evaluate(term, subject, now_ns, how.window_ns)
        word = {True: "", False: " is false", None: " is not known"}[truth]
        return f"{written.written(term)}{word}"
    what = "opens" if term.name == "opens_per_day" else "writes"
    limit = written.show(term.name, float(term.values[0]))
    measured = rate(term.name, subject, now_ns, how.window_ns)
    if measured is UNKNOWN:
        return f"{what} a day are not counted"
    meets = evaluate(term, subject, now_ns, how.window_ns)
    side = (_SIDES if meets else _OTHER)[term.compare]
    shown = written.show(term.name, measured)
    return f"{shown} {what} a day in {duration(how.window_ns)}, {side} {limit}"


def _shown(path: bytes) -> str:
    """Show a path on one line."""
    return printable(path.decode("utf-8", "backslashreplace"))


def _unsure(names: Names) -> str:
    """Say which policies it is unknown of whether they match."""
    unsure = [name[1:] for name in names.values() if name and name.startswith("?")]
    if not unsure:
        return "nothing is done while that is not known"
    return f"it is not known whether {' and '.join(unsure)} matches"


def _named(name: str | None) -> str:
    """Name a policy, and say when it is unknown whether it matches."""
    if name and name.startswith("?"):
        return f"{name[1:]}, if that matches"
    return name or ""


def _policy(policy_set: PolicySet, name: str | None) -> Policy | None:
    """Return the policy of a winner's name."""
    return policy_set.policy(name.removeprefix("?")) if name else None
