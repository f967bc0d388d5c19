"""Acts on files as the journal has them: all that is to be known after a kill or a power cut.

An act is on a bundle. Its row tells what it is about, where its bytes lie meanwhile, and how far
it is; what became of it stays readable until it is forgotten. Written by ``journal``.
"""

from __future__ import annotations

import base64
import json
import secrets
from binascii import b2a_base64
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.rules import ENDED, MARK_CHARACTERS

DONE, REFUSED, FAILED, UNDONE = ENDED
REMOVING = ("archive", "move", "trash", "purge")
"""The verbs that take a file from its name; ``copy`` leaves it, ``restore`` brings it back."""

_PLACING = frozenset({"trash", "archive", "move", "restore"})  # say where a file is from then on

TRASH = b".storewarden/trash/"
"""Where the drawers of the trash are, relative to a root: an act whose place begins so put there
what it was about, whatever it was to do: what changed under an archive's hands stays there too."""

# Of each random byte, the five lowest bits as a character of base 32.
_LETTERS = bytes(b"abcdefghijklmnopqrstuvwxyz234567"[byte & 31] for byte in range(256))
COLUMNS = (
    *("id", "root_id", "verb", "mark", "state", "members", "policy", "asked_by", "reason"),
    *("store", "bytes", "stored_bytes", "place", "attempts", "next_try_ns", "error"),
    *("planned_ns", "changed_ns", "ended_ns", "undoes", "epoch", "job"),
)
_SELECT = (
    f"SELECT {', '.join(f'a.{column}' for column in COLUMNS)}, r.name, r.host_id"
    " FROM acts a JOIN roots r ON r.id = a.root_id"
)


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


class Member(NamedTuple):
    """One file of a bundle: where it was when the act was planned, and what it was then.

    ``file_id`` is None when its row is there no more. ``held`` is what was stored of it, and
    ``lies`` what it is called in the act's place, while it lies there. ``digest`` is that of the
    content that somebody looked into before: the act stores that, or nothing.
    """

    path: bytes  # relative to the root
    identity: Identity
    file_id: int | None = None
    held: Held | None = None
    lies: bytes | None = None
    digest: bytes | None = None


def new_mark() -> str:
    """Return what tells an act from all others, on disk and in stores."""
    return secrets.token_bytes(MARK_CHARACTERS).translate(_LETTERS).decode()


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


class Act(NamedTuple):
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


def all_marked(engine: Engine, marks: Collection[str]) -> dict[str, Act]:
    """Return the acts that marks tell of, by their marks."""
    rows = engine.fetch_in(f"{_SELECT} WHERE a.mark IN ({{in}})", marks)
    return {act.mark: act for act in _with_files(engine, rows)}


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
    found = [one for one in of_file(engine, file_id) if one.state == DONE and one.verb in _PLACING]
    if not found or found[0].verb == "restore":
        return None
    return found[0] if (found[0].place or b"").startswith(TRASH) else None


class InTrash(NamedTuple):
    """What is to be known of an act to look for its files in the trash."""

    mark: str
    place: bytes
    file_ids: frozenset[int]


def all_trashing(engine: Engine, ids: Collection[int]) -> dict[int, InTrash]:
    """Return by file the act by which it came into the trash, as `trashing` does for one."""
    verbs = " OR ".join(f"a.verb = '{verb}'" for verb in sorted(_PLACING))
    newest: dict[int, tuple[int, str, str, bytes]] = {}
    for file_id, act_id, mark, verb, place in engine.fetch_in(
        "SELECT f.file_id, a.id, a.mark, a.verb, a.place FROM act_files f"
        f" JOIN acts a ON a.id = f.act_id WHERE a.state = 'done' AND ({verbs})"
        " AND f.file_id IN ({in})",
        ids,
    ):
        if file_id not in newest or newest[file_id][0] < act_id:
            newest[file_id] = (act_id, mark, verb, bytes(place or b""))
    files: dict[int, set[int]] = defaultdict(set)
    for act_id, file_id in engine.fetch_in(
        "SELECT act_id, file_id FROM act_files WHERE act_id IN ({in})",
        {act_id for act_id, *_ in newest.values()},
    ):
        files[act_id].add(file_id)
    return {
        file_id: InTrash(mark, place, frozenset(files[act_id]))
        for file_id, (act_id, mark, verb, place) in newest.items()
        if verb != "restore" and place.startswith(TRASH)
    }


