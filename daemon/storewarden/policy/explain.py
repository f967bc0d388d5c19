"""A condition and one file, part by part: what was asked, what is known, whether it is so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from storewarden.policy import terms
from storewarden.policy.evaluate import conjunction, disjunction, met, negation
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, Truth
from storewarden.policy.known import UNKNOWN, WINDOW, Fact, as_text, ending, fact
from storewarden.policy.subject import Subject

_LONG = 80  # characters of a fact that help a person


class Explained(NamedTuple):
    """A condition of one file: as written, what is known of it, whether it is so, and its parts.

    ``value`` is the fact of a term as people read it, and empty for what has parts.
    """

    text: str
    value: str
    truth: Truth
    parts: tuple[Explained, ...] = ()

    def terms(self) -> Iterator[Explained]:
        """Yield what has no parts: the terms, in the order in which they were written."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.terms()


def explain(
    condition: Condition, subject: Subject, now_ns: int, window_ns: int = WINDOW
) -> Explained:
    """Return a condition with what is known of a file, as deep as it goes."""
    match condition:
        case Term():
            known = fact(condition.name, subject, now_ns, window_ns)
            value = shown(condition.name, known)
            return Explained(terms.written(condition), value, met(condition, known))
        case All(parts) | Any(parts):
            each = tuple(explain(part, subject, now_ns, window_ns) for part in parts)
            both = isinstance(condition, All)
            truth = (conjunction if both else disjunction)(part.truth for part in each)
            return Explained("all of" if both else "any of", "", truth, each)
        case Not(part):
            inside = explain(part, subject, now_ns, window_ns)
            return Explained("not", "", negation(inside.truth), (inside,))
        case Class(name, part):
            inside = explain(part, subject, now_ns, window_ns)
            return Explained(f"class {name}", "", inside.truth, (inside,))


def shown(name: str, known: Fact) -> str:
    """Return a fact as people read it."""
    if known is UNKNOWN:
        return "unknown"
    if known is None or known == ():
        return "none"
    if isinstance(known, bytes):
        return _short(as_text(ending(known) if name == "ext" else known)) or "none"
    if isinstance(known, tuple):
        return _short(", ".join(known))
    return _short(terms.show(name, known))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[: _LONG - 1]}…"
