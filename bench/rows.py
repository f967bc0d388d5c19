"""Old conversations are archived with their messages, beside INSERT … SELECT and DELETE by hand.

Ours is packed, put into a store, read back whole, and leaves in steps of milliseconds; by hand it
lies in another database, is looked at by nobody, and leaves in one long step.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw

from bench.daemon import Unmeasured
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target, median
from storewarden.catalogue import migrate, roots
from storewarden.catalogue.connect import open_catalogue
from storewarden.clock import SystemClock
from storewarden.databases.child import run_job
from storewarden.databases.rows.keeping import Keeper, Subject, Wanted
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import FIRST_NS
from storewarden.databases.rows.tables import Declared
from storewarden.store.directory import DirectoryStore

_RUNS: Final = 3
_MESSAGES: Final = 5  # of a conversation
_BYTES: Final = 1_500  # of a conversation with its messages, in the database
_SPACE: Final = 6  # times that must be free
_STAY: Final = 0.1
_SLOWEST: Final = 1.5
_LARGEST: Final = 0.5
_LONGEST: Final = 0.1  # seconds that others may be kept out at a time
_WORDS: Final = 4_000
_TALKS: Final = Declared("talks", ("id",), ((("talk",), Declared("messages", ())),))


def run(ground: Ground) -> list[Figure]:
    """Archive the same conversations, by us and by hand, in turns."""
    size = ground.files * _BYTES
    if free(ground.directory)[0] < _SPACE * size:
        raise Unmeasured(f"{_SPACE * size / 1e9:.0f} GB of free space are needed")
    place = ground.place("rows")
    try:
        return list(_measured(ground, place))
    finally:
        ground.remove(place)


def _measured(ground: Ground, place: Path) -> Iterator[Figure]:
    made = place / "made.db"
    ground.say(f"making {ground.files:,} old conversations with {_MESSAGES} messages each")
    _make(made, ground.files)
    ours, by_hand = list[float](), list[float]()
    stored = plain = 0
    longest = list[float]()
    for number in range(_RUNS):
        for who in ("ours", "by hand") if number % 2 else ("by hand", "ours"):
            database = place / "app.db"
            shutil.copyfile(made, database)
            ground.settle()
            if who == "ours":
                seconds, stored, kept_out = _ours(place, database, ground.files)
                ours.append(seconds)
                longest.append(kept_out)
            else:
                seconds, plain = _by_hand(place, database, ground.files)
                by_hand.append(seconds)
            ground.say(f"{who}: {seconds:.1f} s")
            database.unlink()
    rows = f"{ground.files:,} conversations with {ground.files * _MESSAGES:,} messages"
    mine, theirs, wait = median(ours), median(by_hand), median(longest)
    yield Figure(
        f"archive {rows}, read back, and removed",
        Measured(mine, "s"),
        Measured(theirs, "s", "INSERT … SELECT, then DELETE"),
        Target(f"≤ {_SLOWEST} ×", mine <= _SLOWEST * theirs),
    )
    yield Figure(
        "what is stored of them",
        Measured(stored / 1e6, "MB"),
        Measured(plain / 1e6, "MB", "another database"),
        Target(f"≤ {_LARGEST} ×", stored <= _LARGEST * plain),
    )
    yield Figure(
        "the longest that the application waits meanwhile",
        Measured(wait * 1e3, "ms"),
        "by hand it waits for all of it",
        Target(f"≤ {_LONGEST * 1e3:.0f} ms", wait <= _LONGEST),
    )


def _make(path: Path, talks: int) -> None:
    """Make conversations of which a tenth is young, with texts of words as people use them."""
    draw = random.Random(6)
    words = [
        "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randrange(2, 9)))
        for _ in range(_WORDS)
    ]
    weights = [1 / (rank + 3) for rank in range(_WORDS)]
    pool = draw.choices(words, weights, k=200_000)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL").fetchall()
    connection.execute(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, title TEXT, updated_at INTEGER);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, talk INTEGER REFERENCES talks, role TEXT,"
        " body TEXT, at INTEGER); CREATE INDEX messages_talk ON messages (talk)"
    )

    def text(count: int) -> str:
        at = draw.randrange(len(pool) - count)
        return " ".join(pool[at : at + count])

    now = int(time.time())
    with connection:
        for number in range(int(talks * (1 + _STAY))):
            at = now - (500 if number < talks else 10) * 86_400 - number % 86_400
            connection.execute("INSERT INTO talks VALUES (?, ?, ?)", (number, text(5), at))
            connection.executemany(
                "INSERT INTO messages VALUES (NULL, ?, ?, ?, ?)",
                [
                    (number, "user" if each % 2 else "assistant", text(draw.randrange(10, 50)), at)
                    for each in range(_MESSAGES)
                ],
            )
    connection.close()


def _ours(place: Path, database: Path, talks: int) -> tuple[float, int, float]:
    """Archive them; return in how many seconds, the bytes stored, and the longest step."""
    state, scratch, there = (place / name for name in ("state", "scratch", "store"))
    for one in (state, scratch, there):
        one.mkdir()
    clock = SystemClock()
    engine = open_catalogue("sqlite", state, role="bench")
    migrate.migrate(engine, clock)
    with engine.transaction():
        host = roots.register_host(engine, roots.this_machine(), clock.wall_ns())
    store = DirectoryStore("backups", str(there))
    store.prepare()
    limit = clock.wall_ns() - 365 * 86_400 * 10**9
    picked = Picked(clock="updated_at", from_ns=FIRST_NS, to_ns=limit)
    keeper = Keeper(engine, host, {"backups": store}, clock, scratch, run_job)
    subject = Subject("talks", bytes(database), _TALKS, ("updated_at",), None, "bench")
    began = time.perf_counter()
    archive = keeper.archive(subject, Wanted(picked, "backups", None, "bench", "bench", 2 * talks))
    seconds = time.perf_counter() - began
    engine.close()
    if archive is None or archive.rows != talks or archive.told["removed"]["left"]:
        raise Unmeasured("not all of them were archived")
    for one in (state, scratch, there):
        shutil.rmtree(one)
    removed = archive.told["removed"]
    return seconds, archive.stored_bytes, float(removed["longest"])


def _by_hand(place: Path, database: Path, talks: int) -> tuple[float, int]:
    """Archive them as a careful script does; return in how many seconds, and the bytes."""
    other = place / "other.db"
    limit = int(time.time()) - 365 * 86_400
    began = time.perf_counter()
    connection = apsw.Connection(str(database))
    connection.execute("ATTACH ? AS other", (str(other),))
    connection.execute(
        "CREATE TABLE other.talks AS SELECT * FROM main.talks LIMIT 0;"
        "CREATE TABLE other.messages AS SELECT * FROM main.messages LIMIT 0"
    )
    old = "IN (SELECT id FROM main.talks WHERE updated_at <= ?)"
    with connection:
        connection.execute(
            f"INSERT INTO other.messages SELECT * FROM main.messages WHERE talk {old}", (limit,)
        )
        connection.execute(
            "INSERT INTO other.talks SELECT * FROM main.talks WHERE updated_at <= ?", (limit,)
        )
        rows = connection.changes()
    with connection:
        connection.execute(f"DELETE FROM main.messages WHERE talk {old}", (limit,))
        connection.execute("DELETE FROM main.talks WHERE updated_at <= ?", (limit,))
    connection.execute("DETACH other")
    connection.close()
    seconds = time.perf_counter() - began
    size = other.stat().st_size
    other.unlink()
    if rows != talks:
        raise Unmeasured("not all of them were archived by hand")
    return seconds, size
