"""Every deed becomes rows: said for the first time, said again, said in part, said wrongly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from storewarden.api.carry import carry_all, carry_out
from storewarden.api.checked import Wrong
from storewarden.api.deeds import (
    Deed,
    Phase,
    Pin,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellUsage,
    TellWorkflow,
)
from storewarden.api.done import Done
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue import marks
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.marks import Marks
from storewarden.catalogue.workflows import Told, Workflows
from storewarden.errors import AlreadyThere, NotAllowed, NotThere, StorewardenError
from tests.catalogues import COLUMNS, NOW, file_row
from tests.telling import user

LATER = NOW + 60 * 10**9


@pytest.fixture
def seen(engine: Engine) -> Engine:
    """A catalogue in which one file was seen: a.png, of number 7."""
    with engine.transaction():
        engine.insert("files", ("id", *COLUMNS), [(7, *file_row(b"a.png"))])
    return engine


def tell(engine: Engine, *deeds: Deed, who: Who = MACHINE, now_ns: int = NOW) -> list[Done]:
    with engine.transaction(durable=True):
        return carry_all(engine, 1, deeds, who, now_ns)


def one(engine: Engine, columns: str, table: str) -> tuple[Any, ...]:
    """Return the only row of a table."""
    (row,) = engine.execute(f"SELECT {columns} FROM {table}")
    return row


ALL: Sequence[Deed] = (
    TellWorkflow(
        workflow="film",
        title="A film",
        status="running",
        phase="images",
        original_prompt="a film",
        enhanced_story="a long film",
        started="2026-01-31T12:00:00Z",
        phases=(Phase(name="script", status="done"), Phase(name="images", status="running")),
        more={"style": "noir"},
        public=True,
    ),
    TellScene(
        workflow="film",
        scene="1",
        number=1,
        description="dusk",
        prompt="at dusk",
        image="uploads/new/1.png",
        status="planned",
        more={"mood": "calm"},
    ),
    TellFile(
        path="uploads/a.png",
        workflow="film",
        scene="1",
        file_type="still",
        title="Dusk",
        metadata={"take": 1},
        public=True,
        rating=4,
        tags=("b", "a"),
    ),
    TellFile(path="/srv/uploads/new/2.png", workflow="film"),
    TellUsage(
        provider="fal",
        model="flux",
        operation="image",
        calls=2,
        tokens_in=10,
        tokens_out=20,
        cost=Decimal("0.012345678"),
        duration=1.5,
        error="slow",
        workflow="film",
        scene="1",
        path="uploads/a.png",
        at="2026-01-31T12:00:00+01:00",
        key="k",
    ),
    TellText(path="uploads/a.png", text="at dusk", language="en", duration=2.0, model="whisper"),
    TellText(path="uploads/a.png", text="a film of dusk", role="summary"),
    TellChat(path="uploads/a.png", question="When?", answer="At dusk.", more={"n": 1}, key="k"),
    Pin(path="uploads/a.png"),
)
TABLES = (
    *("workflows", "workflow_phases", "scenes", "scene_images", "told_files", "told_texts"),
    *("chat_history", "api_usage", "api_usage_days", "api_usage_times", "marks", "history"),
)


def rows(engine: Engine) -> dict[str, list[Any]]:
    return {table: sorted(engine.execute(f"SELECT * FROM {table}"), key=str) for table in TABLES}


def test_every_deed_is_kept_whole(seen: Engine) -> None:
    done = tell(seen, *ALL)

    assert [each.what for each in done] == [
        *("workflow", "scene", "file", "file", "usage", "text", "text", "chat", "pin")
    ]
    assert all(each.created for each in done)
    assert [each.file for each in done] == [None, None, 7, None, 7, 7, 7, 7, 7]
    noon = 1_769_860_800 * 10**9
    assert one(seen, "name, title, status, phase, started_ns, public, told_ns", "workflows") == (
        *("film", "A film", "running", "images", noon, 1, NOW),
    )
    phases = "SELECT name, position, status FROM workflow_phases ORDER BY 2"
    assert seen.execute(phases) == [("script", 0, "done"), ("images", 1, "running")]
    scene = one(seen, "name, number, description, prompt, status, more", "scenes")
    assert scene == ("1", 1, "dusk", "at dusk", "planned", '{"mood": "calm"}')
    (image,) = seen.execute(
        "SELECT t.directory, t.name FROM scene_images i JOIN told_files t ON t.id = i.told_id"
    )
    assert image == (b"new", b"1.png")
    usage = one(seen, "calls, tokens_in, tokens_out, cost_nano, duration_ns, at_ns", "api_usage")
    assert usage == (2, 10, 20, 12_345_678, 15 * 10**8, noon - 3600 * 10**9)
    chat = one(seen, "question, answer, more, at_ns", "chat_history")
    assert chat == ("When?", "At dusk.", '{"n": 1}', NOW)
    assert marks.of_files(seen, [7]) == {7: Marks(pinned=True, rating=4.0, tags=("a", "b"))}
    history = seen.execute("SELECT event, detail FROM history ORDER BY id")
    assert [event for event, _ in history] == ["rated", "tagged", "told", "pinned"]
    assert json.loads(history[2][1]) == {
        "by": "an application",
        "workflow": "film",
        "scene": "1",
        "file_type": "still",
        "title": "Dusk",
        "public": 1,
        "metadata": ["take"],
    }


def test_every_deed_that_is_repeated_changes_nothing(seen: Engine) -> None:
    first = tell(seen, *ALL)
    before = rows(seen)
    again = tell(seen, *ALL, now_ns=LATER)

    assert rows(seen) == before
    assert [(each.what, each.id) for each in again] == [(each.what, each.id) for each in first]
    assert not any(each.created for each in again)


def test_what_is_not_said_stays_and_what_is_said_is_laid_over_it(seen: Engine) -> None:
    tell(seen, *ALL)
    tell(
        seen,
        TellWorkflow(
            workflow="film",
            status="done",
            phases=(Phase(name="images", status="done"), Phase(name="cut", status="planned")),
            more={"style": None, "tone": "dark"},
        ),
        TellScene(workflow="film", scene="1", description="dawn", image="uploads/a.png"),
        TellFile(path="uploads/a.png", title="Dawn", metadata={"lens": "50mm"}, tags=("c",)),
        TellText(path="uploads/a.png", text="at dawn", language="en"),
        TellText(path="uploads/a.png", text="bei Nacht", language="de"),
        now_ns=LATER,
    )

    film = one(seen, "title, status, phase, more, public, told_ns", "workflows")
    assert film == ("A film", "done", "images", '{"tone": "dark"}', 1, LATER)
    phases = seen.execute("SELECT name, status FROM workflow_phases ORDER BY position")
    assert phases == [("script", "done"), ("images", "done"), ("cut", "planned")]
    assert one(seen, "number, description, prompt", "scenes") == (1, "dawn", "at dusk")
    (image,) = seen.execute(
        "SELECT t.file_id FROM scene_images i JOIN told_files t ON t.id = i.told_id"
    )
    assert image == (7,)
    (told,) = seen.execute("SELECT title, file_type, metadata FROM told_files WHERE file_id = 7")
    assert told == ("Dawn", "still", '{"take": 1, "lens": "50mm"}')
    assert marks.of_files(seen, [7])[7].tags == ("a", "b", "c")
    texts = "SELECT role, language, text, model FROM told_texts ORDER BY id"
    assert seen.execute(texts) == [
        ("transcript", "en", "at dawn", "whisper"),
        ("summary", None, "a film of dusk", None),
        ("transcript", "de", "bei Nacht", None),
    ]


def test_a_file_that_goes_to_another_workflow_leaves_its_scene(seen: Engine) -> None:
    tell(seen, *ALL)
    tell(seen, TellFile(path="uploads/a.png", workflow="poster"))

    (belongs,) = seen.execute(
        "SELECT w.name, t.scene_id FROM told_files t JOIN workflows w ON w.id = t.workflow_id"
        " WHERE t.file_id = 7"
    )
    assert belongs == ("poster", None)


def test_a_workflow_that_a_file_named_is_the_one_that_is_told_of(seen: Engine) -> None:
    with seen.transaction():
        made = Workflows(seen).rows(1, [Told("film", "1")], NOW)
    (row,) = made.values()
    workflow, scene = tell(
        seen,
        TellWorkflow(workflow="film", must="be_new", title="A film"),
        TellScene(workflow="film", scene="1", number=1),
    )

    assert (workflow.id, scene.id) == row
    assert (workflow.created, scene.created) == (True, True)
    assert one(seen, "created_ns, first_seen_ns", "workflows") == (NOW, NOW)


def test_what_must_be_there_and_what_must_not(seen: Engine) -> None:
    with pytest.raises(NotThere, match="no such workflow: film"):
        tell(seen, TellWorkflow(workflow="film", must="exist"))
    tell(seen, TellWorkflow(workflow="film", must="be_new"))
    tell(seen, TellWorkflow(workflow="film", must="exist"))
    with pytest.raises(AlreadyThere, match="such a workflow already: film"):
        tell(seen, TellWorkflow(workflow="film", must="be_new"))
    with pytest.raises(NotThere, match=r"no such file: uploads/never\.png"):
        tell(seen, Pin(path="uploads/never.png"))


NOWHERE = (
    ("/elsewhere/a.png", "is below none of the roots"),
    ("/srv/uploads", "is below none of the roots"),
    ("/srv/uploads/../a.png", "is below none of the roots"),
    ("/srv/uploadsmore/a.png", "is below none of the roots"),
    ("a.png", "is below none of the roots"),
    ("uploads", "is below none of the roots"),
    ("uploads/../a.png", "is below none of the roots"),
    ("downloads/a.png", "is below none of the roots"),
    ("uploads/a/", "is a directory"),
    ("uploads/" + "n" * 256, "has a name of more than 255 bytes"),
)


def test_a_path_that_no_file_of_ours_can_have_is_refused(seen: Engine) -> None:
    for path, what in NOWHERE:
        refused(seen, path, what)
    assert seen.execute("SELECT count(*) FROM told_files") == [(0,)]


def refused(seen: Engine, path: str, what: str) -> None:
    deeds: Sequence[Deed] = (
        TellFile(path=path),
        TellUsage(provider="fal", path=path),
        TellText(path=path, text=""),
        TellChat(path=path, question="", answer=""),
        Pin(path=path),
    )
    for deed in deeds:
        with pytest.raises(Wrong) as caught:
            tell(seen, deed)
        assert [(each.pointer, each.what) for each in caught.value.problems] == [("/path", what)]
    with pytest.raises(Wrong) as caught:
        tell(seen, TellScene(workflow="film", scene="1", image=path))
    assert caught.value.problems[0].pointer == "/image"


def test_a_path_means_one_place_however_it_is_written(seen: Engine) -> None:
    paths = {
        "uploads/a.png": (b"", b"a.png"),
        "/srv/uploads/a.png": (b"", b"a.png"),
        "/srv//uploads/./b/../a.png": (b"", b"a.png"),
        "uploads/b/./c//a.png": (b"b/c", b"a.png"),
        "uploads/caf\udce9/\udcff.png": (b"caf\xe9", b"\xff.png"),
        "uploads/uploads/a.png": (b"uploads", b"a.png"),
    }
    for path, place in paths.items():
        tell(seen, TellFile(path=path))
        assert place in seen.execute("SELECT directory, name FROM told_files")

    assert seen.execute("SELECT count(*) FROM told_files") == [(len({*paths.values()}),)]


def test_the_innermost_root_is_meant(seen: Engine) -> None:
    with seen.transaction():
        seen.execute(
            "INSERT INTO roots (id, host_id, name, path, uuid) VALUES (2, 1, 'inner', ?, 'inner')",
            (b"/srv/uploads/inner",),
        )
    tell(seen, TellFile(path="/srv/uploads/inner/a.png"), TellFile(path="/srv/uploads/b.png"))

    told = seen.execute("SELECT root_id, name FROM told_files ORDER BY id")
    assert told == [(2, b"a.png"), (1, b"b.png")]


def test_deeds_of_one_request_are_kept_all_or_none(seen: Engine) -> None:
    with pytest.raises(Wrong) as caught:
        tell(seen, *ALL, TellFile(path="/nowhere"))

    assert caught.value.problems[0].pointer == f"/{len(ALL)}/path"
    assert not any(rows(seen).values())


def test_each_deed_by_itself_is_kept_or_refused(seen: Engine) -> None:
    deeds = [(deed, MACHINE) for deed in (*ALL, TellFile(path="/nowhere"), *ALL)]
    with seen.transaction():
        outcomes = carry_out(seen, 1, deeds, NOW)

    refused = [isinstance(outcome, StorewardenError) for outcome in outcomes]
    assert refused == [False] * len(ALL) + [True] + [False] * len(ALL)


def test_usage_without_a_key_counts_each_time_and_with_one_once(seen: Engine) -> None:
    plain, keyed = TellUsage(provider="fal"), TellUsage(provider="fal", key="k", tokens_in=5)
    tell(seen, plain, plain, keyed, keyed)

    assert seen.execute("SELECT count(*) FROM api_usage") == [(3,)]
    assert one(seen, "times, calls, tokens_in", "api_usage_days") == (3, 3, 5)


def test_keys_of_users_are_their_own(seen: Engine) -> None:
    anna, ben = user(seen, "anna"), user(seen, "ben")
    usage = TellUsage(provider="fal", key="k")
    for who in (MACHINE, anna, ben, anna):
        tell(seen, usage, who=who)

    assert seen.execute("SELECT count(*) FROM api_usage") == [(3,)]


def test_what_making_a_file_cost_is_added_up_with_the_file(seen: Engine) -> None:
    usage = TellUsage(provider="fal", path="uploads/a.png", cost=Decimal("0.5"))
    tell(seen, usage, usage)
    assert one(seen, "cost_nano, cost_currency", "told_files") == (10**9, "USD")
    tell(seen, TellUsage(provider="fal", path="uploads/a.png", cost=Decimal(1), currency="EUR"))
    assert one(seen, "cost_nano, cost_currency", "told_files") == (2 * 10**9, "")


def test_whose_a_file_is_says_only_who_may(seen: Engine) -> None:
    anna = user(seen, "anna")
    with pytest.raises(NotAllowed):
        tell(seen, TellFile(path="uploads/b.png", owner="ben"), who=anna)
    with pytest.raises(Wrong, match="is no user"):
        tell(seen, TellFile(path="uploads/b.png", owner="ben"))

    tell(seen, TellFile(path="uploads/a.png", owner="anna"))
    assert marks.of_files(seen, [7])[7].owner == "anna"
    tell(seen, TellFile(path="uploads/a.png", title="Mine"), who=anna)
    with pytest.raises(NotThere):
        tell(seen, TellFile(path="uploads/a.png", title="Mine"), who=user(seen, "ben"))


def test_text_of_any_script_and_size_is_kept(seen: Engine) -> None:
    text = "灯台 Ünder\n\té 𝄞 " * 50_000
    tell(seen, TellText(path="uploads/a.png", text=text))

    assert one(seen, "text", "told_texts") == (text,)
