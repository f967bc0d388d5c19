"""The databases of a host: those that are recorded in its roots, and those that were named.

The place of a database is what it is known by: a file that another one replaced there is the same
database, with its history and its backups. One whose file moved to a place that no other held goes
with it. One that is gone stays known.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.subjects import SubjectRow, subjects

Octets = bytes  # one of the columns is called bytes
DatabaseEngine = Literal["sqlite", "postgresql"]

# asked first and alone: so it is found by its index, however many files there are
_FILES = "SELECT id FROM files WHERE kind = 'database' AND state = 'present'"
# what belongs to a database (a log, a lock) goes with it, and is none itself
_OF_HOST = (
    "SELECT f.id, r.path, d.path, f.name"
    " FROM files f JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
    " WHERE r.host_id = ? AND NOT EXISTS (SELECT 1 FROM sidecars x WHERE x.file_id = f.id)"
    " AND f.id IN ({in})"
)
_COLUMNS = (
    *("id", "file_id", "name", "place", "engine", "named", "there", "first_seen_ns", "looked_ns"),
    *("mark", "trouble", "bytes", "page_size", "pages", "free_pages", "wal_bytes", "journal"),
    *("tables", "rows", "schema_digest", "foreign_keys", "connections", "told"),
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM databases WHERE host_id = ?"
_NEW = ("host_id", "file_id", "name", "place", "engine", "named", "there", "first_seen_ns")


class Database(NamedTuple):
    """A database that is looked after, and what was seen when it was last looked at."""

    id: int
    file_id: int | None
    name: str
    place: bytes  # an absolute path, or an address without a password
    engine: DatabaseEngine
    named: bool
    there: bool
    first_seen_ns: int
    looked_ns: int | None
    mark: str
    trouble: str
    bytes: int | None
    page_size: int | None
    pages: int | None
    free_pages: int | None
    wal_bytes: int | None
    journal: str | None
    tables: int | None
    rows: int | None
    schema_digest: Octets | None
    foreign_keys: str | None
    connections: int | None
    told: Mapping[str, Any]

    @property
    def free_bytes(self) -> int | None:
        """The bytes of its empty pages."""
        if self.free_pages is None or self.page_size is None:
            return None
        return self.free_pages * self.page_size


class Named(NamedTuple):
    """A database that the configuration names."""

    name: str
    place: bytes
    engine: DatabaseEngine


class Aligned(NamedTuple):
    """What changed when the known databases were brought in line with what there is."""

    new: int = 0
    gone: int = 0
    back: int = 0
    moved: int = 0
    renamed: int = 0


class _Wanted(NamedTuple):
    place: bytes
    engine: DatabaseEngine
    file_id: int | None
    name: str | None  # None: one that tells it apart is to be found


def databases(engine: Engine, host_id: int, name: bytes | None = None) -> list[SubjectRow]:
    """Return the files of databases that are there, or those of one name, as policies see them."""
    ids = [row[0] for row in _recorded(engine, host_id) if name in {None, bytes(row[3])}]
    return sorted(subjects(engine, ids), key=lambda row: (row.root, row.path))


def known_databases(engine: Engine, host_id: int, *, gone: bool = False) -> list[Database]:
    """Return the databases of a host by their names; also those that are ``gone``, if wanted."""
    there = "" if gone else " AND there = 1"
    return [_database(row) for row in engine.execute(f"{_SELECT}{there} ORDER BY name", (host_id,))]


def find_databases(
    engine: Engine, host_id: int, asked: Sequence[str | bytes], *, gone: bool = False
) -> tuple[list[Database], list[str | bytes]]:
    """Return the databases of these names or absolute paths, and what no database is called."""
    every = known_databases(engine, host_id, gone=gone)
    by_name = {one.name: one for one in every}
    by_place = {one.place: one for one in every}
    found: dict[int, Database] = {}
    unknown: list[str | bytes] = []
    for each in asked:
        place = each if isinstance(each, bytes) else each.encode("utf-8", "surrogateescape")
        one = by_place.get(place) or (by_name.get(each) if isinstance(each, str) else None)
        if one is None:
            unknown.append(each)
        else:
            found[one.id] = one
    return list(found.values()), unknown


def align(engine: Engine, host_id: int, named: Sequence[Named], now_ns: int) -> Aligned:
    """Bring the known databases in line with what is recorded and named, in one transaction."""
    with engine.joined():
        wanted = _wanted(engine, host_id, named)
        known = known_databases(engine, host_id, gone=True)
        return _Alignment(engine, host_id, now_ns, known).align(wanted)


def forget_databases(engine: Engine, host_id: int, before_ns: int) -> int:
    """Forget databases that are gone and were last looked at before a time, and have no backup."""
    with engine.joined():
        rows = engine.execute(
            "DELETE FROM databases WHERE host_id = ? AND there = 0"
            " AND coalesce(looked_ns, first_seen_ns) < ?"
            " AND NOT EXISTS (SELECT 1 FROM backups b WHERE b.database_id = databases.id"
            " AND b.state <> 'gone') RETURNING id",
            (host_id, before_ns),
        )
    return len(rows)


def telling_names(places: Iterable[bytes], taken: Iterable[str]) -> dict[bytes, str]:
    """Return for each path the shortest end of it that no other has, and that is not taken.

    A name is text on one line: what does not show, and bytes that are no text, are written out.
    """
    written = {place: _text(place) for place in places}
    held = set(taken)
    often = Counter(end for path in written.values() for end in _ends(path))
    found: dict[bytes, str] = {}
    for place, path in sorted(written.items()):
        free = (end for end in _ends(path) if often[end] == 1 and end not in held)
        name = next(free, path)
        number = 2
        while name in held:  # two paths that are written alike, or one that is called as another
            name = f"{path} ({number})"
            number += 1
        held.add(name)
        found[place] = name
    return found


class _Alignment:
    """One bringing in line."""

    def __init__(
        self, engine: Engine, host_id: int, now_ns: int, known: Sequence[Database]
    ) -> None:
        self._engine, self._host_id, self._now_ns = engine, host_id, now_ns
        self._known = known
        self._by_place = {one.place: one for one in known}

    def align(self, wanted: Mapping[bytes, _Wanted]) -> Aligned:
        pairs = self._pairs(wanted)
        meant = {one.id for one, _ in pairs}
        gone = [one for one in self._known if one.id not in meant and one.there]
        left = [one for one in self._known if one.id not in meant]
        paired = {want.place for _, want in pairs}
        new = [want for place, want in wanted.items() if place not in paired]
        names = self._names(pairs, left, new)
        changed = [
            (one, after)
            for one, want in pairs
            if (after := _after(one, want, names[want.place])) != one
        ]
        away = [one._replace(name=names[one.place]) for one in left if one.place in names]
        self._rename(
            [
                *((one.id, after.name) for one, after in changed if one.name != after.name),
                *((one.id, one.name) for one in away),
            ]
        )
        self._write(changed, gone, new, names)
        return Aligned(
            len(new),
            len(gone),
            sum(after.there and not one.there for one, after in changed),
            sum(one.place != after.place for one, after in changed),
            sum(one.name != after.name for one, after in changed) + len(away),
        )

    def _pairs(self, wanted: Mapping[bytes, _Wanted]) -> list[tuple[Database, _Wanted]]:
        """Return who is known already: by the place, else by the file that moved from its own."""
        pairs = [
            (self._by_place[place], want)
            for place, want in wanted.items()
            if place in self._by_place
        ]
        left = {
            one.file_id: one
            for one in self._known
            if one.place not in wanted and one.file_id is not None
        }
        for place, want in wanted.items():
            if place not in self._by_place and want.file_id in left:
                pairs.append((left.pop(want.file_id), want))
        return pairs

    def _names(
        self,
        pairs: Sequence[tuple[Database, _Wanted]],
        left: Sequence[Database],
        new: Sequence[_Wanted],
    ) -> dict[bytes, str]:
        """Return the names of all that are wanted, and of those left who have to give theirs up.

        A name that was given stays, unless a person gives it to another, or the file moved.
        """
        given = {want.place: want.name for _, want in pairs if want.name is not None}
        given |= {want.place: want.name for want in new if want.name is not None}
        held = set(given.values())
        names: dict[bytes, str] = dict(given)
        anew: set[bytes] = {want.place for want in new if want.name is None}
        for one, want in pairs:
            if want.name is None and one.place == want.place and one.name not in held:
                names[want.place] = one.name
            elif want.name is None:
                anew.add(want.place)
        stay = {one.name for one in left if one.name not in held}
        anew |= {one.place for one in left if one.name in held}
        return names | telling_names(anew, {*names.values(), *stay})

    def _rename(self, names: Sequence[tuple[int, str]]) -> None:
        """Give names; two may change theirs, so that all let go of theirs first."""
        self._engine.executemany(
            "UPDATE databases SET name = ? WHERE id = ?", [(f"~{id_}", id_) for id_, _ in names]
        )
        self._engine.executemany(
            "UPDATE databases SET name = ? WHERE id = ?", [(name, id_) for id_, name in names]
        )

    def _write(
        self,
        changed: Sequence[tuple[Database, Database]],
        gone: Sequence[Database],
        new: Sequence[_Wanted],
        names: Mapping[bytes, str],
    ) -> None:
        self._engine.update(
            "databases",
            ("id",),
            ("file_id", "place", "engine", "named", "there"),
            [
                (one.file_id, one.place, one.engine, int(one.named), int(one.there), one.id)
                for _, one in changed
            ],
        )
        self._engine.update(
            "databases", ("id",), ("there", "named"), [(0, 0, one.id) for one in gone]
        )
        self._engine.insert(
            "databases",
            _NEW,
            [
                (
                    *(self._host_id, want.file_id, names[want.place], want.place, want.engine),
                    *(int(want.name is not None), 1, self._now_ns),
                )
                for want in new
            ],
        )


def _after(one: Database, want: _Wanted, name: str) -> Database:
    """Return a known database as it is wanted; whether a named file is there is seen by looking."""
    there = True if want.file_id is not None or not one.named else one.there
    return one._replace(
        file_id=want.file_id,
        name=name,
        place=want.place,
        engine=want.engine,
        named=want.name is not None,
        there=there,
    )


def _wanted(engine: Engine, host_id: int, named: Sequence[Named]) -> dict[bytes, _Wanted]:
    found: dict[bytes, _Wanted] = {}
    for file_id, *parts in _recorded(engine, host_id):
        place = _joined(*(bytes(part) for part in parts))
        found[place] = _Wanted(place, "sqlite", file_id, None)
    for one in named:
        recorded = found.get(one.place)
        file_id = None if recorded is None else recorded.file_id
        found[one.place] = _Wanted(one.place, one.engine, file_id, one.name)
    return found


def _recorded(engine: Engine, host_id: int) -> list[Row]:
    """Return the files of databases that are there: the id, the root, the directory, the name."""
    ids = [row[0] for row in engine.execute(_FILES)]
    return engine.fetch_in(_OF_HOST, ids, (host_id,))


def _joined(root: bytes, directory: bytes, name: bytes) -> bytes:
    return b"/".join((root.rstrip(b"/"), *(part for part in (directory, name) if part)))


def _database(row: Sequence[Any]) -> Database:
    id_, file_id, name, place, engine, named, there, *rest = row
    *rest, schema_digest, foreign_keys, connections, told = rest
    digest = None if schema_digest is None else bytes(schema_digest)
    return Database._make(
        (
            *(id_, file_id, name, bytes(place), engine, bool(named), bool(there), *rest),
            *(digest, foreign_keys, connections, json.loads(told)),
        )
    )


def _ends(path: str) -> Iterable[str]:
    """Yield the ends of a path, the shortest first, itself last."""
    parts = path.split("/")
    return ("/".join(parts[-count:]) for count in range(1, len(parts) + 1))


def _text(place: bytes) -> str:
    """Return a path as one line of text: what does not show is written out."""
    text = place.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
