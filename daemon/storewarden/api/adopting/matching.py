"""Which file below a root an application means by a path, and whether it is there.

Applications write paths as they like: absolute, below their own directory, as a browser asks for
them, or as they were on another machine. Nothing is looked at but what lies below a root.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, Self

from storewarden.below import open_directory

State = Literal["there", "kept", "absent", "outside"]
_OPEN: Final = 64  # directories at a time
_FILE: Final = b"file://"


@dataclass(frozen=True, slots=True)
class Placed:
    """What a path came to: ``kept`` is what the catalogue knows and no directory holds now."""

    path: bytes  # absolute; as it was written where it is outside
    state: State
    why: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person says of the paths of an application."""

    bases: tuple[bytes, ...] = ()  # directories, absolute, at which its paths may begin
    moved: tuple[tuple[bytes, bytes], ...] = ()  # how paths began, and how they begin now


class Places:
    """Finds files below roots; to be closed."""

    def __init__(
        self,
        roots: Mapping[str, bytes],
        hints: Hints,
        kept: Callable[[str, bytes], str | None] = lambda _root, _path: None,
    ) -> None:
        self._roots = {name: _Root(name, path) for name, path in roots.items()}
        self._hints = hints
        self._kept = kept  # how a file below a root is kept that is not there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for root in self._roots.values():
            root.close()

    def find(self, written: bytes) -> Placed:
        """Return the file that is meant."""
        plain = written.removeprefix(_FILE)
        if b"://" in plain:
            return Placed(written, "outside", "is an address, and no path")
        if b"\0" in plain:
            return Placed(written, "outside", "is no path")
        candidates = list(dict.fromkeys(self._candidates(plain)))
        below = [(path, root) for path in candidates if (root := self._root_of(path)) is not None]
        for path, root in below:
            found = root.look(path)
            if found is not None:
                return Placed(path, "there", size=found.st_size)
        for path, root in below:
            kept = self._kept(root.name, path[len(root.path) + 1 :])
            if kept is not None:
                return Placed(path, "kept", kept)
        if below:
            return Placed(below[0][0], "absent", "is not there")
        why = "is below none of the roots"
        if not plain.startswith(b"/"):
            why = "is relative, and begins below none of the roots: --base DIRECTORY says where"
        return Placed(written, "outside", why)

    def _candidates(self, written: bytes) -> Iterator[bytes]:
        """Yield absolute paths that may be meant, the likeliest first."""
        hints = self._hints
        for old, new in sorted(hints.moved, key=lambda pair: -len(pair[0])):
            if written == old or written.startswith(old.rstrip(b"/") + b"/"):
                yield os.path.normpath(os.path.join(new, written[len(old) :].lstrip(b"/")))
                break
        if written.startswith(b"/"):
            yield os.path.normpath(written)
        for base in hints.bases:
            yield os.path.normpath(os.path.join(base, written.lstrip(b"/")))
        name, _, below = written.lstrip(b"/").partition(b"/")
        root = self._roots.get(os.fsdecode(name))
        if root is not None and below:
            yield os.path.normpath(os.path.join(root.path, below))

    def _root_of(self, path: bytes) -> _Root | None:
        inside = [root for root in self._roots.values() if path.startswith(root.path + b"/")]
        return max(inside, key=lambda root: len(root.path), default=None)


class _Root:
    """A root whose files are looked at, with directories of it that are open."""

    def __init__(self, name: str, path: bytes) -> None:
        self.name = name
        self.path = os.path.normpath(path)
        self._top: int | None = None
        self._open: OrderedDict[bytes, int | None] = OrderedDict()

    def look(self, path: bytes) -> os.stat_result | None:
        """Return what a regular file below it is, None where there is none."""
        directory, name = os.path.split(path[len(self.path) + 1 :])
        descriptor = self._directory(directory)
        if descriptor is None:
            return None
        try:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            return None
        return found if stat.S_ISREG(found.st_mode) else None

    def _directory(self, path: bytes) -> int | None:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        descriptor = None
        with suppress(OSError):
            if self._top is None:
                self._top = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            descriptor = open_directory(self._top, path)
        self._open[path] = descriptor
        if len(self._open) > _OPEN:
            _close(self._open.popitem(last=False)[1])
        return descriptor

    def close(self) -> None:
        """Let go of all that is open."""
        for descriptor in (*self._open.values(), self._top):
            _close(descriptor)
        self._open.clear()
        self._top = None


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def written_moves(words: Sequence[str]) -> tuple[tuple[bytes, bytes], ...]:
    """Return moves that a person wrote as OLD=NEW.

    Raises:
        ValueError: the first that is none.
    """
    found = []
    for word in words:
        old, sign, new = word.partition("=")
        if not sign or not old or not new.startswith("/"):
            raise ValueError(word)
        found.append((os.fsencode(old), os.fsencode(new)))
    return tuple(found)
