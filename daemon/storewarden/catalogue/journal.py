"""Write the journal: each act is noted before it begins and again after every step of it.

Each note is a transaction of its own that a power cut does not take back, and says from where to
where: who is not where he thinks he is, is refused.

    planned → copied → verified → switched → done      each of the middle ones may be left out
    any of these but done → refused | failed
    done → undone                                      what it did was taken back

Each file is in one act that goes on at most. What an act does to the rows of its files is written
together with its end, by ``acted``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from storewarden.catalogue import undecided
from storewarden.catalogue.acts import (
    COLUMNS,
    FAILED,
    REFUSED,
    Act,
    Member,
    Planned,
    completed,
    ids_of,
    stored_bytes,
    written,
)
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import OPEN, check
from storewarden.errors import CatalogueRefused

_RETURNED = ", ".join(COLUMNS)


class Journal:
    """Writes the journal. ``epoch`` is that of the lease under which it is written."""

    def __init__(self, engine: Engine, epoch: int | None = None) -> None:
        self.engine = engine
        self._epoch = epoch

    def plan(self, planned: Sequence[Planned], now_ns: int) -> list[Act | None]:
        """Note acts before anything is done for them, all or none.

        None stands for one that is not begun: a file of it is in another act that goes on.
        """
        for one in planned:
            check("acts", {"verb": one.verb, "mark": one.mark, "asked_by": one.asked_by})
            if not one.members:
                raise ValueError("an act is about a file")
        with self._durably():
            begun = self._free(planned)
            rows = self.engine.fetch_each(
                f"INSERT INTO acts ({', '.join(_PLANNED)}) VALUES ({_MARKS}) RETURNING {_RETURNED}",
                [self._planned(one, now_ns) for one in begun],
            )
            self.engine.insert(
                "act_files",
                ("act_id", "file_id"),
                [
                    (row[0], file_id)
                    for row, one in zip(rows, begun, strict=True)
                    for file_id in ids_of(one.members)
                ],
            )
            by_mark = {act.mark: act for act in completed(self.engine, rows)}
        return [by_mark.get(one.mark) for one in planned]

    def advance(
        self,
        act: Act,
        state: str,
        now_ns: int,
        *,
        members: tuple[Member, ...] | None = None,
        place: bytes | None = None,
    ) -> Act:
        """Note that a step of an act is done, and what was found out; return it as it is then.

        Raises:
            CatalogueRefused: it is not in the state that ``act`` tells; nothing was noted.
        """
        if state not in OPEN[OPEN.index(act.state) + 1 :]:
            raise ValueError(f"an act does not go from {act.state} to {state}")
        members = act.members if members is None else members
        place = act.place if place is None else place
        found = stored_bytes(members, act.stored_bytes)
        return self._change(
            act,
            ("state", "members", "stored_bytes", "place", "next_try_ns", "error"),
            (state, written(members), found, place, None, ""),
            now_ns,
        )

    def put_off(self, act: Act, why: str, next_try_ns: int, now_ns: int) -> Act:
        """Note that a step could not be taken now, why, and when to try again."""
        return self._change(
            act,
            ("attempts", "error", "next_try_ns"),
            (act.attempts + 1, why, next_try_ns),
            now_ns,
        )

    def refuse(self, act: Act, why: str, now_ns: int) -> Act:
        """End an act that must not be done; its files are decided and compared anew."""
        return self._give_up(act, REFUSED, why, now_ns)

    def fail(self, act: Act, why: str, now_ns: int) -> Act:
        """End an act that cannot be done; see ``refuse``."""
        return self._give_up(act, FAILED, why, now_ns)

    def _give_up(self, act: Act, state: str, why: str, now_ns: int) -> Act:
        with self._durably():
            ended = self.end(act, state, now_ns, why=why)
            undecided.mark(self.engine, ids_of(ended.members))
        return ended

    def end(self, act: Act, state: str, now_ns: int, *, why: str = "", freed: int = 0) -> Act:
        """End an act and count it, inside the open transaction."""
        ended = self._change(
            act,
            ("state", "error", "next_try_ns", "ended_ns", "members", "stored_bytes"),
            (
                *(state, why, None, now_ns),
                *(written(act.members), stored_bytes(act.members, act.stored_bytes)),
            ),
            now_ns,
        )
        self.engine.execute("UPDATE act_files SET open = 0 WHERE act_id = ?", (act.id,))
        self.engine.execute(
            "INSERT INTO act_totals (host_id, policy, verb, outcome, acts, bytes, freed)"
            " VALUES ((SELECT host_id FROM roots WHERE id = ?), ?, ?, ?, 1, ?, ?)"
            " ON CONFLICT (host_id, policy, verb, outcome) DO UPDATE SET"
            " acts = act_totals.acts + 1, bytes = act_totals.bytes + excluded.bytes,"
            " freed = act_totals.freed + excluded.freed",
            (act.root_id, act.policy or "", act.verb, state, act.size, freed),
        )
        return ended

    def _change(
        self, act: Act, columns: Sequence[str], values: Sequence[object], now_ns: int
    ) -> Act:
        """Write columns of an act that is still in the state in which we know it."""
        wide = ", ".join(f"{column} = ?" for column in (*columns, "changed_ns", "epoch"))
        with self._durably():
            rows = self.engine.execute(
                f"UPDATE acts SET {wide} WHERE id = ? AND state = ? RETURNING {_RETURNED}",
                (*values, now_ns, self._epoch, act.id, act.state),
            )
            if not rows:
                raise self._elsewhere(act)
            return completed(self.engine, rows)[0]

    def require(self, act: Act) -> None:
        """Raise CatalogueRefused unless an act is in the state that ``act`` tells."""
        if self.engine.execute("SELECT state FROM acts WHERE id = ?", (act.id,)) != [(act.state,)]:
            raise self._elsewhere(act)

    def _elsewhere(self, act: Act) -> CatalogueRefused:
        rows = self.engine.execute("SELECT state FROM acts WHERE id = ?", (act.id,))
        now = f"it is {rows[0][0]}" if rows else "it is not there"
        return CatalogueRefused(
            "an act is not where it was thought to be",
            where=f"act {act.id} ({act.verb})",
            why=f"{now}, not {act.state}",
        )

    def _free(self, planned: Sequence[Planned]) -> list[Planned]:
        """Return those of whose files none is in an act that goes on, nor in one before them."""
        wanted = [file_id for one in planned for file_id in ids_of(one.members)]
        busy = {
            file_id
            for (file_id,) in self.engine.fetch_in(
                "SELECT file_id FROM act_files WHERE open = 1 AND file_id IN ({in})", wanted
            )
        }
        free = []
        for one in planned:
            ids = ids_of(one.members)
            if busy.isdisjoint(ids):
                busy.update(ids)
                free.append(one)
        return free

    def _planned(self, one: Planned, now_ns: int) -> tuple[object, ...]:
        size = sum(member.identity.size for member in one.members)
        return (
            *(one.root_id, one.verb, one.mark, written(one.members), one.policy, one.asked_by),
            *(one.reason, one.store, size, stored_bytes(one.members, None), now_ns, now_ns),
            *(one.undoes, self._epoch, one.job),
        )

    @contextmanager
    def _durably(self) -> Iterator[None]:
        """Make a transaction that lasts, unless one is open that the caller made so."""
        if self.engine.inside_transaction():
            yield
        else:
            with self.engine.transaction(durable=True):
                yield


_PLANNED = (
    *("root_id", "verb", "mark", "members", "policy", "asked_by", "reason", "store", "bytes"),
    *("stored_bytes", "planned_ns", "changed_ns", "undoes", "epoch", "job"),
)
_MARKS = ", ".join("?" * len(_PLANNED))
