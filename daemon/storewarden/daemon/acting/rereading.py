"""One copy is read again, and what that comes to is noted, told and counted.

A copy is called damaged after it was read twice and was wrong both times: the first time, a line or
a memory may have changed what a disk holds unharmed.
"""

from __future__ import annotations

import logging
import shlex
from typing import NamedTuple

from storewarden.act.scrub import Expected, Reading
from storewarden.catalogue import scrubbed
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.scrubbed import Lost
from storewarden.errors import ObjectDamaged, ObjectMissing
from storewarden.measure.shown import shown
from storewarden.store.contract import Store

log = logging.getLogger(__name__)


class Damage(NamedTuple):
    """A copy that is not what it should be, and what can be done."""

    copy: Copy
    lost: Lost
    why: str
    new: bool  # whether this was not known before

    @property
    def what(self) -> str:
        """What it means, in a line."""
        if self.lost.local:
            return "a stored copy is damaged; its file is here and is copied anew"
        if self.lost.others:
            return "a stored copy is damaged; the file has another copy, which is read next"
        return "the last copy of a file is damaged; it is left as it is"

    @property
    def remedy(self) -> str:
        """What a person can do; empty when nothing is to be done."""
        if self.lost.local:
            return ""
        name = shlex.quote(f"{self.lost.root}/{shown(self.lost.path)}")
        if self.lost.others:
            return f"if the file is needed now: storewarden restore {name}"
        return f"look for it elsewhere (backups of the store); storewarden why {name}"

    @property
    def others(self) -> str:
        """Where else the file is stored."""
        return ", ".join(f"{one.store}: {one.key}" for one in self.lost.others)


class Rereading:
    """Reads a copy to its end, a stretch at a time, and once more if it was wrong."""

    def __init__(self, store: Store, copy: Copy) -> None:
        """Ask the store for nothing yet."""
        self.copy = copy
        self.read = 0  # bytes, of both readings
        self.is_over = False
        self.why = ""  # it is damaged
        self._store = store
        self._reading = self._begun()

    def go_on(self, most: int) -> int:
        """Read about so many bytes more; return how many.

        Raises:
            StorewardenError: it cannot be read now; that says nothing of it.
        """
        before = self._reading.read
        try:
            self._reading.go_on(most)
        except (ObjectDamaged, ObjectMissing) as error:
            moved = self._reading.read - before
            self._reading.close()
            self.is_over = bool(self.why)
            self.why = error.why or error.what
            self._reading = self._begun()
        else:
            moved = self._reading.read - before
            if self._reading.is_over:
                self.is_over, self.why = True, ""
        self.read += moved
        return moved

    def close(self) -> None:
        """Give the object back."""
        self._reading.close()

    def note(self, engine: Engine, now_ns: int) -> Damage | None:
        """Note what came of it, when it is over; return a damage for who is to tell of it."""
        if not self.why:
            scrubbed.sound(engine, [(self.copy, self._reading.version)], now_ns)
            return None
        lost = scrubbed.damaged(engine, self.copy, self.why, now_ns)
        if lost is None:
            return None
        return Damage(self.copy, lost, self.why, new=self.copy.scrubbed_ns >= 0)

    def _begun(self) -> Reading:
        one = self.copy
        key = one.key or ""  # one without is never chosen
        expected = Expected(key, one.size, one.digest, one.codec, one.stored_bytes)
        return Reading(self._store, expected)


def tell(damage: Damage) -> None:
    """Write a damage to the log, once."""
    if not damage.new:
        return
    lost = damage.lost
    facts: dict[str, object] = {"store": damage.copy.store, "key": damage.copy.key}
    facts |= {"root": lost.root, "path": shown(lost.path), "why": damage.why}
    facts |= {"others": damage.others} if lost.others else {}
    facts |= {"remedy": damage.remedy} if damage.remedy else {}
    level = logging.WARNING if lost.local else logging.ERROR
    log.log(level, damage.what, extra={"facts": facts})
