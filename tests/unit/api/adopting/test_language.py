"""A map is read strictly, and everything that is wrong with it is told with its place."""

from __future__ import annotations

import pytest

from storewarden.api.adopting.kinds import KINDS, Through, Value, fields
from storewarden.api.adopting.language import read
from storewarden.api.adopting.shipped import by_name, shipped
from storewarden.errors import MapError, UsageError
from tests.conftest import Golden

WHOLE = """\
version: 1
about: my app
times: Europe/Berlin
missing: ignore
known_by: [clips]
tables:
  clips:
    - tell: file
      path: [path, file]
      title: {column: name, cut: true}
      workflow: {column: job, form: "job-{}"}
      owner: {column: user_id, through: {table: users, key: id, take: [login, name]}}
      metadata: {columns: [style], json: [extra]}
      file_type: {is: clip}
    - tell: text
      if: words
      path: path
      text: words
  jobs:
    tell: workflow
    workflow: id
    status: {column: state, words: {ready: done, 1: running}, otherwise: planned}
"""
WRONG = """\
version: 2
about: {}
times: Mars
missing: maybe
tabels: {}
tables:
  videos:
    - tell: fiel
    - path: file_path
    - tell: file
      pth: file_path
      title: {column: name, is: x, cutt: true}
      tags: {}
      rating: {columns: [a]}
      owner: {column: user_id, through: {table: users}}
      workflow: {column: id, form: "job"}
    - []
  Videos: {tell: chat}
  clips: []
  jobs:
    tell: workflow
    workflow: [id, {}]
    status: {column: state, words: {ready: doen}, unit: day}
    key: id
    public: {column: pub, cut: maybe}
"""


def test_a_map_is_what_it_says() -> None:
    one = read("my.yaml", WHOLE.encode())
    clips, jobs = one.tables
    file, text = clips.tellings

    assert (one.about, one.zone, one.lenient, one.marks) == (
        "my app",
        "Europe/Berlin",
        True,
        ("clips",),
    )
    assert file.values["path"] == Value("my.yaml:9:13", ("path", "file"))
    assert file.values["owner"].through == (Through("users", "id", ("login", "name")),)
    assert (file.values["title"].cut, file.values["workflow"].form) == (True, "job-{}")
    assert (file.values["metadata"].gathered, file.values["metadata"].json) == (
        ("style",),
        ("extra",),
    )
    assert file.values["file_type"].constant == "clip"
    assert (text.only_if, text.kind) == (("words",), "text")
    status = jobs.tellings[0].values["status"]
    assert (status.words, status.otherwise) == ((("ready", "done"), ("1", "running")), "planned")


def test_everything_that_is_wrong_is_told_at_once_with_its_place(golden: Golden) -> None:
    with pytest.raises(MapError) as wrong:
        read("my.yaml", WRONG.encode())

    golden("adopting/wrong-map.txt", f"{wrong.value}\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "my.yaml:1:1: is empty"),
        ("- 1", "is not keys with values"),
        ("version: 1", "tables: is missing"),
        ("version: 1\ntables: {}", "tables: is empty"),
        ("tables: {t: {tell: user, name: n}}", "version: is missing"),
        ("version: 1\nversion: 1", "is given twice"),
        ("version: 1\ntables: *a", "alias"),
        (f"version: 1\ntables: {{t: {{tell: user, name: {'n' * 201}}}}}", "longer than"),
    ],
)
def test_what_is_no_map_is_refused(text: str, problem: str) -> None:
    with pytest.raises(MapError, match=problem):
        read("my.yaml", text.encode())


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_is_read_and_knows_its_application(name: str) -> None:
    one = by_name(name)

    assert one.lenient
    assert one.about
    assert set(one.marks) <= {table.name for table in one.tables}


def test_a_map_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="did you mean workflow-app"):
        by_name("workflow_app")
    with pytest.raises(UsageError, match="video-analyzer, workflow-app"):
        by_name("/nowhere.yaml")


@pytest.mark.parametrize("kind", KINDS)
def test_no_map_says_what_only_we_know(kind: str) -> None:
    assert not {"must", "key"} & fields(kind).keys()
