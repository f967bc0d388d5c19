"""Databases that are broken, and databases that lie, by the ten thousand.

A case is a database and what lies beside it. Some are sound ones with bytes changed where it hurts
(headers, cells, chains of pages); some are whole and say things no honest program would.
"""

import random
import struct
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import apsw

MAGIC = b"SQLite format 3\0"
_HEADER = struct.Struct(">16sHBBBBBB12I20x2I")
_ENDINGS = ("", "-wal", "-shm", "-journal")
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
_WAL = 0x377F0683  # checksums of big-endian words are one more
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE)
_FIELDS = (
    *((16, 2), (18, 1), (19, 1), (20, 1), (21, 1), (22, 1), (23, 1), (24, 4), (28, 4), (32, 4)),
    *((36, 4), (40, 4), (44, 4), (48, 4), (52, 4), (56, 4), (60, 4), (64, 4), (92, 4), (96, 4)),
)


class Case(NamedTuple):
    """A database as bytes, by what follows its name; ``sparse``: it ends so far on."""

    what: str
    files: dict[str, bytes]
    sparse: int = 0

    def put(self, path: Path) -> None:
        """Write it."""
        for ending, data in self.files.items():
            Path(f"{path}{ending}").write_bytes(data)
        if self.sparse:
            with path.open("r+b") as file:
                file.truncate(self.sparse)


def header(*, page_size: int, pages: int, version: int = 1, schema: int = 4) -> bytes:
    """The first 100 bytes of a database."""
    fields = (1, pages, 0, 0, 1, schema, 0, 0, 1, 0, 0, 0)
    size = 1 if page_size == 65_536 else page_size
    return _HEADER.pack(MAGIC, size, version, version, 0, 64, 32, 32, *fields, 1, 0)


# -- sound ones -----------------------------------------------------------------------------------

_FILL = """
    CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT NOT NULL, about BLOB, CHECK(id > 0));
    CREATE TABLE notes(a, b, person REFERENCES people(id), PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE made(a, b AS (a * 2) STORED, c AS (b || 'x'));
    CREATE INDEX by_name ON people(name COLLATE NOCASE);
    CREATE INDEX by_much ON people(length(about)) WHERE id % 3;
    CREATE VIEW seen AS SELECT name FROM people;
    CREATE TRIGGER busy AFTER UPDATE ON people BEGIN DELETE FROM notes; END;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
        INSERT INTO people SELECT i, 'name ' || i, zeroblob(i * i % 3000) FROM n;
    INSERT INTO notes SELECT id % 7, id, id FROM people;
    INSERT INTO made(a) SELECT id FROM people;
    DELETE FROM people WHERE id % 4 = 0;
"""


def _made(statements: str, *, wal: bool = False, before: str = "") -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.db"
        connection = apsw.Connection(str(path))
        connection.execute(f"PRAGMA page_size = 1024; {before}")
        if wal:
            connection.execute("PRAGMA journal_mode = wal").fetchall()
            connection.execute("PRAGMA wal_autocheckpoint = 30").fetchall()
        connection.execute(statements)
        found = {
            ending: Path(f"{path}{ending}").read_bytes()
            for ending in _ENDINGS
            if Path(f"{path}{ending}").exists()
        }
        connection.close()
        return found


@cache
def sound() -> tuple[dict[str, bytes], ...]:
    """Sound databases of every make; one has its log beside it."""
    search = "CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES ('one two'), ('three');"
    space = "CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (1, 2.0, 3.0);"
    return (
        _made(_FILL),
        _made(_FILL + search + space),
        _made(_FILL, before="PRAGMA auto_vacuum = 1"),
        _made(_FILL, before="PRAGMA auto_vacuum = 2; PRAGMA encoding = 'UTF-16le'"),
        _made(_FILL, wal=True),
        _made(_FILL + "ANALYZE;"),
        _made("CREATE TABLE a(x); INSERT INTO a VALUES (1)"),
    )


# -- bytes are changed ----------------------------------------------------------------------------


