"""Durations, sizes and shares as people write them, to numbers and back; pure.

``parse_*`` reads what a configuration, a policy or a term says, ``write_*`` writes a number so
that it is read back as the very same number, ``format_*`` rounds it for people (and what it says
can be read back as well). Units are mandatory: a bare number is refused.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

DURATION_UNITS = {
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3_600),
    "d": Fraction(86_400),
    "w": Fraction(7 * 86_400),
    "y": Fraction(365 * 86_400),
}
SIZE_UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGTPE", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGTPE", 1)},
}
LONGEST = 200 * 365 * 86_400  # nanoseconds of it, added to now, still fit 64 bits
LARGEST = 2**63 - 1  # what a database column holds

_LONGEST_TEXT = 100  # nobody writes more; bounds the arithmetic
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([^\s0-9.]*)\s*")
_SIZES = {unit.lower(): factor for unit, factor in SIZE_UNITS.items()}
_DURATION_WORDS = {
    **dict.fromkeys(("msec", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks", "wk"), "w"),
    **dict.fromkeys(("yr", "yrs", "year", "years", "a"), "y"),
}


class UnitError(ValueError):
    """A text that is no duration, size or share; ``str()`` is ``reason; hint``."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"{reason}; {hint}")
        self.reason, self.hint = reason, hint


def parse_duration(text: str) -> float:
    """Return the seconds that ``text`` says: ``300ms 2s 15min 6h 30d 2w 7y``, ``1h 30min``."""
    seconds = Fraction(0)
    previous: Fraction | None = None
    for number, unit in _parts(text, "a duration", "write for example 300ms, 2s, 15min, 6h or 30d"):
        factor = DURATION_UNITS.get(unit)
        if factor is None:
            raise _duration_unit(number, unit)
        if previous is not None and factor >= previous:
            raise UnitError(
                f"the parts of {_quoted(text)} are out of order", "write the larger unit first"
            )
        seconds += Fraction(number) * factor
        previous = factor
    if seconds > LONGEST:
        raise UnitError(f"{_quoted(text)} is longer than 200y", "write a shorter time")
    return float(seconds)


def parse_size(text: str) -> int:
    """Return the bytes that ``text`` says: ``800B 500KB 1.5MB 20GiB`` (KB is 1000, KiB 1024)."""
    parts = _parts(text, "a size", "write for example 800B, 500KB or 20GiB")
    if len(parts) > 1:
        raise UnitError(f"{_quoted(text)} is more than one size", "write one, as in 20GiB")
    number, unit = parts[0]
    factor = _SIZES.get(unit.lower())
    if factor is None:
        raise _size_unit(number, unit)
    size: int = round(Fraction(number) * factor)
    if size > LARGEST:
        raise UnitError(f"{_quoted(text)} is more than a file can hold", "write at most 8388607TiB")
    return size


def parse_share(text: str) -> float:
    """Return the part of one that ``text`` says in hundredths: ``10%`` is 0.1."""
    parts = _parts(text, "a share", "write for example 10%")
    number, unit = parts[0]
    if unit != "%" or len(parts) > 1:
        reason = f"{_quoted(text)} is not a share"
        meant = _percent_meant(number) if number == text.strip() else "10%"
        raise UnitError(reason, f"write it in per cent, as in {meant}")
    share = Fraction(number) / 100
    if share > 1:
        raise UnitError(f"{_quoted(text)} is more than all", "write at most 100%")
    return float(share)


def write_duration(seconds: float) -> str:
    """Write seconds (whole milliseconds are kept exactly) so that they are read back the same."""
    _refuse_negative(seconds)
    milliseconds = round(seconds * 1000)
    for unit, factor in reversed(DURATION_UNITS.items()):
        whole, rest = divmod(milliseconds, int(factor * 1000))
        if whole and not rest:
            return f"{whole}{unit}"
    return "0s"


def write_size(size: int) -> str:
    """Write bytes so that they are read back the same: the largest unit that divides them."""
    _refuse_negative(size)
    for unit, factor in sorted(SIZE_UNITS.items(), key=lambda item: -item[1]):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return "0B"


def write_share(share: float) -> str:
    """Write a part of one in per cent, to a millionth: 0.125 is ``12.5%``."""
    _refuse_negative(share)
    return f"{share * 100:.6f}".rstrip("0").rstrip(".") + "%"


