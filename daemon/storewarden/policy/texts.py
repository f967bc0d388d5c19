"""Whether a text can meet some patterns and miss others; pure, and exact within a budget.

Every group of patterns is one automaton whose states are the bits of an integer: bit *n* is set
when *n* parts of a pattern are behind us. The automata of all groups walk together over all bytes
that make a difference to any of them, until a text is found or there are no new states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

ALL = (1 << 256) - 1
SLASH, DOT = 1 << ord("/"), 1 << ord(".")
MOST_STATES = 3000

Part = Literal["whole", "path", "name", "ext"]
"""Of what a pattern is: of a text by itself, or of a path, its last part, what follows its dot."""


class Pattern(NamedTuple):
    """One pattern, and of which part of the text it is."""

    text: bytes
    part: Part = "whole"


class Automaton(NamedTuple):
    """Patterns as bits: where they begin, where they end, what each byte lets go on or stay."""

    start: int
    accept: int
    forward: tuple[int, ...]  # by byte: the bits that go one to the left
    stay: tuple[int, ...]  # by byte: the bits that stay

    def step(self, state: int, byte: int) -> int:
        """Return where the patterns are after one more byte; 0 when none goes on."""
        return ((state & self.forward[byte]) << 1) | (state & self.stay[byte])


class _Tokens(NamedTuple):
    """A pattern as sets of bytes: one for each place, and one for what may stand before it."""

    places: tuple[int, ...]
    gaps: tuple[int, ...]  # one longer: sets that may be repeated before each place, and at the end
    late: bool = False  # it may also begin after its first place


def meets(groups: Sequence[Sequence[Pattern]], none_of: Sequence[Pattern] = ()) -> bool:
    """Tell whether a text can meet a pattern of each group and no pattern of ``none_of``.

    True when it takes too long to find out.
    """
    wanted = [automaton(tuple(group)) for group in groups]
    unwanted = automaton(tuple(none_of))
    walked = [*wanted, unwanted]
    bytes_ = _different(walked)
    first = tuple(one.start for one in walked)
    seen, waiting = {first}, [first]
    while waiting:
        state = waiting.pop()
        if _accepted(state, walked):
            return True
        for byte in bytes_:
            after = tuple(one.step(at, byte) for one, at in zip(walked, state, strict=True))
            if all(after[:-1]) and after not in seen:
                seen.add(after)
                waiting.append(after)
        if len(seen) > MOST_STATES:
            return True
    return False


def _accepted(state: tuple[int, ...], walked: Sequence[Automaton]) -> bool:
    *wanted, unwanted = (bool(at & one.accept) for one, at in zip(walked, state, strict=True))
    return all(wanted) and not unwanted


def _different(walked: Iterable[Automaton]) -> list[int]:
    """Return one of all bytes that mean the same to every pattern."""
    walked = list(walked)
    first: dict[tuple[tuple[int, int], ...], int] = {}
    for byte in range(256):
        first.setdefault(tuple((one.forward[byte], one.stay[byte]) for one in walked), byte)
    return list(first.values())


@lru_cache(maxsize=1024)
def automaton(patterns: tuple[Pattern, ...]) -> Automaton:
    """Return the automaton that accepts what meets any of the patterns."""
    start = accept = shift = 0
    forward, stay = [0] * 256, [0] * 256
    for pattern in patterns:
        tokens = _tokens(pattern)
        start |= (0b11 if tokens.late else 0b1) << shift
        for at, allowed in enumerate(tokens.places):
            _allow(forward, allowed, 1 << (shift + at))
        for at, allowed in enumerate(tokens.gaps):
            _allow(stay, allowed, 1 << (shift + at))
        shift += len(tokens.places)
        accept |= 1 << shift
        shift += 1
    return Automaton(start, accept, tuple(forward), tuple(stay))


def _allow(by_byte: list[int], allowed: int, bit: int) -> None:
    while allowed:
        lowest = allowed & -allowed
        by_byte[lowest.bit_length() - 1] |= bit
        allowed ^= lowest


def _tokens(pattern: Pattern) -> _Tokens:
    """Read a pattern; what is of a part of a path is preceded by what may stand before it."""
    text = pattern.text
    if pattern.part == "path" and text.endswith(b"/"):
        text += b"*"
    places, gaps = _read(text)
    if pattern.part not in {"name", "ext"}:
        return _Tokens(tuple(places), tuple(gaps))
    inside = ALL & ~SLASH
    places = [place & inside for place in places]
    gaps = [gap & inside for gap in gaps]
    if pattern.part == "ext":  # a name that begins otherwise ends with a dot and this, in any case
        places = [inside, DOT, *map(_any_case, places)]
        gaps = [0, inside, *gaps]
    return _Tokens((SLASH, *places), (ALL, *gaps), late=True)


def _read(text: bytes) -> tuple[list[int], list[int]]:
    """Return the places of a pattern, and the gaps before each and at the end."""
    places: list[int] = []
    gaps = [0]
    at = 0
    while at < len(text):
        byte = text[at : at + 1]
        if byte == b"*":
            gaps[-1] = ALL
            at += 1
            continue
        end = text.find(b"]", at + 2 + (text[at + 1 : at + 2] == b"!")) if byte == b"[" else -1
        if byte == b"?":
            places.append(ALL)
        elif end > 0:
            places.append(_choice(text[at + 1 : end]))
            at = end
        else:
            places.append(1 << text[at])
        gaps.append(0)
        at += 1
    return places, gaps


def _choice(inside: bytes) -> int:
    inverse = inside[:1] == b"!"
    rest = inside[1:] if inverse else inside
    found = at = 0
    while at < len(rest):
        if rest[at + 1 : at + 2] == b"-" and at + 2 < len(rest):
            low, high = sorted((rest[at], rest[at + 2]))
            found |= (1 << (high + 1)) - (1 << low)
            at += 3
        else:
            found |= 1 << rest[at]
            at += 1
    return ALL & ~found if inverse else found


def _any_case(allowed: int) -> int:
    for small in b"abcdefghijklmnopqrstuvwxyz":
        pair = (1 << small) | (1 << (small ^ 0x20))
        if allowed & pair:
            allowed |= pair
    return allowed
