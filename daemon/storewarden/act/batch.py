"""Carry out many acts: those that can be share what each of them would pay alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storewarden.act.execute import Executor, Outcome
from storewarden.catalogue.acts import Act


def carry_out_all(executor: Executor, acts: Sequence[Act]) -> Iterator[Outcome]:
    """Go on with acts to their end or a pause, in their order; yield what became of each.

    Raises:
        LeaseLost: another process acts now; this one must not touch anything any more.
        StorewardenError: the catalogue cannot be written now; the acts can be carried out again
            when it can.
    """
    for act in acts:
        yield executor.carry_out(act)
