"""Deeds carried out: what was said becomes rows, inside a transaction of whoever calls.

Whoever calls has checked the deeds (``checked``). What is refused is returned and harms nothing
else; what another moment may bring (a catalogue that is busy) is raised, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from storewarden.api.carrier import Carrier
from storewarden.api.checked import Problem, Wrong
from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.api.who import Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import places
from storewarden.errors import PermanentError, StorewardenError

Also = Callable[[Engine, Sequence[Done]], None]


class Group(NamedTuple):
    """Deeds of one request: all of them are kept, or none; with ``also`` what goes along."""

    deeds: Sequence[Deed]
    who: Who
    also: Also | None = None


def carry_out(
    engine: Engine, host_id: int, deeds: Sequence[tuple[Deed, Who]], now_ns: int
) -> list[Done | StorewardenError]:
    """Carry deeds out, each by itself; return what came of each."""
    groups = [Group((deed,), who) for deed, who in deeds]
    outcomes = carry_groups(engine, host_id, groups, now_ns)
    return [each if isinstance(each, StorewardenError) else each[0] for each in outcomes]


def carry_groups(
    engine: Engine, host_id: int, groups: Sequence[Group], now_ns: int
) -> list[list[Done] | StorewardenError]:
    """Carry groups out, each whole or not at all; return what came of each.

    It is the beginning of its transaction.
    """
    _begin(engine, groups)
    if len(groups) > 1:
        try:  # mostly none is refused: then one savepoint does for all
            with engine.savepoint():
                carrier = Carrier(engine, host_id, now_ns)
                every: list[list[Done] | StorewardenError] = []
                every += [_carry(engine, carrier, group) for group in groups]
                carrier.finish()
                return every
        except PermanentError:
            pass
    return [_alone(engine, host_id, group, now_ns) for group in groups]


def carry_all(
    engine: Engine, host_id: int, deeds: Sequence[Deed], who: Who, now_ns: int
) -> list[Done]:
    """Carry out deeds of one request; raises the first refusal, and then none of them is kept."""
    (outcome,) = carry_groups(engine, host_id, [Group(deeds, who)], now_ns)
    if isinstance(outcome, StorewardenError):
        raise outcome
    return outcome


def _begin(engine: Engine, groups: Sequence[Group]) -> None:
    """Keep files from being recorded meanwhile, where a deed is about one."""
    deeds = (deed for group in groups for deed in group.deeds)
    if any(getattr(deed, "path", None) or getattr(deed, "image", None) for deed in deeds):
        places.begin_telling(engine)


def _alone(
    engine: Engine, host_id: int, group: Group, now_ns: int
) -> list[Done] | StorewardenError:
    try:
        with engine.savepoint():
            carrier = Carrier(engine, host_id, now_ns)
            done = _carry(engine, carrier, group)
            carrier.finish()
            return done
    except PermanentError as error:
        return error


def _carry(engine: Engine, carrier: Carrier, group: Group) -> list[Done]:
    done = []
    for place, deed in enumerate(group.deeds):
        try:
            done.append(carrier.carry(deed, group.who))
        except Wrong as wrong:
            if len(group.deeds) == 1:
                raise
            raise Wrong([_at(place, problem) for problem in wrong.problems]) from wrong
    if group.also is not None:
        group.also(engine, done)
    return done


def _at(place: int, problem: Problem) -> Problem:
    return problem._replace(pointer=f"/{place}{problem.pointer}")
