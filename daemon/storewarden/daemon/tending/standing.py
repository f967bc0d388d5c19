"""Where the care of each database stands: what policies ask for, what is due, what was done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Final

from storewarden.catalogue import care, policy_sets
from storewarden.catalogue.care import Known, Stands
from storewarden.daemon.tending.deeds import DEEDS
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, TendWish
from storewarden.databases import schedule
from storewarden.databases.schedule import Duty, Stand
from storewarden.policy.decide import winners
from storewarden.policy.rules import Policy, PolicySet
from storewarden.policy.subject import Subject

BY: Final = "schedule"
QUICK: Final = "quick_check"
SILENT: Final = frozenset({schedule.LOOK})
"""Of these each database keeps only the last: every hour of every database would be noise."""

_SERVER: Final = "postgresql"
_CUT_OFF: Final = "it was cut off: the program ended, or the catalogue could not be written"
_STOPPED: Final = "the program was stopped"
_NOTHING: Final = "nothing came of it"


class Standing:
    """What is to be done for which database. Used by one thread."""

    def __init__(self, hands: Hands, zone: tzinfo = UTC) -> None:
        """Calendars are meant in ``zone``."""
        self._hands, self._zone = hands, zone
        self._databases: dict[int, Known] = {}
        self._duties: dict[care.Key, Duty] = {}
        self.ended: Callable[[Item], None] = lambda _item: None  # hears what came of each
        self._in_force: dict[str, int] = {}  # since when each policy says what it says

    def recover(self) -> None:
        """Count what was going on when the last program was killed as a failure of it."""
        hands = self._hands
        left = care.left_open(hands.engine, hands.host_id)
        rows = care.stands(hands.engine, hands.host_id) if left else {}
        for run in left:
            item = Item("", run.what, "failed", _CUT_OFF)
            with hands.engine.joined():
                self._note(rows, run.database_id, item, run.began_ns)
                care.end(hands.engine, run.id, item.outcome, _told(item), hands.now_ns)

    def know(self) -> None:
        """Read which databases there are."""
        hands = self._hands
        self._databases = {one.id: one for one in care.known(hands.engine, hands.host_id)}

    def refresh(self) -> None:
        """Find out what is due, by the databases and the policies that there are now."""
        hands = self._hands
        self.know()
        in_force = policy_sets.policies(hands.engine, hands.host_id)
        self._in_force = {name: policy.first_seen_ns for name, policy in in_force.items()}
        rows = care.stands(hands.engine, hands.host_id)
        self._duties = {
            (one.id, duty.what): duty
            for one in self._databases.values()
            for duty in self._asked(one)
            if duty.what in DEEDS
        }
        keys = rows.keys() | self._duties.keys()
        planned = {key: self._planned(rows.get(key, Stands(*key)), rows) for key in keys}
        changed = (row for key, row in planned.items() if row != rows.get(key))
        care.write(hands.engine, sorted(changed, key=lambda row: row[:2]))

    def due(self) -> TendWish | None:
        """Return what is to be done next: looks at all that are due together, else one thing."""
        hands = self._hands
        found = [
            row
            for row in care.due(hands.engine, hands.host_id, hands.now_ns)
            if (row.database_id, row.what) in self._duties
        ]
        if not found:
            return None
        first = found[0]
        some = [row for row in found if row.what == first.what] if first.what in SILENT else [first]
        names = tuple(self._databases[row.database_id].name for row in some)
        policy = self._duties[first.database_id, first.what].policy
        return TendWish(first.what, names, {}, BY, policy)

    def places(self, names: Sequence[str]) -> list[bytes]:
        """Return where databases are, by the words in which they are named; none: all."""
        if not names:
            return [one.place for one in self._databases.values()]
        named = [self._databases[one].place for one in self._ids(names).values()]
        return [*named, *(os.fsencode(name) for name in names if os.path.isabs(name))]

    def begin(self, wish: TendWish) -> Mapping[int, int]:
        """Note that a deed begins for the databases that are named; return the run of each."""
        if wish.what in SILENT or wish.what not in schedule.KINDS or not wish.databases:
            return {}
        hands = self._hands
        ids = sorted(set(self._ids(wish.databases).values()))
        return care.begin(*(hands.engine, ids, wish.what, wish.policy, wish.asked_by, hands.now_ns))

    def end(
        self, wish: TendWish, items: Sequence[Item], runs: Mapping[int, int], began_ns: int
    ) -> None:
        """Note what came of a deed for each database; where nothing did, it is tried again."""
        for item in items:
            self.ended(item)
        if wish.what not in schedule.KINDS:
            return
        hands = self._hands
        self.know()
        ids = self._ids([item.database for item in items])
        named = self._ids(wish.databases).values()
        came = {one: Item("", wish.what, "put_off", _NOTHING) for one in (*runs, *named)}
        came |= {ids[item.database]: _as_kept(wish, item) for item in items if item.database in ids}
        rows = care.stands(hands.engine, hands.host_id)
        for database_id, item in came.items():
            with hands.engine.joined():
                self._note(rows, database_id, item, began_ns)
                run = runs.get(database_id) or self._begun(wish, database_id, began_ns)
                if run is not None:
                    care.end(hands.engine, run, item.outcome, _told(item), hands.now_ns)

    def given_up(self, runs: Mapping[int, int]) -> None:
        """Note that we were stopped: that is nobody's failure, and it is as due as before."""
        told = {"why": _STOPPED}
        for run in runs.values():
            care.end(self._hands.engine, run, "put_off", told, self._hands.now_ns)

    def _begun(self, wish: TendWish, database_id: int, began_ns: int) -> int | None:
        """Note a run of a database that was not known by name before."""
        if wish.what in SILENT:
            return None
        begun = (wish.what, wish.policy, wish.asked_by, began_ns)
        return care.begin(self._hands.engine, [database_id], *begun)[database_id]

    def _ids(self, names: Iterable[str]) -> dict[str, int]:
        """Return the ids of databases by the words in which they are named, where they are known.

        A name of ours goes before the place of another database.
        """
        known = {os.fsdecode(one.place): one.id for one in self._databases.values()}
        known |= {one.name: one.id for one in self._databases.values()}
        return {name: known[name] for name in names if name in known}

    # -- one database -----------------------------------------------------------------------------

    def _asked(self, one: Known) -> Iterator[Duty]:
        if not one.there:
            return
        policy = policy_of(self._hands.policies, one, self._hands.now_ns)
        asks = policy.care if policy is not None else None
        name = policy.id if policy is not None else None
        yield from schedule.duties(asks, name, server=one.engine == _SERVER)

    def _planned(self, row: Stands, rows: Mapping[care.Key, Stands]) -> Stands:
        """Return a row with when it is due by what is known now."""
        duty = self._duties.get((row.database_id, row.what))
        if duty is None:
            return row._replace(due_ns=None)
        now_ns = self._hands.now_ns
        stand = schedule.righted(_stand(row), duty, now_ns)
        found = schedule.due(duty, stand, self._since(row, rows), self._zone)
        due_ns = None if found is None else found.due_ns
        return row._replace(**stand._asdict(), due_ns=due_ns)

    def _since(self, row: Stands, rows: Mapping[care.Key, Stands]) -> int | None:
        """Return since when it is asked for: the first drill, since a backup came back whole."""
        one = self._databases[row.database_id]
        policy = self._duties[row.database_id, row.what].policy
        times = [one.first_seen_ns, self._in_force.get(policy or "", 0)]
        if row.what == schedule.DRILL and row.last_ns is None:
            backup = rows.get((row.database_id, schedule.BACKUP))
            if backup is None or backup.good_ns is None:
                return None
            times.append(backup.good_ns)
        return min(max(times), self._hands.now_ns)

    def _note(
        self, rows: Mapping[care.Key, Stands], database_id: int, item: Item, began_ns: int
    ) -> None:
        """Write where care stands after a try."""
        key = (database_id, item.what)
        before = rows.get(key, Stands(*key))
        duty = self._duties.get(key)
        timer = duty.timer if duty is not None else None
        stand = schedule.after(
            *(_stand(before), timer, _counted(item)), began_ns=began_ns, ended_ns=self._hands.now_ns
        )
        row = before._replace(
            **stand._asdict(),
            outcome=item.outcome,
            mark=str(item.facts.get("mark", before.mark)),
            detail=care.as_text(_told(item)),
        )
        care.write(self._hands.engine, [row])


