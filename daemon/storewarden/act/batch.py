"""Carry out many acts: those that can be share what each of them would pay alone.

Trash, purge and restore of one root are carried out together, up to `AT_ONCE` of them, and what
goes into one store in rounds; what is in the way of one act stops that one only. Any other act, and
one that was begun before, is carried out by itself.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import Final

from storewarden.act.carry.back import ALL_TOGETHER
from storewarden.act.carry.beside import AT_ONCE as FREED_AT_ONCE
from storewarden.act.carry.beside import STORING, free_beside, rounds, store_beside
from storewarden.act.carry.many import Hand
from storewarden.act.carry.move import LOCAL
from storewarden.act.execute import Executor, Outcome, outcome
from storewarden.catalogue.acts import Act
from storewarden.errors import FileUnusable

AT_ONCE: Final = 1000
"""So many acts share a drawer and two notes of the journal; what is held in memory, too."""


def carry_out_all(executor: Executor, acts: Sequence[Act]) -> Iterator[Outcome]:
    """Go on with acts to their end or a pause, in their order; yield what became of each.

    Raises:
        LeaseLost: another process acts now; this one must not touch anything any more.
        StorewardenError: the catalogue cannot be written now; the acts can be carried out again
            when it can.
    """
    for (_, verb, store, fresh), alike in groupby(acts, _alike):
        some = list(alike)
        if fresh and verb in ALL_TOGETHER:
            for start in range(0, len(some), AT_ONCE):
                yield from _together(executor, some[start : start + AT_ONCE])
        elif fresh and verb in STORING and store not in {None, LOCAL}:
            for together in rounds(some):
                yield from _beside(executor, together)
        else:
            yield from map(executor.carry_out, some)


def _alike(act: Act) -> tuple[str, str, str | None, bool]:
    return act.root, act.verb, act.store, _fresh(act)


def _fresh(act: Act) -> bool:
    """Tell whether nothing was begun for an act, as the journal has it."""
    return act.state == "planned" and act.place is None


def _together(executor: Executor, some: Sequence[Act]) -> Iterator[Outcome]:
    tools = executor.tools
    with ExitStack() as stack:
        try:
            root = stack.enter_context(tools.roots.opened(some[0].root))
        except FileUnusable:  # it is not there: each act is put off for that
            hand = Hand()
        else:
            with _uncollected():
                hand = ALL_TOGETHER[some[0].verb](tools, root, some) if len(some) > 1 else Hand()
        for act in some:
            yield _outcome(executor, hand, act)


def _beside(executor: Executor, some: Sequence[Act]) -> Iterator[Outcome]:
    tools = executor.tools
    with ExitStack() as stack:
        try:
            root = stack.enter_context(tools.roots.opened(some[0].root))
        except FileUnusable:  # as above
            hand = Hand()
        else:
            hand = store_beside(tools, root, some) if len(some) > 1 else Hand()
        for start in range(0, len(some), FREED_AT_ONCE):
            together = some[start : start + FREED_AT_ONCE]
            free_beside(hand, tools, together)
            for act in together:
                yield _outcome(executor, hand, act)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles among what a batch makes.

    There are none; to look through all of it again and again takes a fifth of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _outcome(executor: Executor, hand: Hand, act: Act) -> Outcome:
    if act.id in hand.ended:
        ended, work = hand.ended[act.id]
        return outcome(ended, work.tally)
    if act.id in hand.stopped:
        return executor.concluded(*hand.stopped[act.id])
    if act.id in hand.going_on:
        return executor.go_on(*hand.going_on[act.id])
    executor.tools.progress(0)  # whoever wants us to stop is heard between them
    return executor.carry_out(hand.standing.get(act.id, act))
