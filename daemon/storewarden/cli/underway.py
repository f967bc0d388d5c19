"""What ``status`` tells of acts: which go on, which were put off, and what guards hold back.

And of stores, which last copies of files in them are damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import Style, named
from storewarden.cli.when import ago

if TYPE_CHECKING:
    from storewarden.catalogue.acts import Act
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.held_back import HeldBack

FIRST = 3  # acts that are told one by one


@dataclass(frozen=True, slots=True)
class Held:
    """What one guard keeps a policy from doing, and the command that releases it."""

    policy: str
    guard: str
    why: str
    files: int
    bytes: int
    since_ns: int
    command: str


@dataclass(frozen=True, slots=True)
class Underway:
    """Acts as one screen shows them."""

    open: int = 0
    put_off: int = 0
    oldest: tuple[Act, ...] = ()
    held: tuple[Held, ...] = ()
    damaged: tuple[tuple[str, int], ...] = ()  # stores, and how many last copies in each

    @property
    def anything(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.open or self.held or self.damaged)


def read(engine: Engine, host: int | None) -> Underway:
    """Read what goes on and what does not."""
    from storewarden.catalogue import copies, held_back, scrubbed
    from storewarden.catalogue.past_acts import going_on

    if host is None:
        return Underway()
    count, put_off, oldest = going_on(engine, host)
    held = tuple(_held(one) for one in held_back.read(engine, host))
    damaged = tuple(
        (one.store, copies_)
        for one in copies.stored(engine, host)
        if (copies_ := scrubbed.damaged_copies(engine, host, one.store))
    )
    return Underway(count, put_off, tuple(oldest), held, damaged)


def _held(one: HeldBack) -> Held:
    told = (one.policy, one.guard, one.why, one.files, one.size, one.since_ns)
    return Held(*told, one.command)


def as_json(underway: Underway) -> dict[str, Any]:
    """Return it as an object."""
    return {
        "open": underway.open,
        "put_off": underway.put_off,
        "acts": [
            {
                "act": act.id,
                "action": act.verb,
                "state": act.state,
                "root": act.root,
                **named("path", act.path),
                "policy": act.policy,
                "by": act.asked_by,
                "attempts": act.attempts,
                "next_try_ns": act.next_try_ns,
                "error": act.error or None,
            }
            for act in underway.oldest
        ],
        "held": [{name: getattr(one, name) for name in Held.__slots__} for one in underway.held],
        "damaged": [{"store": store, "copies": count} for store, count in underway.damaged],
    }


def fields(underway: Underway) -> Iterator[tuple[object, ...]]:
    """Yield it as lines for programs."""
    if underway.open:
        yield "acts", underway.open, underway.put_off
    for one in underway.held:
        yield (
            *("held", one.policy, one.guard, one.files, one.bytes, one.since_ns, one.why),
            one.command,
        )
    for store, count in underway.damaged:
        yield "damaged", store, count


def lines(underway: Underway, now_ns: int) -> Iterator[tuple[str, Style]]:
    """Yield what people read."""
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    going = underway.open - underway.put_off
    if underway.open:
        parts = [f"{going:,} under way" if going else ""]
        parts += [f"{underway.put_off:,} put off" if underway.put_off else ""]
        yield f"acts       {', '.join(part for part in parts if part)}", ""
    for act in underway.oldest[:FIRST]:
        again = f", again {ago(act.next_try_ns, now_ns)}" if act.next_try_ns is not None else ""
        yield f"  {act.verb} {act.root}/{shown(act.path)}, {act.state}{again}", "dim"
        if act.error:
            yield f"    {shown(act.error)}", "odd"
        if act.next_try_ns is not None:
            yield f"    to give it up: storewarden undo {act.id}", "dim"
    if len(underway.oldest) > FIRST or underway.open > len(underway.oldest):
        more = underway.open - min(FIRST, len(underway.oldest))
        yield f"  … and {more:,} more", "dim"
    for one in underway.held:
        files = "1 file" if one.files == 1 else f"{one.files:,} files"
        since = ago(one.since_ns, now_ns)
        yield (
            f"held back  {files}, {format_size(one.bytes)}, since {since}: {shown(one.why)}",
            "odd",
        )
        if one.command:
            yield f"  → {one.command}", "head"
    for store, count in underway.damaged:
        files = "the last copy of 1 file" if count == 1 else f"the last copies of {count:,} files"
        yield f"damaged    {files} in {store}; nothing of them was removed", "bad"
        yield f"  → storewarden store scrub {store} --all", "head"
