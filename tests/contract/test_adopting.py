"""What applications kept in tables of their own is in the catalogue, once, however often run."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.adopting import taking
from storewarden.api.adopting.adopt import Adopted, Ground, Wish, adopt
from storewarden.api.adopting.report import Report
from storewarden.catalogue import roots
from storewarden.catalogue.engine import Engine
from storewarden.errors import DatabaseUnusable, UsageError
from tests.adopting import video_analyzer, workflow_app
from tests.applications import lying
from tests.catalogues import NOW, Place
from tests.sqlites import rest

Take = Callable[..., Adopted]


class Progress(Exception):
    """Somebody pulled the plug."""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A directory with roots, files and the databases of both applications."""
    top = tmp_path / "app"
    for name in ("save_outputs/fox.mp4", "save_outputs/scene_1.png", "uploads/cat.mp4"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"12345")
    (tmp_path / "data").mkdir()
    workflow_app(tmp_path / "data/app.db", top / "save_outputs")
    video_analyzer(top / "videos.db")
    return tmp_path


@pytest.fixture
def take(place: Place, engine: Engine, app: Path) -> Take:
    """Adopt a database into the catalogue."""
    for name in ("save_outputs", "media"):
        path = app / "app" / {"media": "uploads"}.get(name, name)
        roots.register_root(engine, 1, name, os.fsencode(path))
    tops = tuple(row for row in roots.roots(engine, 1) if row.name != "uploads")

    def taken(path: Path, progress: Any = lambda *_: None, **wish: Any) -> Adopted:
        place.state.mkdir(exist_ok=True)
        ground = Ground(engine, 1, "machine", tops, place.state / "scratch", place.clock)
        before = lying(path.parent)
        adopted = adopt(Wish(os.fsencode(path), **wish), ground, Report(), progress)
        assert lying(path.parent) == before
        assert os.listdir(ground.scratch) == []
        return adopted

    return taken


def counts(adopted: Adopted) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    return {
        what: (one.new, one.known, one.bad, one.unmatched)
        for what, one in adopted.report.figures.items()
    }


