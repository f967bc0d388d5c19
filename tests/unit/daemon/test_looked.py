"""What a child says of a database is not believed: it may have been taken over by the file."""

from __future__ import annotations

from typing import Any

import pytest

from storewarden.daemon.tending.glimpse import Where, where_is
from storewarden.daemon.tending.looking import understood

SAID: dict[str, Any] = {
    "page_size": 4096,
    "pages": 2,
    "free_pages": 0,
    "tables": 1,
    "rows": 3,
    "schema_digest": b"\x01" * 32,
    "foreign_keys": "none",
    "journal": "wal",
    "rows_are": "exact",
    "rows_by_table": {"t": [3, "exact"]},
}


def test_what_makes_sense_is_taken() -> None:
    looked = understood(SAID, "m", 8192, 0)

    assert (looked.mark, looked.bytes, looked.wal_bytes) == ("m", 8192, 0)
    assert (looked.pages, looked.rows, looked.journal) == (2, 3, "wal")
    assert looked.told == {"rows_are": "exact", "rows_by_table": {"t": [3, "exact"]}}


@pytest.mark.parametrize(
    "change",
    [
        {"schema_digest": "text"},
        {"schema_digest": None},
        {"schema_digest": b"\x01" * 31},
        {"foreign_keys": "perhaps"},
        {"foreign_keys": ["none"]},
        {"pages": "many"},
        {"rows": [1]},
        {"rows": float("inf")},
        {"journal": 7},
        {"journal": "j" * 1000},
        {"more": "x" * 20_000},
    ],
)
def test_what_makes_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, OverflowError)):
        understood({**SAID, **change}, "m", 8192, 0)


def test_what_is_missing_is_refused() -> None:
    said = {name: value for name, value in SAID.items() if name != "schema_digest"}
    with pytest.raises(KeyError):
        understood(said, "m", 8192, 0)


def test_numbers_are_brought_into_range() -> None:
    looked = understood({**SAID, "rows": 2**80, "pages": -5}, "m", 8192, 0)

    assert (looked.rows, looked.pages) == (2**63 - 1, 0)


def test_tables_of_many_long_names_are_left_out() -> None:
    names = {f"{number}{'n' * 1000}": [1, "exact"] for number in range(50)}
    looked = understood({**SAID, "rows_by_table": names}, "m", 8192, 0)

    assert looked.told == {"rows_are": "exact"}
    assert looked.rows == 3


@pytest.mark.parametrize(
    ("place", "where"),
    [
        (b"/srv/media/a/app.db", Where("media", b"", b"a/app.db")),
        (b"/srv/mediator/app.db", Where(None, b"/srv/mediator", b"app.db")),
        (b"/app.db", Where(None, b"/", b"app.db")),
    ],
)
def test_a_place_is_in_a_root_or_in_a_directory(place: bytes, where: Where) -> None:
    assert where_is(place, {"media": b"/srv/media", "other": b"/mnt"}) == where
