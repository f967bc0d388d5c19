"""One wish about rows, carried out table by table: what planning and doing share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from storewarden.catalogue import row_archives
from storewarden.config.schema import TableSettings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, Outcome, TendResult, TendWish, Told
from storewarden.databases.child import run_job
from storewarden.databases.rows.declared import family
from storewarden.databases.rows.keeping import Keeper, Subject
from storewarden.errors import StorewardenError, UsageError, WorkStopped
from storewarden.policy.rules import Policy

RECOVER = "rows_recover"


class RowWork:
    """One wish about rows: its tables, who keeps them, and who hears of it."""

    def __init__(self, hands: Hands, wish: TendWish, told: Tell, stopping: Stopping) -> None:
        """Touch nothing."""
        self.hands, self.wish, self.stopping = hands, wish, stopping
        self._told = told
        self._done = self._bytes = 0
        self._total = 0
        self._table = ""
        self.keeper = Keeper(
            *(hands.engine, hands.host_id, hands.stores, hands.clock, hands.scratch, run_job),
            stopping=stopping,
            progress=self._progress,
            urls={one.database: one.url for one in hands.settings.tables if one.url},
        )

    def each(self, does: Callable[[TableSettings], Sequence[Item]]) -> TendResult:
        """Do something for each table that is meant; one that fails keeps no other from it."""
        began = self.hands.clock.monotonic()
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
                items.append(failed(table.name, self.wish.what, error))
            self._done += 1
        self._tell()
        return TendResult(tuple(items), self.hands.clock.monotonic() - began)

    def recover(self) -> list[Item]:
        """Go on with what was begun before; what cannot be now, waits. Return what came of it."""
        items = []
        for one in self.keeper.recover():
            if isinstance(one, WorkStopped):
                raise GivenUp from one
            if isinstance(one, StorewardenError):
                items.append(failed("", RECOVER, one))
            else:
                facts = {"archive": one.id, "state": one.state}
                items.append(Item(one.name, RECOVER, "done", facts=facts))
            if self.stopping():
                raise GivenUp
        return items

    def note(self, figures: Sequence[tuple[str, str, int]]) -> None:
        """Note what was counted: (table, figure, value)."""
        hands = self.hands
        row_archives.note_figures(hands.engine, hands.host_id, figures, hands.now_ns)

    def _meant(self) -> list[TableSettings]:
        tables = {one.name: one for one in self.hands.settings.tables}
        for name in self.wish.databases:
            if name not in tables:
                known = ", ".join(sorted(tables)) or "the configuration declares none"
                raise UsageError("no declared table is called so", where=name, remedy=known)
        return [tables[name] for name in self.wish.databases or tables]

    def subject(self, table: TableSettings, policies: Sequence[Policy]) -> Subject:
        """Return a declared table as it is handed to who keeps it."""
        clocks = [table.clock, *(one.clock for one in policies if one.clock)]
        clocks += [table.deleted] if table.deleted else []
        declared = family(table, self.hands.settings.tables)
        known = tuple(dict.fromkeys(clocks))
        return Subject(table.name, table.database, declared, known, table.file, where(table))

    def _progress(self, told: Mapping[str, Any]) -> None:
        self._bytes += int(told.get("bytes", 0))
        self._tell()

    def _tell(self) -> None:
        self._told(Told(self.wish.what, self._table, self._done, self._total, self._bytes))


def where(table: TableSettings) -> str:
    """Return where a table is declared."""
    return f"{table.declared_at or 'the configuration'}: tables.{table.name}"


def why_of(error: StorewardenError) -> str:
    """Return an error in one line."""
    return ": ".join(part for part in (error.what, error.where, error.why) if part)


def failed(table: str, what: str, error: StorewardenError) -> Item:
    """Return what came of a table that nothing could be done for."""
    outcome: Outcome = "put_off" if error.transient else "refused"
    return Item(table, what, outcome, why_of(error), error.remedy)
