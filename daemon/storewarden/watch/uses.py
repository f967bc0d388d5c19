"""Opens and writes of files, folded by directory and name: bytes of events in, counts out.

A count belongs to a file, not to a name: it follows when the file is renamed, is added to what was
counted of a file that another replaces, and goes with a file that is deleted. The memory is
bounded; what does not fit is lost, and that is counted.

Pure; owned by the counter's thread.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from storewarden.watch.inotify import (
    CLOSE_NOWRITE,
    CLOSE_WRITE,
    DELETE,
    HEADER,
    IGNORED,
    ISDIR,
    MOVED_FROM,
    MOVED_TO,
    OPEN,
    Q_OVERFLOW,
)

MOST_NAMES: Final = 100_000
_MOST_MOVES: Final = 10_000  # renames of which only the first half came; out of the root mostly


class Use(NamedTuple):
    """What was counted of one file; ``since`` is when the first of it was."""

    opens: int
    writes: int
    last_ns: int
    since: float


class Listener(Protocol):
    """Who hears what events mean beside counts, each in its order."""

    def ours(self, watch: int, name: bytes) -> bool:
        """Tell whether the read that just ended was our own."""
        ...

    def moved(self, old: tuple[int, bytes], new: tuple[int, bytes]) -> None:
        """Hear of a file or directory that has another name."""
        ...

    def ignored(self, watch: int) -> None:
        """Hear that the kernel gave up a watch."""
        ...


class Uses:
    """What was counted and not yet told, by the watch of the directory and the name."""

    def __init__(self, listener: Listener, most: int = MOST_NAMES) -> None:
        self.names: dict[int, dict[bytes, Use]] = {}
        self.opens = self.writes = self.own = self.lost = 0  # since the start
        self.count = 0  # names
        self._listener = listener
        self._most = most
        self._moves: dict[int, tuple[int, bytes, Use | None]] = {}  # first halves, by cookie

    def take(self, buffer: bytes, now_ns: int, now: float, *, own: bool) -> None:
        """Fold the events of one read; ``own``: some of them may be of our own reads."""
        unpack = HEADER.unpack_from
        offset, end = 0, len(buffer)
        while offset < end:
            watch, mask, cookie, length = unpack(buffer, offset)
            start = offset + 16
            offset = start + length
            if mask & OPEN or (mask & ISDIR and not cookie):
                continue
            if not length:
                self._special(watch, mask)
                continue
            name = buffer[start:offset].rstrip(b"\0")
            if mask & CLOSE_NOWRITE:
                if own and self._listener.ours(watch, name):
                    self.own += 1
                else:
                    self.opens += 1
                    self._add(watch, name, Use(1, 0, now_ns, now))
            elif mask & CLOSE_WRITE:
                self.writes += 1
                self._add(watch, name, Use(0, 1, now_ns, now))
            else:
                self._renamed(watch, mask, cookie, name)

    def _special(self, watch: int, mask: int) -> None:
        if mask & Q_OVERFLOW:
            self.lost += 1
            self._moves.clear()  # their other halves may be what was lost
        elif mask & IGNORED:
            self.drop(watch)
            self._listener.ignored(watch)

    def _add(self, watch: int, name: bytes, use: Use) -> None:
        names = self.names.get(watch)
        if names is None:
            names = self.names[watch] = {}
        before = names.get(name)
        if before is not None:
            names[name] = joined(before, use)
        elif self.count >= self._most:
            self.lost += 1
        else:
            self.count += 1
            names[name] = use

    def _renamed(self, watch: int, mask: int, cookie: int, name: bytes) -> None:
        if mask & DELETE:
            self.pop(watch, name)
        elif mask & MOVED_FROM:
            if len(self._moves) >= _MOST_MOVES:
                self._moves.clear()
            self._moves[cookie] = (watch, name, self.pop(watch, name))
        elif mask & MOVED_TO and cookie in self._moves:
            old_watch, old_name, use = self._moves.pop(cookie)
            if use is not None:
                self._add(watch, name, use)
            self._listener.moved((old_watch, old_name), (watch, name))

    def pop(self, watch: int, name: bytes) -> Use | None:
        """Take what was counted of one file."""
        names = self.names.get(watch)
        use = names.pop(name, None) if names else None
        if use is not None:
            self.count -= 1
        return use

    def drop(self, watch: int) -> None:
        """Forget what was counted in a directory that is no more."""
        self.count -= len(self.names.pop(watch, ()))

    def take_all(self, watch: int) -> dict[bytes, Use]:
        """Take what was counted in one directory."""
        names = self.names.pop(watch, {})
        self.count -= len(names)
        return names

    def give_back(self, watch: int, name: bytes, use: Use) -> None:
        """Take back what could not be told: the file is not recorded yet."""
        self._add(watch, name, use)

    def clear(self) -> None:
        """Forget all."""
        self.names.clear()
        self._moves.clear()
        self.count = 0


def joined(one: Use, other: Use) -> Use:
    """Return what two counts of one file come to."""
    return Use(
        one.opens + other.opens,
        one.writes + other.writes,
        max(one.last_ns, other.last_ns),
        min(one.since, other.since),
    )
