"""Copies of a PostgreSQL catalogue in one compressed file, and back.

The file is gzip, whose checksum tells a damaged one: a line that names the format, a line of JSON
that names the version and the tables, then for each table what COPY says, in frames of a length
and that many bytes, ended by a length of nought.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO

from storewarden.catalogue import migrate
from storewarden.catalogue.declared import VIEWS
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.keep_file import PART, cannot, publish
from storewarden.catalogue.postgres import PostgresEngine
from storewarden.errors import CatalogueCorrupt

MAGIC = b"storewarden catalogue 1\n"
LENGTH = 4
LONGEST_LINE = 1 << 20
LEVEL = 3  # gzip: three quarters of the best at four times its speed
VERSIONS = "schema_version"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself."""

    version: int
    at_ns: int
    columns: dict[str, list[str]]  # by table, parents before children


def dump(
    engine: PostgresEngine, target: Path, at_ns: int, progress: Progress | None = None
) -> None:
    """Write all tables as they are at one moment; nobody who writes them has to wait.

    ``target`` appears whole and read back, or not at all.
    """
    part = target.with_name(target.name + PART)
    try:
        with engine.snapshot(), gzip.open(part, "wb", compresslevel=LEVEL) as file:
            columns = _columns(engine)
            header = Header(migrate.version(engine), at_ns, columns)
            file.write(MAGIC + json.dumps(asdict(header)).encode() + b"\n")
            for done, (table, names) in enumerate(columns.items(), 1):
                for block in engine.copy_out(table, names):
                    file.write(len(block).to_bytes(LENGTH, "big") + block)
                file.write(bytes(LENGTH))
                if progress:
                    progress(done, len(columns))
        check(part)
        publish(part, target)
    except OSError as error:
        raise cannot("write a copy of the catalogue", target, error) from error
    finally:
        part.unlink(missing_ok=True)


def load(engine: PostgresEngine, source: Path, now_ns: int) -> None:
    """Put a copy in the place of all tables, inside the open transaction.

    There must be no tables of ours; they are made as the copy's version had them.
    """
    with reading(source) as file:
        header = _header(file, source)
        engine.execute(migrate.history_table(engine))
        for step in migrate.known():
            if step.version <= header.version:
                migrate.apply(engine, step, now_ns)
        for table, names in header.columns.items():
            engine.copy_in(table, names, _blocks(file, source))
            if "id" in names:
                engine.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                    f" coalesce(max(id), 1), max(id) IS NOT NULL) FROM {table}"
                )


def free_schema(engine: PostgresEngine, wanted: str) -> str:
    """Return a name for a schema that no schema bears yet."""
    name, number = wanted, 1
    while engine.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (name,)):
        number += 1
        name = f"{wanted}_{number}"
    return name


def set_aside(engine: PostgresEngine, schema: str) -> None:
    """Move all our tables into a schema of their own, inside the open transaction."""
    tables = [*_columns(engine), VERSIONS, *VIEWS]
    engine.execute(f"CREATE SCHEMA {schema}")
    for table in tables:
        engine.execute(f"ALTER TABLE IF EXISTS {table} SET SCHEMA {schema}")


def server(engine: Engine) -> PostgresEngine:
    """Return an engine as what it is."""
    if not isinstance(engine, PostgresEngine):
        raise TypeError(f"{engine.where} is no PostgreSQL")
    return engine


def header_of(source: Path) -> Header:
    """Return what a copy says about itself."""
    with reading(source) as file:
        return _header(file, source)


def check(source: Path) -> None:
    """Read a copy to its end; raises CatalogueCorrupt when it is not whole."""
    with reading(source) as file:
        for _ in _header(file, source).columns:
            for _block in _blocks(file, source):
                pass
        if file.read(1):
            raise _broken(source, "something follows its end")


class reading:  # noqa: N801  # reads as a word: with reading(path) as file
    """Open a copy; what is wrong with it becomes CatalogueCorrupt."""

    def __init__(self, source: Path) -> None:
        self._source = source

    def __enter__(self) -> IO[bytes]:
        try:
            self._file = gzip.open(self._source, "rb")
        except OSError as error:
            raise cannot("read a backup", self._source, error) from error
        return self._file  # type: ignore[return-value]  # a GzipFile is as good as IO[bytes]

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self._file.close()
        if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
            raise _broken(self._source, str(error)) from error


def _header(file: IO[bytes], source: Path) -> Header:
    if file.read(len(MAGIC)) != MAGIC:
        raise _broken(source, "it is no copy of a catalogue")
    try:
        return Header(**json.loads(file.readline(LONGEST_LINE)))
    except (ValueError, TypeError) as error:
        raise _broken(source, str(error)) from error


def _blocks(file: IO[bytes], source: Path) -> Iterator[bytes]:
    """Yield the blocks of one table."""
    while length := int.from_bytes(_exactly(file, LENGTH, source), "big"):
        yield _exactly(file, length, source)


def _exactly(file: IO[bytes], size: int, source: Path) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise _broken(source, "it ends in the middle")
    return data


def _broken(source: Path, why: str) -> CatalogueCorrupt:
    return CatalogueCorrupt(
        "the backup is damaged",
        where=os.fspath(source),
        why=why,
        remedy="take another one: storewarden catalogue backups",
    )


def _columns(engine: PostgresEngine) -> dict[str, list[str]]:
    """Return the columns of all tables but that of the versions, parents before children."""
    found: dict[str, list[str]] = {}
    for table, column in engine.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        " ORDER BY table_name, ordinal_position"
    ):
        found.setdefault(table, []).append(column)
    sorter = TopologicalSorter[str](dict.fromkeys(found, ()))
    for child, parent in engine.execute(
        "SELECT c.relname, p.relname FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid"
        " JOIN pg_class p ON p.oid = f.confrelid WHERE f.contype = 'f' AND c.oid <> p.oid"
        " AND f.connamespace = current_schema()::regnamespace"
    ):
        sorter.add(child, parent)
    return {table: found[table] for table in sorter.static_order() if table != VERSIONS}
