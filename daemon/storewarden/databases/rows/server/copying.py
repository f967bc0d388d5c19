"""Rows of a server's table are copied into an archive: an SQLite database of its own.

Each value is the text that the server writes for it, which it reads back to the same value. What
is no UTF-8 lies there as a blob of the server's own bytes. All is read in one transaction that sees
the database as it was when that began; nobody is kept from anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import apsw

from storewarden.databases.rows.copied import ROOT, ROW, TOLD, Copied
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import first
from storewarden.databases.rows.pieces import quoted as quoted_there
from storewarden.databases.rows.server.asking import (
    linked,
    met,
    numbered,
    quoted,
    time,
    where,
)
from storewarden.databases.rows.server.asking import (
    listed as listed_here,
)
from storewarden.databases.rows.server.counting import parent_of
from storewarden.databases.rows.server.tables import Held, Link, Tree
from storewarden.databases.rows.server.talking import Server, Value, text

FORM: Final = "postgresql 1"
SHOWS: Final = "storewarden_ns"
"""A column of the first table in an archive: what a row's clock shows."""

_AT_ONCE: Final = 5_000  # rows of an INSERT into the archive
Passed = Callable[[int], None]


def copy(  # what is copied, where to, and who hears of it
    server: Server,
    archive: apsw.Connection,
    tree: Tree,
    picked: Picked,
    most: int,
    told: Mapping[str, Any],
    passed: Passed = lambda _rows: None,
) -> Copied:
    """Copy up to ``most`` rows of the declared table, with all that hangs on them."""
    copied = Copied()
    for at, table in enumerate(tree.tables):
        archive.execute(_created(table, at))
    with server.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ"):
        going(server, tree, dropped=True)
        _choose(server, tree, picked, most)
        copied.held = keep_held(server, tree)
        for at, table in enumerate(tree.tables):
            with archive:
                copied.rows[table.name] = _copy_table(server, archive, table, at, passed)
        for at in range(len(tree.tables)):
            server.do(f"DROP TABLE pg_temp.storewarden_going{at}")
    if picked.clock:
        of = f"SELECT min({SHOWS}), max({SHOWS}) FROM archive.{quoted_there(shown(tree.root.name))}"
        copied.first_ns, copied.last_ns = first(archive, of)
    copied.rows = {shown(name): rows for name, rows in copied.rows.items()}
    _tell(server, archive, tree, copied, told)
    return copied


