"""One writer for each host: a row with an epoch that every transaction of the holder checks.

The holder beats. Who wants the lease looks whether the holder is alive: by its process where it
runs beside us, else, or when that process hangs, by a beat that stands still. Each new holder
raises the epoch, so whatever a paused one still wants to write is refused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.process import Process, boot_id
from storewarden.clock import Clock
from storewarden.errors import CatalogueBusy, HeldByAnother, LeaseLost, StorewardenError

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
STANDS_STILL = 15.0  # several beats and the longest wait for a busy catalogue
LOOK_SECONDS = 0.25

_FREE = ""  # what stands in the place of a holder that let go

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Held:
    """The row of a lease as it stands; ``holder`` is None when we cannot read who that is."""

    epoch: int
    free: bool
    holder: Process | None
    beat: int

    def __str__(self) -> str:
        return str(self.holder) if self.holder else "a process of another version"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one host, from ``take`` until ``release`` or until it is lost."""

    engine: Engine
    host_id: int
    epoch: int
    holder: Process

    def beat(self, clock: Clock) -> None:
        """Show that we live; raises LeaseLost when another took over."""
        with self.engine.transaction():
            self.engine.execute(
                "UPDATE leases SET beat = ? WHERE host_id = ?", (_beat(clock), self.host_id)
            )

    def release(self) -> None:
        """Let go at once, so that the next one need not wait; a lost lease stays lost."""
        try:
            with self.engine.transaction():
                self.engine.execute(
                    "UPDATE leases SET holder = ? WHERE host_id = ?", (_FREE, self.host_id)
                )
        except LeaseLost:
            pass
        except StorewardenError as error:  # the next one sees that our process is gone
            log.warning("the lease could not be released", extra={"facts": {"reason": str(error)}})
        finally:
            self.engine.hold(None)


def take(engine: Engine, host_id: int, program: str, clock: Clock, sleep: Sleep) -> Lease:
    """Take the lease of a host, and let the engine check it from now on.

    Returns at once when it is free, when its holder ended, or when its holder's beat is known to
    stand still; watches the beat for up to 15 s when nothing else tells.

    Raises:
        HeldByAnother: somebody alive has it.
    """
    held = read(engine, host_id)
    if held is not None and _is_alive(engine, host_id, held, clock, sleep):
        raise _refusal(engine, held)
    us = Process.current(program, clock.wall_ns())
    engine.hold(None)
    try:
        with engine.transaction():
            epoch = _seize(engine, host_id, us, read(engine, host_id), held, clock)
    except CatalogueBusy as error:  # a holder that was paused in the middle of writing
        raise (_refusal(engine, held) if held else error) from error
    lease = Lease(engine, host_id, epoch, us)
    engine.hold(lease)
    return lease


def read(engine: Engine, host_id: int) -> Held | None:
    """Return the lease of a host as it stands, None when nobody ever had it."""
    rows = engine.execute("SELECT epoch, holder, beat FROM leases WHERE host_id = ?", (host_id,))
    if not rows:
        return None
    epoch, holder, beat = rows[0]
    return Held(epoch, holder == _FREE, _parsed(holder), beat)


def refuse_if_held(engine: Engine, clock: Clock, sleep: Sleep) -> None:
    """Raise HeldByAnother while anybody, on whatever host, holds a lease of this catalogue.

    Watches the beats of holders on other machines for up to 15 s each.
    """
    for (host_id,) in engine.execute("SELECT host_id FROM leases"):
        held = read(engine, host_id)
        if held and _is_alive(engine, host_id, held, clock, sleep):
            raise _refusal(engine, held)


def epochs(engine: Engine) -> dict[str, int]:
    """Return the epoch of each host's lease, by the host's machine id."""
    rows = engine.execute(
        "SELECT h.machine_id, l.epoch FROM leases l JOIN hosts h ON h.id = l.host_id"
    )
    return {str(machine_id): int(epoch) for machine_id, epoch in rows}