TABLES = (
    *("workflows", "workflow_phases", "scenes", "scene_images", "told_files", "told_texts"),
    *("api_usage", "chat_history", "users", "tokens"),
)


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Return what was told, without the times at which it was."""
    told = {}
    for table in TABLES:
        ((whole,),) = engine.execute(f"SELECT count(*) FROM {table}")
        told[table] = [whole]
    told["api_usage"] += engine.execute(
        "SELECT provider, cost_nano, calls FROM api_usage ORDER BY id"
    )
    return told


def test_a_workflow_application_moves_in(take: Take, engine: Engine, app: Path) -> None:
    adopted = take(app / "data/app.db")

    assert adopted.map == "workflow-app"
    assert counts(adopted) == {
        ("users", "user"): (1, 0, 1, 0),
        ("workflows", "workflow"): (1, 0, 1, 0),
        ("scenes", "scene"): (2, 0, 0, 0),
        ("scenes", "file"): (0, 1, 0, 1),  # its scene told of it
        ("generated_files", "file"): (2, 1, 2, 1),
        ("api_usage", "usage"): (2, 0, 1, 0),
    }
    (flow,) = engine.execute(
        "SELECT w.title, w.status, w.phase, w.original_prompt, w.enhanced_story, w.public,"
        " w.started_ns, w.ended_ns - w.started_ns, u.name, w.more FROM workflows w"
        " JOIN users u ON u.id = w.owner_id WHERE w.name = 'fox'"
    )
    hour = 3600 * 10**9
    assert flow[:6] == ("The fox", "done", "video", "a fox", "Once …", 1)
    assert flow[6:9] == (1_767_348_000 * 10**9, hour // 2, "ann")
    assert json.loads(flow[9]) == {"style": "ink"}
    assert engine.execute("SELECT p.name, p.status FROM workflow_phases p ORDER BY p.position") == [
        ("script", "done"),
        ("images", "running"),
    ]
    assert engine.execute(
        "SELECT s.name, s.number, s.description, s.prompt, i.told_id IS NOT NULL FROM scenes s"
        " LEFT JOIN scene_images i ON i.scene_id = s.id ORDER BY s.name"
    ) == [("1", 1, "It wakes", "a fox wakes", 1), ("2", 2, "It runs", "a fox runs", 0)]
    assert [
        (bytes(name), kind, workflow, scene, owner)
        for name, kind, workflow, scene, owner in engine.execute(
            "SELECT t.name, t.file_type, w.name, s.name, u.name FROM told_files t"
            " JOIN workflows w ON w.id = t.workflow_id LEFT JOIN scenes s ON s.id = t.scene_id"
            " JOIN users u ON u.id = t.owner_id ORDER BY t.name"
        )
    ] == [
        (b"fox.mp4", "video", "fox", None, "ann"),
        (b"gone.png", "image", "fox", None, "ann"),
        (b"scene_1.png", "image", "fox", "1", "ann"),
    ]
    assert engine.execute(
        "SELECT a.provider, a.cost_nano, a.tokens_out, u.name, a.error FROM api_usage a"
        " LEFT JOIN users u ON u.id = a.user_id ORDER BY a.at_ns, a.id"
    ) == [
        ("openai", 12_500_000, 800, "ann", None),
        ("replicate", 100_000_000, None, None, "full"),
    ]
    assert adopted.report.strangers == {"bob the builder"}


def test_a_video_analyzer_moves_in(take: Take, engine: Engine, app: Path) -> None:
    adopted = take(app / "app/videos.db")

    assert adopted.map == "video-analyzer"
    assert counts(adopted) == {
        ("users", "user"): (1, 0, 0, 0),
        ("videos", "file"): (2, 0, 0, 0),
        ("videos", "text"): (2, 0, 0, 0),
        ("chat_history", "chat"): (2, 0, 1, 0),
    }
    assert adopted.report.files == {"there": 1, "absent": 1, "other_size": 1}
    assert [
        (bytes(name), title, public, owner, role, text)
        for name, title, public, owner, role, text in engine.execute(
            "SELECT f.name, f.title, f.public, u.name, t.role, t.text FROM told_files f"
            " JOIN users u ON u.id = f.owner_id LEFT JOIN told_texts t ON t.told_id = f.id"
            " ORDER BY f.name, t.role"
        )
    ] == [
        (b"cat.mp4", None, 1, "eve", "summary", "A cat."),
        (b"cat.mp4", None, 1, "eve", "transcript", "The cat says meow."),
        (b"dog.mp4", None, 0, "eve", None, None),
    ]
    assert engine.execute("SELECT question, answer, at_ns FROM chat_history ORDER BY at_ns") == [
        ("Who speaks?", "A cat.", 1_767_348_600 * 10**9),
        ("And here?", "A dog.", 1_767_348_700 * 10**9),
    ]


def test_a_second_time_changes_nothing(take: Take, engine: Engine, app: Path) -> None:
    take(app / "data/app.db")
    take(app / "app/videos.db")
    before = everything(engine)

    again = [take(app / "data/app.db"), take(app / "app/videos.db")]

    assert everything(engine) == before
    assert [one.new for each in again for one in each.report.figures.values()] == [0] * 10


def test_no_secret_comes_along(take: Take, engine: Engine, place: Place, app: Path) -> None:
    take(app / "data/app.db")
    adopted = take(app / "app/videos.db")

    assert everything(engine)["tokens"] == [0]
    assert adopted.report.columns_left["users"] == ("token",)
    if place.url == "sqlite":
        held = b"".join(file.read_bytes() for file in place.state.glob("catalogue.db*"))
        assert b"The cat says meow" in held
        assert b"secret-token" not in held
        assert b"$2b$12$abc" not in held


def test_rows_that_were_mended_are_taken_the_next_time(
    take: Take, engine: Engine, app: Path
) -> None:
    path = app / "data/app.db"
    take(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE api_usage SET cost = 2 WHERE id = 2")
        connection.execute("UPDATE workflows SET status = 'failed' WHERE id = 'owl'")
        connection.execute("UPDATE workflows SET title = 'The red fox' WHERE id = 'fox'")
    rest(path)

    adopted = take(path)

    assert counts(adopted)["api_usage", "usage"] == (1, 2, 0, 0)
    assert counts(adopted)["workflows", "workflow"] == (1, 1, 0, 0)
    assert engine.execute("SELECT name, title, status FROM workflows ORDER BY name") == [
        ("fox", "The red fox", "done"),
        ("owl", "An owl", "failed"),
    ]


def test_who_was_interrupted_runs_it_again(
    take: Take, engine: Engine, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "BATCH", 3)

    def cut(what: str, done: int, _total: int | None) -> None:
        if what == "adopting" and done > 5:
            raise Progress

    with pytest.raises(Progress):
        take(app / "data/app.db", cut)
    begun = everything(engine)
    take(app / "data/app.db")
    whole = everything(engine)

    assert begun["workflows"] > [0]
    assert begun["api_usage"] == [0]
    assert whole["api_usage"] == [2, ("openai", 12_500_000, 1), ("replicate", 100_000_000, 2)]


def test_another_database_of_the_same_application_is_another_source(
    take: Take, engine: Engine, app: Path
) -> None:
    other = app / "data2"
    other.mkdir()
    workflow_app(other / "app.db", app / "app/save_outputs")

    take(app / "data/app.db")
    take(other / "app.db")
    assert everything(engine)["api_usage"][0] == 4

    moved = app / "data3"
    other.rename(moved)
    known = take(moved / "app.db", source=take(app / "data/app.db").source)
    assert counts(known)["api_usage", "usage"] == (0, 2, 1, 0)


def test_a_dry_run_tells_everything_and_writes_nothing(
    take: Take, engine: Engine, app: Path
) -> None:
    before = everything(engine)
    adopted = take(app / "data/app.db", dry_run=True)

    assert everything(engine) == before
    told = {what: one.told for what, one in adopted.report.figures.items()}
    assert told["generated_files", "file"] == 3
    assert adopted.report.files["outside"] == 2


def test_what_is_no_database_is_told(take: Take, app: Path) -> None:
    with pytest.raises(UsageError, match="no such database"):
        take(app / "data/none.db")
    (app / "data/text.db").write_bytes(b"no database at all, but a text" * 100)
    with pytest.raises(DatabaseUnusable, match="no SQLite database"):
        take(app / "data/text.db")


def test_times_of_telling_are_ours(take: Take, engine: Engine, app: Path) -> None:
    take(app / "data/app.db")

    assert engine.execute("SELECT DISTINCT told_ns FROM api_usage") == [(NOW,)]
