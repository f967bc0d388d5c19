"""Files are read with everything that policies ask of them, and with what nobody looked at."""

from dataclasses import fields

import pytest

from storewarden.catalogue import subjects as catalogue
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.subjects import SubjectRow
from storewarden.pipeline.judging import every_subject, subjects, subjects_at
from storewarden.policy.rules import LOCAL
from storewarden.policy.subject import Day, Subject
from tests.catalogues import COLUMNS, DAY, NOW, file_row

FACTS = (
    *("file_id", "inspector", "version", "outcome", "reason", "mime", "width", "height"),
    *("duration_ns", "workflow_id", "scene_id", "more"),
)


@pytest.fixture
def full(engine: Engine) -> Engine:
    """Files of which much is known, of which nothing is, and of which nothing can be."""
    with engine.transaction():
        engine.execute("UPDATE roots SET usage_since_ns = ?", (NOW - 4 * DAY,))
        engine.insert(
            "directories", ("id", "root_id", "path", "device", "inode"), [(2, 1, b"a/b", 1, 2)]
        )
        files = [
            file_row(b"film\xff\n.mp4", directory_id=2, inspected_ns=NOW, kind="video"),
            file_row(b"film.srt", directory_id=2, inspected_ns=None, growing=1),
            file_row(b"odd.png", inspected_ns=NOW, state="trashed", gone_ns=NOW - DAY),
            file_row(b"odd.png", inspected_ns=NOW, state="missing", gone_ns=NOW - 2 * DAY),
            file_row(b"app.db", inspected_ns=NOW, kind="database"),
            file_row(b"made.png", inspected_ns=NOW),
        ]
        columns = ("id", *COLUMNS, "inspected_ns")
        engine.insert("files", columns, [(i, *row) for i, row in enumerate(files, 1)])
        seen = ("id", "host_id", "name", "first_seen_ns", "last_seen_ns")
        engine.insert("workflows", seen, [(1, 1, "story", NOW, NOW)])
        engine.insert("scenes", seen, [(1, 1, "7", NOW, NOW)])
        pages = '{"database.pages": 40, "database.free_pages": 10}'
        engine.insert(
            "facts",
            FACTS,
            [
                (*(1, "isobmff", 1, "read", "", "video/mp4", 1920, 1080), 5 * 10**9, 1, 1, "{}"),
                (*(3, "png", 1, "refused", "ends", "image/png", None), *(None,) * 4, "{}"),
                (*(5, "sqlite", 1, "read", "", "application/x-sqlite3"), *(None,) * 5, pages),
                (*(6, "png", 1, "read", "", "image/png", None), *(None,) * 4, "{}"),
            ],
        )
        made = ("file_id", "tool", "understood", "model", "prompt", "seed")
        told = ("comfyui", 1, "flux1-dev", "at dusk", str(2**70))
        engine.insert("prompts", made, [(1, *told), (6, "fooocus", 0, None, None, None)])
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(2, 1, "subtitle")])
        engine.insert("usage", ("file_id", "last_ns", "opens", "writes"), [(1, NOW - 5, 3, 1)])
        day = NOW // DAY
        counted = [(1, day, 2, 0), (1, day - 3, 1, 1)]
        engine.insert("usage_days", ("file_id", "day", "opens", "writes"), counted)
        marks = ("file_id", "pinned", "rating", "tags", "owner")
        engine.insert("marks", marks, [(1, 1, 4.5, '["keep", "é"]', "ann")])
        copies = ("file_id", "store", "bytes", "digest", "verified_ns")
        engine.insert(
            "copies", copies, [(1, s, 10, b"\1" * 32, NOW - 9) for s in ("cold", "cloud")]
        )
        engine.insert("placed", ("file_id", "store", "since_ns"), [(1, "cloud", NOW - 8)])
    return engine


FILM = Subject(
    *(1, "uploads", b"a/b/film\xff\n.mp4", "video", 10, NOW, NOW),
    uid=1000,
    inspected=True,
    understood=True,
    mime="video/mp4",
    width=1920,
    height=1080,
    duration_ns=5 * 10**9,
    workflow="story",
    scene="7",
    tool="comfyui",
    model="flux1-dev",
    prompt="at dusk",
    seed=str(2**70),
    pinned=True,
    rating=4.5,
    tags=("keep", "é"),
    owner="ann",
    usage_since_ns=NOW - 4 * DAY,
    last_opened_ns=NOW - 5,
    days=(Day(NOW // DAY - 3, 1, 1), Day(NOW // DAY, 2, 0)),
    copies=(("cloud", NOW - 9), ("cold", NOW - 9)),
    placed="cloud",
    placed_ns=NOW - 8,
)


def test_a_row_has_the_fields_of_a_subject() -> None:
    assert SubjectRow._fields == tuple(field.name for field in fields(Subject))


def test_all_that_policies_ask_of_a_file(full: Engine) -> None:
    assert list(subjects(full, [1])) == [FILM]


def test_what_nobody_looked_into_is_not_inspected(full: Engine) -> None:
    found = {subject.id: subject for subject in subjects(full, range(1, 9))}

    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    assert [(found[i].inspected, found[i].understood) for i in (2, 3, 5, 6)] == [
        (False, False),
        (False, False),  # it could not be read
        (True, True),  # it was read, and tells nothing of its making
        (True, False),  # it tells something that nobody understood
    ]
    assert (found[2].sidecar_of, found[2].growing) == (FILM.path, True)
    assert (found[2].placed, found[2].placed_ns, found[2].tags) == (LOCAL, None, ())
    assert (found[3].state, found[3].state_ns, found[5].free_ratio) == ("trashed", NOW - DAY, 0.25)
    assert found[6].tool == "fooocus"


def test_every_file_that_is_not_gone(full: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PAGE", 2)

    assert [subject.id for subject in every_subject(full)] == [1, 2, 3, 5, 6]
    assert [subject.id for subject in every_subject(full, 1)] == [1, 2, 3, 5, 6]
    assert list(every_subject(full, 2)) == []


def test_a_path_names_what_is_there_before_what_was(full: Engine) -> None:
    assert [s.state for s in subjects_at(full, b"/srv/uploads/odd.png", 1)] == [
        "trashed",
        "missing",
    ]
    assert subjects_at(full, b"/srv/uploads/a/b/film\xff\n.mp4", None) == [FILM]
    assert subjects_at(full, b"/srv/uploads/none", 1) == []
    assert subjects_at(full, b"/srv/upload", 1) == []
    assert subjects_at(full, b"/srv/uploads/odd.png", 2) == []


def test_what_was_never_acted_on_needs_no_look_for_acts(full: Engine) -> None:
    with full.transaction():
        full.insert(
            "acts",
            (
                *("id", "root_id", "verb", "mark", "members", "asked_by", "reason", "bytes"),
                *("planned_ns", "changed_ns"),
            ),
            [(1, 1, "trash", "a" * 16, "[]", "anna", "", 10, NOW, NOW)],
        )
        full.insert("act_files", ("act_id", "file_id", "open"), [(1, 6, 0)])

    assert catalogue.acted_on(full, 6)
    assert not catalogue.acted_on(full, 1)
