"""What is asked a thousand times a second is answered by an index, in SQLite at least."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import (
    acts,
    copies,
    due,
    find,
    query,
    scrubbed,
    search,
    search_file,
    terms,
    usage,
)
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.digests import Digests
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.inspections import Inspections
from storewarden.catalogue.reconcile import OF_NAME
from storewarden.catalogue.schedule import Schedule
from storewarden.catalogue.sweep import uninspected
from storewarden.catalogue.tables import Directory, File
from storewarden.catalogue.wanted import Wanted
from storewarden.facts.sidecars import belongs
from tests.catalogues import NOW, sqlite_place
from tests.inspecting import Unsaid

HOT = [
    "SELECT id FROM files WHERE directory_id = ? AND name IN (?, ?)",
    "SELECT id FROM files WHERE directory_id = ?",
    "SELECT id FROM files WHERE directory_id = ? AND name > ? AND name <= ?",
    "SELECT id FROM files WHERE directory_id = ? AND state = 'present'",
    "SELECT id FROM files WHERE directory_id = ? AND name = ? AND state <> 'missing'",
    f"SELECT id FROM files WHERE {OF_NAME} AND directory_id = ? AND name IN (?, ?)",
    f"SELECT id FROM files WHERE {OF_NAME} AND directory_id = ? AND name > ? AND name <= ?",
    "SELECT file_id FROM copies WHERE file_id IN (?, ?)",
    "UPDATE acts SET state = ? WHERE id = ? AND state = ? RETURNING id",
    "UPDATE act_files SET open = 0 WHERE act_id = ?",
    "SELECT file_id FROM act_files WHERE open = 1 AND file_id IN (?, ?)",
    "SELECT act_id, file_id FROM act_files WHERE act_id IN (?, ?)",
    "DELETE FROM acts WHERE id IN (?, ?)",
    "UPDATE copies SET scrubbed_ns = ? WHERE file_id = ? AND store = ?",
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


def test_what_waits_is_counted_without_being_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    def counted(sql: str, params: Any) -> list[tuple[Any, ...]]:
        asked.append((sql, params))
        return [(0, 0)]

    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        monkeypatch.setattr(engine, "execute", counted)
        uninspected(engine, [1, 2])
        monkeypatch.undo()
        steps = plan(engine, asked[0][0], list(asked[0][1]))

    assert steps == [
        "SEARCH f USING INDEX files_uninspected (id>?)",
        "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
    ]


@pytest.mark.parametrize(
    ("ask", "begins"),
    [
        (lambda engine: Schedule(engine, 1).noted(9), ["SCAN u"]),
        (
            lambda engine: Schedule(engine, 1).moved(),
            ["SCAN d USING INDEX directories_undecided"],
        ),
        (
            lambda engine: Schedule(engine, 1).due_again(NOW, 9),
            ["SEARCH s USING COVERING INDEX schedule_again (again_ns<?)"],
        ),
        (
            lambda engine: Schedule(engine, 1).next_again(),
            ["SEARCH s USING COVERING INDEX schedule_again (again_ns>?)"],
        ),
        (
            lambda engine: usage.forget(engine, 1, NOW, 9),
            ["SEARCH u USING INDEX usage_days_day (day<?)"],
        ),
        (
            lambda engine: due.undecided(engine, 1),
            [
                "SEARCH f USING INTEGER PRIMARY KEY (rowid>?)",
                "SCAN u",
                "SCAN d USING INDEX directories_undecided",
            ],
        ),
    ],
)
def test_the_few_that_wait_are_found_without_going_through_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Any, begins: list[str]
) -> None:
    asked: list[tuple[str, Any]] = []

    def empty(sql: str, params: Any) -> list[tuple[Any, ...]]:
        asked.append((sql, params))
        return [(0,)] if "count(" in sql else []

    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        monkeypatch.setattr(engine, "execute", empty)
        ask(engine)
        monkeypatch.undo()
        found = [plan(engine, sql, list(params)) for sql, params in asked]

    assert [steps[0] for steps in found] == begins, found


@pytest.mark.parametrize(
    ("ask", "begins"),
    [
        (lambda engine: acts.open_acts(engine, 1, NOW), "SEARCH r USING INTEGER PRIMARY KEY"),
        (lambda engine: acts.of_file(engine, 1), "SEARCH a USING INTEGER PRIMARY KEY"),
        (lambda engine: acts.last(engine, 1), "SEARCH a USING INDEX acts_last"),
        (lambda engine: acts.marked(engine, "m"), "SEARCH a USING INDEX acts_marked"),
        (lambda engine: acts.removing(engine, [1]), "SEARCH f USING INDEX act_files_"),
        (
            lambda engine: acts.forget(engine, NOW, 9),
            "SEARCH a USING INDEX acts_last (ended_ns<?)",
        ),
        (lambda engine: acts.figures(engine, 1), "SEARCH act_totals USING"),
        (lambda engine: copies.at(engine, "s", "k"), "SEARCH copies USING INDEX copies_object"),
        (
            lambda engine: copies.to_scrub(engine, 1, "s", NOW, 9),
            "SEARCH c USING INDEX copies_scrubbed (store=? AND scrubbed_ns>? AND scrubbed_ns<?)",
        ),
        (
            lambda engine: scrubbed.read_since(engine, 1, "s", NOW),
            "SEARCH c USING INDEX copies_scrubbed (store=? AND scrubbed_ns>?)",
        ),
        (
            lambda engine: scrubbed.ages(engine, 1, "s", NOW),
            "SEARCH c USING INDEX copies_scrubbed (store=? AND scrubbed_ns",
        ),
        (lambda engine: copies.stored(engine, 1), "SEARCH store_totals USING"),
    ],
)
def test_acts_and_copies_are_found_without_going_through_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Any, begins: str
) -> None:
    asked: list[tuple[str, Any]] = []

    def listed(sql: str, values: Any, params: Any = ()) -> list[tuple[Any, ...]]:
        return noted(asked, sql.replace("IN ({in})", "= ?"), [*params, *values])

    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        monkeypatch.setattr(engine, "execute", partial(noted, asked))
        monkeypatch.setattr(engine, "fetch_in", listed)
        ask(engine)
        monkeypatch.undo()
        steps = plan(engine, asked[0][0], list(asked[0][1]))

    assert steps[0].startswith(begins), steps
    assert not any(step.startswith("SCAN") for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


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


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("model=flux1-dev", "prompts_model"),
        ("tool=comfyui", "prompts_tool"),
        ("seed=42", "prompts_seed"),
        ("workflow=story", "facts_workflow"),
        ("scene=7", "facts_scene"),
        ("prompt=dusk", "words VIRTUAL TABLE INDEX"),
    ],
)
def test_few_files_are_found_by_what_is_known_of_them(
    tmp_path: Path, asked: str, index: str
) -> None:
    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        met = find._conditions(engine, [asked], NOW)
        steps = plan(engine, *engine.render(find._page(1, met)))

    assert any(index in step for step in steps), steps
    assert any(step.startswith("SEARCH t1 USING INTEGER PRIMARY KEY") for step in steps), steps
    # the few workflows or scenes are read to compare their names
    scanned = [step for step in steps if step.startswith("SCAN") and index not in step]
    assert all("workflows_host_name" in step or "scenes_of_name" in step for step in scanned), steps


def test_many_files_are_met_on_the_way_through_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "FEW", -1)
    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        met = find._conditions(engine, ["model=flux1-dev", "prompt=dusk", "width>512"], NOW)
        steps = plan(engine, *engine.render(find._page(1, met)))

    assert any("files_directory_name" in step for step in steps), steps
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in steps), steps


def test_a_search_reads_the_index_of_words_from_its_newest_end(tmp_path: Path) -> None:
    with sqlite_place(tmp_path) as place:
        engine = place.furnished()
        met = search._condition(engine, ["model=flux*", "seed=42"], NOW, 1, None)
        asked = Wanted(query.parse('lighthouse "at dusk" -fog'), condition=met)
        steps = plan(engine, *engine.render(search_file._asked(asked, 500)))

    assert steps[0].startswith("SCAN words VIRTUAL TABLE INDEX"), steps
    others = [step for step in steps[1:] if step.startswith("SCAN")]
    assert others == [], steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
