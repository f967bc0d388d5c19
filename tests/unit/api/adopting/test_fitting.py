"""A map is held against the tables that there are, before any row is read."""

from __future__ import annotations

import pytest

from storewarden.api.adopting.fitting import Shape, fit, shapes
from storewarden.api.adopting.language import read
from storewarden.api.adopting.shipped import by_name, fitting
from storewarden.errors import MapError, UsageError
from tests.conftest import Golden

VIDEOS = Shape("Videos", ("id", "Path", "name", "secret"), ("rowid",), ("id",))
CHAT = Shape("chat", ("video", "q", "a"), ("rowid",), ())
OTHER = Shape("sessions", ("id",), ("rowid",), ())
MAP = """\
version: 1
tables:
  videos: {tell: file, path: path, title: [title, name]}
  chat:
    tell: chat
    path: {column: video, through: {table: videos, key: id, take: path}}
    question: q
    answer: a
"""


def test_columns_are_found_whatever_their_capitals_and_what_is_left_is_told() -> None:
    plan = fit(read("my.yaml", MAP.encode()), [VIDEOS, CHAT, OTHER])

    assert [one.asked() for one in plan.readings] == [
        {"table": "Videos", "key": ["rowid"], "columns": ["Path", "name"]},
        {
            "table": "chat",
            "key": ["rowid"],
            "columns": [["video", "Videos", "id", "Path"], "q", "a"],
        },
    ]
    assert (plan.tables_left, plan.columns_left) == (("sessions",), {"Videos": ("secret",)})


def test_a_column_that_two_fields_take_is_read_once() -> None:
    text = "version: 1\ntables: {videos: {tell: file, path: path, title: path, metadata: [name]}}"
    (reading,) = fit(read("my.yaml", text.encode()), [VIDEOS]).readings

    assert reading.columns == ("Path", "name")


def test_what_is_not_there_is_told_at_its_place(golden: Golden) -> None:
    text = """\
version: 1
tables:
  vidoes: {tell: file, path: path}
  videos: {tell: file, path: pth, title: [title, label], metadata: [style]}
  chat:
    tell: chat
    path: {column: vid, through: {table: video, key: id, take: path}}
    question: {column: video, through: {table: videos, key: name, take: path}}
    answer: {column: video, through: {table: films, key: id, take: path}}
    more: {json: [extra]}
  sessions: {if: user, tell: user, name: id}
"""
    with pytest.raises(MapError) as wrong:
        fit(read("my.yaml", text.encode()), [VIDEOS, CHAT, OTHER])

    golden("adopting/wrong-fit.txt", f"{wrong.value}\n")


def test_a_lenient_map_leaves_out_what_is_not_there() -> None:
    text = """\
version: 1
missing: ignore
tables:
  films: {tell: file, path: path}
  videos:
    - {tell: file, path: path, title: label, rating: stars}
    - {tell: text, path: path, text: words}
    - {tell: usage, if: cost, provider: name}
"""
    (reading,) = fit(read("my.yaml", text.encode()), [VIDEOS]).readings

    assert [(one.kind, sorted(one.sources)) for one in reading.fitted] == [("file", ["path"])]


def test_a_map_of_other_tables_is_refused() -> None:
    text = "version: 1\nmissing: ignore\ntables: {films: {tell: file, path: path}}"

    with pytest.raises(MapError, match="there are Videos, chat"):
        fit(read("my.yaml", text.encode()), [VIDEOS, CHAT])


def test_a_lookup_that_would_read_a_table_again_and_again_is_refused_of_any_map() -> None:
    text = MAP.replace("version: 1", "version: 1\nmissing: ignore")
    table = Shape("videos", ("id", "path"), ("rowid",), ())

    with pytest.raises(MapError, match="no index"):
        fit(read("my.yaml", text.encode()), [table, CHAT])


def test_the_shipped_map_is_chosen_by_the_tables() -> None:
    told = {"columns": ["id"], "key": ["rowid"], "indexed": []}

    assert fitting(shapes({"Videos": told, "chat_history": told})).name == "video-analyzer"
    with pytest.raises(UsageError, match="its tables are notes"):
        fitting(shapes({"notes": told}))
    names = [name for one in ("video-analyzer", "workflow-app") for name in by_name(one).marks]
    with pytest.raises(UsageError, match="several applications"):
        fitting(shapes(dict.fromkeys(names, told)))
