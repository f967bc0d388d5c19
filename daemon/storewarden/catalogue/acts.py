"""The journal: each act on files, noted before it begins and again after every step of it.

What is to be known after a kill or a power cut stands in the act's row: what it is about, where
its bytes lie meanwhile, and how far it is. Each note is a transaction of its own that a power cut
does not take back, and says from where to where: who is not where he thinks he is, is refused.

    planned → copied → verified → switched → done      each of the middle ones may be left out
    any of these but done → refused | failed
    done → undone                                      what it did was taken back

An act is on a bundle; each of its files is in one act that goes on at most. What an act does to
the rows of its files is written together with its end, by ``acted``.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from storewarden.catalogue import undecided
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.rules import ENDED, OPEN, check
from storewarden.errors import CatalogueRefused

DONE, REFUSED, FAILED, UNDONE = ENDED
REMOVING = ("archive", "move", "trash", "purge")
"""The verbs that take a file from its name; ``copy`` leaves it, ``restore`` brings it back."""

_RANDOM_BYTES = 10  # 16 characters of base 32
_COLUMNS = (
    *("id", "root_id", "verb", "mark", "state", "members", "policy", "asked_by", "reason"),
    *("store", "bytes", "stored_bytes", "place", "attempts", "next_try_ns", "error"),
    *("planned_ns", "changed_ns", "ended_ns", "undoes", "epoch", "job"),
)
_SELECT = (
    f"SELECT {', '.join(f'a.{column}' for column in _COLUMNS)}, r.name, r.host_id"
    " FROM acts a JOIN roots r ON r.id = a.root_id"
)
_RETURNED = ", ".join(_COLUMNS)


class Identity(NamedTuple):
    """What tells one content of one file from any other, as ``lstat`` told it."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


