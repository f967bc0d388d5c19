"""Backups of databases: writing → good or bad → leaving → gone, each step one transaction.

A row comes before its object and stays until it is known that there is none: so whatever lies in a
store under one of our keys has a row, however we were killed. Only a good one counts as a backup:
it was read back and found to be what was to be kept, and so was all that it is built on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from storewarden.catalogue.engine import Engine, Row
from storewarden.errors import CatalogueRefused

State = Literal["writing", "good", "bad", "leaving", "gone"]
Kind = Literal["full", "increment"]

_COLUMNS: Final = (
    *("id", "database_id", "kind", "base_id", "store", "key", "state", "policy", "asked_by"),
    *("began_ns", "taken_ns", "ended_ns", "bytes", "stored_bytes", "page_size", "pages"),
    *("digest", "schema_digest", "counted", "version", "verified_ns", "proven_ns", "trouble"),
)
_SELECT: Final = f"SELECT {', '.join(f'b.{column}' for column in _COLUMNS)} FROM backups b"


class Backup(NamedTuple):
    """A backup as it is recorded. ``digest`` and ``counted`` are of the database that comes back.

    ``size`` is that of that database, ``stored_bytes`` and ``version`` those of the object.
    """

    id: int
    database_id: int
    kind: Kind
    base_id: int | None
    store: str
    key: str
    state: State
    policy: str | None
    asked_by: str
    began_ns: int
    taken_ns: int | None
    ended_ns: int | None
    size: int | None
    stored_bytes: int | None
    page_size: int | None
    pages: int | None
    digest: bytes | None
    schema_digest: bytes | None
    counted: Mapping[str, int]
    version: str
    verified_ns: int | None
    proven_ns: int | None
    trouble: str

    @property
    def good(self) -> bool:
        """Whether it is one that can be counted on."""
        return self.state == "good"

    @property
    def at_ns(self) -> int:
        """When the database was as it has it; while that is not known, when it was begun."""
        return self.began_ns if self.taken_ns is None else self.taken_ns


class Begun(NamedTuple):
    """What is to be written: for which database, where, built on what, and for whom."""

    database_id: int
    kind: Kind
    base_id: int | None
    store: str
    key: str
    asked_by: str
    policy: str | None = None


class Written(NamedTuple):
    """What was put into a store."""

    taken_ns: int
    size: int
    stored_bytes: int
    page_size: int
    pages: int
    digest: bytes
    version: str


class Checked(NamedTuple):
    """What was found in it when it was read back."""

    schema_digest: bytes | None
    counted: Mapping[str, int]


# -- steps --------------------------------------------------------------------------------------


def begin(engine: Engine, wanted: Begun, now_ns: int) -> int:
    """Note that an object is going to be written, durably, and return the backup's number.

    Raises:
        CatalogueRefused: what it should be built on is no good backup of this database.
    """
    with engine.transaction(durable=True):
        if wanted.base_id is not None:
            base = _one(engine, wanted.base_id)
            if base is None or not base.good or base.database_id != wanted.database_id:
                raise CatalogueRefused("a backup cannot be built on one that is not good")
        ((number,),) = engine.execute(
            "INSERT INTO backups (database_id, kind, base_id, store, key, asked_by, policy, state,"
            " began_ns) VALUES (?, ?, ?, ?, ?, ?, ?, 'writing', ?) RETURNING id",
            (*wanted, now_ns),
        )
    return int(number)


def written(engine: Engine, number: int, what: Written) -> None:
    """Note what was put; it is not counted on before it was read back."""
    with engine.transaction():
        engine.execute(
            "UPDATE backups SET taken_ns = ?, bytes = ?, stored_bytes = ?, page_size = ?,"
            " pages = ?, digest = ?, version = ? WHERE id = ? AND state = 'writing'",
            (*what, number),
        )


def good(engine: Engine, number: int, found: Checked, now_ns: int) -> bool:
    """Count on a backup that was read back; false when what it is built on is not good any more."""
    with engine.transaction(durable=True):
        one = _one(engine, number)
        if one is None or one.state != "writing" or one.digest is None:
            return False
        base = None if one.base_id is None else _one(engine, one.base_id)
        if base is not None and not base.good:
            _bad(engine, [number], "what it is built on is not good any more", now_ns)
            return False
        engine.execute(
            "UPDATE backups SET state = 'good', verified_ns = ?, ended_ns = ?, schema_digest = ?,"
            " counted = ?, trouble = '' WHERE id = ?",
            (now_ns, now_ns, found.schema_digest, json.dumps(dict(found.counted)), number),
        )
    return True


def bad(engine: Engine, number: int, trouble: str, now_ns: int) -> list[int]:
    """Count on a backup no more, nor on any that is built on it; return those that were good."""
    with engine.transaction(durable=True):
        one = _one(engine, number)
        if one is None or one.state not in {"writing", "good"}:
            return []
        above = _above(engine, [number])
        _bad(engine, [number], trouble, now_ns)
        _bad(engine, [each.id for each in above], f"it is built on {one.key}: {trouble}", now_ns)
    return [each.id for each in (one, *above) if each.good]


def leave(engine: Engine, number: int, now_ns: int) -> bool:
    """Give a backup up, before its object is removed; false when it has to stay.

    It has to while it is the newest good one, while anything is built on it, and while none is
    good at all that is newer.
    """
    with engine.transaction(durable=True):
        one = _one(engine, number)
        if one is None or one.state not in {"good", "bad"} or _above(engine, [number]):
            return False
        newest = _newest(engine, one.database_id)
        if newest is None or (newest.at_ns, newest.id) <= (one.at_ns, one.id):
            return False
        engine.execute(
            "UPDATE backups SET state = 'leaving', ended_ns = ? WHERE id = ?", (now_ns, number)
        )
    return True


def gone(engine: Engine, number: int, now_ns: int) -> None:
    """Note that it is known that there is no object of a backup any more."""
    with engine.transaction():
        engine.execute(
            "UPDATE backups SET state = 'gone', ended_ns = ? WHERE id = ? AND state <> 'good'",
            (now_ns, number),
        )


def proven(engine: Engine, number: int, now_ns: int) -> None:
    """Note that a backup was restored, and was what it should be, and all that it is built on."""
    with engine.transaction():
        engine.execute(
            "UPDATE backups SET proven_ns = ?, verified_ns = ? WHERE id = ? AND state = 'good'",
            (now_ns, now_ns, number),
        )


def forget(engine: Engine, before_ns: int, most: int) -> int:
    """Forget backups that went before a time; return of how many."""
    with engine.transaction():
        rows = engine.execute(
            "SELECT id FROM backups b WHERE state = 'gone' AND ended_ns < ?"
            " AND NOT EXISTS (SELECT 1 FROM backups x WHERE x.base_id = b.id)"
            " ORDER BY id LIMIT ?",
            (before_ns, most),
        )
        engine.executemany("DELETE FROM backups WHERE id = ?", rows)
    return len(rows)


# -- what there is ------------------------------------------------------------------------------


def of_database(engine: Engine, database_id: int) -> list[Backup]:
    """Return all backups of a database of which there may be an object, the newest first."""
    found = _read(engine, "WHERE b.database_id = ? AND b.state <> 'gone'", (database_id,))
    return sorted(found, key=lambda one: (one.at_ns, one.id), reverse=True)


def newest_good(engine: Engine, database_id: int, at_ns: int | None = None) -> Backup | None:
    """Return the newest good backup, or the newest of a time and before."""
    return _newest(engine, database_id, at_ns)


def chain(engine: Engine, backup: Backup) -> list[Backup]:
    """Return a backup and what it is built on, the whole one first."""
    found = [backup]
    while (below := found[-1].base_id) is not None:
        one = _one(engine, below)
        if one is None or len(found) > _LONGEST:
            raise CatalogueRefused("a backup is built on one that nobody knows", where=backup.key)
        found.append(one)
    return found[::-1]


def unfinished(engine: Engine, host_id: int) -> list[Backup]:
    """Return the backups of a host that were being written, or removed, when we were stopped."""
    where = (
        "JOIN databases d ON d.id = b.database_id"
        " WHERE d.host_id = ? AND b.state IN ('writing', 'leaving') ORDER BY b.id"
    )
    return _read(engine, where, (host_id,))


def of_keys(engine: Engine, store: str, keys: Iterable[str]) -> dict[str, Backup]:
    """Return the backups that are recorded under some keys of a store."""
    rows = engine.fetch_in(f"{_SELECT} WHERE b.store = ? AND b.key IN ({{in}})", keys, (store,))
    return {one.key: one for one in map(_made, rows)}


def digests_of_newest(engine: Engine, host_id: int) -> list[bytes]:
    """Return the digests of the newest good backups: of each database of a host, in each store."""
    rows = engine.execute(
        "SELECT b.digest FROM backups b JOIN databases d ON d.id = b.database_id"
        " WHERE d.host_id = ? AND b.state = 'good' AND NOT EXISTS (SELECT 1 FROM backups x"
        " WHERE x.database_id = b.database_id AND x.store = b.store AND x.state = 'good'"
        " AND (x.taken_ns > b.taken_ns OR x.taken_ns = b.taken_ns AND x.id > b.id))",
        (host_id,),
    )
    return [bytes(row[0]) for row in rows]


_LONGEST: Final = 10_000  # of a chain: more is a circle


def _one(engine: Engine, number: int) -> Backup | None:
    found = _read(engine, "WHERE b.id = ?", (number,))
    return found[0] if found else None


def _newest(engine: Engine, database_id: int, at_ns: int | None = None) -> Backup | None:
    until = "" if at_ns is None else " AND b.taken_ns <= ?"
    params = (database_id,) if at_ns is None else (database_id, at_ns)
    order = " ORDER BY b.taken_ns DESC, b.id DESC LIMIT 1"
    where = f"WHERE b.database_id = ? AND b.state = 'good'{until}{order}"
    found = _read(engine, where, params)
    return found[0] if found else None


def _above(engine: Engine, numbers: Sequence[int]) -> list[Backup]:
    """Return all that is built on some backups and that may have an object."""
    found: list[Backup] = []
    while numbers:  # a base is older than what is built on it: there are no circles
        rows = engine.fetch_in(
            f"{_SELECT} WHERE b.state <> 'gone' AND b.base_id IN ({{in}})", numbers
        )
        more = [_made(row) for row in rows]
        numbers = [one.id for one in more]
        found += more
    return found


def _bad(engine: Engine, numbers: Sequence[int], trouble: str, now_ns: int) -> None:
    engine.executemany(
        "UPDATE backups SET state = 'bad', trouble = ?, ended_ns = ?"
        " WHERE id = ? AND state IN ('writing', 'good')",
        [(trouble, now_ns, number) for number in numbers],
    )


def _read(engine: Engine, where: str, params: Sequence[Any]) -> list[Backup]:
    return [_made(row) for row in engine.execute(f"{_SELECT} {where}", params)]


def _made(row: Row) -> Backup:
    one = Backup._make(row)
    return one._replace(
        digest=None if one.digest is None else bytes(one.digest),
        schema_digest=None if one.schema_digest is None else bytes(one.schema_digest),
        counted=json.loads(str(one.counted)),
    )