def _counted(item: Item) -> str:
    """Return what came of it for the database itself: rows without a parent are no damage."""
    whole = item.facts.get("integrity") in {"ok", "partly"}
    return "done" if item.outcome == "found" and whole else item.outcome


def _as_kept(wish: TendWish, item: Item) -> Item:
    """Return what came of it as it counts: a quick check is none, unless it found something."""
    quick = wish.what == schedule.CHECK and wish.options.get("quick") and item.outcome != "found"
    return item._replace(what=QUICK) if quick else item


def _told(item: Item) -> dict[str, object]:
    return {"why": item.why, "remedy": item.remedy, "facts": dict(item.facts)}


def _stand(row: Stands) -> Stand:
    return Stand(row.last_ns, row.good_ns, row.next_try_ns, row.failures)


def policy_of(policies: PolicySet | None, one: Known, now_ns: int) -> Policy | None:
    """Return whose care of a database wins, None where nobody's does.

    Of one outside of all roots nothing is decided: its name and its size are known.
    """
    if policies is None:
        return None
    if one.file_id is not None:
        return None if one.policy is None else policies.policy(one.policy)
    name = one.place.rpartition(b"/")[2] or one.name.encode(errors="surrogateescape")
    size, since = one.bytes or 0, one.first_seen_ns
    subject = Subject(0, "", name, "database", size, since, since, inspected=True, understood=True)
    at = winners(subject, policies, now_ns).care
    return policies.policies[at - 1] if at > 0 else None