class Held(NamedTuple):
    """An object that holds a file: its key, how it is packed, what it holds and takes."""

    key: str
    codec: str
    digest: bytes  # BLAKE3 of the content
    stored_bytes: int
    version: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle: where it was when the act was planned, and what it was then.

    ``file_id`` is None when its row is there no more. ``held`` is what was stored of it.
    """

    path: bytes  # relative to the root
    identity: Identity
    file_id: int | None = None
    held: Held | None = None


def new_mark() -> str:
    """Return what tells an act from all others, on disk and in stores."""
    return base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()


@dataclass(frozen=True, slots=True)
class Planned:
    """An act that is about to begin; the file that it is about is the first of its members."""

    verb: str
    root_id: int
    members: tuple[Member, ...]
    asked_by: str
    reason: str
    policy: str | None = None
    store: str | None = None
    undoes: int | None = None  # the act that this one takes back
    job: int | None = None
    mark: str = field(default_factory=new_mark)


@dataclass(frozen=True, slots=True)
class Act:
    """An act as the journal has it."""

    id: int
    root_id: int
    verb: str
    mark: str
    state: str
    members: tuple[Member, ...]
    policy: str | None
    asked_by: str
    reason: str
    store: str | None
    size: int  # bytes of all its files
    stored_bytes: int | None  # of all objects that hold them
    place: bytes | None  # the directory of ours, relative to the root, where its files lie
    attempts: int
    next_try_ns: int | None
    error: str
    planned_ns: int
    changed_ns: int
    ended_ns: int | None
    undoes: int | None
    epoch: int | None
    job: int | None
    root: str = ""
    host_id: int = 0

    @property
    def path(self) -> bytes:
        """Where the file that it is about was, relative to the root."""
        return self.members[0].path

    @property
    def file_id(self) -> int | None:
        """The row of that file, None when it is there no more."""
        return self.members[0].file_id

    @property
    def held(self) -> Held | None:
        """What was stored of that file."""
        return self.members[0].held

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.ended_ns is not None


class Figure(NamedTuple):
    """How many acts of a policy ended how since the beginning; no policy is a person."""

    policy: str | None
    verb: str
    outcome: str
    acts: int
    size: int
    freed: int


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
                    for file_id in _ids(one.members)
                ],
            )
            by_mark = {act.mark: act for act in _completed(self.engine, rows)}
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
        found = _stored(members, act.stored_bytes)
        return self._change(
            act,
            ("state", "members", "stored_bytes", "place", "next_try_ns", "error"),
            (state, _written(members), found, place, None, ""),
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
            undecided.mark(self.engine, _ids(ended.members))
        return ended

    def end(self, act: Act, state: str, now_ns: int, *, why: str = "", freed: int = 0) -> Act:
        """End an act and count it, inside the open transaction."""
        ended = self._change(
            act,
            ("state", "error", "next_try_ns", "ended_ns", "members", "stored_bytes"),
            (
                *(state, why, None, now_ns),
                *(_written(act.members), _stored(act.members, act.stored_bytes)),
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
            return _completed(self.engine, rows)[0]

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
        wanted = [file_id for one in planned for file_id in _ids(one.members)]
        busy = {
            file_id
            for (file_id,) in self.engine.fetch_in(
                "SELECT file_id FROM act_files WHERE open = 1 AND file_id IN ({in})", wanted
            )
        }
        free = []
        for one in planned:
            ids = _ids(one.members)
            if busy.isdisjoint(ids):
                busy.update(ids)
                free.append(one)
        return free

    def _planned(self, one: Planned, now_ns: int) -> tuple[object, ...]:
        size = sum(member.identity.size for member in one.members)
        return (
            *(one.root_id, one.verb, one.mark, _written(one.members), one.policy, one.asked_by),
            *(one.reason, one.store, size, _stored(one.members, None), now_ns, now_ns),
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


def take_back(engine: Engine, act_ids: Collection[int], now_ns: int) -> None:
    """Note, inside the open transaction, that what acts did was taken back."""
    engine.fetch_in(
        "UPDATE acts SET state = 'undone', changed_ns = ? WHERE state = 'done' AND id IN ({in})",
        act_ids,
        (now_ns,),
    )


# -- reading ---------------------------------------------------------------------------------------


def read(engine: Engine, act_id: int) -> Act | None:
    """Return an act as it stands."""
    found = _acts(engine, "WHERE a.id = ?", (act_id,))
    return found[0] if found else None


def marked(engine: Engine, mark: str) -> Act | None:
    """Return the act that a mark on disk or in a store tells of."""
    found = _acts(engine, "WHERE a.mark = ?", (mark,))
    return found[0] if found else None


def open_acts(
    engine: Engine, root_id: int, now_ns: int | None = None, limit: int = 1000
) -> list[Act]:
    """Return acts of a root that go on, oldest first; with a time, those to be tried by then."""
    due, params = "", [root_id]
    if now_ns is not None:
        due = " AND (a.next_try_ns IS NULL OR a.next_try_ns <= ?)"
        params.append(now_ns)
    which = f"WHERE a.root_id = ? AND a.ended_ns IS NULL{due} ORDER BY a.id LIMIT ?"
    return _acts(engine, which, (*params, limit))


def of_file(engine: Engine, file_id: int, limit: int = 100) -> list[Act]:
    """Return the acts on a file, newest first."""
    which = (
        "WHERE a.id IN (SELECT act_id FROM act_files WHERE file_id = ?) ORDER BY a.id DESC LIMIT ?"
    )
    return _acts(engine, which, (file_id, limit))


def last(engine: Engine, host_id: int | None = None, limit: int = 100) -> list[Act]:
    """Return the acts that ended last, newest first, of one host or of all."""
    ours, params = ("", ()) if host_id is None else (" AND r.host_id = ?", (host_id,))
    which = f"WHERE a.ended_ns IS NOT NULL{ours} ORDER BY a.ended_ns DESC, a.id DESC LIMIT ?"
    return _acts(engine, which, (*params, limit))


def removing(engine: Engine, ids: Collection[int]) -> set[int]:
    """Return which of these files an act that goes on is about to take from their names."""
    verbs = " OR ".join(f"a.verb = '{verb}'" for verb in REMOVING)
    rows = engine.fetch_in(
        "SELECT f.file_id FROM act_files f JOIN acts a ON a.id = f.act_id"
        f" WHERE f.open = 1 AND ({verbs}) AND f.file_id IN ({{in}})",
        ids,
    )
    return {file_id for (file_id,) in rows}


def trashing(engine: Engine, file_id: int) -> Act | None:
    """Return the act by which a file came into the trash, None when it did not."""
    found = [one for one in of_file(engine, file_id) if (one.verb, one.state) == ("trash", DONE)]
    return found[0] if found else None


def figures(engine: Engine, host_id: int) -> list[Figure]:
    """Return how many acts of a host ended how, by policy; kept, not counted."""
    rows = engine.execute(
        "SELECT policy, verb, outcome, acts, bytes, freed FROM act_totals WHERE host_id = ?"
        " ORDER BY policy, verb, outcome",
        (host_id,),
    )
    return [Figure(policy or None, *rest) for policy, *rest in rows]


def forget(engine: Engine, before_ns: int, limit: int) -> int:
    """Delete some acts that ended before a time; return how many.

    Those that tell where something in the trash lies stay, and so does the newest of all.
    """
    find = (
        "SELECT a.id FROM acts a WHERE a.ended_ns < ? AND NOT (a.verb = 'trash'"
        " AND a.state = 'done' AND EXISTS (SELECT 1 FROM act_files m JOIN files f"
        " ON f.id = m.file_id WHERE m.act_id = a.id AND f.state = 'trashed'))"
        " AND a.id < (SELECT max(id) FROM acts) ORDER BY a.ended_ns LIMIT ?"
    )
    if not engine.execute(find, (before_ns, 1)):
        return 0  # the usual answer, and it costs no transaction
    with engine.joined():
        gone = engine.execute(
            f"DELETE FROM acts WHERE id IN ({find}) RETURNING id", (before_ns, limit)
        )
    return len(gone)


def _acts(engine: Engine, which: str, params: Sequence[Any]) -> list[Act]:
    return _with_files(engine, engine.execute(f"{_SELECT} {which}", params))


def _completed(engine: Engine, rows: Sequence[Row]) -> list[Act]:
    """Return rows of ``acts`` alone as acts, in their order."""
    found = engine.fetch_in(
        "SELECT id, name, host_id FROM roots WHERE id IN ({in})", {row[1] for row in rows}
    )
    roots = {root_id: rest for root_id, *rest in found}
    return _with_files(engine, [(*row, *roots[row[1]]) for row in rows])


def _with_files(engine: Engine, rows: Sequence[Row]) -> list[Act]:
    """Make acts of rows; a file whose row went is known by its path only.

    SQLite gives a number out again after its row was deleted: what the journal noted says nothing.
    """
    there: dict[int, set[int]] = defaultdict(set)
    for act_id, file_id in engine.fetch_in(
        "SELECT act_id, file_id FROM act_files WHERE act_id IN ({in})", [row[0] for row in rows]
    ):
        there[act_id].add(file_id)
    return [_act(row, there[row[0]]) for row in rows]


def _act(row: Row, there: Collection[int]) -> Act:
    values = dict(zip((*_COLUMNS, "root", "host_id"), row, strict=True))
    values["size"] = values.pop("bytes")
    values["members"] = tuple(_member(told, there) for told in json.loads(values["members"]))
    values["place"] = None if values["place"] is None else bytes(values["place"])
    return Act(**values)


def _written(members: Iterable[Member]) -> str:
    return json.dumps([_told(member) for member in members])


def _told(member: Member) -> dict[str, Any]:
    told: dict[str, Any] = {
        "file": member.file_id,
        "path": _text(member.path),
        "identity": list(member.identity),
    }
    if member.held is not None:
        told["held"] = {**member.held._asdict(), "digest": _text(member.held.digest)}
    return told


def _member(told: dict[str, Any], there: Collection[int]) -> Member:
    held = told.get("held")
    file_id = told["file"]
    return Member(
        base64.b64decode(told["path"]),
        Identity(*told["identity"]),
        file_id if file_id in there else None,
        held and Held(**{**held, "digest": base64.b64decode(held["digest"])}),
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _ids(members: Iterable[Member]) -> list[int]:
    """Return the rows of files, each once."""
    return list(dict.fromkeys(one.file_id for one in members if one.file_id is not None))


def _stored(members: Iterable[Member], otherwise: int | None) -> int | None:
    """Return the bytes that all objects take together, ``otherwise`` where there is none."""
    held = [member.held.stored_bytes for member in members if member.held is not None]
    return sum(held) if held else otherwise
