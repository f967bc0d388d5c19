"""The deeds about rows: what is due, its doing, what comes back, children without a parent."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from storewarden import __version__
from storewarden.catalogue import held_back, policy_sets, row_archives
from storewarden.catalogue.row_archives import Archive, put_away
from storewarden.config.schema import TableSettings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, Outcome, TendResult, TendWish, Told
from storewarden.databases.child import run_job
from storewarden.databases.rows import plan
from storewarden.databases.rows.declared import family
from storewarden.databases.rows.keeping import Keeper, Subject, Wanted
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.plan import Kept, Purge, Step
from storewarden.databases.rows.restored import Wanted as Back
from storewarden.databases.rows.tables import Declared
from storewarden.errors import StorewardenError, UsageError, WorkStopped
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import Guard, Policy

log = logging.getLogger(__name__)

PLAN, APPLY, RESTORE, ORPHANS = "rows_plan", "rows_apply", "rows_restore", "rows_orphans"
RECOVER: Final = "rows_recover"
APPLIED: Final = "applied"
ORPHANS_FOUND: Final = "orphans"
"""Figures: rows that left at the last run, and rows that hang on nothing, all together."""

_ROOM: Final = 1.5  # of the bytes of what is archived, for our own copy
_FREE: Final = 64 << 20


def plan_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Tell what is due by policies about rows; nothing is changed."""
    work = _Work(hands, wish, told, stopping)
    return work.each(lambda table: work.planned(table, PLAN))


def apply_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Do what is due by policies about rows.

    The option ``approves`` names policies that a person lets act, whatever limit they meet.
    """
    work = _Work(hands, wish, told, stopping)
    work.recover()
    _approve(hands, [str(policy) for policy in wish.options.get("approves", ())])
    return work.each(work.applied)


def go_on_with_rows(hands: Hands, stopping: Stopping) -> None:
    """Go on with archives of rows that were under way when somebody was stopped.

    Raises:
        GivenUp: we are to stop.
    """
    wish = TendWish(RECOVER, (), {}, "recovery")
    for one in _Work(hands, wish, lambda _told: None, stopping).recover():
        facts = {"table": one.database, **one.facts, "why": one.why}
        log.info("an archive of rows that was under way was looked at", extra={"facts": facts})


def restore_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Bring rows back: options ``keys``, ``from_ns``, ``to_ns``, ``archive``, ``dangling``."""
    work = _Work(hands, wish, told, stopping)
    work.recover()
    return work.each(work.restored)


