"""The hot path: bytes of events in, names folded by directory out.

One file made and closed is two or three events; a burst is a hundred thousand of them a second.
So no object is made for an event: a name lands in its directory's dictionary, or only changes
its hint there. Measured: bench/ and tests/system/test_emitter_burst.py.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from storewarden.model import Hint
from storewarden.watch.inotify import (
    ATTRIB,
    CLOSE_WRITE,
    CREATE,
    DELETE,
    DELETE_SELF,
    HEADER,
    IGNORED,
    ISDIR,
    MOVE_SELF,
    MOVED_FROM,
    MOVED_TO,
    Q_OVERFLOW,
    UNMOUNT,
)
from storewarden.watch.table import Node

# What says something about a directory, or about the watch itself.
_STRUCTURE: Final = ISDIR | DELETE_SELF | MOVE_SELF | UNMOUNT | Q_OVERFLOW | IGNORED
_QUIET: Final = CLOSE_WRITE | MOVED_TO
_AWAY: Final = DELETE | MOVED_FROM

MOST_IN_DIRECTORY: Final = 10_000
MOST_NAMES: Final = 100_000
MOST_DIRECTORIES: Final = 20_000
_CHECK_EVERY: Final = 5_000  # events between two looks at the limits

Structure = Callable[[int, int, bytes], None]  # watch, mask, name

_TYPES: Final = (
    (CREATE, "created"),
    (CLOSE_WRITE, "closed"),
    (ATTRIB, "attributes"),
    (MOVED_FROM, "moved"),
    (MOVED_TO, "moved"),
    (DELETE, "deleted"),
    (Q_OVERFLOW, "overflow"),
)


@dataclass(frozen=True, slots=True)
class FoldLimits:
    """How many names are kept before a directory, or the root, is listed instead."""

    in_directory: int = MOST_IN_DIRECTORY
    names: int = MOST_NAMES
    directories: int = MOST_DIRECTORIES


class Fold:
    """The names that changed since the last delivery, by the watch of their directory."""

    def __init__(self, limits: FoldLimits | None = None) -> None:
        self._limits = limits or FoldLimits()
        self.names: dict[int, dict[bytes, Hint]] = {}
        self.dirty: set[int] = set()  # watches of directories to be listed instead
        self.too_much = False  # even the directories are too many: the root is to be scanned
        self._masks: dict[int, int] = {}
        self._unchecked = 0

    def take(self, buffer: bytes, known: dict[int, Node], structure: Structure) -> None:
        """Fold the events of one read; hand what concerns directories to ``structure``, in order.

        Args:
            buffer: as the kernel packed it.
            known: nodes by watch; events of any other watch are late and mean nothing.
            structure: called with watch, mask and name; it may change ``known``.
        """
        unpack, names_of, masks = HEADER.unpack_from, self.names, self._masks
        opened, closed, gone = Hint.OPENED, Hint.CLOSED, Hint.GONE
        offset, end, events = 0, len(buffer), 0
        while offset < end:
            watch, mask, _, length = unpack(buffer, offset)
            start = offset + 16
            offset = start + length
            events += 1
            masks[mask] = masks.get(mask, 0) + 1
            if mask & _STRUCTURE:
                structure(watch, mask, buffer[start:offset].rstrip(b"\0"))
                continue
            names = names_of.get(watch)
            if names is None:
                if watch not in known or not length:
                    continue
                names = names_of[watch] = {}
            name = buffer[start:offset].rstrip(b"\0")
            if mask & _QUIET:
                names[name] = closed
            elif mask & _AWAY:
                names[name] = gone
            elif names.get(name) is not closed:
                # Made, linked, or given other attributes: no proof that its writer is done.
                names[name] = opened
        self._unchecked += events
        if self._unchecked >= _CHECK_EVERY:
            self._check()

    def _check(self) -> None:
        """Fold directories with too many names, and too many directories, into less."""
        self._unchecked = 0
        limits = self._limits
        for watch in [w for w, names in self.names.items() if len(names) > limits.in_directory]:
            self.dirty.add(watch)
        if sum(map(len, self.names.values())) > limits.names:
            self.dirty.update(self.names)
        for watch in self.dirty & self.names.keys():
            del self.names[watch]
        if len(self.dirty) > limits.directories:
            self.clear()
            self.too_much = True

    def drop(self, watch: int) -> None:
        """Forget the names of a directory that is no more."""
        self.names.pop(watch, None)
        self.dirty.discard(watch)

    def clear(self) -> None:
        """Forget all names: the whole root is to be scanned."""
        self.names.clear()
        self.dirty.clear()
        self.too_much = False

    def pending(self) -> int:
        """Return how many names, and directories instead of names, wait for delivery."""
        return sum(map(len, self.names.values())) + len(self.dirty)

    def __bool__(self) -> bool:
        """Tell whether anything waits."""
        return bool(self.names or self.dirty or self.too_much)

    def counted(self) -> dict[str, int]:
        """Return how many events of each type came since the start."""
        counted = dict.fromkeys((name for _, name in _TYPES), 0)
        for mask, count in list(self._masks.items()):
            for bit, name in _TYPES:
                if mask & bit:
                    counted[name] += count
        return counted