def stands(engine: Engine, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the states and kinds of files."""
    rows = engine.fetch_in("SELECT id, state, kind FROM files WHERE id IN ({in})", ids)
    return {file_id: (state, kind) for file_id, state, kind in rows}


def going_on(engine: Engine, marks: Collection[str]) -> bool:
    """Tell whether an act goes on that is about a file which one of these acts was about."""
    rows = engine.fetch_in(
        "SELECT 1 FROM acts a JOIN act_files f ON f.act_id = a.id"
        " JOIN act_files o ON o.file_id = f.file_id AND o.open = 1 WHERE a.mark IN ({in})",
        marks,
    )
    return bool(rows)


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
        "SELECT a.id FROM acts a WHERE a.ended_ns < ? AND NOT (a.place IS NOT NULL"
        f" AND substr(a.place, 1, {len(TRASH)}) = ? AND a.state = 'done'"
        " AND EXISTS (SELECT 1 FROM act_files m JOIN files f"
        " ON f.id = m.file_id WHERE m.act_id = a.id AND f.state = 'trashed'))"
        " AND a.id < (SELECT max(id) FROM acts) ORDER BY a.ended_ns LIMIT ?"
    )
    if not engine.execute(find, (before_ns, TRASH, 1)):
        return 0  # the usual answer, and it costs no transaction
    with engine.joined():
        gone = engine.execute(
            f"DELETE FROM acts WHERE id IN ({find}) RETURNING id", (before_ns, TRASH, limit)
        )
    return len(gone)


def _acts(engine: Engine, which: str, params: Sequence[Any]) -> list[Act]:
    return _with_files(engine, engine.execute(f"{_SELECT} {which}", params))


def completed(engine: Engine, rows: Sequence[Row]) -> list[Act]:
    """Return rows of ``acts`` alone as acts, in their order."""
    roots = named_roots(engine, {row[1] for row in rows})
    return _with_files(engine, [(*row, *roots[row[1]]) for row in rows])


def named_roots(engine: Engine, ids: Collection[int]) -> dict[int, tuple[str, int]]:
    """Return the names of roots, and the hosts that they are of."""
    found = engine.fetch_in("SELECT id, name, host_id FROM roots WHERE id IN ({in})", ids)
    return {root_id: (name, host_id) for root_id, name, host_id in found}


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
    values = dict(zip((*COLUMNS, "root", "host_id"), row, strict=True))
    values["size"] = values.pop("bytes")
    values["members"] = tuple(_member(told, there) for told in json.loads(values["members"]))
    values["place"] = None if values["place"] is None else bytes(values["place"])
    return Act(**values)


def written(members: Iterable[Member]) -> str:
    """Return members as they are stored."""
    return f"[{', '.join(map(_written, members))}]"


def _written(member: Member) -> str:
    """Return a member as JSON; most consist of numbers and base 64, which need no encoder."""
    if member.held is not None or member.file_id is None or member.digest is not None:
        return json.dumps(_told(member))
    device, inode, size, modified_ns, changed_ns = member.identity
    lies = f', "lies": "{_text(member.lies)}"' if member.lies is not None else ""
    return (
        f'{{"file": {member.file_id}, "path": "{_text(member.path)}", "identity":'
        f" [{device}, {inode}, {size}, {modified_ns}, {changed_ns}]{lies}}}"
    )


def _told(member: Member) -> dict[str, Any]:
    told: dict[str, Any] = {
        "file": member.file_id,
        "path": _text(member.path),
        "identity": list(member.identity),
    }
    if member.held is not None:
        told["held"] = {**member.held._asdict(), "digest": _text(member.held.digest)}
    if member.lies is not None:
        told["lies"] = _text(member.lies)
    if member.digest is not None:
        told["digest"] = _text(member.digest)
    return told


def _member(told: dict[str, Any], there: Collection[int]) -> Member:
    held = told.get("held")
    file_id = told["file"]
    return Member(
        base64.b64decode(told["path"]),
        Identity(*told["identity"]),
        file_id if file_id in there else None,
        held and Held(**{**held, "digest": base64.b64decode(held["digest"])}),
        base64.b64decode(told["lies"]) if "lies" in told else None,
        base64.b64decode(told["digest"]) if "digest" in told else None,
    )


def _text(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode()


def ids_of(members: Collection[Member]) -> list[int]:
    """Return the rows of files, each once."""
    if len(members) == 1:  # nearly always
        (only,) = members
        return [] if only.file_id is None else [only.file_id]
    return list(dict.fromkeys(one.file_id for one in members if one.file_id is not None))


def stored_bytes(members: Iterable[Member], otherwise: int | None) -> int | None:
    """Return the bytes that all objects take together, ``otherwise`` where there is none."""
    held = [member.held.stored_bytes for member in members if member.held is not None]
    return sum(held) if held else otherwise
