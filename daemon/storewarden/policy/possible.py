"""Whether a condition can be true of any file at all; pure.

The answer "no" is a proof, "yes" is not: whoever takes a condition for impossible is never wrong,
whatever facts a file has and whichever of them are known. Conditions are taken apart into terms
that shall be true or false, and for each fact it is tried whether one value meets all of them.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, Value
from storewarden.policy.terms import RATES, written
from storewarden.policy.texts import Pattern, meets

MOST_STEPS = 2000  # what takes longer may be possible
MOST_CHOICES = 200  # and what is deeper
PATHS = {"path", "name", "ext"}
"""Terms about one text, the path of a file."""

ALWAYS = PATHS | {
    *("kind", "root", "size", "age", "modified", "idle", "state", "pinned", "regenerable"),
    *("copies", "opens_per_day", "writes_per_day"),
}
"""Facts that are never absent; they may be unknown."""

SEVERAL = {"tag"}
"""Facts of which a file may have more than one."""

OPAQUE = {"prompt"}
"""Texts that are looked for in other ways than by patterns: only what is the same contradicts."""

NEAR = Fraction(1, 100)  # of a rate that equals; more than is taken for equal

COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Literal:
    """A term that shall be true, or shall be false. ``!=`` is never kept: it is ``=`` turned."""

    name: str
    compare: str
    values: tuple[Value, ...]
    met: bool
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.written


@dataclass(slots=True)
class Search:
    """One attempt to make conditions true; ``clashes`` are the terms that stood in the way."""

    unknown: frozenset[str] = frozenset()
    steps: int = 0
    clashes: list[tuple[Literal, ...]] = field(default_factory=list)

    def possible(self, wanted: Sequence[tuple[Condition, bool]]) -> bool:
        """Tell whether all of the conditions can be as they are wanted, true or false."""
        return self._try(tuple(wanted), {})

    def _try(
        self, waiting: tuple[tuple[Condition, bool], ...], met: dict[str, tuple[Literal, ...]]
    ) -> bool:
        """Take apart what needs no choice, then try each side of the first choice."""
        stack, choices = list(waiting), []
        while stack:
            condition, truth = stack.pop()
            match condition:
                case Term():
                    if not self._add(condition, truth, met):
                        return False
                case Not(part):
                    stack.append((part, not truth))
                case Class(part=part):
                    stack.append((part, truth))
                case All(parts) | Any(parts):
                    if isinstance(condition, All) == truth:
                        stack += [(part, truth) for part in reversed(parts)]
                    else:
                        choices.append((parts, truth))
        if not choices:
            return True
        if len(choices) > MOST_CHOICES:
            return True
        choices.sort(key=lambda choice: len(choice[0]))
        (parts, truth), rest = choices[0], choices[1:]
        later = tuple((Any(parts) if truth else All(parts), truth) for parts, truth in rest)
        return any(self._try(((part, truth), *later), dict(met)) for part in parts)

    def _add(self, term: Term, truth: bool, met: dict[str, tuple[Literal, ...]]) -> bool:  # noqa: FBT001  # what is wanted of it
        """Note one more term; False when no value meets all that are about its fact."""
        self.steps += 1
        literal = as_literal(term, truth)
        if term.name in self.unknown:
            self.clashes.append((literal,))
            return False
        about = "path" if literal.name in PATHS else literal.name
        before = met.get(about, ())
        if literal in before:
            return True
        met[about] = (*before, literal)
        if self.steps > MOST_STEPS or consistent(met[about]):
            return True
        self.clashes.append(met[about])
        return False


def possible(*conditions: Condition, unknown: Iterable[str] = ()) -> bool:
    """Tell whether all of the conditions can be true of one file.

    ``unknown`` names facts that nobody will ever know here: no term about them is true or false.
    """
    search = Search(frozenset(unknown))
    return search.possible([(condition, True) for condition in conditions])


def implied(condition: Condition, *by: Condition) -> bool:
    """Tell whether one of ``by`` is true or unknown wherever the condition is true."""
    return not Search().possible([(condition, True), *((one, False) for one in by)])


def clash(condition: Condition, unknown: Iterable[str] = ()) -> tuple[Literal, ...] | None:
    """Return the terms that exclude each other where the condition is impossible.

    Nothing where there are several reasons, None where the condition is possible.
    """
    search = Search(frozenset(unknown))
    if search.possible([(condition, True)]):
        return None
    if len(set(search.clashes)) != 1:
        return ()
    literals = search.clashes[0]
    return literals if unknown else _core(literals)


def as_literal(term: Term, truth: bool) -> Literal:  # noqa: FBT001  # what is wanted of it
    """Return a term that shall be true or false in its one form."""
    shown = written(term) if truth else f"not {written(term)}"
    name = "idle" if term.name == "last_used" else term.name
    values = tuple(dict.fromkeys(term.values))
    if term.compare == "!=":
        return Literal(name, "=", values, not truth, shown)
    return Literal(name, term.compare, values, truth, shown)


def _core(literals: tuple[Literal, ...]) -> tuple[Literal, ...]:
    """Return as few of the terms as still exclude each other."""
    kept = list(literals)
    for literal in literals:
        fewer = [one for one in kept if one is not literal]
        if fewer and not consistent(tuple(fewer)):
            kept = fewer
    return tuple(kept)


# -- one fact -----------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def consistent(literals: tuple[Literal, ...]) -> bool:
    """Tell whether a fact can have a value, or be absent, such that all terms about it are met."""
    name = literals[0].name
    if _opposed(literals):
        return False
    absent = name not in ALWAYS and not any(literal.met for literal in literals)
    if absent or name in OPAQUE:
        return True
    return _valued(name, literals)


def _valued(name: str, literals: tuple[Literal, ...]) -> bool:
    """Tell whether a value meets all of the terms."""
    match {type(value) for literal in literals for value in literal.values}:
        case kinds if kinds <= {str}:
            return _texts(name, literals)
        case kinds if kinds <= {bool}:
            return _tried(literals, (Fraction(0), Fraction(1)))
        case kinds if kinds <= {int, float}:
            return _numbers(literals)
        case _:
            return True


def _opposed(literals: tuple[Literal, ...]) -> bool:
    """Tell whether one term shall be true and false."""
    wanted: dict[tuple[str, str, frozenset[Value]], set[bool]] = defaultdict(set)
    for literal in literals:
        wanted[literal.name, literal.compare, frozenset(literal.values)].add(literal.met)
    return any(len(truths) > 1 for truths in wanted.values())


def _texts(name: str, literals: tuple[Literal, ...]) -> bool:
    if any(literal.compare != "=" for literal in literals):
        return True
    groups = [_patterns(literal) for literal in literals if literal.met]
    none_of = [one for literal in literals if not literal.met for one in _patterns(literal)]
    if name in SEVERAL:
        return all(meets([group], none_of) for group in groups)
    return meets(groups, none_of)


def _patterns(literal: Literal) -> list[Pattern]:
    found = []
    for value in literal.values:
        text = str(value).encode("utf-8", "surrogateescape")
        match literal.name:
            case "path":
                found.append(Pattern(text, "path"))
            case "name":
                found.append(Pattern(text, "name"))
            case "ext":
                found.append(Pattern(text.removeprefix(b"."), "ext"))
            case _:
                found.append(Pattern(text))
    return found


def _numbers(literals: tuple[Literal, ...]) -> bool:
    """Try every limit, what is between two limits, and what is beyond them."""
    limits = sorted({Fraction(value) for one in literals for value in one.values})
    if not limits:
        return True
    between = [(low + high) / 2 for low, high in pairwise(limits)]
    return _tried(literals, (*limits, *between, limits[0] - 1, limits[-1] + 1))


def _tried(literals: tuple[Literal, ...], values: Iterable[Fraction]) -> bool:
    return any(all(_compared(one, value) for one in literals) for value in values)


def _compared(literal: Literal, value: Fraction) -> bool:
    """Tell whether the term is as wanted for this value, or might be."""
    limits = [Fraction(limit) for limit in literal.values]
    if literal.name in RATES and literal.compare == "=":
        return not literal.met or any(abs(value - limit) <= NEAR for limit in limits)
    compare = COMPARE[literal.compare]
    return any(compare(value, limit) for limit in limits) == literal.met