def orphan_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Count children without a parent and rows without their file; with ``clean`` they go.

    They are archived first, like all that goes. The option ``yes`` lets them go beyond limits.
    """
    work = _Work(hands, wish, told, stopping)
    if wish.options.get("clean"):
        work.recover()
    return work.each(work.orphans)


def _approve(hands: Hands, policies: Sequence[str]) -> None:
    """Note that a person lets policies act; without a daemon they are put in force for that."""
    if not policies or hands.policies is None:
        return
    known = policy_sets.policies(hands.engine, hands.host_id)
    with hands.engine.transaction():
        if not known.keys() >= set(policies):
            policy_sets.put_in_force(
                *(hands.engine, hands.host_id),
                *(hands.policies.fingerprint, hands.policies.sources),
                {policy.id: fingerprint(policy) for policy in hands.policies.policies},
                hands.now_ns,
                __version__,
            )
        for policy in policies:
            held_back.approve(hands.engine, hands.host_id, policy, hands.now_ns)


@dataclass(frozen=True, slots=True)
class _Due:
    """Something that is due: rows that leave, or archives that go; and what stands against it."""

    policy: Policy
    action: str
    rows: int
    size: int
    reason: str
    against: tuple[str, ...]
    counted: Mapping[str, Any]
    step: Step | None = None
    purges: tuple[Purge, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = {
            "policy": self.policy.id,
            "action": self.action,
            "rows": self.rows,
            "bytes": self.size,
            "reason": self.reason,
            "blocked": list(self.against),
            "store": self.step.store if self.step else None,
            "archives": [one.archive for one in self.purges],
        }
        names = ("children", "of_rows", "timeless", "slow", "first_ns", "last_ns")
        return told | {name: self.counted[name] for name in names if name in self.counted}


class _Work:
    """One wish about rows, carried out table by table."""

    def __init__(self, hands: Hands, wish: TendWish, told: Tell, stopping: Stopping) -> None:
        self._hands, self._wish, self._told, self._stopping = hands, wish, told, stopping
        self._done = self._bytes = 0
        self._total = 0
        self._table = ""
        self._keeper = Keeper(
            *(hands.engine, hands.host_id, hands.stores, hands.clock, hands.scratch, run_job),
            stopping=stopping,
            progress=self._progress,
        )

    def each(self, does: Callable[[TableSettings], Sequence[Item]]) -> TendResult:
        """Do something for each table that is meant; one that fails keeps no other from it."""
        began = self._hands.clock.monotonic()
        tables = self._meant()
        self._total = len(tables)
        items: list[Item] = []
        for table in tables:
            self._table = table.name
            self._tell()
            try:
                items += does(table)
            except WorkStopped as error:
                raise GivenUp from error
            except StorewardenError as error:
                items.append(_failed(table.name, self._wish.what, error))
            self._done += 1
        self._tell()
        return TendResult(tuple(items), self._hands.clock.monotonic() - began)

    def recover(self) -> list[Item]:
        """Go on with what was begun before; what cannot be now, waits. Return what came of it."""
        items = []
        for one in self._keeper.recover():
            if isinstance(one, WorkStopped):
                raise GivenUp from one
            if isinstance(one, StorewardenError):
                items.append(_failed("", RECOVER, one))
            else:
                facts = {"archive": one.id, "state": one.state}
                items.append(Item(one.name, RECOVER, "done", facts=facts))
            if self._stopping():
                raise GivenUp
        return items

    # -- what is due ------------------------------------------------------------------------------

    def planned(self, table: TableSettings, what: str) -> list[Item]:
        """Return what is due for a table."""
        found = [Item(table.name, what, "done", facts=one.facts()) for one in self._due(table)]
        if not found:
            why = "no policy is about its rows"
            found = [Item(table.name, what, "done", why, facts={"action": None, "rows": 0})]
        return found

    def _due(self, table: TableSettings) -> list[_Due]:
        hands = self._hands
        found: list[_Due] = []
        mine = plan.policies_of(hands.policies, table.name) if hands.policies else ()
        subject = self._subject(table, mine)
        for policy in mine:
            found += self._leaving(table, subject, policy)
            found += self._purging(table, policy)
        self._note(table, found)
        return found

    def _leaving(self, table: TableSettings, subject: Subject, policy: Policy) -> Iterator[_Due]:
        now_ns = self._hands.now_ns
        spared = self._keeper.spared(table.name, now_ns - plan.after_ns(policy))
        for step in plan.steps(policy, table, now_ns, spared):
            (counted,) = self._keeper.look(subject, [step.picked])
            against = [*self._against(policy)]
            if counted["rows"]:
                figures = (counted[n] for n in ("rows", "bytes", "of_rows", "of_bytes"))
                against += [words for _, words in plan.over(policy.guard, *figures)]
            yield _Due(
                *(policy, step.action, counted["rows"], counted["bytes"], step.reason),
                *(tuple(against), counted, step),
            )

    def _purging(self, table: TableSettings, policy: Policy) -> Iterator[_Due]:
        archives = row_archives.archives(
            self._hands.engine, self._hands.host_id, table.name, ("done",)
        )
        kept = [
            Kept(one.id, one.policy, one.rows, one.stored_bytes, one.last_ns, one.ended_ns)
            for one in archives
        ]
        purges = tuple(plan.purges(policy, kept, self._hands.now_ns))
        if purges:
            rows, size = sum(one.rows for one in purges), sum(one.size for one in purges)
            against = [*self._against(policy)]
            guard = Guard(policy.guard.max_objects, policy.guard.max_bytes, None)
            limits = plan.over(guard, rows, size, 0, 0)
            against += [words for _, words in limits]
            reason = purges[0].reason
            yield _Due(policy, "purge", rows, size, reason, tuple(against), {}, purges=purges)

    def _against(self, policy: Policy) -> Iterator[str]:
        """Yield why a policy may do nothing by itself."""
        if wrong := plan.unfit(policy):
            yield wrong
        stored = policy_sets.policies(self._hands.engine, self._hands.host_id).get(policy.id)
        approved = (
            stored is not None
            and stored.approved_ns is not None
            and stored.fingerprint == fingerprint(policy)
        )
        if policy.observe and not approved:
            yield "it is only observed until a person applies its first plan"

    def _note(self, table: TableSettings, found: Sequence[_Due]) -> None:
        figures = [(table.name, f"due.{one.policy.id}.{one.action}", one.rows) for one in found]
        timeless = [one.counted["timeless"] for one in found if "timeless" in one.counted]
        figures += [(table.name, "timeless", max(timeless))] if timeless else []
        row_archives.note_figures(
            self._hands.engine, self._hands.host_id, figures, self._hands.now_ns
        )

    # -- doing it ---------------------------------------------------------------------------------

    def applied(self, table: TableSettings) -> list[Item]:
        """Do what is due for a table, and return what came of each."""
        items = []
        let = {str(one) for one in self._wish.options.get("approves", ())}
        mine = plan.policies_of(self._hands.policies, table.name) if self._hands.policies else ()
        subject = self._subject(table, mine)
        for one in self._due(table):
            if not one.rows:
                continue
            if plan.unfit(one.policy) or (one.against and one.policy.id not in let):
                remedy = f"look at it, then: storewarden rows apply {table.name} --yes"
                why = "; ".join(one.against)
                items.append(Item(table.name, APPLY, "refused", why, remedy, one.facts()))
                continue
            items.append(self._carried_out(table, subject, one))
        left = sum(int(one.facts.get("left", 0)) for one in items)
        self._figure(table, APPLIED, left)
        return items

    def _figure(self, table: TableSettings, figure: str, value: int) -> None:
        row_archives.note_figures(
            self._hands.engine,
            self._hands.host_id,
            [(table.name, figure, value)],
            self._hands.now_ns,
        )

    def _carried_out(self, table: TableSettings, subject: Subject, one: _Due) -> Item:
        came: list[Archive] = []
        try:
            for archive in self._acts(subject, one):
                came.append(archive)
                if self._stopping():
                    raise GivenUp
        except WorkStopped as error:
            raise GivenUp from error
        except StorewardenError as error:
            outcome: Outcome = "put_off" if error.transient else "failed"
            facts = one.facts() | _sums(came)
            return Item(table.name, APPLY, outcome, _why(error), error.remedy, facts)
        return Item(table.name, APPLY, "done", facts=one.facts() | _sums(came))

    def _acts(self, subject: Subject, one: _Due) -> Iterator[Archive]:
        for purge in one.purges:
            archive = row_archives.one(self._hands.engine, self._hands.host_id, purge.archive)
            if archive is not None:
                yield self._keeper.purge(archive)
        if one.step is None:
            return
        self._require_room(one.size)
        reason = one.policy.reason or one.reason
        for picked in plan.windows(one.step, one.counted["first_ns"], one.counted["last_ns"]):
            wanted = Wanted(
                *(picked, one.step.store, one.policy.id, self._wish.asked_by, reason, plan.MOST)
            )
            yield from self._archived(subject, wanted)

    def _archived(self, subject: Subject, wanted: Wanted) -> Iterator[Archive]:
        """Archive until nothing is left that goes; what changed meanwhile is for another time."""
        while (archive := self._keeper.archive(subject, wanted)) is not None:
            yield archive
            removed = archive.told.get("removed", {})
            if archive.rows < wanted.most or not removed.get("rows"):
                return

    def _require_room(self, size: int) -> None:
        free = shutil.disk_usage(self._hands.scratch).free
        if size * _ROOM + _FREE > free:
            from storewarden.errors import StoreFull  # noqa: PLC0415  # rarely

            raise StoreFull(
                "there is no room for a copy of the rows",
                where=str(self._hands.scratch),
                why=f"they are about {size:,} bytes, and {free:,} are free",
            )

    # -- back, and without a parent ---------------------------------------------------------------

    def restored(self, table: TableSettings) -> list[Item]:
        """Bring rows of a table back, out of the newest archive that has them."""
        options = self._wish.options
        keys = {tuple(str(part) for part in key) for key in options.get("keys", ())}
        times = options.get("from_ns"), options.get("to_ns")
        items = []
        for archive in self._archives(table, options.get("archive"), times):
            if options.get("keys") and not keys:
                break
            dangling = bool(options.get("dangling")) or archive.told["picked"]["what"] == "orphans"
            wanted = Back(tuple(sorted(keys)), *times, dangling=dangling)
            done = self._keeper.restore(archive, wanted.facts(), table.database)
            if done["met"]:
                facts = {name: done[name] for name in ("rows", "met", "there")}
                items.append(
                    Item(table.name, RESTORE, "done", facts={"archive": archive.id, **facts})
                )
            keys -= {tuple(str(part) for part in key) for key in done["keys"]}
        if not items:
            why = "no archive has such rows"
            remedy = f"storewarden rows archives {table.name}"
            items.append(Item(table.name, RESTORE, "refused", why, remedy))
        return items

    def _archives(
        self, table: TableSettings, number: object, times: tuple[int | None, int | None]
    ) -> Iterator[Archive]:
        first, last = times
        for one in row_archives.archives(
            self._hands.engine, self._hands.host_id, table.name, row_archives.THERE
        ):
            if number is not None and one.id != int(str(number)):
                continue
            early = last is not None and one.first_ns is not None and one.first_ns > last
            late = first is not None and one.last_ns is not None and one.last_ns < first
            if not early and not late:
                yield one

    def orphans(self, table: TableSettings) -> list[Item]:
        """Count, and clean when that is wished, what hangs on nothing."""
        items = []
        for subject, picked, name in self._loose(table):
            (counted,) = self._keeper.look(subject, [picked])
            items.append(self._cleaned(table, subject, picked, name, counted))
        if table.file is not None:
            items.append(self._fileless(table))
        figures = [(table.name, str(one.facts["figure"]), int(one.facts["rows"])) for one in items]
        figures.append((table.name, ORPHANS_FOUND, sum(value for _, _, value in figures)))
        row_archives.note_figures(
            self._hands.engine, self._hands.host_id, figures, self._hands.now_ns
        )
        return items

    def _loose(self, table: TableSettings) -> Iterator[tuple[Subject, Picked, str]]:
        """Yield each child table as a table of its own, with the choice of its orphans."""
        whole = family(table, self._hands.settings.tables)
        waiting: list[Declared] = [whole]
        while waiting:
            parent = waiting.pop(0)
            for columns, child in parent.children:
                picked = Picked(
                    what="orphans",
                    parent=parent.table,
                    parent_key=parent.key,
                    columns=columns,
                )
                subject = Subject(table.name, table.database, child, (), None, _where(table))
                yield subject, picked, f"orphans.{child.table}"
                waiting.append(child)

    def _fileless(self, table: TableSettings) -> Item:
        subject = self._subject(table, ())
        gone = self._keeper.gone(subject, table.files or os.path.dirname(table.database))
        paths = [bytes(path) for path, _ in gone["found"]]
        away = put_away(self._hands.engine, self._hands.host_id, paths)
        keys = tuple(tuple(key) for path, key in gone["found"] if bytes(path) not in away)
        picked = Picked(what="fileless", keys=keys)
        (counted,) = self._keeper.look(subject, [picked])
        counted["unknown"] = gone["unknown"]
        return self._cleaned(table, subject, picked, "fileless", counted)

    def _cleaned(
        self,
        table: TableSettings,
        subject: Subject,
        picked: Picked,
        figure: str,
        counted: Mapping[str, Any],
    ) -> Item:
        rows = int(counted["rows"])
        facts = {"figure": figure, "table": subject.declared.table, "rows": rows}
        facts |= {
            name: counted[name]
            for name in ("bytes", "children", "of_rows", "unknown")
            if name in counted
        }
        options = self._wish.options
        if not rows or not options.get("clean"):
            return Item(table.name, ORPHANS, "found" if rows else "done", facts=facts)
        sums = (counted[n] for n in ("rows", "bytes", "of_rows", "of_bytes"))
        against = [words for _, words in plan.over(Guard(), *sums)]
        if against and not options.get("yes"):
            remedy = f"storewarden rows orphans {table.name} --clean --yes"
            return Item(table.name, ORPHANS, "refused", "; ".join(against), remedy, facts)
        wanted = Wanted(picked, plan.BACKUPS, None, self._wish.asked_by, figure, plan.MOST)
        self._require_room(int(counted["bytes"]))
        came = list(self._archived(subject, wanted))
        return Item(table.name, ORPHANS, "done", facts=facts | _sums(came))

    # -- tables -----------------------------------------------------------------------------------

    def _meant(self) -> list[TableSettings]:
        tables = {one.name: one for one in self._hands.settings.tables}
        for name in self._wish.databases:
            if name not in tables:
                known = ", ".join(sorted(tables)) or "the configuration declares none"
                raise UsageError("no declared table is called so", where=name, remedy=known)
        return [tables[name] for name in self._wish.databases or tables]

    def _subject(self, table: TableSettings, policies: Sequence[Policy]) -> Subject:
        clocks = [table.clock, *(one.clock for one in policies if one.clock)]
        clocks += [table.deleted] if table.deleted else []
        declared = family(table, self._hands.settings.tables)
        known = tuple(dict.fromkeys(clocks))
        return Subject(table.name, table.database, declared, known, table.file, _where(table))

    def _progress(self, told: Mapping[str, Any]) -> None:
        self._bytes += int(told.get("bytes", 0))
        self._tell()

    def _tell(self) -> None:
        self._told(Told(self._wish.what, self._table, self._done, self._total, self._bytes))


def _where(table: TableSettings) -> str:
    return f"{table.declared_at or 'the configuration'}: tables.{table.name}"


def _sums(archives: Sequence[Archive]) -> dict[str, Any]:
    """Return what came of archives, together."""
    removed = [one.told.get("removed", {}) for one in archives]
    return {
        "archived": [one.id for one in archives],
        "left": sum(int(one.get("rows", 0)) for one in removed),
        "stayed": sum(int(one.get("left", 0)) for one in removed),
        "held": sum(int(one.told.get("held", 0)) for one in archives),
        "stored_bytes": sum(one.stored_bytes for one in archives if one.state == "done"),
        "longest": max((float(one.get("longest", 0.0)) for one in removed), default=0.0),
    }


def _why(error: StorewardenError) -> str:
    return ": ".join(part for part in (error.what, error.where, error.why) if part)


def _failed(table: str, what: str, error: StorewardenError) -> Item:
    outcome: Outcome = "put_off" if error.transient else "refused"
    return Item(table, what, outcome, _why(error), error.remedy)
