"""``storewarden plan``: what is due now, or would be by a time; changes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.cli.around import Around
    from storewarden.pipeline.planning import Item, Plan

FIRST = 10  # items that a terminal is shown


@verb
@click.option("--at", metavar="WHEN", help="By then: +90d, 2030-12-31, 2030-12-31T18:00+02:00.")
@click.option("--policy", metavar="ID", help="Only what this policy does.")
@click.option("--root", metavar="NAME", help="Only files of this root.")
def plan(session: Session, at: str | None, policy: str | None, root: str | None) -> int:
    """Tell what is due now, or would be by a time, and what it comes to.

    Files and bytes of each policy, what that frees here and what it costs elsewhere, what is
    blocked and by what, and which limit it would meet. With --at all steps until then, and a
    picture of how full the disks will be. In a pipe a line for each file. Nothing is changed, and
    no daemon is needed.
    """
    from storewarden.cli.meant import unknown
    from storewarden.cli.policies import frozen, observed, policies_of, told_if_others
    from storewarden.cli.until import until
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    policy_set = policies_of(session)
    if policy is not None and policy_set.policy(policy) is None:
        raise unknown("policy", policy, [each.id for each in policy_set.policies])
    now_ns = SystemClock().wall_ns()
    until_ns = now_ns if at is None else until(at, now_ns)
    with session.reading() as engine:
        from storewarden.catalogue.planned import growth, held
        from storewarden.catalogue.roots import host_id, this_machine
        from storewarden.catalogue.subjects import tops
        from storewarden.cli.around import Around, disks

        host = host_id(engine, this_machine())
        places = tops(engine, host)
        if root is not None and root not in places:
            raise unknown("root", root, list(places))
        told_if_others(engine, host, policy_set)
        around = Around(
            *(policy_set, session.settings, now_ns, until_ns, held(engine, host)),
            observed=observed(engine, host, policy_set),
            frozen=frozen(engine, host),
            disks=disks(places, root),
            growth=growth(engine, host, now_ns) if at is not None else None,
        )
        marked = session.json or session.output.terminal
        made = _made(engine, host, around, policy, root, marked=marked)
        if session.json:
            _whole(made, around)
        elif session.output.terminal:
            _for_people(session, made, around)
        else:
            _lines(made)
    return DONE


def _made(
    engine: Engine,
    host: int | None,
    around: Around,
    policy: str | None,
    root: str | None,
    *,
    marked: bool,
) -> Plan:
    from storewarden.pipeline.planning import Plan, Question
    from storewarden.policy.timing import machine_zone

    asked = Question(
        *(around.now_ns, around.until_ns, host, root, policy),
        zone=machine_zone(),
        full=around.full,
        marked=marked,
    )
    return Plan(engine, around.policies, asked)


# -- the three forms ----------------------------------------------------------------------------


def _for_people(session: Session, made: Plan, around: Around) -> None:
    import heapq

    from storewarden.cli.plan_told import tell

    count = 0

    def counted() -> Iterator[Item]:
        nonlocal count
        for item in made.items():
            count += 1
            yield item

    first = heapq.nsmallest(
        FIRST, counted(), key=lambda each: (each.due_ns is None, each.due_ns or 0, each.path)
    )
    tell(session.output, made, around, first, count)


def _lines(made: Plan) -> None:
    from functools import lru_cache

    from storewarden.measure.shown import shown

    known = lru_cache(1024)(shown)  # the same few words, a million times
    write = sys.stdout.write
    for item in made.items():
        due = "" if item.due_ns is None else item.due_ns
        write(
            f"{known(item.root)}\t{shown(item.path)}\t{known(item.action.word)}\t{item.policy}"
            f"\t{due}\t{item.size}\t{known(item.store or '')}\t{_kept_back(item)}\n"
        )


def _whole(made: Plan, around: Around) -> None:
    """Write one object, item by item: its id and its sums are known at the end only."""
    from storewarden.cli.output import named
    from storewarden.cli.plan_sums import totals
    from storewarden.cli.plan_words import Words
    from storewarden.cli.when import moment

    words = Words(around.policies)
    write = sys.stdout.write
    head = json.dumps({"at": moment(around.until_ns), "at_ns": around.until_ns})
    write(head[:-1] + ', "items": [')
    for number, item in enumerate(made.items()):
        told = {
            "root": item.root,
            **named("path", item.path),
            "action": item.action.word,
            "policy": item.policy,
            "due": None if item.due_ns is None else moment(item.due_ns),
            "due_ns": item.due_ns,
            "bytes": item.size,
            "store": item.store,
            "blocked": _kept_back(item) or None,
            "reasons": words.reasons(item),
        }
        write((",\n" if number else "\n") + json.dumps(told))
    rest = json.dumps({"totals": totals(made, around), "plan": made.id})
    write("], " + rest[1:] + "\n")


def _kept_back(item: Item) -> str:
    if item.blocked:
        return item.blocked.name.lower()
    return "space" if item.waits else ""