def shown(name: str) -> str:
    """Return a name as an archive has it: one that is no text is written as its bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def going(server: Server, tree: Tree, *, dropped: bool) -> None:
    """Make lists of the rows that go: by the columns that tell them apart, and name them."""
    for at, table in enumerate(tree.tables):
        kept = ", NULL::boolean AS kept, NULL::bigint AS ns"
        columns = [f"{quoted(name)} AS id{n}" for n, name in enumerate(table.identity)]
        columns += [f"{quoted(name)} AS key{n}" for n, name in enumerate(table.key)]
        then = "DROP" if dropped else "DELETE ROWS"
        server.do(
            f"CREATE TEMP TABLE storewarden_going{at} ON COMMIT {then} AS"
            f" SELECT NULL::bigint AS root{kept}, {', '.join(columns)} FROM {table.place}"
            " WHERE false WITH NO DATA"
        )


def noted(table: Held, of: str) -> str:
    """Return what is noted of a row that goes."""
    return f"{listed_here(table.identity, of)}, {listed_here(table.key, of)}"


def columns_of(table: Held) -> str:
    """Return where that is noted."""
    return f"{numbered('id', len(table.identity))}, {numbered('key', len(table.key))}"


def hangs(table: Held, above: Held, row: str = "m", ours: str = "g") -> str:
    """Return that a row hangs on one that goes."""
    pairs = enumerate(table.columns_up[: len(above.key)])
    return " AND ".join(f"{row}.{quoted(name)} = {ours}.key{at}" for at, name in pairs)


def _choose(server: Server, tree: Tree, picked: Picked, most: int) -> None:
    root = tree.root
    meant = where(picked, root, root.typed, parent_of(server, picked))
    at = time(picked, root.typed, "m") if picked.clock else "NULL::bigint"
    server.do(
        f"INSERT INTO pg_temp.storewarden_going0 (root, ns, {columns_of(root)})"
        f" SELECT row_number() OVER (), ns, {numbered('i', len(root.identity) + len(root.key))}"
        f" FROM (SELECT {at}, {noted(root, 'm')} FROM {root.place} m WHERE {meant}"
        f" ORDER BY {listed_here(root.identity, 'm')} LIMIT {most})"
        f" AS m (ns, {numbered('i', len(root.identity) + len(root.key))})"
    )
    for number, table, above in tree.below():
        server.do(f"ANALYZE pg_temp.storewarden_going{table.parent}")
        server.do(
            f"INSERT INTO pg_temp.storewarden_going{number} (root, {columns_of(table)})"
            f" SELECT g.root, {noted(table, 'm')}"
            f" FROM pg_temp.storewarden_going{table.parent} g"
            f" JOIN {table.place} m ON {hangs(table, above)}"
        )


def keep_held(server: Server, tree: Tree) -> int:
    """Strike out rows to which rows refer that stay, with all that hangs on them."""
    kept = 0
    while tree.links:
        now = sum(_keep_held(server, tree, link) for link in tree.links)
        if not now:
            break
        kept += now
    for at, _, _ in tree.below():
        server.do(
            f"DELETE FROM pg_temp.storewarden_going{at}"
            " WHERE root NOT IN (SELECT root FROM pg_temp.storewarden_going0)"
        )
    return kept


def _keep_held(server: Server, tree: Tree, link: Link) -> int:
    at, source = tree.at(link.target), tree.at(link.source)
    assert at is not None  # noqa: S101  # links are those to tables of the tree
    table = tree.tables[at]
    goes = "false"
    if source is not None:
        goes = (
            f"EXISTS (SELECT 1 FROM pg_temp.storewarden_going{source} x"
            f" WHERE {met(tree.tables[source], 's', 'x')}"
            " AND x.root IN (SELECT root FROM pg_temp.storewarden_going0))"
        )
    return server.do(
        "DELETE FROM pg_temp.storewarden_going0 WHERE root IN ("
        f"SELECT g.root FROM pg_temp.storewarden_going{at} g"
        f" JOIN {table.place} t ON {met(table, 't', 'g')}"
        f" JOIN {link.source_place} s ON {linked(link, 's', 't')} WHERE NOT {goes})"
    )


def _created(table: Held, at: int) -> str:
    names = [quoted_there(shown(name)) for name in table.columns]
    extra = [] if at else [SHOWS]
    columns = ", ".join([f"{ROW} INTEGER PRIMARY KEY", ROOT, *extra, *names])
    name = quoted_there(shown(table.name))
    index = quoted_there(f"storewarden_{shown(table.name)}")
    made = f"CREATE TABLE archive.{name} ({columns})"
    return f"{made}; CREATE INDEX archive.{index} ON {name} ({ROOT})"


def _copy_table(
    server: Server, archive: apsw.Connection, table: Held, at: int, passed: Passed
) -> int:
    extra = "" if at else ", g.ns"
    marks = ", ".join("?" * (len(table.columns) + (2 if at else 3)))
    into = f"INSERT INTO archive.{quoted_there(shown(table.name))} VALUES ({marks})"
    rows = 0
    waiting: list[tuple[Any, ...]] = []
    for line in server.copied(
        f"SELECT g.root{extra}, {listed_here(table.columns, 'm')}"
        f" FROM pg_temp.storewarden_going{at} g JOIN {table.place} m ON {met(table, 'm', 'g')}"
        f" ORDER BY g.root, {listed_here(table.identity, 'm')}"
    ):
        rows += 1
        waiting.append(tuple(_row(rows, line, at)))
        if len(waiting) == _AT_ONCE:
            archive.executemany(into, waiting)
            passed(len(waiting))
            waiting.clear()
    archive.executemany(into, waiting)
    passed(len(waiting))
    return rows


def _row(number: int, line: tuple[Value, ...], at: int) -> Iterator[Any]:
    own = 1 if at else 2
    yield number if at else int(line[0] or 0)
    for value in line[:own]:
        yield None if value is None else int(value)
    for value in line[own:]:
        yield _kept(value)


def _kept(value: Value) -> str | bytes | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _tell(
    server: Server, archive: apsw.Connection, tree: Tree, copied: Copied, told: Mapping[str, Any]
) -> None:
    """Write into the archive what it is, for whoever opens it without us."""
    ((version, encoding),) = server.rows(
        "SELECT current_setting('server_version'), current_setting('server_encoding')"
    )
    schema = {
        shown(table.place): {shown(name): type_ for name, type_ in table.typed.items()}
        for table in tree.tables
    }
    whole = {
        "form": FORM,
        **told,
        "tables": [shown(table.name) for table in tree.tables],
        "schema": {name: {c: shown(t) for c, t in types.items()} for name, types in schema.items()},
        "server_version": text(version),
        "encoding": text(encoding),
        **copied.facts(),
    }
    archive.execute(f"CREATE TABLE archive.{TOLD} (told)")
    archive.execute(f"INSERT INTO archive.{TOLD} VALUES (?)", (json.dumps(whole),))


def archived_columns(table: Held) -> str:
    """Return the columns of an archived table as bytes, for SQLite."""
    return ", ".join(f"CAST({quoted_there(shown(name))} AS BLOB)" for name in table.columns)
