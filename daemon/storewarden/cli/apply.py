"""``storewarden apply``: what is due now is done, as the plan says it and as a person saw it."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from storewarden.cli.done_told import Item as Asked
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.cli.around import Around
    from storewarden.daemon.acting.wish import Wish
    from storewarden.pipeline.planning import Item, Plan
    from storewarden.policy.rules import PolicySet

FIRST = 10  # items that a terminal is shown
How = tuple[str, str, str | None]  # an action, a policy, a store


@verb
@click.argument("plan", required=False)
@click.option("--policy", metavar="ID", help="Only what this policy does; lets it go on, too.")
@click.option("--root", metavar="NAME", help="Only files of this root.")
@click.option("--yes", "-y", is_flag=True, help="Go on without asking.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
def apply(
    session: Session,
    plan: str | None,
    policy: str | None,
    root: str | None,
    yes: bool,
    dry_run: bool,
) -> int:
    """Do what is due now, each file looked at once more before anything is done to it.

    \b
    storewarden apply                       tells it, asks, does it
    storewarden apply 9f2c-1204-…           exactly the plan that `storewarden plan` told
    storewarden apply --policy renders

    With PLAN, nothing is done unless the plan is the same now: the same files, unchanged, the same
    acts, policies and stores. Policies that are only observed, or that met a limit of their guard,
    go on by themselves from then on. Where nobody can be asked, it wants PLAN or --yes.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli import typed
    from storewarden.cli.acting import carry_out, drawn
    from storewarden.cli.asking import wanted
    from storewarden.cli.done_told import tell, well
    from storewarden.errors import DONE, FAILED

    due = _due(session, policy, root)
    if plan is not None:
        _require_same(plan, due)
    if session.output.terminal:
        _show(session, due)
    if dry_run:
        return _dry(session, due)
    if not due.files and policy is None:
        return _tell_nothing(session, due)
    line = typed.command("apply", [plan] if plan else [], policy=policy, root=root)
    again = f"{line} --yes" if plan is None else ""
    if not wanted(session, yes=yes, needs=again):
        return DONE
    with drawn("apply", due.files, due.size) as bar:
        result = carry_out(session, due.wishes(line, policy), bar)
    tell(session, result, due.items(), "done", more={"plan": due.made.id})
    return DONE if well(result) else FAILED


# -- what is due ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Due:
    """All that is due and can be done, and the plan that it is."""

    made: Plan
    around: Around
    ids: array[int] = field(default_factory=lambda: array("q"))
    which: array[int] = field(default_factory=lambda: array("i"))
    hows: dict[How, int] = field(default_factory=dict)
    size: int = 0
    first: Sequence[Item] = ()
    counted: int = 0

    @property
    def files(self) -> int:
        """How many files something is done to."""
        return len(self.ids)

    def add(self, item: Item) -> None:
        """Count in an item, unless it is blocked or waits."""
        self.counted += 1
        if item.blocked or item.waits:
            return
        how = item.action.word, item.policy, item.store
        self.ids.append(item.file_id)
        self.which.append(self.hows.setdefault(how, len(self.hows)))
        self.size += item.size

    def items(self) -> Iterator[Asked]:
        """Yield what is asked for, file by file."""
        hows = list(self.hows)
        for file_id, at in zip(self.ids, self.which, strict=True):
            action, policy, store = hows[at]
            yield Asked(file_id, action, store, policy)

    def wishes(self, line: str, policy: str | None) -> Iterator[Wish]:
        """Yield what is wanted, some thousand files at a time; the first approves the policies."""
        from storewarden.cli.acting import LARGEST
        from storewarden.cli.asking import who
        from storewarden.cli.typed import numbered
        from storewarden.daemon.acting.wish import Wanted, Wish

        reason = numbered(line)
        hows = list(self.hows)
        approves = tuple(sorted({how[1] for how in hows} | ({policy} if policy else set())))
        asked_by = who()
        for start in range(0, max(1, len(self.ids)), LARGEST):
            ids, which = self.ids[start : start + LARGEST], self.which[start : start + LARGEST]
            wanted = tuple(
                Wanted(id_, hows[at][0], hows[at][2], hows[at][1])
                for id_, at in zip(ids, which, strict=True)
            )
            yield Wish(wanted, asked_by, reason, approves, self.around.policies.fingerprint)


