"""The worker that reads stored objects again, a share of them each day, and looks after stores.

What waits for a store waits in a thread of its own, so that the daemon can end at any moment: one
reads, and beside it each store is asked whether it is there. What is written, and what is decided,
is this worker's. Nothing is read while files are recorded or acts are carried out.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from storewarden.act.carry.work import Roots
from storewarden.act.scrub import DAY, SLOWLY, pace, share_of_day
from storewarden.catalogue import copies, scrubbed
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.acting.rereading import Rereading, tell
from storewarden.daemon.acting.storefigures import StoreFigures
from storewarden.daemon.acting.stores import Stores, ask
from storewarden.daemon.acting.sweeping import Sweeping
from storewarden.errors import StorewardenError
from storewarden.measure.metrics import Metrics
from storewarden.store.contract import Store

log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_POLL: Final = 0.02  # seconds, while an errand is out
_BUSY: Final = 0.5
_IDLE: Final = 15.0
_PROBE: Final = 300.0  # a store that nobody used is asked whether it is there
_AGAIN: Final = 3600.0  # after all of a day's share was read, or a store was away
_SLICES: Final = 8  # a second
_CHOSEN: Final = 64  # copies at a time
_DAMAGED_AGAIN: Final = 7  # days after which what was damaged is read once more
_PATIENCE: Final = 30.0  # for its answer


# What a store says, and what says that we are to stop; anything else is a mistake of ours.
_SAID: Final = (StorewardenError, GivenUp)


class Errand:
    """A call that may wait, in a thread of its own; what it raises comes to who looks after it."""

    def __init__(self, call: Callable[[], int]) -> None:
        self.result = 0
        self.error: BaseException | None = None
        self._call = call
        self._over = threading.Event()
        threading.Thread(target=self._run, name="errand", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether it came to its end."""
        return self._over.is_set()

    def _run(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:  # noqa: BLE001  # handed over
            self.error = error
        self._over.set()


@dataclass(slots=True)
class _Care:
    """What is to be done for one store, and when; times are of the monotonic clock."""

    look_at: float = 0.0
    sweep_at: float = 0.0
    probed_at: float = 0.0
    left: int = 0  # bytes of this day's share
    pace: float = SLOWLY
    chosen: deque[Copy] = field(default_factory=deque)


class Scrubbing:
    """Looks after all stores. ``step`` and ``finish`` run in a worker thread of its own."""

    def __init__(
        self,
        engine: Engine,
        host_id: int,
        stores: Stores,
        metrics: Metrics,
        clock: Clock,
        *,
        roots: Roots,
        busy: Callable[[], bool],
    ) -> None:
        """Touch nothing.

        Args:
            engine: the catalogue.
            host_id: whose copies these are.
            stores: that are configured.
            metrics: for figures.
            clock: for everything.
            roots: of the files that are stored.
            busy: tells that files are recorded or acts are carried out.
        """
        self._engine, self._host_id = engine, host_id
        self._stores, self._metrics, self._clock = stores, metrics, clock
        self._busy = busy
        self.send_off: Callable[[Callable[[], int]], Errand] = Errand
        self._figures = StoreFigures(engine, host_id, stores, metrics, clock, self._is_up)
        self._sweeping = Sweeping(engine, host_id, stores, roots)
        self._probes: dict[str, Errand] = {}
        self._cares: dict[str, _Care] = {}
        self._errand: Errand | None = None
        self._settle: Callable[[Errand], float] = lambda _errand: 0.0
        self._reading: Rereading | None = None
        self._next = 0  # of the stores: each has its turn

    def step(self) -> float:
        """Do a little; return how long to wait until more."""
        try:
            wait = self._step()
        except StorewardenError as error:
            if not error.transient:
                raise
            return _IDLE  # the catalogue cannot be used now
        return min(wait, _BUSY) if self._probes else wait

    def finish(self) -> None:
        """Leave what is being read; it is read from its beginning another time."""
        self._reading = None

    def _step(self) -> float:
        self._follow()
        now = self._clock.monotonic()
        self._figures.show()
        if any(self._probing(name, now) for name in self._cares):
            return _POLL
        if self._errand is not None:
            return self._come_back(self._errand)
        if self._busy():
            return _BUSY
        if self._reading is not None:
            return self._read_on(self._reading)
        names = list(self._cares)
        for turn in range(len(names)):
            name = names[(self._next + turn) % len(names)]
            if self._begin(name, now):
                self._next += turn + 1
                return _POLL
        return _IDLE

    def _follow(self) -> None:
        """Know the stores that are configured now."""
        if list(self._cares) != list(self._stores):
            self._cares = {name: self._cares.get(name, _Care()) for name in self._stores}
            self._probes = {name: one for name, one in self._probes.items() if name in self._cares}

    # -- what is next for a store ---------------------------------------------------------------

    def _begin(self, name: str, now: float) -> bool:
        """Begin what is due for a store; whether anything was."""
        care = self._cares[name]
        if name in self._probes or not self._stores.state_of(name).up:
            return False
        if now >= care.sweep_at:
            care.sweep_at = now + DAY
            if not self._stores.settings_of(name).read_only:
                now_ns = self._clock.wall_ns()
                unwanted = self._sweeping.unwanted(name, now_ns)
                self._send(
                    lambda: self._sweeping.sweep(name, unwanted, now_ns),
                    lambda errand: self._swept(name, errand),
                )
                return True
        if not care.chosen and now >= care.look_at:
            self._choose(name, care, now)
        if care.left <= 0:
            care.chosen.clear()
        if not care.chosen:
            return False
        self._reading = Rereading(self._stores[name], care.chosen.popleft())
        return True

    def _choose(self, name: str, care: _Care, now: float) -> None:
        """Choose what to read of a store next, that first which was not read for longest."""
        share, now_ns = self._stores.settings_of(name).scrub, self._clock.wall_ns()
        care.look_at = now + _AGAIN
        if not share:
            return
        total = sum(
            one.stored_bytes + one.files
            for one in copies.stored(self._engine, self._host_id)
            if one.store == name
        )
        day_ns = int(DAY) * _SECOND
        read = scrubbed.read_since(self._engine, self._host_id, name, now_ns - day_ns)
        care.left, care.pace = share_of_day(share, total, read), pace(share, total)
        if care.left > 0:
            last = now_ns - _DAMAGED_AGAIN * day_ns
            care.chosen += self._to_scrub(name, 0, after_ns=-last)
            care.chosen += self._to_scrub(name, now_ns - day_ns)
            if care.chosen:
                care.look_at = now

    def _to_scrub(self, name: str, before_ns: int, after_ns: int = -1) -> Iterable[Copy]:
        return copies.to_scrub(
            *(self._engine, self._host_id, name, before_ns, _CHOSEN), after_ns=after_ns
        )

    def _come_back(self, errand: Errand) -> float:
        """Go on with what an errand brought, if it is back."""
        if not errand.is_over:
            return _POLL
        self._errand = None
        if isinstance(errand.error, GivenUp):
            return _IDLE
        if errand.error is not None and not isinstance(errand.error, _SAID):
            self._reading = None
            raise errand.error
        return self._settle(errand)

    # -- errands ----------------------------------------------------------------------------------

    def _send(self, call: Callable[[], int], settle: Callable[[Errand], float]) -> None:
        self._settle = settle
        self._errand = self.send_off(call)

    def _probing(self, name: str, now: float) -> bool:
        """Ask a store whether it is there, if nobody did for a while; whether that just began."""
        probe, care, state = self._probes.get(name), self._cares[name], self._stores.state_of(name)
        if probe is not None:
            if not probe.is_over:
                return False
            del self._probes[name]
            self._figures.look_anew()
            if probe.error is not None and not isinstance(probe.error, _SAID):
                raise probe.error
            return False
        if state.up is not None and now - state.asked < _PROBE:
            return False
        care.probed_at = now
        store = self._stores[name]
        self._probes[name] = self.send_off(lambda: _asked(store))
        return True

    def _is_up(self, name: str) -> bool | None:
        """Tell whether a store answers; one that has not for long does not."""
        care = self._cares.get(name)
        waited = self._clock.monotonic() - care.probed_at if care else 0.0
        if name in self._probes and waited > _PATIENCE:
            return False
        return self._stores.state_of(name).up

    def _swept(self, name: str, errand: Errand) -> float:
        if errand.result:
            facts: dict[str, object] = {"store": name, "objects": errand.result}
            log.info("what nobody needs was removed from a store", extra={"facts": facts})
        return 0.0

    def _read_on(self, reading: Rereading) -> float:
        care = self._cares.get(reading.copy.store)
        if care is None:  # it is not configured any more
            self._reading = None
            return 0.0
        most, began = max(1, int(care.pace / _SLICES)), self._clock.monotonic()
        self._send(
            lambda: reading.go_on(most), lambda errand: self._was_read(reading, care, began, errand)
        )
        return _POLL

    def _was_read(self, reading: Rereading, care: _Care, began: float, errand: Errand) -> float:
        if errand.error is not None:  # it cannot be read now
            self._reading = None
            care.chosen.clear()
            care.look_at = self._clock.monotonic() + _AGAIN
            return 0.0
        self._metrics.scrubbed_bytes_total.labels(store=reading.copy.store).inc(errand.result)
        care.left -= errand.result
        if reading.is_over:
            care.left -= 1
            self._reading = None
            self._note(reading)
        took = self._clock.monotonic() - began
        return max(0.0, errand.result / care.pace - took)

    def _note(self, reading: Rereading) -> None:
        damage = reading.note(self._engine, self._clock.wall_ns())
        if damage is None:
            return
        tell(damage)
        if damage.new:
            self._metrics.scrub_damaged_total.labels(store=damage.copy.store).inc()
        for other in damage.lost.others:
            if other.store in self._cares:
                self._cares[other.store].chosen.appendleft(other)
                self._cares[other.store].left = max(1, self._cares[other.store].left)
        self._figures.count_anew()


def _asked(store: Store) -> int:
    ask(store)
    return 0