def _number(data: bytearray, at: int, size: int, dice: random.Random) -> None:
    value = dice.choice((*_NUMBERS, len(data) // 1024, dice.getrandbits(32))) % (1 << (8 * size))
    data[at : at + size] = value.to_bytes(size, "big")


def _field(data: bytearray, dice: random.Random) -> None:
    at, size = dice.choice(_FIELDS)
    _number(data, at, size, dice)


def _page(data: bytearray, dice: random.Random) -> int:
    return dice.randrange(max(1, len(data) // 1024)) * 1024


def _tree(data: bytearray, dice: random.Random) -> int:
    """Where the header of a page of a tree begins, if it is one."""
    page = _page(data, dice)
    return page or 100


def _page_header(data: bytearray, dice: random.Random) -> None:
    at, size = dice.choice(((0, 1), (1, 2), (3, 2), (5, 2), (7, 1), (8, 4)))
    _number(data, _tree(data, dice) + at, size, dice)


def _cell_pointer(data: bytearray, dice: random.Random) -> None:
    head = _tree(data, dice)
    first = head + (12 if data[head] in {2, 5} else 8)
    _number(data, first + 2 * dice.randrange(8), 2, dice)


def _cell(data: bytearray, dice: random.Random) -> None:
    head = _tree(data, dice)
    first = head + (12 if data[head] in {2, 5} else 8)
    pointer = int.from_bytes(data[first : first + 2], "big")
    at = (head - head % 1024) + pointer + dice.randrange(12)
    if at < len(data):
        data[at] = dice.choice((0, 0x7F, 0x80, 0x81, 0xFF, dice.randrange(256)))


def _chain(data: bytearray, dice: random.Random) -> None:
    """The number of another page, where an overflowing row or the free list has one."""
    page = _page(data, dice)
    pages = len(data) // 1024
    data[page : page + 4] = dice.choice((page // 1024 + 1, 1, pages, pages + 1, 2)).to_bytes(
        4, "big"
    )


def _free_list(data: bytearray, dice: random.Random) -> None:
    """A first page of the free list that is another one, and says how many follow."""
    pages = len(data) // 1024
    trunk = dice.randrange(1, pages + 2)
    data[32:36] = trunk.to_bytes(4, "big")
    data[36:40] = dice.choice((1, pages, 0xFFFFFFFF)).to_bytes(4, "big")
    at = (trunk - 1) * 1024
    if at + 12 <= len(data):
        count = dice.choice((0, 1, 254, 0x7FFFFFFF))
        data[at : at + 12] = struct.pack(
            ">III", dice.choice((0, trunk, 1)), count, dice.choice((1, trunk))
        )


def _copied_page(data: bytearray, dice: random.Random) -> None:
    one, other = _page(data, dice), _page(data, dice)
    data[one : one + 1024] = data[other : other + 1024]


def _blank_page(data: bytearray, dice: random.Random) -> None:
    page = _page(data, dice)
    data[page : page + 1024] = dice.choice((bytes(1024), b"\xff" * 1024, dice.randbytes(1024)))


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.choice((dice.randrange(len(data)), _page(data, dice), 100, 16)) :]


def _more(data: bytearray, dice: random.Random) -> None:
    data += dice.randbytes(dice.choice((1, 512, 1024, 5000)))


def _bits(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 8, 64))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_field, _page_header, _cell_pointer, _cell, _chain, _free_list, _copied_page, _blank_page),
    *(_cut, _more, _bits),
)


def _changed(files: dict[str, bytes], dice: random.Random) -> Case:
    told = []
    files = dict(files)
    for _ in range(dice.choice((1, 1, 2, 4, 10))):
        ending = dice.choice([ending for ending, data in files.items() if len(data) > 200])
        data = bytearray(files[ending])
        change = dice.choice(CHANGES)
        change(data, dice)
        told.append(f"{change.__name__}{ending}")
        files[ending] = bytes(data)
        if len(files[""]) <= 200:
            break
    return Case(" ".join(told), files)


# -- logs that lie --------------------------------------------------------------------------------


def _lying_journal(files: dict[str, bytes], dice: random.Random) -> Case:
    pages = dice.choice((0, 1, 3, 0xFFFFFFFF, 0x7FFFFFFF))
    before = dice.choice((0, 1, 10, 0xFFFFFFFF))
    sector, page_size = dice.choice((512, 0, 3, 65_536)), dice.choice((1024, 0, 7, 65_536))
    head = struct.pack(">8sIIIII", _JOURNAL, pages, 1, before, sector, page_size)
    records = b"".join(
        struct.pack(">I", dice.choice((1, 2, 0, 0xFFFFFFFF)))
        + dice.randbytes(1024)
        + struct.pack(">I", dice.choice((1, dice.getrandbits(32))))
        for _ in range(3)
    )
    name = dice.choice((b"/etc/passwd", b"../../x", b"", b"\xff" * 40))
    tail = name + struct.pack(">II8s", len(name), sum(name) & 0xFFFFFFFF, _JOURNAL)
    journal = head.ljust(512, b"\0") + records + dice.choice((b"", tail))
    return Case("a journal that lies", {"": files[""], "-journal": journal})


def _checksum(data: bytes, first: int, second: int) -> tuple[int, int]:
    words = struct.unpack(f">{len(data) // 4}I", data)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _lying_wal(files: dict[str, bytes], dice: random.Random) -> Case:
    """A log whose checksums are right, so that what it says is believed."""
    page_size = dice.choice((1024, 1024, 512, 65_536))
    head = struct.pack(">IIIIII", _WAL, 3_007_000, page_size, 0, 1, 2)
    sums = _checksum(head, 0, 0)
    wal = head + struct.pack(">II", *sums)
    for _ in range(dice.choice((1, 2, 5))):
        number = dice.choice((1, 2, 3, 0xFFFFFFFF, 0x7FFFFFFF, 4000))
        commit = dice.choice((0, 1, 5, 0xFFFFFFFF, 0x7FFFFFFF))
        page = dice.choice((files[""][:1024].ljust(page_size, b"\0"), dice.randbytes(page_size)))
        page = page[:page_size]
        said = struct.pack(">II", number, commit)
        sums = _checksum(said + page, *sums)
        wal += said + struct.pack(">IIII", 1, 2, *sums) + page
    beside = {"-wal": wal, "-shm": dice.choice((b"", bytes(32_768), dice.randbytes(32_768)))}
    data = bytearray(files[""])
    data[18:20] = b"\x02\x02"
    return Case("a log that lies", {"": bytes(data)} | beside)


# -- schemas that lie -----------------------------------------------------------------------------

_ENDLESS = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c"
_DEEP = "(" * 3_000 + "1" + ")" * 3_000
SCHEMAS: tuple[tuple[str, str, str, int], ...] = (
    # type, name, SQL, first page: 3 is a real table's
    ("view", "v", f"CREATE VIEW v AS {_ENDLESS}", 0),
    ("view", "pragma_integrity_check", f"CREATE VIEW pragma_integrity_check AS {_ENDLESS}", 0),
    ("view", "sqlite_stat1", f"CREATE VIEW sqlite_stat1 AS {_ENDLESS}", 0),
    ("trigger", "t", f"CREATE TRIGGER t AFTER INSERT ON a BEGIN {_ENDLESS}; END", 0),
    ("table", "b", f"CREATE TABLE b(x, CHECK ((x) IN ({_ENDLESS})))", 3),
    ("table", "b", "CREATE TABLE b(x, CHECK (x LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%b'))", 3),
    ("table", "b", "CREATE TABLE b(x, CHECK (length(hex(zeroblob(400000000))) > 0))", 3),
    ("table", "b", "CREATE TABLE b(x, CHECK (load_extension('/tmp/x.so')))", 3),
    ("table", "b", f"CREATE TABLE b(x, CHECK ({_DEEP}))", 3),
    ("table", "b", f"CREATE TABLE b(x DEFAULT '{'x' * 2_000_000}')", 3),
    ("table", "b", f"CREATE TABLE b({', '.join(f'c{each}' for each in range(2_500))})", 3),
    (
        *("table", "b"),
        "CREATE TABLE b(x, c0 AS (x || x), "
        + ", ".join(f"c{each} AS (c{each - 1} || c{each - 1})" for each in range(1, 40))
        + ")",
        3,
    ),
    ("table", "b", "CREATE TABLE b(x AS (y), y AS (x))", 3),
    ("table", 'a"b;--', 'CREATE TABLE "a""b;--"(x)', 3),
    ("table", "a\nb\x1b[31m", 'CREATE TABLE "a\nb\x1b[31m"(x)', 3),
    ("table", "b", "CREATE TABLE b(x REFERENCES v(y), y REFERENCES b(x), z REFERENCES gone)", 3),
    ("table", "b", "CREATE VIRTUAL TABLE b USING fts5(x)", 0),
    ("table", "b", "CREATE VIRTUAL TABLE b USING csv(filename='/etc/passwd')", 0),
    ("table", "b", "CREATE VIRTUAL TABLE b USING rtree(id, a, b)", 0),
    ("table", "b", "CREATE VIRTUAL TABLE b USING fts5(x, content='sqlite_schema')", 0),
    ("table", "b", "CREATE VIRTUAL TABLE b USING dbstat", 0),
    ("table", "b", "CREATE TABLE b(x)", 1),
    ("table", "b", "CREATE TABLE b(x)", 2),
    ("table", "b", "CREATE TABLE b(x)", -5),
    ("table", "b", "CREATE TABLE b(x)", 0x7FFFFFFFFFFFFFFF),
    ("table", "b", "CREATE TABLE b(x PRIMARY KEY) WITHOUT ROWID", 3),
    ("table", "b", "nonsense", 3),
    ("table", "b", "", 3),
    ("index", "i", "CREATE INDEX i ON a(x COLLATE unknown)", 3),
    ("index", "i", "CREATE INDEX i ON a(unknown(x))", 3),
    ("index", "i", "CREATE UNIQUE INDEX i ON a(randomblob(100000000))", 3),
    ("nonsense", "b", "CREATE TABLE b(x)", 3),
    ("table", "sqlite_schema", "CREATE TABLE sqlite_schema(x)", 3),
    ("table", "sqlite_sequence", "CREATE TABLE sqlite_sequence(x, y, z)", 3),
    ("table", "sqlite_stat4", "CREATE TABLE sqlite_stat4(x)", 3),
)


@cache
def _with_schema(which: int) -> bytes:
    kind, name, sql, root = SCHEMAS[which]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.db"
        connection = apsw.Connection(str(path))
        connection.execute(
            "PRAGMA page_size = 1024; CREATE TABLE a(x); CREATE TABLE other(x);"
            "INSERT INTO a VALUES (replace(hex(zeroblob(2000)), '00', 'a'));"
            "PRAGMA writable_schema = 1"
        )
        connection.execute("INSERT INTO other SELECT x FROM a")
        row = (kind, name, "a" if kind in {"index", "trigger"} else name, root, sql)
        connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
        connection.close()
        return path.read_bytes()


def _lying_schema(_files: dict[str, bytes], dice: random.Random) -> Case:
    which = dice.randrange(len(SCHEMAS))
    return Case(f"schema {which}: {SCHEMAS[which][2][:60]!r}", {"": _with_schema(which)})


def _no_text(files: dict[str, bytes], _dice: random.Random) -> Case:
    data = (
        files[""]
        .replace(b"people", b"\xff\xfe\xfd\xfc\xfb\xfa")
        .replace(b"by_name", b"\xff\0\xfe\0\xfd\0\xfc")
    )
    return Case("names that are no text", {"": data})


def _vast(files: dict[str, bytes], dice: random.Random) -> Case:
    """Long, with nothing in it; a short one with a journal, as that is copied."""
    data = bytearray(files[""])
    data[28:32] = dice.choice((0xFFFFFFFE, 1 << 26)).to_bytes(4, "big")
    if dice.random() < 0.5:
        return Case("vast", {"": bytes(data)}, sparse=1 << 36)
    journal = _lying_journal(files, dice).files["-journal"]
    return Case("vast, left", {"": bytes(data), "-journal": journal}, sparse=1 << 24)


def _no_database(_files: dict[str, bytes], dice: random.Random) -> Case:
    data = dice.choice((b"", b"x", MAGIC, dice.randbytes(4096), bytes(4096), b"<html>" * 99))
    return Case("no database", {"": data, "-journal": b"x"} if dice.random() < 0.2 else {"": data})


_LIES: tuple[Callable[[dict[str, bytes], random.Random], Case], ...] = (
    *(_lying_journal, _lying_wal, _lying_schema, _lying_schema, _no_text, _vast, _no_database),
)


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield so many; of each kind early, so that a few are a fair sample."""
    dice = random.Random(seed)
    for number in range(count):
        files = dice.choice(sound())
        if number % 3 == 0:
            yield _LIES[number // 3 % len(_LIES)](files, dice)
        else:
            yield _changed(files, dice)


def schemas() -> Iterator[Case]:
    """Yield each schema that lies."""
    for which, (_, _, sql, _) in enumerate(SCHEMAS):
        yield Case(f"schema {which}: {sql[:60]!r}", {"": _with_schema(which)})
