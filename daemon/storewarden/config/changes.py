"""What a reload changes, and which of it needs a new start."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from storewarden.config.keys import (
    CATALOGUE,
    CURRENCY,
    DATABASES,
    GROUPS,
    LISTENER_KEYS,
    LISTENERS,
    POLICIES,
    ROOT_KEYS,
    ROOT_PATH,
    STATE,
    STORE_KEYS,
    STORES,
    TABLES,
    WATCH_SHARE,
    Key,
    Kind,
)
from storewarden.config.problems import joined, printable
from storewarden.config.schema import (
    API_SOCKET,
    DatabaseSettings,
    ListenerSettings,
    RootSettings,
    Settings,
    StoreSettings,
    TableSettings,
)
from storewarden.config.secret import redacted
from storewarden.units import write_duration, write_share, write_size

_Named = StoreSettings | DatabaseSettings | TableSettings | ListenerSettings


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that two configurations hold differently; values are texts for people."""

    key: str
    old: str  # "" when it was not there
    new: str
    live: bool  # whether the daemon can apply it without a new start

    def __str__(self) -> str:
        if not self.old:
            return f"{self.key}: added ({self.new})"
        return f"{self.key}: {self.old} -> {self.new}" if self.new else f"{self.key}: removed"


def changed(old: Settings, new: Settings) -> tuple[Difference, ...]:
    """Return what differs between two configurations; where they were read from does not count."""
    return tuple(_differences(old, new))


def _differences(old: Settings, new: Settings) -> Iterator[Difference]:
    yield from _one(STATE, "", str(old.state), str(new.state))
    yield from _catalogue(old, new)
    yield from _one(WATCH_SHARE, "", old.watch_share, new.watch_share)
    listen, web = GROUPS["http"]
    yield from _one(listen, "http", str(old.http.listen), str(new.http.listen))
    yield from _one(web, "http", old.http.web_config, new.http.web_config)
    socket, *allowed = GROUPS["api"]
    yield from _one(socket, "api", _socket(old), _socket(new))
    for key in allowed:
        yield from _one(key, "api", getattr(old.api, key.name), getattr(new.api, key.name))
    for key in GROUPS["log"]:
        yield from _one(key, "log", getattr(old.log, key.name), getattr(new.log, key.name))
    profile, *reasons = GROUPS["health"]
    yield from _one(profile, "health", old.health.profile, new.health.profile)
    for key in reasons:
        was, now = (one.health.given(key.name) for one in (old, new))
        yield from _one(
            key, "health", *("by the profile" if one is None else one for one in (was, now))
        )
    yield from _roots(old, new)
    yield from _one(POLICIES, "", old.policies, new.policies)
    yield from _one(CURRENCY, "", old.currency, new.currency)
    yield from _named(STORES, old.stores, new.stores)
    yield from _named(DATABASES, old.databases, new.databases)
    yield from _named(TABLES, old.tables, new.tables)
    yield from _named(LISTENERS, old.listeners, new.listeners)


def _socket(settings: Settings) -> str:
    """Return where the socket is; one in the state directory goes with it."""
    socket = settings.api.socket
    if socket is None:
        return "none"
    by_itself = socket == settings.state / API_SOCKET
    return f"{API_SOCKET} in the state directory" if by_itself else str(socket)


def _named(
    group: str,
    old: Sequence[_Named],
    new: Sequence[_Named],
) -> Iterator[Difference]:
    """Stores, databases and tables as a whole; policies are read anew with them."""
    before = {one.name: one for one in old}
    after = {one.name: one for one in new}
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was != now:
            earlier, later = _summary(was), _summary(now)
            later = f"{later} (another password)" if earlier == later else later
            yield Difference(joined(group, name), earlier, later, live=True)


def _summary(one: _Named | None) -> str:
    """Return what a person would recognise of one of them: all of it that can differ."""
    if one is None:
        return ""
    values = {
        each.name: getattr(one, each.name)
        for each in fields(one)
        if each.compare and each.name != "name" and getattr(one, each.name) != each.default
    }
    told = [f"{name}: {redacted(_value(name, value))}" for name, value in values.items()]
    return printable(", ".join(told) or one.name)


def _value(name: str, value: Any) -> str:
    """Return a value of a store, a database or a table as it would be written."""
    key = next((key for key in (*STORE_KEYS, *LISTENER_KEYS) if key.name == name), None)
    if key is not None:
        return _text(key, value)
    if isinstance(value, tuple):
        return _several(value)
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def _several(values: tuple[Any, ...]) -> str:
    """Return columns, or children with theirs."""
    if all(isinstance(one, str) for one in values):
        return values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    return f"{{{', '.join(f'{name}: {_several(columns)}' for name, columns in values)}}}"


def _one(key: Key, path: str, old: object, new: object) -> Iterator[Difference]:
    if old != new:
        yield Difference(joined(path, key.name), _text(key, old), _text(key, new), key.live)


def _catalogue(old: Settings, new: Settings) -> Iterator[Difference]:
    """A new password alone is a difference that must not be seen."""
    if old.catalogue != new.catalogue:
        before, after = old.catalogue_shown, new.catalogue_shown
        after = f"{after} (another password)" if before == after else after
        yield Difference(CATALOGUE.name, before, after, CATALOGUE.live)


def _roots(old: Settings, new: Settings) -> Iterator[Difference]:
    """Roots come and go, and change, while the daemon runs."""
    before = {root.name: root for root in old.roots}
    after = {root.name: root for root in new.roots}
    for name in {**before, **after}:
        where = joined("roots", name)
        if name not in after:
            yield Difference(where, _text(ROOT_PATH, before[name].path), "", live=True)
        elif name not in before:
            yield Difference(where, "", _text(ROOT_PATH, after[name].path), live=True)
        else:
            yield from _root(where, before[name], after[name])


def _root(where: str, old: RootSettings, new: RootSettings) -> Iterator[Difference]:
    for key in ROOT_KEYS:
        yield from _one(key, where, getattr(old, key.name), getattr(new, key.name))


def _text(key: Key, value: Any) -> str:
    """Return a value as it would be written."""
    if key.never and not value:
        return "never"
    if key.kind in _WRITTEN:
        return _WRITTEN[key.kind](value)
    return printable(os.fsdecode(value) if isinstance(value, bytes) else str(value))


def _list(patterns: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(printable, patterns)) + "]"


_WRITTEN: dict[Kind, Callable[[Any], str]] = {
    Kind.DURATION: write_duration,
    Kind.SHARE: write_share,
    Kind.SIZE: write_size,
    Kind.TRUTH: lambda value: str(value).lower(),
    Kind.PATTERNS: _list,
    Kind.NAMES: _list,
    Kind.PLACES: _list,
    Kind.SOURCES: _list,
    Kind.EVENTS: _list,
    Kind.TERMS: _list,
}
