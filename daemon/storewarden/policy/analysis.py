"""What can be said of policies without looking at a single file; pure.

Never matches, comes too late, can never be known, says otherwise than another one about the same
files, a class that nobody uses. What is called impossible here is so for every file there can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from storewarden.config.problems import Place
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, terms
from storewarden.policy.possible import clash, implied, possible
from storewarden.policy.rules import Policy, PolicySet

Sort = Literal["never", "unknowable", "shadowed", "overlap", "unused"]
KINDS = ("hold", "place", "phases", "care")
"""Of each, one policy at most wins a file."""

USE = frozenset({"idle", "last_used", "opens_per_day", "writes_per_day"})
"""Facts that only a root with ``usage: true`` has."""

INSIDE = frozenset(
    {
        *("mime", "width", "height", "duration", "workflow", "scene"),
        *("tool", "model", "prompt", "seed", "regenerable"),
    }
)
"""Facts that only a root that is inspected has."""


DATABASE = Term("kind", "=", ("database",), "database")


@dataclass(frozen=True, slots=True)
class RootFacts:
    """What a root lets be known of its files."""

    name: str
    usage: bool
    inspect: bool

    @property
    def unknown(self) -> frozenset[str]:
        """Names of the terms that are never known there."""
        return (frozenset() if self.usage else USE) | (frozenset() if self.inspect else INSIDE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know of a policy, and whether it is wrong."""

    sort: Sort
    policy: str  # of an unused class its name
    what: str
    hint: str = ""
    kind: str = ""  # hold, place, phases or care, where it is about one of them
    others: tuple[str, ...] = ()
    wrong: bool = True  # else it may well be meant so
    nested: bool = False  # the other one is an exception to it
    place: Place | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        subject = f"class {self.policy}" if self.sort == "unused" else self.policy
        line = f"{self.place}: {subject}: {self.what}" if self.place else f"{subject}: {self.what}"
        return f"{line}; {self.hint}" if self.hint else line


def analyse(policy_set: PolicySet, roots: Sequence[RootFacts] = ()) -> list[Finding]:
    """Return everything that is odd, in the order of the policies, what is wrong first."""
    files = [policy for policy in policy_set.policies if policy.rows is None]
    never = {one.policy: one for one in map(_never, files) if one is not None}
    alive = [policy for policy in files if policy.id not in never]
    found = [*never.values(), *filter(None, map(_careless, alive))]
    found += [finding for policy in alive for finding in _unknowable(policy, roots)]
    for kind in KINDS:
        found += _shadows_and_overlaps(kind, ranked(alive, kind))
    found += _unused(policy_set)
    order = {policy.id: at for at, policy in enumerate(policy_set.policies)}
    return sorted(found, key=lambda one: (not one.wrong, order.get(one.policy, len(order))))


def ranked(policies: Iterable[Policy], kind: str) -> list[Policy]:
    """Return those that have this kind, the one that comes first first: ``required`` before all."""
    having = [policy for policy in policies if has(policy, kind)]
    if kind == "place":
        having.sort(key=lambda policy: not (policy.place and policy.place.required))
    return having


def has(policy: Policy, kind: str) -> bool:
    """Tell whether a policy says anything of this kind."""
    return bool(getattr(policy, kind))


def files_of(policy: Policy, kind: str) -> Condition:
    """Return of which files it decides this kind: care is taken of databases only."""
    return All((policy.match, DATABASE)) if kind == "care" else policy.match


# -- one policy by itself -----------------------------------------------------------------------


def _never(policy: Policy) -> Finding | None:
    """Return that it matches no file, whichever."""
    why = clash(policy.match)
    if why is None:
        return None
    if len(why) == 1:
        what = f"it can never match: no file has {why[0]}"
    elif why:
        what = f"it can never match: no file has both {' and '.join(map(str, why))}"
    else:
        what = "it can never match: its terms exclude each other"
    return Finding("never", policy.id, what, "take one of them out", place=policy.where)


def _careless(policy: Policy) -> Finding | None:
    """Return that it takes care of what is no database."""
    if not policy.care or possible(policy.match, DATABASE):
        return None
    what = "its care is for nothing: care is taken of databases, and it matches none"
    return Finding("never", policy.id, what, "add kind: database", "care", place=policy.where)


def _unknowable(policy: Policy, roots: Sequence[RootFacts]) -> Iterator[Finding]:
    """Yield what it needs to know, where none of the roots it may be about tells that."""
    about = [root for root in roots if possible(policy.match, _in(root))]
    if roots and not about:
        what = f"it matches nothing in {_listed([root.name for root in roots])}, the roots here"
        yield Finding("unknowable", policy.id, what, wrong=False, place=policy.where)
    if not about:
        return
    if not any(possible(policy.match, _in(root), unknown=root.unknown) for root in about):
        names = frozenset.union(*(root.unknown for root in about))
        needed = sorted({term.name for term in terms(policy.match)} & names)
        what = (
            f"it can never match: {_listed(needed)} {'is' if len(needed) == 1 else 'are'} not known"
        )
        yield _blind(policy, what, needed, about)
        return
    if any(root.usage for root in about):
        return
    if policy.clock == "last_used" and policy.phases:
        what = "its phases never become due: they count from last_used, which is not known"
        yield _blind(policy, what, ["last_used"], about, "phases")
    if policy.place and policy.place.evaluate and _needs(policy.place.evaluate.local_if, USE):
        what = "it never decides where a file belongs: how often it is used is not known"
        yield _blind(policy, what, ["opens_per_day"], about, "place")


