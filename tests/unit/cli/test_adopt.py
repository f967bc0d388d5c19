"""What `storewarden adopt` tells people, programs and JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from tests.adopting import video_analyzer, workflow_app
from tests.conftest import Golden
from tests.sqlites import make
from tests.unit.cli.conftest import Run


@pytest.fixture
def app(here: Path) -> Path:
    """A directory with some files of both applications, and their databases."""
    for name in ("save_outputs/fox.mp4", "save_outputs/scene_1.png", "uploads/cat.mp4"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(b"12345")
    workflow_app(here / "app.db", here / "save_outputs")
    video_analyzer(here / "videos.db")
    return here


def plain(text: str, here: Path) -> str:
    return text.replace(str(here), "/srv")


def test_people_read_what_was_taken_over_and_what_was_not(
    catalogue: Engine, run: Run, app: Path, golden: Golden
) -> None:
    dry = run("adopt", "app.db", "--dry-run", terminal=True)
    done = run("adopt", "app.db", terminal=True)
    again = run("adopt", "app.db", terminal=True)

    assert (dry.code, done.code, again.code) == (1, 1, 1)
    golden("cli/adopt-dry-run.txt", plain(dry.out, app))
    golden("cli/adopt-people.txt", plain(done.out + done.err, app))
    golden("cli/adopt-again.txt", plain(again.out, app))


def test_programs_read_every_remark_and_then_the_sums(
    catalogue: Engine, run: Run, app: Path, golden: Golden
) -> None:
    golden("cli/adopt-programs.txt", plain(run("adopt", "app.db").out, app))


def test_a_whole_adoption_is_a_success_and_one_object(
    catalogue: Engine, run: Run, app: Path
) -> None:
    (app / "uploads/dog.mp4").write_bytes(b"1234")
    words = ("adopt", "videos.db", "--map", "video-analyzer", "--source", "videos", "--json")
    told = run(*words).json

    assert {name: told[name] for name in ("map", "source", "dry_run")} == {
        "map": "video-analyzer",
        "source": "videos",
        "dry_run": False,
    }
    assert told["tables"][-1] == {
        "table": "chat_history",
        "tells": "chat",
        "rows": 3,
        "new": 2,
        "known": 0,
        "bad": 1,
        "unmatched": 0,
    }
    assert told["files"] == {"there": 2, "kept": 0, "absent": 0, "outside": 0, "other_size": 1}
    assert told["remarks"] == [
        {
            "what": "bad",
            "table": "chat_history",
            "row": [3],
            "tells": "chat",
            "column": "video_id",
            "why": "names no row of videos",
        }
    ]
    assert told["left"]["columns"]["users"] == ["token"]


def test_a_map_of_ones_own_is_used(catalogue: Engine, run: Run, app: Path) -> None:
    (app / "my.yaml").write_text(
        "version: 1\ntables: {videos: {tell: file, path: file_path, title: filename}}\n"
    )

    ran = run("adopt", "videos.db", "--map", "my.yaml", "--json")

    assert ran.code == 0
    assert ran.json["left"]["tables"] == ["chat_history", "users"]
    assert catalogue.execute("SELECT title FROM told_files ORDER BY title") == [
        ("cat.mp4",),
        ("dog.mp4",),
    ]


def test_a_directory_that_moved_is_named(catalogue: Engine, run: Run, app: Path) -> None:
    ran = run("adopt", "app.db", "--moved", f"/elsewhere={app}/save_outputs", "--json")

    files = [one for one in ran.json["tables"] if one["table"] == "scenes"]
    assert [one["unmatched"] for one in files] == [0, 0]


def test_mistakes_are_told_with_what_helps(
    catalogue: Engine, run: Run, app: Path, golden: Golden
) -> None:
    (app / "my.yaml").write_text("version: 1\ntables: {video: {tell: file, path: path}}\n")
    (app / "notes.txt").write_text("no database, but a few words " * 100)
    make(app / "notes.db")
    mistakes = (
        ("none.db",),
        ("notes.txt",),
        ("app.db", "--map", "workflow_app"),
        ("videos.db", "--map", "my.yaml"),
        ("app.db", "--moved", "here=there"),
        ("app.db", "--source", "a\nb"),
        ("notes.db",),
    )
    said = ""
    for words in mistakes:
        ran = run("adopt", *words)
        said += f"$ storewarden adopt {' '.join(words)!r}\n{ran.err}exit code {ran.code}\n\n"

    golden("cli/adopt-mistakes.txt", plain(said, app))


def test_without_a_catalogue_there_is_nothing_to_adopt_into(run: Run, app: Path) -> None:
    ran = run("adopt", "app.db")

    assert ran.code != 0
    assert "storewarden" in ran.err
