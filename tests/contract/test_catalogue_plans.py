"""What is asked a thousand times a second is answered by an index, in SQLite at least."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import find, terms
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.digests import Digests
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.inspections import Inspections
from storewarden.catalogue.tables import Directory, File
from storewarden.facts.sidecars import belongs
from tests.catalogues import NOW, sqlite_place
from tests.inspecting import Unsaid

HOT = [
    "SELECT id FROM files WHERE directory_id = ? AND name IN (?, ?)",
    "SELECT id FROM files WHERE directory_id = ?",
    "SELECT id FROM files WHERE directory_id = ? AND name > ? AND name <= ?",
    "SELECT id FROM files WHERE directory_id = ? AND state = 'present'",
    "SELECT id FROM files WHERE directory_id = ? AND name = ? AND state <> 'missing'",
    (
        "SELECT f.id FROM files f JOIN directories d ON d.id = f.directory_id"
        " WHERE d.device = ? AND f.inode IN (?, ?)"
    ),
    (
        "SELECT f.id FROM files f JOIN directories d ON d.id = f.directory_id"
        " WHERE f.state = 'missing' AND f.digest IN (?, ?)"
    ),
    (
        "SELECT id, name, kind FROM files WHERE directory_id = ? AND name >= ? AND name < ?"
        " AND state = 'present' ORDER BY name LIMIT 200"
    ),
    "SELECT id FROM files WHERE directory_id = ? AND name > ? ORDER BY name LIMIT ?",
    "SELECT id FROM directories WHERE stale IS NOT NULL ORDER BY id LIMIT 1",
    "SELECT file_id FROM sidecars WHERE of_id IN (?, ?)",
    "SELECT file_id FROM prompts WHERE from_id = ?",
    "SELECT file_id FROM facts WHERE workflow_id = ?",
    "SELECT file_id FROM facts WHERE scene_id = ?",
    "SELECT id FROM scenes WHERE workflow_id = ?",
    "SELECT id, path FROM directories WHERE root_id = ? AND path IN (?, ?)",
    "SELECT id, path FROM directories WHERE root_id = ? AND (path = ? OR (path >= ? AND path < ?))",
    "UPDATE files SET size = ? WHERE id = ?",
    "DELETE FROM files WHERE id = ?",
    "UPDATE history SET file_id = ? WHERE file_id = ?",
    "SELECT at_ns FROM history WHERE file_id = ? ORDER BY at_ns, id",
    "SELECT id FROM jobs WHERE state = 'planned' ORDER BY id LIMIT 1",
    "SELECT epoch FROM leases WHERE host_id = ?",
]


def plan(engine: Engine, sql: str, params: int | list[object]) -> list[str]:
    values = [None] * params if isinstance(params, int) else params
    return [str(row[3]) for row in engine.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def noted(asked: list[tuple[str, Any]], sql: str, params: Any) -> list[tuple[Any, ...]]:
    asked.append((sql, params))
    return []


@pytest.mark.parametrize("sql", HOT)
def test_nothing_hot_reads_a_whole_table(tmp_path: Path, sql: str) -> None:
    with sqlite_place(tmp_path) as place:
        steps = plan(place.furnished(), sql, sql.count("?"))

    for step in steps:
        assert not step.startswith("SCAN") or " USING " in step, steps


@pytest.mark.parametrize(
    ("reader", "index"),
    [
        (Digests, "files_undigested"),
        (partial(Inspections, belongs=belongs, words=Unsaid()), "files_uninspected"),
    ],
)
def test_what_waits_is_found_by_its_own_index_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Any, index: str
) -> None:
    asked: list[tuple[str, Any]] = []
    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        waiting = reader(engine, Counts(engine, {"uploads": 1}))
        monkeypatch.setattr(engine, "execute", partial(noted, asked))
        waiting.wanted(["uploads"], 0, 256)
        monkeypatch.undo()
        steps = plan(engine, asked[0][0], list(asked[0][1]))

    assert steps == [
        f"SEARCH f USING INDEX {index} (id>?)",
        "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
    ]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (["path=a/b.png"], "directories_root_path"),
        (["path=a/b/*"], "directories_root_path"),
        ([], "directories_root_path"),
    ],
)
def test_a_page_of_files_begins_where_the_last_one_ended(
    tmp_path: Path, asked: list[str], index: str
) -> None:
    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        met = terms.conditions(terms.parse(asked), "sqlite", NOW)
        query = find.joined(File.id).where(Directory.root == 1, *met)
        query = query.order_by(Directory.path, File.name, File.id).limit(10)
        steps = plan(engine, *engine.render(query.where(Directory.path >= b"a")))

    assert any(index in step for step in steps), steps
    assert any("files_directory_name" in step for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps
