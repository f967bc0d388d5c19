"""Made-up tables of an application, for what is archived of them and brought back."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from storewarden.databases.jobs import work
from storewarden.databases.rows import copied, removed, restored
from storewarden.databases.rows.declared import Columns, check
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import FIRST_NS, quoted
from storewarden.databases.rows.tables import Declared, Tree
from storewarden.databases.wire import packed, unpacked

NOW = 1_700_000_000
TIME = removed.Time(lambda: 0.0, lambda _seconds: None)
TYPES = ("INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "", "ANY", "TEXT COLLATE NOCASE", "DATETIME")
NUMBERS = (0, 1, -1, 2**63 - 1, -(2**63), 2**31, 255, 1.0, -0.5, 1e308, 5e-324, float("inf"), 0.1)


@dataclass(frozen=True)
class Made:
    """A database with tables, and how they would be declared."""

    path: Path
    declared: Declared
    clock: str = "at"


def value(chance: random.Random) -> tuple[str, Any]:
    """Return any value there can be in a row: how SQL takes it, and what."""
    kind = chance.randrange(7)
    if kind == 0:
        return "?", None
    if kind == 1:
        return "?", chance.choice(NUMBERS)
    if kind == 2:
        return "?", chance.getrandbits(64) - 2**63
    if kind == 3:
        return "?", chance.randbytes(chance.randrange(40))
    if kind == 4:  # a text that is none in any encoding
        return "CAST(? AS TEXT)", chance.randbytes(chance.randrange(1, 20))
    letters = "aZ9 ä€😀\0\n'\"\\\ufeff" + chr(chance.randrange(0x20, 0xD000))
    return "?", "".join(chance.choice(letters) for _ in range(chance.randrange(30)))


def make(path: Path, chance: random.Random) -> Made:
    """Make a database of any schema, with rows of which about half are old."""
    connection = apsw.Connection(str(path))
    encoding = chance.choice(("UTF-8", "UTF-16le", "UTF-16be"))
    connection.execute(f"PRAGMA encoding = '{encoding}'; PRAGMA synchronous = OFF")
    if chance.random() < 0.3:
        connection.execute("PRAGMA journal_mode = WAL")
    composite, without = chance.random() < 0.4, chance.random() < 0.25
    key = ("room", "number no") if composite else ("id",)
    types = ["INTEGER", "INTEGER"] if composite else [chance.choice(("INTEGER", "TEXT", "BLOB"))]
    indexed, deep = chance.random() < 0.7, chance.random() < 0.5
    itself = chance.random() < 0.4 and not composite
    _tables(connection, chance, key, types, without=without, itself=itself, deep=deep)
    if indexed:
        connection.execute(f"CREATE INDEX of ON messages ({_list(_up(key))})")
    _fill(connection, chance, key, itself=itself, deep=deep)
    connection.close()
    below = Declared("parts", ()) if deep else None
    messages = Declared("messages", ("id",), ((("message",), below),) if below else ())
    return Made(path, Declared("talks", key, ((_up(key), messages),)))


def _up(key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"of {name}" for name in key)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, names))


def _tables(
    connection: apsw.Connection,
    chance: random.Random,
    key: tuple[str, ...],
    types: list[str],
    *,
    without: bool,
    itself: bool,
    deep: bool,
) -> None:
    columns = [f"{quoted(n)} {t} NOT NULL" for n, t in zip(key, types, strict=True)]
    extra = [f"c{n} {chance.choice(TYPES)}" for n in range(chance.randrange(4))]
    made = "computed GENERATED ALWAYS AS (length(at)) " + chance.choice(("STORED", "VIRTUAL"))
    refers = ["before REFERENCES talks"] if itself else []
    primary = f"PRIMARY KEY ({_list(key)})"
    whole = ", ".join([*columns, "at", *refers, *extra, made, primary])
    connection.execute(f"CREATE TABLE talks ({whole}) {'WITHOUT ROWID' if without else ''}")
    up = [f"{quoted(n)} {t}" for n, t in zip(_up(key), types, strict=True)]
    extra = [f"c{n} {chance.choice(TYPES)}" for n in range(chance.randrange(4))]
    connection.execute(
        f"CREATE TABLE messages ({', '.join(['id INTEGER PRIMARY KEY', *up, *extra])})"
    )
    if deep:
        held = chance.choice(("", "INTEGER"))
        connection.execute(f"CREATE TABLE parts (message {held}, content ANY)")


def _fill(
    connection: apsw.Connection,
    chance: random.Random,
    key: tuple[str, ...],
    *,
    itself: bool,
    deep: bool,
) -> None:
    keys: list[tuple[Any, ...]] = []
    number = 0
    for _ in range(chance.randrange(1, 9)):
        one = tuple(_key(chance, len(key)))
        clock = _clock(chance)
        more = (
            [chance.choice(keys)[0] if keys and chance.random() < 0.4 else None] if itself else []
        )
        try:
            _insert(connection, chance, "talks", [*one, clock, *more])
        except apsw.ConstraintError:
            continue  # that key is taken, or none that the column takes
        keys.append(one)
        for _ in range(chance.randrange(4)):
            number += 1
            _insert(connection, chance, "messages", [number, *one])
            if deep and chance.random() < 0.5:
                _insert(connection, chance, "parts", [number])


def _key(chance: random.Random, count: int) -> Iterator[Any]:
    for _ in range(count):
        yield chance.choice((chance.randrange(1000), chance.getrandbits(62)))


def _clock(chance: random.Random) -> Any:
    seconds = NOW - chance.randrange(-400, 800) * 86_400
    return chance.choice((seconds, seconds * 1000, float(seconds), seconds * 10**9, None, "never"))


def _insert(
    connection: apsw.Connection, chance: random.Random, table: str, known: list[Any]
) -> None:
    columns = [
        str(row[1])
        for row in connection.execute(f"PRAGMA table_xinfo({table})")
        if row[6] not in (2, 3)
    ]
    rest = [value(chance) for _ in columns[len(known) :]]
    marks = ", ".join(["?"] * len(known) + [mark for mark, _ in rest])
    connection.execute(
        f"INSERT INTO {table} ({', '.join(map(quoted, columns))}) VALUES ({marks})",
        [*known, *(one for _, one in rest)],
    )


def dump(connection: apsw.Connection, tree: Tree, of: str = "main") -> dict[str, list[Any]]:
    """Return all rows to the last bit, in an order of their own."""
    told = {}
    for table in tree.tables:
        columns = ", ".join(
            f"typeof({quoted(name)}), hex(CAST({quoted(name)} AS BLOB))"
            f", CASE typeof({quoted(name)}) WHEN 'real' THEN printf('%!.26g', {quoted(name)}) END"
            for name in table.columns
        )
        told[table.name] = sorted(
            map(repr, connection.execute(f"SELECT {columns} FROM {of}.{quoted(table.name)}"))
        )
    return told


@contextmanager
def opened(made: Made, archive: Path) -> Iterator[tuple[apsw.Connection, Tree]]:
    """Open a database with its archive beside it."""
    connection = apsw.Connection(str(made.path))
    connection.execute("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")
    tree = check(connection, made.declared, Columns((made.clock,)), "here")
    with copied.attached(connection, str(archive)):
        yield connection, tree
    connection.close()


def aged(days: int, clock: str = "at") -> Picked:
    """Return the choice of rows so old."""
    return Picked(clock=clock, to_ns=(NOW - days * 86_400) * 10**9, from_ns=FIRST_NS)


def expected(connection: apsw.Connection, days: int) -> int:
    """Return how many talks go, told apart from what goes about it: old, and nobody's before."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(talks)")]
    refers = "before" if "before" in columns else "NULL"
    rows = list(connection.execute(f"SELECT {_list((columns[0],))}, at, {refers} FROM talks"))
    limit = NOW - days * 86_400
    going = [row for row in rows if isinstance(row[1], int | float) and _seconds(row[1]) <= limit]
    while True:
        staying = [row[2] for row in rows if row not in going and row[2] is not None]
        held = [row for row in going if any(str(row[0]) == str(one) for one in staying)]
        if not held:
            return len(going)
        going = [row for row in going if row not in held]


