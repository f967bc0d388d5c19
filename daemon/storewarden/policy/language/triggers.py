"""When due work is carried out: at once, on timers, and under pressure of space."""

from __future__ import annotations

from storewarden.config.problems import joined, shown
from storewarden.config.yamltext import Broken, Items, Mapping, Node, Scalar
from storewarden.policy.language.keys import (
    EVENT,
    HIGH,
    LOW,
    ORDER,
    PRESSURE,
    PRESSURES,
    TRIGGER,
    TRIGGERS,
)
from storewarden.policy.language.timers import timer_of
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import Order, Pressure, Timer, Triggers
from storewarden.policy.text import parse_order
from storewarden.units import write_share

_WORDS = [EVENT, *(key.name for key in TRIGGERS)]


def read_triggers(reader: Reader, node: Node, path: str) -> Triggers:
    """Return the triggers of one word, one mapping, or a list of them."""
    event = False
    timers: list[Timer] = []
    pressure: Pressure | None = None
    for number, item in enumerate(reader.items(node, path, str(TRIGGER), one=True)):
        where = joined(path, str(number)) if isinstance(node, Items) else path
        if isinstance(item, Broken):
            continue
        if isinstance(item, Scalar):
            if _is_event(reader, item, where) and event:
                reader.problems.add(item.place, where, "event is there twice", "leave one out")
            event = True
            continue
        mapping = reader.mapping(item, where, str(TRIGGER))
        if mapping is None:
            continue
        reader.known(mapping, where, TRIGGERS)
        timer, squeeze = _one(reader, mapping, where)
        if squeeze and pressure:
            what = "pressure is there twice"
            reader.problems.add(item.place, where, what, "leave one out")
        if timer in timers:
            reader.problems.add(item.place, where, "is there twice", "leave one out")
        elif timer:
            timers.append(timer)
        pressure = squeeze or pressure
    return Triggers(event, tuple(timers), pressure)


def _one(reader: Reader, mapping: Mapping, path: str) -> tuple[Timer | None, Pressure | None]:
    """Return what one mapping of a list says: a timer or pressure."""
    entry = mapping.entries.get(PRESSURE.name)
    if entry is None:
        return timer_of(reader, mapping, path), None
    others = [name for name in mapping.entries if name != PRESSURE.name]
    if others and others[0] in _WORDS:
        what = f"pressure and {others[0]} together"
        hint = f"write a list, as in trigger: [{{{others[0]}: …}}, {{pressure: …}}]"
        reader.problems.add(mapping.entries[others[0]].place, path, what, hint)
    elif others and others[0] in {HIGH.name, LOW.name, ORDER.name}:
        hint = f"write {PRESSURE}"
        what = f"{others[0]} stands beside pressure"
        reader.problems.add(mapping.entries[others[0]].place, path, what, hint)
    return None, _pressure(reader, entry.node, joined(path, PRESSURE.name))


def _is_event(reader: Reader, node: Scalar, path: str) -> bool:
    if node.text == EVENT:
        return True
    if node.nothing:
        reader.problems.add(node.place, path, "has no value", f"write {TRIGGER}")
        return False
    if node.text in _WORDS:
        hint = f"write {{{next(key for key in TRIGGERS if key.name == node.text)}}}"
    else:
        near = reader.meant(node.text.strip().lower(), _WORDS)
        hint = near or f"write {EVENT}, or a mapping of {', '.join(_WORDS[1:])}"
    reader.problems.add(node.place, path, f"{shown(node.text)} is no trigger", hint)
    return False


def _pressure(reader: Reader, node: Node, path: str) -> Pressure | None:
    mapping = reader.mapping(node, path, str(PRESSURE))
    if mapping is None:
        return None
    reader.known(mapping, path, PRESSURES)
    lacking = [reader.missing(mapping, key, path) for key in (HIGH, LOW)]
    high, low = (reader.single(mapping, key, path) for key in (HIGH, LOW))
    order = _order(reader, mapping, joined(path, ORDER.name))
    if any(lacking) or high is None or low is None:
        return None
    if low >= high:
        what = f"is not below high ({write_share(high)})"
        place = mapping.entries[LOW.name].node.place
        hint = "it begins above high and ends below low"
        reader.problems.add(place, joined(path, LOW.name), what, hint)
        return None
    return Pressure(high, low, order)


def _order(reader: Reader, mapping: Mapping, path: str) -> tuple[Order, ...]:
    entry = mapping.entries.get(ORDER.name)
    if entry is None:
        return ()
    node = entry.node
    if isinstance(node, Scalar) and not node.nothing:
        return parse_order(node.text, node.place, reader.problems, path)
    found: list[str] = []
    orders: tuple[Order, ...] = ()
    for number, item in enumerate(reader.items(node, path, str(ORDER))):
        where = joined(path, str(number))
        text = reader.scalar(item, where, "size desc")
        if text is None:
            continue
        before = len(reader.problems.found)
        orders = parse_order([*found, text.text], text.place, reader.problems, where)
        if len(reader.problems.found) == before:
            found.append(text.text)
    return orders
