"""Whether a database is whole, asked of SQLite itself. Runs in a child, on a connection of its.

A check of everything at once finds most, and cannot go on where it was stopped. What is large, or
did not end in its time, is checked table by table, and goes on there the next time.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import apsw

from storewarden.databases.damage import HEAD_BYTES, Head, Problem, Tree, problems, read_head
from storewarden.databases.found import (
    JOURNAL,
    WAL,
    How,
    Identity,
    blamed,
    find,
    identity_of,
    open_database,
)
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import (
    SECONDS,
    Opened,
    connection_of_ours,
    read_settled,
    translated,
)

SHOWN: Final = 100  # problems that are told one by one
COUNTED: Final = 10_000  # and how many are looked for
EXAMPLES: Final = 10  # rows of a table whose parent is gone
SCHEMA: Final = "sqlite_schema"

Integrity = Literal["ok", "damaged", "partly", "unfinished", "unread"]


@dataclass
class Checked:
    """What a check found; ``unchecked`` are tables that SQLite cannot check here, and why.

    ``done`` names what was checked when it goes table by table.
    """

    quick: bool
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    unchecked: dict[str, str] = field(default_factory=dict)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    tables: int = 0
    finished: bool = True
    foreign_keys: bool = False

    def add(self, found: Problem) -> None:
        """Count a problem, and keep it when there is room."""
        self.count += 1
        if len(self.problems) < SHOWN:
            self.problems.append(found)

    @property
    def integrity(self) -> Integrity:
        """What can be said of the whole database."""
        if any(one.kind != "foreign key" for one in self.problems):
            return "damaged"
        if not self.finished:
            return "unfinished"
        return "partly" if self.unchecked else "ok"

    def document(self) -> dict[str, Any]:
        """Return it as the child tells it."""
        return {
            "integrity": self.integrity,
            "quick": self.quick,
            "tables": self.tables,
            "problems": [one.facts() for one in self.problems],
            "count": self.count,
            "more": self.count >= COUNTED,
            "unchecked": self.unchecked,
            "foreign_keys": self.orphans if self.foreign_keys else None,
            "done": self.done,
        }


def check(
    connection: apsw.Connection,
    *,
    quick: bool = False,
    foreign_keys: bool = True,
    by_table: bool = False,
    done: Collection[str] = (),
) -> Checked:
    """Return what is wrong with the database of a connection, as far as its time allowed.

    The connection bears the limits; an interrupt ends the check, and what was found is told.
    """
    checked = Checked(quick, foreign_keys=foreign_keys)
    try:
        trees = _trees(connection, checked)
        _structure(connection, checked, trees, by_table=by_table or bool(done), done=done)
        if foreign_keys:
            _references(connection, checked, trees)
    except apsw.InterruptError:
        checked.finished = False
    except apsw.CorruptError as error:
        checked.add(Problem("page", _said(error)))
    except UnicodeDecodeError:
        checked.add(Problem("schema", "names or texts in it are no text"))
    return checked


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())


def _trees(connection: apsw.Connection, checked: Checked) -> dict[int, Tree]:
    """Return tables and indexes by the page each begins at."""
    statement = "SELECT type, name, tbl_name, rootpage FROM sqlite_schema"
    found: dict[int, Tree] = {}
    try:
        for kind, name, table, root in connection.execute(statement):
            if isinstance(root, int) and root > 0 and isinstance(name, str):
                found[root] = Tree(str(kind), name, str(table))
    except apsw.SQLError as error:
        checked.add(Problem("schema", _said(error)))
    checked.tables = len(_tables(found))
    return found


def _tables(trees: Mapping[int, Tree]) -> list[str]:
    return list(dict.fromkeys(tree.name for tree in trees.values() if tree.kind == "table"))


def _structure(
    connection: apsw.Connection,
    checked: Checked,
    trees: Mapping[int, Tree],
    *,
    by_table: bool,
    done: Collection[str],
) -> None:
    if not by_table:
        try:
            _ask(connection, checked, trees, "quick_check" if checked.quick else "integrity_check")
            return
        except apsw.SQLError:
            # A function or an order of texts that only its application knows: what does without
            # can be checked one by one.
            checked.problems.clear()
            checked.count = 0
    checked.done += [name for name in done if name == SCHEMA or name in _tables(trees)]
    for table in (SCHEMA, *_tables(trees)):
        if table not in checked.done:
            _one(connection, checked, trees, table)
            checked.done.append(table)


def _one(
    connection: apsw.Connection, checked: Checked, trees: Mapping[int, Tree], table: str
) -> None:
    pragmas = ("quick_check",) if checked.quick else ("integrity_check", "quick_check")
    for pragma in pragmas:
        try:
            _ask(connection, checked, trees, pragma, table)
            return
        except apsw.SQLError as error:
            checked.unchecked[table] = _said(error)


def _ask(
    connection: apsw.Connection,
    checked: Checked,
    trees: Mapping[int, Tree],
    pragma: str,
    table: str | None = None,
) -> None:
    about = COUNTED if table is None else quoted(table)
    for (line,) in connection.execute(f"PRAGMA {pragma}({about})"):
        if line != "ok":
            for found in problems(str(line), trees):
                checked.add(found)


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


# -- rows whose parent is gone --------------------------------------------------------------------


def _references(connection: apsw.Connection, checked: Checked, trees: Mapping[int, Tree]) -> None:
    for table in _tables(trees):
        try:
            orphans = _orphans(connection, table)
        except apsw.SQLError as error:
            orphans = [{"table": table, "parent": "", "count": 0, "why": _said(error)}]
        for one in orphans:
            checked.orphans.append(one)
            checked.add(Problem("foreign key", _sentence(one), table))


def _orphans(connection: apsw.Connection, table: str) -> list[dict[str, Any]]:
    """Return by parent how many rows of a table name one that is not there, and some of them."""
    found: dict[str, dict[str, Any]] = {}
    for parent, row in _violations(connection, table):
        told = found.setdefault(parent, {"table": table, "parent": parent, "count": 0, "rows": []})
        told["count"] += 1
        if len(told["rows"]) < EXAMPLES and row is not None:
            told["rows"].append(row)
    return list(found.values())


def _violations(connection: apsw.Connection, table: str) -> Iterator[tuple[str, int | None]]:
    statement = f"PRAGMA foreign_key_check({quoted(table)})"
    for _, row, parent, _ in connection.execute(statement):
        yield str(parent), row


def _sentence(one: Mapping[str, Any]) -> str:
    if "why" in one:
        return f"its foreign keys cannot be checked: {one['why']}"
    rows = "1 row names" if one["count"] == 1 else f"{one['count']:,} rows name"
    return f"{rows} a parent in {one['parent']} that is not there"


# -- the job --------------------------------------------------------------------------------------

_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_TOLD: Final = frozenset({"truncated", "damaged", "empty"})  # whose beginning says enough
_AT_ONCE: Final = 256  # pages that are copied before a writer may go on


def job(arguments: Document, descriptors: Sequence[int], _tell: Tell) -> Document:
    """Check the database ``name`` in the first directory; the second is ours, for copies.

    Raises:
        StorewardenError: it could not be checked; see `opening`.
    """
    parent, scratch = descriptors
    name: bytes = arguments["name"]
    seconds = float(arguments.get("seconds", SECONDS))
    head = _head(parent, name)
    if head is not None:
        return {"shape": head.shape, "why": head.why, **_of_head(head)}

    def work(opened: Opened) -> Document:
        with _quiet(opened, scratch, name, seconds) as connection:
            checked = check(
                connection,
                quick=bool(arguments.get("quick")),
                foreign_keys=bool(arguments.get("foreign_keys")),
                by_table=bool(arguments.get("by_table")),
                done=tuple(arguments.get("done", ())),
            )
        size = opened.identity.size
        return {"shape": "database", "how": str(opened.how), "bytes": size} | checked.document()

    return read_settled(parent, name, scratch, work, seconds=seconds)


def _head(parent: int, name: bytes) -> Head | None:
    """Return what a file is that needs not be opened with SQLite to be told; else None."""
    main = open_database(parent, name)
    try:
        with blamed(name):
            before = Identity.of(os.fstat(main))
            data = os.pread(main, HEAD_BYTES, 0)
            log = any(
                (beside := identity_of(parent, name + ending)) is not None and beside.size
                for ending in (WAL, JOURNAL)
            )
            head = read_head(data, before.size, log=log)
            if head.shape == "database":
                return None
            if head.shape not in {"foreign", "encrypted"} and not _rests(parent, name, main):
                return None
            return head if Identity.of(os.fstat(main)) == before else None
    finally:
        os.close(main)


def _rests(parent: int, name: bytes, main: int) -> bool:
    return find(parent, name, main).how is How.AT_REST


def _of_head(head: Head) -> Document:
    """Return what a check says of a file whose beginning says enough."""
    checked = Checked(quick=False)
    if head.shape in {"truncated", "damaged"}:
        checked.add(Problem("page", head.why))
    unread: Integrity = checked.integrity if head.shape in _TOLD else "unread"
    return {**checked.document(), "integrity": unread}


@contextmanager
def _quiet(opened: Opened, scratch: int, name: bytes, seconds: float) -> Iterator[apsw.Connection]:
    """Lend a connection on which one may take time: of one in use to a copy that is made.

    So its log is not kept from being reset, nor its writer from writing, but for moments.
    """
    if opened.how not in {How.WAL, How.ROLLBACK}:
        yield opened.connection
        return
    copy = b"checked-%d" % os.getpid()
    os.close(os.open(copy, _NEW, 0o600, dir_fd=scratch))
    connection = connection_of_ours(b"/proc/self/fd/%d/%s" % (scratch, copy), seconds)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()  # no -shm is made
        with translated(name), connection.backup("main", opened.connection, "main") as pages:
            while not pages.done:
                pages.step(_AT_ONCE)
        yield connection
    finally:
        connection.close()
        for ending in (b"", WAL, JOURNAL):
            with suppress(FileNotFoundError):
                os.unlink(copy + ending, dir_fd=scratch)
