"""File systems that come and go inside a root: seen within a second, and nothing they hide is lost.

What a mount covers cannot be seen, and what was on a file system that went away cannot either. No
event tells of either, so the sentinel compares the kernel's list of mounts with what it was. Owned
by the sentinel thread; others only ask whether something changed that was not told yet.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from storewarden.config.schema import RootSettings
from storewarden.errors import StorewardenError
from storewarden.measure.shown import shown
from storewarden.model import Blindness
from storewarden.watch.mounts import Mount, MountTable

log = logging.getLogger(__name__)


class Known(Protocol):
    """What the catalogue knows of the files below a directory."""

    def knows_below(self, root: str, path: bytes, after_id: int) -> bool:
        """Tell whether a file that is present has a row there, made after ``after_id``."""
        ...

    def newest(self) -> int:
        """Return the highest id of all rows of files."""
        ...

    def hidden(self, root: str) -> Sequence[tuple[str, bytes]]:
        """Return the reasons and places for which something could not be seen when last told."""
        ...


class Hides(Protocol):
    """Who watches the root: it looks at what is there now, and says what cannot be seen."""

    def mounts_changed(self, path: bytes, *, covered: bool, left: bool) -> None:
        """Hear what is hidden at a directory now: files below it, or files that were on top."""
        ...


class NestedMounts:
    """The mounts inside one root."""

    def __init__(self, root: RootSettings, mounts: MountTable, known: Known) -> None:
        self._root = root
        self._mounts = mounts
        self._known = known
        self._seen: tuple[Mount, ...] = ()
        self._inside: dict[bytes, int] = {}  # number of the innermost mount by path in the root
        self._covered: dict[bytes, int] = {}  # with the newest row of that time
        self._left: set[bytes] = set()  # where a file system with known files went away
        # What was mounted when who watches was last told of all it hides; replaced as a whole.
        self._told: tuple[Sequence[Mount], dict[bytes, int]] = ((), {})
        self._begun = False

    def begin(self) -> None:
        """Take what is mounted now for what belongs there: watching is about to begin.

        But for what was hidden when an earlier daemon ended, and still is.
        """
        self._seen = self._mounts.current()
        self._inside = self._now()
        if self._begun:
            return
        self._begun = True
        for reason, path in self._known.hidden(self._root.name):
            if path and reason == Blindness.MOUNTED_OVER and path in self._inside:
                self._covered[path] = 0
            elif path and reason == Blindness.NOT_MOUNTED and path not in self._inside:
                self._left.add(path)

    def tell(self, watching: Hides) -> None:
        """Tell who watches from now on what is hidden."""
        for path in {*self._covered, *self._left}:
            self._tell(watching, path)
        self._told = (self._seen, self._inside)

    def judged(self) -> bool:
        """Tell whether who watches knows of all that is mounted inside now (any thread)."""
        seen, inside = self._told
        mounts = self._mounts.current()
        return mounts is seen or self._among(mounts) == inside

    def look(self, watching: Hides) -> None:
        """Compare what is mounted now with what was, and tell who watches."""
        mounts = self._mounts.current()
        if mounts is self._seen:
            return
        self._seen = mounts
        before, self._inside = self._inside, self._now()
        self._compare(watching, before)
        self._told = (self._seen, self._inside)

    def _compare(self, watching: Hides, before: Mapping[bytes, int]) -> None:
        """Tell who watches of each place where something else is mounted than before."""
        for path in sorted({*before, *self._inside}):
            if before.get(path) == self._inside.get(path):
                continue
            if self._inside.get(path, -1) > before.get(path, -1):
                self._came(path)
            else:
                self._went(path)
            log.info(
                "what is mounted inside a root changed",
                extra={"facts": {"root": self._root.name, "path": shown(path)}},
            )
            self._tell(watching, path)

    def _now(self) -> dict[bytes, int]:
        return self._among(self._seen)

    def _among(self, mounts: Sequence[Mount]) -> dict[bytes, int]:
        """Return the innermost mounts inside the root, by path in it."""
        top = os.path.realpath(self._root.path).rstrip(b"/") + b"/"
        return {
            mount.mountpoint.removeprefix(top): mount.number
            for mount in mounts
            if mount.mountpoint.startswith(top)
        }

    def _came(self, path: bytes) -> None:
        if path in self._left:
            self._left.discard(path)  # what belongs there is back
        elif self._knows_below(path, 0):
            self._covered.setdefault(path, self._newest())

    def _went(self, path: bytes) -> None:
        if self._knows_below(path, self._covered.pop(path, 0)):
            self._left.add(path)

    def _knows_below(self, path: bytes, after_id: int) -> bool:
        try:
            return self._known.knows_below(self._root.name, path, after_id)
        except StorewardenError as error:
            if not error.transient:
                raise
            return True  # nobody can tell: then nothing there is called missing

    def _newest(self) -> int:
        try:
            return self._known.newest()
        except StorewardenError as error:
            if not error.transient:
                raise
            return 0

    def _tell(self, watching: Hides, path: bytes) -> None:
        watching.mounts_changed(path, covered=path in self._covered, left=path in self._left)
