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

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter

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
    named_roots,
    stored_bytes,
    written,
)
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import MARK_CHARACTERS, OPEN, check
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
        for verb, asked_by in {(one.verb, one.asked_by) for one in planned}:
            check("acts", {"verb": verb, "asked_by": asked_by})
        for one in planned:
            if len(one.mark) != MARK_CHARACTERS:
                check("acts", {"mark": one.mark})
            if not one.members:
                raise ValueError("an act is about a file")
        with self._durably():
            free = self._free(planned)
            roots = named_roots(self.engine, {one.root_id for one in free})
            begun = [self._begun(one, roots.get(one.root_id, _NO_ROOT), now_ns) for one in free]
            ids = self.engine.fetch_each(
                f"INSERT INTO acts ({', '.join(_PLANNED)}) VALUES ({_MARKS}) RETURNING id",
                [(*_noted(act), written(act.members)) for act in begun],
            )
            self.engine.insert(
                "act_files",
                ("act_id", "file_id"),
                [
                    (act_id, file_id)
                    for (act_id,), act in zip(ids, begun, strict=True)
                    for file_id in ids_of(act.members)
                ],
            )
        by_mark = {
            act.mark: act._replace(id=act_id) for (act_id,), act in zip(ids, begun, strict=True)
        }
        return [by_mark.get(one.mark) for one in planned]

    def share(self, acts: Sequence[Act], place: bytes, now_ns: int) -> None:
        """Note where acts that are planned are about to put their files, all or none.

        Raises:
            CatalogueRefused: one of them is not in the state that it tells; nothing was noted.
        """
        with self._durably():
            done = self.engine.fetch_in(
                "UPDATE acts SET place = ?, changed_ns = ?, epoch = ?"
                " WHERE state = 'planned' AND id IN ({in}) RETURNING id",
                [act.id for act in acts],
                (place, now_ns, self._epoch),
            )
            self._require_all(acts, {act_id for (act_id,) in done})

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
        self._count([act], state, [freed])
        return ended

    def end_all(
        self, acts: Sequence[Act], state: str, now_ns: int, freed: Sequence[int]
    ) -> list[Act]:
        """End acts that did what they were to do and count them, inside the open transaction.

        What each tells of its members and its place is noted as well. ``freed`` are the bytes of
        each.
        """
        found = [stored_bytes(act.members, act.stored_bytes) for act in acts]
        done = self.engine.fetch_each(
            "UPDATE acts SET state = ?, members = ?, stored_bytes = ?, place = ?, error = '',"
            " next_try_ns = NULL, ended_ns = ?, changed_ns = ?, epoch = ?"
            " WHERE id = ? AND state = ? RETURNING id",
            [
                (
                    *(state, written(act.members), stored, act.place),
                    *(now_ns, now_ns, self._epoch, act.id, was),
                )
                for act, stored, was in zip(acts, found, (act.state for act in acts), strict=True)
            ],
        )
        self._require_all(acts, {act_id for (act_id,) in done})
        self.engine.fetch_in(
            "UPDATE act_files SET open = 0 WHERE act_id IN ({in})", [act.id for act in acts]
        )
        self._count(acts, state, freed)
        return [
            act._replace(
                state=state,
                stored_bytes=stored,
                error="",
                next_try_ns=None,
                changed_ns=now_ns,
                ended_ns=now_ns,
                epoch=self._epoch,
            )
            for act, stored in zip(acts, found, strict=True)
        ]

    def _count(self, acts: Sequence[Act], outcome: str, freed: Sequence[int]) -> None:
        sums: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for act, bytes_ in zip(acts, freed, strict=True):
            sum_ = sums[act.root_id, act.policy or "", act.verb]
            sum_[0], sum_[1], sum_[2] = sum_[0] + 1, sum_[1] + act.size, sum_[2] + bytes_
        self.engine.executemany(
            "INSERT INTO act_totals (host_id, policy, verb, outcome, acts, bytes, freed)"
            " VALUES ((SELECT host_id FROM roots WHERE id = ?), ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (host_id, policy, verb, outcome) DO UPDATE SET"
            " acts = act_totals.acts + excluded.acts, bytes = act_totals.bytes + excluded.bytes,"
            " freed = act_totals.freed + excluded.freed",
            [(*key, outcome, *sum_) for key, sum_ in sums.items()],
        )

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

    def require(self, acts: Sequence[Act]) -> None:
        """Raise CatalogueRefused unless each act is in the state that it tells."""
        states: dict[int, str] = dict(
            self.engine.fetch_in(
                "SELECT id, state FROM acts WHERE id IN ({in})", [act.id for act in acts]
            )
        )
        self._require_all(acts, {act.id for act in acts if states.get(act.id) == act.state})

    def _require_all(self, acts: Sequence[Act], found: Collection[int]) -> None:
        for act in acts:
            if act.id not in found:
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

    def _begun(self, one: Planned, root: tuple[str, int], now_ns: int) -> Act:
        """Return an act as its row will stand, but for its number."""
        members = one.members
        return Act(
            id=0,
            root_id=one.root_id,
            verb=one.verb,
            mark=one.mark,
            state=OPEN[0],
            members=members,
            policy=one.policy,
            asked_by=one.asked_by,
            reason=one.reason,
            store=one.store,
            size=sum([member.identity.size for member in members]),
            stored_bytes=stored_bytes(members, None),
            place=None,
            attempts=0,
            next_try_ns=None,
            error="",
            planned_ns=now_ns,
            changed_ns=now_ns,
            ended_ns=None,
            undoes=one.undoes,
            epoch=self._epoch,
            job=one.job,
            root=root[0],
            host_id=root[1],
        )

    @contextmanager
    def _durably(self) -> Iterator[None]:
        """Make a transaction that lasts, unless one is open that the caller made so."""
        if self.engine.inside_transaction():
            yield
        else:
            with self.engine.transaction(durable=True):
                yield


_NO_ROOT = ("", 0)  # the database refuses such an act
_NOTED = (
    *("root_id", "verb", "mark", "policy", "asked_by", "reason", "store", "size"),
    *("stored_bytes", "planned_ns", "changed_ns", "undoes", "epoch", "job"),
)
_noted = attrgetter(*_NOTED)
_PLANNED = (*("bytes" if name == "size" else name for name in _NOTED), "members")
_MARKS = ", ".join("?" * len(_PLANNED))
