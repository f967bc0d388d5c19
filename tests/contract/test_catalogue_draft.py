"""A drafted migration leads from the tables as they are to those that the models ask for."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from peewee import SQL, BigIntegerField, BlobField, CompositeKey, Model, TextField

from storewarden.catalogue import declared, migrate, schema, tables
from storewarden.catalogue import draft as drafting
from storewarden.catalogue.draft import Draft, draft
from storewarden.catalogue.schema import Schema
from storewarden.catalogue.sqlite import SqliteEngine
from tests.catalogues import Place

NOTHING = Schema({}, {})


class Note(Model):
    """A table that is new."""

    file = tables.child_of(tables.File, "file_id")
    author = BlobField()
    text = TextField(constraints=tables.default("none"))
    weight = BigIntegerField(null=True, constraints=[SQL("DEFAULT 1")])

    class Meta:
        table_name = "notes"
        primary_key = CompositeKey("file", "author")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine(tmp_path / "scratch.db")
    yield engine
    engine.close()


def changed(scratch: SqliteEngine, *statements: str) -> Schema:
    """Return the declared tables after some more changes by hand."""
    with scratch.transaction():
        schema.build(scratch)
        for statement in statements:
            scratch.execute(statement)
    return schema.read(scratch)


def written(drafted: Draft, directory: Path) -> ModuleType:
    """Write a draft and import it as the next start would."""
    path = drafting.write(drafted, "next_step", directory, 2)
    assert path.name == "m0002_next_step.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_draft_from_nothing_makes_everything(place: Place, scratch: SqliteEngine) -> None:
    drafted = draft(NOTHING, schema.declared(scratch))
    step = written(drafted, place.state.parent)
    engine = place.open()
    with engine.transaction():
        step.up(engine)

    left = ["files_words", "generated_files", "words"]
    assert [each.split(":")[0] for each in drafted.left] == left
    differs = schema.differences(schema.read(engine), schema.declared(engine))
    others = ("words is missing", "generated_files is missing")
    assert [told for told in differs if not told.endswith(others)] == []
    with engine.transaction():
        step.down(engine)
    assert schema.read(engine) == NOTHING


def test_a_draft_adds_tables_columns_and_indexes_and_takes_them_back(
    place: Place, scratch: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = place.made()
    have = schema.declared(scratch)
    monkeypatch.setattr(schema, "MODELS", (*declared.MODELS, Note))
    monkeypatch.setitem(
        declared.INDEXES, "jobs_state", "CREATE INDEX jobs_state ON jobs (state, asked_ns)"
    )
    monkeypatch.delitem(declared.INDEXES, "files_inode")
    monkeypatch.setitem(
        declared.INDEXES,
        "notes_text",
        "CREATE INDEX notes_text ON notes (text, substr(author, 1, 1)) WHERE text <> 'none'",
    )
    want = schema.declared(scratch)
    step = written(draft(have, want), place.state.parent)
    before = schema.read(engine)
    with engine.transaction():
        step.up(engine)

    assert schema.differences(schema.read(engine), schema.declared(engine)) == []
    with engine.transaction():
        step.down(engine)
    assert schema.differences(schema.read(engine), before) == []


def test_a_developer_drafts_a_new_table_that_has_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MODELS", (*declared.MODELS, Note))
    monkeypatch.setitem(declared.INDEXES, "notes_text", "CREATE INDEX notes_text ON notes (text)")
    monkeypatch.setattr(drafting, "MIGRATIONS", tmp_path)

    drafting.main(["notes"])

    (path,) = tmp_path.iterdir()
    assert "CREATE INDEX notes_text ON notes" in path.read_text()


def test_a_draft_adds_and_drops_columns(place: Place, scratch: SqliteEngine) -> None:
    have = schema.declared(scratch)
    want = changed(
        scratch,
        "ALTER TABLE files ADD COLUMN stars INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE files ADD COLUMN remark BLOB",
        "ALTER TABLE jobs DROP COLUMN progress",
        "CREATE INDEX files_stars ON files (stars)",
    )
    drafted = draft(have, want)
    step = written(drafted, place.state.parent)
    engine = place.made()
    before = schema.read(engine)
    with engine.transaction():
        step.up(engine)

    assert drafted.left == []
    assert schema.differences(schema.read(engine), before) == [
        "files: column remark is not declared",
        "files: column stars is not declared",
        "index files_stars is not declared",
        "jobs: column progress is missing",
    ]
    with engine.transaction():
        step.down(engine)
    after = schema.read(engine)
    assert after.indexes == before.indexes
    for name, table in before.tables.items():
        assert dict(after.tables[name].columns) == dict(table.columns)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("a INTEGER", "a TEXT", "notes.a: a changed column"),
        ("a INTEGER", "a INTEGER NOT NULL DEFAULT 1", "notes.a: a changed column"),
        ("a INTEGER", "a INTEGER, b TEXT NOT NULL", "a column that is never null needs a default"),
        ("a INTEGER, b TEXT NOT NULL", "a INTEGER", "the way back needs a default for it"),
        ("a INTEGER", "a INTEGER, CONSTRAINT n CHECK (a > 1)", "notes: changed checks"),
        ("a INTEGER", "a INTEGER REFERENCES notes (a)", "notes: changed references"),
    ],
)
def test_what_cannot_be_drafted_is_said(tmp_path: Path, old: str, new: str, told: str) -> None:
    seen = []
    for name, columns in (("old", old), ("new", new)):
        engine = SqliteEngine(tmp_path / f"{name}.db")
        with engine.transaction():
            engine.execute(f"CREATE TABLE notes ({columns}) STRICT")
        seen.append(schema.read(engine))
        engine.close()

    assert told in "\n".join(draft(*seen).left)


def test_the_command_writes_a_file_that_is_a_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drafting, "MIGRATIONS", tmp_path)
    monkeypatch.setattr(schema, "MODELS", (*declared.MODELS, Note))

    assert drafting.main(["notes"]) == 0
    path = tmp_path / f"m{migrate.newest() + 1:04}_notes.py"
    assert capsys.readouterr().out == f"{path}\n"
    assert "CREATE TABLE notes (" in path.read_text()
    assert "DROP TABLE notes" in path.read_text()


def test_the_command_says_when_there_is_nothing_to_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drafting, "MIGRATIONS", tmp_path)

    assert drafting.main(["nothing"]) == 0
    assert "nothing to draft" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["Name"], ["a-b"], ["a", "b"], ["../a"]])
def test_the_command_wants_one_plain_name(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert drafting.main(arguments) == 2
    assert "NAME" in capsys.readouterr().err
