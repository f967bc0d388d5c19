"""Deeds of rows are carried out, some hundred in each transaction: so a million take minutes.

Whoever was interrupted runs it again: what was told is told again, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from storewarden.api.adopting.kinds import AdoptUser
from storewarden.api.adopting.report import Report
from storewarden.api.adopting.rows import Bad, Told, Turner, Unplaced
from storewarden.api.carry import carry_out
from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.api.quota import Quota
from storewarden.api.users import RESERVED
from storewarden.api.users import add as add_user
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events.rounds import follow
from storewarden.catalogue.told import users
from storewarden.errors import StorewardenError

BATCH: Final = 500  # deeds of a transaction: a recorder beside us waits for no longer than that


class Taker:
    """Carries out what rows tell; without a catalogue it only counts."""

    def __init__(
        self, engine: Engine | None, host_id: int, report: Report, now_ns: Callable[[], int]
    ) -> None:
        self._engine, self._host, self._now_ns = engine, host_id, now_ns
        if engine is not None and engine.follower is None:
            follow(engine, host_id, now_ns)  # who listens shall hear of it
        self._report = report
        self._waiting: list[Told] = []
        self._users: dict[str, Who] = {}

    def take(self, turner: Turner, lines: Iterable[bytes], passed: Callable[[int], None]) -> None:
        """Take all rows; ``passed`` hears of how many there were so far."""
        report = self._report
        for count, line in enumerate(lines, 1):
            number, came = turner.turn(line)
            report.rows[turner.plan.readings[number].table] += 1
            for one in came:
                if isinstance(one, Bad):
                    report.bad(one)
                elif isinstance(one, Unplaced):
                    report.unplaced(one)
                else:
                    report.met(one)
                    self._waiting.append(one)
            if len(self._waiting) >= BATCH:
                self._carry()
                passed(count)
        self._carry()

    def _carry(self) -> None:
        told, self._waiting = self._waiting, []
        if self._engine is None:
            for one in told:
                self._report.of(one.at.table, one.kind).told += 1
            return
        if not told:
            return
        now_ns = self._now_ns()
        with self._engine.transaction(durable=True):
            made = {
                number: self._user(self._engine, one.deed, now_ns)
                for number, one in enumerate(told)
                if isinstance(one.deed, AdoptUser)
            }
            deeds = [
                (one.deed, self._who(self._engine, one))
                for one in told
                if not isinstance(one.deed, AdoptUser)
            ]
            answers = iter(self._carried(self._engine, deeds, now_ns))
        for number, one in enumerate(told):
            answer = made[number] if number in made else next(answers)
            if isinstance(answer, StorewardenError):
                self._report.bad(Bad(one.at, one.kind, "", str(answer)))
            else:
                created = answer.created if isinstance(answer, Done) else answer
                self._report.done(one, created=created)

    def _carried(
        self, engine: Engine, deeds: list[tuple[Deed, Who]], now_ns: int
    ) -> list[Done | StorewardenError]:
        return carry_out(engine, self._host, deeds, now_ns) if deeds else []

    def _user(self, engine: Engine, deed: AdoptUser, now_ns: int) -> bool | StorewardenError:
        """Make a user who is not known yet; one who is stays as it is."""
        if deed.name not in RESERVED and users.named(engine, deed.name) is not None:
            return False
        try:
            with engine.savepoint():
                add_user(engine, deed.name, Quota(deed.quota_bytes, deed.quota_files), now_ns)
        except StorewardenError as error:
            return error
        return True

    def _who(self, engine: Engine, one: Told) -> Who:
        """Return in whose name something is told: the machine's, but for what a user did."""
        if one.by is None:
            return MACHINE
        if one.by not in self._users:
            row = users.named(engine, one.by)
            if row is None:
                self._report.strangers.add(one.by)
                return MACHINE
            self._users[one.by] = Who(row.id, row.name, frozenset({"write", "admin"}))
        return self._users[one.by]
