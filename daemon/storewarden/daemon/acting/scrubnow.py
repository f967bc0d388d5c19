"""Stored objects are read again at once, because a person asked for it, daemon or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from storewarden.catalogue import copies
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock
from storewarden.daemon.acting.rereading import Damage, Rereading
from storewarden.store.contract import Store

_PIECE: Final = 4 << 20
_BATCH: Final = 256

Told = Callable[["Scrubbed"], None]


@dataclass(slots=True)
class Scrubbed:
    """What reading again came to so far."""

    objects: int = 0
    bytes: int = 0  # of objects
    of_bytes: int = 0  # that there are to read
    damaged: list[Damage] = field(default_factory=list)


def scrub_now(
    engine: Engine, host_id: int, store: Store, share: float, clock: Clock, told: Told
) -> Scrubbed:
    """Read a share of what a host has in a store, that first which was not read for longest.

    Raises:
        StorewardenError: the store, or the catalogue, cannot be used now; what was read until then
            is noted.
    """
    begun_ns = clock.wall_ns()
    stored = [one for one in copies.stored(engine, host_id) if one.store == store.name]
    scrubbed = Scrubbed(of_bytes=int(share * sum(one.stored_bytes for one in stored)))
    for copy in _oldest(engine, host_id, store.name, begun_ns):
        if share < 1 and scrubbed.objects and scrubbed.bytes >= scrubbed.of_bytes:
            break
        _read(engine, Rereading(store, copy), scrubbed, clock, told)
    return scrubbed


def _oldest(engine: Engine, host_id: int, store: str, begun_ns: int) -> Iterator[Copy]:
    """Yield copies that were not read since a time, each once; what was damaged comes first."""
    seen: set[int] = set()
    for before_ns, after_ns in ((0, -begun_ns), (begun_ns, -1)):
        while True:
            some = copies.to_scrub(
                *(engine, host_id, store, before_ns, len(seen) + _BATCH), after_ns=after_ns
            )
            new = [one for one in some if one.file_id not in seen]
            if not new:
                break
            yield from new
            # What was noted is not met again; what an act has in hand stays as it was.
            there = copies.of_files(engine, [one.file_id for one in new])
            seen |= {
                one.file_id
                for each in there.values()
                for one in each
                if one.store == store and abs(one.scrubbed_ns) < begun_ns
            }


def _read(engine: Engine, reading: Rereading, scrubbed: Scrubbed, clock: Clock, told: Told) -> None:
    try:
        while not reading.is_over:
            scrubbed.bytes += reading.go_on(_PIECE)
            told(scrubbed)
    finally:
        reading.close()
    scrubbed.objects += 1
    damage = reading.note(engine, clock.wall_ns())
    if damage is not None:
        scrubbed.damaged.append(damage)
