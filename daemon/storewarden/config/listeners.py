"""Listeners: whom events are sent to."""

from __future__ import annotations

import re

from storewarden.config.keys import LISTENER_KEYS, LISTENER_URL, LISTENERS, NAME, NAME_RULE
from storewarden.config.problems import joined, shown
from storewarden.config.schema import ListenerSettings
from storewarden.config.sheet import Sheet
from storewarden.config.yamltext import Entry, Mapping, Scalar

MOST = 16
"""Each has a thread of its own."""

_NAME = re.compile(NAME)
_EXAMPLE = "listeners: {app: {url: https://app.example.org/storewarden}}"


def read_listeners(sheet: Sheet, tree: Mapping) -> tuple[ListenerSettings, ...]:
    """Return the listeners that could be read."""
    entry = tree.entries.get(LISTENERS)
    if entry is None:
        return ()
    listeners = sheet.mapping(entry.node, LISTENERS, _EXAMPLE)
    if listeners is None:
        return ()
    if len(listeners.entries) > MOST:
        what = f"are {len(listeners.entries)}"
        sheet.problems.add(entry.place, LISTENERS, what, f"{MOST} is the most")
    _refuse_alike(sheet, listeners)
    read = [_listener(sheet, name, one) for name, one in listeners.entries.items()]
    return tuple(one for one in read if one is not None)


def _refuse_alike(sheet: Sheet, listeners: Mapping) -> None:
    """Refuse names that the environment could not tell apart: their secrets come from there."""
    first: dict[str, str] = {}
    for name, entry in listeners.entries.items():
        other = first.setdefault(name.replace("-", "_"), name)
        if other != name:
            what = f"differs from {other} by - and _ only"
            sheet.problems.add(entry.place, joined(LISTENERS, name), what, "rename one of them")


def _listener(sheet: Sheet, name: str, entry: Entry) -> ListenerSettings | None:
    where = joined(LISTENERS, name)
    sheet.places[where] = entry.place
    if not _NAME.fullmatch(name):
        sheet.problems.add(entry.place, where, f"{shown(name)} is no name", NAME_RULE)
    node = entry.node
    if isinstance(node, Scalar) and not node.nothing:
        node = Mapping(node.place, {LISTENER_URL.name: Entry(node.place, node)})
    mapping = sheet.mapping(node, where, f"{name}: {{url: {LISTENER_URL.example}}}")
    if mapping is None:
        return None
    sheet.refuse_unknown(mapping, where, tuple(key.name for key in LISTENER_KEYS))
    values = {key.name: sheet.single(mapping, key, where) for key in LISTENER_KEYS}
    if mapping.entries and LISTENER_URL.name not in mapping.entries:
        hint = f"write url: {LISTENER_URL.example}"
        sheet.problems.add(entry.place, joined(where, LISTENER_URL.name), "is missing", hint)
    url = values["url"]
    if url is None:
        return None
    if "stream" in mapping.entries and not url.startswith("redis"):
        place = mapping.entries["stream"].place
        sheet.problems.add(place, joined(where, "stream"), "is for redis://", "remove it")
    given = {key: value for key, value in values.items() if value is not None}
    return ListenerSettings(name=name, **given)
