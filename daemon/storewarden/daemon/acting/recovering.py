"""Before anything is done in a root, what was begun there goes on, or is undone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from storewarden.act.landing import tidy
from storewarden.act.recover import Recovered, recover
from storewarden.daemon.acting.hands import Acting
from storewarden.errors import FileUnusable
from storewarden.measure.shown import shown

log = logging.getLogger(__name__)

_FEW: Final = 10  # drawers that are told one by one


class Recovery:
    """Recovers each root once, when it is there; and again after it was away."""

    def __init__(self, acting: Acting, root_ids: dict[str, int]) -> None:
        """``root_ids`` are the rows of roots by their names; some may be added later."""
        self._acting = acting
        self._ids = root_ids
        self._done: set[str] = set()
        self._began_ns = acting.now_ns
        self.recall: Callable[[int], None] = lambda _root_id: None  # what nobody wants any more

    def ready(self, root: str) -> bool:
        """Tell whether a root was recovered."""
        return root in self._done

    def left(self) -> dict[str, str]:
        """Return the roots in which nothing may be done yet."""
        return {
            root: "what was begun there has to go on first"
            for root in self._acting.roots.names
            if root not in self._done
        }

    def step(self) -> bool:
        """Recover all roots that can be; tell whether one was.

        Raises:
            GivenUp: we are to stop.
            StorewardenError: the catalogue cannot be used now, or the lease is lost.
        """
        worked = False
        for root in self._acting.roots.names:
            there = self._there(root)
            if not there:
                self._done.discard(root)  # whoever brought it back may have done something there
            elif root not in self._done and root in self._ids:
                self._recover(root)
                self._done.add(root)
                worked = True
        return worked

    def _there(self, root: str) -> bool:
        try:
            with self._acting.roots.opened(root):
                return True
        except FileUnusable:
            return False

    def _recover(self, root: str) -> None:
        with suppress(FileUnusable), self._acting.roots.opened(root) as up:
            self.recall(self._ids[root])
            done = recover(self._acting.executor, root, self._ids[root])
            for outcome in done.outcomes:
                self._acting.tell(outcome)
            removed = 0
            try:
                removed = tidy(up.descriptor, self._began_ns)
            except OSError as error:
                facts = {"root": root, "why": error.strerror}
                log.warning(
                    "what never came to its place cannot be removed", extra={"facts": facts}
                )
            _tell(root, done, removed)


def _tell(root: str, done: Recovered, removed: int) -> None:
    """Say what was met, where there was anything."""
    facts = {
        "root": root,
        "carried_on": len(done.outcomes),
        "put_back": len(done.put_back),
        "emptied": done.forgotten,
        "unfinished": removed,
    }
    if any(value for name, value in facts.items() if name != "root"):
        log.info("what was begun before goes on", extra={"facts": facts})
    for entry in done.unknown[:_FEW]:
        told = {"root": root, "room": entry.room.value, "mark": entry.mark}
        lies = f".storewarden/{entry.room.value}/{entry.mark}"
        told["remedy"] = f"its files are left alone in {lies}: docs/runbooks/trash-and-recovery.md"
        log.error("a drawer of which the catalogue knows nothing", extra={"facts": told})
    for refused in tuple(dict.fromkeys(done.unreadable))[:_FEW]:
        word = refused.reason.replace("_", " ")
        why = f"{word}: {refused.why}" if refused.why else word
        told = {"root": root, "path": shown(refused.path), "why": why}
        log.error("a drawer cannot be read", extra={"facts": told})
    more = len(done.unknown[_FEW:]) + len(done.unreadable[_FEW:])
    if more:
        log.error("there are more such drawers", extra={"facts": {"root": root, "more": more}})
