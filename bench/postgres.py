"""Recording into PostgreSQL: a first scan against psql copying the same rows."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bench.daemon import House, Unmeasured
from bench.first_scan import in_turns
from bench.ground import Ground
from bench.report import Figure, Measured, Target
from bench.tree import Tree
from tests.servers import postgres as server
from tests.servers.shared import Run

_OF_COPY = 3.0
_EMPTY, _OURS, _COPIED = "bench_empty", "bench_ours", "bench_copied"
# What a first scan writes, parents first; the rows of hosts and roots are there before.
_WRITTEN = ("directories", "files", "totals")
_BEFORE = ("hosts", "roots")
# The tests' server forgets what a power cut would take. This one shall not.
_STOCK = ("fsync = on", "synchronous_commit = on", "full_page_writes = on", "autovacuum = on")


def run(ground: Ground) -> list[Figure]:
    """Scan into an empty catalogue on a server of our own, in turns with psql."""
    if server.find_programs() is None:
        raise Unmeasured("PostgreSQL is not installed (apt install postgresql)")
    tree = ground.tree.a_fifth
    with _server() as client:
        house = replace(ground.house("postgres-state", tree.path), catalogue=client.url(_EMPTY))
        house.verb("catalogue", "migrate")
        house = replace(house, catalogue=client.url(_OURS))
        rows = _Rows(client, ground.place("postgres"))
        _storewarden(client, house, tree)
        rows.save()
        taken = in_turns(
            ground,
            f"recording {tree.files:,} files into PostgreSQL",
            {"psql": rows.copy, "storewarden": lambda: _storewarden(client, house, tree)},
        )
        ground.remove(tree.path / ".storewarden")  # the large tree would find it
    met = taken["storewarden"] <= _OF_COPY * taken["psql"]
    return [
        Figure(
            f"first scan of {tree.files:,} files",
            Measured(taken["storewarden"], "s"),
            Measured(taken["psql"], "s", "psql \\copy of its rows"),
            Target(f"≤ {_OF_COPY:.0f} ×", met),
        )
    ]


@dataclass(frozen=True, slots=True)
class _Client:
    """psql, and the server that it speaks to."""

    psql: str
    server: str

    def url(self, database: str) -> str:
        return urlunsplit(urlsplit(self.server)._replace(path=f"/{database}"))

    def do(self, database: str, *commands: str) -> None:
        """Run commands in one session."""
        words = [self.psql, "-Xqd", self.url(database), "-v", "ON_ERROR_STOP=1"]
        for command in commands:
            words += ["-c", command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unmeasured(f"psql: {done.stderr.strip()[-500:]}")

    def renew(self, database: str) -> None:
        """Make a database that holds the tables and no row."""
        self.do(
            "postgres",
            f"DROP DATABASE IF EXISTS {database} WITH (FORCE)",
            f"CREATE DATABASE {database} TEMPLATE {_EMPTY}",
            "CHECKPOINT",
        )


@contextmanager
def _server() -> Iterator[_Client]:
    programs = server.find_programs() or Path()
    psql = shutil.which("psql") or str(programs / "psql")
    run = Run.begin()
    try:
        client = _Client(psql, run.server("postgres", server.start).url)
        client.do("postgres", *(f"ALTER SYSTEM SET {setting}" for setting in _STOCK))
        client.do("postgres", "SELECT pg_reload_conf()", f"CREATE DATABASE {_EMPTY}")
        yield client
    finally:
        run.end()


class _Rows:
    """The rows of a first scan, in files that psql can copy from."""

    def __init__(self, client: _Client, directory: Path) -> None:
        self._client = client
        self._directory = directory

    def save(self) -> None:
        """Keep what our scan has just written."""
        commands = (f"\\copy {table} TO '{self._of(table)}'" for table in _BEFORE + _WRITTEN)
        self._client.do(_OURS, *commands)

    def copy(self) -> float:
        """Let psql copy them into empty tables; return its seconds."""
        self._client.renew(_COPIED)
        self._client.do(_COPIED, *self._copies(_BEFORE))
        began = time.monotonic()
        self._client.do(_COPIED, *self._copies(_WRITTEN))
        return time.monotonic() - began

    def _copies(self, tables: tuple[str, ...]) -> list[str]:
        return [f"\\copy {table} FROM '{self._of(table)}'" for table in tables]

    def _of(self, table: str) -> Path:
        return self._directory / f"{table}.tsv"


def _storewarden(client: _Client, house: House, tree: Tree) -> float:
    client.renew(_OURS)
    return house.scan(tree.files)