def _seconds(clock: float) -> float:
    return next(clock / 10**zeros for zeros in (0, 3, 9) if clock / 10**zeros < 10**11)


def direct(
    kind: str,
    arguments: Mapping[str, Any],
    *,
    descriptors: Sequence[int],
    scratch: int | None,
    progress: Any = None,
    stopping: Any = None,
    seconds: float = 0.0,
) -> Mapping[str, Any]:
    """Do a job here, without a process of its own, as what travels between both."""
    assert scratch is not None
    _, function = work(kind)
    return unpacked(packed(function(unpacked(packed(arguments)), (*descriptors, scratch), _hear)))


def _hear(_told: Mapping[str, Any]) -> None:
    pass


def round_trip(folder: Path, seed: int) -> tuple[int, int]:
    """Archive the old rows of a made-up database and bring them back; return rows and all rows."""
    made = make(folder / f"{seed}.db", random.Random(seed))
    archive = folder / f"{seed}.archive"
    picked = aged(100)
    with opened(made, archive) as (connection, tree):
        before = dump(connection, tree)
        going = expected(connection, 100)
        told = copied.copy(connection, tree, picked, 10**9, {})
        assert told.rows["talks"] == going, seed
        copied.verify(connection, told.rows)
        away = dump(connection, tree, "archive")
        gone = removed.remove(connection, tree, picked, TIME)
        assert gone.left == 0
        stayed = dump(connection, tree)
        for name, rows in before.items():
            assert sorted(stayed[name] + away[name]) == rows, (seed, name)
    with opened(made, archive) as (connection, tree):  # after a kill, or a second time
        again = removed.remove(connection, tree, picked, TIME)
        assert (again.rows, again.left) == (0, 0)
        assert dump(connection, tree) == stayed
    with opened(made, archive) as (connection, tree):
        back = restored.restore(connection, tree, picked, restored.Wanted(dangling=True), TIME)
        assert (back.rows, back.there) == (told.rows, 0), seed
        assert dump(connection, tree) == before, seed
    with opened(made, archive) as (connection, tree):
        once_more = restored.restore(connection, tree, picked, restored.Wanted(dangling=True), TIME)
        assert sum(once_more.rows.values()) == 0
        assert dump(connection, tree) == before, seed
    made.path.unlink()
    archive.unlink()
    return told.rows[tree.root.name], sum(told.rows.values())
