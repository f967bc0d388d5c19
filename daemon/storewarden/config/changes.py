"""What a reload changes, and which of it needs a new start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields

from storewarden.config.keys import CATALOGUE, GROUPS, STATE, WATCH_SHARE, Key
from storewarden.config.problems import joined, printable
from storewarden.config.schema import RootSettings, Settings


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
    (listen,) = GROUPS["http"]
    yield from _one(listen, "http", str(old.http), str(new.http))
    for key in GROUPS["log"]:
        yield from _one(key, "log", getattr(old.log, key.name), getattr(new.log, key.name))
    yield from _roots(old, new)


def _one(key: Key, path: str, old: object, new: object) -> Iterator[Difference]:
    if old != new:
        yield Difference(joined(path, key.name), _text(old), _text(new), key.live)


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
            yield Difference(where, _text(before[name].path), "", live=True)
        elif name not in before:
            yield Difference(where, "", _text(after[name].path), live=True)
        else:
            yield from _root(where, before[name], after[name])


def _root(where: str, old: RootSettings, new: RootSettings) -> Iterator[Difference]:
    for one in fields(RootSettings):
        before, after = getattr(old, one.name), getattr(new, one.name)
        if before != after and one.name != "create":
            yield Difference(joined(where, one.name), _text(before), _text(after), live=True)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return printable(os.fsdecode(value))
    if isinstance(value, tuple):
        return "[" + ", ".join(printable(str(item)) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return printable(str(value))
