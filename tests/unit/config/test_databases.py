"""Databases with names of their own: what the configuration says of them arrives, or is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from storewarden.config.changes import changed
from storewarden.config.export import json_schema
from storewarden.config.schema import DatabaseSettings
from tests.conftest import Golden
from tests.unit.config.asking import problems, settings

ROOTS = "roots: {a: /a}\nstate: /s\n"
URL = "postgresql://me:hunter2@db.example.org/sales"
WRONG = [
    "databases: {}",
    "databases: [/x]",
    "databases: /x",
    "databases: {App: /x, 'a b': /y, c: , d: {}, e: [/x]}",
    "databases: {a: {path: /x, url: 'postgresql://h/d'}, b: {pth: /x}, c: {path: true}}",
    "databases: {a: 'mysql://me:hunter2@h/d', b: {url: /x}, c: {url: app}, d: 'sqlite:///x.db'}",
    "databases: {a: 'postgresql://me:hunter2@h', b: 'postgresql://me:hun ter2@h/d'}",
    "databases: {a: {url: 'host=h dbname=d password=hunter2'}, b: {path: /x, read_only: true}}",
    "databases: {a: /x, b: /y/../x, c: 'postgresql://h/d', d: 'postgres://h/d'}",
    "databases: {ours: /s/catalogue.db}",
    "catalogue: sqlite:///c/own.db\ndatabases: {ours: /c/own.db}",
    "catalogue: 'postgresql://me:hunter2@h/d'\ndatabases: {ours: 'postgresql://me:other@h/d'}",
]


def test_without_a_word_none_has_a_name_of_its_own(tmp_path: Path) -> None:
    assert settings(tmp_path, ROOTS).databases == ()


def test_databases_are_files_or_those_of_a_server(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        f"""{ROOTS}
databases:
  app: data/app.db
  home: {{path: ~/home.db}}
  in-a-root: /a/inside.db
  sales: "{URL}"
  short: {{url: "postgres://h/d"}}
""",
    ).databases

    assert found == (
        DatabaseSettings("app", path=bytes(tmp_path / "data/app.db")),
        DatabaseSettings("home", path=b"/home/warden/home.db"),
        DatabaseSettings("in-a-root", path=b"/a/inside.db"),
        DatabaseSettings("sales", url=URL),
        DatabaseSettings("short", url="postgresql://h/d"),
    )


def test_no_password_is_shown(tmp_path: Path) -> None:
    found = settings(tmp_path, f'{ROOTS}databases: {{sales: "{URL}"}}\n')
    (sales,) = found.databases

    assert sales.place == b"postgresql://me:***@db.example.org/sales"
    for text in (repr(found), str(sales), sales.shown):
        assert "hunter2" not in text


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, golden: Golden) -> None:
    told = []
    for text in WRONG:
        lines = [one.replace(str(tmp_path), "<here>") for one in problems(tmp_path, ROOTS + text)]
        told += [text, *(f"    {line}" for line in lines), ""]
    whole = "\n".join(told)

    golden("config-errors/databases.txt", whole)
    answers = [line for line in told if line.startswith("    ")]
    assert not any("hunter2" in line or "ter2" in line for line in answers)


def test_the_environment_tells_the_same(tmp_path: Path) -> None:
    environ = {
        "STOREWARDEN_DATABASES_APP_PATH": "/elsewhere.db",
        "STOREWARDEN_DATABASES_SALES_URL": URL,
    }

    found = settings(
        tmp_path, f"{ROOTS}databases: {{app: /app.db, sales: 'postgresql://h/d'}}\n", environ
    )

    assert found.databases == (
        DatabaseSettings("app", path=b"/elsewhere.db"),
        DatabaseSettings("sales", url=URL),
    )


def test_a_group_of_databases_replaces_the_files(tmp_path: Path) -> None:
    environ = {"STOREWARDEN_DATABASES": "{new: ./new.db}"}

    (found,) = settings(tmp_path, f"{ROOTS}databases: {{old: /old.db}}\n", environ).databases

    assert found == DatabaseSettings("new", path=bytes(tmp_path / "new.db"))


def test_a_variable_of_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, ROOTS, {"STOREWARDEN_DATABASES_APP": "/x"})

    assert line == (
        "$STOREWARDEN_DATABASES_APP: is an unknown variable; a database is told by "
        "STOREWARDEN_DATABASES_NAME_PATH or STOREWARDEN_DATABASES_NAME_URL, "
        "or all by STOREWARDEN_DATABASES"
    )


def test_a_reload_applies_it_and_says_what_differs(tmp_path: Path) -> None:
    old = settings(tmp_path, f"{ROOTS}databases: {{app: /app.db, gone: /g.db, sales: '{URL}'}}\n")
    other = URL.replace("hunter2", "another")
    new = settings(tmp_path, f"{ROOTS}databases: {{app: /b.db, sales: '{other}', more: /m.db}}\n")

    differences = changed(old, new)

    sales = "url: postgresql://me:***@db.example.org/sales"
    assert [str(one) for one in differences] == [
        "databases.app: path: /app.db -> path: /b.db",
        "databases.gone: removed",
        f"databases.sales: {sales} -> {sales} (another password)",
        "databases.more: added (path: /m.db)",
    ]
    assert {one.live for one in differences} == {True}
    assert changed(new, new) == ()


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("data/app.db", True),
        ({"path": "data/app.db"}, True),
        ({"url": "postgresql://h/d"}, True),
        ({"url": "mysql://h/d"}, False),
        ({"path": "x", "table": "t"}, False),
        ({}, False),
    ],
)
def test_editors_are_told_the_form(value: Any, fits: bool) -> None:  # noqa: FBT001  # a table of cases
    import jsonschema

    document = {"roots": {"a": "/a"}, "databases": {"app": value}}
    judge = jsonschema.Draft7Validator(json_schema())

    assert judge.is_valid(json.loads(json.dumps(document))) is fits
