"""A catalogue that was filled before anything was told: there and back, on both databases."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from storewarden.api.carry import carry_all
from storewarden.api.deeds import TellChat, TellFile, TellUsage, TellWorkflow
from storewarden.api.who import MACHINE
from storewarden.catalogue import keep, migrate, rehearsal, schema
from storewarden.catalogue.engine import Engine
from tests.catalogues import COLUMNS, NOW, Place, file_row, furnish

FILES = 300
KEPT = {
    "files": f"id, {', '.join(COLUMNS)}",
    "workflows": "id, host_id, name, first_seen_ns, last_seen_ns",
    "scenes": "id, host_id, workflow_id, name, first_seen_ns, last_seen_ns",
    "facts": "file_id, workflow_id, scene_id",
    "marks": "file_id, pinned, rating, tags, owner",
}


@pytest.fixture
def old(place: Place) -> Engine:
    """Files that belong to workflows and scenes, as version 6 has them."""
    engine = place.open()
    migrate.migrate(engine, place.clock, to=6)
    furnish(engine)
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"%04d.png" % n, inode=n) for n in range(FILES)])
        engine.execute(
            "INSERT INTO workflows (host_id, name, first_seen_ns, last_seen_ns) VALUES (1, 'film',"
            f" {NOW}, {NOW})"
        )
        engine.execute(
            "INSERT INTO scenes (host_id, workflow_id, name, first_seen_ns, last_seen_ns)"
            f" VALUES (1, 1, '1', {NOW}, {NOW})"
        )
        engine.insert(
            "facts",
            ("file_id", "inspector", "version", "outcome", "reason", "mime", "workflow_id"),
            [(n, "png", 1, "read", "", "image/png", 1) for n in range(1, FILES, 2)],
        )
        engine.insert("marks", ("file_id", "pinned", "owner"), [(1, 1, "anna")])
    return engine


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return the rows of version 6, whatever columns they have got since."""
    return {
        table: engine.execute(f"SELECT {columns} FROM {table} ORDER BY 1")
        for table, columns in KEPT.items()
    }


def told(engine: Engine) -> None:
    deeds = (
        TellWorkflow(workflow="film", title="A film"),
        TellFile(path="uploads/0001.png", workflow="film"),
        TellFile(path="uploads/later.png"),
        TellUsage(provider="fal"),
        TellChat(path="uploads/0001.png", question="?", answer="!"),
    )
    with engine.transaction():
        carry_all(engine, 1, deeds, MACHINE, NOW)


def test_every_row_is_there_before_and_after_and_back_again(place: Place, old: Engine) -> None:
    before, tables = rows(old), schema.read(old)
    migrate.migrate(old, place.clock)
    assert rows(old) == before
    assert schema.differences(schema.read(old), schema.declared(old)) == []
    told(old)

    migrate.rollback(old, to=6)
    after = rows(old)
    seen = slice(0, -1)  # of a workflow it is known when it was seen last
    assert [row[seen] for row in after.pop("workflows")] == [
        row[seen] for row in before.pop("workflows")
    ]
    assert after == before
    assert schema.differences(schema.read(old), tables) == []
    migrate.migrate(old, place.clock)


def test_going_back_says_what_is_lost(
    place: Place, old: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    migrate.migrate(old, place.clock)
    with caplog.at_level(logging.WARNING):
        migrate.rollback(old, to=6)
    assert not [one for one in caplog.records if "forgets" in one.message]

    migrate.migrate(old, place.clock)
    told(old)
    with caplog.at_level(logging.WARNING):
        migrate.rollback(old, to=6)
    (said,) = [one for one in caplog.records if "forgets" in one.message]
    assert said.__dict__["facts"] == {
        "told_files": 2,
        "told_texts": 0,
        "chat_history": 1,
        "api_usage": 1,
        "users": 0,
    }


def test_a_rehearsal_on_the_old_rows_says_that_it_will_do(place: Place, old: Engine) -> None:
    place.state.mkdir(exist_ok=True)
    before = rows(old)
    tried = rehearsal.rehearse(old, place.state, place.clock)

    assert tried.problems == ()
    assert rows(old) == before


def test_what_was_told_is_in_a_backup_and_comes_back(place: Place, old: Engine) -> None:
    migrate.migrate(old, place.clock)
    told(old)
    tables = ("workflows", "told_files", "chat_history", "api_usage", "api_usage_days")
    before = {table: old.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
    info = keep.backup(old, place.state, place.clock)
    with old.transaction():
        for table in tables:
            old.execute(f"DELETE FROM {table}")
    old.close()
    keep.restore(place.url, place.state, info, place.clock, place.clock.advance)
    again, _ = keep.open_for_writing(place.url, place.state, place.clock, "test")
    place.opened.append(again)

    after = {table: again.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
    assert after == before
    assert schema.differences(schema.read(again), schema.declared(again)) == []
