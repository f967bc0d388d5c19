"""Acts that go on: put off until their time, or left by a catalogue that was away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from storewarden.catalogue import acts as journal
from storewarden.catalogue import wished
from storewarden.catalogue.acts import REMOVING, Act
from storewarden.catalogue.wished import UnderWay
from storewarden.daemon.acting import standing
from storewarden.daemon.acting.hands import Acting
from storewarden.daemon.acting.recovering import Recovery
from storewarden.errors import StorewardenError

_LOOK: Final = 5.0  # seconds between two looks at what waits, while anything does
_PROBE: Final = 60.0  # between two questions to a store that was down
_AT_ONCE: Final = 100
_ALL: Final = 1_000_000
# From then on nothing that an act did is undone because nobody wants it any more.
_RECALLED: Final = frozenset({"planned", "copied"})
_PROBE_KEY: Final = "storewarden-looks-whether-this-store-answers"


class Waiting:
    """Goes on with acts whose time has come. Used by the actor's thread alone."""

    def __init__(self, acting: Acting, recovery: Recovery, root_ids: Mapping[str, int]) -> None:
        self._acting, self._recovery, self._ids = acting, recovery, root_ids
        self.back: Callable[[], None] = lambda: None  # a store is
        self.under_way: tuple[UnderWay, ...] = ()
        self._look_at = float("-inf")
        self._probe_at = float("-inf")
        self._down: set[str] | None = None  # stores that acts wait for
        self._stale = True

    def forget(self) -> None:
        """Look anew: acts were planned, or ended."""
        self._stale = True

    def step(self) -> None:
        """Go on with what may be tried again by now.

        Raises:
            GivenUp: we are to stop.
            StorewardenError: the catalogue cannot be used now, or the lease is lost.
        """
        now = self._acting.clock.monotonic()
        if not self._stale and (now < self._look_at or not self.under_way):
            return
        self._look_at, self._stale = now + _LOOK, False
        self.under_way = tuple(wished.under_way(self._acting.engine, self._acting.host_id))
        if not self.under_way:
            self._down = self._down or set()
            return
        self._ask_stores(now)
        for one in self.under_way:
            if self._recovery.ready(one.root) and one.root in self._ids:
                self._go_on(self._ids[one.root])

    def recall(self, root_id: int) -> None:
        """Give up what policies wanted in a root and do not want any more."""
        acting = self._acting
        due = journal.open_acts(acting.engine, root_id, acting.now_ns, limit=_ALL)
        for start in range(0, len(due), _AT_ONCE):
            self._wanted_of(due[start : start + _AT_ONCE])

    def _go_on(self, root_id: int) -> None:
        acting = self._acting
        due = journal.open_acts(acting.engine, root_id, acting.now_ns, limit=_AT_ONCE)
        if standing.jumped(acting.engine, acting.host_id):
            due = [act for act in due if act.verb not in REMOVING]
        for _ in acting.carry_out(self._wanted_of(due)):
            self._stale = True

    def _wanted_of(self, due: Sequence[Act]) -> list[Act]:
        """Return what is still wanted of acts; the others are given up."""
        wanted = self._still_wanted(due)
        for act in due:
            if act.id not in wanted:
                self._acting.tell(
                    self._acting.executor.give_up(act, "it is decided otherwise by now")
                )
        return [act for act in due if act.id in wanted]

    def _still_wanted(self, due: Sequence[Act]) -> set[int]:
        """Return the acts that nobody takes back: those of people, and what policies still say."""
        asked = [
            act for act in due if act.policy is not None and act.state in _RECALLED and act.file_id
        ]
        wanted = {act.id for act in due} - {act.id for act in asked}
        judge, now_ns = self._acting.judge, self._acting.now_ns
        if judge is None:
            return wanted  # what they say cannot be known now
        said = judge.says([act.file_id for act in asked if act.file_id is not None], now_ns)
        for act in asked:
            says = said.get(act.file_id or 0)
            if says is not None and says.asks(act.policy or "", act.verb, act.store, now_ns):
                wanted.add(act.id)
        return wanted

    def _ask_stores(self, now: float) -> None:
        """Try at once what waits for a store that is back, instead of when its pause is over."""
        acting = self._acting
        waited_for = wished.stores_waited_for(acting.engine, acting.host_id)
        if self._down is None:
            self._down = set(waited_for)  # nobody knows what was when they were last asked
        self._down.update(name for name in waited_for if acting.store_is_down(name))
        self._down.intersection_update(waited_for)
        if now < self._probe_at:
            return
        self._probe_at = now + _PROBE
        for name in sorted(self._down & acting.stores.keys()):
            with suppress(StorewardenError):
                acting.stores[name].find(_PROBE_KEY)
            if not acting.store_is_down(name):
                self._down.discard(name)
                wished.wake(acting.engine, acting.host_id, name, acting.now_ns)
                self.back()