def _in(root: RootFacts) -> Term:
    """Return the condition that a file is in a root, whose name is no pattern."""
    name = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in root.name)
    return Term("root", "=", (name,))


def _blind(
    policy: Policy, what: str, needed: Sequence[str], about: Sequence[RootFacts], kind: str = ""
) -> Finding:
    names = _listed([root.name for root in about])
    key = "usage: true" if USE.intersection(needed) else "inspect: true"
    what = f"{what} of any file in {names}"
    return Finding("unknowable", policy.id, what, f"set {key} there", kind, place=policy.where)


def _needs(condition: Condition, names: frozenset[str]) -> bool:
    return any(term.name in names for term in terms(condition))


# -- two policies of one kind -------------------------------------------------------------------


def _shadows_and_overlaps(kind: str, policies: Sequence[Policy]) -> Iterator[Finding]:
    """Yield which of them never get their turn, and which say otherwise about the same files."""
    files = {policy.id: files_of(policy, kind) for policy in policies}
    meet = {
        (one.id, other.id)
        for one, other in combinations(policies, 2)
        if possible(files[one.id], files[other.id])
    }
    for at, policy in enumerate(policies):
        before = [one for one in policies[:at] if (one.id, policy.id) in meet]
        first = _shadowing(files[policy.id], before)
        if first:
            yield _shadow(kind, policy, first)
            continue
        for one in before:
            if getattr(one, kind) != getattr(policy, kind) or _clocks_differ(kind, one, policy):
                nested = implied(files[one.id], files[policy.id])
                yield _overlap(kind, one, policy, nested=nested)


def _shadowing(files: Condition, before: Sequence[Policy]) -> list[Policy]:
    """Return the few of those before that take every one of these files; none if they do not."""
    for one in before:
        if implied(files, one.match):
            return [one]
    if len(before) < 2 or not implied(files, *(one.match for one in before)):  # noqa: PLR2004  # a pair
        return []
    kept = list(before)
    for one in before:
        fewer = [other for other in kept if other is not one]
        if implied(files, *(other.match for other in fewer)):
            kept = fewer
    return kept


def _shadow(kind: str, policy: Policy, first: Sequence[Policy]) -> Finding:
    names = tuple(one.id for one in first)
    one = len(names) == 1
    what = (
        f"its {kind} {'are' if kind == 'phases' else 'is'} never used: {_listed(names)},"
        f" which {'comes' if one else 'come'} first, {'matches' if one else 'match'} all its files"
    )
    hint = f"put it before {names[0]}, or take it out"
    if kind == "place" and first[0].place and first[0].place.required:
        what += " (what is required comes before all else)"
        hint = "take it out"
    return Finding("shadowed", policy.id, what, hint, kind, names, place=policy.where)


def _overlap(kind: str, one: Policy, policy: Policy, *, nested: bool) -> Finding:
    what = (
        f"its {kind} is for the files that {one.id} leaves: that comes first"
        if nested
        else f"a file can match {one.id} as well: then the {kind} of {one.id} wins"
    )
    return Finding(
        "overlap",
        policy.id,
        what,
        "",
        kind,
        (one.id,),
        wrong=False,
        nested=nested,
        place=policy.where,
    )


def _clocks_differ(kind: str, one: Policy, other: Policy) -> bool:
    return kind == "phases" and one.clock != other.clock


# -- classes ------------------------------------------------------------------------------------


def _unused(policy_set: PolicySet) -> Iterator[Finding]:
    """Yield the classes that no policy and no other used class names."""
    used: set[str] = set()
    for policy in policy_set.policies:
        used |= _classes(policy.match)
        if policy.place and policy.place.evaluate:
            used |= _classes(policy.place.evaluate.local_if)
        if policy.care and policy.care.vacuum_when:
            used |= _classes(policy.care.vacuum_when)
    for name, condition in policy_set.classes:
        if name not in used:
            place = next((term.place for term in terms(condition) if term.place), None)
            what = "no policy uses it"
            yield Finding("unused", name, what, "take it out", wrong=False, place=place)


def _classes(condition: Condition) -> set[str]:
    match condition:
        case Class(name, part):
            return {name} | _classes(part)
        case Not(part):
            return _classes(part)
        case All(parts) | Any(parts):
            return set().union(*map(_classes, parts))
        case _:
            return set()


def _listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
