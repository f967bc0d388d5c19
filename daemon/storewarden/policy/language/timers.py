"""When something is done again and again: every so often, or by the calendar."""

from __future__ import annotations

import re

from storewarden.config.problems import shown
from storewarden.config.yamltext import Mapping, Node, Scalar
from storewarden.policy.language.keys import CRON, EVERY, TIMER
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import Timer

_LONGEST = 200
_CLOCK_TIME = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})\s*")


def read_timer(reader: Reader, node: Node, path: str, example: str) -> Timer | None:
    """Return the timer that keys with values say."""
    mapping = reader.mapping(node, path, example)
    if mapping is None:
        return None
    reader.known(mapping, path, TIMER)
    return timer_of(reader, mapping, path)


def timer_of(reader: Reader, mapping: Mapping, path: str, *, needed: bool = True) -> Timer | None:
    """Return what `every` or `cron` among other keys say; exactly one of them may be there."""
    every, cron = (mapping.entries.get(key.name) for key in TIMER)
    if every and cron:
        what = "every and cron together"
        reader.problems.add(max(every.place, cron.place, key=_order), path, what, "keep one")
        return None
    if every:
        length = reader.value(EVERY, every.node, f"{path}.{EVERY.name}")
        return None if length is None else Timer(every_ns=length)
    if cron:
        text = read_cron(reader, cron.node, f"{path}.{CRON.name}")
        return None if text is None else Timer(cron=text)
    if needed:
        what = "says neither every nor cron"
        reader.problems.add(mapping.place, path, what, f"write {EVERY} or {CRON}")
    return None


def _order(place: object) -> tuple[int, int]:
    return getattr(place, "line", 0), getattr(place, "column", 0)


def read_cron(reader: Reader, node: Node, path: str) -> str | None:
    """Return five fields of a calendar, one space between them."""
    text = reader.scalar(node, path, str(CRON))
    if text is None:
        return None
    complaint = _complaint(text)
    if complaint is None:
        from storewarden.policy import timing  # noqa: PLC0415  # few policies have a calendar

        return " ".join(timing.read_cron(text.text).split())
    reader.problems.add(text.place, path, *complaint)
    return None


def _complaint(node: Scalar) -> tuple[str, str] | None:
    """Return what is wrong with a calendar and what to do."""
    if clock := _CLOCK_TIME.fullmatch(node.text):
        hint = f'write "{int(clock[2])} {int(clock[1])} * * *" for every day at that time'
        return f"{shown(node.text)} is a time of day", hint
    if len(node.text) > _LONGEST:
        return f"is longer than {_LONGEST} characters", "write several policies"
    from storewarden.policy import timing  # noqa: PLC0415  # as above

    try:
        timing.read_cron(node.text)
    except timing.CronError as error:
        return error.reason, error.hint
    return None