def raise_epochs(engine: Engine, beyond: Mapping[str, int]) -> None:
    """Free every lease, its epoch above what it was and what it was elsewhere."""
    for machine_id, epoch in epochs(engine).items():
        engine.execute(
            "UPDATE leases SET holder = ?, epoch = ?"
            " WHERE host_id = (SELECT id FROM hosts WHERE machine_id = ?)",
            (_FREE, max(epoch, beyond.get(machine_id, 0)) + 1, machine_id),
        )


def live_holder(engine: Engine, host_id: int, clock: Clock) -> Process | None:
    """Return who holds the lease, as far as one look tells; for verbs that ask the daemon."""
    held = read(engine, host_id)
    if held is None or held.free or held.holder is None or _is_gone(held, clock):
        return None
    age = _age(held, clock)
    return None if age is not None and age >= STANDS_STILL else held.holder


def _is_alive(engine: Engine, host_id: int, held: Held, clock: Clock, sleep: Sleep) -> bool:
    """Tell whether the holder lives, watching its beat where one look does not tell."""
    if held.free or _is_gone(held, clock):
        return False
    age = _age(held, clock)
    if age is not None and age >= STANDS_STILL:
        return False
    if age is not None and held.holder and held.holder.is_beside_us():
        return True
    until = clock.monotonic() + STANDS_STILL - (age or 0)
    while clock.monotonic() < until:
        sleep(LOOK_SECONDS)
        now = read(engine, host_id)
        if now is None or now.free:
            return False
        if (now.epoch, now.beat) != (held.epoch, held.beat):
            return True
    return False


def _is_gone(held: Held, clock: Clock) -> bool:
    """Tell whether the holder has certainly ended.

    After a start of the machine its clock began anew, and the last beat lies ahead, or long ago. A
    beat of just now may come from a living process that is told another number of the boot.
    """
    if held.holder is None:
        return False
    since = clock.monotonic() - held.beat / 1000
    return held.holder.is_gone() or (
        held.holder.is_of_another_boot() and not 0 <= since < STANDS_STILL
    )


def _age(held: Held, clock: Clock) -> float | None:
    """Return the seconds since the last beat, where its clock is the one that we read."""
    if held.holder is None or held.holder.boot_id != boot_id():
        return None
    age = clock.monotonic() - held.beat / 1000
    return age if age >= 0 else None


def _seize(
    engine: Engine, host_id: int, us: Process, now: Held | None, judged: Held | None, clock: Clock
) -> int:
    """Write us into the row unless it changed since it was judged; return the new epoch."""
    if engine.dialect == "postgresql":
        # The host's row makes takers wait for each other, the lease's for the holder's transaction
        engine.execute("SELECT 1 FROM hosts WHERE id = ? FOR NO KEY UPDATE", (host_id,))
        engine.execute("SELECT 1 FROM leases WHERE host_id = ? FOR UPDATE", (host_id,))
        now = read(engine, host_id)
    if now is not None and not now.free and now != judged:
        raise _refusal(engine, now)
    epoch = now.epoch + 1 if now else 1
    engine.execute(
        "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (host_id) DO UPDATE SET"
        " epoch = excluded.epoch, holder = excluded.holder, beat = excluded.beat",
        (host_id, epoch, json.dumps(us.stored()), _beat(clock)),
    )
    return epoch


def _refusal(engine: Engine, held: Held) -> HeldByAnother:
    remedy = "stop it first"
    if held.holder:
        remedy = f"stop it first: systemctl stop storewarden, or kill {held.holder.pid}"
    return HeldByAnother(
        "another process holds the catalogue", where=engine.where, why=str(held), remedy=remedy
    )


def _beat(clock: Clock) -> int:
    return int(clock.monotonic() * 1000)


def _parsed(holder: str) -> Process | None:
    try:
        stored = json.loads(holder)
    except ValueError:
        return None
    return Process.parse(stored) if isinstance(stored, dict) else None