def format_duration(seconds: float) -> str:
    """Show a time to people in its two largest units: ``250ms 42s``, ``1h 30min``, ``3d 4h``."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 1:
        milliseconds = round(seconds * 1000)
        return f"{milliseconds}ms" if milliseconds < 1000 else "1s"  # noqa: PLR2004  # a second
    if seconds < 10:  # noqa: PLR2004  # under ten, tenths of a second are worth reading
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    return _two_units(round(seconds))


def format_size(size: float) -> str:
    """Show bytes to people: ``0 B``, ``999 B``, ``1.4 GiB``."""
    if size < 0:
        return "-" + format_size(-size)
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    value, power = float(size), 0
    # 1023.95 would be shown as 1024.0: the next unit says it better.
    while power + 1 < len(units) and value >= (1024 if power == 0 else 1023.95):
        value, power = value / 1024, power + 1
    return f"{value:.0f} B" if power == 0 else f"{value:.1f} {units[power]}"


def format_share(share: float) -> str:
    """Show a part of one to people, with one digit at most: ``12.5%``."""
    return f"{share * 100:.1f}".removesuffix(".0") + "%"


def _parts(text: str, what: str, hint: str) -> list[tuple[str, str]]:
    """Split ``1h 30min`` into numbers and units; anything else is not ``what``."""
    stripped = text.strip()
    if not stripped:
        raise UnitError(f"nothing is not {what}", hint)
    parts: list[tuple[str, str]] = []
    at = 0
    while at < len(stripped):
        found = _PART.match(stripped, at)
        if found is None or len(stripped) > _LONGEST_TEXT:
            raise UnitError(f"{_quoted(text)} is not {what}", hint)
        parts.append((found[1], found[2]))
        at = found.end()
    return parts


def _duration_unit(number: str, unit: str) -> UnitError:
    """Say what is wrong with a duration's unit."""
    if not unit:
        return UnitError(f"{number} has no unit", f"write {number}s, {number}min, {number}h, …")
    if unit in {"m", "M"}:
        return UnitError(
            f"{unit} is ambiguous: minutes or months",
            f"write {number}min, or count months in days",
        )
    if unit.lower().startswith("mo"):
        return UnitError("months differ in length", "count them in days, as in 30d")
    if unit in {"us", "µs", "μs", "ns"}:
        return UnitError(f"{unit} is finer than any clock here", "write ms")
    meant = _DURATION_WORDS.get(unit.lower()) or _close(unit.lower(), list(DURATION_UNITS))
    hint = f"write {number}{meant}" if meant else f"the units are {' '.join(DURATION_UNITS)}"
    return UnitError(f"{_quoted(unit)} is no unit of time", hint)


def _size_unit(number: str, unit: str) -> UnitError:
    """Say what is wrong with a size's unit."""
    if not unit:
        return UnitError(f"{number} has no unit", f"write {number}B, {number}MB, {number}GiB, …")
    letter = unit[0].upper()
    if unit.lower() in {*"kmgtpe"}:
        return UnitError(
            f"{unit} is ambiguous",
            f"write {number}{letter}B (powers of 1000) or {number}{letter}iB (powers of 1024)",
        )
    if f"{unit.lower()}b" in _SIZES:
        return UnitError(f"{unit} is no unit of size", f"write {number}{letter}iB")
    return UnitError(f"{_quoted(unit)} is no unit of size", "the units are B KB MB … KiB MiB GiB …")


def _percent_meant(number: str) -> str:
    """Guess what a share without its sign means: 0.1 is 10 per cent, 10 as well."""
    value = Fraction(number)
    return write_share(float(value if value <= 1 else value / 100))


def _two_units(seconds: int) -> str:
    """Show whole seconds in the largest unit and the one under it, rounded to the latter."""
    units = (("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for (large, factor), (small, part) in pairwise(units):
        # Rounded before it is compared: 23h 59min 59s is one day, not 24 hours.
        rounded = round(seconds / part) * part
        if rounded >= factor:
            whole, rest = divmod(rounded, factor)
            return f"{whole}{large}" + (f" {rest // part}{small}" if rest else "")
    return f"{seconds}s"


def _close(word: str, words: list[str]) -> str:
    """Return the one of ``words`` that ``word`` nearly is, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  # rarely needed; every start pays

    return next(iter(get_close_matches(word, words, 1)), "")


def _refuse_negative(number: float) -> None:
    """Let only numbers pass that can be written."""
    if number < 0:
        raise ValueError(f"{number} is negative")


def _quoted(text: str) -> str:
    """Quote a user's text for a message: short, on one line."""
    shown = text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004  # a line's worth
    return repr(shown)