def _due(session: Session, policy: str | None, root: str | None) -> Due:
    from storewarden.cli.meant import unknown
    from storewarden.cli.policies import policies_of

    policy_set = policies_of(session)
    if policy is not None and policy_set.policy(policy) is None:
        raise unknown("policy", policy, [each.id for each in policy_set.policies])
    with session.reading() as engine:
        from storewarden.catalogue.roots import host_id, this_machine

        host = host_id(engine, this_machine())
        _require_in_force(engine, host, policy_set)
        due = _plan(session, engine, host, policy_set, policy, root)

        def items() -> Iterator[Item]:
            for item in due.made.items():
                due.add(item)
                yield item

        due.first = heapq.nsmallest(
            FIRST, items(), key=lambda each: (each.due_ns is None, each.due_ns or 0, each.path)
        )
        return due


def _plan(
    session: Session,
    engine: Engine,
    host: int | None,
    policy_set: PolicySet,
    policy: str | None,
    root: str | None,
) -> Due:
    from storewarden.api.reading.in_force import frozen, observed
    from storewarden.catalogue.planned import held
    from storewarden.catalogue.subjects import tops
    from storewarden.cli.around import Around, disks
    from storewarden.cli.meant import unknown
    from storewarden.clock import SystemClock
    from storewarden.pipeline.planning import Plan, Question
    from storewarden.policy.timing import machine_zone

    now_ns = SystemClock().wall_ns()
    places = tops(engine, host)
    if root is not None and root not in places:
        raise unknown("root", root, list(places))
    around = Around(
        *(policy_set, session.settings, now_ns, now_ns, held(engine, host)),
        observed=observed(engine, host, policy_set),
        frozen=frozen(engine, host),
        disks=disks(places, root),
    )
    asked = Question(
        *(now_ns, now_ns, host, root, policy), zone=machine_zone(), full=around.full, marked=True
    )
    return Due(Plan(engine, policy_set, asked), around)


def _require_in_force(engine: Engine, host: int | None, policy_set: PolicySet) -> None:
    """Raise when a daemon judges by other policies: what it did would not be what is shown."""
    from storewarden.catalogue.lease import live_holder
    from storewarden.catalogue.policy_sets import in_force
    from storewarden.clock import SystemClock
    from storewarden.errors import PermanentError

    if host is None or live_holder(engine, host, SystemClock()) is None:
        return
    stored = in_force(engine, host)
    if stored is not None and stored.fingerprint != policy_set.fingerprint:
        raise PermanentError(
            "nothing was done",
            why="the policies as they are written now are not those in force",
            remedy="systemctl reload storewarden takes them; then: storewarden plan",
        )


def _require_same(plan: str, due: Due) -> None:
    from storewarden.errors import PermanentError, UsageError
    from storewarden.measure.shown import shown
    from storewarden.pipeline.plan_id import PlanId

    asked, now = PlanId.of(plan), PlanId.of(due.made.id)
    if asked is None:
        raise UsageError("this is no plan", where=shown(plan), remedy="storewarden plan tells one")
    if now is None or asked != now:
        told = asked.unlike(now) if now is not None else ""
        raise PermanentError(
            "nothing was done: the plan is another one now",
            where=str(asked),
            why=told,
            remedy=f"look at it: storewarden plan; now it is {due.made.id}",
        )


# -- what is told ---------------------------------------------------------------------------------


def _show(session: Session, due: Due) -> None:
    from storewarden.cli.plan_told import tell

    tell(session.output, due.made, due.around, due.first, due.counted)


def _dry(session: Session, due: Due) -> int:
    from storewarden.cli.output import note
    from storewarden.errors import DONE

    if session.json:
        session.output.document({"plan": due.made.id, "dry_run": True, **_sums(due)})
    elif not session.output.terminal:
        for (action, policy, store), (files, size) in _by_how(due).items():
            session.output.fields(action, policy, store or "", files, size)
    else:
        note("nothing was done: --dry-run")
    return DONE


def _tell_nothing(session: Session, due: Due) -> int:
    from storewarden.cli.done_told import tell
    from storewarden.daemon.acting.wish import Result
    from storewarden.errors import DONE

    if session.output.terminal:
        session.output.text("nothing is due that can be done", "dim")
    else:
        tell(session, Result(), (), "done", more={"plan": due.made.id})
    return DONE


def _by_how(due: Due) -> dict[How, tuple[int, int]]:
    return {
        (action.word, policy, store): (each.files, each.bytes)
        for (policy, action, store), each in sorted(
            due.made.sums.items(), key=lambda pair: (*pair[0][:2], pair[0][2] or "")
        )
        if each.files
    }


def _sums(due: Due) -> dict[str, object]:
    return {
        "files": due.files,
        "bytes": due.size,
        "policies": [
            {"action": action, "policy": policy, "store": store, "files": files, "bytes": size}
            for (action, policy, store), (files, size) in _by_how(due).items()
        ],
    }
