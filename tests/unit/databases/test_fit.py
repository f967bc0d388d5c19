"""Whether a database is fit to go: checked, counted and digested as it is, and nobody uses it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from storewarden.act.identity import Identity
from storewarden.databases.child import run_job
from storewarden.databases.jobs import Document
from storewarden.errors import DatabaseBusy, DatabaseChanged
from tests.sqlites import holding, killed, make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    (path / "data").mkdir(parents=True)
    return path


@pytest.fixture
def descriptors(root: Path, tmp_path: Path) -> Iterator[tuple[int, int]]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    opened = tuple(os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (root, scratch))
    yield opened[0], opened[1]
    assert os.listdir(scratch) == []
    for one in opened:
        os.close(one)


def looked(
    root: Path, descriptors: tuple[int, int], *names: str, idle: bool = True, **more: Any
) -> Document:
    files = [(name.encode(), list(Identity.of((root / name).stat()))) for name in names]
    arguments = {"files": files, "idle": idle, "seconds": 20.0, **more}
    return run_job("look_over", arguments, descriptors=descriptors[:1], scratch=descriptors[1])


def test_one_that_nobody_uses_is_checked_counted_and_digested(
    root: Path, descriptors: tuple[int, int]
) -> None:
    path = make(root / "data" / "a.db", rows=50)
    before, listed = path.read_bytes(), sorted(os.listdir(path.parent))

    found = looked(root, descriptors, "data/a.db")

    assert (found["integrity"], found["problems"], found["how"]) == ("ok", [], "at_rest")
    assert found["rows"] == {"notes": 50}
    assert found["digests"] == [[b"data/a.db", blake3(before).digest()]]
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == listed


def test_what_its_killed_program_wrote_last_is_counted_and_goes_along(
    root: Path, descriptors: tuple[int, int]
) -> None:
    path = killed(root / "data" / "a.db", rows=50)
    log = path.with_name("a.db-wal").read_bytes()

    found = looked(root, descriptors, "data/a.db", "data/a.db-wal")

    assert (found["how"], found["rows"]) == ("copy", {"notes": 51})
    assert found["digests"][1] == [b"data/a.db-wal", blake3(log).digest()]


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_one_that_somebody_has_open_does_not_go(
    root: Path, descriptors: tuple[int, int], journal: str
) -> None:
    path = make(root / "data" / "a.db", journal=journal)

    with holding(path), pytest.raises(DatabaseBusy, match="somebody has it open"):
        looked(root, descriptors, "data/a.db")
    with holding(path):
        assert looked(root, descriptors, "data/a.db", idle=False)["integrity"] == "ok"
    assert looked(root, descriptors, "data/a.db")["integrity"] == "ok"


def test_one_that_is_damaged_is_told_with_what_is_wrong(
    root: Path, descriptors: tuple[int, int]
) -> None:
    path = make(root / "data" / "a.db", rows=2_000)
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 3 * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)

    found = looked(root, descriptors, "data/a.db")

    assert found["integrity"] == "damaged"
    assert found["problems"]


def test_one_that_is_not_what_is_recorded_is_left_alone(
    root: Path, descriptors: tuple[int, int]
) -> None:
    path = make(root / "data" / "a.db")
    identity = list(Identity.of(path.stat()))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO notes (text) VALUES ('one more')")

    with pytest.raises(DatabaseChanged, match="not what is recorded"):
        looked(root, descriptors, "data/a.db", files=[(b"data/a.db", identity)])
