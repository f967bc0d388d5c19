"""Draft the next migration from what the models ask for and the migrations do not make yet.

For developers: ``python -m storewarden.catalogue.draft NAME`` writes a numbered file with ``up``
and ``down`` for tables, columns and indexes that were added or dropped, and for changed indexes.
What it cannot draft is said, and left to its author: a changed column or constraint, a view, a
virtual table, a trigger.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from storewarden.catalogue import migrate, schema
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.schema import Column, Schema, Table
from storewarden.catalogue.sqlite import SqliteEngine
from storewarden.clock import SystemClock

MIGRATIONS = Path(__file__).parent / "migrations"
TYPES = {"INTEGER": "{int}", "BLOB": "{bytes}", "REAL": "{real}", "TEXT": "TEXT"}

_FILE = '''"""{title}."""

from __future__ import annotations

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

UP = (
{up})

DOWN = (
{down})


def up(engine: Engine) -> None:
    """Go to this version."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Go back to the version before."""
    for statement in DOWN:
        engine.execute(speak(statement, engine.dialect))
'''


@dataclass(slots=True)
class Draft:
    """Statements in the words of ``dialect``, in order, and what was not drafted."""

    up: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def step(self, there: str, back: str) -> None:
        """Add a statement and its opposite; the way back runs the other way round."""
        self.up.append(there)
        self.down.insert(0, back)


def draft(have: Schema, want: Schema) -> Draft:
    """Return what leads from one schema to another; both as SQLite reads them."""
    drafted = Draft()
    _drop_indexes(have, want, drafted)
    for name in _sorted(want, want.tables.keys() - have.tables.keys()):
        drafted.step(_create(name, want.tables[name]), f"DROP TABLE {name}")
    for name in sorted(have.tables.keys() & want.tables.keys()):
        _columns(name, have.tables[name], want.tables[name], drafted)
    for name in reversed(_sorted(have, have.tables.keys() - want.tables.keys())):
        drafted.step(f"DROP TABLE {name}", _create(name, have.tables[name]))
    for name, sql in want.indexes.items():
        if have.indexes.get(name) != sql:
            drafted.step(spaced(sql), f"DROP INDEX {name}")
    for name in sorted({*have.others, *want.others}):
        if have.others.get(name) != want.others.get(name):
            drafted.left.append(f"{name}: a view, a trigger or a virtual table has its own words")
    return drafted


def _drop_indexes(have: Schema, want: Schema, drafted: Draft) -> None:
    """Drop what is no longer wanted or changed first: a column with an index cannot be dropped."""
    for name, sql in have.indexes.items():
        if want.indexes.get(name) != sql:
            drafted.step(f"DROP INDEX {name}", spaced(sql))


def _columns(name: str, have: Table, want: Table, drafted: Draft) -> None:
    for column in want.columns.keys() - have.columns.keys():
        wanted = want.columns[column]
        if not wanted.null and wanted.default is None:
            drafted.left.append(f"{name}.{column}: a column that is never null needs a default")
            continue
        drafted.step(*_column_steps(name, column, wanted))
    for column in have.columns.keys() - want.columns.keys():
        there = have.columns[column]
        if not there.null and there.default is None:
            drafted.left.append(f"{name}.{column}: the way back needs a default for it")
            continue
        add, drop = _column_steps(name, column, there)
        drafted.step(drop, add)
    for column in have.columns.keys() & want.columns.keys():
        if have.columns[column] != want.columns[column]:
            drafted.left.append(f"{name}.{column}: a changed column")
    for what in ("checks", "references"):
        if getattr(have, what) != getattr(want, what):
            drafted.left.append(f"{name}: changed {what}")


def _column_steps(table: str, name: str, column: Column) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} ADD COLUMN {_column(name, column)}",
        f"ALTER TABLE {table} DROP COLUMN {name}",
    )


def _create(name: str, table: Table) -> str:
    keys = sorted((column.key, each) for each, column in table.columns.items() if column.key)
    alone = len(keys) == 1
    references = {reference.column: reference for reference in table.references}
    lines = []
    for each, column in table.columns.items():
        if alone and column.key and each == "id":  # a number that the database gives
            lines.append(f"{each} {{id}}")
            continue
        line = _column(each, column)
        if alone and column.key:
            line += " PRIMARY KEY"
        if reference := references.get(each):
            line += f" REFERENCES {reference.table} ({reference.target})"
            line += f" ON DELETE {reference.on_delete}"
        lines.append(line)
    if len(keys) > 1:
        lines.append(f"PRIMARY KEY ({', '.join(each for _, each in keys)})")
    lines += [f"CONSTRAINT {each} CHECK ({unspoken(sql)})" for each, sql in table.checks.items()]
    return f"CREATE TABLE {name} (\n    " + ",\n    ".join(lines) + "\n){strict}"


def _column(name: str, column: Column) -> str:
    line = f"{name} {TYPES[column.type]}"
    if not column.null:
        line += " NOT NULL"
    return line if column.default is None else f"{line} DEFAULT {column.default}"


def _sorted(whole: Schema, names: set[str]) -> list[str]:
    """Return tables so that each comes after those it refers to."""
    found: list[str] = []

    def visit(name: str) -> None:
        if name in names and name not in found:
            for reference in whole.tables[name].references:
                if reference.table != name:
                    visit(reference.table)
            found.append(name)

    for name in sorted(names):
        visit(name)
    return found


def unspoken(sql: str) -> str:
    """Return SQLite's words as ``dialect.speak`` reads them."""
    sql = re.sub(r"instr\((\w+), ?x'([0-9a-f]{2})'\) ?= ?0", r"{no \2 in \1}", sql)
    return spaced(re.sub(r"x'([0-9a-f]+)'", r"{x \1}", sql))


def spaced(sql: str) -> str:
    """Return plain SQL with the spaces that people write."""
    sql = re.sub(r"\b(?!length|substr|instr|coalesce)(\w+)\(", r"\1 (", sql)
    sql = re.sub(r",(?=\S)", ", ", sql)
    return re.sub(r"\)(?=[\w<>=])", ") ", sql)


def write(drafted: Draft, name: str, directory: Path, number: int) -> Path:
    """Write the next numbered migration and return its place."""
    title = name.replace("_", " ").strip().capitalize()
    path = directory / f"m{number:04d}_{name}.py"
    path.write_text(
        _FILE.format(title=title, up=_listed(drafted.up), down=_listed(drafted.down)),
        encoding="utf-8",
    )
    return path


def _listed(statements: list[str]) -> str:
    lines = []
    for statement in statements:
        if "\n" in statement:
            indented = statement.replace("\n", "\n    ")
            lines.append(f'    """\n    {indented}\n    """,\n')
        else:
            lines.append(f'    "{statement}",\n')
    return "".join(lines)


def migrated(engine: Engine) -> Schema:
    """Return what the migrations make of an empty database."""
    migrate.migrate(engine, SystemClock())
    return schema.read(engine)


def main(arguments: list[str]) -> int:
    """Write the draft, say where it is and what it leaves to do."""
    if len(arguments) != 1 or not re.fullmatch(r"[a-z][a-z0-9_]*", arguments[0]):
        sys.stderr.write("python -m storewarden.catalogue.draft NAME (a-z, 0-9 and _)\n")
        return 2
    with tempfile.TemporaryDirectory() as directory:
        engine = SqliteEngine(Path(directory) / "draft.db")
        have, want = migrated(engine), schema.declared(engine)
        engine.close()
    drafted = draft(have, want)
    for each in drafted.left:
        sys.stderr.write(f"not drafted, write it by hand: {each}\n")
    if not drafted.up:
        sys.stdout.write("nothing to draft: migrations make what the models ask for\n")
        return 1 if drafted.left else 0
    path = write(drafted, arguments[0], MIGRATIONS, migrate.newest() + 1)
    sys.stdout.write(f"{path}\n")
    return 1 if drafted.left else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
