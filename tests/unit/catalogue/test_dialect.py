"""SQL is written once and said twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.dialect import percent_marks, speak


@pytest.mark.parametrize(
    ("sql", "sqlite", "postgresql"),
    [
        ("{int}", "INTEGER", "BIGINT"),
        ("{bytes} {real}", "BLOB REAL", "BYTEA DOUBLE PRECISION"),
        (
            "({id}){strict}",
            "(INTEGER NOT NULL PRIMARY KEY) STRICT",
            "(BIGSERIAL NOT NULL PRIMARY KEY)",
        ),
        ("{x 2f2e}", "x'2f2e'", "'\\x2f2e'::bytea"),
        ("{no 00 in path}", "instr(path, x'00') = 0", "position('\\x00'::bytea in path) = 0"),
        ("DEFAULT '{}'", "DEFAULT '{}'", "DEFAULT '{}'"),
        ("{in}", "{in}", "{in}"),
    ],
)
def test_what_differs_is_said_in_each_way(sql: str, sqlite: str, postgresql: str) -> None:
    assert speak(sql, "sqlite") == sqlite
    assert speak(sql, "postgresql") == postgresql


@pytest.mark.parametrize(
    ("sql", "marked"),
    [
        ("a = ? AND b IN (?, ?)", "a = %s AND b IN (%s, %s)"),
        ("a = '?' AND b = ?", "a = '?' AND b = %s"),
        ("a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = %s"),
        ('"what?" = ?', '"what?" = %s'),
        ("a LIKE '%x' AND b % 2 = ?", "a LIKE '%%x' AND b %% 2 = %s"),
        ("a = ? -- why? 100%\nAND b = ?", "a = %s -- why? 100%%\nAND b = %s"),
        ("a = ANY(?)", "a = ANY(%s)"),
    ],
)
def test_marks_are_only_where_values_stand(sql: str, marked: str) -> None:
    assert percent_marks(sql) == marked


@given(st.text(alphabet="a?%'\"- \n="))
def test_every_percent_is_doubled_or_a_mark(sql: str) -> None:
    marked = percent_marks(sql)

    assert marked.replace("%%", "").count("%") == marked.replace("%%", "").count("%s")
    assert marked.replace("%s", "?").replace("%%", "%") == sql or "%s" in sql
