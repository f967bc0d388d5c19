"""A SQLite catalogue does not pay for PostgreSQL, and a missing driver is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from storewarden.catalogue import connect, drivers
from storewarden.errors import CatalogueUnavailable
from tests.catalogues import Place

TRY = """
import sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
from storewarden.errors import StorewardenError
try:
    engine = open_catalogue(sys.argv[1], Path(sys.argv[2]), role="test")
    engine.close()
except StorewardenError as error:
    print(type(error).__name__)
print(sorted({"psycopg", "psycopg2", "apsw", "peewee", "rich", "pydantic"} & set(sys.modules)))
"""


READ = """
import sys
from pathlib import Path
from storewarden.catalogue.connect import open_catalogue
engine = open_catalogue(sys.argv[1], Path(sys.argv[2]), readonly=True, role="test")
drivers = {"psycopg", "psycopg2", "apsw", "peewee"}
print(engine.execute("SELECT 1 FROM files"), list(engine.stream("SELECT 2")))
print(sorted(drivers & set(sys.modules)))
from storewarden.catalogue.find import files
print(list(files(engine, ["size>0B"], 1)))
print(sorted(drivers & set(sys.modules)))
"""


def loaded(url: str, state: Path, what: str = TRY) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", what, url, str(state)], capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def test_who_only_reads_loads_what_builds_queries_when_one_is_built(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path)
    place.made()
    place.close()

    assert loaded("sqlite", tmp_path, READ) == [
        *("[] [(2,)]", "['apsw']"),
        *("[]", "['apsw', 'peewee']"),
    ]


def test_sqlite_brings_no_driver_of_a_server(tmp_path: Path) -> None:
    assert loaded("sqlite", tmp_path) == ["['apsw', 'peewee']"]


def test_postgresql_brings_its_own(tmp_path: Path) -> None:
    assert loaded("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2", tmp_path) == [
        "CatalogueUnavailable",
        "['peewee', 'psycopg']",
    ]


def test_a_driver_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "storewarden.catalogue.postgres", None)
    with pytest.raises(CatalogueUnavailable, match=r"pip install 'storewarden\[postgres\]'"):
        connect.open_catalogue("postgresql://x", tmp_path, role="test")


def test_what_is_a_server() -> None:
    assert drivers.is_server("postgresql://me@host/db")
    assert drivers.is_server("postgres://me@host/db")
    assert not drivers.is_server("sqlite")
    assert not drivers.is_server("sqlite:///postgres")
