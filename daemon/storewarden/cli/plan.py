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
    from storewarden.policy.rules import Policy, PolicySet

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
    from storewarden.cli.policies import policies_of, told_if_others
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    policy_set = policies_of(session)
    if policy is not None and policy_set.policy(policy) is None:
        raise unknown("policy", policy, [each.id for each in policy_set.policies])
    now_ns = until_ns = SystemClock().wall_ns()
    if at is not None:
        from storewarden.cli.until import until

        until_ns = until(at, now_ns)
    with session.reading() as engine:
        from storewarden.catalogue.hosts import host_id, this_machine

        host = host_id(engine, this_machine())
        told_if_others(engine, host, policy_set)
        in_pipe = not (session.json or session.output.terminal)
        if in_pipe and at is None and root is None and not any(map(_waits, policy_set.policies)):
            _lines_of_now(engine, host, policy_set, now_ns, policy)
            return DONE
        around = _around(session, engine, host, policy_set, (now_ns, until_ns), root)
        made = _made(engine, host, around, policy, root, marked=not in_pipe)
        if session.json:
            _whole(made, around)
        elif session.output.terminal:
            _for_people(session, made, around)
            _tell_command(session, made, around, policy, root)
        else:
            from storewarden.cli.plan_lines import write_items

            write_items(made.items())
    return DONE


def _waits(policy: Policy) -> bool:
    """Whether what is due by it may wait until a disk is fuller."""
    triggers = policy.triggers
    return triggers.pressure is not None and not (triggers.event or triggers.timers)


def _lines_of_now(
    engine: Engine, host: int | None, policy_set: PolicySet, now_ns: int, policy: str | None
) -> None:
    """Write lines that nothing has to be reckoned for: a tenth of what items take."""
    from storewarden.cli.plan_lines import write_lines
    from storewarden.pipeline.decisions import due_lines

    write_lines(due_lines(engine, policy_set, now_ns, host, policy))


def _around(
    session: Session,
    engine: Engine,
    host: int | None,
    policy_set: PolicySet,
    times: tuple[int, int],
    root: str | None,
) -> Around:
    from storewarden.api.reading.in_force import frozen, observed
    from storewarden.catalogue.planned import growth, held
    from storewarden.catalogue.subjects import tops
    from storewarden.cli.around import Around, disks
    from storewarden.cli.meant import unknown

    places = tops(engine, host)
    if root is not None and root not in places:
        raise unknown("root", root, list(places))
    now_ns, until_ns = times
    return Around(
        *(policy_set, session.settings, now_ns, until_ns, held(engine, host)),
        observed=observed(engine, host, policy_set),
        frozen=frozen(engine, host),
        disks=disks(places, root),
        growth=growth(engine, host, now_ns) if until_ns > now_ns else None,
    )


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


def _tell_command(
    session: Session, made: Plan, around: Around, policy: str | None, root: str | None
) -> None:
    """Say which command does just this."""
    from storewarden.cli.typed import command

    if not around.ahead and any(each.files for each in made.sums.values()):
        line = command("apply", [made.id], policy=policy, root=root)
        session.output.text()
        session.output.text(f"→ {line}", "head")


def _whole(made: Plan, around: Around) -> None:
    """Write one object, item by item: its id and its sums are known at the end only."""
    from storewarden.cli.output import named
    from storewarden.cli.plan_lines import kept_back
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
            "blocked": kept_back(item) or None,
            "reasons": words.reasons(item),
        }
        write((",\n" if number else "\n") + json.dumps(told))
    rest = json.dumps({"totals": totals(made, around), "plan": made.id})
    write("], " + rest[1:] + "\n")
