"""Each policy as one English sentence: what, when, where to, why."""

from __future__ import annotations

from storewarden.policy import terms as written
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.reasons import duration
from storewarden.policy.rules import (
    LOCAL,
    Backup,
    Care,
    Force,
    Keep,
    Order,
    Phase,
    Placement,
    Policy,
    Pressure,
    Timer,
    Triggers,
)
from storewarden.units import format_share

_DONE = {
    Force.COPY: "copied",
    Force.MOVE: "moved",
    Force.ARCHIVE: "archived",
    Force.TRASH: "put into the trash",
    Force.PURGE: "removed for good",
}
_CLOCKS = {
    "created": "they were first seen",
    "modified": "they were last written",
    "last_used": "their last use",
}
_COMPARES = {
    "=": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_FIRST = {  # what goes first, when ascending and when descending
    "size": ("the smallest", "the largest"),
    "age": ("the youngest", "the oldest"),
    "modified": ("what was written longest ago", "what was written last"),
    "last_used": ("what was used longest ago", "what was used last"),
    "regenerable": ("what cannot be made again", "what can be made again"),
    "rating": ("the worst rated", "the best rated"),
    "cost": ("the cheapest", "the dearest"),
    "opens_per_day": ("the least opened", "the most opened"),
}


def sentence(policy: Policy) -> str:
    """Return what a policy says."""
    said = [*_kinds(policy)]
    text = f"{_capital(whom(policy))} {'; they '.join(said)}"
    if policy.phases or policy.place:
        text += _triggers(policy.triggers)
    if policy.reason:
        text += f" – {policy.reason}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def whom(policy: Policy) -> str:
    """Say which files a policy is about."""
    if policy.rows:
        return f"rows of {policy.rows}"  # of files its match says nothing
    if policy.match == All(()):
        return "all files"
    match policy.match:
        case Class(name):
            return f"files of class {name}"
        case Any(parts) if all(isinstance(part, Class) for part in parts):
            return f"files {' or '.join(map(_of_class, parts))}"
        case All(parts):
            of = [_of_class(part) for part in parts if _of_class(part)]
            rest = [part for part in parts if not _of_class(part)]
            where = f" where {describe(All(tuple(rest)))}" if rest else ""
            return f"files {' and '.join(of)}{where}" if of else f"files{where}"
        case condition:
            return f"files where {describe(condition)}"


def _of_class(part: Condition) -> str:
    """Say which class a file is of, or not, when that is what a condition says."""
    match part:
        case Class(name):
            return f"of class {name}"
        case Not(Class(name)):
            return f"not of class {name}"
    return ""


def describe(condition: Condition) -> str:
    """Say a condition in words."""
    match condition:
        case Term():
            return _term(condition)
        case Class(name):
            return f"the class is {name}"
        case Not(part):
            return _not(part)
        case All(parts):
            return " and ".join(_bracketed(part, Any) for part in parts) or "everything is"
        case Any(parts):
            return " or ".join(_bracketed(part, All) for part in parts) or "nothing is"


def _not(part: Condition) -> str:
    """Say that something is not so."""
    match part:
        case Class(name):
            return f"the class is not {name}"
        case Term(compare="=") if part.name not in ("pinned", "regenerable"):
            return _term(part).replace(" is ", " is not ", 1)
        case _:
            return f"not ({describe(part)})"


def _bracketed(part: Condition, other: type[All | Any]) -> str:
    """Put brackets round what would be read otherwise without."""
    text = describe(part)
    return f"({text})" if isinstance(part, other) and len(part.parts) > 1 else text


def _term(term: Term) -> str:
    """Say one comparison."""
    values = [written.write(term.name, value) for value in term.values]
    if written.TERMS[term.name].kind == "flag":
        asked = (term.values[0] is True) == (term.compare == "=")
        return f"{term.name} is {'true' if asked else 'false'}"
    joined = " or ".join(values)
    if term.name == "prompt" and not any("*" in value for value in values):
        verb = "holds" if term.compare == "=" else "does not hold"
        return f"the prompt {verb} {joined}"
    return f"{term.name} {_COMPARES[term.compare]} {joined}"


# -- what is done -------------------------------------------------------------------------------


def _kinds(policy: Policy) -> list[str]:
    """Say what each kind of a policy does."""
    said = []
    if policy.hold:
        said.append("are held, so that nothing that frees bytes is done to them")
    if policy.place:
        said.append(_place(policy.place))
    if policy.phases:
        said.append(_phases(policy))
    if policy.care:
        said.append(_care(policy.care))
    return said


def _place(place: Placement) -> str:
    """Say where files belong."""
    if place.required:
        return f"have to be {_stores(place.required)}"
    if place.preferred:
        return f"belong {_stores(place.preferred[:1])}"
    how = place.evaluate
    if how is None:
        return "stay where they are"
    text = (
        f"belong here if {describe(how.local_if)}, counted over {duration(how.window_ns)},"
        f" and else {_store(how.otherwise)}"
    )
    if how.min_stay_ns:
        text += f", and stay {duration(how.min_stay_ns)} where they were put"
    if how.hysteresis:
        text += f", and change only when a limit is passed by {format_share(how.hysteresis)}"
    return text


def _phases(policy: Policy) -> str:
    """Say what happens to files in their lives."""
    said = []
    for phase in policy.phases:
        since = "that" if phase.after_previous else _CLOCKS.get(policy.clock, policy.clock)
        said.append(f"{_done(phase)} {duration(phase.after_ns)} after {since}")
    return f"are {_and(said)}"


def _done(phase: Phase) -> str:
    """Say what a phase does, where to and how."""
    to = f" to {phase.to}" if phase.to else ""
    how = f" (packed by {phase.compress})" if phase.compress else ""
    return f"{_DONE[phase.do]}{to}{how}"


def _care(care: Care) -> str:
    """Say what is done for databases."""
    said = []
    if care.backup:
        said.append(_backup(care.backup))
    tried = (
        ("checked", care.integrity),
        ("restored on trial", care.drill),
        ("analyzed", care.analyze),
    )
    said += [f"{what} {timer(when)}" for what, when in tried if when]
    if care.vacuum or care.vacuum_when:
        when = f" {timer(care.vacuum)}" if care.vacuum else ""
        only = f" when {describe(care.vacuum_when)}" if care.vacuum_when else ""
        said.append(f"vacuumed{when}{only}")
    return f"are {_and(said)}" if said else "are cared for"


def _backup(backup: Backup) -> str:
    """Say where and when backups go, how, and which of them are kept."""
    to = f" to {backup.to}" if backup.to else ""
    more = [f"whole {timer(backup.full)}"] if backup.full else []
    if backup.compress:
        more.append("packed by zstd" if backup.compress == "zstd" else "not packed")
    if kept := _kept(backup.keep):
        more.append(f"kept: {_and(kept)}")
    told = f" ({'; '.join(more)})" if more else ""
    return f"backed up{to} {timer(backup.timer)}{told}"


def _kept(keep: Keep) -> list[str]:
    """Say what keeps a backup."""
    said = [] if keep.last is None else [f"the last {keep.last}"]
    counts = (
        (keep.hourly, "hour"),
        (keep.daily, "day"),
        (keep.weekly, "week"),
        (keep.monthly, "month"),
        (keep.yearly, "year"),
    )
    for count, unit in counts:
        if count is not None:
            said.append(f"one of each of {count} {unit}{'s' if count > 1 else ''}")
    if keep.within_ns is not None:
        said.append(f"all of the last {duration(keep.within_ns)}")
    return said


# -- when ---------------------------------------------------------------------------------------


def timer(when: Timer) -> str:
    """Say when a timer runs."""
    if when.cron:
        return f"at the times of {when.cron!r}"
    return f"every {duration(when.every_ns or 0)}"


def _triggers(triggers: Triggers) -> str:
    """Say when due work is done, unless that is at once."""
    if triggers == Triggers():
        return ""
    said = ["at once"] if triggers.event else []
    said += [timer(each) for each in triggers.timers]
    if triggers.pressure:
        said.append(_pressure(triggers.pressure))
    return f"; due work is done {' and '.join(said)}" if said else ""


def _pressure(pressure: Pressure) -> str:
    """Say when space is wanted, and what goes first."""
    text = (
        f"when the file system is more than {format_share(pressure.high)} full,"
        f" until it is {format_share(pressure.low)}"
    )
    if pressure.order:
        text += f", first {', then '.join(map(_order, pressure.order))}"
    return text


def _order(order: Order) -> str:
    """Say what goes first."""
    return _FIRST[order.term][order.descending]


# -- words --------------------------------------------------------------------------------------


def _stores(stores: tuple[str, ...]) -> str:
    return " or ".join(map(_store, stores))


def _store(store: str) -> str:
    return "here" if store == LOCAL else f"in {store}"


def _and(said: list[str]) -> str:
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else said[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
