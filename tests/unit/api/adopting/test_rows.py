"""Rows become deeds; those that cannot are told with table, row and column, and stop no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from storewarden.api.adopting.fitting import Shape, fit
from storewarden.api.adopting.kinds import AdoptUser
from storewarden.api.adopting.language import read
from storewarden.api.adopting.matching import Hints, Places
from storewarden.api.adopting.rows import At, Bad, Came, Told, Turner, Unplaced, source_of
from storewarden.api.adopting.values import Maker
from storewarden.api.deeds import Phase, TellFile, TellText, TellUsage, TellWorkflow
from storewarden.errors import DatabaseUnusable

MAP = """\
version: 1
tables:
  users: {tell: user, name: login}
  clips:
    - {tell: file, path: path, title: name, size: bytes}
    - {tell: text, if: words, path: path, text: words}
  calls:
    tell: usage
    provider: who
    path: path
    by: {column: user, through: {table: users, key: id, take: login}}
  parts: {tell: phase, workflow: job, name: name, status: state}
  talks:
    tell: chat
    path: {column: clip, through: {table: clips, key: id, take: path}}
    question: q
    answer: a
"""
TABLES = [
    Shape("users", ("id", "login"), ("rowid",), ("id",)),
    Shape("clips", ("id", "path", "name", "words", "bytes"), ("rowid",), ("id",)),
    Shape("calls", ("who", "path", "user"), ("rowid",), ()),
    Shape("parts", ("job", "name", "state"), ("job", "name"), ()),
    Shape("talks", ("clip", "q", "a"), ("rowid",), ()),
]
USERS, CLIPS, CALLS, PARTS, TALKS = range(5)


def came(number: int, *row: Any, key: tuple[Any, ...] = (1,), source: str = "s") -> list[Came]:
    plan = fit(read("my.yaml", MAP.encode()), TABLES)
    with Places({"out": b"/nowhere/out"}, Hints()) as places:
        turner = Turner(plan, Maker(), places, source)
        table, told = turner.turn(json.dumps([number, key, row]).encode())
        assert table == number
        return list(told)


def test_a_row_may_tell_several_things() -> None:
    file, text = came(CLIPS, "/nowhere/out/a.mp4", "A", 12, "some words")

    assert isinstance(file, Told)
    assert isinstance(text, Told)
    assert file.deed == TellFile(path="/nowhere/out/a.mp4", title="A")
    assert (file.size, file.file and file.file.state) == (12, "absent")
    assert text.deed == TellText(path="/nowhere/out/a.mp4", text="some words")
    assert len(came(CLIPS, "/nowhere/out/a.mp4", "A", 12, None)) == 1


def test_users_and_phases_are_told_too() -> None:
    (user,), (part,) = came(USERS, "ann"), came(PARTS, "fox", "script", "done", key=("fox", "s"))

    assert isinstance(user, Told)
    assert isinstance(part, Told)
    assert user.deed == AdoptUser(name="ann")
    assert part.deed == TellWorkflow(workflow="fox", phases=(Phase(name="script", status="done"),))


def test_what_is_wrong_is_told_with_its_place() -> None:
    at = At("clips", (7,))

    assert came(CLIPS, None, "A", 1, None, key=(7,)) == [Bad(at, "file", "path", "holds nothing")]
    (long,) = came(CLIPS, "out/a", "x" * 201, 1, None, key=(7,))
    assert isinstance(long, Bad)
    assert (long.column, long.why) == (
        "name",
        "has 201 characters; one line of text: 0 to 200 characters",
    )
    (state,) = came(PARTS, "fox", "script", "odd", key=("fox", "script"))
    assert isinstance(state, Bad)
    assert (str(state.at), state.column) == ("parts fox, script", "state")
    (talk,) = came(TALKS, None, "q", "a")
    assert isinstance(talk, Bad)
    assert (talk.column, talk.why) == ("clip", "names no row of clips")
    (_, text) = came(CLIPS, "out/a", "A", 1, {"__bytes__": "/w=="})
    assert isinstance(text, Bad)
    assert (text.column, text.why) == ("words", "is bytes, and no text")


def test_what_is_below_no_root_is_not_told_but_what_it_cost_is() -> None:
    (file,), (call,) = came(CLIPS, "/tmp/a", "A", 1, None), came(CALLS, "openai", "/tmp/a", "ann")

    assert isinstance(file, Unplaced)
    assert file.file.why == "is below none of the roots"
    assert isinstance(call, Told)
    assert isinstance(call.deed, TellUsage)
    assert (call.deed.path, call.by) == (None, "ann")


def key(*, number: int = 1, source: str = "s") -> str | None:
    (call,) = came(CALLS, "openai", None, None, key=(number,), source=source)
    assert isinstance(call, Told)
    assert isinstance(call.deed, TellUsage)
    return call.deed.key


def test_a_row_has_one_key_for_ever_and_another_database_has_others() -> None:
    assert key() == key() == "adopt:s:calls:1"
    assert len({key(), key(number=2), key(source="t")}) == 3
    assert len({key(source="x" * 200), key(source="y" * 200), key(source="ü\n")}) == 3


def test_a_database_is_known_by_its_place_unless_it_has_a_name() -> None:
    here = source_of(b"/srv/app.db", None, "machine")

    assert here == source_of(b"/srv/app.db", None, "machine")
    assert here not in {
        source_of(b"/srv/b.db", None, "machine"),
        source_of(b"/srv/app.db", None, "x"),
    }
    assert source_of(b"/srv/app.db", "mine", "machine") == "mine"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[1]",
        b"[9, [1], []]",
        b'[0, [1], ["a", "b"]]',
        b'[0, 1, ["a"]]',
        b'["x", [], []]',
    ],
)
def test_what_no_reader_of_ours_writes_is_refused(line: bytes) -> None:
    plan = fit(read("my.yaml", MAP.encode()), TABLES)
    with (
        Places({}, Hints()) as places,
        pytest.raises(DatabaseUnusable, match="makes no sense"),
    ):
        Turner(plan, Maker(), places, "s").turn(line)
